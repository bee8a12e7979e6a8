"""Every limit on what comes from others, in one table; ``learnware limits`` prints it.

A file is compared with `LIMITS` before anything is built from it, and a running model is held to a `Limits`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from learnware.errors import InvalidParameter

__all__ = ["LIMITS", "Limits", "table"]

_MIB = 2**20

# Name, value, and what it bounds.
_ROWS: tuple[tuple[str, int, str], ...] = (
    ("archive-bytes", 2**31 - 1, "bytes of a learnware file"),
    ("archive-entries", 1000, "files in it"),
    ("archive-directory-bytes", _MIB, "bytes of its directory"),
    ("archive-unpacked-bytes", 2**31 - 1, "bytes of all its files together, once inflated"),
    ("entry-unpacked-bytes", 2**30, "bytes of one of its files, once inflated"),
    ("entry-ratio", 100, "times that a file, or all of them together, may grow when inflated"),
    ("entry-ratio-free-bytes", _MIB, "bytes of a file, or of all, below which that ratio does not matter"),
    ("foreign-ratio", 20, "times that a zip of Beimingwu may grow when inflated"),
    ("foreign-ratio-free-bytes", 64 * _MIB, "bytes of its files together, below which that ratio does not matter"),
    ("name-bytes", 240, "bytes of the name of a file"),
    ("name-depth", 8, "folders and file in such a name"),
    ("manifest-bytes", 64 * 2**10, "bytes of the manifest"),
    ("yaml-depth", 16, "mappings and lists within each other in the manifest"),
    ("yaml-events", 5000, "keys, values and brackets in the manifest"),
    ("specification-bytes", 32 * _MIB, "bytes of a specification"),
    ("json-depth", 8, "mappings and lists within each other in a specification"),
    ("json-values", 2_000_000, "values in a specification, or in the description of a model"),
    ("points", 1000, "points of a specification"),
    ("point-numbers", 1_000_000, "numbers in the points of a specification"),
    ("columns", 10_000, "columns of a specification read from a file, and classes of the labels at its points"),
    ("coordinate-exponent", 100, "decimal digits before the point in a coordinate read from a file"),
    ("market-coordinate-exponent", 15, "decimal digits before the point in a coordinate that a market takes"),
    ("market-points", 300, "points of a specification that a market takes, or a dock searches with"),
    ("description-bytes", 20_000, "bytes of the description that a market takes"),
    ("name-characters", 120, "characters of the title that a market takes"),
    ("requirements-bytes", 64 * 2**10, "bytes of the packages that a model needs"),
    ("requirements-lines", 250, "packages that a model needs"),
    ("environment-bytes", 2**31, "bytes of the environment made of these packages"),
    ("environment-seconds", 300, "seconds to make that environment"),
    ("tensor-header-bytes", _MIB, "bytes of the header of a file of tensors"),
    ("tensors", 10_000, "tensors of a torch model"),
    ("graph-bytes", 8 * _MIB, "bytes of the operations of a torch model"),
    ("graph-depth", 16, "mappings and lists within each other in them"),
    ("graph-steps", 20_000, "operations of a torch model"),
    ("skops-entries", 65_000, "arrays of a scikit-learn model"),
    ("skops-schema-bytes", 64 * _MIB, "bytes of the description of a scikit-learn model"),
    ("skops-depth", 200, "mappings and lists within each other in it"),
    ("skops-nodes", 65_000, "parts of a scikit-learn model"),
    ("skops-values", 650_000, "values in the description of a scikit-learn model"),
    ("vocabulary-bytes", 32 * _MIB, "bytes of the vocabulary of a text vectorizer"),
    ("vocabulary-words", 500_000, "words of the vocabularies of a scikit-learn model"),
    ("booster-bytes", 256 * _MIB, "bytes of a LightGBM or XGBoost model"),
    ("booster-depth", 16, "mappings and lists within each other in an XGBoost model"),
    ("upload-bytes", 512 * _MIB, "bytes of a learnware file sent to a dock"),
    ("search-bytes", 8 * _MIB, "bytes of a search sent to a dock"),
    ("request-bytes", _MIB, "bytes of any other request to it"),
    ("request-depth", 12, "mappings and lists within each other in them"),
    ("learnwares-per-user", 200, "learnwares of one account of a dock"),
    ("user-bytes", 20 * 2**30, "bytes of its learnwares"),
    ("waiting-per-user", 20, "its submissions that wait to be verified"),
    ("uploads-per-hour", 60, "its submissions in an hour"),
    ("logins-per-minute", 5, "times that a password may be tried; four times that from one address"),
    ("searches-per-minute", 60, "searches from one address; ten times that with an account, and of lists and pages"),
    ("queries-bytes", 256 * _MIB, "bytes of the specifications of searches that a dock keeps; the oldest go first"),
    ("query-days", 30, "days that a dock keeps the specification of a search that has an address of its own"),
)

#: The largest allowed value of each thing in a learnware file: bytes for ``*-bytes``, seconds for
#: ``*-seconds``, else a number.
LIMITS: Mapping[str, int] = MappingProxyType({name: value for name, value, _ in _ROWS})

_RUNNING = {
    "memory": "bytes of memory of a running model",
    "load_seconds": "seconds to start and to load it",
    "call_seconds": "seconds for a call, whatever its number of rows",
    "row_seconds": "further seconds for each row of a call",
    "longest_call_seconds": "seconds for any call, fit and finetune included",
    "processes": "processes and threads of a sandboxed model",
    "files": "open files of a running model",
    "scratch": "bytes that a sandboxed model may write",
    "output": "bytes of an answer, if that is more than 512 for each row",
}


def table() -> list[tuple[str, int | float, str]]:
    """Return every limit with what it bounds, those of a running model (`Limits`) with their defaults.

    Returns
    -------
    list of (name, value, meaning)

    Examples
    --------
    >>> from learnware.limits import table
    >>> table()[1]
    ('archive-entries', 1000, 'files in it')
    """
    defaults = Limits()
    running = [(name, getattr(defaults, name), meaning) for name, meaning in _RUNNING.items()]
    return [*_ROWS, *running]


@dataclass(frozen=True)
class Limits:
    """What a model may use while it runs.

    Parameters
    ----------
    memory : int, default=2 GiB
        Bytes of memory, files in its scratch folder included. Models of data share a worker, which may use three
        quarters of what the machine, or the control group of this process, has; with any other value than the default
        such a model gets a worker of its own, which is held to it.
    load_seconds : float, default=120
        Time to start and to load the model.
    call_seconds : float, default=30
        Time for one call, whatever its number of rows.
    row_seconds : float, default=0.001
        Further time for each row of a call; images count a row for 256 numbers, texts one for 1,000 characters, if
        that is more.
    longest_call_seconds : float, default=600
        Time for one call at most, however many rows it has. For ``fit`` and ``finetune`` this is the time allowed.
    processes : int, default=64
        Processes and threads; only in the sandbox.
    files : int, default=256
        Open files.
    scratch : int, default=256 MiB
        Bytes of the folder in memory that it may write to; only in the sandbox.
    output : int, default=64 MiB
        Bytes of one answer, if that is more than 512 bytes for each row.

    Examples
    --------
    >>> from learnware.limits import Limits
    >>> Limits().seconds(n_rows=10_000)
    40.0
    >>> Limits(memory=2**28).memory
    268435456
    """

    memory: int = 2**31
    load_seconds: float = 120.0
    call_seconds: float = 30.0
    row_seconds: float = 0.001
    longest_call_seconds: float = 600.0
    processes: int = 64
    files: int = 256
    scratch: int = 256 * _MIB
    output: int = 64 * _MIB

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            seconds = field.name.endswith("seconds")
            kinds = (int, float) if seconds else (int,)
            if isinstance(value, bool) or not isinstance(value, kinds) or not 0 < value < 2**60:
                expected = "a positive number" if seconds else "a positive int"
                raise InvalidParameter(
                    f"The {field.name!r} parameter of Limits must be {expected}. Got {value!r} instead."
                )

    def seconds(self, n_rows: int) -> float:
        """Return the time that a call on so many rows may take."""
        return min(self.call_seconds + self.row_seconds * n_rows, self.longest_call_seconds)

    def answer_bytes(self, n_rows: int) -> int:
        """Return the largest answer that a call on so many rows may give."""
        return max(self.output, 512 * n_rows)
