"""How far rows lie outside the domains of learnwares, beside the distances among the rows themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from learnware.kernels import squared_distances
from learnware.reuse.base import Array

_NEIGHBOURS = 5
_STEEPNESS = 8
_HALF = 1.25
_ROWS_AT_ONCE = 2048


class Novelty:
    r"""Probability that a row comes from no domain, by distances to nearest neighbours.

    Kernels of one width blur what is near together, and in many dimensions see nothing. A row is held against its
    own surroundings instead:

    .. math:: s(x) = \frac{\min_j \|x - z_j\|^2}{\|x - x_{(k)}\|^2}, \qquad
              r_0(x) = \frac{(0.8\, \bar s(x))^8}{1 + (0.8\, \bar s(x))^8},

    where :math:`z_j` are the points of all domains and :math:`x_{(k)}` is the k-th nearest of the user's other rows, k
    being the rows that a point stands for (5 at least). Where a domain has rows, it has a point among so many of
    them, and s is below 1. :math:`\bar s` is the mean over the row and its 5 nearest: what is new comes in clusters.
    (A lone row is as far from the user's rows as from the domains, so it is not told; nor are fewer than k.)

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        The user's, in the frame.
    domains : sequence of ndarray of shape (n_points, n_features)
        Points of the specifications, in the frame; at least one.
    n_points : float
        Points of the domains that the user's rows come from.

    References
    ----------
    M. M. Breunig, H.-P. Kriegel, R. T. Ng, J. Sander, "LOF: identifying density-based local outliers", SIGMOD 2000.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> known, new = rng.normal(0.0, 1.0, (300, 2)), rng.normal(8.0, 1.0, (100, 2))
    >>> novelty = Novelty(np.vstack([known, new]), [rng.normal(0.0, 1.0, (80, 2))], 80)
    >>> novelty(np.array([[0.0, 0.0], [8.0, 8.0]])).round(2).tolist()
    [0.0, 1.0]
    """

    def __init__(self, rows: Array, domains: Sequence[Array], n_points: float) -> None:
        self._rows = rows
        self._domains = domains
        self._k = min(max(_NEIGHBOURS, int(np.ceil(len(rows) / max(n_points, 1.0)))), len(rows) - 1)
        # Equal rows are at no distance from each other; the points of a domain say how fine a distance matters.
        self._least = max(0.5 * float(np.median([_spacing(points) for points in domains])), np.finfo(float).tiny)
        self._places = {row.tobytes(): i for i, row in enumerate(rows)}
        self._ratios = self._told(rows)[0] if self._k > 0 else np.zeros(len(rows))

    def __call__(self, framed: Array) -> Array:
        """Return the probability of no domain for framed rows: shape (n_samples,)."""
        if self._k < 1 or len(framed) == 0:
            return np.zeros(len(framed))
        ratios, nearest = self._told(framed)
        smooth = (ratios + self._ratios[nearest].sum(axis=1)) / (1 + nearest.shape[1])
        return np.asarray(1.0 - 1.0 / (1.0 + np.minimum(smooth / _HALF, 1e6) ** _STEEPNESS))

    def _told(self, framed: Array) -> tuple[Array, npt.NDArray[np.intp]]:
        """Return the ratio of each row, and which of the user's other rows are its nearest."""
        parts = [self._part(framed[i : i + _ROWS_AT_ONCE]) for i in range(0, len(framed), _ROWS_AT_ONCE)]
        return np.concatenate([ratio for ratio, _ in parts]), np.concatenate([nearest for _, nearest in parts])

    def _part(self, framed: Array) -> tuple[Array, npt.NDArray[np.intp]]:
        away = np.min([squared_distances(framed, points).min(axis=1) for points in self._domains], axis=0)
        own = squared_distances(framed, self._rows)
        for i, row in enumerate(framed):
            place = self._places.get(row.tobytes())
            if place is not None:
                own[i, place] = np.inf
        order = np.argpartition(own, self._k - 1, axis=1)[:, : self._k]
        reach = np.take_along_axis(own, order, axis=1).max(axis=1)
        closest = np.take_along_axis(order, np.take_along_axis(own, order, axis=1).argsort(axis=1), axis=1)
        return away / np.maximum(reach, self._least), closest[:, :_NEIGHBOURS]


def _spacing(points: Array) -> float:
    """Return the median squared distance from a point to the next one."""
    if len(points) < 2:
        return 0.0
    squared = squared_distances(points, points)
    np.fill_diagonal(squared, np.inf)
    return float(np.median(squared.min(axis=1)))
