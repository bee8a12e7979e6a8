"""Memory that this process shares with one worker, which can neither shrink nor grow it."""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
from typing import Any

from learnware.runtime.inside.arrays import Packer

#: More than this is given back to the system after a call.
KEPT_BYTES = 64 * 2**20
_INPUT_BYTES = 64 * 2**30


class SharedMemory:
    """Two pieces of memory: one that calls are written to, one that answers are read from.

    They take up room only where something was written, and a worker can write only to the second one, which is made
    larger as calls allow larger answers. Sealed, they cannot shrink: else a worker could cut one off, and reading it
    would end this process.

    Parameters
    ----------
    most : int
        Bytes of the largest call.
    """

    def __init__(self, most: int) -> None:
        with contextlib.ExitStack() as made:
            self._input = _Region("learnware-input", most)
            made.callback(self._input.close)
            self._output = _Region("learnware-output", 0)
            made.callback(self._output.close)
            self._shown = _read_only(self._input.file)
            made.pop_all()

    @property
    def files(self) -> tuple[int, int]:
        """Descriptors for the worker: of the piece for calls, only to read, and of the piece for answers."""
        return self._shown, self._output.file

    def allow(self, n_bytes: int) -> None:
        """Make room for an answer of so many bytes; `OSError` if there is none."""
        self._output.grow(n_bytes)

    def write(self, packer: Packer) -> None:
        """Write the arrays of a call; `OSError` if there is no room for them."""
        if packer.nbytes:
            packer.write(self._input.mapped(packer.nbytes))

    def answer(self, n_bytes: int) -> Any:
        """Return the first `n_bytes` of the piece for answers, which the worker may still write to."""
        if n_bytes > self._output.size:
            raise ValueError("the answer ends outside of the memory")
        return memoryview(self._output.mapped(n_bytes))[:n_bytes]

    def release(self) -> None:
        """Give back what a large call has taken."""
        self._input.release()
        self._output.release()

    def close(self) -> None:
        """Give back everything."""
        os.close(self._shown)
        self._input.close()
        self._output.close()


class _Region:
    def __init__(self, name: str, size: int) -> None:
        self.file, self.size = _sealed(name, size)
        self._map: mmap.mmap | None = None

    def mapped(self, n_bytes: int) -> mmap.mmap:
        """Return a mapping of at least so many bytes."""
        if n_bytes > self.size:
            raise OSError(f"{n_bytes} bytes are more than the {self.size} bytes that one call may have")
        if self._map is None or len(self._map) < n_bytes:
            self._map = mmap.mmap(self.file, min(self.size, -(-n_bytes // 2**20) * 2**20))
        return self._map

    def grow(self, size: int) -> None:
        """Make it at least so large."""
        if size > self.size:
            os.ftruncate(self.file, size)
            self.size = size

    def release(self) -> None:
        if self._map is not None and len(self._map) > KEPT_BYTES:
            self._map.madvise(mmap.MADV_REMOVE)
            self._map = None

    def close(self) -> None:
        # Not closed by force: an array of an interrupted call may still lie in it.
        self._map = None
        os.close(self.file)


def _sealed(name: str, size: int) -> tuple[int, int]:
    import fcntl
    import resource

    most = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    size = size if most == resource.RLIM_INFINITY else min(size, most)
    file = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(file, size)
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
    except BaseException:
        os.close(file)
        raise
    return file, size


def _read_only(file: int) -> int:
    shown = os.open(f"/proc/self/fd/{file}", os.O_RDONLY | os.O_CLOEXEC)
    # Else everyone who holds it could open it anew, for writing.
    os.fchmod(file, 0)
    return shown


def shared_memory(most: int) -> SharedMemory | None:
    """Return memory for calls of at most so many bytes, or None where the system has none that can be sealed."""
    if not sys.platform.startswith("linux") or not hasattr(os, "memfd_create"):
        return None
    try:
        return SharedMemory(min(most, _INPUT_BYTES))
    except OSError:  # forbidden here, as by some containers: arrays go through the pipe
        return None
