"""Files named by the sha256 of their content, written so that a crash leaves either all of one or none.

::

    blobs/ab/abcdef...              a bundle
    pending/abcdef....<token>       a claim: "this bundle may have no row", locked while its writer lives
    pending/many.<token>            a claim on many bundles, which holds their sha256s, one a line
    pending/abcdef....<token>.part  the bytes while they are being written
    damaged/abcdef...               what `fsck` took out of blobs
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from learnware.errors import ChecksumMismatch
from learnware.market.store.turns import CAN_LOCK, lock, unlock

_DIGEST = re.compile(r"[0-9a-f]{64}")
_MANY = "many"

_FEW, _N_WAITING = 16, 8

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

    def claim(self, *digests: str) -> Claim:
        """Announce that the blobs of `digests` are about to come or go."""
        self._pending.mkdir(exist_ok=True)
        alone = len(digests) == 1
        while True:
            path = self._pending / f"{digests[0] if alone else _MANY}.{secrets.token_hex(8)}"
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
            # Between creating and locking, somebody who opens the market may have taken the claim for a dead one.
            if lock(descriptor) and os.fstat(descriptor).st_nlink > 0:
                break
            os.close(descriptor)
        claim = Claim(self, digests, path, descriptor)
        if not alone:
            claim.list_digests()
        return claim

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
                claim = Claim(self, _claimed_by(path), path, descriptor)
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
        return {digest for path in self._pending.glob("*") for digest in _claimed_by(path)}

    def strays(self) -> list[Path]:
        """Return files that were being written without anybody's claim, as only a meddler could leave them."""
        parts = list(self._pending.glob("*.part"))
        claims = {path.suffix for path in self._pending.glob("*")}
        # A writer that has just ended deletes its part before its claim.
        return [path for path in parts if path.with_suffix("").suffix not in claims and path.exists()]

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


def _claimed_by(path: Path) -> list[str]:
    """Return the digests that a claim, or a file that is on the way, stands for."""
    name = path.name.partition(".")[0]
    if name != _MANY:
        return [name] if _DIGEST.fullmatch(name) else []
    try:
        listed = path.read_text(encoding="ascii", errors="replace").split()
    except FileNotFoundError:
        return []  # its writer has just ended
    return [digest for digest in listed if _DIGEST.fullmatch(digest)]


class Claim:
    """A writer's hold on one blob or on many: `write`, then `publish`, then `clear`.

    Attributes
    ----------
    digests : tuple of str
        sha256 of each blob.
    published : bool
        Whether the blobs may lie in their places because of this claim.
    """

    def __init__(self, blobs: Blobs, digests: Iterable[str], path: Path, descriptor: int) -> None:
        self.digests = tuple(digests)
        self._targets = [blobs.path(digest) for digest in self.digests]
        self.path = path
        self._parts = [path.with_name(f"{digest}{path.suffix}.part") for digest in self.digests]
        self._n_moved = 0
        self._descriptor: int | None = descriptor
        self.published = False

    def list_digests(self) -> None:
        """Write down what is claimed, before there is any of it, and wait until the disk has it."""
        try:
            with open(self.path, "w", encoding="ascii") as file:
                file.write("\n".join(self.digests))
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            self.clear()
            raise

    def write(self, *contents: bytes) -> None:
        """Write the bytes of each blob beside its place and wait until the disk has them."""
        for part, content in zip(self._parts, contents, strict=True):
            with open(part, "xb") as file:
                file.write(content)
                if len(contents) == 1:
                    file.flush()
                    os.fsync(file.fileno())
        if len(contents) > 1:
            # Waiting for each where it is written would take many times as long.
            begin_writing(self._parts)
            wait_for_all(sync_file, self._parts)

    def publish(self) -> None:
        """Move the bytes to their places and wait until the disk knows the names."""
        folders = {target.parent for target in self._targets}
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        # Said before it is done: a claim on a blob that is not there does no harm, a blob without a claim does.
        self.published = True
        for part, target in zip(self._parts, self._targets, strict=True):
            os.replace(part, target)
            self._n_moved += 1
        # That of all folders too, and not only by the one who made them: that one may have been stopped before.
        wait_for_all(sync_folder, [*folders, *{folder.parent for folder in folders}])

    def clear(self) -> None:
        """Give up the hold and leave no trace of it."""
        # The claim goes last: a part without a claim would never be found again. It is closed before, as Windows asks;
        # should another take it over just then, it finds what it looks for, a bundle with a row or none at all.
        for part in self._parts[self._n_moved :]:
            part.unlink(missing_ok=True)
        self.release()
        self.path.unlink(missing_ok=True)

    def release(self) -> None:
        """Give up the hold but leave its files for the next who opens the market."""
        if self._descriptor is not None:
            unlock(self._descriptor)
            self._descriptor = None


def begin_writing(paths: Iterable[Path]) -> None:
    """Let the system begin to bring many files to the disk, so that waiting for each is short."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            # "I do not need it in memory": Linux then writes it at once, and keeps what it has not written yet.
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def wait_for_all(sync: Callable[[Path], None], paths: Sequence[Path]) -> None:
    """Call `sync` for every path; for many from several threads, whose waits for the disk the system makes one."""
    if len(paths) < _FEW:
        for path in paths:
            sync(path)
        return
    with ThreadPoolExecutor(_N_WAITING) as pool:
        for _ in pool.map(sync, paths):
            pass


def sync_file(path: Path) -> None:
    """Wait until the disk has what is in a file."""
    # For writing, since Windows syncs no other; nothing is changed.
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Wait until the disk knows the names in `folder`; a rename alone may be lost with the power."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
