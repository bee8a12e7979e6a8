"""Every limit on what comes from others, in one table; ``learnware limits`` prints it.

A file is compared with `LIMITS` before anything is built from it, and a running model is held to a `Limits`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from learnware.errors import InvalidParameter

__all__ = ["LIMITS", "Limits"]

_MIB = 2**20

#: The largest allowed value of each thing in a learnware file: bytes for ``*-bytes``, else a number.
LIMITS: Mapping[str, int] = MappingProxyType(
    {
        "archive-bytes": 2**31 - 1,
        "archive-entries": 1000,
        "archive-directory-bytes": _MIB,
        "archive-unpacked-bytes": 2**31 - 1,
        "entry-unpacked-bytes": 2**30,
        "entry-ratio": 100,
        "entry-ratio-free-bytes": _MIB,
        "name-bytes": 240,
        "name-depth": 8,
        "manifest-bytes": 64 * 2**10,
        "yaml-depth": 16,
        "yaml-events": 5000,
        "specification-bytes": 64 * _MIB,
        "json-depth": 8,
        "points": 1000,
        "point-numbers": 1_000_000,
        "description-bytes": 20_000,
        "name-characters": 120,
        "requirements-bytes": 16 * 2**10,
        "requirements-lines": 50,
        "tensor-header-bytes": _MIB,
        "tensors": 10_000,
        "graph-steps": 100_000,
        "skops-schema-bytes": 16 * _MIB,
        "skops-nodes": 100_000,
    }
)


@dataclass(frozen=True)
class Limits:
    """What a model may use while it runs.

    Parameters
    ----------
    memory : int, default=2 GiB
        Bytes of memory, files in its scratch folder included. The worker that models of plain data share may use
        three quarters of the machine's memory instead.
    load_seconds : float, default=120
        Time to start and to load the model.
    call_seconds : float, default=30
        Time for one call, whatever its number of rows.
    row_seconds : float, default=0.001
        Further time for each row of a call.
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
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**60:
                raise InvalidParameter(
                    f"The {field.name!r} parameter of Limits must be a positive number. Got {value!r} instead."
                )

    def seconds(self, n_rows: int) -> float:
        """Return the time that a call on so many rows may take."""
        return min(self.call_seconds + self.row_seconds * n_rows, self.longest_call_seconds)

    def answer_bytes(self, n_rows: int) -> int:
        """Return the largest answer that a call on so many rows may give."""
        return max(self.output, 512 * n_rows)
