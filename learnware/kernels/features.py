"""Random features: vectors of fixed length whose inner products approximate the kernel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from learnware._validation import check_int, complain
from learnware.kernels.blockwise import blocks
from learnware.kernels.gram import Array, Floats, GaussianKernel


@dataclass(frozen=True, eq=False)
class RandomFeatures:
    r"""Orthogonal random features of a `GaussianKernel`.

    .. math:: \phi(x) = \big[ s_j \cos(\omega_j^\top x),\; s_j \sin(\omega_j^\top x) \big]_{j=1}^{D/2},
              \qquad \langle \phi(x), \phi(y) \rangle \approx k(x, y), \qquad \lVert \phi(x) \rVert = 1

    By Bochner's theorem :math:`\exp(-\gamma r^2)` is the mean of :math:`\cos(\omega^\top (x - y))` over
    :math:`\omega \sim N(0, 2 \gamma I)`. Frequencies that are orthogonal to each other, with the lengths of normal
    vectors, keep the estimate unbiased and lower its variance (Yu et al. 2016). Each component of the mixture gets an
    equal share of the frequencies, give or take one, and :math:`s_j^2` is 1 / (components x frequencies of the
    component), which makes the norm exactly 1.

    Use `draw`. Features of equal gammas, dimensions, length and seed are the same for everybody.

    Parameters
    ----------
    kernel : GaussianKernel
        What is approximated.
    unit_frequencies : ndarray of shape (n_features / 2, n_dims)
        Frequencies for :math:`\gamma = 1/2`; another kernel only rescales them.

    References
    ----------
    Rahimi, Recht: Random features for large-scale kernel machines. NIPS 2007.
    Yu, Suresh, Choromanski, Holtmann-Rice, Kumar: Orthogonal random features. NIPS 2016.

    Examples
    --------
    >>> features = RandomFeatures.draw(GaussianKernel((0.5,)), n_dims=2, n_features=512)
    >>> phi = features.transform(np.array([[0.0, 0.0], [1.0, 1.0]]))
    >>> bool(abs(phi[0] @ phi[1] - np.exp(-1.0)) < 0.05)
    True
    """

    kernel: GaussianKernel
    unit_frequencies: Floats

    @classmethod
    def draw(cls, kernel: GaussianKernel, n_dims: int, n_features: int = 256, seed: int = 0) -> RandomFeatures:
        """Draw the features of a kernel.

        Parameters
        ----------
        kernel : GaussianKernel
        n_dims : int
            Coordinates per point.
        n_features : int, default=256
            Length of a feature vector; even, and at least twice the number of the kernel's components.
        seed : int, default=0
            Chooses the frequencies.

        Returns
        -------
        RandomFeatures

        Raises
        ------
        InvalidParameter
            If a number is out of range.
        """
        caller = "RandomFeatures.draw"
        n_dims = check_int(n_dims, "n_dims", caller)
        n_features = check_int(n_features, "n_features", caller, minimum=2 * len(kernel.gammas))
        if n_features % 2:
            raise complain("n_features", caller, "even", n_features)
        seed = check_int(seed, "seed", caller, minimum=0)
        return cls(kernel, _unit_frequencies(n_dims, n_features // 2, seed))

    @property
    def n_features(self) -> int:
        """Length of a feature vector."""
        return 2 * len(self.unit_frequencies)

    def transform(self, X: npt.ArrayLike) -> Array:
        """Return the feature vectors of points.

        Parameters
        ----------
        X : array of shape (n, n_dims)

        Returns
        -------
        ndarray of shape (n, n_features)
            Rows of norm 1; float32 if `X` is float32, else float64.
        """
        X = np.asarray(X)
        dtype = np.float32 if X.dtype == np.float32 else np.float64
        spread, amplitude = self._scales()
        angles = X.astype(dtype, copy=False) @ (self.unit_frequencies * spread[:, None]).T.astype(dtype)
        phi = np.empty((len(X), self.n_features), dtype)
        np.cos(angles, out=phi[:, : len(spread)])
        np.sin(angles, out=phi[:, len(spread) :])
        phi *= np.tile(amplitude, 2).astype(dtype)
        return phi

    def mean(self, points: npt.ArrayLike, weights: npt.ArrayLike) -> Floats:
        """Return the weighted sum of the points' feature vectors: the sketch of a kernel mean.

        Parameters
        ----------
        points : array of shape (n, n_dims)
        weights : array of shape (n,)

        Returns
        -------
        ndarray of shape (n_features,)
            float64, of norm at most 1 when the weights are non-negative with sum 1.
        """
        points, weights = np.asarray(points, dtype=np.float64), np.asarray(weights, dtype=np.float64)
        total = np.zeros(self.n_features)
        for here in blocks(len(points), max(1, 2**18 // self.n_features)):
            total += weights[here] @ self.transform(points[here])
        return total

    def _scales(self) -> tuple[Floats, Floats]:
        """Return the spread of each frequency and the amplitude of its cosine and sine."""
        n_components = len(self.kernel.gammas)
        component = np.arange(len(self.unit_frequencies)) * n_components // len(self.unit_frequencies)
        spread = np.sqrt(2.0 * np.sort(self.kernel.gammas))[component]
        return spread, 1.0 / np.sqrt(n_components * np.bincount(component)[component])


@lru_cache(maxsize=32)
def _unit_frequencies(n_dims: int, n_frequencies: int, seed: int) -> Floats:
    """Draw standard normal frequencies, orthogonal to each other within each run of `n_dims`."""
    # numpy promises that the stream of RandomState never changes; that of default_rng may, between versions.
    rng = np.random.RandomState(seed)
    frequencies = np.empty((n_frequencies, n_dims))
    for here in blocks(n_frequencies, n_dims):
        size = here.stop - here.start
        basis, triangle = np.linalg.qr(rng.standard_normal((n_dims, size)))
        lengths = np.linalg.norm(rng.standard_normal((size, n_dims)), axis=1)
        frequencies[here] = (basis * np.sign(np.diagonal(triangle))).T * lengths[:, None]
    frequencies.setflags(write=False)
    return frequencies
