r"""Join several ways to reuse by how well they answered rows that they did not learn from."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.errors import InvalidParameter
from learnware.kernels import minimize_nonnegative
from learnware.reuse.base import Array, Ask, Reuser

#: Corrections are believed to one standard error below what they seem worth, and as if four more rows had spoken
#: against each. Chosen on digits and Favorita, where 0 to 1 do as well.
_CAUTION = 1.0
_ROWS_AGAINST = 4.0
_FLOOR = 1e-12


def blend_weights(prior: Array, answers: Array, truth: Array, *, classes: bool = False) -> Array:
    r"""Return the weight of each way's correction of the prior: shape (n_ways,), of sum at most one.

    With corrections :math:`g_j = f_j - f_0` out of fold and residuals :math:`r = y - f_0`, for classes of the
    indicator vector,

    .. math:: \min_{w \ge 0,\ \sum w \le 1} \frac1n \sum_i \Big\|\sum_j w_j g_{ji}\Big\|^2 - 2 \sum_j w_j \Big(
              \frac1n \sum_i g_{ji}^\top r_i - s_j \Big) + \frac{4 \sigma^2}{n} \Big(\sum_j w_j\Big)^2,

    where :math:`\sigma^2` is what the best correction alone, with its best factor, leaves of the mean square of r, and
    :math:`s_j` the standard error of the mean product of :math:`g_j` with what it leaves itself.

    Parameters
    ----------
    prior : ndarray of shape (n_samples, n_outputs)
    answers : ndarray of shape (n_ways, n_samples, n_outputs)
        Answers to rows that each way did not learn from.
    truth : ndarray of shape (n_samples, n_outputs)
        Values, or indicators of the true classes.
    classes : bool, default=False
        Which of them. A few labels may all be right, and leave nothing to tell an error by; so for classes one more
        row counts, on which every way is as wrong as one that knows nothing.

    References
    ----------
    M. J. van der Laan, E. C. Polley, A. E. Hubbard, "Super learner", Statistical Applications in Genetics and
    Molecular Biology 6, 2007; L. Breiman, "Stacked regressions", Machine Learning 24, 1996.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.arange(100.0)[:, None]
    >>> blend_weights(truth * 0.0, np.array([truth, -truth]), truth).round(2).tolist()
    [1.0, 0.0]
    """
    n_samples = len(truth)
    if n_samples < 2:
        return np.zeros(len(answers))
    corrections, residual = answers - prior, truth - prior
    gram = np.einsum("inc,jnc->ij", corrections, corrections) / n_samples
    moments = np.einsum("inc,nc->i", corrections, residual) / n_samples
    alone = np.clip(moments / np.maximum(np.diag(gram), _FLOOR), 0.0, 1.0)
    rest = residual - alone[:, None, None] * corrections
    variances = np.einsum("inc,inc->in", corrections, rest).var(axis=1, ddof=1)
    noise = float((rest**2).sum(axis=2).mean(axis=1).min())
    if classes:
        variances += np.diag(gram) / n_samples
        noise = (n_samples * noise + 1.0) / (n_samples + 1)
    errors, against = np.sqrt(variances / n_samples), _ROWS_AGAINST / n_samples * noise
    gram += against + _FLOOR * np.eye(len(gram))
    return np.asarray(minimize_nonnegative(gram, moments - _CAUTION * errors, max_sum=1.0))


class BlendReuser(Reuser):
    """Ways to reuse that are fitted already, joined with weights; the first is the prior and takes the rest.

    `AutoReuser` makes it. What its parts learned is not among their parameters, so that a clone can neither answer nor
    be fitted; a copy or a pickle can answer.

    Parameters
    ----------
    learnwares : SearchResult, Mixture, or list of Hit or Learnware
    parts : sequence of (Reuser, sequence of int, float)
        Each fitted, with the positions of its members in the team, and its weight.
    reach : ndarray of shape (n_outputs,), default=None
        How far an answer may be from the prior's. None: any far.
    """

    _supervised = True

    def __init__(
        self, learnwares: Any, *, parts: Any = (), reach: Array | None = None, progress: bool | None = None
    ) -> None:
        super().__init__(learnwares, progress=progress)
        self.parts = parts
        self.reach = reach

    def _learn(self, X: Any, y: npt.NDArray[Any] | None, ask: Ask) -> None:
        raise InvalidParameter(
            "BlendReuser joins parts that AutoReuser has fitted; it cannot fit them itself, and a clone has lost what "
            "they learned. Fit Reuser.auto(...) on these rows and take its best_."
        )

    @property
    def _used(self) -> list[int]:
        return sorted({place for reuser, index, _ in self.parts for place in places_used(reuser, index)})

    def _combine(self, X: Any, outputs: Array) -> Array:
        position = {place: i for i, place in enumerate(self._used)}
        answers = [
            reuser._combine(X, outputs[[position[place] for place in places_used(reuser, index)]])
            for reuser, index, _ in self.parts
        ]
        weights = [weight for _, _, weight in self.parts]
        blended = sum(w * answer for w, answer in zip(weights, answers, strict=True)) / sum(weights)
        if self.reach is not None:
            blended = answers[0] + np.clip(blended - answers[0], -self.reach, self.reach)
        return np.asarray(blended)


def places_used(reuser: Reuser, index: Any) -> list[int]:
    """Return the positions in the team of the members that a part of it uses."""
    return [int(index[i]) for i in reuser._used]
