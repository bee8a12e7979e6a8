r"""The squared MMD between weighted points and rows, with its gradient.

With softmax weights :math:`w_j \propto e^{\theta_j}` and rows :math:`x_1, \dots, x_n`, up to a constant,

.. math:: L(Z, \theta) = w^\top K w - 2 w^\top c, \qquad K_{jl} = k(z_j, z_l), \qquad c_j = \frac1n \sum_n k(z_j, x_n)

With :math:`s(x, y) = \frac1G \sum_g \gamma_g \exp(-\gamma_g \lVert x - y \rVert^2)`, so that
:math:`\nabla_x k(x, y) = -2 s(x, y) (x - y)`, the gradient is

.. math::
    \nabla_{z_j} L &= 4 w_j \Big[ \frac1n \sum_n s(z_j, x_n) (z_j - x_n) - \sum_l w_l\, s(z_j, z_l) (z_j - z_l) \Big] \\
    \nabla_{\theta} L &= w \odot (h - w^\top h), \qquad h = 2 (K w - c)

(reduced kernel mean embedding: Wu, Xu, Liu, Zhou, TKDE 2023; there with plain gradient steps and free weights).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from learnware._optional import import_optional
from learnware.kernels.blockwise import BLOCK, run_strands
from learnware.kernels.gram import Array, Floats, GaussianKernel, squared_distances

Loss = Callable[[Floats], "tuple[float, Floats]"]


def make_loss(kernel: GaussianKernel, X: Floats, device: str | None) -> Loss:
    """Return the loss of (Z, theta), flattened and joined: in numpy, or in torch where a device is named."""
    return NumpyLoss(kernel, X) if device is None else TorchLoss(kernel, X, device)


class NumpyLoss:
    """The loss, with float32 blocks for the rows and float64 sums.

    Parameters
    ----------
    kernel : GaussianKernel
    X : ndarray of shape (n, d)
        The rows. A centred float32 copy is kept: products of numbers near 0 lose less in float32.
    """

    def __init__(self, kernel: GaussianKernel, X: Floats) -> None:
        self.kernel = kernel
        self.centre = X.mean(axis=0)
        rows = X - self.centre
        # The product of (x, 1, |x|^2) with (-2 z, |z|^2, 1) is the squared distance: one pass instead of three.
        self.rows = np.column_stack([rows, np.ones(len(rows)), np.square(rows).sum(axis=1)]).astype(np.float32)

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        """Return the loss and its gradient.

        Parameters
        ----------
        parameters : ndarray of shape (K * d + K,)
            The points, row by row, then the log weights.

        Returns
        -------
        value : float
        gradient : ndarray of the shape of parameters
        """
        n, d = len(self.rows), self.rows.shape[1] - 2
        Z, w = unpack(parameters, d)
        Z = Z - self.centre
        left = np.column_stack([-2.0 * Z, np.square(Z).sum(axis=1), np.ones(len(Z))]).astype(np.float32)
        strands = run_strands(lambda strand: self._over_rows(left, strand), n, BLOCK // len(Z))
        cross, pull = (sum(parts) / n for parts in zip(*strands, strict=True))
        similarity, slope = self._between_points(Z)
        own, push = similarity @ w, slope * w
        heights = 2.0 * (own - cross)
        attraction = pull[:, d:] * Z - pull[:, :d]
        repulsion = push.sum(axis=1, keepdims=True) * Z - push @ Z
        gradient = [(4.0 * w[:, None] * (attraction - repulsion)).ravel(), w * (heights - w @ heights)]
        return float(w @ (own - 2.0 * cross)), np.concatenate(gradient)

    def _over_rows(self, left: Array, strand: list[slice]) -> tuple[Floats, Floats]:
        """Return the sums over rows of k(z_j, x) and of s(z_j, x) (x, 1)."""
        cross, pull = np.zeros(len(left)), np.zeros((len(left), left.shape[1] - 1))
        width = max(here.stop - here.start for here in strand)
        scratch, ones = np.empty((3, len(left), width), np.float32), np.ones(width, np.float32)
        for here in strand:
            rows = self.rows[here]
            D, slope, part = scratch[:, :, : len(rows)]
            # Rounding may leave D a little below 0 and k a little above 1, which is harmless in a descent.
            np.matmul(left, rows.T, out=D)
            slope[:] = 0.0
            for gamma, values in self.kernel.components(D):
                cross += values @ ones[: len(rows)]
                slope += np.multiply(values, np.float32(gamma), out=part)
            pull += slope @ rows[:, :-1]
        return cross / len(self.kernel.gammas), pull / len(self.kernel.gammas)

    def _between_points(self, Z: Floats) -> tuple[Floats, Floats]:
        """Return k and s between all pairs of points."""
        similarity, slope = np.zeros((len(Z), len(Z))), np.zeros((len(Z), len(Z)))
        for gamma, values in self.kernel.components(squared_distances(Z, Z)):
            similarity += values
            slope += gamma * values
        return similarity / len(self.kernel.gammas), slope / len(self.kernel.gammas)


def unpack(parameters: Floats, d: int) -> tuple[Floats, Floats]:
    """Return the points and their softmax weights."""
    n_points = len(parameters) // (d + 1)
    logits = parameters[n_points * d :]
    w = np.exp(logits - logits.max())
    return parameters[: n_points * d].reshape(n_points, d), w / w.sum()


class TorchLoss:
    """The same loss in float32 on a torch device, by automatic differentiation.

    Parameters
    ----------
    kernel : GaussianKernel
    X : ndarray of shape (n, d)
    device : str
        Such as ``"cuda"`` or ``"cpu"``.
    """

    def __init__(self, kernel: GaussianKernel, X: Floats, device: str) -> None:
        self.torch = import_optional("torch", extra=None, purpose=f"device={device!r}")
        self.kernel = kernel
        self.centre = X.mean(axis=0)
        self.device = device
        self.rows = self.torch.tensor(X - self.centre, dtype=self.torch.float32, device=device)

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        """Return the loss and its gradient; see `NumpyLoss`."""
        raise NotImplementedError
