"""Points, weights and outputs of synthetic learnwares, drawn in blocks rather than fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learnware.specification import RKME, PointLabels
from learnware.testing.synthetic_domains import Domains
from learnware.testing.synthetic_plan import Plan, Purpose
from learnware.testing.synthetic_tasks import Tasks

#: How far the points of a copy lie from those of its origin, in scales of their domain.
_APART = 0.05
#: Shape of the gamma distribution of the weights: they differ as those of fitted points do.
_EVENNESS = 5.0

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Raw:
    """Random numbers for the points of several learnwares, one row each.

    Parameters
    ----------
    z : ndarray of float32 of shape (n, n_points, n_features)
        The points in standard form.
    heights : ndarray of shape (n, n_points)
        Their weights, up to a factor for each domain.
    offsets : ndarray of shape (n,)
        Where the row of shares begins that parts the points among the domains.
    """

    z: Numbers
    heights: Floats
    offsets: Floats

    @classmethod
    def draw(cls, plan: Plan, tasks: Tasks) -> Raw:
        """Draw the numbers of the origins of these tasks."""
        n = len(tasks.origins)
        z = np.empty((n, plan.n_points, plan.n_features), dtype=np.float32)
        heights, offsets = np.empty((n, plan.n_points)), np.empty(n)
        for row, origin in enumerate(tasks.origins):
            generator = plan.generator(Purpose.POINTS, origin)
            offsets[row] = generator.random()
            generator.standard_normal(dtype=np.float32, out=z[row])
            generator.standard_gamma(_EVENNESS, out=heights[row])
        return cls(z, heights, offsets)


def drawn_embeddings(plan: Plan, domains: Domains, tasks: Tasks) -> list[RKME]:
    """Draw the statistical specifications of several learnwares.

    Each domain has points in number and weight by its share. All numbers are whole in single precision.
    """
    raw = Raw.draw(plan, tasks)
    components = _components(tasks.weights, raw)
    places = np.take_along_axis(tasks.domains, components, axis=1)
    points, heights = domains.inputs(raw.z, places), raw.heights
    outputs = domains.answers(raw.z, places, tasks.concepts[:, None])
    for row, (number, origin) in enumerate(zip(tasks.numbers, tasks.origins, strict=True)):
        if number != origin:
            noise = plan.generator(Purpose.PERTURBATION, number)
            apart = _APART * noise.standard_normal(raw.z[row].shape, dtype=np.float32)
            points[row] += domains.scales[places[row]] * apart
            heights[row] *= np.exp(_APART * noise.standard_normal(plan.n_points))
        if tasks.corrupted[row]:
            outputs[row] = plan.generator(Purpose.SHUFFLE, origin).permutation(outputs[row])
    weights = _weights(heights, components, tasks.weights).astype(np.float32)
    exact = (numbers.astype(np.float64) for numbers in (points, weights, outputs))
    return [_embedding(plan, *parts) for parts in zip(*exact, strict=True)]


def _components(shares: Floats, raw: Raw) -> Places:
    """Return the component of every point: as evenly spread over the shares as whole points can be."""
    n_points = raw.heights.shape[1]
    heights = (np.arange(n_points) + raw.offsets[:, None]) / n_points
    bounds = np.cumsum(shares, axis=1)[:, :-1]
    return np.asarray((heights[:, :, None] >= bounds[:, None, :]).sum(axis=2))


def _weights(heights: Floats, components: Places, shares: Floats) -> Floats:
    """Return weights that sum to the share of every component that has a point."""
    member = components[:, :, None] == np.arange(shares.shape[1])
    sums = (heights[:, :, None] * member).sum(axis=1)
    factors = shares / np.where(sums > 0, sums, 1.0)
    weights = heights * np.take_along_axis(factors, components, axis=1)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _embedding(plan: Plan, points: Floats, weights: Floats, outputs: Floats) -> RKME:
    labels = PointLabels(outputs, plan.classes) if plan.labels else None
    mean = weights @ points
    location, scale = _single(mean), _single(np.sqrt(weights @ (points - mean) ** 2))
    return RKME(points, weights, plan.space, location, scale, n_samples=plan.n_samples, labels=labels)


def _single(values: Floats) -> Floats:
    return values.astype(np.float32).astype(np.float64)
