"""Gaussian kernels over several bandwidths, and the squared distances they are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._once import once
from learnware._validation import complain
from learnware.kernels.blockwise import BLOCK, blocks, one_blas_thread, run_strands

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

# Longest side of a block where both sets of points are long.
_WIDTH = 1024


@dataclass(frozen=True)
class GaussianKernel:
    r"""Mean of Gaussian kernels of several widths.

    .. math:: k(x, y) = \frac{1}{G} \sum_{g=1}^{G} \exp(-\gamma_g \lVert x - y \rVert^2), \qquad k(x, x) = 1

    A mixture of widths spares choosing one: the wide components see where two samples lie, the narrow ones how
    they differ in detail. A mixture is again positive definite and characteristic, so the distance between kernel
    means is a metric between distributions (Gretton et al. 2012).

    Parameters
    ----------
    gammas : tuple of float
        One inverse squared width per component, each positive and finite, in units of 1 / squared distance.

    Raises
    ------
    InvalidParameter
        If there is no gamma, or one is not a positive finite number.

    References
    ----------
    Gretton, Borgwardt, Rasch, Schölkopf, Smola: A kernel two-sample test. JMLR 13, 2012.

    Examples
    --------
    >>> kernel = GaussianKernel((0.5,))
    >>> kernel([[0.0, 0.0]], [[0.0, 0.0], [1.0, 1.0]]).round(4)
    array([[1.    , 0.3679]])
    """

    gammas: tuple[float, ...]

    def __post_init__(self) -> None:
        try:
            gammas = tuple(float(gamma) for gamma in self.gammas)
        except (TypeError, ValueError):
            gammas = ()
        if not gammas or not all(0.0 < gamma < np.inf for gamma in gammas):
            raise complain("gammas", "GaussianKernel", "a tuple of positive finite numbers", self.gammas)
        object.__setattr__(self, "gammas", gammas)

    @classmethod
    def from_median(
        cls, median_squared_distance: float, multiples: Sequence[float] = (1.0, 4.0, 16.0)
    ) -> GaussianKernel:
        """Return the kernel with one gamma ``multiple / median_squared_distance`` per multiple.

        Parameters
        ----------
        median_squared_distance : float
            Typical squared distance between two points, positive.
        multiples : sequence of float, default=(1, 4, 16)
            How narrow each component is, relative to the median.

        Returns
        -------
        GaussianKernel

        Raises
        ------
        InvalidParameter
            If the median is not a positive finite number.

        Examples
        --------
        >>> GaussianKernel.from_median(2.0)
        GaussianKernel(gammas=(0.5, 2.0, 8.0))
        """
        median = float(median_squared_distance)
        if not 0.0 < median < np.inf:
            expected = "a positive finite number"
            raise complain("median_squared_distance", "GaussianKernel.from_median", expected, median_squared_distance)
        return cls(tuple(multiple / median for multiple in multiples))

    def __call__(self, X: npt.ArrayLike, Y: npt.ArrayLike) -> Floats:
        """Return the dense Gram matrix of two sets of points.

        Parameters
        ----------
        X : array of shape (n, d)
        Y : array of shape (m, d)

        Returns
        -------
        ndarray of shape (n, m)
            float64. All of it is held in memory: use `mean` for long `X` or `Y`.
        """
        D = squared_distances(X, Y)
        return self._consume(D)

    def of_squared_distances(self, D: npt.ArrayLike) -> Array:
        """Return the kernel's values at squared distances.

        When the gammas stand in ratios of powers of two, as 1 : 4 : 16 do, one exponential is taken and the others
        follow by squaring, which costs an eighth of an exponential each.

        Parameters
        ----------
        D : array of any shape
            Squared distances, not negative. It is not modified.

        Returns
        -------
        ndarray of the shape of D
            float32 if `D` is float32, else float64.
        """
        D = np.asarray(D)
        return self._consume(D.astype(np.float32 if D.dtype == np.float32 else np.float64))

    def mean(self, X: npt.ArrayLike, points: npt.ArrayLike, weights: npt.ArrayLike) -> Floats:
        r"""Return the weighted kernel mean :math:`\sum_j w_j k(x_i, z_j)` at each row of `X`.

        Either side may be long: it is gone through in small blocks.

        Parameters
        ----------
        X : array of shape (n, d)
            Where to evaluate.
        points : array of shape (m, d)
        weights : array of shape (m,)

        Returns
        -------
        ndarray of shape (n,)
            float64.
        """
        X, points, weights = _floats(X), _floats(points), _floats(weights)
        if len(points) > len(X):
            parts = run_strands(
                lambda strand: sum((self._heights(X, points[s], weights[s]) for s in strand), np.zeros(len(X))),
                len(points),
                _rows_per_block(len(X)),
            )
            return sum(parts, np.zeros(len(X)))
        result = np.zeros(len(X))

        def fill(strand: list[slice]) -> None:
            for here in strand:
                result[here] = self._heights(X[here], points, weights)

        run_strands(fill, len(X), _rows_per_block(len(points)))
        return result

    def components(self, D: Array) -> Iterator[tuple[float, Array]]:
        r"""Yield each gamma with :math:`\exp(-\gamma D)`, the widest component first.

        Made for inner loops: `D` is overwritten, and so is each array when the next is asked for.

        Parameters
        ----------
        D : ndarray of float32 or float64
            Squared distances. Its memory is used up.

        Yields
        ------
        gamma : float
        values : ndarray of the shape and type of D
        """
        np.multiply(D, -min(self.gammas), out=D)
        yield from self._waves(D)

    def between(self, X: Array, Y: Array) -> Iterator[tuple[float, Array]]:
        r"""Yield each gamma with :math:`\exp(-\gamma \lVert x_i - y_j \rVert^2)`, the widest component first.

        Made for inner loops, as `components` is, and quicker than that of `squared_distances`: one matrix product
        gives the exponents. Where points are far from 0 their rounding is larger, and near points may come out a
        little larger than 1.

        Parameters
        ----------
        X : ndarray of float32 or float64 of shape (n, d)
        Y : ndarray of the same type of shape (m, d)

        Yields
        ------
        gamma : float
        values : ndarray of shape (n, m)
            Each is overwritten when the next is asked for.
        """
        widest = X.dtype.type(min(self.gammas))
        left, right = np.empty((len(X), X.shape[1] + 2), X.dtype), np.empty((Y.shape[1] + 2, len(Y)), X.dtype)
        left[:, :-2], left[:, -2], left[:, -1] = X, np.einsum("ij,ij->i", X, X), 1.0
        right[:-2], right[-2], right[-1] = 2.0 * widest * Y.T, -widest, -widest * np.einsum("ij,ij->i", Y, Y)
        yield from self._waves(left @ right)

    def _waves(self, exponents: Array) -> Iterator[tuple[float, Array]]:
        """Yield each gamma with its component, given the exponents of the widest."""
        gammas = sorted(self.gammas)
        if self._squarings is None:
            for gamma in gammas:
                yield gamma, np.exp(exponents * (gamma / gammas[0]))
            return
        np.exp(exponents, out=exponents)
        for gamma, squarings in zip(gammas, self._squarings, strict=True):
            for _ in range(squarings):
                np.multiply(exponents, exponents, out=exponents)
            yield gamma, exponents

    def _heights(self, X: Floats, points: Floats, weights: Floats) -> Floats:
        heights = np.zeros(len(X))
        for here in blocks(len(X), _WIDTH):
            for there in blocks(len(points), _WIDTH):
                D = squared_distances(X[here], points[there])
                heights[here] += sum(values @ weights[there] for _, values in self.components(D))
        return heights / len(self.gammas)

    def _consume(self, D: Array) -> Array:
        if len(self.gammas) == 1:
            return next(self.components(D))[1]
        total = np.zeros_like(D)
        for _, values in self.components(D):
            total += values
        total /= len(self.gammas)
        return total

    @once
    def _squarings(self) -> tuple[int, ...] | None:
        """How often to square each component to reach the next one, or None when no whole number does."""
        steps = np.log2(np.sort(self.gammas)[1:] / np.sort(self.gammas)[:-1])
        if np.abs(steps - steps.round()).max(initial=0.0) > 1e-12 or steps.max(initial=0.0) > 6:
            return None
        return (0, *(int(step) for step in steps.round()))


def _rows_per_block(n_columns: int) -> int:
    return BLOCK // max(1, min(n_columns, _WIDTH))


def squared_distances(X: npt.ArrayLike, Y: npt.ArrayLike) -> Array:
    r"""Return all squared Euclidean distances between two sets of points.

    Computed as :math:`\lVert x \rVert^2 + \lVert y \rVert^2 - 2 x^\top y` about the mean of `Y`, by one matrix
    product. The absolute error is of the order of the precision times the largest squared norm about that mean;
    negative rounding is set to 0.

    Parameters
    ----------
    X : array of shape (n, d)
    Y : array of shape (m, d)

    Returns
    -------
    ndarray of shape (n, m)
        Not negative. float32 if both inputs are float32, else float64.

    Examples
    --------
    >>> squared_distances([[0.0], [3.0]], [[0.0], [1.0]])
    array([[0., 1.],
           [9., 4.]])
    """
    A, B = np.asarray(X), np.asarray(Y)
    dtype = np.float32 if A.dtype == B.dtype == np.float32 else np.float64
    centre = B.mean(axis=0, dtype=np.float64) if len(B) else np.zeros(B.shape[1])
    A, B = (points.astype(dtype, copy=False) - centre.astype(dtype) for points in (A, B))
    with one_blas_thread():
        D: Array = A @ (-2.0 * B.T)
    D += np.einsum("ij,ij->i", A, A)[:, None]
    D += np.einsum("ij,ij->i", B, B)
    np.maximum(D, 0.0, out=D)
    return D


def _floats(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)
