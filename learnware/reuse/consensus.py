"""Keep the learnwares that agree with the others, and average those; needs no labels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._validation import RandomState, as_generator, check_int, complain
from learnware.reuse.averaging import pool
from learnware.reuse.base import Array, Ask, Reuser
from learnware.reuse.members import CLASSIFICATION, Members

_FLOOR = 1e-4
_LEAST_CANDIDATES = 5
_MOST_MEMBERS = 15


class ConsensusReuser(Reuser):
    r"""Average the learnwares that agree best with the consensus of the nearest ones.

    Candidates are the learnwares whose squared distance to the user is at most `reach` times the least one, but at
    least five. On the user's rows let q(x) be the median, or for classes the coupled mean, of the answers of the
    nearest `n_voters` of them. All candidates are ranked by their distance to it,

    .. math:: \frac1n \sum_x \big(f_k(x) - q(x)\big)^2 \qquad\text{or}\qquad
              -\frac1n \sum_x \sum_y q(y|x) \log \max\big(p_k(y|x),\, 10^{-4}\big),

    and the best `n_members` are joined with equal weights, by their median or coupled mean. Errors that learnwares
    do not share cancel in the consensus, so it judges them without labels; a corrupted learnware, or one that lacks
    the user's classes, drops out. It fails when most voters share one error.

    Parameters
    ----------
    learnwares : SearchResult, Mixture, or list of Hit or Learnware
        Candidates, the nearest first. Of a search result all hits enter; search with ``limit=20`` or more.
    reach : float, default=2.0
        How much farther than the nearest, in squared distance, a candidate may be. Where distances are not known,
        all are candidates.
    n_voters : int, default=20
        The first so many candidates form the consensus.
    n_members : int, default=None
        So many are joined. None: two thirds of the candidates, at most 15.
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
        a cross-entropy.
    chosen_ : ndarray of int
        Positions of the learnwares averaged, the best first.
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

    def __init__(
        self,
        learnwares: Any,
        *,
        reach: float = 2.0,
        n_voters: int = 20,
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
        n_voters = check_int(self.n_voters, "n_voters", "ConsensusReuser")
        candidates = self._candidates()
        n_members = min(_MOST_MEMBERS, math.ceil(2 * len(candidates) / 3))
        if self.n_members is not None:
            n_members = check_int(self.n_members, "n_members", "ConsensusReuser")
        max_rows = check_int(self.max_rows, "max_rows", "ConsensusReuser")
        generator = as_generator(self.random_state, "ConsensusReuser")
        outputs = ask(np.sort(generator.choice(len(X), max_rows, replace=False)) if len(X) > max_rows else None)
        voters = candidates[:n_voters]
        consensus = self._pool(outputs[voters], voters)
        self.disagreement_ = disagreement(outputs, consensus, self._members)
        self.chosen_ = candidates[np.argsort(self.disagreement_[candidates], kind="stable")[:n_members]]

    def _candidates(self) -> npt.NDArray[np.intp]:
        if isinstance(self.reach, bool) or not isinstance(self.reach, int | float) or not self.reach >= 1.0:
            raise complain("reach", "ConsensusReuser", "a number of at least 1", self.reach)
        distances = self._members.distances
        if distances is None:
            return np.arange(len(self._members))
        order = np.argsort(distances, kind="stable")
        near = distances[order] ** 2 <= self.reach * distances[order[0]] ** 2
        return order[: max(int(near.sum()), _LEAST_CANDIDATES)]

    @property
    def _used(self) -> npt.NDArray[np.intp]:
        return self.chosen_

    def _combine(self, X: Any, outputs: Array) -> Array:
        return self._pool(outputs, self.chosen_)

    def _pool(self, outputs: Array, index: npt.NDArray[np.intp]) -> Array:
        weights = np.full(len(index), 1.0 / len(index))
        method = "median" if self.task_ != CLASSIFICATION else "probability"
        return pool(method, outputs, self._members.subset(index), weights, getattr(self, "classes_", None))


def disagreement(outputs: Array, consensus: Array, members: Members) -> Array:
    """Return the distance of each answer to the consensus: shape (n_members,).

    Parameters
    ----------
    outputs : ndarray of shape (n_members, n_samples, n_outputs)
    consensus : ndarray of shape (n_samples, n_outputs)
    members : Members
        Tells the task.
    """
    if members.task == CLASSIFICATION:
        return np.asarray(-(consensus * np.log(np.maximum(outputs, _FLOOR))).sum(axis=2).mean(axis=1))
    spread = consensus.std(axis=0)
    scaled = (outputs - consensus) / np.where(spread > 0, spread, 1.0)
    return np.asarray(np.sqrt((scaled**2).mean(axis=(1, 2))))
