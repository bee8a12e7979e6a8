"""How far rows lie outside the domains of learnwares, beside the distances among the rows themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.kernels import squared_distances
from learnware.reuse.base import Array

# The four were chosen on seeds 3 to 8 of tests/benchmarks/unknown_jobs.py and on texts of 20 Newsgroups. Shares from
# 0.6 to 0.8 do about as well. With this half and steepness, where nothing is unknown, no more is rejected than without
# the graph.
_NEIGHBOURS = 5
_SHARE_OF_NEIGHBOURS = 0.7
_HALF = 1.1
_STEEPNESS = 10
# What is left after so many rounds is 0.7 ** 10, 3 %.
_ROUNDS = 10
# No row speaks louder to its neighbours: neither one that equals a point, nor one that is far from all.
_LOUDEST = 10.0
_ROWS_AT_ONCE = 2048


class Novelty:
    r"""Probability that a row comes from no domain, by distances to nearest neighbours.

    Kernels of one width blur what is near together, and in many dimensions see nothing. A row is held against its
    own surroundings instead:

    .. math:: s(x) = \frac{\min_j \|x - z_j\|^2}{\|x - x_{(k)}\|^2}, \qquad
              \log \bar s(x) = 0.3\, \log s(x) + \frac{0.7}{|N(x)|} \sum_{x' \in N(x)} \log \bar s(x'), \qquad
              r_0(x) = \frac{(\bar s(x) / 1.1)^{10}}{1 + (\bar s(x) / 1.1)^{10}},

    where :math:`z_j` are the points of all domains and :math:`x_{(k)}` is the k-th nearest of the user's other rows, k
    being the rows that a point stands for (5 at least). Where a domain has rows, it has a point among so many of
    them, and s is below 1. What is new comes in clusters, though some of it lies near a point by chance. So s, between
    0.1 and 10, spreads over the graph of the user's rows:
    :math:`N(x)` are the 5 nearest of x and the rows that have x among their 5 nearest. Rows that join later hear those
    of fit, and are not heard.
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
    D. Zhou, O. Bousquet, T. N. Lal, J. Weston, B. Schölkopf, "Learning with local and global consistency", NIPS 2003.

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
        if self._k > 0:
            self._settle()

    def __call__(self, framed: Array) -> Array:
        """Return the probability of no domain for framed rows: shape (n_samples,)."""
        if self._k < 1 or len(framed) == 0:
            return np.zeros(len(framed))
        # A row of fit has its place in the graph already, and would be its own neighbour.
        places = np.array([self._places.get(row.tobytes(), -1) for row in framed])
        told = self._settled[places]
        fresh = np.flatnonzero(places < 0)
        for some in (fresh[i : i + _ROWS_AT_ONCE] for i in range(0, len(fresh), _ROWS_AT_ONCE)):
            told[some] = self._joined(framed[some])
        return np.asarray(1.0 / (1.0 + np.exp(_STEEPNESS * (np.log(_HALF) - told))))

    def _settle(self) -> None:
        """Tell the user's rows, each by itself, then let each hear its neighbours until little changes."""
        told, nearest, self._reach = self._rows_alone()
        links = _links(nearest)
        self._settled = told
        for _ in range(_ROUNDS):
            self._settled = _mixed(told, links @ self._settled)

    def _rows_alone(self) -> tuple[Array, npt.NDArray[np.intp], Array]:
        """Return of each of the user's rows its ratio, which others are nearest, and how far the last of these is."""
        parts = []
        for start in range(0, len(self._rows), _ROWS_AT_ONCE):
            some = self._rows[start : start + _ROWS_AT_ONCE]
            own = squared_distances(some, self._rows)
            own[np.arange(len(some)), start + np.arange(len(some))] = np.inf
            told, nearest = self._alone(some, own)
            parts.append((told, nearest, np.take_along_axis(own, nearest[:, -1:], axis=1)[:, 0]))
        told, nearest, reach = (np.concatenate(part) for part in zip(*parts, strict=True))
        return told, nearest, reach

    def _joined(self, framed: Array) -> Array:
        """Return the logarithmic ratio of rows that join the graph: shape (n_samples,)."""
        own = squared_distances(framed, self._rows)
        told, nearest = self._alone(framed, own)
        near = own < self._reach
        np.put_along_axis(near, nearest, True, axis=1)
        return _mixed(told, near @ self._settled / near.sum(axis=1))

    def _alone(self, framed: Array, own: Array) -> tuple[Array, npt.NDArray[np.intp]]:
        """Return the logarithmic ratio of each row, and which of the user's rows are its nearest, in order."""
        order = np.argpartition(own, self._k - 1, axis=1)[:, : self._k]
        order = np.take_along_axis(order, np.take_along_axis(own, order, axis=1).argsort(axis=1), axis=1)
        reach = np.maximum(np.take_along_axis(own, order[:, -1:], axis=1)[:, 0], self._least)
        away = np.min([squared_distances(framed, points).min(axis=1) for points in self._domains], axis=0)
        return np.log(np.clip(away / reach, 1.0 / _LOUDEST, _LOUDEST)), order[:, :_NEIGHBOURS]


def _mixed(told: Array, neighbours: Array) -> Array:
    return (1.0 - _SHARE_OF_NEIGHBOURS) * told + _SHARE_OF_NEIGHBOURS * neighbours


def _links(nearest: npt.NDArray[np.intp]) -> Any:
    """Return who hears whom, rows that sum to one: a sparse matrix, rows by rows.

    Both ways: in many dimensions few rows are near to many, and some are near to none.
    """
    from scipy.sparse import csr_matrix, diags

    n_rows, k = nearest.shape
    links = csr_matrix((np.ones(nearest.size), nearest.ravel(), np.arange(0, nearest.size + 1, k)), (n_rows, n_rows))
    links = links.maximum(links.T)
    return diags(1.0 / np.asarray(links.sum(axis=1)).ravel()) @ links


def _spacing(points: Array) -> float:
    """Return the median squared distance from a point to the next one."""
    if len(points) < 2:
        return 0.0
    squared = squared_distances(points, points)
    np.fill_diagonal(squared, np.inf)
    return float(np.median(squared.min(axis=1)))
