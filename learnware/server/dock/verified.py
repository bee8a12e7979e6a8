"""Files that were read once and are as they must be, so that serving them again costs no reading."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock

from learnware._digests import sha256_of_file
from learnware.errors import ChecksumMismatch, MarketError


class Verified:
    """Remembers which files have the sha256 that they must have, until somebody touches them."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int, int]] = {}
        self._lock = Lock()

    def check(self, path: Path, digest: str) -> None:
        """Read a file, unless that was done and it has not been touched since.

        Raises
        ------
        ChecksumMismatch
            Its bytes are not those that were stored.
        MarketError
            It is not there.
        """
        try:
            state = _state(path)
            with self._lock:
                if self._known.get(digest) == state:
                    return
            found = sha256_of_file(path)
        except FileNotFoundError as error:
            raise MarketError(f"The file of a learnware is missing: {path}. Restore it from a backup.") from error
        if found != digest:
            raise ChecksumMismatch("The stored bytes of this learnware have changed. Tell the operator of the market.")
        with self._lock:
            self._known[digest] = state


def _state(path: Path) -> tuple[int, int, int]:
    found = os.stat(path)
    return found.st_ino, found.st_size, found.st_mtime_ns
