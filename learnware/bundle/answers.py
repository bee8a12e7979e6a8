"""Check what a model answers before anyone relies on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.errors import BadPrediction
from learnware.models import ModelEntry

Array = npt.NDArray[Any]


def checked_values(answer: Any, n_rows: int, entry: ModelEntry) -> Array:
    """Return predictions of shape (n_rows,), or (n_rows, n_outputs) when a row has several.

    Raises
    ------
    BadPrediction
        Their number or type is wrong, a value is not finite, or a label is none of the classes.
    """
    values = _as_rows(answer, n_rows, "predict")
    if values.ndim == 2 and entry.n_outputs == 1:
        values = values[:, 0] if values.shape[1] == 1 else values
    expected = (n_rows,) if entry.n_outputs == 1 else (n_rows, entry.n_outputs)
    if values.shape != expected:
        raise BadPrediction(f"The model must predict an array of shape {expected}. Got shape {values.shape}.")
    if entry.classes is None:
        return _finite(values, "predict")
    classes = np.asarray(entry.classes)
    if not np.isin(values, classes).all():
        strange = values[~np.isin(values, classes)][0]
        raise BadPrediction(f"The model predicted {strange!r}, which is none of its classes {list(entry.classes)!r}.")
    return values.astype(classes.dtype, copy=False)


def checked_probabilities(answer: Any, n_rows: int, entry: ModelEntry) -> Array:
    """Return probabilities of shape (n_rows, n_classes).

    Raises
    ------
    BadPrediction
        Their shape is wrong, or a row is no probability distribution.
    """
    values = _as_rows(answer, n_rows, "predict_proba")
    expected = (n_rows, len(entry.classes or ()))
    if values.shape != expected:
        raise BadPrediction(f"The model must give probabilities of shape {expected}. Got shape {values.shape}.")
    values = _finite(values, "predict_proba")
    if values.min() < -1e-6 or np.abs(values.sum(axis=1) - 1.0).max() > 1e-3:
        raise BadPrediction("The model's probabilities must be at least 0 and add up to 1 in each row. They do not.")
    return values


def _as_rows(answer: Any, n_rows: int, method: str) -> Array:
    try:
        values = np.asarray(answer)
    except ValueError as error:
        raise BadPrediction(f"The model must answer {method} with an array: {error}.") from error
    if values.ndim == 0 or len(values) != n_rows:
        raise BadPrediction(f"The model must answer {method} with {n_rows} rows. Got shape {values.shape}.")
    return values


def _finite(values: Array, method: str) -> Array:
    if values.dtype.kind not in "biuf":
        raise BadPrediction(f"The model must answer {method} with numbers. Got values of type {values.dtype}.")
    if not np.isfinite(values).all():
        rows = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
        raise BadPrediction(
            f"The model's {method} is not finite for {len(rows)} row(s), the first being row {rows[0]}. Leave such "
            "rows out, or tell its developer."
        )
    return values
