"""Keep published points away from single rows.

Two rules make a set of points fit to be published (`uphold`):

* every point is the nearest point of at least ``min_rows`` rows, so that none stands for a lone outlier;
* no point sits on fewer than ``min_rows`` rows: the distance to its nearest row is at least `CLEARANCE` times the
  distance to its ``min_rows``-th nearest one. Both are 0 where that many rows share one value, and then the point may
  sit on them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from learnware.kernels.blockwise import blocks
from learnware.kernels.gram import Floats, squared_distances

# A point drawn at random keeps a clearance of 0.1 nearly always in three dimensions or more, so this leaves good
# fits alone; in one dimension a third of the points move, by less than the distance to a fifth neighbour.
CLEARANCE = 0.1
# Each try clears a point with probability of about 2/3 even in one dimension.
TRIES = 12
_BLOCK = 2**18

Indices = npt.NDArray[np.intp]


def uphold(X: Floats, points: Floats, min_rows: int, rng: np.random.Generator) -> Floats:
    """Return the points, moved or dropped until both rules hold on all rows of X.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        All rows, at least `min_rows` of them.
    points : ndarray of shape (K, d)
        At most ``n // min_rows`` points. Not modified.
    min_rows : int
        How many rows a point must stand for.
    rng : Generator
        Draws where a point goes when the mean of its neighbours is no good either.

    Returns
    -------
    ndarray of shape (m, d)
        At least one point.
    """
    points = _clear(X, points, min_rows, rng)
    if not len(points):
        points = _lone_point(X, min_rows, rng)
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
    best = np.full((len(points), count), np.inf)
    rows = np.zeros((len(points), count), dtype=np.intp)
    reach = 0.0
    for here in blocks(len(X), _BLOCK // max(1, len(points))):
        D = squared_distances(points, X[here])
        reach = max(reach, float(D.max(initial=0.0)))
        hit = np.flatnonzero((D < best[:, -1:]).any(axis=1))
        merged = np.hstack([best[hit], D[hit]])
        order = np.argpartition(merged, count - 1, axis=1)[:, :count]
        numbers = np.hstack([rows[hit], np.broadcast_to(np.arange(here.start, here.stop), D[hit].shape)])
        best[hit], rows[hit] = np.take_along_axis(merged, order, 1), np.take_along_axis(numbers, order, 1)
        best[hit] = np.take_along_axis(best[hit], np.argsort(best[hit], axis=1), 1)
    # Where the matrix product cannot tell the nearest rows apart, only differences can.
    for j in np.flatnonzero(best[:, -1] <= 1e-12 * reach):
        rows[j] = _nearest_by_differences(X, points[j], count)
    distances = np.square(X[rows] - points[:, None, :]).sum(axis=2)
    order = np.argsort(distances, axis=1, kind="stable")
    return np.take_along_axis(distances, order, 1), np.take_along_axis(rows, order, 1)


def _nearest_by_differences(X: Floats, point: Floats, count: int) -> Indices:
    distances = np.empty(len(X))
    for here in blocks(len(X), _BLOCK // max(1, X.shape[1])):
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
        shares = rng.dirichlet(np.full(min_rows, 2.0), len(pending)) if attempt else np.full(rows.shape, 1 / min_rows)
        points[pending] = np.einsum("ij,ijk->ik", shares, X[rows])
    distances, _ = nearest_rows(X, points[pending], min_rows)
    return np.delete(points, pending[~_is_clear(distances)], axis=0)


def _is_clear(distances: Floats) -> npt.NDArray[np.bool_]:
    return distances[:, 0] >= CLEARANCE**2 * distances[:, -1]


def _lone_point(X: Floats, min_rows: int, rng: np.random.Generator) -> Floats:
    """Return one point that is clear of every row, as near to the mean as doubling steps find one."""
    direction = rng.standard_normal(X.shape[1])
    direction /= np.linalg.norm(direction)
    centre, step = X.mean(axis=0, keepdims=True), 0.0
    point = centre
    spread = float(np.abs(X - centre).max())
    while not _is_clear(nearest_rows(X, point, min_rows)[0]).all():
        step = 2.0 * step if step else 0.125 * spread
        point = centre + step * direction
    return point


def _stand_for_enough(X: Floats, points: Floats, min_rows: int) -> npt.NDArray[np.bool_]:
    """Drop the point with the fewest rows, hand its rows to their next nearest points, and so on."""
    nearest = np.empty(len(X), dtype=np.intp)
    for here in blocks(len(X), _BLOCK // len(points)):
        nearest[here] = squared_distances(X[here], points).argmin(axis=1)
    counts, kept = np.bincount(nearest, minlength=len(points)), np.ones(len(points), dtype=bool)
    while (counts[kept] < min_rows).any():
        smallest = int(np.where(kept, counts, len(X) + 1).argmin())
        kept[smallest] = False
        rows = np.flatnonzero(nearest == smallest)
        nearest[rows] = np.flatnonzero(kept)[squared_distances(X[rows], points[kept]).argmin(axis=1)]
        counts = np.bincount(nearest, minlength=len(points))
    return kept
