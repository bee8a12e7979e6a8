"""What tests of remote markets share: a dock, a market on it, and pauses that do not last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from learnware.market.remote import RemoteMarket, patience
from tests.market.remote.fake_dock import FakeDock


@pytest.fixture(autouse=True)
def quick_and_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the cache of whoever runs the tests out of them, and wait for nothing long."""
    monkeypatch.setenv("LEARNWARE_CACHE", str(tmp_path / "cache"))
    for name in ("LEARNWARE_TOKEN", "LEARNWARE_OFFLINE", "LEARNWARE_INSECURE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(patience, "FIRST_SECONDS", 0.002)


@pytest.fixture
def dock() -> Iterator[FakeDock]:
    with FakeDock() as started:
        yield started


@pytest.fixture
def market(dock: FakeDock) -> Iterator[RemoteMarket]:
    with RemoteMarket(dock.url) as opened:
        yield opened
