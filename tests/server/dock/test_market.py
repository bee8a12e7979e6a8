"""The market of a dock: some learnwares are not for everybody to see."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from learnware import Specification
from learnware.market.organizer import Snapshot
from learnware.market.result import SearchResult
from learnware.market.searcher import Question, Wishes, search
from learnware.market.store import new_id
from learnware.server.dock.market import DockMarket
from learnware.specification import RKME, SemanticSpecification
from learnware.testing import make_learnware
from learnware.testing.examples import points_around


@pytest.fixture
def market(tmp_path: Path) -> Iterator[DockMarket]:
    with closing(DockMarket(tmp_path / "market")) as opened:
        yield opened


def seen(market: DockMarket, asked: Question, hidden: Collection[str]) -> SearchResult:
    return market.search_visible(asked, wishes=Wishes(), hidden=lambda: hidden)


def test_nothing_of_what_is_hidden_shows(market: DockMarket) -> None:
    query = Specification(statistical=RKME.from_data(points_around(0.0), 10, random_state=1))
    secret, shown = market.submit([make_learnware("Secret sales"), make_learnware("Sales", 1.0)], progress=False)
    for asked in (query, "sales", SemanticSpecification(task="classification")):
        assert [hit.id for hit in seen(market, asked, {secret}).hits] == [shown]
    mixture = seen(market, query, {secret}).mixture
    assert mixture is not None
    assert [hit.id for hit in mixture] == [shown]
    assert market.matching(SemanticSpecification(), "", lambda: {secret}) == ([shown], 1)


def test_a_hidden_near_duplicate_is_not_told_of(market: DockMarket) -> None:
    shown, secret = market.submit([make_learnware(), make_learnware("The same")], progress=False)
    query = make_learnware().specification
    (hit,) = market.search(query).hits
    assert (hit.id, hit.covers) == (shown, (secret,))
    assert [h.covers for h in seen(market, query, {secret}).hits] == [()]
    assert [h.id for h in seen(market, query, {shown}).hits] == [secret]


def test_reasons_count_what_may_be_seen(market: DockMarket) -> None:
    ids = market.submit([make_learnware("Secret"), make_learnware("Known", 1.0)], progress=False)
    regression = SemanticSpecification(task="regression")
    assert "None of the 1 learnwares" in (seen(market, regression, ids[:1]).reason or "")
    assert seen(market, "secret", ids).reason == "The market is empty."


def test_learnwares_by_name(market: DockMarket) -> None:
    names = ["Zebra", "apple", "Mango"]
    ids = dict(
        zip(market.submit([make_learnware(n, i) for i, n in enumerate(names)], progress=False), names, strict=True)
    )
    by_name = market.matching(SemanticSpecification(), sort="name")
    assert [ids[i] for i in by_name.ids] == ["apple", "Mango", "Zebra"]
    assert [ids[i] for i in market.matching(SemanticSpecification()).ids] == names[::-1]


@pytest.mark.parametrize("sort", ["newest", "name"])
def test_a_page_asks_for_no_more_than_it_shows(market: DockMarket, sort: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = market.store.add_many([(b"%d" % i, Specification(SemanticSpecification(f"Shop {i}"))) for i in range(9)])
    expected = ids if sort == "name" else ids[::-1]
    asked: list[int] = []
    real = market.store.ids_of
    monkeypatch.setattr(market.store, "ids_of", lambda numbers: asked.append(len(numbers)) or real(numbers))
    pages = [market.matching(SemanticSpecification(), sort=sort, start=start, limit=4) for start in (0, 4, 8, 12)]
    assert [page.ids for page in pages] == [expected[:4], expected[4:8], expected[8:], []]
    assert {page.total for page in pages} == {9}
    assert asked == [4, 4, 1, 0]
    among = [ids[1], ids[5], ids[2], "0" * 32]
    few = market.matching(SemanticSpecification(), "", lambda: {ids[1]}, sort=sort, among=among)
    assert few == ([i for i in expected if i in (ids[2], ids[5])], 2)
    assert market.matching(SemanticSpecification(), "shop", sort=sort, start=1, limit=2) == (ids[1:3], 9)


def test_learnwares_are_counted_by_their_task(market: DockMarket) -> None:
    ids = market.submit([make_learnware(str(i), i) for i in range(3)], progress=False)
    assert market.n_by_task() == {"Classification": 3}
    market.remove(ids[0])
    assert market.n_by_task() == {"Classification": 2}


def test_surroundings_are_the_nearest_and_some_of_the_others(market: DockMarket) -> None:
    learnwares = [make_learnware(str(i), float(i)) for i in range(12)]
    ids = market.submit(learnwares, progress=False)
    rkme = learnwares[3].specification.statistical
    around = market.surroundings(rkme, 6, hidden=lambda: {ids[4]})
    assert around is not None
    assert len(around.ids) == 6
    assert {ids[3], ids[2]} <= set(around.ids)
    assert ids[4] not in around.ids
    nearest = around.ids[int(np.argmin(((around.sketches - around.own) ** 2).sum(axis=1)))]
    assert nearest == ids[3]
    assert market.surroundings(rkme, 6, hidden=lambda: ids) is None


def test_what_is_hidden_stays_so_when_it_has_been_replaced_since(market: DockMarket) -> None:
    secret, shown = market.submit([make_learnware("Secret"), make_learnware("Shown", 1.0)], progress=False)
    query = make_learnware().specification
    assert [hit.id for hit in market.search(query).hits] == [secret, shown]
    snapshot = market._index.snapshot()
    market.update(secret, make_learnware("Secret still", 2.0))
    found = search(snapshot, query, hidden={secret})
    assert [hit.id for hit in found.hits] == [shown]


def test_what_is_hidden_from_its_first_moment_never_shows(market: DockMarket, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = market.submit([make_learnware("Shown")], progress=False)
    known = {"hidden": set[str]()}
    query = make_learnware("Secret", 1.0).specification
    snapshot = market._index.snapshot

    def while_a_private_one_comes() -> Snapshot:
        if not known["hidden"]:
            secret = new_id()
            known["hidden"] = {secret}
            market.admit(secret, make_learnware("Secret", 1.0))
        return snapshot()

    monkeypatch.setattr(market._index, "snapshot", while_a_private_one_comes)
    found = market.search_visible(query, wishes=Wishes(), hidden=lambda: known["hidden"])
    assert [hit.id for hit in found.hits] == [shown]
