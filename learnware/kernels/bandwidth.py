"""The typical distance between points, from which a kernel's widths are taken."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from learnware._validation import RandomState, as_generator
from learnware.kernels.gram import Floats, squared_distances


def median_squared_distance(
    points: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    random_state: RandomState = 0,
    max_points: int = 1000,
) -> float:
    """Return the median squared distance between two different points of a set.

    Parameters
    ----------
    points : array of shape (n, d)
    weights : array of shape (n,), default=None
        Not negative. A pair counts with the product of its two weights. None: all alike.
    random_state : int, Generator, RandomState or None, default=0
        Draws the points that are looked at when there are more than `max_points`.
    max_points : int, default=1000
        At most this many points are looked at.

    Returns
    -------
    float
        Always positive. Where the median is 0, because most points are equal, it is the mean of the positive
        distances; where there is none, 1.

    Examples
    --------
    >>> median_squared_distance([[0.0], [1.0], [3.0]])
    4.0
    """
    points = np.asarray(points, dtype=np.float64)
    mass = np.ones(len(points)) if weights is None else np.asarray(weights, dtype=np.float64)
    if len(points) > max_points:
        chosen = as_generator(random_state, "median_squared_distance").choice(len(points), max_points, replace=False)
        points, mass = points[chosen], mass[chosen]
    first, second = np.triu_indices(len(points), k=1)
    pair_mass = mass[first] * mass[second]
    distances, pair_mass = squared_distances(points, points)[first, second][pair_mass > 0], pair_mass[pair_mass > 0]
    # Less than this is rounding, of the matrix product or of the coordinates themselves.
    noise = 1e-12 * distances.max(initial=0.0) + 1e-28 * np.square(points).max(initial=0.0)
    positive = distances > noise
    median = _weighted_median(distances, None if weights is None else pair_mass)
    if median > noise:
        return median
    return float(np.average(distances[positive], weights=pair_mass[positive])) if positive.any() else 1.0


def _weighted_median(values: Floats, weights: Floats | None) -> float:
    if not len(values):
        return 0.0
    if weights is None:
        return float(np.median(values))
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(reached, 0.5 * reached[-1])]])
