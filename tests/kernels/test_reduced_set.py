"""Reduced sets come near the data, nearer than simple choices do; herding follows its definition."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from sklearn.cluster import KMeans

from learnware.errors import InvalidData, InvalidParameter, TooFewRows
from learnware.kernels import (
    GaussianKernel,
    fit_reduced_set,
    herd,
    median_squared_distance,
    minimize_on_simplex,
    squared_mmd,
)
from tests.benchmarks.reduced_set import blobs, heavy_tails

KERNEL = GaussianKernel((0.05, 0.2, 0.8))


def error(X: np.ndarray, kernel: GaussianKernel, points: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the squared distance to all rows, with the best weights if none are given."""
    share = np.full(len(X), 1 / len(X))
    if weights is None:
        weights = minimize_on_simplex(kernel(points, points), kernel.mean(points, X, share))
    return squared_mmd(kernel, points, weights, X, share)


@pytest.mark.parametrize("X", [blobs(4000, 10, 0), heavy_tails(4000, 5, 0)], ids=["blobs", "heavy tails"])
def test_it_is_nearer_than_centres_and_rows_with_the_best_weights(X: np.ndarray) -> None:
    kernel = GaussianKernel.from_median(median_squared_distance(X))
    fitted = fit_reduced_set(X, kernel, 50, random_state=0)
    ours = error(X, kernel, fitted.points, fitted.weights)
    centres = KMeans(50, n_init=1, random_state=0).fit(X).cluster_centers_
    rows = X[np.random.default_rng(0).choice(len(X), 50, replace=False)]
    assert len(fitted.points) == 50
    assert ours < 0.75 * error(X, kernel, centres)
    assert ours < 0.75 * error(X, kernel, rows)


@pytest.mark.parametrize("n", [300, 3000, 8000])
def test_the_error_it_tells_is_the_error_on_all_rows(n: int) -> None:
    X = np.random.default_rng(0).normal(size=(n, 4))
    fitted = fit_reduced_set(X, KERNEL, 10, random_state=0, max_iter=10)
    exact = error(X, KERNEL, fitted.points, fitted.weights)
    assert fitted.squared_error == pytest.approx(exact, abs=1e-12 if n <= 3000 else 5e-4)


def test_the_error_it_tells_has_no_bias(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("learnware.kernels.reduced_set._N_ERROR_ROWS", 200)
    X = np.random.default_rng(0).normal(size=(2000, 4))
    gaps = []
    for seed in range(12):
        fitted = fit_reduced_set(X, KERNEL, 10, random_state=seed, max_iter=3)
        gaps.append(fitted.squared_error - error(X, KERNEL, fitted.points, fitted.weights))
    assert abs(np.mean(gaps)) < 0.25 / 200, "the diagonal alone would add nearly 1 / 200 - 1 / 2000"


def test_weights_are_the_best_for_all_rows() -> None:
    X = blobs(15_000, 5, 0)
    fitted = fit_reduced_set(X, KERNEL, 20, n_fit_rows=500, random_state=0)
    cross = KERNEL.mean(fitted.points, X, np.full(len(X), 1 / len(X)))
    np.testing.assert_allclose(
        fitted.weights, minimize_on_simplex(KERNEL(fitted.points, fitted.points), cross), atol=1e-6
    )


def test_more_steps_and_more_points_come_nearer() -> None:
    X = blobs(2000, 4, 0)
    errors = [fit_reduced_set(X, KERNEL, K, max_iter=i, random_state=0).squared_error for K, i in
              [(10, 0), (10, 5), (10, 80), (40, 80), (160, 80)]]  # fmt: skip
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.1 * errors[0]


def test_equal_numbers_give_equal_sets() -> None:
    X = blobs(12_000, 4, 0)
    first, again, other = (fit_reduced_set(X, KERNEL, 20, max_iter=5, random_state=seed) for seed in (1, 1, 2))
    assert (first.points == again.points).all()
    assert (first.weights == again.weights).all()
    assert first.squared_error == again.squared_error
    assert not np.array_equal(first.points, other.points)


def test_the_number_of_threads_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    X = blobs(12_000, 4, 0)
    monkeypatch.setattr("learnware.kernels.blockwise._n_cores", lambda: 1)
    alone = fit_reduced_set(X, KERNEL, 20, max_iter=10, random_state=1)
    monkeypatch.setattr("learnware.kernels.blockwise._n_cores", lambda: 3)
    together = fit_reduced_set(X, KERNEL, 20, max_iter=10, random_state=1)
    assert (alone.points == together.points).all()


def test_torch_comes_to_the_same_set() -> None:
    pytest.importorskip("torch")
    X = blobs(3000, 6, 0)
    ours = fit_reduced_set(X, KERNEL, 20, random_state=0)
    theirs = fit_reduced_set(X, KERNEL, 20, random_state=0, device="cpu")
    assert theirs.squared_error == pytest.approx(ours.squared_error, rel=0.02)
    few = [fit_reduced_set(X, KERNEL, 20, random_state=0, max_iter=5, device=device) for device in (None, "cpu")]
    np.testing.assert_allclose(few[0].points, few[1].points, atol=1e-3)


def test_equal_rows_give_one_point() -> None:
    fitted = fit_reduced_set(np.full((30, 3), 0.7), KERNEL, 5, random_state=0)
    assert fitted.points.tolist() == [[0.7, 0.7, 0.7]]
    assert fitted.weights.tolist() == [1.0]
    assert fitted.squared_error == pytest.approx(0.0, abs=1e-12)


def test_few_different_rows_are_represented_exactly() -> None:
    # The rare value has a share that herding alone would never reach with so few points.
    X = np.repeat([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]], [980, 15, 5], axis=0)
    fitted = fit_reduced_set(X, GaussianKernel((1.0,)), 20, random_state=0)
    assert fitted.squared_error < 1e-8
    np.testing.assert_allclose(np.sort(fitted.weights), [0.005, 0.015, 0.98], atol=1e-4)


