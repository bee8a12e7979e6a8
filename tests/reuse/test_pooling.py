"""Means, medians, votes and couplings against independent oracles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware.reuse.pooling import couple, vote, weighted_mean, weighted_median


def probabilities(seed: int, n_members: int, n_samples: int, n_classes: int) -> Any:
    return np.random.default_rng(seed).dirichlet(np.ones(n_classes), (n_members, n_samples))


def restricted(truth: Any, known: Any) -> Any:
    """Return what members would say who know the truth about their own classes only."""
    answers = truth[None] * known[:, None, :]
    return answers / answers.sum(axis=2, keepdims=True)


@given(st.integers(0, 1000), st.integers(1, 6), st.integers(2, 5))
def test_coupling_equal_class_sets_is_the_mean(seed: int, n_members: int, n_classes: int) -> None:
    outputs = probabilities(seed, n_members, 4, n_classes)
    weights = np.random.default_rng(seed).dirichlet(np.ones(n_members))
    coupled = couple(outputs, np.ones((n_members, n_classes), dtype=bool), weights)
    np.testing.assert_allclose(coupled, np.average(outputs, axis=0, weights=weights))


@given(st.integers(0, 1000))
def test_coupling_recovers_the_distribution_behind_restrictions(seed: int) -> None:
    truth = np.random.default_rng(seed).dirichlet(np.full(4, 3.0), 5)
    known = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 1], [1, 0, 1, 0]], dtype=bool)
    coupled = couple(restricted(truth, known), known, np.full(5, 0.2), prior=1e-6, max_iter=5000, tol=1e-12)
    np.testing.assert_allclose(coupled, truth, atol=1e-3)


def test_the_coupled_distribution_maximises_the_likelihood() -> None:
    outputs, weights = probabilities(3, 3, 1, 3), np.array([0.5, 0.3, 0.2])
    known = np.array([[1, 1, 0], [0, 1, 1], [1, 1, 1]], dtype=bool)
    outputs = outputs * known[:, None] / (outputs * known[:, None]).sum(axis=2, keepdims=True)

    def likelihood(p: Any) -> float:
        return sum(
            w * float(a[0, k] @ np.log(p[k] / p[k].sum())) for w, a, k in zip(weights, outputs, known, strict=True)
        )

    fitted = couple(outputs, known, weights, prior=1e-9, max_iter=5000, tol=1e-13)[0]
    others = np.random.default_rng(0).dirichlet(np.ones(3), 3000)
    assert likelihood(fitted) >= max(map(likelihood, others))


@given(st.integers(0, 1000), st.permutations(range(4)))
def test_coupling_does_not_depend_on_the_order_of_members(seed: int, order: Any) -> None:
    generator = np.random.default_rng(seed)
    known = generator.random((4, 3)) < 0.6
    known[:, 0] = True
    outputs = restricted(probabilities(seed, 1, 6, 3)[0], known)
    weights = generator.dirichlet(np.ones(4))
    expected = couple(outputs, known, weights)
    np.testing.assert_allclose(couple(outputs[order], known[order], weights[order]), expected, atol=1e-12)
    np.testing.assert_allclose(expected.sum(axis=1), 1.0)


def test_a_member_of_a_single_class_hardly_speaks() -> None:
    outputs = np.array([[[0.2, 0.8]], [[1.0, 0.0]]])
    known = np.array([[True, True], [True, False]])
    weights = np.array([0.5, 0.5])
    assert weighted_mean(outputs, weights)[0, 0] == 0.6
    assert couple(outputs, known, weights)[0, 0] < 0.4


def test_weights_of_rows() -> None:
    outputs = probabilities(0, 2, 3, 2)
    weights = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]])
    expected = np.array([outputs[0, 0], outputs[1, 1], outputs[:, 2].mean(axis=0)])
    np.testing.assert_allclose(weighted_mean(outputs, weights), expected)
    np.testing.assert_allclose(couple(outputs, np.ones((2, 2), dtype=bool), weights), expected)


@given(st.integers(0, 1000), st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_weighted_median_is_the_median_of_repeated_values(seed: int, counts: list[int]) -> None:
    outputs = np.random.default_rng(seed).normal(size=(len(counts), 5, 2))
    weights = np.array(counts) / sum(counts)
    expected = np.median(np.repeat(outputs, counts, axis=0), axis=0)
    np.testing.assert_allclose(weighted_median(outputs, weights), expected)


def test_vote_counts_labels_not_probabilities() -> None:
    outputs = np.array([[[0.51, 0.49]], [[0.51, 0.49]], [[0.0, 1.0]]])
    np.testing.assert_allclose(vote(outputs, np.full(3, 1 / 3)), [[2 / 3, 1 / 3]])
    assert weighted_mean(outputs, np.full(3, 1 / 3)).argmax() == 1


@pytest.mark.parametrize("pool", [weighted_mean, weighted_median, vote])
def test_a_single_member_is_itself(pool: Any) -> None:
    outputs = np.array([[[0.0, 1.0], [1.0, 0.0]]])
    np.testing.assert_array_equal(pool(outputs, np.ones(1)), outputs[0])
