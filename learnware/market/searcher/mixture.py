"""Several learnwares at once: weights under which their embeddings together come nearest to the user's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learnware.kernels import inner_products, minimize_on_simplex
from learnware.market.organizer import Island
from learnware.market.searcher.statistical import Neighbours, Query

#: The support that Frank-Wolfe looks for, in multiples of the size of the mixture asked for.
_BREADTH = 2

#: A member with less weight than this is left out: it costs a model and changes nothing.
_LEAST_WEIGHT = 0.01

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Blend:
    """Members of an island with weights, how near each is to the user, and how near they come together."""

    rows: npt.NDArray[np.intp]
    weights: Floats
    squared_distances: Floats
    fits: Floats
    squared_distance: float
    fit: float


def mix(island: Island, query: Query, allowed: npt.NDArray[np.intp], near: Neighbours, size: int) -> Blend:
    r"""Return at most `size` members and the weights that bring them nearest to the user.

    .. math:: \min_{w \in \Delta} \Big\| \mu_u - \sum_i w_i \mu_i \Big\|^2

    over *all* allowed members: fully corrective Frank-Wolfe on sketches finds those that help together, however far
    each is alone; the nearest few join them; the weights are then solved for exactly and the smallest dropped.

    References
    ----------
    M. Jaggi. "Revisiting Frank-Wolfe: Projection-Free Sparse Convex Optimization". ICML 2013.
    """
    found = allowed[_frank_wolfe(island.sketches[allowed], query.sketch, _BREADTH * size)]
    support = np.unique(np.concatenate([found, near.rows[:size]]))
    gram, products = _exact(island, query, support)
    weights = minimize_on_simplex(gram, products)
    while True:
        kept = np.flatnonzero(weights >= min(_LEAST_WEIGHT, weights.max()))
        kept = np.sort(kept[np.argsort(-weights[kept], kind="stable")[:size]])
        if len(kept) == len(support):
            break
        support, gram, products = support[kept], gram[np.ix_(kept, kept)], products[kept]
        weights = minimize_on_simplex(gram, products)
    if len(near.rows) and near.squared_distances[0] < _squared_distance(gram, products, weights, query):
        # Dropping members of a larger mixture may leave one that is farther than the nearest alone.
        support, weights = near.rows[:1], np.ones(1)
        gram, products = _exact(island, query, support)
    own, together = float(weights @ gram @ weights), float(weights @ products)
    squared = _squared_distance(gram, products, weights, query)
    order = np.argsort(-weights, kind="stable")
    support, alone, products = support[order], np.diag(gram)[order], products[order]
    apart = np.maximum(alone - 2.0 * products + query.self_product, 0.0)
    fit = float(query.fit_of(np.array([together]), np.array([own]))[0])
    return Blend(support, weights[order], apart, query.fit_of(products, alone), squared, fit)


def _squared_distance(gram: Floats, products: Floats, weights: Floats, query: Query) -> float:
    return max(0.0, float(weights @ gram @ weights - 2.0 * weights @ products + query.self_product))


def _frank_wolfe(sketches: npt.NDArray[np.float32], target: npt.NDArray[np.float32], size: int) -> list[int]:
    """Return rows of `sketches` whose convex hull comes near to `target`, each found where the last ones fall short."""
    chosen: list[int] = []
    residual = target
    for _ in range(min(size, len(sketches))):
        gains = sketches @ residual
        gains[chosen] = -np.inf
        best = int(np.argmax(gains))
        chosen.append(best)
        members = sketches[chosen].astype(np.float64)
        weights = minimize_on_simplex(members @ members.T, members @ target)
        residual = (target - weights @ members).astype(np.float32)
    return chosen


def _exact(island: Island, query: Query, rows: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
    kernel = island.frame.kernel
    points, weights = island.framed(rows)
    gram = np.diag(island.self_products[rows])
    for i in range(len(rows) - 1):
        gram[i, i + 1 :] = inner_products(kernel, points[i + 1 :], weights[i + 1 :], points[i], weights[i])
    gram = np.triu(gram) + np.triu(gram, 1).T
    return gram, inner_products(kernel, points, weights, query.points.astype(np.float32), query.weights)