def test_there_are_never_more_points_than_the_rows_allow() -> None:
    X = np.random.default_rng(0).normal(size=(57, 2))
    assert len(fit_reduced_set(X, KERNEL, 100, random_state=0).points) <= 11
    assert len(fit_reduced_set(X, KERNEL, 100, min_rows=57, random_state=0).points) == 1


def test_progress_is_told_step_by_step() -> None:
    told: list[tuple[int, int]] = []
    X = blobs(500, 3, 0)
    fit_reduced_set(X, KERNEL, 10, max_iter=4, random_state=0, progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_rows_of_any_kind_are_left_alone() -> None:
    X = blobs(12_000, 4, 0)
    before = X.copy()
    X.setflags(write=False)
    fit_reduced_set(X, KERNEL, 20, max_iter=3, random_state=0)
    fit_reduced_set(np.asfortranarray(X)[::2], KERNEL, 20, max_iter=3, random_state=0)
    fit_reduced_set(X.astype(np.float32), KERNEL, 20, max_iter=3, random_state=0)
    assert np.array_equal(X, before)


def test_memory_stays_small() -> None:
    X = blobs(60_000, 20, 0)
    tracemalloc.start()
    fit_reduced_set(X, KERNEL, 100, max_iter=3, random_state=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * 2**20, "60,000 x 100 numbers alone would be 48 MB"


@pytest.mark.slow
def test_a_million_rows_take_little_memory() -> None:
    X = np.random.default_rng(0).normal(size=(1_000_000, 20))
    tracemalloc.start()
    fitted = fit_reduced_set(X, GaussianKernel.from_median(40.0), 100, random_state=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(fitted.points) == 100
    assert peak < 100 * 2**20


@pytest.mark.parametrize(
    ("X", "error_type", "message"),
    [
        (np.zeros((4, 2)), TooFewRows, "at least min_rows=5 rows.* Got 4"),
        (np.zeros((0, 2)), TooFewRows, "Got 0"),
        (np.zeros(9), InvalidData, r"shape \(n, d\)"),
        (np.zeros((9, 0)), InvalidData, r"Got shape \(9, 0\)"),
        (np.full((9, 2), np.nan), InvalidData, "finite"),
        (np.array([[0.0], [np.inf]] * 5), InvalidData, "finite"),
    ],
)
def test_unusable_rows_are_refused(X: np.ndarray, error_type: type[Exception], message: str) -> None:
    with pytest.raises(error_type, match=message):
        fit_reduced_set(X, KERNEL)


@pytest.mark.parametrize(
    "argument", [{"n_points": 0}, {"min_rows": 0}, {"n_fit_rows": 0}, {"max_iter": -1}, {"random_state": "a"}]
)
def test_numbers_must_be_in_range(argument: dict[str, object]) -> None:
    name = next(iter(argument))
    with pytest.raises(InvalidParameter, match=f"{name!r} parameter of fit_reduced_set"):
        fit_reduced_set(np.zeros((9, 2)), KERNEL, **argument)


def test_herding_follows_its_definition() -> None:
    rng = np.random.default_rng(0)
    candidates, points, weights = rng.normal(size=(40, 3)) + 7, rng.normal(size=(9, 3)) + 7, rng.dirichlet(np.ones(9))
    chosen: list[int] = []
    for step in range(25):
        scores = [
            float(KERNEL(x[None], points)[0] @ weights) - KERNEL(x[None], candidates[chosen]).sum() / (step + 1)
            for x in candidates
        ]
        chosen.append(int(np.argmax(scores)))
    assert herd(KERNEL, candidates, points, weights, 25).tolist() == chosen


def test_herded_samples_are_nearer_than_random_ones() -> None:
    rng = np.random.default_rng(0)
    points, weights = rng.normal(size=(30, 4)), rng.dirichlet(np.ones(30))
    candidates = points[rng.choice(30, 2000, p=weights)] + 0.3 * rng.normal(size=(2000, 4))
    share = np.full(100, 0.01)
    herded = squared_mmd(KERNEL, candidates[herd(KERNEL, candidates, points, weights, 100)], share, points, weights)
    drawn = [squared_mmd(KERNEL, rng.permutation(candidates)[:100], share, points, weights) for _ in range(5)]
    assert herded < 0.5 * min(drawn)


def test_herding_may_choose_again_and_may_choose_nothing() -> None:
    assert herd(KERNEL, [[0.0], [9.0]], [[0.0]], [1.0], 3).tolist()[:2] == [0, 0]
    assert herd(KERNEL, [[0.0]], [[0.0]], [1.0], 0).shape == (0,)
    with pytest.raises(InvalidParameter, match="n_samples"):
        herd(KERNEL, [[0.0]], [[0.0]], [1.0], -1)
