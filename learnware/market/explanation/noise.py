"""What sampling alone makes of the distance between two embeddings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    r"""Mean and variance of the squared MMD between an embedding and one of as many rows of the same distribution's.

    With :math:`\bar k` the kernel centred about the embedding's mean, n rows have

    .. math:: \mathrm{mean} = \frac1n \sum_i w_i\, \bar k(z_i, z_i), \qquad
              \mathrm{variance} = \frac{2}{n^2} \sum_{ij} w_i w_j\, \bar k(z_i, z_j)^2 .

    Parameters
    ----------
    mean, variance : float

    References
    ----------
    Gretton, Borgwardt, Rasch, Schölkopf, Smola: A kernel two-sample test. JMLR 13, 2012, theorem 12.
    """

    mean: float = 0.0
    variance: float = 0.0

    @classmethod
    def of(cls, gram: Array, weights: Array, n_samples: int | None) -> Noise:
        """Return that of one side, by the kernels of its points; where its rows are not counted, points are."""
        n = n_samples or len(weights)
        heights = gram @ weights
        centred = gram + (float(weights @ heights) - heights[:, None] - heights)
        return cls(float(weights @ centred.diagonal()) / n, 2.0 * float(weights @ centred**2 @ weights) / n**2)

    def scaled(self, factor: float) -> Noise:
        """Return the noise of an embedding that counts `factor` times."""
        return Noise(factor**2 * self.mean, factor**4 * self.variance)

    def __add__(self, other: Noise) -> Noise:
        return Noise(self.mean + other.mean, self.variance + other.variance)

    @property
    def bound(self) -> float:
        """What sampling alone hardly exceeds: two standard deviations above the mean."""
        return self.mean + 2.0 * float(np.sqrt(self.variance))
