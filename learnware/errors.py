"""Every error the library raises on purpose.

::

    LearnwareError
    ├── InvalidParameter (ValueError)         an argument outside its allowed values
    ├── InvalidData (ValueError)              X or y that cannot be used as they are
    │   ├── ColumnMismatch                    columns missing, or a wrong number of them
    │   └── TooFewRows                        fewer rows than the privacy floor allows
    ├── InvalidSpecification (ValueError)     a semantic field or a specification file is wrong
    ├── IncomparableSpaces (ValueError)       two specifications whose points live in different spaces
    ├── UnsupportedModel (TypeError)          a model that cannot be stored safely
    ├── UntrustedModel (PermissionError)      a model may not run the way that was asked for
    ├── IsolationUnavailable (RuntimeError)   this machine lacks what keeps a model apart
    ├── EnvironmentFailed (RuntimeError)      the packages that a model needs cannot be installed
    ├── ModelFailure (RuntimeError)           a stored model raised, or answered with the wrong thing
    │   ├── BadPrediction                     its answer has the wrong shape, type, size or values
    │   ├── WorkerCrashed                     the process that ran it has died
    │   ├── SandboxTimeout (TimeoutError)     it took longer than its limits allow
    │   └── SandboxMemory (MemoryError)       it wanted more memory than its limits allow
    ├── BundleError (ValueError)              a learnware file that cannot be read
    │   ├── UnreachableFile                   it is absent, or the system refuses to read or write it
    │   ├── LimitExceeded                     something in it is larger than the limits allow
    │   ├── MalformedArchive                  its zip is damaged or ambiguous
    │   ├── MalformedManifest                 its manifest is wrong
    │   ├── MalformedSpecification            its specification is wrong
    │   ├── MalformedModel                    its model is damaged, or holds what is not trusted
    │   └── ChecksumMismatch                  its bytes are not the ones that were written
    ├── RejectedLearnware (ValueError)        the market's checks refused it; see ``.report``
    ├── LearnwareNotFound (LookupError)       no learnware of that id in this market
    ├── NoLearnwares (LookupError)            nothing to reuse
    ├── MarketError (OSError)                 a market that cannot be used
    │   ├── MarketNotWritable                 the files of its folder cannot be written
    │   ├── NewerFormat                       its folder was written by a newer version of the library
    │   ├── MarketUnreachable (ConnectionError)  a remote one does not answer, or this process is offline
    │   ├── NotAuthenticated (PermissionError)  it does not know who asks
    │   ├── NotAllowed (PermissionError)      it knows who asks, and the answer is no
    │   ├── QuotaExceeded                     whoever asks has used what they may have
    │   └── TooManyRequests                   they have asked too often; see ``.retry_after``
    └── MissingDependency (ImportError)       an optional library is needed and not installed

A message says what was expected, what came, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from learnware.market.checker import CheckReport

__all__ = [
    "BadPrediction",
    "BundleError",
    "ChecksumMismatch",
    "ColumnMismatch",
    "EnvironmentFailed",
    "IncomparableSpaces",
    "InvalidData",
    "InvalidParameter",
    "InvalidSpecification",
    "IsolationUnavailable",
    "LearnwareError",
    "LearnwareNotFound",
    "LimitExceeded",
    "MalformedArchive",
    "MalformedManifest",
    "MalformedModel",
    "MalformedSpecification",
    "MarketError",
    "MarketNotWritable",
    "MarketUnreachable",
    "MissingDependency",
    "ModelFailure",
    "NewerFormat",
    "NoLearnwares",
    "NotAllowed",
    "NotAuthenticated",
    "QuotaExceeded",
    "RejectedLearnware",
    "SandboxMemory",
    "SandboxTimeout",
    "TooFewRows",
    "TooManyRequests",
    "UnreachableFile",
    "UnsupportedModel",
    "UntrustedModel",
    "WorkerCrashed",
]


class LearnwareError(Exception):
    """Parent of every error of this library.

    Attributes
    ----------
    accepted : tuple of str
        When several learnwares were submitted: the ids stored before this error.
    """

    accepted: tuple[str, ...] = ()


class InvalidParameter(LearnwareError, ValueError):
    """An argument is outside its allowed values."""


class InvalidData(LearnwareError, ValueError):
    """X or y cannot be used as they are."""


class ColumnMismatch(InvalidData):
    """A table lacks columns that are needed, or has a wrong number of them.

    Attributes
    ----------
    missing : tuple of str
        Names of the absent columns; empty when only the number of columns is wrong.
    """

    def __init__(self, message: str, *, missing: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.missing = tuple(missing)


class TooFewRows(InvalidData):
    """There are fewer rows than a specification needs to hide each of them."""


class InvalidSpecification(LearnwareError, ValueError):
    """A semantic field, or a specification read from a file, is wrong.

    Attributes
    ----------
    code : str
        Stable, machine-readable reason, such as ``"spec-weights"``.
    """

    def __init__(self, message: str, *, code: str = "spec-field") -> None:
        super().__init__(message)
        self.code = code


class IncomparableSpaces(LearnwareError, ValueError):
    """Two specifications describe points of different spaces."""


class UnsupportedModel(LearnwareError, TypeError):
    """A model cannot be stored in any of the safe formats."""


class UntrustedModel(LearnwareError, PermissionError):
    """A model may not run the way that was asked for, given what it is made of."""


class IsolationUnavailable(LearnwareError, RuntimeError):
    """This machine lacks what keeps a model apart from the user's process; the message says how to get it."""


