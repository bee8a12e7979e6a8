"""Correct the label-free answer by labels, no farther than they carry."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import KFold

from learnware.reuse.base import Array
from learnware.reuse.combination import LearnedCombination
from learnware.reuse.evidence import Evidence
from learnware.reuse.labels import places
from learnware.reuse.log_linear import FLOOR, LogLinear
from learnware.reuse.members import CLASSIFICATION
from learnware.reuse.value_stack import ValueStack

#: So many learnwares enter by themselves, the nearest; the others through the label-free answer alone. All constants
#: here were chosen on digits, Banking77, Favorita and market draws of 20 Newsgroups other than those reported.
_MOST_TRANSLATED, _MOST_NEAREST = 15, 20
_SLOPE_STRENGTHS = (np.inf, 30.0, 3.0)
_BIAS_STRENGTHS = (np.inf, 10.0, 3.0, 1.0)
_FOLDS = 5
_LEAST_LABELS = 5


class StackingReuser(LearnedCombination):
    r"""Regularised stacking around the answer that needs no labels.

    For classes a log-linear pool: with the label-free answer :math:`p_0`, classes that the labels hardly have held
    back, and the answers :math:`p_k` of the user's own models and of learnwares that name classes otherwise,

    .. math:: q(y|x) \propto \exp\Big( t \log p_0(y|x) + \sum_k a_k \log \frac{p_k(y|x)}{p_0(y|x)} + b_y \Big),
              \qquad t, a_k \ge 0,

    fitted by maximum likelihood with ridge penalties that draw t to 1, and a and b to 0. The biases tell which
    classes the user has. For values, with label-free answer :math:`f_0`,

    .. math:: \hat y(x) = f_0(x) + \kappa \Big( c + \sum_k a_k \big(f_k(x) - f_0(x)\big) + u^\top \tilde x \Big)

    with a ridge penalty on c, a and u each (see `ValueStack`), by itself for each of several values. The strengths are
    chosen by cross-validation. Among them are infinite ones, which leave the label-free answer as it is; for classes it
    stays unless the gain is above one standard error, for values the correction is believed as far as the lower end of
    its standard error.

    Parameters
    ----------
    learnwares : SearchResult, Mixture, or list of Hit or Learnware
        What to reuse. Of a search result all hits enter.
    own_model : scikit-learn estimator, default=None
        What the user would train without learnwares; it takes X as it is. None: a few that suit the number of
        labels. False: none. They enter by answers to rows that they were not fitted on.
    random_state : None, int or generator, default=None
        Seeds the parts of the cross-validation.
    progress : bool, default=None
        Show a progress bar while learnwares are asked. None shows one when that takes long.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,) or (n_members, n_outputs)
        Coefficients a of the learnwares, 0 for those that did not enter; of several values a row for each.
    own_weights_ : ndarray of shape (n_own_models,) or (n_own_models, n_outputs)
        Coefficients of the user's own models.
    members_, task_, classes_, n_features_in_, feature_names_in_
        See `Reuser`.

    Notes
    -----
    A model that has not met all classes counts as the label-free answer outside of its own, so that it says nothing
    there. A learnware whose classes are named otherwise is translated by a `BridgeHead`. For classes the others enter
    through the label-free answer alone.

    References
    ----------
    L. Breiman, "Stacked regressions", Machine Learning 24, 1996; D. H. Wolpert, "Stacked generalization", Neural
    Networks 5, 1992. Shrinkage to the label-free answer is this library's.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from learnware import Learnware
    >>> from learnware.reuse import StackingReuser
    >>> X = np.arange(40.0).reshape(-1, 1)
    >>> off = Learnware.from_model(LinearRegression().fit(X, X[:, 0]), X, name="Off by three", task="regression")
    >>> reuser = StackingReuser([off], own_model=False, random_state=0).fit(X, X[:, 0] + 3.0)
    >>> float(reuser.predict([[10.0]])[0].round(1))
    13.0
    """

    def _weigh(self, evidence: Evidence, y: npt.NDArray[Any], generator: np.random.Generator) -> None:
        self._hold_back(y)
        self._near = self._entering()
        if self.task_ == CLASSIFICATION:
            target = places(y, self.classes_)
            prior, ratios = self._logs(evidence)
            self._model: Any = stacked(prior, ratios, target, generator)
            slopes = self._model.slopes
        else:
            slopes = self._weigh_values(evidence, y)
        self.weights_ = np.zeros((len(evidence.members), *slopes.shape[1:]))
        self.weights_[self._near] = slopes[: len(self._near)]
        self.own_weights_ = slopes[len(self._near) :]

    def _entering(self) -> npt.NDArray[np.intp]:
        # The labelled rows may be rows that learnwares were trained with. That spoils slopes of theirs; in the
        # label-free answer, which is the same for all rows, it does no harm.
        order = self._order()
        if self.task_ == CLASSIFICATION:
            return order[np.isin(order, self._members.foreign)][:_MOST_TRANSLATED]
        return order[:_MOST_NEAREST]

    def _weigh_values(self, evidence: Evidence, y: npt.NDArray[Any]) -> Array:
        deviations, target = self._deviations(evidence), y.reshape(evidence.prior.shape)
        self._model = [
            ValueStack.fit(deviations[:, :, o].T, evidence.columns, evidence.prior[:, o], target[:, o])
            for o in range(evidence.prior.shape[1])
        ]
        slopes = np.stack([stack.slopes for stack in self._model], axis=1)
        return slopes[:, 0] if y.ndim == 1 else slopes

    def _blend(self, evidence: Evidence) -> Array:
        if self.task_ == CLASSIFICATION:
            return np.asarray(self._model.answer(*self._logs(evidence)))
        deviations, prior = self._deviations(evidence), evidence.prior
        answers = [
            stack.answer(deviations[:, :, o].T, evidence.columns, prior[:, o]) for o, stack in enumerate(self._model)
        ]
        return np.stack(answers, axis=1)

    @property
    def _used(self) -> list[int]:
        if self.task_ == CLASSIFICATION:
            return super()._used
        entering = self.weights_.reshape(len(self.weights_), -1).any(axis=1)
        return sorted({*np.flatnonzero(entering).tolist(), *self._level.prior.used})

    def _logs(self, evidence: Evidence) -> tuple[Array, Array]:
        prior, answers = (np.log(np.maximum(part, FLOOR)) for part in self._answers(evidence, self._near))
        return prior, np.ascontiguousarray((answers - prior).transpose(1, 2, 0))

    def _deviations(self, evidence: Evidence) -> Array:
        return np.asarray(evidence.completed(self._near) - evidence.prior)


def stacked(prior: Array, ratios: Array, target: npt.NDArray[np.intp], generator: np.random.Generator) -> LogLinear:
    """Return the log-linear model with the strengths that cross-validation chooses; the prior where nothing is sure.

    Parameters
    ----------
    prior : ndarray of shape (n_samples, n_classes)
        Log-probabilities.
    ratios : ndarray of shape (n_samples, n_classes, n_answers)
        Log-probabilities less the prior's.
    target : ndarray of int of shape (n_samples,)
    generator : numpy Generator
        Seeds the folds.
    """
    model = LogLinear.unchanged(ratios.shape[2], prior.shape[1])
    if len(target) < _LEAST_LABELS:
        return model
    grid = list(product(_BIAS_STRENGTHS, _SLOPE_STRENGTHS))
    losses = np.empty((len(grid), len(target)))
    folds = KFold(min(_FOLDS, len(target)), shuffle=True, random_state=int(generator.integers(2**31)))
    for train, test in folds.split(target):
        fitted = model
        for i, (bias, slope) in enumerate(grid):
            fitted = LogLinear.fit(prior[train], ratios[train], target[train], (slope, bias), fitted)
            chances = fitted.answer(prior[test], ratios[test])[np.arange(len(test)), target[test]]
            losses[i, test] = -np.log(np.maximum(chances, FLOOR))
    best = int(losses.mean(axis=1).argmin())
    gain = losses[0] - losses[best]
    if gain.mean() <= gain.std(ddof=1) / np.sqrt(len(target)):
        return model
    bias, slope = grid[best]
    return LogLinear.fit(prior, ratios, target, (slope, bias), model)
