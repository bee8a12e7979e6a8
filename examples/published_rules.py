"""How the published package chooses learnwares for a table, written anew to stand beside ours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from learnware import RKME
from learnware.kernels import GaussianKernel, minimize_on_simplex


def choose(embeddings: Sequence[RKME], user: RKME, most: int = 5) -> list[int]:
    """Choose as the published package does: positions among the embeddings.

    A Gaussian kernel with gamma = 0.1 on standardised columns; of the 25 nearest that one is added which brings the
    best mixture nearest to the user, until `most` are chosen or the squared distance falls by less than 5 %.
    """
    mean, spread = _moments(embeddings)
    kernel = GaussianKernel((0.1,))
    parts = [((e.points - mean) / spread, e.weights) for e in [*embeddings, user]]
    gram = np.array([[a @ kernel(P, Q) @ b for Q, b in parts] for P, a in parts])
    products, own = gram[:-1, -1], gram[-1, -1]
    near = np.argsort(gram.diagonal()[:-1] - 2.0 * products)[:25].tolist()
    chosen: list[int] = []
    last = np.inf
    while len(chosen) < min(most, len(near)):
        trials = {i: _squared_distance(gram, products, own, [*chosen, i]) for i in near if i not in chosen}
        best = min(trials, key=lambda i: trials[i])
        if trials[best] > 0.95 * last:
            break
        chosen, last = [*chosen, best], trials[best]
    return chosen


def _moments(embeddings: Sequence[RKME]) -> tuple[np.ndarray, np.ndarray]:
    means = np.array([e.weights @ e.points for e in embeddings])
    squares = np.array([e.weights @ e.points**2 for e in embeddings])
    mean = means.mean(axis=0)
    return mean, np.sqrt(np.maximum(squares.mean(axis=0) - mean**2, 1e-12))


def _squared_distance(gram: np.ndarray, products: np.ndarray, own: float, chosen: list[int]) -> float:
    K, c = gram[np.ix_(chosen, chosen)], products[chosen]
    weights = minimize_on_simplex(K, c)
    return float(weights @ K @ weights - 2.0 * weights @ c + own)
