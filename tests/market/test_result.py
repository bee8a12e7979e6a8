"""What a search answers."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest

from learnware.errors import NoLearnwares
from learnware.market.result import Evidence, Hit, Mixture, SearchResult
from learnware.specification import SemanticSpecification


@pytest.fixture
def fetched():
    return []


@pytest.fixture
def result(fetched):
    def fetch(learnware_id):
        fetched.append(learnware_id)
        return f"learnware {learnware_id}"

    hits = tuple(
        Hit(str(i), SemanticSpecification(name=f"<b>{i}</b>"), 0.1 * (i + 1), 1 - 0.1 * i, None, fetch)
        for i in range(4)
    )
    mixture = Mixture((hits[0], hits[3]), np.array([0.75, 0.25]), 0.05, 0.97)
    return SearchResult(hits[:3], mixture, "match", Evidence(0.05, 0.97, 0.06, 0.4))


def test_learnwares_are_fetched_once_and_on_use(result, fetched):
    assert fetched == []
    assert result.hits[1].learnware == "learnware 1"
    assert result[1].learnware == "learnware 1"
    assert fetched == ["1"]


def test_a_hit_without_market_says_so():
    with pytest.raises(NoLearnwares, match="not tied to a market"):
        _ = Hit("a", SemanticSpecification()).learnware


def test_a_result_is_a_sequence_of_hits(result):
    assert len(result) == 3
    assert [hit.id for hit in result] == ["0", "1", "2"]
    assert len(result.mixture) == 2
    assert [hit.id for hit in result.mixture] == ["0", "3"]


def test_frame_has_hits_and_members_of_the_mixture(result):
    frame = result.to_frame()
    assert list(frame["id"]) == ["0", "1", "2", "3"]
    assert list(frame["weight"]) == [0.75, 0.0, 0.0, 0.25]
    assert list(frame.columns) == [
        "name",
        "loss",
        "distance",
        "fit",
        "weight",
        "relevance",
        "level",
        "covers",
        "covered_by",
        "id",
        "description",
    ]


def test_frame_of_an_empty_result_has_columns():
    assert list(SearchResult((), None, "nothing fits").to_frame().columns)[:2] == ["name", "loss"]


def test_dict_is_json(result):
    content = json.loads(json.dumps(result.to_dict()))
    assert content["verdict"] == "match"
    assert content["evidence"]["noise"] == 0.06


def test_rich_form_shows_and_escapes(result):
    html = result._repr_html_()
    assert "match" in html
    assert "<b>0</b>" not in html
    assert "&lt;b&gt;0" in html
    assert "97%" in html
    assert SearchResult((), None, "nothing fits")._repr_html_()


def test_a_result_without_hits_says_why():
    empty = SearchResult((), None, "nothing fits", reason="No <learnware> has these columns.")
    assert "No &lt;learnware&gt; has" in empty._repr_html_()
    assert empty.to_dict()["reason"] == "No <learnware> has these columns."


def test_members_have_short_forms(result):
    assert repr(result.hits[0]) == "Hit('<b>0</b>', distance=0.1, fit=1, id='0')"
    assert repr(result.mixture) == "Mixture(0.75 '<b>0</b>' + 0.25 '<b>3</b>', distance=0.05, fit=0.97)"


def test_repr_is_one_line(result):
    assert repr(result) == "SearchResult('match', 3 hits, nearest at 0.1)"


def test_plot(result):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    axes = result.plot()
    assert "match" in axes.get_title()
    assert len(axes.patches) == 8
    _, given = pyplot.subplots()
    assert SearchResult((), None, "nothing fits").plot(given) is given
    pyplot.close("all")


def test_copies_are_the_same_object_and_pickles_carry_the_learnware(result, fetched):
    assert copy.deepcopy(result) is result
    back = pickle.loads(pickle.dumps(result.hits[2]))
    assert back.learnware == "learnware 2"
    assert fetched == ["2"]


def test_near_duplicates_are_shown():
    first = Hit("a" * 32, SemanticSpecification(name="First"), 0.1, 0.9, covers=("b" * 32, "<c>"))
    copied = Hit("b" * 32, SemanticSpecification(name="Copied"), 0.1, 0.9, covered_by="a" * 32)
    both = SearchResult((first, copied), None, "match", Evidence(0.05, 0.97, 0.06, 0.4))
    assert repr(first) == f"Hit('First', distance=0.1, fit=0.9, covers=2, id='{'a' * 32}')"
    assert repr(copied) == f"Hit('Copied', distance=0.1, fit=0.9, covered_by='{'a' * 32}', id='{'b' * 32}')"
    page = both._repr_html_()
    assert "First <small>and 2 all but the same</small>" in page
    assert f"Copied <small>all but the same as <code>{'a' * 8}</code></small>" in page
    assert both.to_frame()["covered_by"].fillna("").tolist() == ["", "a" * 32]
    assert [(hit["covers"], hit["covered_by"]) for hit in both.to_dict()["hits"]] == [(2, None), (0, "a" * 32)]
