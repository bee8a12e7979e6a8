"""Read the labels of a user or developer, some of which may be missing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._optional import loaded
from learnware.errors import InvalidData
from learnware.limits import LIMITS
from learnware.specification.labels import Label
from learnware.specification.semantic import Fields, SemanticSpecification


@dataclass(frozen=True)
class Targets:
    """Labels as outputs of a model would be.

    Parameters
    ----------
    task : str or None
        What is predicted.
    outputs : ndarray of shape (n_samples, n_outputs) or None
        One probability of 1 a row for classes, or values; NaN in rows without a label. None for other tasks.
    classes : tuple of labels, optional
        What the columns stand for.
    """

    task: str | None
    outputs: npt.NDArray[np.float64] | None
    classes: tuple[Label, ...] | None = None

    @classmethod
    def read(cls, y: Any, n_samples: int, task: str | None = None) -> Targets:
        """Read labels of any library.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            None or NaN where there is no label.
        n_samples : int
            Rows of X.
        task : str, optional
            Default: regression if y holds floats, else classification. It must be said if y is of floats that are all
            whole, with NaN among them: whole numbers become such floats where some are missing.

        Raises
        ------
        InvalidData
            y has another length, holds nothing, labels of several types, too many classes, or several columns of
            classes; or it does not tell its task.
        """
        values = _as_array(y)
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim not in (1, 2) or len(values) != n_samples:
            raise InvalidData(f"y must have one label for each of the {n_samples} samples. Got shape {values.shape}.")
        said = SemanticSpecification(task=task).task
        if said is None and values.ndim == 1 and _may_be_classes_with_gaps(values):
            raise InvalidData(
                "y must tell whether it holds classes or values. Got floats that are all whole, with NaN among them: "
                "say task='classification' or task='regression'."
            )
        kind = said or _task_of(values)
        if kind == "Classification" and values.ndim == 2:
            raise InvalidData(
                f"y must be one column of classes. Got shape {values.shape}: make a specification for each column, or "
                "say task='regression' if they are values."
            )
        if kind == "Classification":
            return cls(kind, *_one_hot(values))
        return cls(kind, _numbers(values)) if kind == "Regression" else cls(said, None)

    @property
    def fields(self) -> Fields | None:
        """What a semantic specification says of the outputs."""
        if self.outputs is None:
            return None
        return Fields(self.outputs.shape[1]) if self.classes is None else Fields.named(self.classes)


def _as_array(y: Any) -> npt.NDArray[Any]:
    """Return labels as an array of numpy's own or plain Python values, with None for what is missing."""
    torch = loaded("torch")
    if torch is not None and isinstance(y, torch.Tensor):
        y = y.detach().cpu().numpy()
    if hasattr(y, "to_list") and not isinstance(getattr(y, "dtype", None), np.dtype):
        y = y.to_list()  # as an array, whole numbers with gaps would become floats
    # An array of mixed labels would turn numbers into text.
    values = np.asarray(y, dtype=None if hasattr(y, "dtype") else object)
    if values.dtype.kind not in "biufOUT":
        raise InvalidData(
            f"y must hold text, numbers or truth values. Got values of type {values.dtype}: convert them."
        )
    return np.asarray(np.frompyfunc(_plain, 1, 1)(values)) if values.dtype.kind == "O" and values.ndim else values


def _plain(value: Any) -> Any:
    if _missing(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _task_of(values: npt.NDArray[Any]) -> str:
    kinds = {type(value) for value in values.ravel().tolist() if not _missing(value)}
    return "Regression" if kinds and kinds <= {int, float} and float in kinds else "Classification"


def _may_be_classes_with_gaps(values: npt.NDArray[Any]) -> bool:
    told = [value for value in values.tolist() if not _missing(value)]
    floats = 0 < len(told) < len(values) and all(type(value) is float for value in told)
    return floats and all(value.is_integer() for value in told)


def _one_hot(values: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], tuple[Label, ...]]:
    given = np.array([not _missing(value) for value in values.tolist()])
    if not given.any():
        raise InvalidData("y must hold at least one label. Search without y.")
    labels = values[given].tolist()
    odd = next((label for label in labels if not isinstance(label, str | int | float)), None)
    if odd is not None:
        raise InvalidData(f"y must hold text, numbers or truth values. Got {type(odd).__name__}: convert them.")
    if any(isinstance(label, float) and math.isinf(label) for label in labels):
        raise InvalidData("y must hold text, finite numbers or truth values. Got infinite ones: replace them by NaN.")
    kinds = {str if isinstance(label, str) else bool if isinstance(label, bool) else float for label in labels}
    if len(kinds) > 1:
        raise InvalidData("y must hold labels of one type: all text, all numbers, or all truth values. Convert them.")
    classes = tuple(sorted(set(labels)))
    if len(classes) > LIMITS["columns"]:
        raise InvalidData(
            f"y must hold at most {LIMITS['columns']:,} classes. Got {len(classes):,}: join rare ones, or say "
            "task='regression' if they are values."
        )
    places = {label: i for i, label in enumerate(classes)}
    outputs = np.full((len(values), len(classes)), np.nan)
    outputs[given] = 0.0
    outputs[np.flatnonzero(given), [places[label] for label in labels]] = 1.0
    return outputs, classes


def _numbers(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidData(f"y must hold numbers for regression: {error}. Convert them.") from error
    if np.isinf(numbers).any() or np.isnan(numbers).all():
        raise InvalidData("y must hold finite numbers, or NaN where there is none, and at least one.")
    return numbers[:, None] if numbers.ndim == 1 else numbers


def _missing(value: Any) -> bool:
    if value is None or isinstance(value, float):
        return value is None or math.isnan(value)
    # pandas has marks of its own for missing values.
    return type(value).__name__ in ("NAType", "NaTType")
