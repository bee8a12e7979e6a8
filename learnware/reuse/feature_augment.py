"""Learn from a few labels on the user's columns and the learnwares' answers together."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import StandardScaler

from learnware.reuse.base import Array, Ask, Reuser
from learnware.reuse.members import CLASSIFICATION
from learnware.reuse.own_model import Trained, linear_model, out_of_fold
from learnware.reuse.sample_features import features_of

_FLOOR = 1e-3


class FeatureAugmentReuser(Reuser):
    r"""Fit a linear model on the scaled columns and the learnwares' answers, as further columns.

    .. math:: \hat y(x) = \bar f(x) + \beta^\top \tilde x + \sum_k \gamma_k^\top \tilde f_k(x) + b

    with a ridge penalty on :math:`\beta, \gamma` whose strength is chosen by cross-validation. The mean
    :math:`\bar f` of the learnwares stands outside of the penalty, so a few labels that support nothing better leave
    it as it is. For classes the sum without it is inside a softmax, and :math:`\tilde f_k` are centred
    log-probabilities.

    Parameters
    ----------
    learnwares : SearchResult, Mixture, or list of Hit or Learnware
        What to reuse; of a search result its mixture, if it has one.
    estimator : scikit-learn estimator, default=None
        Fitted on the augmented columns. None: ridge regression, or multinomial logistic regression, that copes with
        few labels.
    own_model : scikit-learn estimator, default=None
        A model of the user's own whose answers become columns too. It sees the samples of X as they are.
    progress : bool, default=None
        Show a progress bar while learnwares are asked. None shows one when that takes long.

    Attributes
    ----------
    estimator_ : estimator
        As fitted on the augmented columns; None when the labels are all of one class.
    members_, task_, classes_, n_features_in_, feature_names_in_
        See `Reuser`. A class that is not among the labels gets the probability 0.

    Notes
    -----
    Numbers are imputed by the median and scaled, categories become indicators, missing ones none. Texts and images
    stand with the points of the learnwares' encoder. The learnwares
    were trained on other people's rows, so their answers to the labelled rows are honest as they are. Those of
    `own_model` would not be: in training they are made out of fold, by models that did not see the row.

    References
    ----------
    P. Tan, Z.-H. Tan, Y. Jiang, Z.-H. Zhou, "Towards enabling learnware to handle heterogeneous feature spaces",
    Machine Learning 113, 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from learnware import Learnware
    >>> from learnware.reuse import FeatureAugmentReuser
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> half_right = Learnware.from_model(LinearRegression().fit(X, X[:, 0]), X, name="x0", task="regression")
    >>> y = 2.0 * X[:, 0] + X[:, 1]
    >>> round(FeatureAugmentReuser([half_right]).fit(X[:20], y[:20]).score(X[20:], y[20:]), 2)
    1.0
    """

    _supervised = True

    def __init__(
        self,
        learnwares: Any,
        *,
        estimator: Any = None,
        own_model: Any = None,
        progress: bool | None = None,
    ) -> None:
        super().__init__(learnwares, progress=progress)
        self.estimator = estimator
        self.own_model = own_model

    def _learn(self, X: Any, y: npt.NDArray[Any] | None, ask: Ask) -> None:
        target = np.asarray(y)
        classes = getattr(self, "classes_", None)
        self._columns = features_of(self._members.space).fit(X)
        outputs = ask()
        self._own, own = None, None
        if self.own_model is not None and len(target) > 1:
            own = out_of_fold(self.own_model, X, target, classes)
            self._own = Trained(self.own_model, X, target, classes)
        answers = self._answers(outputs, own)
        self._scaler = StandardScaler().fit(answers) if classes is None else None
        estimator = linear_model(self.task_) if self.estimator is None else self.estimator
        if classes is None:
            target = target - self._mean(outputs).reshape(target.shape)
        self._trained = Trained(estimator, self._augmented(X, answers), target, classes)
        self.estimator_ = self._trained.model

    def _combine(self, X: Any, outputs: Array) -> Array:
        own = None if self._own is None else self._own.answer(X)
        answer = self._trained.answer(self._augmented(X, self._answers(outputs, own)))
        return answer if self.task_ == CLASSIFICATION else self._mean(outputs) + answer

    @staticmethod
    def _mean(outputs: Array) -> Array:
        return np.asarray(outputs.mean(axis=0))

    def _answers(self, outputs: Array, own: Array | None) -> Array:
        """Return the answers as columns: shape (n_samples, n_answers)."""
        if self.task_ != CLASSIFICATION:
            parts = [*outputs] if own is None else [*outputs, own]
            return np.hstack(parts)
        known = self._members.known(self.classes_)
        parts = [_log_ratio(answer[:, mask]) for answer, mask in zip(outputs, known, strict=True)]
        return np.hstack(parts if own is None else [*parts, _log_ratio(own)])

    def _augmented(self, X: Any, answers: Array) -> Array:
        scaled = answers if self._scaler is None else self._scaler.transform(answers)
        return np.hstack([self._columns.transform(X), scaled])


def _log_ratio(probabilities: Array) -> Array:
    logs = np.log(np.maximum(probabilities, _FLOOR))
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))
