"""The median distance, with and without weights, on ordinary and on degenerate points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from learnware.kernels import median_squared_distance


def test_it_is_the_median_over_pairs() -> None:
    points = np.random.default_rng(0).normal(size=(60, 3))
    assert median_squared_distance(points) == pytest.approx(np.median(pdist(points, "sqeuclidean")))


def test_weights_count_like_repetitions() -> None:
    rng = np.random.default_rng(1)
    points, times = rng.normal(size=(12, 2)), rng.integers(1, 4, 12)
    i, j = np.triu_indices(12, k=1)
    repeated = np.repeat(((points[i] - points[j]) ** 2).sum(axis=1), times[i] * times[j])
    found = median_squared_distance(points, times / times.sum())
    below, above = np.percentile(repeated, 50, method="lower"), np.percentile(repeated, 50, method="higher")
    assert below - 1e-12 <= found <= above + 1e-12


def test_points_without_weight_do_not_count() -> None:
    assert median_squared_distance([[0.0], [2.0], [99.0]], [0.5, 0.5, 0.0]) == pytest.approx(4.0)


def test_a_sample_is_enough_and_does_not_change() -> None:
    points = np.random.default_rng(2).normal(size=(5000, 4))
    found = median_squared_distance(points)
    assert found == median_squared_distance(points)
    assert found == pytest.approx(np.median(pdist(points[:2000], "sqeuclidean")), rel=0.1)


@pytest.mark.parametrize("points", [np.zeros((5, 2)), np.full((40, 3), 0.1), [[1.0, 2.0]], np.empty((0, 3))])
def test_it_is_one_without_any_distance(points: np.ndarray) -> None:
    assert median_squared_distance(points) == 1.0


def test_mostly_equal_points_take_the_mean_of_the_positive_distances() -> None:
    points = np.array([[0.0]] * 9 + [[3.0]])
    assert median_squared_distance(points) == pytest.approx(9.0)
    assert median_squared_distance(points, np.full(10, 0.1)) == pytest.approx(9.0)


@given(st.lists(st.floats(-100, 100), min_size=0, max_size=20), st.booleans())
def test_it_is_always_a_positive_number(values: list[float], weighted: bool) -> None:
    points = np.array(values).reshape(-1, 1)
    weights = np.arange(len(values)) if weighted else None
    assert 0.0 < median_squared_distance(points, weights) < np.inf
