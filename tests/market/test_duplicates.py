"""Near-duplicates: one learnware stands for all that are all but the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from learnware.kernels import squared_mmd
from learnware.market.organizer.capability import cell, probes_of
from learnware.market.result import Hit
from learnware.market.searcher import duplicates, landing
from learnware.market.searcher.agreement import Agreement
from learnware.market.store import Cell
from learnware.specification import RKME, Fields, PointLabels, SemanticSpecification, Specification
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


def shifted(original: Specification, by: float) -> Specification:
    known = original.statistical
    given = {"labels": known.labels, "n_samples": known.n_samples}
    points = known.points + by * known.scale
    return replace(original, statistical=RKME(points, known.weights, known.space, known.location, known.scale, **given))


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


def turned(original: Specification) -> PointLabels:
    """Return the opposite of what a learnware answers."""
    labels = original.statistical.labels
    return PointLabels(1.0 - labels.values, labels.classes)


def test_an_update_keeps_its_place_as_the_earliest() -> None:
    original = spec(0)
    built = Indexed({"original": original, "copy": copied(original, 0)})
    built.store.replace("original", b"a new version", copied(original, 1))
    assert [(hit.id, hit.covers) for hit in search(built, user()).hits] == [("original", ("copy",))]


@pytest.mark.parametrize("n_copies", [8, 125, 400])
def test_a_crowd_hides_nobody_who_answers_otherwise(n_copies: int) -> None:
    original = spec(0)
    built = Indexed({"original": original})
    built.store.add_many([(b"%d" % i, copied(original, i)) for i in range(n_copies)])
    built.add("other answers", copied(original, 10**6, labels=turned(original)))
    result = search(built, user(), limit=5)
    assert {hit.id: len(hit.covers) for hit in result.hits} == {"original": n_copies, "other answers": 0}


def test_the_earliest_stands_for_a_crowd_however_far_behind_it_is() -> None:
    """Hundreds of copies are nearer to the user than what they were made of, and fill several blocks."""
    original, asked = spec(0), user(0.5)
    built = Indexed({"original": original, **{f"copy {i}": shifted(copied(original, i), 0.01) for i in range(300)}})
    listed = search(built, asked, duplicates=True, limit=400).hits
    assert all(copy.distance < listed[0].distance for copy in listed[1:])
    assert [(hit.id, len(hit.covers)) for hit in search(built, asked).hits] == [("original", 300)]


def test_who_is_a_copy_itself_stands_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last is like the second, which is like the first: that is found though the last is looked at first."""
    monkeypatch.setattr(duplicates, "N_EXACT", 1)
    first = spec(0)
    built = Indexed({"first": first, "second": shifted(first, 0.027), "last": shifted(first, 0.054)})
    assert {hit.id: hit.covers for hit in search(built, user(0.5)).hits} == {"first": ("second",), "last": ()}
    monkeypatch.setattr(duplicates, "MOST_READ", 0)
    assert len(search(built, user(0.5)).hits) == 3


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"task": "regression"}, False),
        ({"task": None}, False),
        ({"outputs": Fields(2)}, False),
    ],
    ids=["same", "other task", "no task", "other outputs"],
)
def test_without_answers_the_purpose_is_the_same(changes: dict[str, object], same: bool) -> None:
    original = spec(0, labels=False)
    other = copied(original, 0)
    built = Indexed({"original": original, "other": replace(other, semantic=replace(other.semantic, **changes))})
    assert len(search(built, user()).hits) == (1 if same else 2)


def asked_cells(built: Indexed, answerer: str, host: str, specification: Specification, wrong: bool) -> Cell:
    (digest,), (asked,) = ([built.store.revisions(name)[-1].digest] for name in (answerer, host))
    labels = specification.statistical.labels
    rows, _ = probes_of(specification.statistical)
    values = labels.values[rows]
    return cell(digest, asked, 1.0 - values if wrong else values, labels)


@pytest.mark.parametrize("host", ["original", "other"])
def test_what_models_were_asked_counts_more_than_what_is_claimed(host: str) -> None:
    """A model that claims the answers of another gives others when it is asked, and the other way round."""
    original = spec(0)
    liar = Indexed({"original": original, "other": copied(original, 0)})
    assert len(search(liar, user()).hits) == 1
    guest = "other" if host == "original" else "original"
    liar.store.add_cells([asked_cells(liar, guest, host, original, wrong=True)])
    assert len(search(liar, user()).hits) == 2


def test_models_that_answer_alike_when_asked_are_the_same_whatever_they_claim() -> None:
    original = spec(0)
    silent = copied(original, 0, labels=turned(original))
    built = Indexed({"original": original, "other": silent})
    assert len(search(built, user()).hits) == 2
    hosts = {"original": original, "other": silent}
    built.store.add_cells(
        asked_cells(built, guest, host, hosts[host], wrong=False)
        for guest, host in (("original", "other"), ("other", "original"))
    )
    assert len(search(built, user()).hits) == 1


def test_a_distance_that_the_sketches_get_wrong_is_measured() -> None:
    """Just on either side of the border, sketches err by a fifth; the exact distance decides."""
    original = spec(0, labels=False)
    built = Indexed({"original": original})
    for i in range(60):
        built.add(f"other {i}", copied(original, i, 0.02 + 0.002 * i))
    island = built.island()
    _, members = island.known(np.arange(len(island)))
    kernel = island.ruler[1].kernel
    framed = [member.framed(island.ruler[1]) for member in members]
    apart = {
        member.id: squared_mmd(kernel, *framed[0], *own) for member, own in zip(members[1:], framed[1:], strict=True)
    }
    (hit,) = (hit for hit in search(built, user(), limit=100).hits if hit.id == "original")
    assert set(hit.covers) == {name for name, squared in apart.items() if squared <= duplicates.SAME_DATA}
    assert 0 < len(hit.covers) < 60


