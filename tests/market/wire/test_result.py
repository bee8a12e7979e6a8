"""The answer to a search crosses the wire."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware import Market, Specification
from learnware.errors import MarketError
from learnware.market import SearchResult
from learnware.market.wire import result_from_wire, result_to_wire, revision_from_wire
from learnware.testing.examples import make_learnware
from tests.market.wire.test_problem import json_values


@pytest.fixture(scope="module")
def answers() -> tuple[Market, SearchResult, SearchResult]:
    market = Market.open()
    market.submit([make_learnware(), make_learnware("Near", 0.5), make_learnware("Far", 9.0)], progress=False)
    query = Specification(statistical=make_learnware("x", 0.3).specification.statistical)
    return market, market.search(query, limit=1), market.search("near")


def crossed(market: Market, result: SearchResult) -> SearchResult:
    content = json.loads(json.dumps(result_to_wire(result), allow_nan=False))
    return result_from_wire(content, describe=market.describe, fetch=market.fetch)


def test_a_result_arrives_as_it_was(answers: tuple[Market, SearchResult, SearchResult]) -> None:
    market, by_points, by_words = answers
    for result in (by_points, by_words):
        arrived = crossed(market, result)
        assert arrived.to_dict() == result.to_dict()
        assert repr(arrived) == repr(result)
        assert arrived._repr_html_() == result._repr_html_()
    assert by_points.mixture is not None
    arrived = crossed(market, by_points)
    assert arrived.mixture is not None
    np.testing.assert_array_equal(arrived.mixture.weights, by_points.mixture.weights)
    assert arrived.hits[0].specification == market.describe(by_points.hits[0].id)
    assert arrived.hits[0].learnware == by_points.hits[0].learnware


def test_no_points_cross(answers: tuple[Market, SearchResult, SearchResult]) -> None:
    assert len(json.dumps(result_to_wire(answers[1]))) < 3_000


def test_the_query_does_not_cross_and_hits_have_it_on_arrival(
    answers: tuple[Market, SearchResult, SearchResult],
) -> None:
    market, by_points, _ = answers
    query = by_points.hits[0].query
    assert query is not None
    content = json.loads(json.dumps(result_to_wire(by_points)))
    assert "query" not in json.dumps(content)
    arrived = result_from_wire(content, describe=market.describe, fetch=market.fetch, query=query)
    assert str(arrived.hits[0].explain()) == str(by_points.hits[0].explain())
    assert arrived.mixture is not None
    assert all(hit.query is query for hit in arrived.mixture)


def test_near_duplicates_arrive_by_their_ids() -> None:
    market = Market.open()
    first, second = market.submit([make_learnware(), make_learnware("Again")], progress=False)
    query = make_learnware().specification
    assert [hit.covers for hit in crossed(market, market.search(query))] == [(second,)]
    told = [(hit.id, hit.covered_by) for hit in crossed(market, market.search(query, duplicates=True))]
    assert told == [(first, None), (second, first)]


@pytest.mark.parametrize("wrong", [{"covers": ["../etc"]}, {"covers": "a" * 32}, {"covered_by": 3}])
def test_near_duplicates_are_named_by_ids_alone(
    answers: tuple[Market, SearchResult, SearchResult], wrong: dict[str, object]
) -> None:
    content = result_to_wire(answers[1])
    content["hits"][0].update(wrong)
    with pytest.raises(MarketError, match="no id"):
        result_from_wire(content, describe=answers[0].describe, fetch=answers[0].fetch)


def test_older_markets_tell_nothing_of_near_duplicates(answers: tuple[Market, SearchResult, SearchResult]) -> None:
    content = result_to_wire(answers[1])
    for hit in content["hits"]:
        del hit["covers"], hit["covered_by"]
    arrived = result_from_wire(content, describe=answers[0].describe, fetch=answers[0].fetch)
    assert {(hit.covers, hit.covered_by) for hit in arrived} == {((), None)}


def test_an_empty_result_arrives() -> None:
    market = Market.open()
    arrived = crossed(market, market.search("anything"))
    assert (arrived.hits, arrived.mixture, arrived.reason) == ((), None, "The market is empty.")


def paths(content: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(content, dict):
        inner = [paths(value, (*before, key)) for key, value in content.items()]
    elif isinstance(content, list):
        inner = [paths(value, (*before, i)) for i, value in enumerate(content)]
    else:
        return [before]
    return [before, *(path for found in inner for path in found)]


@given(st.data())
def test_a_damaged_answer_is_refused_or_read(answers: Any, data: st.DataObject) -> None:
    content = json.loads(json.dumps(result_to_wire(answers[1])))
    path = data.draw(st.sampled_from(paths(content)))
    damage = data.draw(json_values)
    damaged = copy.deepcopy(content)
    if path:
        place = damaged
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = damage
    else:
        damaged = damage
    try:
        result = result_from_wire(damaged, describe=answers[0].describe, fetch=answers[0].fetch)
    except MarketError:
        return
    assert isinstance(result.to_dict(), dict)


@given(json_values)
def test_no_revision_is_refused(content: object) -> None:
    with pytest.raises(MarketError, match="revision"):
        revision_from_wire(content)
