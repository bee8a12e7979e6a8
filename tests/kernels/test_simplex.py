"""The quadratic programs against their optimality conditions and against CVXPY."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware.errors import InvalidParameter
from learnware.kernels import GaussianKernel, minimize_nonnegative, minimize_on_simplex, solve_with_cvxpy

Problem = tuple[np.ndarray, np.ndarray]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Gram matrices of full and of deficient rank, with equal and tiny vectors, and targets in and out of reach."""
    n, rank, seed = draw(st.integers(1, 25)), draw(st.integers(1, 30)), draw(st.integers(0, 10**6))
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, rank)) * draw(st.sampled_from([1e-3, 1.0, 30.0]))
    if draw(st.booleans()):
        vectors = abs(vectors)
    vectors[rng.random(n) < draw(st.sampled_from([0.0, 0.5]))] = vectors[0]
    target = rng.normal(size=rank) if draw(st.booleans()) else rng.dirichlet(np.ones(n)) @ vectors
    return vectors @ vectors.T, vectors @ target


def objective(problem: Problem, w: np.ndarray) -> float:
    K, c = problem
    return float(w @ K @ w - 2.0 * c @ w)


def scale(problem: Problem) -> float:
    return float(max(abs(problem[0]).max(), abs(problem[1]).max()))


def blobs(n: int, d: int, gamma: float) -> Problem:
    """Return the program of a reduced set; badly conditioned when the kernel is wide and the points are many."""
    rng = np.random.default_rng(0)
    X, kernel = rng.normal(size=(2000, d)), GaussianKernel((gamma,))
    return kernel(X[:n], X[:n]), kernel.mean(X[:n], X, np.full(2000, 1 / 2000))


@given(problems())
def test_simplex_weights_meet_the_optimality_conditions(problem: Problem) -> None:
    K, c = problem
    w = minimize_on_simplex(K, c)
    assert (w >= 0).all()
    assert w.sum() == pytest.approx(1.0, abs=1e-9)
    gradient = K @ w - c
    multiplier = gradient[w > 0].mean()
    assert abs(gradient[w > 0] - multiplier).max() <= 1e-6 * scale(problem)
    assert gradient.min() >= multiplier - 1e-6 * scale(problem)


@given(problems(), st.integers(0, 10**6), st.booleans())
def test_wherever_it_starts_the_weights_are_as_good(problem: Problem, seed: int, sparse: bool) -> None:
    K, c = problem
    rng = np.random.default_rng(seed)
    start = rng.dirichlet(np.ones(len(c))) * (rng.random(len(c)) < 0.3 if sparse else 1.0)
    start[0] += 1.0 - start.sum()
    ours = minimize_on_simplex(K, c, start=start)
    assert (ours >= 0).all()
    assert ours.sum() == pytest.approx(1.0, abs=1e-9)
    assert objective(problem, ours) <= objective(problem, minimize_on_simplex(K, c)) + 1e-7 * scale(problem)


@pytest.mark.parametrize("start", [[1.0], [0.5, 0.4], [1.5, -0.5], [np.nan, 1.0]])
def test_weights_to_start_from_must_be_weights(start: list[float]) -> None:
    with pytest.raises(InvalidParameter, match="'start' parameter of minimize_on_simplex"):
        minimize_on_simplex(np.eye(2), np.ones(2), start=start)


@given(problems())
def test_nonnegative_weights_meet_the_optimality_conditions(problem: Problem) -> None:
    K, c = problem
    w = minimize_nonnegative(K, c)
    gradient = K @ w - c
    assert (w >= 0).all()
    assert gradient.min() >= -1e-6 * scale(problem)
    assert abs(gradient[w > 0]).max(initial=0.0) <= 1e-6 * scale(problem)


@given(problems(), st.floats(0.01, 3.0))
def test_limited_weights_meet_the_optimality_conditions(problem: Problem, max_sum: float) -> None:
    K, c = problem
    w = minimize_nonnegative(K, c, max_sum=max_sum)
    assert (w >= 0).all()
    assert w.sum() <= max_sum + 1e-9
    # No allowed corner lies downhill.
    gradient = K @ w - c
    slack = 1e-6 * scale(problem) * max(1.0, max_sum)
    assert min(0.0, max_sum * gradient.min()) >= gradient @ w - slack


@given(problems())
def test_simplex_weights_are_as_good_as_those_of_cvxpy(problem: Problem) -> None:
    by_cvxpy = solve_with_cvxpy(*problem)
    ours = minimize_on_simplex(*problem)
    assert objective(problem, ours) <= objective(problem, by_cvxpy / by_cvxpy.sum()) + 1e-9 * scale(problem)


@pytest.mark.parametrize(("n", "d", "gamma"), [(100, 20, 0.1), (100, 3, 0.1), (100, 2, 0.01), (300, 2, 0.3)])
@pytest.mark.parametrize("max_sum", [None, 0.7])
def test_programs_of_reduced_sets_are_solved(n: int, d: int, gamma: float, max_sum: float | None) -> None:
    problem = blobs(n, d, gamma)
    for ours, constraints in [
        (minimize_on_simplex(*problem), {"total": 1.0}),
        (minimize_nonnegative(*problem, max_sum=max_sum), {"total": None, "max_sum": max_sum}),
    ]:
        assert objective(problem, ours) <= objective(problem, solve_with_cvxpy(*problem, **constraints)) + 1e-9


