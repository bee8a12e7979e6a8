"""Sketches and norms of mean embeddings in a frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from learnware.kernels import GaussianKernel, RandomFeatures
from learnware.market.organizer.sketches import N_SKETCH
from learnware.specification import RKME, Frame

# So many squared distances are held at once.
_BLOCK = 2**19

Singles = npt.NDArray[np.float32]


def features_of(frame: Frame) -> RandomFeatures:
    """Return the random features that sketches in a frame are made of."""
    return RandomFeatures.draw(frame.kernel, len(frame.location), N_SKETCH)


def framed(members: Sequence[RKME], frame: Frame) -> tuple[Singles, Singles]:
    """Return framed points (n, K, d) and weights (n, K); short ones are padded with weight 0."""
    width = max((len(member.weights) for member in members), default=0)
    points = np.zeros((len(members), width, len(frame.location)), np.float32)
    weights = np.zeros((len(members), width), np.float32)
    for i, member in enumerate(members):
        size = len(member.weights)
        points[i, :size], weights[i, :size] = frame.apply(member.points), member.weights
    return points, weights


def measure(members: Sequence[RKME], frame: Frame, features: RandomFeatures) -> tuple[Singles, npt.NDArray[np.float64]]:
    """Return the sketches of members, of shape (n, N_SKETCH), and the squared norms of their embeddings, (n,)."""
    sketches, own = np.empty((len(members), N_SKETCH), np.float32), np.empty(len(members))
    # Those of like size together, so that one large member does not pad many small ones.
    order = np.argsort([len(member.weights) for member in members], kind="stable")
    start = 0
    while start < len(order):
        size = len(members[order[min(start + 63, len(order) - 1)]].weights)
        rows = order[start : start + max(1, min(64, _BLOCK // size**2))]
        points, weights = framed([members[row] for row in rows], frame)
        phi = features.transform(points.reshape(-1, points.shape[2])).reshape(*weights.shape, N_SKETCH)
        sketches[rows] = np.matmul(weights[:, None, :], phi)[:, 0]
        own[rows] = _self_products(frame.kernel, points, weights)
        start += len(rows)
    return sketches, own


def _self_products(kernel: GaussianKernel, points: Singles, weights: Singles) -> npt.NDArray[np.float64]:
    norms = np.einsum("nkd,nkd->nk", points, points)
    squared = np.matmul(points, -2.0 * points.transpose(0, 2, 1))
    squared += norms[:, :, None]
    squared += norms[:, None, :]
    np.maximum(squared, 0.0, out=squared)
    total = np.zeros(len(points))
    for _, values in kernel.components(squared):
        total += np.einsum("nk,nk->n", np.matmul(weights[:, None, :], values)[:, 0], weights, dtype=np.float64)
    return total / len(kernel.gammas)
