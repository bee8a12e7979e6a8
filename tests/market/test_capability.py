"""What learnwares answer at each other's points: asked when they are submitted, kept by the store, used by searches."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from learnware import Learnware, Market, Specification
from learnware.errors import MarketNotWritable, MissingDependency, ModelFailure
from learnware.market import LocalMarket
from learnware.market.organizer import Answers, ask_around
from learnware.market.organizer.alike import others_alike
from learnware.market.organizer.capability import MOST_CLASSES, N_PROBES, Truth, cell, own_cell, places, probes_of
from learnware.market.store import Cell, DirectoryStore, MemoryStore
from learnware.specification import RKME, PointLabels, Space
from tests.market.indexed import Indexed, search


def rows(centre: float, n: int = 150, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(centre, 1.0, (n, 3))


def learnware(centre: float = 0.0, rule=(1.0, -1.0, 0.5), seed: int = 0, **words) -> Learnware:
    X = rows(centre, seed=seed)
    y = np.where((X - centre) @ rule > 0, "up", "down")
    words.setdefault("name", f"at {centre:g}")
    return Learnware.from_model(LogisticRegression().fit(X, y), X, y, n_points=20, random_state=0, **words)


def known(one: Learnware) -> tuple[str, RKME]:
    return one.digest, one.specification.statistical


def test_answers_are_those_of_the_models() -> None:
    new, other = learnware(), learnware(0.5)
    cells = ask_around(new, known(new), [known(other)], {other.digest: other}.get, seconds=60)
    assert [(c.answerer, c.asked) for c in cells] == [
        (new.digest, new.digest),
        (new.digest, other.digest),
        (other.digest, new.digest),
    ]
    answers = Answers(cells)
    mine, theirs = new.specification.statistical, other.specification.statistical
    probes, shares = probes_of(mine)
    assert len(probes) == min(N_PROBES, len(mine.weights))
    assert shares.sum() == pytest.approx(1.0)
    points = mine.points[probes]
    assert answers.outputs(new.digest, mine.labels, probes) == pytest.approx(new.predict_proba(points), abs=1e-3)
    said = answers.at(other.digest, new.digest, theirs.labels, len(probes))
    assert [other.classes_[i] for i in said] == other.predict(points).tolist()
    # Without cells, the specification itself says what a model answers at its own points.
    assert Answers().outputs(new.digest, mine.labels, probes).tolist() == mine.labels.values[probes].tolist()
    assert Answers().at(other.digest, new.digest, theirs.labels, len(probes)) is None


def test_cells_of_another_size_are_no_answers() -> None:
    labels = PointLabels(np.full((4, 2), 0.5), ("a", "b"))
    answers = Answers([Cell("j", "t", b"\x05\x00" * 4), Cell("t", "t", b"odd")])
    assert answers.at("j", "t", labels, 4) is None
    assert answers.outputs("t", labels, np.arange(4)).tolist() == labels.values.tolist()


def test_losses() -> None:
    shares = np.full(2, 0.5)
    two, three = PointLabels([[0.9, 0.1], [0.2, 0.8]], ("a", "b")), PointLabels(np.eye(3)[:2], ("b", "a", "c"))
    truth = Truth.of([(two, two.values, shares), (three, three.values, shares)])
    assert truth.losses(np.array([1, 2, 0, 2]), three) == pytest.approx([0.1, 1.0, 0.0, 1.0])
    other = PointLabels([[1.0]], ("another",))
    assert truth.losses(np.zeros(4, int), other).tolist() == [1.0] * 4
    values, small = PointLabels([[1.0], [3.0]]), PointLabels([[0.1], [0.3]])
    truth = Truth.of([(values, values.values, shares), (small, small.values, shares)])
    answers = np.array([[1.0], [4.0], [0.1], [99.0]])
    assert truth.losses(answers, values) == pytest.approx([0.0, 1.0, 0.0, 4.0])
    assert places((1, "1", 2.0), ("1", 2, 1.0)).tolist() == [2, 0, 1]


def test_values_are_kept_as_values() -> None:
    labels, outputs = PointLabels(np.zeros((3, 2))), np.arange(6.0).reshape(3, 2)
    answers = Answers([own_cell("t", outputs, labels), cell("j", "t", -outputs, labels)])
    assert answers.outputs("t", labels, np.arange(3)).tolist() == outputs.tolist()
    assert answers.at("j", "t", labels, 3).tolist() == (-outputs).tolist()


class Failing:
    """A learnware whose model always fails."""

    columns = ("0", "1", "2")
    classes_ = np.array(["down", "up"])

    def predict_proba(self, X: object) -> np.ndarray:
        raise ModelFailure("It cannot.")


def test_a_model_that_fails_leaves_out_its_own_answers_only() -> None:
    new, other, third = learnware(), learnware(0.5), learnware(1.0)
    around = [known(other), known(third)]
    cells = ask_around(new, known(new), around, {other.digest: Failing(), third.digest: third}.get, seconds=60)
    assert {(c.answerer, c.asked) for c in cells} == {
        (new.digest, new.digest),
        (new.digest, other.digest),
        (new.digest, third.digest),
        (third.digest, new.digest),
    }
    assert ask_around(Failing(), known(new), around, {}.get) == []
    assert [c.asked for c in ask_around(new, known(new), around, {}.get, seconds=0.0)] == [new.digest]


@pytest.mark.parametrize("pandas", [True, False])
def test_every_model_gets_its_columns_in_its_own_order(monkeypatch: pytest.MonkeyPatch, pandas: bool) -> None:
    X = pd.DataFrame(rows(0.0), columns=["a", "b", "c"])
    y = np.where(X["a"] - 2.0 * X["b"] > 0, "up", "down")
    old, new = (
        Learnware.from_model(
            LogisticRegression().fit(X[order].to_numpy(), y), X[order], y, name=str(order), n_points=20, random_state=0
        )
        for order in (["a", "b", "c"], ["c", "b", "a"])
    )
    index = Indexed()
    index.add("old", old.specification, old.to_bytes())
    if not pandas:

        def absent(*_: object, **__: object) -> None:
            raise MissingDependency("There is no pandas.")

        monkeypatch.setattr("learnware.specification.encoders.table.import_optional", absent)
    cells = ask_around(
        new, known(new), others_alike(index.index, index.store, known(new)[1], 9), {old.digest: old}.get, seconds=60
    )
    answers = Answers(cells)
    for answerer, asked in ((new, old), (old, new)):
        mine, theirs = (lw.specification.statistical for lw in (answerer, asked))
        probes, _ = probes_of(theirs)
        said = answers.at(answerer.digest, asked.digest, mine.labels, len(probes))
        points = theirs.aligned_to(mine.space).points[probes]
        assert [answerer.classes_[i] for i in said] == answerer.predict(points).tolist()


class Shouting:
    """A learnware that answers with a huge number beyond some value of its first column."""

    classes_ = None
    columns = ("0", "1", "2")

    def __init__(self, beyond: float) -> None:
        self.beyond = beyond

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.where(X[:, 0] > self.beyond, 1e90, 0.5)


def valued(centre: float) -> RKME:
    return labelled(rows(centre), rows(centre)[:, 0]).statistical


def test_answers_that_no_cell_can_hold_are_dropped() -> None:
    new, near, far = ("new", valued(0.0)), ("near", valued(1.0)), ("far", valued(50.0))
    shouting, calm = Shouting(20.0), Shouting(np.inf)
    cells = ask_around(shouting, new, [near, far], {"near": calm, "far": Shouting(-20.0)}.get, seconds=60)
    assert [(c.answerer, c.asked) for c in cells] == [("new", "new"), ("new", "near"), ("near", "new")]
    assert ask_around(Shouting(-20.0), new, [near, far], {}.get, seconds=60) == []


@pytest.mark.parametrize("odd", [np.nan, np.inf, 1e30])
def test_cells_that_are_not_numbers_to_reckon_with_are_no_answers(odd: float) -> None:
    labels, outputs = PointLabels(np.zeros((3, 1))), np.array([[1.0], [odd], [2.0]])
    answers = Answers([own_cell("t", outputs, labels), cell("j", "t", outputs, labels)])
    assert answers.outputs("t", labels, np.arange(3)).tolist() == labels.values.tolist()
    assert answers.at("j", "t", labels, 3) is None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("huge", [1e39, 1e90, 1e300])
@pytest.mark.parametrize("with_labels", [False, True])
def test_one_who_answers_with_huge_numbers_silences_nobody(huge: float, with_labels: bool) -> None:
    specifications = {str(i): labelled(rows(0.0, 300, i), rows(0.0, 300, i)[:, 0]) for i in range(4)}
    index = Indexed(specifications)
    calm = search(index, specifications["0"] if with_labels else RKME.from_data(rows(0.0), random_state=0))
    hostile = specifications["0"].statistical
    hostile = replace(hostile, labels=PointLabels(np.where(hostile.points[:, :1] > 0, huge, -huge)))
    index.add("hostile", replace(specifications["0"], statistical=hostile))
    result = search(index, specifications["0"] if with_labels else RKME.from_data(rows(0.0), random_state=0))
    losses = {hit.id: hit.loss for hit in result.hits}
    assert losses.pop("hostile") is None
    assert losses == pytest.approx({hit.id: hit.loss for hit in calm.hits}, abs=0.05)


@pytest.mark.filterwarnings("error")
def test_constant_answers_are_compared_with_large_ones() -> None:
    X = rows(0.0, 300)
    index = Indexed({"always 0": labelled(X, np.zeros(300)), "large": labelled(X, 1e14 * X[:, 0])})
    for query in (RKME.from_data(X, random_state=0), labelled(X, np.zeros(300)).statistical):
        assert all(hit.loss is None or np.isfinite(hit.loss) for hit in search(index, query).hits)


def test_a_submission_asks_around_and_every_index_reads_it(tmp_path: Path) -> None:
    first, second = learnware(), learnware(0.5)
    with Market.open(tmp_path / "market") as market, Market.open(tmp_path / "market") as reader:
        market.submit([first, second], progress=False)
        hits = reader.search(first.specification).hits
        assert all(hit.loss is not None and 0.0 <= hit.loss < 0.5 for hit in hits)
        with closing(DirectoryStore(tmp_path / "market")) as store:
            pairs = {(c.answerer, c.asked) for c in store.cells_of([first.digest, second.digest])}
        assert pairs == {(a.digest, b.digest) for a in (first, second) for b in (first, second)}


class Refusing(MemoryStore):
    """A store that cannot keep cells."""

    def add_cells(self, cells) -> None:
        raise MarketNotWritable("No room.")


def test_what_cannot_be_asked_or_kept_does_not_undo_a_submission() -> None:
    market = LocalMarket(Refusing())
    ids = market.submit([learnware(), learnware(0.5)], progress=False)
    assert list(market) == ids
    assert len(market.search(learnware().specification).hits) == 2


def test_the_folder_forgets_a_changed_cell(tmp_path: Path) -> None:
    import sqlite3

    with closing(DirectoryStore(tmp_path / "market")) as store:
        store.add(b"one", Specification())
        one = hashlib.sha256(b"one").hexdigest()
        store.add_cells([Cell(one, one, b"own")])
    with closing(sqlite3.connect(tmp_path / "market" / "market.sqlite")) as connection:
        connection.execute("UPDATE cells SET content = X'00'")
        connection.commit()
    with closing(DirectoryStore(tmp_path / "market")) as store:
        assert (store.last_cell(), store.cells_of([one])) == (1, [])


def labelled(X: np.ndarray, y: np.ndarray, seed: int = 0) -> Specification:
    return Specification.from_data(X, y, n_points=30, random_state=seed)


@pytest.mark.parametrize("regression", [False, True])
def test_labels_tell_apart_what_inputs_cannot(regression: bool) -> None:
    rules = np.eye(3)

    def target(X: np.ndarray, rule: int) -> np.ndarray:
        height = X @ rules[rule]
        return 100.0 * height if regression else np.where(height > 0, "up", "down")

    market = {}
    for i in range(9):
        X = rows(0.0, 300, seed=i)
        market[f"{i % 3}{i}"] = labelled(X, target(X, i % 3))
    index = Indexed(market)
    for rule in range(3):
        X = rows(0.0, 200, seed=50 + rule)
        y = target(X, rule).astype(object)
        y[60:] = None
        spec = Specification.from_data(X, y, task="regression" if regression else "classification", random_state=0)
        result = search(index, spec.statistical, limit=9)
        assert [hit.id[0] for hit in result.hits[:3]] == [str(rule)] * 3
        pairs = zip(result.mixture.hits, result.mixture.weights, strict=True)
        assert sum(weight for hit, weight in pairs if hit.id[0] == str(rule)) > 0.7
        losses = [hit.loss for hit in result.hits]
        assert losses == sorted(losses)


def test_a_class_that_a_learnware_does_not_know_counts_as_wrong() -> None:
    X = rows(0.0, 400)
    y = np.digitize(X[:, 0], [-0.7, 0.7])
    two = y < 2
    index = Indexed({"two": labelled(X[two], y[two]), "three": labelled(X, y), "values": labelled(X, X[:, 0])})
    user = labelled(rows(0.0, 300, 5), np.digitize(rows(0.0, 300, 5)[:, 0], [-0.7, 0.7]))
    result = search(index, user.statistical)
    losses = {hit.id: hit.loss for hit in result.hits}
    assert losses["three"] < losses["two"]
    assert losses["values"] is None


def test_learnwares_without_labels_keep_their_place() -> None:
    X = rows(0.0, 300)
    y = X[:, 0] > 0
    specifications = {
        "nearest, wrong": labelled(rows(0.0, 300, 1), rows(0.0, 300, 1)[:, 0] < 0),
        "second, unlabelled": Specification.from_data(rows(0.6, 300, 2), task="classification", random_state=0),
        "third, right": labelled(rows(1.2, 300, 3), rows(1.2, 300, 3)[:, 0] > 0),
    }
    result = search(Indexed(specifications), labelled(X, y))
    assert [hit.id for hit in result.hits] == ["third, right", "second, unlabelled", "nearest, wrong"]
    assert [hit.loss is None for hit in result.hits] == [False, True, False]
    by_inputs = search(Indexed(dict(list(specifications.items())[:2])), Specification.from_data(X, random_state=0))
    assert [hit.loss for hit in by_inputs.hits] == [None, None]


def test_models_of_numbers_are_asked_too() -> None:
    X = rows(0.0)
    one, two = (
        Learnware.from_model(LinearRegression().fit(X, y), X, y, name="line", n_points=20, random_state=0)
        for y in (X[:, 0] + 5.0, X[:, 0] + 5.1)
    )
    market = Market.open()
    market.submit([one, two], progress=False)
    assert [hit.loss < 0.1 for hit in market.search(Specification.from_data(X, random_state=0)).hits] == [True, True]


def test_a_submission_to_a_large_market_reads_the_latest_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learnwares = [learnware(0.1 * i) for i in range(4)]
    with Market.open(tmp_path / "market") as market:
        market.submit(learnwares[:3], progress=False)
    for name in ("_PENDING", "_FAR_BEHIND"):
        monkeypatch.setattr(f"learnware.market.organizer.alike.{name}", 2)
    with Market.open(tmp_path / "market") as market, closing(DirectoryStore(tmp_path / "market")) as store:
        market.submit(learnwares[3])
        asked = {c.asked for c in store.cells_of([learnwares[3].digest])}
    assert asked == {learnwares[2].digest, learnwares[3].digest}


def test_without_a_check_that_runs_models_none_is_asked() -> None:
    store = MemoryStore()
    LocalMarket(store, checks=()).submit([learnware(), learnware(0.5)], progress=False)
    assert store.last_cell() == 0


def test_the_users_labels_outvote_the_learnwares() -> None:
    def sample(seed: int, right: bool) -> Specification:
        X = rows(0.0, 300, seed)
        return labelled(X, (X[:, 0] > 0) == right)

    index = Indexed({"right": sample(7, True), **{f"wrong {i}": sample(20 + i, False) for i in range(4)}})
    by_inputs = search(index, RKME.from_data(rows(0.0, 300), random_state=0))
    assert "right" not in [hit.id for hit in by_inputs.mixture.hits]
    by_labels = search(index, sample(0, True))
    assert by_labels.hits[0].id == "right"
    assert "right" in [hit.id for hit in by_labels.mixture.hits]


def encoded(centre: float, flipped: bool = False) -> RKME:
    """Return points of an encoder, which no model can be asked about, with a label by their first coordinate."""
    points = rows(centre, 12)
    sure = np.where((points[:, :1] > centre) != flipped, 0.9, 0.1)
    space = Space.encoded("text", "some-encoder-1", 3)
    labels = PointLabels(np.hstack([sure, 1.0 - sure]), ("up", "down"))
    return RKME(points, np.full(12, 1 / 12), space, n_samples=200, labels=labels)


def test_where_models_cannot_be_asked_labels_alone_tell_a_loss() -> None:
    centres = {"far": 0.9, "nearest, flipped": 0.1, "near": 0.4}
    index = Indexed({name: Specification(statistical=encoded(at, "flipped" in name)) for name, at in centres.items()})
    by_inputs = search(index, replace(encoded(0.0), labels=None))
    assert [hit.id for hit in by_inputs.hits] == ["nearest, flipped", "near", "far"]
    assert [hit.loss for hit in by_inputs.hits] == [None] * 3
    assert by_inputs.mixture.hits[0].id == "nearest, flipped"
    by_labels = search(index, encoded(0.0))
    assert [hit.id for hit in by_labels.hits] == ["near", "far", "nearest, flipped"]
    assert by_labels.hits[0].loss < 0.3 < 0.7 < by_labels.hits[-1].loss
    assert "nearest, flipped" not in [hit.id for hit in by_labels.mixture.hits]


def test_learnwares_of_very_many_classes_are_judged_by_the_users_labels_alone() -> None:
    n_classes = MOST_CLASSES + 1
    X = np.random.default_rng(0).normal(0.0, 1.0, (60, 3))

    def spec(first: int, turn: int) -> Specification:
        values = np.eye(n_classes)[(np.arange(60) + turn) % 60]
        labels = PointLabels(values, tuple(range(first, first + n_classes)))
        return Specification(statistical=RKME(X, np.full(60, 1 / 60), n_samples=600, labels=labels))

    index = Indexed({"right": spec(0, 0), "turned": spec(0, 30), "other classes": spec(1000, 0)})
    assert [hit.loss for hit in search(index, RKME(X, np.full(60, 1 / 60), n_samples=600)).hits] == [None] * 3
    losses = {hit.id: hit.loss for hit in search(index, spec(0, 0)).hits}
    assert losses["right"] < 0.3 < 0.7 < losses["turned"] <= losses["other classes"]


def test_answers_go_with_their_bundles_and_come_back_with_them() -> None:
    store, (one, two) = MemoryStore(), (learnware(), learnware(0.5))
    market = LocalMarket(store)
    first, again, other = market.submit([one, one, two], progress=False)
    rkme = one.specification.statistical
    hearing = market._index.snapshot().hearing

    def held() -> int:
        there = {store.revisions(i)[-1].digest for i in store}
        answers = hearing.among(there)
        told = [answers.at(a, b, rkme.labels, len(probes_of(rkme)[0])) for a in there for b in there if a != b]
        return sum(said is not None for said in told)

    assert held() == 2
    market.remove(first)
    assert held() == 2  # The same bundle is there under another id.
    market.update(again, two)
    assert held() == 0
    market.update(other, one)
    assert held() == 2
    assert [hit.loss for hit in market.search(one.specification).hits] == [
        hit.loss for hit in LocalMarket(store).search(one.specification).hits
    ]


def test_values_are_not_ranked_where_hardly_anybody_agrees() -> None:
    def losses(*slopes: float) -> list[float | None]:
        X = [rows(0.0, 300, i) for i in range(len(slopes))]
        index = Indexed(
            {str(i): labelled(x, slope * x[:, 0]) for i, (x, slope) in enumerate(zip(X, slopes, strict=True))}
        )
        return [hit.loss for hit in search(index, RKME.from_data(rows(0.0), random_state=0)).hits]

    assert None not in losses(1.0, 1.0, 1.0, -3.0)
    assert losses(1.0, -1.0, 3.0, -3.0) == [None] * 4