class EnvironmentFailed(LearnwareError, RuntimeError):
    """The packages that a model needs cannot be installed."""


class ModelFailure(LearnwareError, RuntimeError):
    """A stored model raised an exception, or answered with the wrong shape or type."""


class BadPrediction(ModelFailure):
    """The answer of a model has the wrong shape, type, size or values."""


class WorkerCrashed(ModelFailure):
    """The process that ran a model has died; the next call starts a new one.

    Attributes
    ----------
    signal : int or None
        The signal that ended it, if one did.
    tail : str
        The last that it wrote to its standard error.
    """

    def __init__(self, message: str, *, signal: int | None = None, tail: str = "") -> None:
        super().__init__(message)
        self.signal = signal
        self.tail = tail


class SandboxTimeout(ModelFailure, TimeoutError):
    """A model took longer than its limits allow; its process was stopped."""


class SandboxMemory(ModelFailure, MemoryError):
    """A model wanted more memory than its limits allow."""


class BundleError(LearnwareError, ValueError):
    """A learnware file cannot be read.

    Attributes
    ----------
    code : str
        Stable, machine-readable reason, such as ``"truncated"``.
    file : str or None
        The file inside the archive, or the archive itself, that is wrong; None where that is not known.
    """

    def __init__(self, message: str, *, code: str = "malformed", file: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.file = file


class UnreachableFile(BundleError):
    """A learnware file is absent, or the system refuses to read or write it."""


class LimitExceeded(BundleError):
    """Something in a learnware file is larger than the limits allow (``learnware limits`` prints them)."""


class MalformedArchive(BundleError):
    """The zip of a learnware is damaged, or means different things to different readers."""


class MalformedManifest(BundleError):
    """The manifest of a learnware is wrong."""


class MalformedSpecification(BundleError):
    """The specification in a learnware's file is wrong."""


class MalformedModel(BundleError):
    """The model in a learnware's file is damaged, or holds what is not trusted."""


class ChecksumMismatch(BundleError):
    """The bytes of a file are not the ones that were written."""

    def __init__(self, message: str, *, code: str = "checksum", file: str | None = None) -> None:
        super().__init__(message, code=code, file=file)


class RejectedLearnware(LearnwareError, ValueError):
    """A market's checks refused a learnware.

    Attributes
    ----------
    report : CheckReport
        What was found and how to mend it.
    accepted : tuple of str
        When a list was submitted: the ids stored before this one was refused.
    """

    def __init__(self, report: CheckReport, *, accepted: Sequence[str] = ()) -> None:
        super().__init__(report, tuple(accepted))
        self.report = report
        self.accepted = tuple(accepted)

    def __str__(self) -> str:
        lines = [str(self.report)]
        if self.accepted:
            lines.append(f"{len(self.accepted)} learnware(s) before it were stored: {', '.join(self.accepted)}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        return _rejected, (self.report, self.accepted)


def _rejected(report: CheckReport, accepted: Sequence[str]) -> RejectedLearnware:
    return RejectedLearnware(report, accepted=accepted)


class LearnwareNotFound(LearnwareError, LookupError):
    """No learnware of that id is in this market."""


class NoLearnwares(LearnwareError, LookupError):
    """There is nothing to reuse."""


class MarketError(LearnwareError, OSError):
    """A market cannot be used."""


class MarketNotWritable(MarketError):
    """The files of a market folder cannot be written."""


class NewerFormat(MarketError):
    """A market folder was written by a newer version of the library."""


class MarketUnreachable(MarketError, ConnectionError):
    """A remote market does not answer, or this process has been told to stay offline."""


class NotAuthenticated(MarketError, PermissionError):
    """A market does not know who asks: no token, or one that is wrong, expired or revoked."""


class NotAllowed(MarketError, PermissionError):
    """A market knows who asks, and they may not do this."""


class QuotaExceeded(MarketError):
    """Whoever asks has used as much of a market as they may."""


class TooManyRequests(MarketError):
    """Whoever asks has asked too often.

    Attributes
    ----------
    retry_after : float or None
        Seconds to wait, if the market said.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class MissingDependency(LearnwareError, ImportError):
    """An optional library is needed and not installed."""
