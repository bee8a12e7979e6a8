"""Inner products and distances of kernel means against double loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware.kernels import GaussianKernel, inner_product, inner_products, mmd, squared_mmd

KERNEL = GaussianKernel.from_median(5.0)


def weighted(n: int, d: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.dirichlet(np.ones(n))


def test_inner_product_is_that_of_a_double_loop() -> None:
    (P, a), (Q, b) = weighted(6, 3, 0), weighted(4, 3, 1)
    total = 0.0
    for p, s in zip(P, a, strict=True):
        for q, t in zip(Q, b, strict=True):
            total += s * t * sum(np.exp(-g * sum((p - q) ** 2)) for g in KERNEL.gammas) / 3
    assert inner_product(KERNEL, P, a, Q, b) == pytest.approx(total, rel=1e-12)


@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 5), st.integers(0, 10**6))
def test_distance_is_a_metric(n: int, m: int, d: int, seed: int) -> None:
    (P, a), (Q, b), (R, c) = weighted(n, d, seed), weighted(m, d, seed + 1), weighted(3, d, seed + 2)
    there, back = mmd(KERNEL, P, a, Q, b), mmd(KERNEL, Q, b, P, a)
    assert there == pytest.approx(back, abs=1e-7)
    assert 0.0 <= there <= np.sqrt(2) + 1e-12
    assert there <= mmd(KERNEL, P, a, R, c) + mmd(KERNEL, R, c, Q, b) + 1e-7
    assert squared_mmd(KERNEL, P, a, P, a) == pytest.approx(0.0, abs=1e-14)


def test_splitting_a_point_changes_nothing() -> None:
    P, a = weighted(5, 2, 0)
    assert squared_mmd(KERNEL, P, a, np.vstack([P, P[:1]]), np.append(a, 0.0)) == pytest.approx(0.0, abs=1e-14)


def test_distance_is_the_norm_in_any_feature_space() -> None:
    # An eigendecomposition of the joint Gram matrix gives vectors with the same inner products.
    (P, a), (Q, b) = weighted(6, 2, 3), weighted(5, 2, 4)
    both = np.vstack([P, Q])
    values, vectors = np.linalg.eigh(KERNEL(both, both))
    phi = vectors * np.sqrt(np.maximum(values, 0.0))
    assert mmd(KERNEL, P, a, Q, b) == pytest.approx(np.linalg.norm(a @ phi[:6] - b @ phi[6:]), rel=1e-6)


@pytest.mark.parametrize("gammas", [(0.2,), (0.05, 0.2, 0.8), (0.3, 0.5)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 3e-6), (np.float64, 1e-13)])
def test_many_products_are_those_one_by_one(gammas: tuple[float, ...], dtype: type, tolerance: float) -> None:
    rng = np.random.default_rng(0)
    kernel, points, weights = GaussianKernel(gammas), rng.normal(size=(9, 30, 6)), rng.dirichlet(np.ones(30), 9)
    points[0, 3] = 100.0
    Q, b = points[4] + 0.1, weights[4]
    found = inner_products(kernel, points.astype(dtype), weights.astype(dtype), Q.astype(dtype), b.astype(dtype))
    wanted = [inner_product(kernel, points[i], weights[i], Q, b) for i in range(9)]
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance)


def test_padding_has_no_say() -> None:
    (P, a), (Q, b) = weighted(5, 3, 0), weighted(4, 3, 1)
    points, weights = np.full((2, 8, 3), 7.0), np.zeros((2, 8))
    points[0, :5], weights[0, :5] = P, a
    assert inner_products(KERNEL, points, weights, Q, b) == pytest.approx([inner_product(KERNEL, P, a, Q, b), 0.0])


def test_no_means_no_products() -> None:
    assert inner_products(KERNEL, np.empty((0, 4, 2)), np.empty((0, 4)), [[0.0, 0.0]], [1.0]).shape == (0,)


def test_inputs_are_left_alone() -> None:
    points, weights = weighted(30, 3, 0)
    stacked = points.reshape(3, 10, 3).astype(np.float32)
    for array in (points, weights, stacked):
        array.setflags(write=False)
    inner_products(KERNEL, stacked, weights.reshape(3, 10), points.astype(np.float32), weights)
    squared_mmd(KERNEL, points, weights, points[:4], weights[:4])