def test_unused_means_get_exactly_nothing() -> None:
    w = minimize_on_simplex(*blobs(100, 2, 0.01))
    assert 0 < np.count_nonzero(w) < 50
    assert w[w > 0].min() > 1e-8


def test_rounding_to_float32_does_no_harm() -> None:
    K, c = blobs(100, 2, 0.05)
    rough = K.astype(np.float32).astype(np.float64)
    assert np.linalg.eigvalsh(rough)[0] < 0
    w = minimize_on_simplex(rough, c.astype(np.float32))
    assert w.sum() == pytest.approx(1.0)
    assert objective((K, c), w) <= objective((K, c), minimize_on_simplex(K, c)) + 1e-6


@pytest.mark.parametrize("seed", range(630, 640))
def test_noise_among_equal_means_does_not_stop_the_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, kernel = rng.normal(size=(30, 3)), GaussianKernel((0.01,))
    X[rng.random(30) < 0.4] = X[0]
    K, noise = kernel(X, X), 3e-7 * rng.normal(size=(30, 30))
    c = kernel.mean(X, rng.normal(size=(50, 3)), np.full(50, 0.02))
    w = minimize_on_simplex(K * (1.0 + noise + noise.T), c)
    assert objective((K, c), w) <= objective((K, c), minimize_on_simplex(K, c)) + 2e-6


def test_the_best_mixture_recovers_the_planted_one() -> None:
    kernel, rng = GaussianKernel.from_median(2.0), np.random.default_rng(0)
    planted, parts = np.array([0.5, 0.0, 0.3, 0.2]), rng.normal(size=(4, 20, 3)) + 3.0 * rng.normal(size=(4, 1, 3))
    share = np.full(20, 1 / 20)
    K = np.array([[share @ kernel(P, Q) @ share for Q in parts] for P in parts])
    np.testing.assert_allclose(minimize_on_simplex(K, K @ planted), planted, atol=1e-8)


def test_one_mean_takes_all() -> None:
    assert minimize_on_simplex([[0.3]], [0.1]).tolist() == [1.0]
    assert minimize_nonnegative([[0.5]], [0.1]).tolist() == pytest.approx([0.2])
    assert minimize_nonnegative([[0.5]], [-0.1]).tolist() == [0.0]


def test_equal_means_are_as_good_as_one() -> None:
    K, c = np.array([[1.0, 0.2], [0.2, 0.5]]), np.array([0.4, 0.3])
    double = np.repeat(np.repeat(K, 3, axis=0), 3, axis=1)
    w = minimize_on_simplex(double, np.repeat(c, 3))
    np.testing.assert_allclose(w.reshape(2, 3).sum(axis=1), minimize_on_simplex(K, c), atol=1e-8)


def test_means_of_length_zero_are_no_trouble() -> None:
    assert minimize_on_simplex(np.zeros((3, 3)), np.zeros(3)).sum() == pytest.approx(1.0)
    assert minimize_nonnegative(np.zeros((3, 3)), np.zeros(3)).tolist() == [0.0, 0.0, 0.0]


def test_a_limit_of_zero_leaves_nothing() -> None:
    assert minimize_nonnegative(np.eye(2), [1.0, 1.0], max_sum=0.0).tolist() == [0.0, 0.0]


def test_inputs_are_left_alone() -> None:
    K, c = blobs(20, 2, 0.5)
    before = K.copy()
    K.setflags(write=False)
    c.setflags(write=False)
    minimize_on_simplex(K, c)
    minimize_nonnegative(K, c, max_sum=0.5)
    assert np.array_equal(K, before)


def test_cvxpy_keeps_caps() -> None:
    problem = blobs(10, 2, 0.5)
    w = solve_with_cvxpy(*problem, upper=0.15)
    assert w.max() <= 0.15 + 1e-6
    assert w.sum() == pytest.approx(1.0, abs=1e-6)
    with pytest.raises(InvalidParameter, match="'upper'"):
        solve_with_cvxpy(*problem, upper=0.01)


@pytest.mark.parametrize("solve", [minimize_on_simplex, minimize_nonnegative, solve_with_cvxpy])
@pytest.mark.parametrize(("K", "c"), [(np.eye(2), np.ones(3)), (np.ones(2), np.ones(2)), (np.empty((0, 0)), [])])
def test_shapes_must_fit(solve, K: np.ndarray, c: np.ndarray) -> None:
    with pytest.raises(InvalidParameter, match=f"'K' parameter of {solve.__name__}"):
        solve(K, c)


@pytest.mark.parametrize("max_sum", [-1.0, float("nan"), float("inf")])
def test_the_limit_must_be_a_number(max_sum: float) -> None:
    with pytest.raises(InvalidParameter, match="'max_sum'"):
        minimize_nonnegative(np.eye(2), np.ones(2), max_sum=max_sum)
