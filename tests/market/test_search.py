"""Searches over an index: nearest, mixture, words, tags and the verdict."""

from __future__ import annotations

import sys

import cvxpy
import numpy as np
import pandas as pd
import pytest

from learnware.errors import InvalidParameter
from learnware.market.searcher.mixture import mix
from learnware.market.searcher.statistical import Query, Scan, measured
from learnware.specification import RKME, Frame, SemanticSpecification, Specification
from tests.market.indexed import Indexed, search

CENTRES = np.random.default_rng(0).normal(0, 4, (30, 3))


def sample(centre, n=300, seed=0, spread=1.0):
    return np.random.default_rng(seed).normal(CENTRES[centre], spread, (n, 3))


def spec(X, **words):
    words.setdefault("data", "table")
    return Specification(SemanticSpecification(**words), RKME.from_data(X, 30, random_state=0))


@pytest.fixture(scope="module")
def index():
    built = Indexed()
    for i in range(30):
        task = "regression" if i % 2 else "classification"
        built.add(str(i), spec(sample(i), name=f"Region {i}", task=task, scenarios=("Nature", "Health")[: 1 + i % 2]))
    return built


def members(index):
    return {i: index.store.describe(i).statistical for i in index.store}


def exact_squared_distances(index, query):
    rkmes = members(index)
    frame = Frame.pool(list(rkmes.values()))
    user = query.statistical

    def inner(a, b):
        return a.weights @ frame.kernel(frame.apply(a.points), frame.apply(b.points)) @ b.weights

    return {i: inner(r, r) - 2 * inner(r, user) + inner(user, user) for i, r in rkmes.items()}, inner


def test_hits_are_ranked_by_the_exact_distance(index):
    query = spec(sample(3, seed=9))
    squared, _ = exact_squared_distances(index, query)
    result = search(index, query, limit=30)
    assert [hit.id for hit in result.hits] == sorted(squared, key=squared.get)
    for hit in result.hits:
        assert hit.distance == pytest.approx(np.sqrt(squared[hit.id]), abs=1e-4)
    assert result.hits[0].id == "3"
    assert result.verdict == "match"
    assert result.hits[0].fit > 0.9


def scan(index, query):
    island = index.island(query.statistical)
    asked = Query.on(island, query.statistical)
    return Scan.of(island, asked, island.present, island.products(asked.sketch))


def nearest(seen, n):
    by_sketch = seen.island.self_products - 2.0 * seen.products
    return measured(seen, np.sort(np.argsort(by_sketch)[:n]))


def test_the_sketch_loses_none_of_the_nearest(index):
    query = spec(np.concatenate([sample(3, seed=9), sample(7, seed=9)]))
    squared, _ = exact_squared_distances(index, query)
    near = nearest(scan(index, query), 12)
    assert [member.id for member in near.members[:3]] == sorted(squared, key=squared.get)[:3]


def test_every_learnware_can_be_a_hit(index, monkeypatch):
    monkeypatch.setattr(sys.modules["learnware.market.searcher.duplicates"], "N_EXACT", 5)
    assert len(search(index, spec(sample(3, seed=9)), limit=4).hits) == 4
    assert len(search(index, spec(sample(3, seed=9)), limit=30).hits) == 30


def test_mixture_finds_planted_components_and_weights(index):
    X = np.concatenate([sample(2, 500, 9), sample(11, 300, 9), sample(20, 200, 9)])
    mixture = search(index, spec(X)).mixture
    found = {hit.id: weight for hit, weight in zip(mixture.hits, mixture.weights, strict=True)}
    assert {"2", "11", "20"} <= set(found)
    for learnware_id, share in (("2", 0.5), ("11", 0.3), ("20", 0.2)):
        assert found[learnware_id] == pytest.approx(share, abs=0.05)
    assert mixture.weights.sum() == pytest.approx(1.0)
    assert list(mixture.weights) == sorted(mixture.weights, reverse=True)


