"""Checks that run the model on rows drawn from its own specification."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from learnware.errors import BundleError, LearnwareError, MissingDependency
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
    X = yield from _rows_answered(learnware.predict, rkme.sample(N_ROWS, random_state=0))
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


def _rows_answered(call: Callable[[Any], npt.NDArray[Any]], X: Any) -> Generator[Finding, None, Any]:
    """Return the rows of `X` to go on with: all of them, unless the model fails on some and answers the others.

    A point stands for many rows and need not be a row itself: between the codes of a column, or beside the range of
    another, it may ask for what no honest model has learned.
    """
    failure = _failure(call, X)
    if failure is None:
        return X
    kept = [i for i in range(len(X)) if _failure(call, X[i : i + 1]) is None]
    if not 0 < len(kept) < len(X):
        return X
    yield Finding(
        "warning",
        "predict-fails-on-some",
        f"The model fails on {len(X) - len(kept)} of {len(X)} rows drawn from its specification: {failure} Points of a "
        "specification need not be rows of the data; make the model answer values that it has not seen.",
    )
    return getattr(X, "iloc", X)[kept]


def _failure(call: Callable[[Any], npt.NDArray[Any]], X: Any) -> LearnwareError | None:
    try:
        call(X)
    except (BundleError, MissingDependency):
        raise
    except LearnwareError as error:
        return error
    return None


def _attempt(
    what: str, call: Callable[[Any], npt.NDArray[Any]], X: Any
) -> Generator[Finding, None, npt.NDArray[Any] | None]:
    try:
        return call(X)
    except (BundleError, MissingDependency):
        # Packing again mends neither a damaged file nor a library that this machine lacks.
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
