"""Learnwares that were fetched share their models while they are used, and little is kept for later."""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path

import numpy as np
import pytest

from learnware.bundle import Learnware
from learnware.market import LocalMarket, Market
from learnware.testing import make_learnware
from tests.bundle.upstream_zips import make_upstream_zip

X = np.zeros((2, 2))


def content_of(market: LocalMarket, learnware_id: str) -> int:
    """Return which object holds the content of a fetched learnware, without keeping it."""
    return id(market.fetch(learnware_id)._content)


def still_kept(market: LocalMarket, ids: list[str]) -> list[bool]:
    """Tell of which learnwares the market has kept something, without fetching them."""
    gc.collect()
    kept = {learnware.name for learnware in market._fetched._used.values()}
    return [market.describe(i).semantic.name in kept for i in ids]


def test_a_learnware_fetched_again_keeps_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("learnware.market.fetched.KEPT", 2)
    market = LocalMarket.in_memory()
    ids = market.submit([make_learnware(f"learnware {i}") for i in range(3)], progress=False)
    assert content_of(market, ids[0]) == content_of(market, ids[0])
    assert market.fetch(ids[0]).id == ids[0]
    content_of(market, ids[1])
    content_of(market, ids[0])
    content_of(market, ids[2])
    assert still_kept(market, ids) == [True, False, True]
    market.update(ids[1], make_learnware("another"))
    assert market.fetch(ids[1]).specification.semantic.name == "another"


def test_what_is_in_use_is_shared_however_much_was_fetched_since(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("learnware.market.fetched.KEPT", 1)
    market = LocalMarket.in_memory()
    ids = market.submit([make_learnware(f"learnware {i}") for i in range(2)], progress=False)
    used = market.fetch(ids[0])
    market.fetch(ids[1])
    gc.collect()
    assert market.fetch(ids[0])._content is used._content


def test_files_kept_for_later_have_so_many_bytes_together(monkeypatch: pytest.MonkeyPatch) -> None:
    learnwares = [make_learnware(f"learnware {i}") for i in range(4)]
    size = max(len(learnware.to_bytes()) for learnware in learnwares)
    monkeypatch.setattr("learnware.market.fetched.KEPT_BYTES", 2 * size)
    market = LocalMarket.in_memory()
    ids = market.submit(learnwares, progress=False)
    for learnware_id in ids:
        market.fetch(learnware_id)
    assert still_kept(market, ids) == [False, False, True, True]
    monkeypatch.setattr("learnware.market.fetched.KEPT_BYTES", size // 2)
    market.fetch(ids[0])
    assert still_kept(market, ids) == [False] * 4


def test_one_with_a_sandbox_of_its_own_is_not_kept() -> None:
    with Market.open(isolation="sandbox") as market:
        assert isinstance(market, LocalMarket)
        ids = [market._store.add(make_learnware().to_bytes(), make_learnware().specification)]
        used = market.fetch(ids[0])
        assert still_kept(market, ids) == [True]
        del used
        assert still_kept(market, ids) == [False]


@pytest.fixture
def code(tmp_path: Path) -> Path:
    path = tmp_path / "code.zip"
    path.write_bytes(make_upstream_zip(source=SOURCE))
    return path


SOURCE = """
import os
import numpy as np
from learnware.model import BaseModel

class MyModel(BaseModel):
    def __init__(self):
        super().__init__(input_shape=(3,), output_shape=(1,))
        self.started = float(int.from_bytes(os.urandom(3), "big"))

    def predict(self, X):
        return np.full(len(X), self.started)

    def fit(self, X, y):
        self.started = -1.0

    def finetune(self, X, y):
        self.fit(X, y)
"""


def run_number(learnware: Learnware) -> float:
    """Return a number that tells one process of the model from another."""
    return float(learnware.predict(np.zeros((1, 3)))[0])


@pytest.mark.usefixtures("needs_sandbox")
def test_the_sandbox_of_a_learnware_ends_with_its_last_user(code: Path) -> None:
    with Market.open() as market:
        learnware_id = market.submit(code)
        before = children()
        first, second = market.fetch(learnware_id), market.fetch(learnware_id)
        number = run_number(first)
        assert run_number(second) == number
        del first
        gc.collect()
        assert run_number(second) == run_number(market.fetch(learnware_id)) == number
        del second
        gc.collect()
        end = time.monotonic() + 5
        while children() - before and time.monotonic() < end:
            time.sleep(0.05)
        assert children() - before == set()
        assert run_number(market.fetch(learnware_id)) != number


@pytest.mark.usefixtures("needs_sandbox")
def test_who_fits_a_learnware_changes_no_other(code: Path) -> None:
    with Market.open() as market:
        learnware_id = market.submit(code)
        mine = market.fetch(learnware_id)
        mine.fit(np.zeros((1, 3)), np.zeros(1))
        assert run_number(mine) == -1.0
        assert run_number(market.fetch(learnware_id)) >= 0.0


def children() -> set[str]:
    """Return the processes that this one has started and that are not over."""
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if folder.name.isdecimal() and parent == str(os.getpid()) and state != "Z":
            found.add(folder.name)
    return found
