r"""A log-linear model of classes around a given answer, fitted to labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

Array = npt.NDArray[np.float64]

#: Probabilities below this are taken as this: one zero must not veto all others.
FLOOR = 1e-4
_STEPS = 60


@dataclass(frozen=True)
class LogLinear:
    r"""Classes around a given answer :math:`p_0`, as others speak for or against it.

    .. math:: q(y|x) \propto \exp\Big(t \log p_0(y|x) + \sum_k a_k \log \frac{p_k(y|x)}{p_0(y|x)} + b_y\Big)

    Parameters
    ----------
    sharpness : float
        t, at least 0.
    slopes : ndarray of shape (n_answers,)
        a, at least 0.
    biases : ndarray of shape (n_classes,)
        b.
    """

    sharpness: float
    slopes: Array
    biases: Array

    @classmethod
    def unchanged(cls, n_answers: int, n_classes: int) -> LogLinear:
        """Return the model that answers with the prior."""
        return cls(1.0, np.zeros(n_answers), np.zeros(n_classes))

    @classmethod
    def fit(
        cls, prior: Array, ratios: Array, target: npt.NDArray[np.intp], strength: tuple[float, float], start: LogLinear
    ) -> LogLinear:
        """Return the model of the least penalised loss (see `penalised_loss`), by L-BFGS from `start`.

        Parameters
        ----------
        prior : ndarray of shape (n_samples, n_classes)
            Log-probabilities.
        ratios : ndarray of shape (n_samples, n_classes, n_answers)
            Log-probabilities less the prior's.
        target : ndarray of int of shape (n_samples,)
        strength : tuple of float
            Of the penalty on slopes, and on biases; an infinite one leaves them at 0.
        start : LogLinear
            Where to begin.
        """
        free = [bool(np.isfinite(part)) for part in strength]
        if not any(free):
            return cls.unchanged(ratios.shape[2], prior.shape[1])
        slopes = [(0.0, None if free[0] else 0.0)] * ratios.shape[2]
        biases = [(None, None) if free[1] else (0.0, 0.0)] * prior.shape[1]
        penalties = (strength[0] if free[0] else 0.0, strength[1] if free[1] else 0.0)
        found = minimize(
            penalised_loss,
            start.packed() * np.concatenate([[1.0], np.repeat(free, [ratios.shape[2], prior.shape[1]])]),
            args=(prior, ratios, target, penalties),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, None), *slopes, *biases],
            options={"maxiter": _STEPS},
        ).x
        return cls(float(found[0]), found[1 : 1 + ratios.shape[2]], found[1 + ratios.shape[2] :])

    def packed(self) -> Array:
        """Return all parameters as one vector."""
        return np.concatenate([[self.sharpness], self.slopes, self.biases])

    def answer(self, prior: Array, ratios: Array) -> Array:
        """Return probabilities of shape (n_samples, n_classes)."""
        logits = self.sharpness * prior + ratios @ self.slopes + self.biases
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def penalised_loss(
    parameters: Array, prior: Array, ratios: Array, target: npt.NDArray[np.intp], strength: tuple[float, float]
) -> tuple[float, Array]:
    r"""Return the loss and its gradient.

    .. math:: -\sum_i \log q(y_i|x_i) + \frac12 (t - 1)^2 + \frac{\lambda_a}{2} \|a\|^2 + \frac{\lambda_b}{2} \|b\|^2
    """
    n_answers = ratios.shape[2]
    sharpness, slopes, biases = parameters[0], parameters[1 : 1 + n_answers], parameters[1 + n_answers :]
    logits = sharpness * prior + ratios @ slopes + biases
    top = logits.max(axis=1, keepdims=True)
    weights = np.exp(logits - top)
    total = weights.sum(axis=1, keepdims=True)
    rows = np.arange(len(target))
    loss = float((top + np.log(total)).sum() - logits[rows, target].sum())
    excess = weights / total
    excess[rows, target] -= 1.0
    gradient = np.concatenate(
        [
            [(excess * prior).sum() + sharpness - 1.0],
            np.tensordot(excess, ratios, axes=2) + strength[0] * slopes,
            excess.sum(axis=0) + strength[1] * biases,
        ]
    )
    penalty = (sharpness - 1.0) ** 2 + strength[0] * slopes @ slopes + strength[1] * biases @ biases
    return loss + 0.5 * float(penalty), gradient
