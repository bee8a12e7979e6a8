"""Files that were fetched, by their sha256, and downloads that are not done yet.

::

    learnwares/blobs/ab/abcdef...      a bundle; its time is that of its last use
    learnwares/parts/abcdef....part    a bundle that is being fetched, locked by whoever does so
    learnwares/names/<market>/<id>     the sha256 that an id stood for when it was last asked for

All of it can be fetched again, so nothing that fails here may keep anybody from a learnware.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from learnware._cache_folder import cache_folder
from learnware._writing import write_whole
from learnware.market.remote.part import Part, drop_unheld, locked_part, our_errors
from learnware.market.store.blobs import sync_folder
from learnware.market.store.turns import CAN_LOCK

#: The cache holds no more bytes than these; what was used longest ago goes first.
MOST_BYTES = 2 * 2**30

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Cache:
    """A folder that several processes keep learnwares in.

    Parameters
    ----------
    folder : Path, optional
        Default: `cache_folder`. In it ``learnwares`` is made on first use, for its owner alone, since private
        learnwares lie there.
    most_bytes : int, default=2 GiB
        Of bundles and unfinished downloads together.
    """

    def __init__(self, folder: Path | None = None, most_bytes: int = MOST_BYTES) -> None:
        self._folder = (cache_folder() if folder is None else folder) / "learnwares"
        self._most_bytes = most_bytes

    def read(self, digest: str) -> bytes | None:
        """Return the bundle of a sha256, or None if it is not here, or no longer what it was."""
        path = self._blob(digest)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        with suppress(OSError):
            if hashlib.sha256(content).hexdigest() != digest:
                path.unlink()
                return None
            os.utime(path)
        return content

    def find(self, digits: str) -> str | None:
        """Return the sha256 that begins with these digits, if just one bundle here has it."""
        found = [path.name for path in self._folder.glob(f"blobs/{digits[:2]}/{digits}*")]
        return found[0] if len(found) == 1 else None

    @contextmanager
    def part(self, digest: str) -> Iterator[Part]:
        """Hold the file that a download grows in, waiting for whoever else fetches the same.

        Raises
        ------
        CacheFault
            It cannot be written.
        """
        # Where there are no locks, everybody has a file of their own, and nobody goes on with that of another.
        name = digest if CAN_LOCK else f"{digest}.{secrets.token_hex(8)}"
        with our_errors():
            folder = self._made("parts")
        with locked_part(folder / f"{name}.part") as part:
            yield part

    def keep(self, digest: str, part: Part) -> None:
        """Give a whole download its place; then make room.

        Raises
        ------
        CacheFault
            It cannot be kept.
        """
        if part.path is None:
            return
        with our_errors():
            folder = self._made("blobs", digest[:2])
            if CAN_LOCK:
                part.sync()
                os.replace(part.path, folder / digest)
                sync_folder(folder)
            else:
                # Windows moves no file that is open.
                write_whole(folder / digest, part.content())
            self._make_room()

    def drop(self, part: Part) -> None:
        """Delete a download that came to nothing."""
        if part.path is not None:
            with suppress(OSError):
                part.path.unlink()

    def remember(self, market: str, learnware_id: str, digest: str) -> None:
        """Note what an id stands for now."""
        path = self._name(market, learnware_id)
        if self.recall(market, learnware_id) != digest:
            with suppress(OSError):
                write_whole(self._made("names", path.parent.name) / path.name, digest.encode())

    def recall(self, market: str, learnware_id: str) -> str | None:
        """Return what an id stood for when it was last asked for."""
        return _digest_in(self._name(market, learnware_id))

    def _blob(self, digest: str) -> Path:
        return self._folder / "blobs" / digest[:2] / digest

    def _name(self, market: str, learnware_id: str) -> Path:
        return self._folder / "names" / hashlib.sha256(market.encode()).hexdigest()[:32] / learnware_id

    def _made(self, *parts: str) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = self._folder.joinpath(*parts)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _make_room(self) -> None:
        """Delete what was used longest ago, and what is known of ids whose bundles have gone that way."""
        files = [(_facts(path), path) for kind in ("blobs/*/*", "parts/*.part") for path in self._folder.glob(kind)]
        held = sum(size for (_, size), _ in files)
        if held <= self._most_bytes:
            return
        for (_, size), path in sorted(files):
            if _delete(path):
                held -= size
            if held <= self._most_bytes:
                break
        for name in self._folder.glob("names/*/*"):
            digest = _digest_in(name)
            if digest is None or not self._blob(digest).exists():
                _delete(name)


def _digest_in(file: Path) -> str | None:
    try:
        said = file.read_text(encoding="ascii")
    except (OSError, UnicodeError):
        return None
    return said if _DIGEST.fullmatch(said) else None


def _facts(path: Path) -> tuple[float, int]:
    try:
        status = path.stat()
    except OSError:
        # Another process makes room too.
        return 0.0, 0
    return status.st_mtime, status.st_size


def _delete(path: Path) -> bool:
    try:
        if path.suffix == ".part":
            return drop_unheld(path)
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
