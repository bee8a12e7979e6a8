r"""Learnwares that name other classes than the user: what their classes mean for the user is read off labelled rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.errors import InvalidParameter
from learnware.reuse.base import Array, Ask, Reuser
from learnware.reuse.labels import places
from learnware.reuse.members import CLASSIFICATION, Members

_ROUNDS = 100
_FLOOR = 1e-12


class BridgeHead:
    r"""The user's classes y given the classes z of a learnware, by its answers to labelled rows.

    .. math:: P(y|z) = \frac{\sum_{i:\,y_i = y} q_z(x_i) + \pi_y}{\sum_i q_z(x_i) + 1}, \qquad
              p(y|x) = \sum_z P(y|z)\,q_z(x)

    with the share :math:`\pi_y` of the class among the labels: one row's worth of doubt for each z. It is the
    "expected empirical prediction" of LEEP with Dirichlet smoothing.

    Parameters
    ----------
    answers : ndarray of shape (n_samples, n_own_classes)
        Probabilities of the learnware's own classes.
    target : ndarray of int of shape (n_samples,)
        Positions of the user's labels among `n_classes`.
    n_classes : int
        Number of the user's classes.

    Attributes
    ----------
    table : ndarray of shape (n_own_classes, n_classes)
        P(y|z); rows sum to one.

    References
    ----------
    C. V. Nguyen, T. Hassner, M. Seeger, C. Archambeau, "LEEP: a new measure to evaluate transferability of learned
    representations", ICML 2020.

    Examples
    --------
    >>> import numpy as np
    >>> answers = np.eye(4)[[0, 1, 2, 3] * 25]
    >>> BridgeHead(answers, np.array([0, 1, 0, 1] * 25), 2).table.round(1).tolist()
    [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    """

    def __init__(self, answers: Array, target: npt.NDArray[np.intp], n_classes: int) -> None:
        self._labels = np.eye(n_classes)[target]
        self._together = answers.T @ self._labels + self._labels.mean(axis=0)
        self._mass = answers.sum(axis=0) + 1.0
        self._seen = answers
        self.table = self._together / self._mass[:, None]

    def answer(self, answers: Array) -> Array:
        """Return probabilities of the user's classes for answers in the learnware's own."""
        return np.asarray(answers @ self.table)

    def left_out(self) -> Array:
        """Return the answers to the labelled rows, each by a table whose sums its own row has no part in.

        The shares of the classes stay those of all labels. Without the row a class of a single label would have no
        chance at all, and what learns from these answers would believe nobody: on digits named by letters, stacking
        after twenty labels is right on 10 instead of 76 of a hundred.
        """
        rest = np.maximum(self._mass - self._seen, _FLOOR)
        by_own = (self._seen / rest) @ self._together
        own = (self._seen**2 / rest).sum(axis=1, keepdims=True) * self._labels
        answers = np.maximum(by_own - own, 0.0)
        return np.asarray(answers / np.maximum(answers.sum(axis=1, keepdims=True), _FLOOR))


class LabelBridgeReuser(Reuser):
    r"""Average learnwares whatever their classes are called, each translated into the user's by labelled rows.

    Each learnware's answer is translated by its `BridgeHead`; the weights of the average maximise the likelihood of
    the labels, each judged by tables that leave it out (see `BridgeHead.left_out`),

    .. math:: \max_{w \ge 0,\ \sum w = 1} \sum_i \log \sum_k w_k\,p_k^{-i}(y_i|x_i) + \frac1K \sum_k \log w_k,

    by expectation maximisation. The mean logarithm for a single learnware is its LEEP score, but for rows being left
    out and tables smoothed.

    Parameters
    ----------
    learnwares : SearchResult, Mixture, or list of Hit or Learnware
        Classifiers of any classes. Of a search result all hits enter.
    progress : bool, default=None
        Show a progress bar while learnwares are asked. None shows one when that takes long.

    Attributes
    ----------
    leep_ : ndarray of shape (n_members,)
        Mean log probability of the labels by each learnware alone, as they are judged for the weights; the higher,
        the more it tells.
    weights_ : ndarray of shape (n_members,)
        Weights of the average, summing to one.
    members_, task_, classes_, n_features_in_, feature_names_in_
        See `Reuser`; classes are those of the labels alone.

    References
    ----------
    C. V. Nguyen, T. Hassner, M. Seeger, C. Archambeau, "LEEP: a new measure to evaluate transferability of learned
    representations", ICML 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from learnware import Learnware
    >>> from learnware.reuse import LabelBridgeReuser
    >>> X, y = load_iris(return_X_y=True)
    >>> model = LogisticRegression(max_iter=500).fit(X, y)
    >>> species = Learnware.from_model(model, X, name="Species", task="classification")
    >>> first = ["yes" if label == 0 else "no" for label in y]
    >>> reuser = LabelBridgeReuser([species]).fit(X[::5], first[::5])
    >>> reuser.predict(X[[0, 60, 120]]).tolist()
    ['yes', 'no', 'no']
    """

    _whole = True
    _supervised = True
    _bridges = True

    def _apart(self, members: Members, y: npt.NDArray[Any]) -> Members:
        if members.task != CLASSIFICATION:
            raise InvalidParameter(
                "LabelBridgeReuser translates classes, and the learnwares predict values. Use StackingReuser."
            )
        return members.all_foreign()

    def _learn(self, X: Any, y: npt.NDArray[Any] | None, ask: Ask) -> None:
        target = places(np.asarray(y), self.classes_)
        self._heads = heads(ask(), self._members, target, len(self.classes_))
        chances = np.array([head.left_out()[np.arange(len(target)), target] for head in self._heads.values()])
        self.leep_ = np.log(np.maximum(chances, _FLOOR)).mean(axis=1)
        self.weights_ = mixture_weights(chances)

    def _combine(self, X: Any, outputs: Array) -> Array:
        answers = [
            weight * head.answer(output[:, : len(head.table)])
            for weight, head, output in zip(self.weights_, self._heads.values(), outputs, strict=True)
        ]
        return np.asarray(np.sum(answers, axis=0))


def heads(outputs: Array, members: Members, target: npt.NDArray[np.intp], n_classes: int) -> dict[int, BridgeHead]:
    """Return a head for each foreign member, by position; `outputs` are the answers to labelled rows."""
    widths = {i: len(members.class_sets[i]) for i in members.foreign}
    return {i: BridgeHead(outputs[i][:, :width], target, n_classes) for i, width in widths.items()}


def mixture_weights(chances: Array) -> Array:
    """Return the weights of a mixture that make what happened most likely, with one row's worth of equal weights.

    Parameters
    ----------
    chances : ndarray of shape (n_members, n_samples)
        Probability that each member gave to what happened.

    Examples
    --------
    >>> import numpy as np
    >>> mixture_weights(np.array([[0.9] * 50, [0.1] * 50])).round(2).tolist()
    [0.99, 0.01]
    """
    n_members, n_samples = chances.shape
    chances = np.maximum(chances, _FLOOR)
    weights = np.full(n_members, 1.0 / n_members)
    for _ in range(_ROUNDS):
        shares = weights[:, None] * chances
        shares /= shares.sum(axis=0)
        weights = (shares.sum(axis=1) + 1.0 / n_members) / (n_samples + 1.0)
    return weights
