"""What an index knows of the members of an island, one array for each kind of fact."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.market.organizer.sketches import MOST_PLAIN, N_SKETCH, Sketches

_KINDS: tuple[tuple[str, npt.DTypeLike, int], ...] = (
    ("sketches", np.float16, N_SKETCH),
    ("numbers", np.int64, 1),
    ("died", np.int64, 1),
    ("self_products", np.float32, 1),
    ("groups", np.int32, 1),
)
# Of systems that cannot set space aside.
_NOT_KNOWN = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)
_ROW_BYTES = sum(np.dtype(dtype).itemsize * width for _, dtype, width in _KINDS)


class Columns:
    """Arrays with room for so many rows, mapped from a file or held in memory.

    The room is more than what is used: a row is appended by writing it behind the last one that anybody has been told
    of, so that those who read the rows before it never see one that is half written. On the disk, room that was never
    written to takes no space.

    Parameters
    ----------
    capacity : int
        Rows that there is room for.
    path : Path, optional
        The file; without one the arrays live in memory.
    mode : {"w+", "r+", "c"}, default="w+"
        Make a new file, open one to write to, or one that must not be written to.

    Attributes
    ----------
    sketches : Sketches
    numbers : ndarray of int64
        Of the revision in the store.
    died : ndarray of int64
        The generation in which a member went, 0 for those that are there.
    self_products : ndarray of float32
    groups : ndarray of int32
    """

    sketches: Sketches
    numbers: npt.NDArray[np.int64]
    died: npt.NDArray[np.int64]
    self_products: npt.NDArray[np.float32]
    groups: npt.NDArray[np.int32]

    def __init__(self, capacity: int, path: Path | None = None, mode: Any = "w+") -> None:
        self.capacity = capacity
        self._path = path
        n_bytes = capacity * _ROW_BYTES
        self._file = None if path is None else np.memmap(path, np.uint8, mode, shape=(n_bytes,))
        buffer = np.zeros(n_bytes, np.uint8) if self._file is None else np.asarray(self._file)
        start = 0
        for name, dtype, width in _KINDS:
            end = start + capacity * width * np.dtype(dtype).itemsize
            column = buffer[start:end].view(dtype)
            setattr(self, name, Sketches(column.reshape(capacity, width)) if name == "sketches" else column)
            start = end

    @staticmethod
    def fits(path: Path, capacity: int) -> bool:
        """Tell whether a file is there and has the size for so many rows."""
        try:
            return os.stat(path).st_size == capacity * _ROW_BYTES
        except FileNotFoundError:
            return False

    @property
    def n_plain(self) -> int:
        """Rows that may be held in single precision too."""
        return self.capacity if self.capacity <= MOST_PLAIN else 0

    def make_room(self, start: int, end: int) -> None:
        """Set space on the disk aside for some rows; `OSError` where it has none.

        Without it, a process that writes to a mapped page for which the disk has no space is killed.
        """
        if self._path is None or not hasattr(os, "posix_fallocate"):
            return
        descriptor, before = os.open(self._path, os.O_RDWR), 0
        try:
            for _, dtype, width in _KINDS:
                n_bytes = np.dtype(dtype).itemsize * width
                if end > start:
                    os.posix_fallocate(descriptor, before + start * n_bytes, (end - start) * n_bytes)
                before += self.capacity * n_bytes
        except OSError as error:
            if error.errno not in _NOT_KNOWN:
                raise
        finally:
            os.close(descriptor)

    def copy_rows(self, other: Columns, rows: npt.NDArray[np.intp]) -> None:
        """Fill the first rows with some of another."""
        self.sketches.half[: len(rows)] = other.sketches.half[rows]
        for name, _, _ in _KINDS[1:]:
            getattr(self, name)[: len(rows)] = getattr(other, name)[rows]

    def flush(self) -> None:
        """Wait until the disk has what was written."""
        if self._file is not None:
            self._file.flush()
