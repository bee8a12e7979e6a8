"""Kernels and squared distances against double loops."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware.errors import InvalidParameter
from learnware.kernels import GaussianKernel, squared_distances

MIXTURES = [(0.3,), (0.1, 0.4, 1.6), (0.5, 0.2), (0.7, 0.7), (1.6, 0.1, 0.4), (1e-3, 1e3)]


def by_loops(gammas: tuple[float, ...], X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    return np.array(
        [[sum(np.exp(-g * sum((p - q) ** 2)) for g in gammas) / len(gammas) for q in Y] for p in X]
    ).reshape(len(X), len(Y))


@pytest.mark.parametrize("gammas", MIXTURES)
def test_gram_matrix_is_that_of_a_double_loop(gammas: tuple[float, ...]) -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(7, 3)), rng.normal(size=(5, 3))
    np.testing.assert_allclose(GaussianKernel(gammas)(X, Y), by_loops(gammas, X, Y), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("gammas", MIXTURES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_components_between_points_add_up_to_the_gram_matrix(gammas: tuple[float, ...], dtype: type) -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(7, 3)).astype(dtype), rng.normal(size=(5, 3)).astype(dtype)
    kept = X.copy(), Y.copy()
    parts = [(gamma, values.copy()) for gamma, values in GaussianKernel(gammas).between(X, Y)]
    assert sorted(gamma for gamma, _ in parts) == sorted(gammas)
    atol = 200 * np.finfo(dtype).eps * max(1.0, *gammas)
    for gamma, values in parts:
        assert values.dtype == dtype
        np.testing.assert_allclose(values, by_loops((gamma,), X, Y), rtol=0, atol=atol)
    np.testing.assert_array_equal(X, kept[0])
    np.testing.assert_array_equal(Y, kept[1])


@pytest.mark.parametrize("gammas", MIXTURES)
@pytest.mark.parametrize(("n", "m"), [(3, 4000), (4000, 3), (1500, 1300), (1, 1), (0, 3), (3, 0)])
def test_mean_is_the_gram_matrix_times_the_weights(gammas: tuple[float, ...], n: int, m: int) -> None:
    rng = np.random.default_rng(1)
    X, points, weights = rng.normal(size=(n, 4)), rng.normal(size=(m, 4)), rng.random(m)
    kernel = GaussianKernel(gammas)
    np.testing.assert_allclose(kernel.mean(X, points, weights), kernel(X, points) @ weights, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("gammas", MIXTURES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_keep_the_type_and_leave_the_distances_alone(gammas: tuple[float, ...], dtype: type) -> None:
    D = np.linspace(0.0, 30.0, 50, dtype=dtype).reshape(5, 10)
    D.setflags(write=False)
    values = GaussianKernel(gammas).of_squared_distances(D)
    exact = sum(np.exp(-g * D.astype(np.float64)) for g in gammas) / len(gammas)
    assert values.dtype == dtype
    np.testing.assert_allclose(values, exact, rtol=0, atol=20 * np.finfo(dtype).eps)


def test_values_of_integer_distances_are_float64() -> None:
    assert GaussianKernel((1.0,)).of_squared_distances([[0, 1]]).tolist() == [[1.0, float(np.exp(-1.0))]]


def test_bandwidths_follow_from_the_median() -> None:
    assert GaussianKernel.from_median(4.0) == GaussianKernel((0.25, 1.0, 4.0))
    assert GaussianKernel.from_median(4.0, multiples=[2]).gammas == (0.5,)


def test_kernel_is_a_value() -> None:
    kernel = GaussianKernel((0.1, 0.4))
    kernel([[0.0]], [[1.0]])
    copy = pickle.loads(pickle.dumps(kernel))
    assert copy == kernel
    assert hash(copy) == hash(kernel)


@pytest.mark.parametrize("gammas", [(), (0.0,), (-1.0,), (float("nan"),), (float("inf"),), ("wide",), None])
def test_bandwidths_must_be_positive_numbers(gammas: object) -> None:
    with pytest.raises(InvalidParameter, match="'gammas' parameter of GaussianKernel"):
        GaussianKernel(gammas)  # type: ignore[arg-type]


@pytest.mark.parametrize("median", [0.0, -1.0, float("nan"), float("inf")])
def test_median_must_be_a_positive_number(median: float) -> None:
    with pytest.raises(InvalidParameter, match="median_squared_distance"):
        GaussianKernel.from_median(median)


@given(
    st.integers(1, 6).flatmap(
        lambda d: st.tuples(
            *[st.lists(st.lists(st.floats(-100, 100), min_size=d, max_size=d), min_size=1, max_size=6)] * 2
        )
    ),
    st.floats(-1e4, 1e4),
)
def test_squared_distances_are_near_those_of_differences(pair: tuple[list, list], shift: float) -> None:
    X, Y = np.array(pair[0]) + shift, np.array(pair[1]) + shift
    exact = np.square(X[:, None, :] - Y[None, :, :]).sum(axis=2)
    D = squared_distances(X, Y)
    assert (D >= 0).all()
    np.testing.assert_allclose(D, exact, rtol=1e-9, atol=1e-9)


def test_squared_distances_in_float32_stay_float32() -> None:
    X = np.random.default_rng(0).normal(size=(20, 5)) + 1000.0
    D = squared_distances(X.astype(np.float32), X.astype(np.float32))
    assert D.dtype == np.float32
    assert abs(np.diagonal(D)).max() < 1e-4, "points far from the origin lose precision unless they are centred"
    assert squared_distances(X.astype(np.float32), X).dtype == np.float64
