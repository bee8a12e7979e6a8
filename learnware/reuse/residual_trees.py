"""Correct the label-free answer by trees that see the user's columns and how the learnwares agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesRegressor

from learnware.reuse.base import Array
from learnware.reuse.combination import LearnedCombination
from learnware.reuse.evidence import Evidence

_MOST_NEAREST = 20
_N_TREES, _LEAST_IN_LEAF = 60, 5


class ResidualTrees(LearnedCombination):
    r"""Fit extremely randomised trees to what the label-free answer leaves over of values,

    .. math:: \hat y(x) = f_0(x) + T\big(x,\ f_0(x),\ s(x)\big),

    where s is the standard deviation of the answers of the nearest learnwares. A blend tells how far to trust it.

    References
    ----------
    P. Geurts, D. Ernst, L. Wehenkel, "Extremely randomized trees", Machine Learning 63, 2006.
    """

    def _weigh(self, evidence: Evidence, y: npt.NDArray[Any], generator: np.random.Generator) -> None:
        self.weights_ = np.zeros(len(evidence.members))
        self.weights_[self._order()[:_MOST_NEAREST]] = 1.0
        residual = y.reshape(evidence.prior.shape) - evidence.prior
        trees = ExtraTreesRegressor(_N_TREES, min_samples_leaf=_LEAST_IN_LEAF, random_state=0)
        self._trees = trees.fit(self._columns(evidence), residual[:, 0] if residual.shape[1] == 1 else residual)

    def _blend(self, evidence: Evidence) -> Array:
        correction = self._trees.predict(self._columns(evidence))
        return np.asarray(evidence.prior + correction.reshape(evidence.prior.shape))

    def _columns(self, evidence: Evidence) -> Array:
        spread = evidence.members[self.weights_ > 0].std(axis=0)
        return np.hstack([evidence.columns, evidence.prior, spread])
