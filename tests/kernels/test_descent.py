"""L-BFGS finds known minima, never climbs, and says how far it is."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der

from learnware.kernels.descent import minimize_lbfgs


def test_it_finds_the_minimum_of_a_quadratic() -> None:
    rng = np.random.default_rng(0)
    A = rng.normal(size=(30, 30))
    A, b = A @ A.T + 0.1 * np.eye(30), rng.normal(size=30)
    found = minimize_lbfgs(lambda x: (0.5 * x @ A @ x - b @ x, A @ x - b), np.zeros(30), max_iter=300)
    np.testing.assert_allclose(found, np.linalg.solve(A, b), atol=1e-4)


def test_it_follows_a_curved_valley() -> None:
    found = minimize_lbfgs(lambda x: (float(rosen(x)), rosen_der(x)), np.array([-1.2, 1.0, 0.5]), max_iter=200)
    np.testing.assert_allclose(found, 1.0, atol=1e-5)


def test_every_step_goes_down() -> None:
    values: list[float] = []

    def function(x: np.ndarray) -> tuple[float, np.ndarray]:
        return float(rosen(x)), rosen_der(x)

    for steps in range(1, 20):
        values.append(function(minimize_lbfgs(function, np.array([-1.2, 1.0]), max_iter=steps))[0])
    assert all(later <= earlier for earlier, later in pairwise(values))


def test_it_stays_at_a_minimum_and_leaves_the_start_alone() -> None:
    start = np.zeros(3)
    start.setflags(write=False)
    assert minimize_lbfgs(lambda x: (x @ x, 2 * x), start, max_iter=5).tolist() == [0.0, 0.0, 0.0]


def test_it_gives_up_where_no_step_helps() -> None:
    wrong = minimize_lbfgs(lambda x: (float(x @ x), -2 * x), np.ones(2), max_iter=5)
    assert wrong.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("max_iter", [1, 4])
def test_it_counts_its_steps(max_iter: int) -> None:
    done: list[int] = []
    minimize_lbfgs(lambda x: (float(rosen(x)), rosen_der(x)), np.zeros(4), max_iter=max_iter, callback=done.append)
    assert done == list(range(1, max_iter + 1))
