"""Random features: unit norm, unbiased, of lower variance than independent ones, and the same for everybody."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware.errors import InvalidParameter
from learnware.kernels import GaussianKernel, RandomFeatures, squared_mmd

MIXTURE = GaussianKernel((0.05, 0.2, 0.8))
EXPECTED_FREQUENCY = [0.8908090715495272, 1.1316036027985827, 0.4797745276893523]


@given(
    st.integers(1, 40),
    st.integers(1, 5),
    st.integers(0, 40),
    st.lists(st.floats(1e-4, 1e4), min_size=1, max_size=5),
    st.sampled_from([np.float32, np.float64]),
)
def test_every_vector_has_norm_one(n_dims: int, n: int, extra: int, gammas: list[float], dtype: type) -> None:
    n_features = 2 * (len(gammas) + extra)
    features = RandomFeatures.draw(GaussianKernel(tuple(gammas)), n_dims, n_features)
    X = 10.0 * np.random.default_rng(0).normal(size=(n, n_dims))
    phi = features.transform(X.astype(dtype))
    assert phi.shape == (n, n_features)
    assert phi.dtype == dtype
    np.testing.assert_allclose(np.linalg.norm(phi, axis=1), 1.0, atol=10 * np.finfo(dtype).eps * n_features**0.5)


@pytest.mark.parametrize("n_dims", [1, 3, 20])
def test_the_mean_over_seeds_is_the_kernel(n_dims: int) -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(30, n_dims)) / n_dims**0.5, rng.normal(size=(30, n_dims)) / n_dims**0.5
    draws = [RandomFeatures.draw(MIXTURE, n_dims, 60, seed) for seed in range(300)]
    products = np.array([(f.transform(X) * f.transform(Y)).sum(axis=1) for f in draws])
    exact = MIXTURE.of_squared_distances(((X - Y) ** 2).sum(axis=1))
    z = (products.mean(axis=0) - exact) / (products.std(axis=0) / 300**0.5)
    assert abs(z).max() < 4.5


def test_orthogonal_frequencies_have_less_variance_than_independent_ones() -> None:
    rng = np.random.default_rng(0)
    kernel, x, y = GaussianKernel((0.5,)), rng.normal(size=(200, 16)) / 4, rng.normal(size=(200, 16)) / 4
    exact = kernel.of_squared_distances(((x - y) ** 2).sum(axis=1))
    ours, independent = [], []
    for seed in range(40):
        features = RandomFeatures.draw(kernel, 16, 64, seed)
        loose = RandomFeatures(kernel, np.random.default_rng(seed).standard_normal((32, 16)))
        ours.append((features.transform(x) * features.transform(y)).sum(axis=1) - exact)
        independent.append((loose.transform(x) * loose.transform(y)).sum(axis=1) - exact)
    assert np.square(ours).mean() < 0.7 * np.square(independent).mean()


def test_frequencies_are_orthogonal_with_the_lengths_of_normal_vectors() -> None:
    frequencies = RandomFeatures.draw(GaussianKernel((0.5,)), 10, 4000, seed=1).unit_frequencies
    first = frequencies[:10]
    gram = first @ first.T
    assert abs(gram - np.diag(np.diagonal(gram))).max() < 1e-10
    squares = np.square(frequencies).sum(axis=1)
    assert squares.mean() == pytest.approx(10.0, abs=4 * (20 / 2000) ** 0.5)
    assert squares.var() == pytest.approx(20.0, rel=0.2)
    assert abs(frequencies.mean(axis=0)).max() < 4 / 2000**0.5


def test_components_share_the_frequencies() -> None:
    features = RandomFeatures.draw(GaussianKernel((2.0, 0.5, 8.0)), 4, 2 * 128)
    X = np.random.default_rng(0).normal(size=(1, 4)) * 1e-6
    # Near 0 the sines are amplitude times angle, so their squares tell how the spread is shared out.
    sines = features.transform(X)[0, 128:] / (features.unit_frequencies @ X[0])
    spread, counts = np.unique(np.round(sines**2 * 3, 9), return_counts=True)
    assert sorted(counts) == [42, 43, 43]
    np.testing.assert_allclose(np.sort(spread * counts[np.argsort(spread)]), [1.0, 4.0, 16.0], rtol=1e-6)


def test_sketches_of_means_tell_their_distance() -> None:
    rng = np.random.default_rng(0)
    (P, a), (Q, b) = [(rng.normal(loc, size=(50, 5)), rng.dirichlet(np.ones(50))) for loc in (0.0, 0.5)]
    features = RandomFeatures.draw(MIXTURE, 5, 8192)
    gap = features.mean(P, a) - features.mean(Q, b)
    assert gap @ gap == pytest.approx(squared_mmd(MIXTURE, P, a, Q, b), rel=0.1)


def test_mean_is_the_weighted_sum_whatever_the_blocks() -> None:
    points, weights = np.random.default_rng(0).normal(size=(3000, 3)), np.random.default_rng(1).random(3000)
    features = RandomFeatures.draw(MIXTURE, 3, 256)
    np.testing.assert_allclose(features.mean(points, weights), weights @ features.transform(points), rtol=1e-9)


def test_everybody_has_the_same_features() -> None:
    # Written down once: sketches of different people and versions are compared with each other.
    features = RandomFeatures.draw(MIXTURE, 3, 12, seed=0)
    np.testing.assert_allclose(features.unit_frequencies[0], EXPECTED_FREQUENCY, rtol=1e-9)
    assert RandomFeatures.draw(MIXTURE, 3, 12).unit_frequencies is features.unit_frequencies
    assert not np.array_equal(RandomFeatures.draw(MIXTURE, 3, 12, seed=1).unit_frequencies, features.unit_frequencies)


def test_another_kernel_rescales_the_same_frequencies() -> None:
    wide, narrow = (RandomFeatures.draw(GaussianKernel((gamma,)), 4, 32) for gamma in (0.25, 1.0))
    X = np.random.default_rng(0).normal(size=(5, 4))
    np.testing.assert_allclose(wide.transform(X), narrow.transform(X / 2), atol=1e-12)


def test_the_order_of_the_bandwidths_does_not_matter() -> None:
    one, other = (RandomFeatures.draw(GaussianKernel(gammas), 3, 16) for gammas in [(0.1, 0.7), (0.7, 0.1)])
    X = np.random.default_rng(0).normal(size=(5, 3))
    assert np.array_equal(one.transform(X), other.transform(X))


def test_frequencies_cannot_be_written() -> None:
    features = RandomFeatures.draw(MIXTURE, 3, 12)
    with pytest.raises(ValueError, match="read-only"):
        features.unit_frequencies[0] = 0.0


def test_it_can_be_pickled() -> None:
    features = RandomFeatures.draw(MIXTURE, 3, 12)
    X = np.ones((2, 3))
    assert (pickle.loads(pickle.dumps(features)).transform(X) == features.transform(X)).all()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [((0,), "n_dims"), ((3, 255), "n_features"), ((3, 4), "n_features"), ((3, 12, -1), "seed"), ((3.0,), "n_dims")],
)
def test_numbers_must_be_in_range(arguments: tuple, name: str) -> None:
    with pytest.raises(InvalidParameter, match=f"{name!r} parameter of RandomFeatures.draw"):
        RandomFeatures.draw(MIXTURE, *arguments)
