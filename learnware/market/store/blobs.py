"""Files named by the sha256 of their content, written so that a crash leaves either all of one or none.

::

    blobs/ab/abcdef...              a bundle
    pending/abcdef....<token>       a claim: "this bundle may have no row", locked while its writer lives
    pending/abcdef....<token>.part  the bytes while they are being written
    damaged/abcdef...               what `fsck` took out of blobs
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from learnware.errors import ChecksumMismatch
from learnware.market.store.turns import CAN_LOCK, lock, unlock

_DIGEST = re.compile(r"[0-9a-f]{64}")
# Where claims cannot be locked, their age decides.
_OLD = 24 * 3600.0


class Blobs:
    """The bundles of one folder.

    Parameters
    ----------
    folder : Path
        Holds ``blobs`` and ``pending``, which are made on first use.

    Notes
    -----
    A blob without a row is of no use, and a row without a blob is a loss. So a blob is published before its row is
    written, and around both stands a claim. A writer that dies leaves its claim behind unlocked; `abandoned` finds
    it, and whoever holds the database's write lock can then tell whether the blob is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._blobs = folder / "blobs"
        self._pending = folder / "pending"
        self._damaged = folder / "damaged"

    def path(self, digest: str) -> Path:
        """Return where the blob of that sha256 lies."""
        return self._blobs / digest[:2] / digest

    def read(self, digest: str) -> bytes:
        """Return a blob's bytes.

        Raises
        ------
        ChecksumMismatch
            They are not those that were written.
        FileNotFoundError
            There is no such blob.
        """
        path = self.path(digest)
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise ChecksumMismatch(
                f"The file {path} has changed since it was stored: its sha256 is not its name. "
                "Restore it from a copy, or submit the learnware again."
            )
        return content

    def claim(self, digest: str) -> Claim:
        """Announce that the blob of `digest` is about to come or go."""
        self._pending.mkdir(exist_ok=True)
        while True:
            path = self._pending / f"{digest}.{secrets.token_hex(8)}"
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
            # Between creating and locking, somebody who opens the market may have taken the claim for a dead one.
            if lock(descriptor) and os.fstat(descriptor).st_nlink > 0:
                return Claim(self, digest, path, descriptor)
            os.close(descriptor)

    def abandoned(self) -> Iterator[Claim]:
        """Iterate over the claims of writers that are gone, each taken over."""
        for path in sorted(self._pending.glob("*")):
            if path.suffix == ".part" or (not CAN_LOCK and time.time() - path.stat().st_mtime < _OLD):
                continue
            try:
                descriptor = os.open(path, os.O_RDWR)
            except FileNotFoundError:
                continue
            if lock(descriptor):
                claim = Claim(self, path.name.partition(".")[0], path, descriptor)
                claim.published = True  # perhaps
                yield claim
            else:
                os.close(descriptor)

    def digests(self) -> set[str]:
        """Return the names of all blobs."""
        found = {path.name: path for path in self._blobs.glob("*/*")}
        return {name for name, path in found.items() if _DIGEST.fullmatch(name) and path == self.path(name)}

    def claimed(self) -> set[str]:
        """Return the digests that somebody is about to store."""
        return {path.name.partition(".")[0] for path in self._pending.glob("*")}

    def strays(self) -> list[Path]:
        """Return files that were being written without anybody's claim, as only a meddler could leave them."""
        parts = [path for path in self._pending.glob("*.part") if not path.with_suffix("").exists()]
        # A writer that has just ended deletes its part before its claim.
        return [path for path in parts if path.exists()]

    def set_aside(self, digest: str) -> Path:
        """Move a file out of the way, never over another; only for the holder of the write lock."""
        target = self._damaged / digest
        self._damaged.mkdir(exist_ok=True)
        while target.exists():
            target = self._damaged / f"{digest}.{secrets.token_hex(4)}"
        os.replace(self.path(digest), target)
        sync_folder(self._damaged)
        return target

    def discard(self, digest: str) -> None:
        """Delete a blob if it is there; only for the holder of the write lock."""
        self.path(digest).unlink(missing_ok=True)


class Claim:
    """A writer's hold on one blob: `write`, then `publish`, then `clear`.

    Attributes
    ----------
    digest : str
        sha256 of the blob.
    published : bool
        Whether the blob may lie in its place because of this claim.
    """

    def __init__(self, blobs: Blobs, digest: str, path: Path, descriptor: int) -> None:
        self.digest = digest
        self._target = blobs.path(digest)
        self.path = path
        self._part = path.with_name(path.name + ".part")
        self._descriptor: int | None = descriptor
        self.published = False

    def write(self, content: bytes) -> None:
        """Write the bytes beside their place and wait until the disk has them."""
        with open(self._part, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def publish(self) -> None:
        """Move the bytes to their place and wait until the disk knows the name."""
        folder = self._target.parent
        folder.mkdir(parents=True, exist_ok=True)
        # Said before it is done: a claim on a blob that is not there does no harm, a blob without a claim does.
        self.published = True
        os.replace(self._part, self._target)
        sync_folder(folder)
        # Not only by the one who made it: that one may have been stopped before its own wait.
        sync_folder(folder.parent)

    def clear(self) -> None:
        """Give up the hold and leave no trace of it."""
        # The claim goes last: a part without a claim would never be found again. It is closed before, as Windows asks;
        # should another take it over just then, it finds what it looks for, a bundle with a row or none at all.
        self._part.unlink(missing_ok=True)
        self.release()
        self.path.unlink(missing_ok=True)

    def release(self) -> None:
        """Give up the hold but leave its files for the next who opens the market."""
        if self._descriptor is not None:
            unlock(self._descriptor)
            self._descriptor = None


def sync_folder(folder: Path) -> None:
    """Wait until the disk knows the names in `folder`; a rename alone may be lost with the power."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