def test_copies_that_are_listed_have_distance_and_fit() -> None:
    original = spec(0)
    built = Indexed({"original": original, "far": spec(1, 3.0), "copy": copied(original, 0)})
    one, copy, _ = search(built, user(), duplicates=True).hits
    assert (copy.id, copy.covered_by, copy.loss) == ("copy", "original", None)
    assert copy.distance == pytest.approx(one.distance, abs=0.03)
    assert copy.fit == pytest.approx(one.fit, abs=0.03)


def walked(built: Indexed, size: int, **options: object) -> list[Hit]:
    """Return the hits of all pages of a size."""
    hits: list[Hit] = []
    while page := search(built, user(), limit=size, offset=len(hits), **options).hits:
        hits += page
    return hits


def told(hits: Iterable[Hit]) -> list[tuple[object, ...]]:
    return [(hit.id, hit.distance, hit.fit, hit.loss, hit.covers, hit.covered_by) for hit in hits]


def drawn(seed: int, n: int) -> Indexed:
    """Return learnwares around a few places; many are copies of earlier ones, some of which have been updated."""
    rng, built, first = np.random.default_rng(seed), Indexed(), spec(seed)
    known: dict[str, Specification] = {}
    for i in range(n):
        if known and rng.random() < 0.5:
            one = known[rng.choice(list(known)[: 1 + i // 4])]
            labels = turned(one) if rng.random() < 0.2 else one.statistical.labels
            made = copied(one, i, float(rng.uniform(0.0, 0.06)), labels=labels)
        else:
            made = shifted(copied(first, i, 0.3), float(rng.normal()))
        known[f"{i}"] = made
        built.add(f"{i}", made)
    for name in rng.choice(list(known), n // 20, replace=False):
        built.store.replace(name, b"new " + name.encode(), known[name])
    for name in rng.choice(list(known), n // 20, replace=False):
        built.remove(name)
    return built


def folded_by_hand(built: Indexed) -> dict[str, str]:
    """Return who stands for whom, by comparing everybody with all that came before and stand."""
    island, snapshot = built.island(), built.index.snapshot()
    _, members = island.known(np.arange(len(island)))
    known = {member.id: member for member in members}
    agreement = Agreement(island, snapshot.hearing.among([member.entry.digest for member in members]))
    standing: list[str] = []
    stands_for: dict[str, str] = {}
    for name in built.store:
        # A sketch that says nothing lets the exact distance decide.
        doubt = np.array([duplicates.SAME_DATA])
        for one in standing:
            if agreement.alike(known[one], [known[name]], doubt)[0]:
                stands_for[name] = one
                break
        else:
            standing.append(name)
    return stands_for


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("most_read", [512, 20])
def test_pages_of_any_size_are_cuts_of_one_answer(seed: int, most_read: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "N_EXACT", 16)
    monkeypatch.setattr(duplicates, "MOST_READ", most_read)
    built = drawn(seed, 100)
    everybody = set(built.store)
    whole = search(built, user(), limit=10**6).hits
    listed = search(built, user(), limit=10**6, duplicates=True).hits
    for size in (3, 16, 40):
        assert told(walked(built, size)) == told(whole)
        assert told(walked(built, size, duplicates=True)) == told(listed)
    ids, copies = [hit.id for hit in whole], [copy for hit in whole for copy in hit.covers]
    assert sorted(ids + copies) == sorted(everybody)
    assert sorted(hit.id for hit in listed) == sorted(everybody)
    stands_for = {copy: hit.id for hit in whole for copy in hit.covers}
    assert {hit.id: hit.covered_by for hit in listed if hit.covered_by} == stands_for
    if most_read == 512:
        assert stands_for == folded_by_hand(built)
        assert len(copies) > 10


def test_what_is_read_for_comparisons_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound, what may be a copy comes behind all that is none, and nobody is lost."""
    monkeypatch.setattr(duplicates, "MOST_READ", 50)
    original = spec(0)
    built = Indexed({"original": original})
    crowd = built.store.add_many([(b"%d" % i, copied(original, i)) for i in range(300)])
    others = {f"other {i}": spec(i, 0.3 + 0.05 * i) for i in range(1, 30)}
    for name, other in others.items():
        built.add(name, other)
    read: list[int] = []
    monkeypatch.setattr(duplicates.Folding, "_fold", counted(duplicates.Folding._fold, read))
    top = search(built, user(), limit=30).hits
    assert {hit.id for hit in top} == {"original", *others}
    assert sum(read) == 50
    hits = search(built, user(), limit=1000).hits
    assert [hit.id for hit in hits[:30]] == [hit.id for hit in top]
    assert {hit.id for hit in hits[30:]}.isdisjoint(top[0].covers)
    assert sorted([hit.id for hit in hits] + [c for hit in hits for c in hit.covers]) == sorted(built.store)
    assert {hit.id for hit in hits[30:]} < set(crowd)


def counted(fold, read: list[int]):
    def folding(self, rows) -> None:
        read.append(len(rows))
        fold(self, rows)

    return folding


def test_a_deep_page_measures_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    built, original = Indexed(), spec(0)
    built.store.add_many([(b"%d" % i, shifted(copied(original, i, 0.3), 0.01 * i)) for i in range(400)])
    measured: list[int] = []
    ranked = landing.measured

    def counting(scan, rows):
        measured.append(len(rows))
        return ranked(scan, rows)

    monkeypatch.setattr(landing, "measured", counting)
    assert len(search(built, user(), limit=10, offset=300).hits) == 10
    assert measured == [128, 128]
