"""Learnwares come in under an id that was promised, and some are not for everybody to see."""

from __future__ import annotations

import pytest

from learnware import Specification
from learnware.errors import InvalidParameter, LearnwareNotFound, RejectedLearnware
from learnware.market import LocalMarket
from learnware.market.store import new_id
from learnware.specification import RKME, SemanticSpecification
from learnware.testing import make_learnware
from learnware.testing.examples import points_around


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


def test_nothing_of_what_is_hidden_shows(market: LocalMarket) -> None:
    query = Specification(statistical=RKME.from_data(points_around(0.0), 10, random_state=1))
    secret, shown = market.submit([make_learnware("Secret sales"), make_learnware("Sales", 1.0)], progress=False)
    for asked in (query, "sales", SemanticSpecification(task="classification")):
        hits = market.search(asked, hidden={secret}).hits
        assert [hit.id for hit in hits] == [shown]
    mixture = market.search(query, hidden={secret}).mixture
    assert mixture is not None
    assert [hit.id for hit in mixture] == [shown]


def test_reasons_count_what_may_be_seen(market: LocalMarket) -> None:
    ids = market.submit([make_learnware("Secret"), make_learnware("Known", 1.0)], progress=False)
    regression = SemanticSpecification(task="regression")
    assert "None of the 1 learnwares" in (market.search(regression, hidden=ids[:1]).reason or "")
    assert market.search("secret", hidden=ids).reason == "The market is empty."
