"""Errors as problem details, and back: one table for both sides.

A body of type ``application/problem+json`` has ``type``, ``title``, ``status``, ``detail`` and a stable ``code``; some
have more, such as the report of the checks.

References
----------
M. Nottingham, E. Wilde, S. Dalal. "Problem Details for HTTP APIs". RFC 9457, 2023.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from learnware import errors
from learnware.errors import (
    BundleError,
    ColumnMismatch,
    InvalidSpecification,
    LearnwareError,
    MarketError,
    RejectedLearnware,
    TooManyRequests,
)
from learnware.market.wire.readable import MOST_TEXT, readable
from learnware.market.wire.report import report_from_wire

#: The content type of a problem.
PROBLEM_JSON = "application/problem+json"

#: The code of what is nobody's fault but the server's.
INTERNAL = "internal-error"


class _Kind(NamedTuple):
    error: type[LearnwareError]
    status: int
    code: str
    title: str
    # What a server's folder is called, or lacks, is no business of its users.
    detail: str | None = None


_FAULT = "The operator of this market finds the cause in its log. Try again later."

# An error that is not here goes as its nearest ancestor.
_KINDS = (
    _Kind(errors.InvalidParameter, 422, "invalid-parameter", "A parameter is wrong"),
    _Kind(errors.InvalidData, 422, "invalid-data", "The data cannot be used"),
    _Kind(errors.ColumnMismatch, 422, "column-mismatch", "Columns are missing"),
    _Kind(errors.InvalidSpecification, 422, "invalid-specification", "The specification is wrong"),
    _Kind(errors.IncomparableSpaces, 422, "incomparable-spaces", "The specifications cannot be compared"),
    _Kind(errors.UntrustedModel, 422, "untrusted-model", "The model may not run here"),
    _Kind(errors.UnsupportedModel, 422, "unsupported-model", "The model cannot be stored safely"),
    _Kind(errors.IsolationUnavailable, 503, "isolation-unavailable", "The server cannot run this model apart", _FAULT),
    _Kind(errors.EnvironmentFailed, 422, "environment-failed", "The packages of the model cannot be installed"),
    _Kind(errors.ModelFailure, 422, "model-failure", "The model failed"),
    _Kind(errors.BadPrediction, 422, "bad-prediction", "The model answered with the wrong thing"),
    _Kind(errors.WorkerCrashed, 422, "worker-crashed", "The process of the model died"),
    _Kind(errors.SandboxTimeout, 422, "sandbox-timeout", "The model took too long"),
    _Kind(errors.SandboxMemory, 422, "sandbox-memory", "The model wanted too much memory"),
    _Kind(errors.BundleError, 422, "malformed-bundle", "The file is no learnware"),
    _Kind(errors.UnreachableFile, 422, "unreachable-file", "The file cannot be read"),
    _Kind(errors.LimitExceeded, 413, "limit-exceeded", "Something is larger than the limits allow"),
    _Kind(errors.MalformedArchive, 422, "malformed-archive", "The zip is damaged or ambiguous"),
    _Kind(errors.MalformedManifest, 422, "malformed-manifest", "The manifest is wrong"),
    _Kind(errors.MalformedSpecification, 422, "malformed-specification", "The specification in the file is wrong"),
    _Kind(errors.MalformedModel, 422, "malformed-model", "The model in the file is damaged or not trusted"),
    _Kind(errors.ChecksumMismatch, 500, "checksum-mismatch", "The stored bytes have changed"),
    _Kind(errors.RejectedLearnware, 422, "rejected", "The checks refused the learnware"),
    _Kind(errors.LearnwareNotFound, 404, "learnware-not-found", "There is no such learnware"),
    _Kind(errors.NoLearnwares, 404, "no-learnwares", "There is nothing to reuse"),
    _Kind(errors.MarketError, 503, "market-unavailable", "The market cannot be used", _FAULT),
    _Kind(errors.MarketNotWritable, 507, "market-not-writable", "The market cannot be written", _FAULT),
    _Kind(errors.MarketUnreachable, 503, "market-unreachable", "The market does not answer"),
    _Kind(errors.NotAuthenticated, 401, "not-authenticated", "Who are you?"),
    _Kind(errors.NotAllowed, 403, "not-allowed", "You may not do this"),
    _Kind(errors.QuotaExceeded, 403, "quota-exceeded", "Your quota is used up"),
    _Kind(errors.TooManyRequests, 429, "too-many-requests", "Too many requests"),
)
_BY_ERROR = {kind.error: kind for kind in _KINDS}
_BY_CODE = {kind.code: kind for kind in _KINDS}
_UNKNOWN = _Kind(LearnwareError, 500, INTERNAL, "The server has a fault of its own", _FAULT)


def problem_of(error: Exception) -> dict[str, Any]:
    """Return an error as problem details.

    Parameters
    ----------
    error : Exception
        One of the library's; of any other nothing is told but that it is the server's fault.

    Returns
    -------
    dict
        Plain values; ``status`` is the HTTP status to answer with.

    Examples
    --------
    >>> from learnware.errors import LearnwareNotFound
    >>> problem = problem_of(LearnwareNotFound("This market has no learnware of id 'x'."))
    >>> problem["status"], problem["code"]
    (404, 'learnware-not-found')
    """
    kind = next((_BY_ERROR[parent] for parent in type(error).__mro__ if parent in _BY_ERROR), _UNKNOWN)
    problem: dict[str, Any] = {
        "type": f"urn:learnware:problem:{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.detail or str(error)[:MOST_TEXT],
        "code": kind.code,
    }
    return {**problem, **_facts(error)}


def _facts(error: Exception) -> dict[str, Any]:
    if isinstance(error, RejectedLearnware):
        return {"report": error.report.to_dict()}
    if isinstance(error, TooManyRequests) and error.retry_after is not None:
        return {"retry_after": math.ceil(error.retry_after)}
    if isinstance(error, ColumnMismatch):
        return {"missing": list(error.missing)}
    if isinstance(error, BundleError):
        return {"reason": error.code, "file": error.file}
    if isinstance(error, InvalidSpecification):
        return {"reason": error.code}
    return {}


def error_of(problem: object, status: int) -> LearnwareError:
    """Return the error that problem details tell of, for the client to raise.

    Parameters
    ----------
    problem : object
        The JSON of an answer, from a stranger.
    status : int
        Its HTTP status.

    Returns
    -------
    LearnwareError
        The class that the server raised; `MarketError` where that cannot be told.

    Examples
    --------
    >>> error_of({"code": "not-allowed", "detail": "Only an admin may do this."}, 403)
    NotAllowed('Only an admin may do this.')
    """
    if not isinstance(problem, Mapping):
        return MarketError(f"The market answered with status {status} and no reason.")
    code, said = problem.get("code"), readable(problem.get("detail")) or readable(problem.get("title"))
    kind = _BY_CODE.get(code) if isinstance(code, str) else None
    if kind is None:
        return MarketError(f"The market answered with status {status}: {said or 'it gave no reason'}")
    return _rebuilt(kind.error, said, problem)


def _rebuilt(error: type[LearnwareError], said: str, problem: Mapping[str, Any]) -> LearnwareError:
    if error is RejectedLearnware:
        return RejectedLearnware(report_from_wire(problem.get("report")))
    if error is TooManyRequests:
        wait = problem.get("retry_after")
        return TooManyRequests(said, retry_after=float(wait) if isinstance(wait, int | float) else None)
    if error is ColumnMismatch:
        missing = problem.get("missing")
        return ColumnMismatch(said, missing=[readable(n) for n in missing] if isinstance(missing, list) else ())
    if issubclass(error, BundleError):
        file = problem.get("file")
        named = None if file is None else readable(file)
        return error(said, code=readable(problem.get("reason")) or "malformed", file=named)
    if issubclass(error, InvalidSpecification):
        return error(said, code=readable(problem.get("reason")) or "spec-field")
    return error(said)
