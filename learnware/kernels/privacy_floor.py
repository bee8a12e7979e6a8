"""Keep published points away from single rows.

Two rules make a set of points fit to be published (`uphold`):

* every point is the nearest point of at least ``min_rows`` rows, so that none stands for a lone outlier;
* no point sits on fewer than ``min_rows`` rows: the distance to its nearest row is at least `CLEARANCE` times the
  distance to its ``min_rows``-th nearest one. Both are 0 where that many rows share one value, and then the point may
  sit on them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from learnware.kernels.blockwise import BLOCK, blocks, run_strands
from learnware.kernels.gram import Floats, squared_distances

# A point drawn at random keeps a clearance of 0.1 nearly always in three dimensions or more, so this leaves good
# fits alone; in one dimension a third of the points move, by less than the distance to a fifth neighbour.
CLEARANCE = 0.1
# A row counts for its nearest point only if the second nearest is farther by this share, in squared distance. So
# rounding the points afterwards, by up to a 10,000th of their distances, leaves every count intact.
MARGIN = 1e-3
# Each try clears a point with probability of about 2/3 even in one dimension.
TRIES = 12
PULLS = 4

Indices = npt.NDArray[np.intp]


def uphold(X: Floats, points: Floats, min_rows: int, rng: np.random.Generator) -> Floats:
    """Return the points, moved or dropped until both rules hold on all rows of X.

    A point on too few rows goes to a mean of its nearest rows. A point that stands for too few is pulled half way to
    the mean of its nearest rows, a few times over, before it is dropped: in many dimensions points between the rows
    are nearest to none, and dropping them costs more of the fit than pulling (5 % against 20 % more squared error
    with 100 points for 100,000 rows in 50 dimensions of which 13 would go).

    Parameters
    ----------
    X : ndarray of shape (n, d)
        All rows, at least `min_rows` of them.
    points : ndarray of shape (K, d)
        Not modified.
    min_rows : int
        How many rows a point must stand for.
    rng : Generator
        Draws where a point goes when the mean of its neighbours is no good either.

    Returns
    -------
    ndarray of shape (m, d)
        At least one point, and at most K unless K is 0.
    """
    points = _clear(X, points, min_rows, rng)
    if not len(points):
        points = _lone_point(X, min_rows, rng)
    for _ in range(PULLS):
        strong = _stand_for_enough(X, points, min_rows)
        if strong.all():
            return points
        weak = points[~strong]
        pulled = 0.5 * (weak + X[nearest_rows(X, weak, min_rows)[1]].mean(axis=1))
        points = np.vstack([points[strong], _clear(X, pulled, min_rows, rng)])
    return points[_stand_for_enough(X, points, min_rows)]


def nearest_rows(X: Floats, points: Floats, count: int) -> tuple[Floats, Indices]:
    """Return each point's nearest rows.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    points : ndarray of shape (K, d)
    count : int
        How many rows per point, at most n.

    Returns
    -------
    distances : ndarray of shape (K, count)
        Squared, ascending, computed from differences: 0 exactly where a point equals a row.
    rows : ndarray of shape (K, count)
        Indices into X.
    """
    parts = run_strands(lambda strand: _nearest_in(X, points, count, strand), len(X), 4 * BLOCK // len(points))
    best, rows = _smallest(np.hstack([best for best, _ in parts]), np.hstack([rows for _, rows in parts]), count)
    # Where the matrix product cannot tell the nearest rows apart, only differences can.
    reach = float(np.square(X.max(axis=0) - X.min(axis=0)).sum())
    for j in np.flatnonzero(best.max(axis=1) <= 1e-12 * reach):
        rows[j] = _nearest_by_differences(X, points[j], count)
    distances = np.square(X[rows] - points[:, None, :]).sum(axis=2)
    order = np.argsort(distances, axis=1, kind="stable")
    return np.take_along_axis(distances, order, 1), np.take_along_axis(rows, order, 1)


def _nearest_in(X: Floats, points: Floats, count: int, strand: list[slice]) -> tuple[Floats, Indices]:
    """Return the nearest rows within a strand of blocks, in any order, with distances from a matrix product."""
    best = np.full((len(points), count), np.inf)
    rows = np.zeros((len(points), count), dtype=np.intp)
    for here in strand:
        D = squared_distances(points, X[here])
        hit = np.flatnonzero((best.max(axis=1, keepdims=True) > D).any(axis=1))
        numbers = np.broadcast_to(np.arange(here.start, here.stop), (len(hit), D.shape[1]))
        best[hit], rows[hit] = _smallest(np.hstack([best[hit], D[hit]]), np.hstack([rows[hit], numbers]), count)
    return best, rows


def _smallest(values: Floats, labels: Indices, count: int) -> tuple[Floats, Indices]:
    """Return the smallest values of each row with their labels."""
    order = np.argpartition(values, count - 1, axis=1)[:, :count]
    return np.take_along_axis(values, order, 1), np.take_along_axis(labels, order, 1)


def _nearest_by_differences(X: Floats, point: Floats, count: int) -> Indices:
    distances = np.empty(len(X))
    for here in blocks(len(X), BLOCK // X.shape[1]):
        distances[here] = np.square(X[here] - point).sum(axis=1)
    return np.argpartition(distances, count - 1)[:count]


def _clear(X: Floats, points: Floats, min_rows: int, rng: np.random.Generator) -> Floats:
    """Move each point that sits on too few rows to a mean of its nearest rows; drop those that never get clear."""
    points, pending = points.copy(), np.arange(len(points))
    for attempt in range(TRIES):
        distances, rows = nearest_rows(X, points[pending], min_rows)
        close = ~_is_clear(distances)
        pending, rows = pending[close], rows[close]
        if not len(pending):
            return points
        # The plain mean of rows on a grid is often a row again; means with random shares are not.
        shares = rng.dirichlet(np.full(min_rows, 2.0), len(pending)) if attempt else np.full(rows.shape, 1 / min_rows)
        points[pending] = np.einsum("ij,ijk->ik", shares, X[rows])
    distances, _ = nearest_rows(X, points[pending], min_rows)
    return np.delete(points, pending[~_is_clear(distances)], axis=0)


def _is_clear(distances: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray(distances[:, 0] >= CLEARANCE**2 * distances[:, -1])


def _lone_point(X: Floats, min_rows: int, rng: np.random.Generator) -> Floats:
    """Return one point that is clear of every row, as near to the mean as doubling steps find one."""
    direction = rng.standard_normal(X.shape[1])
    direction /= float(np.linalg.norm(direction))
    centre, step = np.asarray(X.mean(axis=0, keepdims=True)), 0.0
    point = centre
    spread = float((X.max(axis=0) - X.min(axis=0)).max())
    while not _is_clear(nearest_rows(X, point, min_rows)[0]).all():
        step = 2.0 * step if step else 0.125 * spread
        point = centre + step * direction
    return point


def _stand_for_enough(X: Floats, points: Floats, min_rows: int) -> npt.NDArray[np.bool_]:
    """Drop the point with the fewest rows, hand its rows to their next nearest points, and so on."""
    ranking = _Ranking(X, points)
    while True:
        counts = np.where(ranking.kept, ranking.counts(), len(X) + 1)
        if counts.min() >= min_rows:
            return ranking.kept
        ranking.drop(int(counts.argmin()))


class _Ranking:
    """The nearest and the second nearest point of every row, while points are dropped."""

    def __init__(self, X: Floats, points: Floats) -> None:
        self.X, self.points = X, points
        self.kept = np.ones(len(points), dtype=bool)
        self.first, self.second = np.empty(len(X), dtype=np.intp), np.empty(len(X), dtype=np.intp)
        self.is_clear = np.empty(len(X), dtype=bool)
        run_strands(self._rank, len(X), BLOCK // len(points))

    def counts(self) -> Indices:
        """Return how many rows are nearest to each point by a clear margin."""
        return np.bincount(self.first[self.is_clear], minlength=len(self.points))

    def drop(self, point: int) -> None:
        """Take a point out and rank again the rows that it was near to."""
        self.kept[point] = False
        rows = np.flatnonzero((self.first == point) | (self.second == point))
        size = BLOCK // int(self.kept.sum())
        self._rank([rows[here] for here in blocks(len(rows), size)])

    def _rank(self, strand: Sequence[slice | Indices]) -> None:
        numbers = np.flatnonzero(self.kept)
        for here in strand:
            D = squared_distances(self.X[here], self.points[self.kept])
            every = np.arange(len(D))
            first = D.argmin(axis=1)
            least = D[every, first]
            D[every, first] = np.inf
            second = D.argmin(axis=1)
            self.first[here], self.second[here] = numbers[first], numbers[second]
            self.is_clear[here] = least < (1.0 - MARGIN) * D[every, second]
