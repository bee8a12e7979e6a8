"""The common ruler: a location and scale per coordinate, and the kernel that measures in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from learnware.kernels import GaussianKernel, median_squared_distance

if TYPE_CHECKING:
    from learnware.specification.rkme import RKME

#: From here on framed coordinates grow as logarithms do: a hundred spreads away is far from everything, and squares
#: stay exact, but what is farther still is not mistaken for it.
FAR = 100.0

_POINTS_FOR_MEDIAN = 2000
_LEAST_DISTANCE = 1e-290


@dataclass(frozen=True)
class Frame:
    r"""A location and scale per coordinate, and a kernel.

    A kernel on raw units means nothing: a column in cents would drown one in tonnes. So points are kept in raw
    units and a kernel is applied only to :math:`(x - \mathrm{location}) / \mathrm{scale}`, with the kernel
    :math:`k(x, x') = \frac13 \sum_{c \in \{1, 4, 16\}} \exp(-c\,\|x - x'\|^2 / m)`, where m is the median squared
    distance in the frame.

    Parameters
    ----------
    location, scale : ndarray of shape (n_features,)
        In raw units; scale is positive.
    kernel : GaussianKernel
        Applied to framed coordinates.
    """

    location: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]
    kernel: GaussianKernel

    def apply(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return `points` of shape (n, n_features) in framed coordinates, as a new array."""
        framed = np.subtract(points, self.location, dtype=np.float64)
        framed /= self.scale
        return drawn_in(framed)

    def undo(self, framed: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return framed points in raw units."""
        far = np.abs(framed) > FAR
        if far.any():
            stretched = FAR * np.exp(np.minimum(np.abs(framed[far]) / FAR - 1.0, 690.0))
            framed = framed.copy()
            framed[far] = np.sign(framed[far]) * stretched
        return framed * self.scale + self.location

    @classmethod
    def pool(cls, specifications: Sequence[RKME]) -> Frame:
        """Return the frame of several specifications of one space, one vote each.

        The location of a coordinate is the median of theirs. Its squared scale is the median squared scale within
        specifications plus the squared spread (median absolute deviation) between their locations. Medians, so that
        a forged specification has no more say than any other. The median squared distance is taken over points
        drawn from all of them.

        Parameters
        ----------
        specifications : sequence of RKME
            At least one; their coordinates in the same order.
        """
        locations = np.array([s.location for s in specifications])
        scales = np.array([s.scale for s in specifications])
        location = np.median(locations, axis=0)
        away = np.abs(locations - location)
        between = 1.4826 * np.median(away, axis=0)
        scale = np.sqrt(np.median(scales**2, axis=0) + between**2)
        # With few specifications, or constant columns, medians can all be zero where means still tell a spread.
        scale = np.where(scale > 0, scale, np.sqrt((scales**2 + away**2).mean(axis=0)))
        coded = specifications[0].space.coded
        location, scale = np.where(coded, 0.0, location), np.where(coded | (scale <= 0), 1.0, scale)
        share = max(1, _POINTS_FOR_MEDIAN // len(specifications))
        chosen = np.concatenate([_heaviest(s, share) for s in specifications])
        framed = drawn_in((chosen - location) / scale)
        # Of points that are all but equal the gammas would be infinite.
        median = max(median_squared_distance(framed), _LEAST_DISTANCE)
        return cls(location, scale, GaussianKernel.from_median(median))


def drawn_in(framed: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Let coordinates beyond `FAR` grow like logarithms, in place."""
    far = np.abs(framed) > FAR
    if far.any():
        framed[far] = np.sign(framed[far]) * FAR * (1.0 + np.log(np.abs(framed[far]) / FAR))
    return framed


def _heaviest(specification: RKME, n_points: int) -> npt.NDArray[np.float64]:
    if len(specification.weights) <= n_points:
        return specification.points
    order = np.argsort(-specification.weights, kind="stable")
    return specification.points[order[:n_points]]
