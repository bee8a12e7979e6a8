"""Single learnwares by the distance of their mean embeddings to the user's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learnware.errors import InvalidSpecification
from learnware.kernels import inner_product, inner_products
from learnware.market.organizer import Island
from learnware.market.organizer.island import Mask, Rows
from learnware.market.organizer.members import Member
from learnware.market.organizer.shelf import Unusable
from learnware.market.organizer.sketches import Singles
from learnware.specification import RKME, PointLabels

#: So many learnwares at once, in the order of their distances by sketch, are measured exactly and ranked.
N_EXACT = 128

_LEVEL = 0.95

Floats = npt.NDArray[np.float64]


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
    sketch: Singles
    self_product: float
    noise: float
    noise_quantile: float
    labels: PointLabels | None = None

    @classmethod
    def on(cls, island: Island, specification: RKME) -> Query:
        """Measure a user's embedding on an island."""
        space, frame, transform = island.ruler
        points = frame.apply(specification.aligned_to(space, surplus=True).points)
        weights = specification.weights
        own = inner_product(frame.kernel, points, weights, points, weights)
        features = transform.transform(points)
        mean, quantile = sampling_noise(features, weights, specification.n_samples or len(weights))
        error = specification.squared_error
        sketch = (weights @ features).astype(np.float32)
        return cls(points, weights, sketch, own, mean + error, quantile + error, specification.labels)

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


def sampling_noise(features: Floats, weights: Floats, n_rows: int) -> tuple[float, float]:
    r"""Return mean and 0.95 quantile of the squared MMD between an embedding and that of `n_rows` rows drawn from it.

    With the covariance C of the features, the error of the mean of n rows has nearly the distribution of
    :math:`\frac1n \sum_l \lambda_l Z_l^2` with the eigenvalues :math:`\lambda` of C and standard normal Z, of mean
    :math:`\mathrm{tr}\,C / n` and variance :math:`2\,\mathrm{tr}\,C^2 / n^2`. A gamma distribution of that mean and
    variance stands for it.

    Parameters
    ----------
    features : ndarray of shape (n_points, n_features)
        Random features of the points.
    weights : ndarray of shape (n_points,)
    n_rows : int

    References
    ----------
    F. E. Satterthwaite. "An Approximate Distribution of Estimates of Variance Components". Biometrics Bulletin, 1946.
    """
    from scipy.special import gammaincinv

    centred = features - weights @ features
    gram = centred @ centred.T
    trace, squares = float(weights @ gram.diagonal()), float(weights @ gram**2 @ weights)
    if squares <= 0.0:
        return 0.0, 0.0
    # Of a variable with as many degrees of freedom as the eigenvalues are worth.
    half_freedom = 0.5 * trace**2 / squares
    return trace / n_rows, float(gammaincinv(half_freedom, _LEVEL) / half_freedom * trace / n_rows)


@dataclass(frozen=True)
class Scan:
    r"""An island seen from a user: the inner products of all sketches with theirs.

    Attributes
    ----------
    island : Island
    query : Query
    mask : ndarray of bool of shape (n_rows,)
        The rows that may be found.
    products : ndarray of shape (n_rows,)
        :math:`\langle s_i, s_u \rangle`, and minus infinity for rows that may not be found.
    """

    island: Island
    query: Query
    mask: Mask
    products: Singles

    @classmethod
    def of(cls, island: Island, query: Query, mask: Mask, products: Singles) -> Scan:
        """Look at the rows of an island that may be found, given the products of all."""
        if not np.isfinite(query.sketch).all():
            raise InvalidSpecification(
                "The points of a specification must be numbers that can be measured. Got some so large that their "
                "squares are infinite: rescale the columns, or leave out what stands for a missing value."
            )
        if not np.isfinite(products).all() or not np.isfinite(island.self_products).all():
            raise Unusable("a sketch or a norm is not finite")
        return cls(island, query, mask, np.where(mask, products, np.float32(-np.inf)))


@dataclass(frozen=True)
class Neighbours:
    """Members of an island with their exact inner products with the user, the nearest first."""

    rows: Rows
    members: list[Member]
    products: Floats
    squared_distances: Floats
    fits: Floats

    def __getitem__(self, positions: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Neighbours:
        chosen = np.arange(len(self.rows))[positions]
        floats = (self.products[chosen], self.squared_distances[chosen], self.fits[chosen])
        return Neighbours(self.rows[chosen], [self.members[i] for i in chosen], *floats)


def measured(scan: Scan, rows: Rows) -> Neighbours:
    r"""Return the learnwares at some rows, without those that have gone meanwhile, measured exactly.

    .. math:: \mathrm{MMD}^2(i, u) = \langle i, i \rangle - 2 \langle i, u \rangle + \langle u, u \rangle
    """
    island, query = scan.island, scan.query
    rows, members = island.known(rows)
    points, weights = island.framed(members)
    near = query.points.astype(np.float32)
    products = inner_products(island.ruler[1].kernel, points, weights, near, query.weights)
    own = island.self_products[rows].astype(np.float64)
    squared = np.maximum(own - 2.0 * products + query.self_product, 0.0)
    order = np.argsort(squared, kind="stable")
    found = Neighbours(rows, members, products, squared, query.fit_of(products, own))
    return found[order]
