"""Several learnwares at once: weights under which their embeddings together come nearest to the user's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learnware.kernels import inner_products, minimize_on_simplex
from learnware.market.organizer.island import Mask, Rows
from learnware.market.organizer.members import Member
from learnware.market.organizer.sketches import Singles
from learnware.market.searcher.agreement import SAME_DATA
from learnware.market.searcher.statistical import Neighbours, Query, Scan

#: The support that Frank-Wolfe looks for, in multiples of the size of the mixture asked for.
_BREADTH = 3

#: The nearest that join them, in the same multiples.
_NEAR = 16

#: A member with less weight than this is left out: it costs a model and changes nothing.
_LEAST_WEIGHT = 0.01

# Up to so many candidates are looked at one by one.
_FEW = 4096
# Of more, so many are chosen by each look at all of them, and so many looks are taken, unless nobody outside would help
# before; among very many, more are nearly as good as the best.
_MANY = 2**18
_PER_LOOK, _LOOKS = 256, 3
_PER_LOOK_OF_MANY, _LOOKS_OF_MANY = 512, 6
# By half precision sketches, a smaller help than this cannot be told.
_HELP = 1e-3

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Blend:
    """Members of an island with weights, how near each is to the user, and how near they come together."""

    rows: Rows
    members: list[Member]
    weights: Floats
    squared_distances: Floats
    fits: Floats
    squared_distance: float
    fit: float


def mix(scan: Scan, useful: Mask, near: Neighbours, size: int) -> Blend:
    r"""Return at most `size` members and the weights that bring them nearest to the user.

    .. math:: \min_{w \in \Delta} \Big\| \mu_u - \sum_i w_i \mu_i \Big\|^2

    over *all* useful members: fully corrective Frank-Wolfe on sketches finds those that help together, however far
    each is alone; the nearest join them; of these the heaviest are solved for exactly, and the smallest dropped.

    References
    ----------
    M. Jaggi. "Revisiting Frank-Wolfe: Projection-Free Sparse Convex Optimization". ICML 2013.
    """
    query = scan.query
    support, members = scan.island.known(_together(scan, _support(scan, useful, _BREADTH * size), near, size))
    gram, products = _exact(scan, support, members)
    weights = minimize_on_simplex(gram, products)
    while True:
        kept = np.flatnonzero(weights >= min(_LEAST_WEIGHT, weights.max()))
        kept = np.sort(kept[np.argsort(-weights[kept], kind="stable")[:size]])
        if len(kept) == len(support):
            break
        support, members = support[kept], [members[i] for i in kept]
        gram, products = gram[np.ix_(kept, kept)], products[kept]
        weights = minimize_on_simplex(gram, products)
    if len(near.rows) and near.squared_distances[0] < _squared_distance(gram, products, weights, query):
        # Dropping members of a larger mixture may leave one that is farther than the nearest alone.
        support, members, weights = near.rows[:1], near.members[:1], np.ones(1)
        gram, products = _exact(scan, support, members)
    own, together = float(weights @ gram @ weights), float(weights @ products)
    squared = _squared_distance(gram, products, weights, query)
    order = np.argsort(-weights, kind="stable")
    support, alone, products = support[order], np.diag(gram)[order], products[order]
    apart = np.maximum(alone - 2.0 * products + query.self_product, 0.0)
    fit = float(query.fit_of(np.array([together]), np.array([own]))[0])
    heaviest = [members[i] for i in order]
    return Blend(support, heaviest, weights[order], apart, query.fit_of(products, alone), squared, fit)


def _squared_distance(gram: Floats, products: Floats, weights: Floats, query: Query) -> float:
    return max(0.0, float(weights @ gram @ weights - 2.0 * weights @ products + query.self_product))


def _together(scan: Scan, found: Rows, near: Neighbours, size: int) -> Rows:
    """Return rows that a mixture may be made of: those that help most among the ones found and the nearest ones.

    What is found step by step may have taken the place of a near one that makes several of them superfluous.
    """
    rows = np.union1d(found, near.rows[: _NEAR * size])
    sketches = scan.island.sketches(rows).astype(np.float64)
    weights = minimize_on_simplex(sketches @ sketches.T, sketches @ scan.query.sketch)
    heaviest = rows[np.argsort(-weights, kind="stable")[: _BREADTH * size]]
    return np.union1d(heaviest, near.rows[:1])


def _support(scan: Scan, useful: Mask, size: int) -> Rows:
    r"""Return rows whose convex hull comes near to the user, by their sketches.

    Of a large island some rows are chosen by each look at all of them: those whose inner product with what is left of
    the user, :math:`\langle s_i, s_u - \sum_j w_j s_j \rangle`, is largest. When nobody outside has a larger one than
    those in the mixture, no other member would bring it nearer (that is the optimality condition of the problem on the
    simplex).
    """
    target, gains = scan.query.sketch, np.where(useful, scan.products, np.float32(-np.inf))
    if int(useful.sum()) <= _FEW:
        rows = np.flatnonzero(useful)
        return rows[_frank_wolfe(scan.island.sketches(rows), target, size)[0]]
    many = len(gains) > _MANY
    n_each, n_looks = (_PER_LOOK_OF_MANY, _LOOKS_OF_MANY) if many else (_PER_LOOK, _LOOKS)
    pool: Rows = np.empty(0, np.intp)
    for look in range(n_looks):
        pool = np.union1d(pool, _highest(gains, n_each))
        sketches = scan.island.sketches(pool)
        chosen, residual = _frank_wolfe(sketches, target, size)
        if look == n_looks - 1:
            break
        gains = np.where(useful, scan.island.products(residual), np.float32(-np.inf))
        if gains.max() <= (sketches[chosen] @ residual).max() + _HELP:
            break
    return pool[chosen]


def _highest(gains: Singles, n: int) -> Rows:
    """Return the rows of the highest gains, and of those the highest of as many parts: neighbours are often alike."""
    parts = np.linspace(0, len(gains), n + 1).astype(np.intp)[:-1]
    peaks = np.maximum.reduceat(gains, parts)
    ends = np.append(parts[1:], len(gains))
    here = [start + int(gains[start:end].argmax()) for start, end in zip(parts, ends, strict=True)]
    top = np.argpartition(-gains, n)[:n]
    found = np.union1d(np.array(here)[np.isfinite(peaks)], top)
    return np.asarray(found[np.isfinite(gains[found])])


def _frank_wolfe(sketches: Singles, target: Singles, size: int) -> tuple[list[int], Singles]:
    """Return rows of `sketches` whose convex hull comes near to `target`, and what is left of it.

    Each is found where the last ones fall short, until nobody helps any more. Copies of a row that is in are left out:
    they would take the places of others and bring it no nearer.
    """
    chosen: list[int] = []
    residual, allowed = target, np.ones(len(sketches), dtype=bool)
    norms = np.einsum("ij,ij->i", sketches, sketches)
    gram, products, weights = np.empty((size, size)), np.empty(size), np.zeros(size)
    for n in range(size):
        gains = sketches @ residual
        best = int(np.argmax(np.where(allowed, gains, -np.inf)))
        if not allowed[best] or (chosen and gains[best] <= gains[chosen].max() + _HELP):
            break
        chosen.append(best)
        beside = sketches @ sketches[best]
        allowed &= norms + norms[best] - 2.0 * beside > SAME_DATA
        allowed[best] = False
        gram[n, : n + 1] = gram[: n + 1, n] = beside[chosen]
        products[n], weights[0] = sketches[best] @ target, weights[0] if n else 1.0
        start, here = weights[: n + 1], slice(n + 1)
        weights[here] = minimize_on_simplex(gram[here, here], products[here], start=start)
        residual = (target - weights[here].astype(np.float32) @ sketches[chosen]).astype(np.float32)
    return chosen, residual


def _exact(scan: Scan, rows: Rows, members: list[Member]) -> tuple[Floats, Floats]:
    kernel = scan.island.ruler[1].kernel
    points, weights = scan.island.framed(members)
    gram = np.diag(scan.island.self_products[rows].astype(np.float64))
    for i in range(len(rows) - 1):
        gram[i, i + 1 :] = inner_products(kernel, points[i + 1 :], weights[i + 1 :], points[i], weights[i])
    gram = np.triu(gram) + np.triu(gram, 1).T
    near = scan.query.points.astype(np.float32)
    return gram, inner_products(kernel, points, weights, near, scan.query.weights)
