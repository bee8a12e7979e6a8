"""Keep the learnwares that agree with the others, and average those; needs no labels."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._validation import RandomState, as_generator, check_int, complain
from learnware.reuse.averaging import pool
from learnware.reuse.base import Array, Ask, Reuser
from learnware.reuse.class_shares import ClassShift, training_shares
from learnware.reuse.members import CLASSIFICATION, REGRESSION, Members

_FLOOR = 1e-4
_MOST_MEMBERS = 15
_VOTERS = 20
#: For classes many, since few learnwares may leave one of the user's to nobody. Chosen where ClassShift was.
_LEAST_CANDIDATES = {CLASSIFICATION: 50, REGRESSION: 5}
#: So many robust standard deviations above the median a learnware is an outlier.
_OUTLYING = 3.0
_MEDIAN_DEVIATIONS = 1.4826
#: A standard deviation is at least this share of the median: among copies of one model the median deviation is 0. It
#: changes no choice on seeds 2 and 3 of tests/benchmarks/corruption.py.
_LEAST_SPREAD = 0.05


class ConsensusReuser(Reuser):
    r"""Join the learnwares that agree with the consensus of the nearest ones.

    Candidates are the learnwares whose squared distance to the user is at most `reach` times the least one, but at
    least five, or fifty for classes. On the user's rows let q(x) be the median, or for classes the coupled mean, of
    the answers of the nearest `n_voters` of them. All candidates are ranked by their distance to it,

    .. math:: \frac1n \sum_x \big(f_k(x) - q(x)\big)^2 \qquad\text{or}\qquad
              \frac{\sum_x \sum_{y \in C_k} q(y|x) \log \frac{q(y|x, C_k)}{p_k(y|x)}}{\sum_x q(C_k|x)},

    where :math:`C_k` are the classes that a learnware knows: it is judged on the rows that can be its own. The best
    `n_members` are joined with equal weights, by their median or coupled mean. Errors that learnwares do not share
    cancel in the consensus, so it judges them without labels, and corrupted learnwares drop out. It fails when most
    voters share one error.

    A user seldom has all classes that the learnwares know together. Where their specifications tell how often each
    class was met in training, the shares of the user are estimated, and classes that the user hardly has are held
    back (see `ClassShift`), in the consensus and in the answer.

    Parameters
    ----------
    learnwares : SearchResult, Mixture, or list of Hit or Learnware
        Candidates. Of a search result all hits enter, by their distances, but those of hopeless estimated loss (see
        `hopeful`); search with ``limit=20`` or more.
    reach : float, default=2.0
        How much farther than the nearest, in squared distance, a candidate may be. Where distances are not known,
        all are candidates.
    n_voters : int, default=None
        The first so many candidates form the consensus. None: 20, or all for classes.
    n_members : int, default=None
        So many are joined. None: two thirds of the candidates, at most 15; for classes all but outliers, and of each
        class the best that knows it, since a class may be known to few.
    max_rows : int, default=5000
        Rows on which they are compared; more are sampled.
    random_state : None, int or generator, default=None
        Seeds that sample.
    progress : bool, default=None
        Show a progress bar while learnwares are asked. None shows one when that takes long.

    Attributes
    ----------
    disagreement_ : ndarray of shape (n_members,)
        Distance of each learnware to the consensus: a root mean square in units of the consensus's own spread, or
        a relative entropy. Infinite for a learnware that knows a single class, which tells nothing.
    chosen_ : ndarray of int
        Positions of the learnwares averaged, the best first.
    shift_ : ClassShift or None
        Classification only: shares of the classes, of the learnwares and of the user. None where no specification
        tells the former.
    members_, task_, classes_, n_features_in_, feature_names_in_
        See `Reuser`.

    References
    ----------
    The rule is this library's; it is close to the "wisdom of the crowd" ranking of classifiers without labels in
    F. Parisi, F. Strino, B. Nadler, Y. Kluger, "Ranking and combining multiple predictors without labeled data",
    PNAS 111, 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from learnware import Learnware
    >>> from learnware.reuse import ConsensusReuser
    >>> X = np.arange(40.0).reshape(-1, 1)
    >>> team = [
    ...     Learnware.from_model(LinearRegression().fit(X, X[:, 0] * slope), X, name=f"{slope}", task="regression")
    ...     for slope in (1.0, 1.1, 0.9, -5.0)
    ... ]
    >>> reuser = ConsensusReuser(team, n_members=3).fit(X)
    >>> 3 in reuser.chosen_, float(reuser.predict([[10.0]])[0].round(6))
    (False, 10.0)
    """

    _whole = True
    _hopeful = True

    def __init__(
        self,
        learnwares: Any,
        *,
        reach: float = 2.0,
        n_voters: int | None = None,
        n_members: int | None = None,
        max_rows: int = 5000,
        random_state: RandomState = None,
        progress: bool | None = None,
    ) -> None:
        super().__init__(learnwares, progress=progress)
        self.reach = reach
        self.n_voters = n_voters
        self.n_members = n_members
        self.max_rows = max_rows
        self.random_state = random_state

    def _learn(self, X: Any, y: npt.NDArray[Any] | None, ask: Ask) -> None:
        candidates = self._candidates()
        voters = candidates[: self._voters(len(candidates))]
        if self.n_members is not None:
            check_int(self.n_members, "n_members", "ConsensusReuser")
        max_rows = check_int(self.max_rows, "max_rows", "ConsensusReuser")
        generator = as_generator(self.random_state, "ConsensusReuser")
        outputs = ask(np.sort(generator.choice(len(X), max_rows, replace=False)) if len(X) > max_rows else None)
        self.shift_ = self._estimated(outputs, voters)
        consensus = self._join(outputs[voters], voters)
        self.disagreement_ = disagreement(outputs, consensus, self._members, getattr(self, "classes_", None))
        self.chosen_ = self._best(candidates)
        self.shift_ = self._estimated(outputs, self.chosen_)

    def _candidates(self) -> npt.NDArray[np.intp]:
        if isinstance(self.reach, bool) or not isinstance(self.reach, numbers.Real) or not self.reach >= 1.0:
            raise complain("reach", "ConsensusReuser", "a number of at least 1", self.reach)
        distances = self._members.distances
        if distances is None:
            return np.arange(len(self._members))
        order = np.argsort(distances, kind="stable")
        near = distances[order] ** 2 <= float(self.reach) * distances[order[0]] ** 2
        return order[: max(int(near.sum()), _LEAST_CANDIDATES[self.task_])]

    def _voters(self, n_candidates: int) -> int:
        if self.n_voters is not None:
            return check_int(self.n_voters, "n_voters", "ConsensusReuser")
        return n_candidates if self.task_ == CLASSIFICATION else _VOTERS

    def _best(self, candidates: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        distances = self.disagreement_[candidates]
        ranked = candidates[np.argsort(distances, kind="stable")]
        if self.n_members is not None:
            return ranked[: self.n_members]
        if self.task_ != CLASSIFICATION:
            return ranked[: min(_MOST_MEMBERS, math.ceil(2 * len(candidates) / 3))]
        known = self._members.known(self.classes_)[ranked]
        first = known[:, known.any(axis=0)].argmax(axis=0)
        kept: npt.NDArray[np.intp] = np.union1d(np.arange(_not_outlying(distances)), first)
        return ranked[kept]

    def _estimated(self, outputs: Array, index: npt.NDArray[np.intp]) -> ClassShift | None:
        if self.task_ != CLASSIFICATION:
            return None
        prior = training_shares(self._members.subset(index), self.classes_)
        return None if prior is None else ClassShift.estimate(self._pool(outputs[index], index), prior)

    @property
    def _used(self) -> npt.NDArray[np.intp]:
        return self.chosen_

    def _combine(self, X: Any, outputs: Array) -> Array:
        return self._join(outputs, self.chosen_)

    def _join(self, outputs: Array, index: npt.NDArray[np.intp]) -> Array:
        pooled = self._pool(outputs, index)
        return pooled if self.shift_ is None else self.shift_.apply(pooled)

    def _pool(self, outputs: Array, index: npt.NDArray[np.intp]) -> Array:
        weights = np.full(len(index), 1.0 / len(index))
        method = "median" if self.task_ != CLASSIFICATION else "probability"
        return pool(method, outputs, self._members.subset(index), weights, getattr(self, "classes_", None))


def disagreement(outputs: Array, consensus: Array, members: Members, classes: npt.NDArray[Any] | None) -> Array:
    """Return the distance of each answer to the consensus: shape (n_members,).

    Parameters
    ----------
    outputs : ndarray of shape (n_members, n_samples, n_outputs)
    consensus : ndarray of shape (n_samples, n_outputs)
    members : Members
        Tells who knows which class.
    classes : ndarray of shape (n_outputs,), optional
        What the outputs are probabilities of; None for values.
    """
    if classes is not None:
        return np.array(
            [
                _relative_entropy(consensus[:, own], answer[:, own])
                for answer, own in zip(outputs, members.known(classes), strict=True)
            ]
        )
    spread = consensus.std(axis=0)
    scaled = (outputs - consensus) / np.where(spread > 0, spread, 1.0)
    return np.asarray(np.sqrt((scaled**2).mean(axis=(1, 2))))


def _relative_entropy(consensus: Array, answer: Array) -> float:
    """Return how far an answer is from the consensus, given that a row is of the classes in these columns."""
    mass = consensus.sum()
    if consensus.shape[1] < 2 or mass <= 0:
        return math.inf
    given = consensus / np.maximum(consensus.sum(axis=1, keepdims=True), _FLOOR**2)
    ratio = np.log(np.maximum(given, _FLOOR)) - np.log(np.maximum(answer, _FLOOR))
    return float((consensus * ratio).sum() / mass)


def _not_outlying(distances: Array) -> int:
    """Return how many of the distances are no outliers upwards, by their median and median deviation."""
    told = distances[np.isfinite(distances)]
    if not len(told):
        return len(distances)
    middle = np.median(told)
    spread = max(_MEDIAN_DEVIATIONS * np.median(np.abs(told - middle)), _LEAST_SPREAD * (middle + _FLOOR))
    return int((distances <= middle + _OUTLYING * spread).sum())