def test_a_mixture_needs_nobody_near(index):
    seen = scan(index, spec(sample(3, seed=9)))
    near = nearest(seen, 5)
    blend = mix(seen, seen.mask, near[np.zeros(5, dtype=bool)], 3)
    assert blend.members[0].id == "3"


def test_mixture_is_as_near_as_the_best_over_all_candidates(index):
    X = np.concatenate([sample(2, 500, 9), sample(11, 300, 9), sample(20, 200, 9)])
    query = spec(X)
    _, inner = exact_squared_distances(index, query)
    rkmes = list(members(index).values())
    gram = np.array([[inner(a, b) for b in rkmes] for a in rkmes])
    products = np.array([inner(r, query.statistical) for r in rkmes])
    w = cvxpy.Variable(len(rkmes), nonneg=True)
    problem = cvxpy.Problem(
        cvxpy.Minimize(cvxpy.quad_form(w, cvxpy.psd_wrap(gram)) - 2 * products @ w), [cvxpy.sum(w) == 1]
    )
    best = problem.solve(solver=cvxpy.CLARABEL) + inner(query.statistical, query.statistical)
    found = search(index, query, mixture_size=8).mixture.distance ** 2
    assert found <= best + 0.02 * inner(query.statistical, query.statistical)


def test_mixture_keeps_to_its_size_and_reaches_beyond_the_hits(index):
    X = np.concatenate([sample(i, 100, 9) for i in range(10)])
    result = search(index, spec(X), limit=2, mixture_size=4)
    assert len(result.hits) == 2
    assert len(result.mixture) <= 4
    assert search(index, spec(X), mixture_size=1).mixture.weights.tolist() == [1.0]


@pytest.mark.parametrize(
    ("X", "verdicts"),
    [
        (sample(4, 400, 9), {"match"}),
        (np.concatenate([sample(4, 300, 9), sample(5, 300, 9)]), {"match"}),
        (sample(4, 20, 9), {"match"}),
        (np.concatenate([sample(4, 200, 9), sample(4, 200, 9) + 50.0]), {"weak"}),
        (sample(4, 400, 9) + 50.0, {"nothing fits"}),
        (sample(4, 400, 9) * 1000.0, {"nothing fits"}),
        (np.random.default_rng(0).uniform(90, 99, (400, 3)), {"nothing fits"}),
    ],
)
def test_verdict(index, X, verdicts):
    result = search(index, spec(X))
    assert result.verdict in verdicts
    assert 0.0 <= result.evidence.fit <= 1.0
    assert result.evidence.noise > 0.0
    assert result.mixture.fit == result.evidence.fit


def test_fit_does_not_depend_on_the_number_of_rows(index):
    fits = [search(index, spec(sample(4, n, 9))).mixture.fit for n in (20, 100, 2000)]
    assert min(fits) > 0.85


def test_tags_narrow(index):
    result = search(index, spec(sample(3, seed=9), task="classification"), limit=30)
    assert len(result.hits) == 15
    assert all(hit.specification.semantic.task == "Classification" for hit in result.hits)
    assert all(hit.specification.semantic.task == "Classification" for hit in result.mixture)


def test_words_narrow_a_statistical_search(index):
    result = search(index, spec(sample(3, seed=9)), text="region 12")
    assert result.hits[0].distance is not None
    assert result.hits[0].relevance is not None
    assert "12" in {hit.id for hit in result.hits}
    assert len(result.hits) < 30


def test_words_alone(index):
    result = search(index, "Region 7")
    assert result.hits[0].id == "7"
    assert result.mixture is None
    assert result.evidence is None
    by_name = search(index, Specification(SemanticSpecification(name="Region 7", task="regression")))
    assert by_name.hits[0].id == "7"
    assert search(index, "xylophone").verdict == "nothing fits"


def test_tags_alone_list_what_has_them(index):
    result = search(index, Specification(SemanticSpecification(scenarios="health")), limit=50)
    assert len(result.hits) == 15


def test_other_spaces_find_nothing(index):
    result = search(index, spec(np.random.default_rng(0).normal(size=(50, 5))))
    assert (result.hits, result.mixture, result.verdict) == ((), None, "nothing fits")
    assert search(Indexed(), spec(sample(0))).verdict == "nothing fits"


