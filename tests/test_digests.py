"""The sha256 of a file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from learnware._digests import sha256_of_file


@pytest.mark.parametrize("size", [0, 1, 2**20, 2**20 + 7])
def test_a_file_has_the_sha256_of_its_bytes(size: int, tmp_path: Path) -> None:
    content = bytes(i % 251 for i in range(size))
    (tmp_path / "file").write_bytes(content)
    assert sha256_of_file(tmp_path / "file") == hashlib.sha256(content).hexdigest()
