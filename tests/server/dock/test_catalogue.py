"""What a dock shows to whom."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from learnware import Specification
from learnware.errors import InvalidParameter, InvalidSpecification, LearnwareNotFound, TooManyRequests
from learnware.limits import LIMITS
from learnware.server.accounts.actor import ANONYMOUS
from learnware.server.accounts.rates import Rates
from learnware.server.dock import Dock
from learnware.testing import make_learnware
from tests.server.conftest import Place

PUBLIC, UNLISTED, PRIVATE = "public", "unlisted", "private"


@pytest.fixture
def shelf(place: Place) -> dict[str, str]:
    """Return the ids of three learnwares of Ada's by their visibility."""
    seen = (PUBLIC, UNLISTED, PRIVATE)
    return {v: place.put(make_learnware(f"Sales {v}", float(i)), visibility=v) for i, v in enumerate(seen)}


def everything(dock: Dock, who: str, place: Place) -> dict[str, set[str]]:
    """Return what somebody meets in each way of looking around."""
    actor = dock.actor(place.tokens.get(who))
    wanted = make_learnware("x", 0.3).specification
    public = dock.browse(ANONYMOUS).items[0].id
    return {
        "browse": {card.id for card in dock.browse(actor).items},
        "words": {card.id for card in dock.browse(actor, text="sales").items},
        "by name": {card.id for card in dock.browse(actor, sort="name").items},
        "listing": {card.id for card in dock.listing(actor).items},
        "search": {hit.id for hit in dock.search(actor, wanted).hits},
        "map": set(dock.island(actor, wanted).ids),
        "similar": {hit.id for hit in dock.similar(actor, public)} | {public},
    }


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("", {PUBLIC}),
        ("bob", {PUBLIC}),
        ("ada", {PUBLIC, UNLISTED, PRIVATE}),
        ("root", {PUBLIC, UNLISTED, PRIVATE}),
        ("root without scope", {PUBLIC}),
    ],
)
def test_everybody_meets_what_they_may(place: Place, shelf: dict[str, str], who: str, seen: set[str]) -> None:
    found = everything(place.dock, who, place)
    assert found == {way: {shelf[v] for v in seen} for way in found}
    actor = place.dock.actor(place.tokens.get(who))
    assert place.dock.browse(actor).total == place.dock.listing(actor).total == len(seen)


def test_what_is_unlisted_is_found_by_its_id(place: Place, shelf: dict[str, str]) -> None:
    assert place.dock.card(ANONYMOUS, shelf[UNLISTED]).visibility == UNLISTED
    for look in (place.dock.card, place.dock.describe, place.dock.revisions, place.dock.file, place.dock.similar):
        with pytest.raises(LearnwareNotFound):
            look(ANONYMOUS, shelf[PRIVATE])


def test_private_and_absent_are_told_apart_by_nothing(place: Place, shelf: dict[str, str]) -> None:
    said = []
    for learnware_id in (shelf[PRIVATE], "0" * 32):
        with pytest.raises(LearnwareNotFound) as caught:
            place.dock.card(place.dock.actor(place.tokens["bob"]), learnware_id)
        said.append(str(caught.value).replace(learnware_id, "ID"))
    assert said[0] == said[1]


def test_pages_follow_each_other(place: Place) -> None:
    names = [f"Sales {letter}" for letter in "edcba"]
    for name in names:
        place.put(make_learnware(name))
    seen, cursor = [], None
    while True:
        page = place.dock.browse(ANONYMOUS, sort="name", limit=2, cursor=cursor)
        seen += [card.semantic.name for card in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == sorted(names)
    assert [card.semantic.name for card in place.dock.browse(ANONYMOUS).items] == names[::-1]


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 501}, {"cursor": "x"}, {"cursor": "-1"}, {"sort": "size"}])
def test_wrong_questions_are_refused(place: Place, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidParameter):
        place.dock.browse(ANONYMOUS, **wrong)  # type: ignore[arg-type]


def test_a_query_is_kept_for_a_month(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = make_learnware().specification
    query_id = place.dock.keep_query(ANONYMOUS, wanted)
    assert place.dock.query(query_id) == wanted
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 31 * 24 * 3600.0)
    with pytest.raises(LearnwareNotFound, match="30 days"):
        place.dock.query(query_id)
    place.dock.keep_query(ANONYMOUS, wanted)
    assert len(place.dock.database.rows("SELECT 1 FROM queries")) == 1


def test_a_map_keeps_distances(place: Place) -> None:
    near, far, other = (place.put(make_learnware(f"At {c}", c)) for c in (0.0, 9.0, 0.3))
    map_ = place.dock.island(ANONYMOUS, near)
    at = dict(zip(map_.ids, map_.xy, strict=True))
    assert np.linalg.norm(at[near] - at[other]) < np.linalg.norm(at[near] - at[far])
    assert (map_.mine, place.dock.island(ANONYMOUS, Specification()).ids) == (None, [])
    assert place.dock.island(ANONYMOUS, make_learnware("q", 9.0).specification).mine is not None


def test_searches_are_counted(place: Place) -> None:
    place.dock.rates = Rates({"search-unknown": "2/minute", "search": "3/minute"})
    wanted = make_learnware().specification
    for _ in range(2):
        place.dock.search(place.dock.actor(None, "192.0.2.1"), wanted)
    with pytest.raises(TooManyRequests):
        place.dock.search(place.dock.actor(None, "192.0.2.1"), wanted)
    place.dock.search(place.dock.actor(None, "192.0.2.2"), wanted)
    place.dock.search(place.dock.actor(place.tokens["ada"], "192.0.2.1"), wanted)


def test_kept_queries_take_no_more_than_their_room(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = make_learnware().specification
    room = 3 * len(wanted.to_json())
    monkeypatch.setattr("learnware.server.dock.catalogue.LIMITS", {**LIMITS, "queries-bytes": room})
    ids = [place.dock.keep_query(ANONYMOUS, wanted) for _ in range(5)]
    assert len(place.dock.database.rows("SELECT 1 FROM queries")) == 3
    assert place.dock.query(ids[-1]) == wanted


def test_specifications_of_a_thousand_points_are_not_searched_with(place: Place) -> None:
    n_points, known = LIMITS["market-points"] + 1, make_learnware().specification.statistical
    assert known is not None
    points, weights = np.random.default_rng(0).normal(size=(n_points, 2)), np.full(n_points, 1 / n_points)
    wanted = Specification(statistical=replace(known, points=points, weights=weights, n_samples=5000, labels=None))
    with pytest.raises(InvalidSpecification, match="n_points"):
        place.dock.search(ANONYMOUS, wanted)


def test_a_search_tells_nothing_of_what_is_hidden(place: Place) -> None:
    place.put(make_learnware("Seen"))
    bob, wanted = place.dock.actor(place.tokens["bob"]), make_learnware("x", 0.4).specification
    alone = place.dock.search(bob, wanted).evidence
    place.put(make_learnware("Hidden", 0.1), visibility="private")
    beside = place.dock.search(bob, wanted).evidence
    assert alone is not None
    assert beside is not None
    assert np.isnan(alone.spread)
    assert np.isnan(beside.spread)
