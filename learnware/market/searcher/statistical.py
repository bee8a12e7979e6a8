"""Single learnwares by the distance of their mean embeddings to the user's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learnware.kernels import inner_product, inner_products
from learnware.market.organizer import Island
from learnware.specification import RKME, PointLabels

#: At least so many learnwares, the nearest by sketch, are measured exactly.
N_EXACT = 200

_N_RESAMPLES = 100
_LEVEL = 0.95

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Query:
    """A user's embedding in the frame of one island.

    Attributes
    ----------
    points, weights : ndarray
        Framed points of shape (K, n_features), and their weights.
    sketch : ndarray of shape (N_SKETCH,)
        Mean random features.
    self_product : float
        Squared norm of the embedding.
    noise, noise_quantile : float
        Mean and 0.95 quantile of the squared MMD between this embedding and that of another sample of as many rows.
    labels : PointLabels or None
        The user's labels at the points.
    """

    points: Floats
    weights: Floats
    sketch: npt.NDArray[np.float32]
    self_product: float
    noise: float
    noise_quantile: float
    labels: PointLabels | None = None

    @classmethod
    def on(cls, island: Island, specification: RKME) -> Query:
        """Measure a user's embedding on an island."""
        points = island.frame.apply(specification.aligned_to(island.space, surplus=True).points)
        weights = specification.weights
        own = inner_product(island.frame.kernel, points, weights, points, weights)
        features = island.features_of(points)
        moved = _resampled(features, weights, specification.n_samples or len(weights))
        error = specification.squared_error
        mean, quantile = float(moved.mean()) + error, float(np.quantile(moved, _LEVEL)) + error
        sketch = (weights @ features).astype(np.float32)
        return cls(points, weights, sketch, own, mean, quantile, specification.labels)

    def fit_of(self, products: Floats, self_products: Floats) -> Floats:
        r"""Return the share of the user's embedding that others explain.

        .. math:: \mathrm{fit}_i = \frac{\langle i, u \rangle^2}
                  {\langle i, i \rangle \, (\langle u, u \rangle - \mathrm{noise})}

        A sample's embedding is longer than its distribution's by its sampling noise, the more the fewer its rows;
        without that correction a small sample would never fit well.
        """
        # Where noise is most of what there is, a correction would amplify it.
        length = max(self.self_product - self.noise, 0.25 * self.self_product)
        return np.clip(products**2 / (self_products * length), 0.0, 1.0)


def _resampled(features: Floats, weights: Floats, n_rows: int) -> Floats:
    """Return squared MMDs between an embedding and those of samples of `n_rows` from it, by their sketches."""
    rng = np.random.default_rng(0)
    counts = rng.multinomial(n_rows, weights / weights.sum(), size=_N_RESAMPLES)
    moved = (counts / n_rows - weights) @ features
    return np.asarray(np.einsum("ij,ij->i", moved, moved))


@dataclass(frozen=True)
class Neighbours:
    """Members of an island with their exact inner products with the user, the nearest first."""

    rows: Rows
    products: Floats
    squared_distances: Floats
    fits: Floats

    def __getitem__(self, positions: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Neighbours:
        floats = (self.products[positions], self.squared_distances[positions], self.fits[positions])
        return Neighbours(self.rows[positions], *floats)


def nearest(island: Island, query: Query, allowed: Rows, n_exact: int) -> Neighbours:
    r"""Return the members nearest to the user.

    All `allowed` members are ranked by :math:`\|s_i\|^2 - 2 \langle s_i, s_u \rangle` of their sketches (mean random
    features); the best `n_exact` are measured exactly, by

    .. math:: \mathrm{MMD}^2(i, u) = \langle i, i \rangle - 2 \langle i, u \rangle + \langle u, u \rangle
    """
    if len(allowed) > n_exact:
        sketches = island.sketches[allowed]
        rough = island.self_products[allowed] - 2.0 * (sketches @ query.sketch)
        allowed = allowed[np.argpartition(rough, n_exact)[:n_exact]]
    points, weights = island.framed(allowed)
    near = query.points.astype(np.float32)
    products = inner_products(island.frame.kernel, points, weights, near, query.weights)
    own = island.self_products[allowed]
    squared = np.maximum(own - 2.0 * products + query.self_product, 0.0)
    fits = query.fit_of(products, own)
    order = np.argsort(squared, kind="stable")
    return Neighbours(allowed[order], products[order], squared[order], fits[order])
