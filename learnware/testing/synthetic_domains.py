r"""Domains of a synthetic market: Gaussian clusters, each with two rules that say what its inputs are labelled.

An input of domain j is :math:`x = \mu_j + \sigma_j \odot z` with :math:`z \sim N(0, I)`. A *concept* gives every domain
a rule on z. A class belongs to a direction, one coordinate of z with a sign, and the label is the class in whose
direction z lies farthest; so classes are equally frequent. A value is :math:`t_1 + \sin 2 t_2`, where t is z in two
such directions. The two concepts draw their directions independently of each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.testing.synthetic_plan import Plan, Purpose

#: The common concept, and the one that shifted learnwares have learned.
CONCEPTS = (0, 1)

_DIRECTIONS_OF_A_VALUE = 2
_SPREAD_OF_LOG_SCALES = 0.5
#: How sure soft answers are; the hard label has a probability of .8 on average among three classes.
_SHARPNESS = 3.0

Numbers = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Domains:
    """Clusters and rules of all domains, and of one that no learnware knows.

    Parameters
    ----------
    centres, scales : ndarray of float32 of shape (n_domains + 1, n_features)
    directions : ndarray of int of shape (n_concepts, n_domains + 1, n_directions)
        Below `n_features` a coordinate, from there on the same coordinates turned round.
    classes : bool
        Whether rules tell classes rather than a value.
    """

    centres: Numbers
    scales: Numbers
    directions: Places
    classes: bool

    @classmethod
    def draw(cls, plan: Plan) -> Domains:
        """Draw the domains of a plan, row by row: further domains leave the first ones as they are."""
        shape = (plan.unknown_domain + 1, plan.n_features)
        centres = plan.separation * plan.generator(Purpose.CENTRES).standard_normal(shape)
        scales = np.exp(_SPREAD_OF_LOG_SCALES * plan.generator(Purpose.SCALES).standard_normal(shape))
        n_directions = _DIRECTIONS_OF_A_VALUE if plan.classes is None else plan.n_classes
        keys = [plan.generator(Purpose.CONCEPTS, concept).random((shape[0], 2 * shape[1])) for concept in CONCEPTS]
        directions = np.argsort(np.stack(keys), axis=-1)[..., :n_directions]
        return cls(centres.astype(np.float32), scales.astype(np.float32), directions, plan.classes is not None)

    def inputs(self, z: Numbers, domains: Places) -> Numbers:
        """Return inputs of the domains from their standard form z; both end in the shape (..., n_features)."""
        return self.centres[domains] + self.scales[domains] * z

    def answers(self, z: Numbers, domains: Places, concepts: npt.ArrayLike) -> Numbers:
        """Return what concepts answer to inputs: soft probabilities of the classes, or one value each.

        Parameters
        ----------
        z : ndarray of shape (..., n_features)
            The inputs in standard form.
        domains : ndarray of int of shape (...)
            Where each lies.
        concepts : int or ndarray of int
            Broadcast to the shape of `domains`.
        """
        t = self._along(z, domains, concepts)
        if not self.classes:
            return np.asarray(t[..., :1] + np.sin(2 * t[..., 1:2]))
        heights = np.exp(_SHARPNESS * (t - t.max(axis=-1, keepdims=True)))
        return np.asarray(heights / heights.sum(axis=-1, keepdims=True))

    def labels(self, z: Numbers, domains: Places, concepts: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the label of each input: a class, or a value."""
        answers = self.answers(z, domains, concepts)
        return answers.argmax(axis=-1) if self.classes else answers[..., 0].astype(np.float64)

    def _along(self, z: Numbers, domains: Places, concepts: npt.ArrayLike) -> Numbers:
        turned, coordinates = np.divmod(self.directions[np.asarray(concepts), domains], z.shape[-1])
        return np.asarray(np.take_along_axis(z, coordinates, axis=-1) * (1 - 2 * turned).astype(np.float32))
