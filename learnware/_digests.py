"""The sha256 of a file, however large it is."""

from __future__ import annotations

import hashlib
from pathlib import Path

_AT_ONCE = 2**20


def sha256_of_file(path: Path) -> str:
    """Return the sha256 of a file's content as hexadecimal digits, reading a part at a time."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_AT_ONCE):
            digest.update(part)
    return digest.hexdigest()
