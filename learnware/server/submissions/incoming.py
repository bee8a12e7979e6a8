"""Uploaded files that wait to be verified.

::

    incoming/<submission id>.zip    an upload that was acknowledged, or is just about to be
    incoming/<random>.part          one that is still coming in, locked by who receives it
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from learnware.errors import LimitExceeded
from learnware.market.store.blobs import sync_folder
from learnware.market.store.failures import of_system
from learnware.market.store.turns import CAN_LOCK, unlock
from learnware.server.submissions.held import delete_unless_held, make_held

if TYPE_CHECKING:
    from typing import Self

_ZIP, _PART = ".zip", ".part"
#: A file that nobody knows is deleted when it is older than this.
FORGOTTEN_SECONDS = 3600.0


class Incoming:
    """The uploads of a dock that wait.

    Parameters
    ----------
    folder : Path
        The market folder; the files lie in its ``dock/incoming``, made on first use.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     incoming = Incoming(Path(folder))
    ...     with incoming.open(max_bytes=100) as upload:
    ...         upload.write(b"bytes")
    ...         upload.keep("some-id")
    ...     upload.size, incoming.path("some-id").read_bytes()
    (5, b'bytes')
    """

    def __init__(self, folder: Path) -> None:
        self._market = folder
        self.dock = folder / "dock"
        self.folder = self.dock / "incoming"

    def open(self, max_bytes: int) -> Upload:
        """Begin to receive a file of at most so many bytes."""
        with _our_errors(self._market):
            self.dock.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self.folder.exists():
                self.folder.mkdir(mode=0o700, exist_ok=True)
                sync_folder(self.dock)
            return Upload(self, self._market, *make_held(self.folder, _PART), max_bytes)

    def path(self, submission_id: str) -> Path:
        """Return where the file of a submission lies."""
        return self.folder / f"{submission_id}{_ZIP}"

    def discard(self, submission_id: str) -> None:
        """Delete the file of a submission, if it is there."""
        # What it was for is done; should it stay, the next sweep deletes it.
        with suppress(OSError):
            self.path(submission_id).unlink(missing_ok=True)

    def sweep(self, known: Collection[str], forgotten_seconds: float = FORGOTTEN_SECONDS) -> int:
        """Delete what processes left that died.

        Parameters
        ----------
        known : collection of str
            Ids of the submissions whose files are still needed.
        forgotten_seconds : float, default=3600
            A complete file of no known submission goes when it is older than this: its row may be about to come.

        Returns
        -------
        int
            How many files were deleted.
        """
        before, deleted = time.time() - forgotten_seconds, 0
        for path in sorted(self.folder.glob("*")):
            wanted = path.suffix == _ZIP and path.stem in known
            # Where files cannot be locked, the age decides about unfinished ones too.
            judged_by_age = path.suffix != _PART or not CAN_LOCK
            with suppress(OSError):
                if not wanted and not (judged_by_age and path.stat().st_mtime > before):
                    deleted += delete_unless_held(path)
        return deleted


class Upload:
    """A file that is being received; leave it without `keep`, and it is gone.

    Attributes
    ----------
    size : int
        Bytes so far.
    """

    def __init__(self, incoming: Incoming, market: Path, path: Path, descriptor: int, max_bytes: int) -> None:
        self._incoming = incoming
        self._market = market
        self._path = path
        self._descriptor = descriptor
        self._held = True
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()
        self._kept = False
        self.size = 0

    @property
    def digest(self) -> str:
        """Sha256 of the bytes so far."""
        return self._hash.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises
        ------
        LimitExceeded
            They are more than allowed.
        MarketError
            They cannot be written, as on a full disk.
        """
        if self.size + len(chunk) > self._max_bytes:
            raise LimitExceeded(
                f"An upload may have at most {self._max_bytes:,} bytes, and this one has more. Leave out what the "
                "model does not need.",
                code="archive-size",
            )
        with _our_errors(self._market):
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        self._hash.update(chunk)
        self.size += len(chunk)

    def keep(self, submission_id: str) -> None:
        """Wait until the disk has the bytes, and give them the name of a submission."""
        with _our_errors(self._market):
            # A sweep counts the age of a complete file from here, however long it took to come.
            os.utime(self._path)
            os.fsync(self._descriptor)
            target = self._incoming.path(submission_id)
            if not CAN_LOCK:
                self._let_go()  # Windows renames nothing that is open
            os.replace(self._path, target)
            self._kept = True
            sync_folder(target.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Held until here also when it was kept: its row is written meanwhile, and no sweep may come before.
        self._let_go()
        if not self._kept:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _let_go(self) -> None:
        if self._held:
            self._held = False
            unlock(self._descriptor)


@contextmanager
def _our_errors(market: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise of_system(market, error) from error
