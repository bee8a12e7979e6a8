"""A dock of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.submissions.place import Place, make_place, open_place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Return an empty dock."""
    make_place(tmp_path / "market")
    with open_place(tmp_path / "market") as made:
        yield made
