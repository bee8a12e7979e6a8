"""The privacy floor holds on any data: measured here by plain differences over all rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from learnware.kernels import GaussianKernel, fit_reduced_set, median_squared_distance
from learnware.kernels.privacy_floor import nearest_rows, uphold


def rows_of(kind: str, n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    if kind == "normal":
        return rng.normal(size=(n, d))
    if kind == "blobs":
        return rng.normal(size=(n, d)) + 30.0 * rng.integers(0, 4, (n, 1))
    if kind == "heavy tails":
        return np.clip(rng.standard_cauchy((n, d)), -100, 100)
    if kind == "outliers":
        X = rng.normal(size=(n, d))
        X[: max(1, n // 20)] *= 1000.0
        return X
    if kind == "grid":
        return rng.integers(-3, 4, (n, d)).astype(float)
    if kind == "line of integers":
        return np.repeat(np.arange(n, dtype=float)[:, None], d, axis=1)
    if kind == "categories":
        return np.eye(max(d, 2))[rng.choice(max(d, 2), n, p=rng.dirichlet(np.full(max(d, 2), 0.3)))]
    if kind == "duplicates":
        return rng.normal(size=(max(1, n // 4), d))[rng.integers(0, max(1, n // 4), n)]
    if kind == "nearly equal":
        return 50.0 + 1e-9 * rng.normal(size=(n, d))
    if kind == "powers":
        # Squares of differences below 1e-160 underflow: such rows count as equal.
        return np.repeat(10.0 ** -np.linspace(0.0, 150.0, n)[:, None], d, axis=1)
    return np.full((n, d), 0.1)


KINDS = [
    *("normal", "blobs", "heavy tails", "outliers", "nearly equal", "powers"),
    *("grid", "line of integers", "categories", "duplicates", "constant"),
]


def check_floor(X: np.ndarray, points: np.ndarray, min_rows: int) -> None:
    D = cdist(points, X)
    counts = np.bincount(D.argmin(axis=0), minlength=len(points))
    assert counts.min() >= min_rows, f"a point is nearest to {counts.min()} rows only"
    for point, distances in zip(points, D, strict=True):
        shared = np.equal(X, point).all(axis=1).sum()
        assert shared == 0 or shared >= min_rows, f"a point equals {shared} rows only"
        near = np.sort(distances)[:min_rows]
        assert near[0] >= 0.0999 * near[-1], f"a point sits on a row: {near}"


@settings(max_examples=150)
@given(
    st.sampled_from(KINDS),
    st.integers(0, 300),
    st.integers(1, 6),
    st.integers(1, 40),
    st.sampled_from([1, 3, 5, 8]),
    st.sampled_from([0, 3, 40]),
    st.integers(0, 10**6),
)
def test_every_fit_keeps_the_floor(
    kind: str, extra: int, d: int, n_points: int, min_rows: int, max_iter: int, seed: int
) -> None:
    X = rows_of(kind, min_rows + extra, d, np.random.default_rng(seed))
    kernel = GaussianKernel.from_median(median_squared_distance(X))
    X.setflags(write=False)
    fitted = fit_reduced_set(X, kernel, n_points, min_rows=min_rows, max_iter=max_iter, random_state=seed)
    assert 1 <= len(fitted.points) <= min(n_points, max(1, len(X) // min_rows))
    assert np.isfinite(fitted.points).all()
    assert (fitted.weights > 0).all()
    assert fitted.weights.sum() == pytest.approx(1.0)
    check_floor(X, fitted.points, min_rows)


@settings(max_examples=60)
@given(st.sampled_from(KINDS), st.integers(10, 200), st.integers(1, 4), st.integers(1, 30), st.integers(0, 10**6))
def test_rows_themselves_are_never_left_as_points(kind: str, n: int, d: int, n_points: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rows_of(kind, n, d, rng)
    points = X[rng.choice(n, min(n_points, n // 5), replace=False)]
    before = points.copy()
    check_floor(X, uphold(X, points, 5, rng), 5)
    assert (points == before).all()


@settings(max_examples=40)
@given(st.sampled_from(KINDS), st.integers(50, 300), st.integers(1, 4), st.integers(0, 10**6))
def test_rounding_the_points_keeps_every_count(kind: str, n: int, d: int, seed: int) -> None:
    X = rows_of(kind, n, d, np.random.default_rng(seed))
    kernel = GaussianKernel.from_median(median_squared_distance(X))
    points = fit_reduced_set(X, kernel, 20, random_state=seed).points
    near = np.sqrt(np.square(points[:, None, :] - X[None, :, :]).sum(axis=2)).min(axis=1)
    moved = points + 1e-4 * near[:, None] * np.random.default_rng(seed).uniform(-1, 1, points.shape) / d**0.5
    assert np.bincount(cdist(moved, X).argmin(axis=0), minlength=len(points)).min() >= 5


def test_good_points_are_left_alone() -> None:
    rng = np.random.default_rng(0)
    X, points = rng.normal(size=(2000, 8)), 0.5 * rng.normal(size=(10, 8))
    assert (uphold(X, points, 5, rng) == points).all()


def test_a_point_on_a_lone_outlier_goes() -> None:
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(500, 2)), [[1000.0, 0.0]]])
    kept = uphold(X, np.array([[0.01, 0.02], [1000.0, 0.0]]), 5, rng)
    assert np.linalg.norm(kept - [1000.0, 0.0], axis=1).min() > 100.0


def test_a_point_may_sit_on_a_value_that_enough_rows_share() -> None:
    X = np.repeat([[0.0], [1.0], [5.0]], 5, axis=0)
    kept = uphold(X, np.array([[0.0], [1.0], [5.0]]), 5, np.random.default_rng(0))
    assert kept.ravel().tolist() == [0.0, 1.0, 5.0]
    fewer = uphold(X[1:], np.array([[0.0], [1.0], [5.0]]), 5, np.random.default_rng(0))
    assert 0.0 not in fewer


def test_a_row_half_way_between_two_points_counts_for_neither() -> None:
    X = np.arange(-4.0, 6.0)[:, None]
    # Rows -4 to -1 are left of the middle, 1 to 5 right of it; 0 is all but half way.
    tied, clear = np.array([[-2.3], [2.30001]]), np.array([[-2.3], [2.4]])
    assert -2.3 not in uphold(X, tied, 5, np.random.default_rng(0))
    assert np.array_equal(uphold(X, clear, 5, np.random.default_rng(0)), clear)


def test_weak_points_are_pulled_to_the_rows_before_they_are_dropped() -> None:
    # Points between the rows of a thin shell are nearest to none while a point in its middle is nearest to all.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 50))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    points = np.vstack([np.zeros((1, 50)), 2.05 * X[:20]])
    kept = uphold(X, points, 5, rng)
    assert len(kept) > 10
    check_floor(X, kept, 5)


@pytest.mark.parametrize("scale", [1.0, 1e-7])
@pytest.mark.parametrize("count", [1, 5])
def test_nearest_rows_are_those_of_a_full_search(scale: float, count: int) -> None:
    rng = np.random.default_rng(0)
    X = 100.0 + scale * rng.normal(size=(7000, 3))
    points = X[:9] + 0.1 * scale
    distances, rows = nearest_rows(X, points, count)
    D = cdist(points, X, "sqeuclidean")
    np.testing.assert_allclose(distances, np.sort(D, axis=1)[:, :count], rtol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(D, rows, axis=1), distances, rtol=1e-6)


def test_a_row_is_told_from_its_twins_at_the_limit_of_precision() -> None:
    X = np.vstack([np.zeros((1, 2)), 1e-9 * np.random.default_rng(0).normal(size=(400, 2)), [[100.0, 100.0]]])
    assert nearest_rows(X, np.zeros((1, 2)), 5)[0][0, 0] == 0.0
