"""What is new is told by its surroundings: in any unit, at any density, and without false alarms."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from learnware.reuse.novelty import Novelty


def domain(generator: np.random.Generator, n: int, centre: float, spread: float = 1.0, d: int = 10) -> np.ndarray:
    return generator.normal(centre, spread, (n, d))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("spread", [0.1, 1.0])
def test_a_new_cluster_is_told_apart(seed: int, spread: float) -> None:
    generator = np.random.default_rng(seed)
    rows = np.vstack([domain(generator, 300, 0.0), domain(generator, 100, 3.0, spread)])
    new = np.repeat([False, True], [300, 100])
    told = Novelty(rows, [domain(generator, 60, 0.0), domain(generator, 60, -9.0)], 60)
    assert roc_auc_score(new, told(rows)) > 0.98
    assert ((told(rows) > 0.5) == new).mean() > 0.95
    fresh = domain(generator, 50, 3.0, spread)
    assert told(fresh).mean() > 0.9


def test_density_is_no_novelty() -> None:
    generator = np.random.default_rng(0)
    wide, dense = domain(generator, 200, 0.0, 5.0), domain(generator, 200, 30.0, 0.01)
    told = Novelty(np.vstack([wide, dense]), [wide[::4] + 0.1, dense[::4] + 0.001], 100)
    assert told(np.vstack([wide, dense])).mean() < 0.05


def test_rows_of_fit_are_not_their_own_neighbours() -> None:
    generator = np.random.default_rng(1)
    rows = domain(generator, 200, 0.0)
    told = Novelty(rows, [domain(generator, 50, 0.0)], 50)
    assert told(rows).mean() == pytest.approx(told(domain(generator, 2000, 0.0)).mean(), abs=0.03)


def test_equal_rows_are_no_novelty() -> None:
    values = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    rows = np.repeat(values, 40, axis=0)
    told = Novelty(rows, [values + 0.05], 3)
    assert told(rows).max() < 0.05
    more = np.vstack([rows, np.full((80, 2), 5.0)])
    assert Novelty(more, [values + 0.05], 3)(np.array([[5.0, 5.0]]))[0] > 0.95


@pytest.mark.parametrize("n_rows", [1, 2, 7])
def test_few_rows(n_rows: int) -> None:
    rows = domain(np.random.default_rng(0), n_rows, 0.0)
    told = Novelty(rows, [rows[:1]], 1)(rows)
    assert told.shape == (n_rows,)
    assert ((told >= 0) & (told <= 1)).all()
    assert Novelty(rows, [rows], 1)(rows[:0]).shape == (0,)
