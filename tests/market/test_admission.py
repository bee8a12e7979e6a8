"""Learnwares come in under an id that was promised."""

from __future__ import annotations

import pytest

from learnware.errors import InvalidParameter, LearnwareNotFound, RejectedLearnware
from learnware.market import LocalMarket
from learnware.market.store import new_id
from learnware.testing import make_learnware


@pytest.fixture
def market() -> LocalMarket:
    return LocalMarket.in_memory()


def test_a_promised_id_is_kept(market: LocalMarket) -> None:
    promised = new_id()
    report = market.admit(promised, make_learnware())
    assert (report.passed, list(market)) == (True, [promised])
    assert market.fetch(promised) == make_learnware()


def test_admitting_twice_changes_nothing(market: LocalMarket) -> None:
    promised = new_id()
    for _ in range(2):
        market.admit(promised, make_learnware())
    assert len(market.revisions(promised)) == 1
    for _ in range(2):
        market.admit(promised, make_learnware("Second", 5.0))
    assert len(market.revisions(promised)) == 2


def test_what_is_refused_leaves_nothing(market: LocalMarket) -> None:
    with pytest.raises(RejectedLearnware):
        market.admit(new_id(), make_learnware("long " * 40))
    with pytest.raises(InvalidParameter, match="hexadecimal"):
        market.admit("../a", make_learnware())
    assert len(market) == 0


def test_a_removed_learnware_does_not_come_back(market: LocalMarket) -> None:
    promised = new_id()
    market.admit(promised, make_learnware())
    market.remove(promised)
    with pytest.raises(LearnwareNotFound, match="removed"):
        market.admit(promised, make_learnware())
    assert len(market) == 0
