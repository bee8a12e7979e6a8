"""Checks that run the model: on rows drawn from its own specification, or on texts and images that we made."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from learnware.errors import (
    BundleError,
    EnvironmentFailed,
    IsolationUnavailable,
    LearnwareError,
    MissingDependency,
    ModelFailure,
    SandboxMemory,
    SandboxTimeout,
    UntrustedModel,
    WorkerCrashed,
)
from learnware.market.checker.base import Finding
from learnware.market.checker.probes import Probes, probes_of

if TYPE_CHECKING:
    from learnware.bundle import Learnware

_TOLERANCE = 1e-3

#: Asking row by row, which may take as long as the model likes, ends after so long.
_PATIENCE_SECONDS = 60.0

_LIMITS = "`learnware limits` prints what a model may use."
#: What ends a check at once, since each further try would start another process: code of the finding, and advice.
_ENDS: dict[type[LearnwareError], tuple[str, str]] = {
    EnvironmentFailed: ("environment", "Correct its requirements, then pack it again."),
    SandboxMemory: ("predict-memory", f"Make it smaller. {_LIMITS}"),
    SandboxTimeout: ("predict-timeout", f"Make it faster. {_LIMITS}"),
    WorkerCrashed: ("predict-crash", f"Mend it, then pack it again. {_LIMITS}"),
}
#: Besides these, what packing again mends neither: a damaged file, what this machine lacks, what its user forbids.
_PASSED_ON: tuple[type[LearnwareError], ...] = (
    *_ENDS,
    BundleError,
    IsolationUnavailable,
    MissingDependency,
    UntrustedModel,
)


def check_execution(learnware: Learnware) -> Iterator[Finding]:
    """Yield what goes wrong when the model answers.

    A learnware itself refuses answers of a wrong shape, values that are not finite, classes that it does not name, and
    probabilities that do not add up to one; whatever it or its model raises becomes a finding. When its process had to
    be stopped or has died, or its packages cannot be installed, that is the last finding.

    Raises
    ------
    BundleError
        The file is damaged.
    IsolationUnavailable, MissingDependency
        This machine lacks what the model needs to run.
    UntrustedModel
        Models of its level do not run in the way that was asked for.
    """
    probes = probes_of(learnware)
    if probes is None:
        return
    try:
        yield from _asked(learnware, probes)
    except tuple(_ENDS) as error:
        code, advice = next(said for kind, said in _ENDS.items() if isinstance(error, kind))
        yield Finding("error", code, f"The model does not run. {error} {advice}")


def _asked(learnware: Learnware, probes: Probes) -> Iterator[Finding]:
    told = probes.told
    X, first = yield from _rows_answered(learnware.predict, probes.samples, told)
    if first is None:
        return
    second = yield from _attempt("predict", learnware.predict, X, told)
    if second is not None and not _same(first, second):
        yield Finding(
            "error",
            "answers-unsteady",
            "Asked twice for the same rows, the model answers differently. Fix its random state, or switch it from "
            "training to evaluation.",
        )
    yield from _attempt("predict-single-row", learnware.predict, X[:1], told)
    if hasattr(learnware, "predict_proba"):
        yield from _attempt("predict-proba", learnware.predict_proba, X, told)


def _rows_answered(
    call: Callable[[Any], npt.NDArray[Any]], X: Any, told: str
) -> Generator[Finding, None, tuple[Any, npt.NDArray[Any] | None]]:
    """Return the rows of `X` to go on with and their answers: all, unless the model fails on some and answers others.

    A point stands for many rows and need not be a row itself: between the codes of a column, or beside the range of
    another, it may ask for what no honest model has learned.
    """
    try:
        return X, call(X)
    except _PASSED_ON:
        raise
    except LearnwareError as error:
        failure = error
    kept = _answered_alone(call, X) if isinstance(failure, ModelFailure) else []
    if not 0 < len(kept) < len(X):
        yield _fails("predict", X, failure, told)
        return X, None
    yield Finding(
        "warning",
        "predict-fails-on-some",
        f"The model fails on {len(X) - len(kept)} of {len(X)} {told}: {failure} They need not be like the data that it "
        "was made for; make the model answer values that it has not seen.",
    )
    rows = getattr(X, "iloc", X)[kept]
    return rows, (yield from _attempt("predict", call, rows, told))


def _answered_alone(call: Callable[[Any], npt.NDArray[Any]], X: Any) -> list[int]:
    """Return which rows of `X` the model answers one by one; none when that takes too long."""
    kept, end = [], time.monotonic() + _PATIENCE_SECONDS
    for i in range(len(X)):
        if time.monotonic() > end:
            return []
        try:
            call(X[i : i + 1])
        except _PASSED_ON:
            raise
        except LearnwareError:
            continue
        kept.append(i)
    return kept


def _attempt(
    what: str, call: Callable[[Any], npt.NDArray[Any]], X: Any, told: str
) -> Generator[Finding, None, npt.NDArray[Any] | None]:
    try:
        return call(X)
    except _PASSED_ON:
        raise
    except LearnwareError as error:
        yield _fails(what, X, error, told)
        return None


def _fails(what: str, X: Any, error: LearnwareError, told: str) -> Finding:
    return Finding(
        "error",
        f"{what}-fails",
        f"The model fails on {len(X)} {told}: {error} Mend it, then pack it again.",
    )


def _same(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> bool:
    if np.issubdtype(first.dtype, np.inexact):
        # Numbers may differ in their last digits: threads do not always add in the same order.
        return bool(np.allclose(first, second, rtol=_TOLERANCE, atol=_TOLERANCE))
    return bool(np.array_equal(first, second))
