"""What is known at points: means over enough rows, nobody's own label, the same from a file."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from learnware import RKME
from learnware.errors import InvalidData, InvalidParameter, InvalidSpecification, TooFewRows
from learnware.limits import LIMITS
from learnware.specification import PointLabels
from learnware.specification.labels import labels_at

MIN_ROWS = 5


def brute_force(points: Any, rows: Any, outputs: Any, min_rows: int) -> Any:
    known = [i for i in range(len(rows)) if not np.isnan(outputs[i]).any()]
    away = np.array([[((rows[i] - point) ** 2).sum() for point in points] for i in known])
    nearest = away.argmin(axis=1)
    values = []
    for j in range(len(points)):
        mine = [i for i, place in zip(known, nearest, strict=True) if place == j]
        if len(mine) < min_rows:
            mine = [known[k] for k in np.argsort(away[:, j], kind="stable")[:min_rows]]
        values.append(outputs[mine].mean(axis=0))
    return np.array(values)


@given(st.integers(0, 10**6), st.integers(5, 40), st.integers(1, 8), st.integers(3, 5), st.floats(0, 0.6))
def test_as_by_brute_force(seed: int, n_rows: int, n_points: int, min_rows: int, gaps: float) -> None:
    generator = np.random.default_rng(seed)
    rows, points = generator.normal(size=(n_rows, 2)), generator.normal(size=(n_points, 2))
    outputs = generator.normal(size=(n_rows, 2))
    outputs[generator.random(n_rows) < gaps, 0] = np.nan
    if (~np.isnan(outputs[:, 0])).sum() < min_rows:
        with pytest.raises(TooFewRows, match=f"labels for at least {min_rows} rows"):
            labels_at(points, rows, outputs, classes=None, score=None, min_rows=min_rows)
        return
    told = labels_at(points, rows, outputs, classes=None, score=0.5, min_rows=min_rows)
    np.testing.assert_allclose(told.values, brute_force(points, rows, outputs, min_rows), atol=1e-5)
    assert told.score == 0.5


def test_no_point_tells_a_label_of_fewer_rows() -> None:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(200, 3))
    y = np.zeros(200)
    y[7] = 1000.0
    rkme = RKME.from_data(X, 40, outputs=y, random_state=0)
    assert rkme.labels is not None
    assert rkme.labels.values.max() <= 1000.0 / MIN_ROWS + 1e-3
    few = np.full(200, np.nan)
    few[: MIN_ROWS - 1] = 1.0
    with pytest.raises(TooFewRows, match="Got 4"):
        RKME.from_data(X, outputs=few)
    few[MIN_ROWS - 1] = 3.0
    told = RKME.from_data(X, 40, outputs=few, random_state=0).labels
    np.testing.assert_allclose(told.values, 1.4, atol=1e-5)  # type: ignore[union-attr]


def test_probabilities_stay_probabilities() -> None:
    generator = np.random.default_rng(1)
    X = generator.normal(size=(300, 2))
    outputs = generator.dirichlet(np.ones(7), size=300)
    labels = RKME.from_data(X, 30, outputs=outputs, classes=range(7), random_state=0).labels
    assert labels is not None
    assert labels.classes == tuple(range(7))
    np.testing.assert_allclose(labels.values.sum(axis=1), 1.0, atol=1e-5)


def test_outputs_of_other_units_keep_their_digits() -> None:
    generator = np.random.default_rng(3)
    X = generator.normal(size=(400, 2))
    outputs = X * [1e9, -1e-3]
    labels = RKME.from_data(X, 20, outputs=outputs, random_state=0).labels
    for column, scale in ((0, 1e9), (1, 1e-3)):
        alone = RKME.from_data(X, 20, outputs=outputs[:, column], random_state=0).labels
        np.testing.assert_array_equal(labels.values[:, column], alone.values[:, 0])  # type: ignore[union-attr]
        assert np.abs(labels.values[:, column]).max() > 0.1 * scale  # type: ignore[union-attr]
    zeros = RKME.from_data(X, 20, outputs=outputs * [1.0, -0.0], random_state=0).labels
    assert not np.signbit(zeros.values[:, 1]).any()  # type: ignore[union-attr]


def test_outputs_of_some_rows_are_those_of_all_with_gaps() -> None:
    generator = np.random.default_rng(4)
    X, places = generator.normal(size=(300, 2)), np.arange(0, 300, 3)
    gaps = np.full((300, 1), np.nan)
    gaps[places] = X[places, :1]
    expected = RKME.from_data(X, 20, outputs=gaps, random_state=0)
    assert RKME.from_data(X, 20, outputs=X[places, :1], output_rows=places, random_state=0) == expected
    for wrong in ([300], [-1], [0.5], [[0]], "a"):
        with pytest.raises(InvalidParameter, match="'output_rows' parameter"):
            RKME.from_data(X, outputs=X[:1], output_rows=wrong)
    with pytest.raises(InvalidData, match="one row for each of the 100 samples"):
        RKME.from_data(X, outputs=X[:, :1], output_rows=places)


def test_what_could_not_be_read_back_is_refused() -> None:
    most = LIMITS["columns"]
    with pytest.raises(InvalidSpecification, match="at most 10,000 classes.*Take fewer points") as caught:
        PointLabels(np.full((1, most + 1), 1 / (most + 1)), tuple(range(most + 1)))
    assert caught.value.code == "spec-too-many"
    with pytest.raises(InvalidSpecification, match="at most 1,000,000 numbers"):
        PointLabels(np.full((101, most), 1 / most), tuple(range(most)))
    labels = PointLabels(np.full((2, most), round(1 / most, 6)), tuple(range(most)))
    assert PointLabels.from_dict(labels.to_dict(), 2).classes == labels.classes


def test_outputs_follow_the_rows() -> None:
    generator = np.random.default_rng(2)
    X = generator.normal(size=(2000, 2))
    rkme = RKME.from_data(X, 50, outputs=X[:, 0], random_state=0)
    assert np.corrcoef(rkme.labels.values[:, 0], rkme.points[:, 0])[0, 1] > 0.98  # type: ignore[union-attr]


@pytest.mark.parametrize("outputs", [np.ones(9), np.ones((10, 2, 2)), [["a"]] * 10, 3, [np.inf] * 10])
def test_outputs_of_another_shape(outputs: Any) -> None:
    with pytest.raises(InvalidData, match="The outputs must"):
        RKME.from_data(np.random.default_rng(0).normal(size=(10, 2)), outputs=outputs)


@pytest.mark.parametrize(
    "arguments",
    [
        ([[np.nan]],),
        ([[np.inf]],),
        ([],),
        ([1.0, 2.0],),
        ([["a"]],),
        ([[0.5, 0.5]], ("a",)),
        ([[0.5, 0.5]], ("a", "a")),
        ([[0.5, 0.4]], ("a", "b")),
        ([[1.5, -0.5]], ("a", "b")),
        ([[1.0]], None, 1.5),
        ([[1.0]], None, float("nan")),
        ([[1.0]], None, float("-inf")),
        ([[1.0]], None, True),
        ([[1.0]], None, "good"),
        ([[1.0, 0.0]], (None, 1)),
        ([[1.0, 0.0]], (["a"], 1)),
        ([[1.0, 0.0]], ("a", float("nan"))),
        ([[1.0, 0.0]], (1.0, float("inf"))),
    ],
)
def test_what_are_no_labels_of_points(arguments: Any) -> None:
    with pytest.raises(InvalidSpecification):
        PointLabels(*arguments)


def test_classes_of_numpy_become_plain() -> None:
    labels = PointLabels([[0.5, 0.5]], np.array([3, 1]), np.float64(0.5))  # type: ignore[arg-type]
    assert json.loads(json.dumps(labels.to_dict()))["classes"] == [3, 1]
    many = np.full((1, 5000), round(1 / 5000, 6))
    assert len(PointLabels(many, tuple(range(5000))).values[0]) == 5000


def test_they_cannot_be_changed() -> None:
    given_values = np.array([[0.5, 0.5]])
    labels = PointLabels(given_values, ["a", "b"])  # type: ignore[arg-type]
    given_values[0, 0] = 7.0
    assert labels.values[0, 0] == 0.5
    assert labels.classes == ("a", "b")
    with pytest.raises(ValueError, match="read-only"):
        labels.values[0, 0] = 1.0


@given(
    arrays(np.float64, st.tuples(st.just(3), st.integers(1, 3)), elements=st.floats(-1e6, 1e6)),
    st.none() | st.floats(-1e6, 1.0),
)
def test_files_of_values(values: Any, score: float | None) -> None:
    labels = PointLabels(values, None, score)
    read = PointLabels.from_dict(json.loads(json.dumps(labels.to_dict())), 3)
    np.testing.assert_array_equal(read.values, labels.values)
    assert read.score == labels.score


@pytest.mark.parametrize("classes", [("a", "b"), (0, 1), (False, True), (0.5, 1.5), ("größe", "")])
def test_files_of_classes(classes: tuple[Any, ...]) -> None:
    rkme = RKME([[0.0], [1.0]], [0.5, 0.5], labels=PointLabels([[0.25, 0.75], [1.0, 0.0]], classes, 0.9))
    read = RKME.from_dict(json.loads(json.dumps(rkme.to_dict())))
    assert read == rkme
    assert read.labels.classes == classes  # type: ignore[union-attr]
    assert [type(label) for label in read.labels.classes] == [type(label) for label in classes]  # type: ignore
    assert read != RKME([[0.0], [1.0]], [0.5, 0.5])
    assert "labels" not in RKME([[0.0], [1.0]], [0.5, 0.5]).to_dict()


GOOD: dict[str, Any] = {"values": [[0.5, 0.5]], "classes": ["a", "b"], "score": None}


@pytest.mark.parametrize(
    "change",
    [
        {"values": [[0.5, 0.5]] * 2},
        {"values": "a"},
        {"values": [[0.5, "b"]]},
        {"classes": "ab"},
        {"classes": [["a"], "b"]},
        {"classes": ["a", None]},
        {"classes": ["a", "b", "c"]},
        {"score": 2.0},
        {"score": "1"},
        {"score": True},
        {"surplus": 1},
    ],
)
def test_other_files_are_refused(change: dict[str, Any]) -> None:
    assert PointLabels.from_dict(GOOD, 1).classes == ("a", "b")
    with pytest.raises(InvalidSpecification):
        PointLabels.from_dict({**GOOD, **change}, 1)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


@given(st.sampled_from(sorted(GOOD)), json_values)
def test_any_value_reads_or_is_refused_by_our_error(field: str, value: Any) -> None:
    try:
        PointLabels.from_dict({**GOOD, field: value}, 1)
    except InvalidSpecification:
        return
