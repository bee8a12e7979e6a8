"""The specification of a learnware: its data, and what its model answers there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._validation import RandomState, complain
from learnware.bundle.answers import checked_probabilities, checked_values
from learnware.bundle.given import Given
from learnware.errors import ColumnMismatch, IncomparableSpaces, InvalidData, InvalidParameter, LearnwareError
from learnware.models import ModelEntry
from learnware.models.base import Predictor
from learnware.specification import RKME, Fields, PointLabels, SemanticSpecification, Space, Specification
from learnware.specification.encoders import Encoder, infer_space, read_table
from learnware.specification.measuring import LEAST_MIN_ROWS

_CALLER = "Learnware.from_model"
#: Rows that the model is asked for: enough for the mean around every point.
_ASKED_ROWS = 10_000

Array = npt.NDArray[np.float64]


def specify(
    given: Given,
    entry: ModelEntry,
    predictor: Predictor,
    *,
    encoder: Encoder | str | None,
    score: float | None,
    n_points: int,
    random_state: RandomState,
    progress: bool | None,
) -> Specification:
    """Build the specification of a developer's data, its points labelled with the answers of the stored model.

    Raises
    ------
    InvalidData, TooFewRows
        X cannot be used, or the model fails on it.
    BadPrediction
        The model answers with what no learnware may.
    """
    places, rows = given.rows(_ASKED_ROWS)
    rkme = RKME.from_data(
        given.X,
        n_points,
        data=given.data,
        encoder=encoder,
        outputs=_soft(rows, entry, predictor),
        output_rows=places,
        classes=entry.classes,
        score=score,
        random_state=random_state,
        progress=progress,
    )
    return Specification(SemanticSpecification(data=given.data, inputs=_inputs(rkme.space)), rkme)


def fitted_to(given: Given, entry: ModelEntry, specification: Specification) -> Specification:
    """Return a developer's own specification with columns and classes in the order of the model's.

    Raises
    ------
    InvalidParameter
        It has no points, or labels of other classes.
    ColumnMismatch
        It is of other columns, or of other data.
    """
    rkme = specification.statistical
    if rkme is None:
        raise complain("specification", _CALLER, "one with a statistical part", specification)
    if rkme.space.data != given.data:
        raise InvalidParameter(
            f"The specification must be of {given.data} data, as X is. Got one of {rkme.space.data} data: build it "
            f"with Specification.from_data(X, data={given.data!r})."
        )
    if given.data == "table":
        try:
            rkme = rkme.aligned_to(infer_space(read_table(given.X), min_rows=LEAST_MIN_ROWS))
        except IncomparableSpaces as error:
            raise ColumnMismatch(f"The specification must be of the columns of X. {error}") from error
    labels = None if rkme.labels is None else _agreeing(rkme.labels, entry)
    return replace(specification, statistical=replace(rkme, labels=labels))


def checked_score(score: object, task: str) -> float | None:
    """Return what a developer says of the model's quality.

    Raises
    ------
    InvalidParameter
        It is no accuracy or coefficient of determination.
    """
    if score is None:
        return None
    number = isinstance(score, int | float | np.integer | np.floating) and not isinstance(score, bool)
    least = 0.0 if task == "Classification" else -np.inf
    if not number or not least <= float(score) <= 1.0 or not np.isfinite(float(score)):  # type: ignore[arg-type]
        expected = "an accuracy, from 0 to 1" if task == "Classification" else "a coefficient of determination, up to 1"
        raise complain("score", _CALLER, f"{expected}, on rows that the model was not fitted on", score)
    return float(score)  # type: ignore[arg-type]


def _soft(rows: Any, entry: ModelEntry, predictor: Predictor) -> Array:
    """Return what the model answers to rows: probabilities, ones for the classes that it says, or values."""
    n_rows = len(rows)
    if entry.probabilities:
        shares = checked_probabilities(_answer(predictor, "predict_proba", rows), n_rows, entry).astype(np.float64)
        # Libraries that compute in single precision miss these bounds by a little.
        shares = np.clip(shares, 0.0, None)
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))
    values = checked_values(_answer(predictor, "predict", rows), n_rows, entry)
    if entry.classes is None:
        return np.asarray(values, dtype=np.float64).reshape(n_rows, entry.n_outputs)
    return np.asarray(values[:, None] == np.asarray(entry.classes)[None, :], dtype=np.float64)


def _answer(predictor: Predictor, method: str, rows: Any) -> Any:
    try:
        return getattr(predictor, method)(rows)
    except (LearnwareError, MemoryError):
        raise
    except Exception as error:
        raise InvalidData(
            f"The model itself fails on rows of X: {type(error).__name__}: {error} Pass X as the model takes it."
        ) from error


def _inputs(space: Space) -> Fields | None:
    if not space.decodable:
        return None
    return Fields.named(space.names) if space.named else Fields(len(space.columns))


def _agreeing(labels: PointLabels, entry: ModelEntry) -> PointLabels:
    if entry.classes is None or labels.classes is None:
        if labels.classes is not None or entry.classes is not None or labels.values.shape[1] != entry.n_outputs:
            raise InvalidParameter(
                "The labels of the specification must be what the model predicts: "
                f"{_told(entry.classes, entry.n_outputs)}. Got {_told(labels.classes, labels.values.shape[1])}: build "
                "it without y, or with the y of this model."
            )
        return labels
    if set(map(_typed, labels.classes)) != set(map(_typed, entry.classes)):
        raise InvalidParameter(
            f"The labels of the specification must be of the model's classes {list(entry.classes)!r:.200}. Got "
            f"{list(labels.classes)!r:.200}: build it without y, or with the y of this model."
        )
    own = list(map(_typed, labels.classes))
    order = [own.index(_typed(label)) for label in entry.classes]
    return PointLabels(labels.values[:, order], entry.classes, labels.score)


def _told(classes: object, n_outputs: int) -> str:
    return f"{n_outputs} value(s)" if classes is None else "classes"


def _typed(label: Any) -> tuple[type, Any]:
    return type(label), label
