r"""The squared MMD between weighted points and rows, with its gradient.

With softmax weights :math:`w_j \propto e^{\theta_j}`, rows :math:`x_1, \dots, x_n` and points :math:`z_1, \dots, z_K`,
up to a constant,

.. math:: L(Z, \theta) = w^\top A w - 2 w^\top c, \qquad A_{jl} = k(z_j, z_l), \qquad
          c_j = \frac1n \sum_{i=1}^n k(z_j, x_i)

With :math:`s(x, y) = \frac1G \sum_g \gamma_g \exp(-\gamma_g \lVert x - y \rVert^2)`, so that
:math:`\nabla_x k(x, y) = -2\, s(x, y) (x - y)`, the gradient is

.. math::
    \nabla_{z_j} L &= 4 w_j \Big[ \frac1n \sum_i s(z_j, x_i) (z_j - x_i) - \sum_l w_l\, s(z_j, z_l) (z_j - z_l) \Big] \\
    \nabla_{\theta} L &= w \odot (h - w^\top h), \qquad h = 2 (A w - c)

Rows pull the points, points push each other away. Reduced kernel mean embeddings are due to Wu, Xu, Liu, Zhou:
Model reuse with reduced kernel mean embedding specification. TKDE 35, 2023.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from learnware._optional import import_optional
from learnware.kernels.blockwise import BLOCK, blocks, run_strands
from learnware.kernels.gram import Array, Floats, GaussianKernel, squared_distances

Loss = Callable[[Floats], "tuple[float, Floats]"]

# Numbers per block on a torch device, which has no use for small ones.
_DEVICE_BLOCK = 2**24


def make_loss(kernel: GaussianKernel, X: Floats, device: str | None) -> Loss:
    """Return the loss on the rows of X: in numpy, or in torch where a device is named."""
    return EmbeddingLoss(kernel, X) if device is None else DeviceLoss(kernel, X, device)


class EmbeddingLoss:
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
            The points, one after the other, then the log weights.

        Returns
        -------
        value : float
        gradient : ndarray of the shape of parameters
        """
        n, d = len(self.rows), self.rows.shape[1] - 2
        Z, w = unpack(parameters, d)
        Z = Z - self.centre
        left = np.column_stack([-2.0 * Z, np.square(Z).sum(axis=1), np.ones(len(Z))]).astype(np.float32)
        cross, pull = (total / (n * len(self.kernel.gammas)) for total in self.sums_over_rows(left))
        similarity, slope = self._between_points(Z)
        own, push = similarity @ w, slope * w
        heights = 2.0 * (own - cross)
        attraction = pull[:, d:] * Z - pull[:, :d]
        repulsion = push.sum(axis=1, keepdims=True) * Z - push @ Z
        gradient = [(4.0 * w[:, None] * (attraction - repulsion)).ravel(), w * (heights - w @ heights)]
        return float(w @ (own - 2.0 * cross)), np.concatenate(gradient)

    def sums_over_rows(self, left: Array) -> tuple[Floats, Floats]:
        """Return the sums over rows and components of the kernel, and of gamma times it times (x, 1)."""
        strands = run_strands(lambda strand: self._over(strand, left), len(self.rows), BLOCK // len(left))
        cross, pull = (np.sum(parts, axis=0) for parts in zip(*strands, strict=True))
        return cross, pull

    def _over(self, strand: list[slice], left: Array) -> tuple[Floats, Floats]:
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
        return cross, pull

    def _between_points(self, Z: Floats) -> tuple[Floats, Floats]:
        """Return k and s between all pairs of points."""
        similarity, slope = np.zeros((len(Z), len(Z))), np.zeros((len(Z), len(Z)))
        for gamma, values in self.kernel.components(squared_distances(Z, Z)):
            similarity += values
            slope += gamma * values
        return similarity / len(self.kernel.gammas), slope / len(self.kernel.gammas)


class DeviceLoss(EmbeddingLoss):
    """The loss with its sums over rows taken by torch, on a device of its own.

    Parameters
    ----------
    kernel : GaussianKernel
    X : ndarray of shape (n, d)
    device : str
        As torch names it, such as ``"cuda"``.
    """

    def __init__(self, kernel: GaussianKernel, X: Floats, device: str) -> None:
        super().__init__(kernel, X)
        self.torch = import_optional("torch", extra=None, purpose=f"device={device!r}")
        self.device = device
        self.device_rows = self.torch.as_tensor(self.rows, device=device)

    def sums_over_rows(self, left: Array) -> tuple[Floats, Floats]:
        """Return the sums over rows and components of the kernel, and of gamma times it times (x, 1)."""
        points = self.torch.as_tensor(left, device=self.device)
        cross, pull = np.zeros(len(left)), np.zeros((len(left), left.shape[1] - 1))
        for here in blocks(len(self.rows), _DEVICE_BLOCK // len(left)):
            rows = self.device_rows[here]
            D = points @ rows.T
            parts = [(gamma, self.torch.exp(-gamma * D)) for gamma in self.kernel.gammas]
            cross += sum(values for _, values in parts).sum(dim=1).cpu().numpy()
            pull += (sum(gamma * values for gamma, values in parts) @ rows[:, :-1]).cpu().numpy()
        return cross, pull


def unpack(parameters: Floats, d: int) -> tuple[Floats, Floats]:
    """Return the points and their softmax weights."""
    n_points = len(parameters) // (d + 1)
    logits = parameters[n_points * d :]
    w = np.exp(logits - logits.max())
    return parameters[: n_points * d].reshape(n_points, d), w / w.sum()
