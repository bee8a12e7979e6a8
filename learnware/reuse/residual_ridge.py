r"""Ridge regression of what a given answer leaves over, with a strength for each block of columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_FLOOR = 1e-9


class ResidualRidge:
    r"""Fit residuals r by blocks of columns :math:`B_j`, each penalised by itself, and shrink towards none.

    .. math:: \min_\beta \Big\|r - \sum_j B_j \beta_j\Big\|^2 + \sum_j \frac{1}{\tau_j} \|\beta_j\|^2

    with the :math:`\tau_j`, 0 among them, chosen by the error of leaving each row out, which ridge regression tells
    in closed form. The fit is then multiplied by how far it can be trusted: the slope of r on the left-out
    predictions less its standard error, no less than 0 and no more than 1. Where it predicts nothing for sure, that
    is 0 and the given answer stands.

    Parameters
    ----------
    blocks : sequence of ndarray of shape (n_samples, n_columns)
    residual : ndarray of shape (n_samples,)
    grids : sequence of sequence of float
        For each block the values of :math:`\tau` to choose among.

    Attributes
    ----------
    coefficients : ndarray of shape (n_columns of all blocks,)
    trust : float
        The factor, in [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(50, 2))
    >>> grids = [[0.0, 0.1, 1.0, 1e6]]
    >>> ResidualRidge([X], X @ [1.0, 2.0], grids).coefficients.round(2).tolist()
    [1.0, 2.0]
    >>> bool(ResidualRidge([X], rng.normal(size=50), grids).trust < 0.5)
    True
    """

    def __init__(self, blocks: Sequence[Array], residual: Array, grids: Sequence[Sequence[float]]) -> None:
        columns = np.hstack(blocks)
        widths = [block.shape[1] for block in blocks]
        gram, moment = columns.T @ columns, columns.T @ residual
        best = float((residual**2).mean())
        self.coefficients = np.zeros(columns.shape[1])
        left_out = np.zeros(len(residual))
        for strengths in product(*grids):
            scales = np.repeat(np.sqrt(strengths), widths)
            if not scales.any():
                continue
            inverse = np.linalg.inv(gram * np.outer(scales, scales) + np.eye(len(scales)))
            solution = scales * (inverse @ (scales * moment))
            scaled = columns * scales
            leverage = np.einsum("ij,ij->i", scaled @ inverse, scaled)
            errors = (residual - columns @ solution) / np.maximum(1.0 - leverage, _FLOOR)
            loss = float((errors**2).mean())
            if loss < best:
                best, self.coefficients, left_out = loss, solution, residual - errors
        self.trust = _trust(left_out, residual)

    def predict(self, blocks: Sequence[Array]) -> Array:
        """Return what to add to the given answer: shape (n_samples,)."""
        return np.asarray(self.trust * (np.hstack(blocks) @ self.coefficients))


def _trust(prediction: Array, residual: Array) -> float:
    power = float(prediction @ prediction)
    if power <= _FLOOR * float(residual @ residual):
        return 0.0
    slope = float(prediction @ residual) / power
    error = float(np.sqrt(((prediction * (residual - slope * prediction)) ** 2).sum())) / power
    return float(np.clip(slope - error, 0.0, 1.0))
