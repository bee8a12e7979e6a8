"""Average what the learnwares say; needs no labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._validation import check_option, complain
from learnware.errors import InvalidParameter
from learnware.reuse.base import Array, Ask, Reuser
from learnware.reuse.members import CLASSIFICATION, Members
from learnware.reuse.pooling import couple, vote, weighted_mean, weighted_median

_METHODS = {
    "Classification": ("auto", "mean", "probability", "vote"),
    "Regression": ("auto", "mean", "median"),
}
_WEIGHTS = ("mixture", "uniform", "distance")


class AveragingReuser(Reuser):
    r"""Weighted average of the learnwares' answers.

    .. math:: \hat f(x) = \sum_k w_k f_k(x)

    for values, and for probabilities the same coupled over the class sets of the learnwares (see Notes).

    Parameters
    ----------
    learnwares : SearchResult, Mixture, or list of Hit or Learnware
        What to average. With ``weights="mixture"`` a search result counts as its mixture if it has one; otherwise
        all its hits are averaged.
    method : {"auto", "mean", "median", "probability", "vote"}, default="auto"
        For values the mean or the weighted median; for classes the mean of the probabilities ("mean" and
        "probability" say the same) or the share of votes. "auto" takes the mean.
    weights : {"mixture", "uniform", "distance"} or array-like of shape (n_members,), default="mixture"
        "mixture": as the search weighted its mixture, and equal weights where there is none. "distance": by the
        inverse squared distance of the specifications to the user's, as the search measured them. An array is
        divided by its sum.
    progress : bool, default=None
        Show a progress bar while learnwares are asked. None shows one when that takes long.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
        Weights used, summing to one.
    members_, task_, classes_, n_features_in_, feature_names_in_
        See `Reuser`.

    Notes
    -----
    Learnwares may know different classes. One that lacks a class spreads its whole probability over the classes it
    has, so a plain mean lets the ignorant outvote those who know. Here each answer counts as a distribution over the
    classes that its learnware knows, and the distribution over all classes is the one whose restrictions fit the
    answers best; with equal class sets that is the plain mean. A class that a single learnware knows is judged by
    that one alone.

    ``fit`` learns nothing from X but its columns; it asks each learnware for one row, so that one that cannot read
    X is found there and not later.

    References
    ----------
    T.-K. Huang, R. C. Weng, C.-J. Lin, "Generalized Bradley-Terry models and multi-class probability estimates",
    JMLR 7, 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from learnware import Learnware
    >>> from learnware.reuse import AveragingReuser
    >>> X = np.arange(40.0).reshape(-1, 1)
    >>> rise, fall = LinearRegression().fit(X, X[:, 0]), LinearRegression().fit(X, -X[:, 0])
    >>> team = [Learnware.from_model(m, X, name=n, task="regression") for m, n in ((rise, "rise"), (fall, "fall"))]
    >>> reuser = AveragingReuser(team, weights=[0.75, 0.25]).fit(X)
    >>> float(reuser.predict([[10.0]])[0].round(6))
    5.0
    """

    def __init__(
        self,
        learnwares: Any,
        *,
        method: str = "auto",
        weights: Any = "mixture",
        progress: bool | None = None,
    ) -> None:
        super().__init__(learnwares, progress=progress)
        self.method = method
        self.weights = weights

    def _choose(self) -> Members:
        whole = not (isinstance(self.weights, str) and self.weights == "mixture")
        members = Members.of(self.learnwares, whole=whole)
        check_option(self.method, _METHODS[members.task], "method", f"AveragingReuser for {members.task.lower()}")
        return members

    def _learn(self, X: Any, y: npt.NDArray[Any] | None, ask: Ask) -> None:
        self.weights_ = _weights(self.weights, self._members)

    def _combine(self, X: Any, outputs: Array) -> Array:
        return pool(self.method, outputs, self._members, self.weights_, getattr(self, "classes_", None))


def pool(method: str, outputs: Array, members: Members, weights: Array, classes: npt.NDArray[Any] | None) -> Array:
    """Join answers of shape (n_members, n_samples, n_outputs) by one of the methods of `AveragingReuser`."""
    if members.task != CLASSIFICATION or classes is None:
        return weighted_median(outputs, weights) if method == "median" else weighted_mean(outputs, weights)
    if method == "vote":
        return vote(outputs, weights)
    return couple(outputs, members.known(classes), weights)


def _weights(weights: Any, members: Members) -> Array:
    uniform = np.full(len(members), 1.0 / len(members))
    if not isinstance(weights, str):
        return _given(weights, len(members))
    check_option(weights, _WEIGHTS, "weights", "AveragingReuser")
    if weights == "mixture" and members.weights is not None:
        return _given(members.weights, len(members))
    if weights == "distance":
        if members.distances is None:
            raise InvalidParameter(
                "weights='distance' needs the distances of a search by specification. "
                "Pass its result, or use weights='uniform'."
            )
        closeness = 1.0 / np.maximum(members.distances, 1e-6) ** 2
        return np.asarray(closeness / closeness.sum())
    return uniform


def _given(weights: Any, n_members: int) -> Array:
    try:
        values = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (n_members,) or not np.isfinite(values).all() or values.min() < 0 or values.sum() <= 0:
        expected = f"'mixture', 'uniform', 'distance', or {n_members} numbers of at least 0 that are not all 0"
        raise complain("weights", "AveragingReuser", expected, weights)
    return np.asarray(values / values.sum())
