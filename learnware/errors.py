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
    ├── ModelFailure (RuntimeError)           a stored model raised, or answered with the wrong thing
    ├── BundleError (ValueError)              a learnware file that cannot be read
    │   └── ChecksumMismatch                  its bytes are not the ones that were written
    ├── RejectedLearnware (ValueError)        the market's checks refused it; see ``.report``
    ├── LearnwareNotFound (LookupError)       no learnware of that id in this market
    ├── NoLearnwares (LookupError)            nothing to reuse
    ├── MarketError (OSError)                 a market folder that cannot be used
    │   ├── MarketNotWritable                 its files cannot be written
    │   └── NewerFormat                       it was written by a newer version of the library
    └── MissingDependency (ImportError)       an optional library is needed and not installed

A message says what was expected, what came, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from learnware.market.checker import CheckReport

__all__ = [
    "BundleError",
    "ChecksumMismatch",
    "ColumnMismatch",
    "IncomparableSpaces",
    "InvalidData",
    "InvalidParameter",
    "InvalidSpecification",
    "LearnwareError",
    "LearnwareNotFound",
    "MarketError",
    "MarketNotWritable",
    "MissingDependency",
    "ModelFailure",
    "NewerFormat",
    "NoLearnwares",
    "RejectedLearnware",
    "TooFewRows",
    "UnsupportedModel",
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
    """A semantic field, or a specification read from a file, is wrong."""


class IncomparableSpaces(LearnwareError, ValueError):
    """Two specifications describe points of different spaces."""


class UnsupportedModel(LearnwareError, TypeError):
    """A model cannot be stored in any of the safe formats."""


class ModelFailure(LearnwareError, RuntimeError):
    """A stored model raised an exception, or answered with the wrong shape or type."""


class BundleError(LearnwareError, ValueError):
    """A learnware file cannot be read.

    Attributes
    ----------
    code : str
        Stable, machine-readable reason, such as ``"truncated"``.
    """

    def __init__(self, message: str, *, code: str = "malformed") -> None:
        super().__init__(message)
        self.code = code


class ChecksumMismatch(BundleError):
    """The bytes of a file are not the ones that were written."""

    def __init__(self, message: str, *, code: str = "checksum") -> None:
        super().__init__(message, code=code)


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
    """A market folder cannot be used."""


class MarketNotWritable(MarketError):
    """The files of a market folder cannot be written."""


class NewerFormat(MarketError):
    """A market folder was written by a newer version of the library."""


class MissingDependency(LearnwareError, ImportError):
    """An optional library is needed and not installed."""
