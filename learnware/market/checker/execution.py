"""Checks that run the model on rows drawn from its own specification."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from learnware.errors import BundleError, LearnwareError
from learnware.market.checker.base import Finding

if TYPE_CHECKING:
    from learnware.bundle import Learnware

N_ROWS = 24

_TOLERANCE = 1e-3


def check_execution(learnware: Learnware) -> Iterator[Finding]:
    """Yield what goes wrong when the model answers.

    A learnware itself refuses answers of a wrong shape, values that are not finite, classes that it does not name, and
    probabilities that do not add up to one; whatever it or its model raises becomes a finding.
    """
    rkme = learnware.specification.statistical
    if rkme is None:
        return
    X = rkme.sample(N_ROWS, random_state=0)
    first = yield from _attempt("predict", learnware.predict, X)
    if first is None:
        return
    second = yield from _attempt("predict", learnware.predict, X)
    if second is not None and not _same(first, second):
        yield Finding(
            "error",
            "answers-unsteady",
            "Asked twice for the same rows, the model answers differently. Fix its random state, or switch it from "
            "training to evaluation.",
        )
    yield from _attempt("predict-single-row", learnware.predict, X[:1])
    if hasattr(learnware, "predict_proba"):
        yield from _attempt("predict-proba", learnware.predict_proba, X)


def _attempt(
    what: str, call: Callable[[Any], npt.NDArray[Any]], X: Any
) -> Generator[Finding, None, npt.NDArray[Any] | None]:
    try:
        return call(X)
    except BundleError:
        # A damaged file is no learnware; packing it again would not mend it.
        raise
    except LearnwareError as error:
        yield Finding(
            "error",
            f"{what}-fails",
            f"The model fails on {len(X)} row(s) drawn from its specification: {error} Mend it, then pack it again.",
        )
        return None


def _same(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> bool:
    if np.issubdtype(first.dtype, np.inexact):
        # Numbers may differ in their last digits: threads do not always add in the same order.
        return bool(np.allclose(first, second, rtol=_TOLERANCE, atol=_TOLERANCE))
    return bool(np.array_equal(first, second))