def named(names, n=100, **words):
    X = np.random.default_rng(len(names)).normal(size=(n, len(names)))
    return spec(pd.DataFrame(X, columns=list(names)), **words)


def test_surplus_columns_are_left_aside():
    built = Indexed()
    built.add("ab", named("ab"))
    built.add("abc", named("abc"))
    result = search(built, named("dcba"))
    assert [hit.id for hit in result.hits] == ["abc", "ab"]
    assert [hit.id for hit in result.mixture] == ["abc"]
    assert [hit.id for hit in search(built, named("ba")).hits] == ["ab"]


def test_a_match_of_fewer_columns_comes_before_a_weak_one_of_more():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(400, 3)), columns=list("abc"))
    built = Indexed()
    built.add("weak abc", spec(X + np.array([1.3, 0.0, 0.0])))
    built.add("match ab", spec(X[["a", "b"]]))
    result = search(built, spec(X), limit=1)
    assert result.verdict == "match"
    assert [hit.id for hit in result.hits] == ["match ab"]


@pytest.mark.parametrize("seed", range(20))
def test_a_mixture_is_never_farther_than_the_nearest(index, seed):
    rng = np.random.default_rng(seed)
    X = np.concatenate([sample(int(i), 20 * int(i) + 20, seed) for i in rng.integers(0, 10, 3)])
    for size in (1, 2):
        result = search(index, spec(X), mixture_size=size)
        assert result.mixture.distance <= result.hits[0].distance + 1e-6


def test_an_error_that_a_learnware_claims_does_not_make_a_match():
    built = Indexed()
    honest = RKME.from_data(sample(0) + np.array([2.0, 0.0, 0.0]), 30, random_state=0)
    forged = RKME(honest.points, honest.weights, n_samples=300, squared_error=2.0)
    built.add("forged", Specification(SemanticSpecification(data="table"), forged))
    assert search(built, spec(sample(0, 2000, 9))).verdict != "match"


def test_an_empty_result_says_what_to_change():
    built = Indexed()
    assert search(built, named("ab")).reason == "The market is empty."
    built.add("abc", named("abc", task="regression"))
    assert "need the column(s) 'c' as well" in search(built, named("ab")).reason
    assert "have 3 and 5 columns" in search(built, spec(np.random.default_rng(0).normal(size=(50, 5)))).reason
    assert (
        "has the tags data='Table', task='Classification'" in search(built, named("abc", task="classification")).reason
    )
    assert "matches the words 'zebra'" in search(built, "zebra").reason
    assert search(built, named("abc")).reason is None


def test_a_part_of_a_specification_will_do(index):
    whole = spec(sample(3, seed=9))
    assert search(index, whole.statistical).hits[0].id == "3"
    assert len(search(index, SemanticSpecification(task="classification"), limit=50).hits) == 15


@pytest.mark.parametrize("query", [np.eye(3), None, 3])
def test_data_are_no_query(index, query):
    with pytest.raises(InvalidParameter, match="Specification.from_data"):
        search(index, query)


@pytest.mark.parametrize("options", [{"limit": 0}, {"mixture_size": 0}, {"limit": "all"}])
def test_numbers_are_checked(index, options):
    with pytest.raises(InvalidParameter, match=next(iter(options))):
        search(index, spec(sample(0)), **options)


def test_a_forged_specification_does_not_win():
    """One point between all others is near to nobody; a copy of a neighbour ranks as that neighbour does."""
    built = Indexed()
    for i in range(20):
        built.add(str(i), spec(sample(i)))
    built.add("one point", Specification(statistical=RKME(CENTRES[:20].mean(axis=0)[None], [1.0])))
    everything = np.concatenate([sample(i) for i in range(20)])
    built.add("everything", Specification(statistical=RKME.from_data(everything, random_state=0)))
    for i in range(20):
        assert search(built, spec(sample(i, seed=5))).hits[0].id == str(i)
