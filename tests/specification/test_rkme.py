"""The reduced kernel mean embedding."""

from __future__ import annotations

import copy
import pickle
import zlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from learnware.errors import IncomparableSpaces, InvalidData, InvalidParameter, InvalidSpecification, TooFewRows
from learnware.specification import RKME


@pytest.fixture
def X():
    return np.random.default_rng(0).normal([0.0, 100.0, -3.0], [1.0, 50.0, 0.01], (600, 3))


def test_stands_for_the_data(X):
    rkme = RKME.from_data(X, random_state=0)
    assert 50 <= len(rkme.points) <= 100
    assert rkme.n_samples == 600
    assert rkme.weights.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(rkme.weights @ rkme.points, X.mean(axis=0), atol=0.2 * X.std(axis=0).max())
    frame = rkme.frame
    direct = frame.kernel.mean(frame.apply(X), frame.apply(rkme.points), rkme.weights)
    brute = frame.kernel(frame.apply(X[:50]), frame.apply(rkme.points)) @ rkme.weights
    np.testing.assert_allclose(direct[:50], brute)


def test_same_seed_same_points_and_other_seed_others(X):
    long = np.concatenate([X] * 20)
    first, second, third = (RKME.from_data(long, 20, random_state=seed) for seed in (1, 1, 2))
    assert first == second
    assert hash(first) == hash(second)
    assert first != third
    assert first != "something else"


def test_the_data_are_left_alone(X):
    X.setflags(write=False)
    before = X.copy()
    RKME.from_data(X, 20)
    np.testing.assert_array_equal(X, before)


def test_no_row_is_published():
    X = np.random.default_rng(0).standard_t(1.5, (400, 4))  # heavy tails: rows far from all others
    points = RKME.from_data(X, random_state=0).points
    scale = X.std(axis=0)
    nearest = np.sqrt((((points[:, None] - X) / scale) ** 2).sum(axis=2)).min(axis=1)
    assert nearest.min() > 1e-4


