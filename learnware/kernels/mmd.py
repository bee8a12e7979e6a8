"""Inner products and distances of weighted kernel means."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from learnware.kernels.blockwise import BLOCK, blocks, one_blas_thread
from learnware.kernels.gram import Array, Floats, GaussianKernel


def inner_product(
    kernel: GaussianKernel, P: npt.ArrayLike, a: npt.ArrayLike, Q: npt.ArrayLike, b: npt.ArrayLike
) -> float:
    r"""Return the inner product of two weighted kernel means.

    .. math:: \langle \mu_P, \mu_Q \rangle = a^\top k(P, Q)\, b

    Parameters
    ----------
    kernel : GaussianKernel
    P : array of shape (n, d)
        Points of the first mean.
    a : array of shape (n,)
        Their weights.
    Q : array of shape (m, d)
        Points of the second mean.
    b : array of shape (m,)
        Their weights.

    Returns
    -------
    float
        Computed in float64, block by block.

    Examples
    --------
    >>> inner_product(GaussianKernel((1.0,)), [[0.0]], [1.0], [[0.0], [9.0]], [0.5, 0.5])
    0.5
    """
    return float(np.asarray(a, dtype=np.float64) @ kernel.mean(P, Q, b))


def squared_mmd(
    kernel: GaussianKernel, P: npt.ArrayLike, a: npt.ArrayLike, Q: npt.ArrayLike, b: npt.ArrayLike
) -> float:
    r"""Return the squared maximum mean discrepancy of two weighted samples.

    .. math:: \lVert \mu_P - \mu_Q \rVert^2 = a^\top k(P,P)\, a + b^\top k(Q,Q)\, b - 2\, a^\top k(P,Q)\, b

    This is the distance of the two given kernel means (the "V-statistic"), not an unbiased estimate of the distance
    between the distributions that the samples were drawn from.

    Parameters
    ----------
    kernel, P, a, Q, b
        As for `inner_product`.

    Returns
    -------
    float
        Not negative; in [0, 2] when both sets of weights are non-negative with sum 1.

    References
    ----------
    Smola, Gretton, Song, Schölkopf: A Hilbert space embedding for distributions. ALT 2007.
    Gretton, Borgwardt, Rasch, Schölkopf, Smola: A kernel two-sample test. JMLR 13, 2012.

    Examples
    --------
    >>> squared_mmd(GaussianKernel((1.0,)), [[0.0]], [1.0], [[9.0]], [1.0])
    2.0
    """
    own, other = inner_product(kernel, P, a, P, a), inner_product(kernel, Q, b, Q, b)
    return max(0.0, own + other - 2.0 * inner_product(kernel, P, a, Q, b))


def mmd(kernel: GaussianKernel, P: npt.ArrayLike, a: npt.ArrayLike, Q: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Return the maximum mean discrepancy: the root of `squared_mmd`.

    Parameters
    ----------
    kernel, P, a, Q, b
        As for `inner_product`.

    Returns
    -------
    float
        Not negative, in the units of the kernel's feature space.
    """
    return float(np.sqrt(squared_mmd(kernel, P, a, Q, b)))


def inner_products(
    kernel: GaussianKernel,
    stacked_points: Array,
    stacked_weights: Array,
    Q: npt.ArrayLike,
    b: npt.ArrayLike,
) -> Floats:
    r"""Return the inner products of many kernel means with one.

    .. math:: r_i = a_i^\top k(P_i, Q)\, b

    Parameters
    ----------
    kernel : GaussianKernel
    stacked_points : ndarray of shape (N, K, d)
        Points of each mean. Shorter sets are padded with any finite points.
    stacked_weights : ndarray of shape (N, K)
        Their weights; 0 for padding.
    Q : array of shape (m, d)
    b : array of shape (m,)

    Returns
    -------
    ndarray of shape (N,)
        float64. The sums inside are taken in float32 when `stacked_points` is float32 (errors of about 1e-6).
    """
    stacked_points, stacked_weights = np.asarray(stacked_points), np.asarray(stacked_weights)
    n_means, n_points, n_dims = stacked_points.shape
    dtype = np.float32 if stacked_points.dtype == np.float32 else np.float64
    Q, b = np.asarray(Q, dtype=dtype), np.asarray(b, dtype=dtype)
    rows = stacked_points.reshape(-1, n_dims).astype(dtype, copy=False)
    heights = np.empty(n_means * n_points)
    with one_blas_thread():
        for here in blocks(len(rows), BLOCK // max(1, len(Q))):
            heights[here] = sum(values @ b for _, values in kernel.between(rows[here], Q))
    sums: Floats = np.einsum("ij,ij->i", heights.reshape(n_means, n_points), stacked_weights)
    return sums / len(kernel.gammas)
