r"""A value, corrected by what learnwares say beside it and by the sample itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learnware.reuse.residual_ridge import ResidualRidge

Array = npt.NDArray[np.float64]

#: Strengths to choose among. Chosen where those of `StackingReuser` were.
_CONSTANT = (0.0, 1e-2, 1.0, 1e2)
_BLOCK = (0.0, 1e-3, 1e-2, 1e-1, 1.0)
_FLOOR = 1e-12


@dataclass(frozen=True)
class ValueStack:
    r"""Ridge regression around a given answer,

    .. math:: \hat y(x) = f_0(x) + \kappa \Big( c + \sum_k a_k \big(f_k(x) - f_0(x)\big) + u^\top \tilde x \Big),

    with strengths and trust :math:`\kappa` as `ResidualRidge` chooses them. :math:`\tilde x` holds the columns of the
    sample and, standardised, the given answer.

    Parameters
    ----------
    ridge : ResidualRidge
    unit : float
        Root mean square of the deviations of those who deviate from the given answer.
    centre, spread : float
        Of the given answer.
    slopes : ndarray of shape (n_answers,)
        The coefficients a, trust included.

    Examples
    --------
    >>> import numpy as np
    >>> prior, columns = np.arange(20.0), np.empty((20, 0))
    >>> stack = ValueStack.fit(np.empty((20, 0)), columns, prior, prior + 3.0)
    >>> stack.answer(np.empty((20, 0)), columns, prior)[:2].round(1).tolist()
    [3.0, 4.0]
    """

    ridge: ResidualRidge
    unit: float
    centre: float
    spread: float
    slopes: Array

    @classmethod
    def fit(cls, deviations: Array, columns: Array, prior: Array, target: Array) -> ValueStack:
        """Learn from labelled rows.

        Parameters
        ----------
        deviations : ndarray of shape (n_samples, n_answers)
            Answers less the given one.
        columns : ndarray of shape (n_samples, n_columns)
        prior : ndarray of shape (n_samples,)
            The given answer.
        target : ndarray of shape (n_samples,)
        """
        unit = max(float(np.sqrt((deviations**2).mean())), _FLOOR) if deviations.size else 1.0
        centre, spread = float(prior.mean()), max(float(prior.std()), _FLOOR)
        blocks = _blocks(deviations / unit, columns, (prior - centre) / spread)
        ridge = ResidualRidge(blocks, target - prior, (_CONSTANT, _BLOCK, _BLOCK))
        n_answers = deviations.shape[1]
        slopes = ridge.trust / (unit * np.sqrt(max(1, n_answers))) * ridge.coefficients[1 : 1 + n_answers]
        return cls(ridge, unit, centre, spread, np.asarray(slopes))

    def answer(self, deviations: Array, columns: Array, prior: Array) -> Array:
        """Return corrected values of shape (n_samples,)."""
        blocks = _blocks(deviations / self.unit, columns, (prior - self.centre) / self.spread)
        return np.asarray(prior + self.ridge.predict(blocks))


def _blocks(deviations: Array, columns: Array, prior: Array) -> tuple[Array, Array, Array]:
    columns = np.column_stack([columns, prior])
    # Blocks of any width weigh alike.
    scaled = [block / np.sqrt(max(1, block.shape[1])) for block in (deviations, columns)]
    return np.ones((len(columns), 1)), scaled[0], scaled[1]
