"""What one learnware answers to rows, checked before anybody reckons with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.errors import ModelFailure
from learnware.reuse.labels import one_hot
from learnware.reuse.sources import name_of

Array = npt.NDArray[np.float64]


def values_of(learnware: Any, X: Any) -> Array:
    """Return the values that a learnware predicts: shape (n_samples, n_outputs).

    Raises
    ------
    ModelFailure
        The answer is not one finite number, or as many for every row.
    """
    values = _checked(learnware, learnware.predict(X), X)
    return values[:, None] if values.ndim == 1 else values


def probabilities_of(learnware: Any, classes: npt.NDArray[Any], X: Any) -> Array:
    """Return the probabilities of its classes, or certainties where it tells none: shape (n_samples, n_classes).

    Raises
    ------
    ModelFailure
        The answer is not one probability for each class, or names others.
    """
    if hasattr(learnware, "predict_proba"):
        answer = _checked(learnware, learnware.predict_proba(X), X)
        if answer.ndim != 2 or answer.shape[1] != len(classes) or answer.min(initial=0.0) < 0:
            raise ModelFailure(
                f"{name_of(learnware)} must give one probability for each of its {len(classes)} classes. "
                f"Got an array of shape {answer.shape} with least value {answer.min(initial=0.0):.3g}."
            )
    else:
        answer = one_hot(np.asarray(learnware.predict(X)), classes, name_of(learnware))
    total = answer.sum(axis=1, keepdims=True)
    evenly = np.full_like(answer, 1.0 / len(classes))
    return np.asarray(np.divide(answer, total, out=evenly, where=total > 0))


def _checked(learnware: Any, answer: Any, X: Any) -> Array:
    name = name_of(learnware)
    try:
        values = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ModelFailure(f"{name} must answer with numbers. Got {type(answer).__name__}: {error}.") from error
    if values.ndim not in (1, 2) or len(values) != len(X):
        raise ModelFailure(f"{name} must give one answer a row, {len(X)} here. Got shape {values.shape}.")
    if not np.isfinite(values).all():
        raise ModelFailure(f"{name} answered with NaN or infinity. Leave it out, or fill missing values in X.")
    return values
