"""Whether a stored model answers as the model that it was made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from learnware.errors import UnsupportedModel
from learnware.models.base import FORMATS, ModelEntry, Predictor


def verify(model: Any, stored: Predictor, entry: ModelEntry, sample: Any) -> None:
    """Compare the answers of a model and of what was stored of it.

    Raises
    ------
    UnsupportedModel
        They differ on the rows of `sample`.
    """
    given = FORMATS[entry.format]().given(model, entry)
    for method in ("predict", "predict_proba"):
        if not hasattr(given, method):
            continue
        # One row alone finds models that are stored for one number of rows only.
        if not hasattr(stored, method) or not all(_same(given, stored, method, X) for X in (sample, sample[:1])):
            raise UnsupportedModel(
                f"{type(model).__name__} answers {method} differently after storing it in the format "
                f"{entry.format!r}. It cannot be shared in this form: check for custom objectives, randomness or "
                "state outside the model."
            )


def _same(given: Predictor, stored: Predictor, method: str, X: Any) -> bool:
    # Each gets a copy, since a pipeline may scale its rows in place.
    expected, got = (np.asarray(getattr(model, method)(X.copy())) for model in (given, stored))
    if expected.shape != got.shape:
        return False
    if expected.dtype.kind == "f" and got.dtype.kind == "f":
        return bool(np.allclose(got, expected, rtol=1e-5, atol=1e-6, equal_nan=True))
    return bool(np.array_equal(expected, got))