@settings(max_examples=30)
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(5, 40), st.integers(1, 4)),
        elements=st.floats(-1e12, 1e12) | st.sampled_from([0.0, 1.0, np.nan]),
    ).filter(lambda X: not np.isnan(X).all(axis=0).any())
)
def test_any_finite_table_gives_a_sound_embedding(X):
    rkme = RKME.from_data(X, 10, random_state=0)
    assert len(rkme.points) <= max(1, len(X) // 5)
    assert np.isfinite(rkme.points).all()
    assert rkme.distance(rkme) <= 1e-6
    assert 0.0 <= rkme.inner(rkme) <= 1.0 + 1e-9


@pytest.mark.parametrize("n_rows", [0, 1, 4])
def test_too_few_rows(n_rows):
    with pytest.raises(InvalidData if n_rows == 0 else TooFewRows, match=str(n_rows)):
        RKME.from_data(np.ones((n_rows, 2)))


def test_floor_is_the_callers_but_never_below_three(X):
    assert len(RKME.from_data(X[:30], min_rows=10).points) <= 3
    with pytest.raises(InvalidParameter, match="'min_rows' parameter of RKME.from_data must be an int of at least 3"):
        RKME.from_data(X, min_rows=2)


@pytest.mark.parametrize("n_points", [0, -3, 2.5, "many", True])
def test_n_points_is_a_positive_int(X, n_points):
    with pytest.raises(InvalidParameter, match="'n_points' parameter of RKME.from_data must be a positive int"):
        RKME.from_data(X, n_points)


def test_constant_columns_and_constant_tables():
    assert RKME.from_data(np.ones((20, 3))).points.tolist() == [[1.0, 1.0, 1.0]]
    mixed = RKME.from_data(np.column_stack([np.full(50, 7.0), np.arange(50.0)]), random_state=0)
    assert (mixed.points[:, 0] == 7.0).all()
    assert mixed.scale[0] == 0.0


def test_missing_values_do_not_move_the_location(X):
    holes = X.copy()
    holes[::4, 1] = np.nan
    rkme = RKME.from_data(holes, random_state=0)
    assert rkme.space.columns[1].missing == 0.25
    assert rkme.location[1] == pytest.approx(np.nanmean(holes[:, 1]), rel=0.05)


def test_a_column_of_hardly_any_values():
    sparse = np.full(60_000, np.nan)
    sparse[[7, 20_000, 40_000]] = [1.0, 2.0, 3.0]
    rkme = RKME.from_data(np.column_stack([sparse, np.arange(60_000.0)]), 10, random_state=0)
    assert np.isfinite(rkme.location).all()
    assert np.isfinite(rkme.points).all()
    assert 1.0 <= rkme.location[0] <= 3.0


def test_outliers_do_not_set_the_scale(X):
    wild = X.copy()
    wild[:4, 0] = 1e9
    assert RKME.from_data(wild).scale[0] == pytest.approx(1.0, rel=0.2)


@pytest.mark.parametrize("n_rows", [6, 50, 1000, 30_000])
def test_the_scale_does_not_give_a_single_value_away(n_rows):
    column = np.zeros(n_rows)
    column[n_rows // 2] = 123456.789
    rkme = RKME.from_data(np.column_stack([column, np.arange(n_rows)]), random_state=0)
    assert rkme.scale[0] == 0.0
    assert rkme.location[0] == 0.0
    assert (rkme.points[:, 0] == 0.0).all()
    column[:5] = 7.0
    assert RKME.from_data(np.column_stack([column, np.arange(n_rows)]), random_state=0).scale[0] > 0.0 or n_rows == 6


def test_pickled_values_stay_frozen(X):
    back = pickle.loads(pickle.dumps(RKME.from_data(X, 10)))
    with pytest.raises(ValueError, match="read-only"):
        back.points[0, 0] = 1.0


def test_sizes_are_limited(X):
    with pytest.raises(InvalidParameter, match="at most 1000"):
        RKME.from_data(X, 1001)
    many = {**GOOD, "points": [[0.0, 0.0]] * 1001, "weights": [1 / 1001] * 1001}
    with pytest.raises(InvalidSpecification, match="at most 1,000 points"):
        RKME.from_dict(many)


@pytest.mark.parametrize("error", [float("nan"), -0.1, 50.0])
def test_an_error_that_no_reduced_set_has_is_refused(error):
    with pytest.raises(InvalidSpecification, match="squared_error"):
        RKME([[0.0]], [1.0], squared_error=error)


def test_distance_is_a_metric_on_these(X):
    shifted = [RKME.from_data(X + s * X.std(axis=0), 30, random_state=0) for s in (0.0, 1.0, 2.0)]
    a, b, c = shifted
    assert a.distance(b) == pytest.approx(b.distance(a))
    assert a.distance(b) < a.distance(c)
    assert a.distance(a) == pytest.approx(0.0, abs=1e-7)


def test_named_columns_are_compared_by_name(X):
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    first = RKME.from_data(frame, 30, random_state=0)
    turned = RKME.from_data(frame[["c", "a", "b"]], 30, random_state=0)
    assert first.distance(turned) < 0.2
    assert first.aligned_to(turned.space).space.names == ("c", "a", "b")
    assert first.distance(RKME.from_data(X, 30, random_state=0)) < 0.2
    with pytest.raises(IncomparableSpaces, match="Only in the first: 'c'"):
        first.distance(RKME.from_data(frame[["a", "b"]]))


def test_sample_follows_the_weights():
    rkme = RKME(np.array([[0.0], [1.0]]), np.array([0.25, 0.75]))
    rows = rkme.sample(4000, random_state=0)
    assert rows.shape == (4000, 1)
    assert rows.mean() == pytest.approx(0.75, abs=0.03)
    assert rkme.sample(5, random_state=3).tolist() == rkme.sample(5, random_state=3).tolist()
    with pytest.raises(InvalidParameter, match="n_samples"):
        rkme.sample(0)


def test_sample_of_named_columns_is_a_frame_of_their_types():
    frame = pd.DataFrame({"a": np.arange(40), "b": ["x", "y"] * 20, "c": [True, False] * 20})
    rows = RKME.from_data(frame, random_state=0).sample(6, random_state=0)
    assert list(rows.columns) == ["a", "b", "c"]
    assert rows["a"].dtype.kind == "i"
    assert set(rows["b"]) <= {"x", "y"}
    assert rows["c"].dtype == bool


POINTS, WEIGHTS = np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([0.5, 0.5])


@pytest.mark.parametrize(
    ("points", "weights", "options"),
    [
        (POINTS, np.array([0.5, 0.6]), {}),
        (POINTS, np.array([1.5, -0.5]), {}),
        (POINTS, np.array([1.0]), {}),
        (POINTS * np.nan, WEIGHTS, {}),
        (POINTS[0], WEIGHTS, {}),
        (np.zeros((0, 2)), np.zeros(0), {}),
        ([["a"]], [1.0], {}),
        (POINTS, WEIGHTS, {"location": [0.0]}),
        (POINTS, WEIGHTS, {"scale": [-1.0, 1.0]}),
        (POINTS, WEIGHTS, {"scale": [np.inf, 1.0]}),
    ],
)
def test_arrays_that_are_no_embedding_are_refused(points, weights, options):
    with pytest.raises(InvalidSpecification):
        RKME(points, weights, **options)


def test_values_cannot_be_changed(X):
    rkme = RKME.from_data(X, 10)
    with pytest.raises(ValueError, match="read-only"):
        rkme.points[0, 0] = 1.0
    with pytest.raises(AttributeError):
        rkme.n_samples = 3


def test_copies_and_pickles(X):
    rkme = RKME.from_data(X, 10, random_state=0)
    assert copy.deepcopy(rkme) == rkme
    assert pickle.loads(pickle.dumps(rkme)) == rkme


def test_files_stay_small_and_exact(X):
    rkme = RKME.from_data(X, random_state=0)
    assert RKME.from_dict(rkme.to_dict()) == rkme
    text = str(rkme.to_dict()["points"])
    assert len(text) < 18 * rkme.points.size
    assert len(zlib.compress(text.encode())) < 7 * rkme.points.size


GOOD = RKME(POINTS, WEIGHTS).to_dict()


@pytest.mark.parametrize(
    "change",
    [
        {"type": "Other"},
        {"surplus": 1},
        {"points": None},
        {"points": "many"},
        {"points": [[0.0], [1.0]]},
        {"points": [[0.0, 1.0], [1.0]]},
        {"weights": {"a": 1}},
        {"n_samples": 0},
        {"n_samples": 2.5},
        {"squared_error": -1.0},
        {"squared_error": float("nan")},
        {"squared_error": True},
        {"space": None},
    ],
)
def test_other_forms_are_refused(change):
    with pytest.raises(InvalidSpecification):
        RKME.from_dict({**GOOD, **change})
