"""What is new is told by its surroundings: in any unit, at any density, and without false alarms."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from learnware.reuse.novelty import Novelty, _links


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


def overlapping(seed: int, d: int, away: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows of which the last 100 are new, whether they are, and points of what is known."""
    generator = np.random.default_rng(seed)
    rows, points = domain(generator, 400, 0.0, d=d), domain(generator, 60, 0.0, d=d)
    rows[300:, 0] += away
    return rows, np.repeat([False, True], [300, 100]), points


def test_neighbours_of_neighbours_help() -> None:
    # The mean over a row and its five nearest gives 0.949, one round over the graph 0.949, a graph of one way 0.960.
    scores = []
    for seed in range(5):
        rows, new, points = overlapping(seed, 10, 4.0)
        scores.append(roc_auc_score(new, Novelty(rows, [points], 60)(rows)))
    assert np.mean(scores) > 0.964


def test_rows_hear_each_other_both_ways() -> None:
    np.testing.assert_array_equal(_links(np.array([[1], [2], [1]])).toarray(), [[0, 1, 0], [0.5, 0, 0.5], [0, 1, 0]])


def test_rows_that_come_later_are_told_as_if_they_had_been_there() -> None:
    # 0.018 if they heard their own nearest rows only.
    apart = []
    for seed in range(4):
        rows, _, points = overlapping(seed, 30, 5.0)
        late = np.arange(len(rows)) % 20 == 0
        told, later = (Novelty(known, [points], 60)(rows[late]) for known in (rows, rows[~late]))
        apart.append(np.abs(told - later).mean())
    assert np.mean(apart) < 0.013


def test_blocks_of_rows_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, _, points = overlapping(0, 10, 4.0)
    everyone = np.vstack([rows, rows + 0.1])
    whole = Novelty(rows, [points], 60)(everyone)
    monkeypatch.setattr("learnware.reuse.novelty._ROWS_AT_ONCE", 64)
    np.testing.assert_allclose(Novelty(rows, [points], 60)(everyone), whole, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_one_row_that_equals_a_point_does_not_hide_its_cluster(seed: int) -> None:
    generator = np.random.default_rng(seed)
    known, new = domain(generator, 300, 0.0), domain(generator, 100, 3.0)
    told = Novelty(np.vstack([known, new]), [np.vstack([domain(generator, 60, 0.0), new[:1]])], 60)(new)
    assert told[0] < 0.5
    assert (told > 0.5).mean() > 0.9


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
