"""Near-duplicates: one learnware stands for all that are all but the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from learnware.market.searcher import duplicates
from learnware.specification import RKME, PointLabels, SemanticSpecification, Specification
from learnware.testing import synthetic_market
from tests.market.indexed import Indexed, search

RULE = np.array([1.0, -1.0, 0.5])


def spec(seed: int, centre: float = 0.0, *, turned: bool = False, labels: bool = True, n: int = 400) -> Specification:
    X = np.random.default_rng(seed).normal(centre, 1.0, (n, 3))
    y = ((X - centre) @ RULE > 0) != turned
    found = Specification.from_data(X, y.astype(int) if labels else None, n_points=20, random_state=0)
    return replace(found, semantic=SemanticSpecification(f"{seed} at {centre:g}", task="classification"))


def copied(original: Specification, seed: int, away: float = 0.01, **changes: object) -> Specification:
    rkme = original.statistical
    moved = rkme.points + away * rkme.scale * np.random.default_rng(seed).normal(size=rkme.points.shape)
    given = {"labels": rkme.labels, "n_samples": rkme.n_samples, **changes}
    return replace(original, statistical=RKME(moved, rkme.weights, rkme.space, rkme.location, rkme.scale, **given))


def user(centre: float = 0.0) -> RKME:
    return RKME.from_data(np.random.default_rng(99).normal(centre, 1.0, (300, 3)), 20, random_state=0)


@pytest.mark.parametrize("labels", [True, False])
def test_the_earliest_stands_for_its_copies(labels: bool) -> None:
    original = spec(0, labels=labels)
    built = Indexed({"far": spec(1, 3.0), "original": original, "near": spec(2, 0.5)})
    for i in range(5):
        built.add(f"copy {i}", copied(original, i))
    result = search(built, user())
    assert {hit.id for hit in result.hits} == {"original", "near", "far"}
    (hit,) = (hit for hit in result.hits if hit.id == "original")
    assert hit.covers == tuple(f"copy {i}" for i in range(5))
    assert hit.covered_by is None
    assert {hit.id for hit in result.mixture} <= {"original", "near", "far"}


def test_who_asks_for_them_sees_copies_behind_the_one_that_stands_for_them() -> None:
    original = spec(0)
    built = Indexed({"original": original, "far": spec(1, 3.0), "copy": copied(original, 0)})
    result = search(built, user(), duplicates=True)
    assert [hit.id for hit in result.hits] == ["original", "copy", "far"]
    assert [hit.covered_by for hit in result.hits] == [None, "original", None]
    assert [hit.id for hit in search(built, user(), duplicates=True, limit=1, offset=1).hits] == ["copy"]


def test_when_the_earliest_goes_the_next_stands_for_the_others() -> None:
    original = spec(0)
    built = Indexed({"original": original, "copy 0": copied(original, 0), "copy 1": copied(original, 1)})
    built.remove("original")
    assert [(hit.id, hit.covers) for hit in search(built, user()).hits] == [("copy 0", ("copy 1",))]


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (lambda s: copied(s, 1, 0.02), True),
        (lambda s: copied(s, 1, 0.5), False),
        (lambda s: spec(7), False),
        (lambda s: copied(s, 1, labels=None), False),
        (
            lambda s: copied(s, 1, labels=PointLabels(1.0 - s.statistical.labels.values, s.statistical.labels.classes)),
            False,
        ),
        (lambda s: copied(s, 1, labels=PointLabels(s.statistical.labels.values, ("a", "b"))), False),
        (lambda s: copied(s, 1, labels=PointLabels(s.statistical.labels.values[:, :1])), False),
    ],
    ids=["moved a little", "moved", "other rows", "no labels", "opposite", "other classes", "values"],
)
def test_what_counts_as_the_same(other, same: bool) -> None:
    original = spec(0)
    built = Indexed({"original": original, "other": other(original)})
    assert len(search(built, user()).hits) == (1 if same else 2)


@pytest.mark.parametrize(("factor", "same"), [(1.001, True), (1.5, False)])
def test_models_of_values_are_compared_by_their_variance(factor: float, same: bool) -> None:
    X = np.random.default_rng(0).normal(size=(400, 3))
    for unit in (1e-6, 1.0, 1e6):
        one = Specification.from_data(X, unit * X @ RULE, n_points=20, random_state=0)
        values = one.statistical.labels.values
        built = Indexed({"one": one, "other": copied(one, 1, labels=PointLabels(factor * values))})
        assert len(search(built, user()).hits) == (1 if same else 2)


def test_the_same_bytes_are_the_same_learnware() -> None:
    built = Indexed()
    for name in ("one", "other"):
        built.add(name, spec(0, labels=False), b"the same bytes")
    assert [hit.covers for hit in search(built, user()).hits] == [("other",)]


@pytest.mark.parametrize("n_copies", [40, 700])
def test_nobody_fills_the_answer_with_copies(n_copies: int) -> None:
    """The nearest is there hundreds of times; others come right behind it all the same."""
    original = spec(0)
    built = Indexed({"original": original, **{f"other {i}": spec(i, 0.3 + 0.05 * i) for i in range(1, 30)}})
    built.store.add_many([(b"%d" % i, copied(original, i)) for i in range(n_copies)])
    result = search(built, user(), limit=20)
    assert len(result.hits) == 20
    assert len({hit.id for hit in result.hits}) == 20
    assert sum(hit.id == "original" for hit in result.hits) == 1
    assert len([hit for hit in result.mixture if not hit.id.startswith(("original", "other"))]) == 0


def test_copies_of_a_wrong_model_do_not_outvote_the_others() -> None:
    built = Indexed({f"right {i}": spec(i, 0.0) for i in range(6)})
    wrong = spec(50, 0.0, turned=True)
    built.store.add_many([(b"%d" % i, copied(wrong, i)) for i in range(200)])
    losses = {hit.name: hit.loss for hit in search(built, user()).hits}
    assert losses["50 at 0"] > 0.5
    assert max(loss for name, loss in losses.items() if name != "50 at 0") < 0.3


def test_copies_of_synthetic_markets_are_found_and_nothing_else() -> None:
    drawn = synthetic_market(300, duplicates=0.3, n_domains=40, random_state=0)
    built = Indexed()
    ids = built.store.add_many([(b"%d" % i, drawn.specification(i)) for i in range(300)])
    number = {learnware_id: i for i, learnware_id in enumerate(ids)}

    def origin(i: int) -> int:
        copy_of = drawn.truth(i).copy_of
        return i if copy_of is None else origin(copy_of)

    for seed in range(5):
        query = drawn.user(2, fitted=False, random_state=seed).specification
        hits = search(built, query, limit=50).hits
        origins = [origin(number[hit.id]) for hit in hits]
        assert len(set(origins)) == len(origins)
        for hit in hits:
            assert {origin(number[copy]) for copy in hit.covers} <= {origin(number[hit.id])}
        assert any(hit.covers for hit in hits)


def test_without_crowds_nothing_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_CROWD", 10**6)
    original = spec(0)
    built = Indexed({"original": original, "other": spec(1, 0.4)})
    built.store.add_many([(b"%d" % i, copied(original, i)) for i in range(300)])
    assert [hit.id for hit in search(built, user(), limit=2).hits] == ["original", "other"]
    assert len(search(built, user(), limit=2).hits[0].covers) == 300
