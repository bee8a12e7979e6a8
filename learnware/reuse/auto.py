"""Choose how to reuse by what is given: without labels by rule, with labels by cross-validation."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from learnware._validation import RandomState, as_generator, check_int
from learnware.reuse.base import Array, Ask, Reuser
from learnware.reuse.candidates import Candidate, label_free, learning
from learnware.reuse.choice import Trial, choose
from learnware.reuse.job_selector import JobSelectorReuser
from learnware.reuse.members import CLASSIFICATION
from learnware.reuse.rows import take

_ROWS_FOR_CHOICE = 10_000
_ROWS_FOR_THREADS = 2_000
#: Chosen on bike sharing, Beijing air and California housing; it held on Favorita, wine quality and credit default,
#: and on Walmart, where nothing fits.
_MOST_REJECTED = 0.5


class AutoReuser(Reuser):
    r"""Choose among the label-free reusers, single best learnware, augmenting, and a model of the user's own.

    Without labels the choice is a rule, called the prior. It is the job selector, which goes by the specifications;
    for values only if it finds at most half of the user's rows to be nobody's job. Otherwise it is the consensus,
    which needs no specification to be right, or the (weighted) average of fewer than five learnwares.

    With labels all candidates are scored on rows that they did not learn from, by repeated cross-validation, and the
    best one is taken if its paired gain over the prior is more than one standard error, corrected for the number of
    candidates:

    .. math:: \bar d_c = \frac1n \sum_i \big(s_c(x_i) - s_0(x_i)\big) > t\, \frac{\hat\sigma(d_c)}{\sqrt n}

    with the scores s of a row, 0 for the prior, and t the quantile of Student's distribution at the level
    :math:`\Phi(1)^{1/m}` for m rivals of the prior (about 2 for eight), since the best of several is partly luck.
    So with few labels it is as good as reuse without any, with many as good as the best of all, training alone
    included.

    Parameters
    ----------
    learnwares : SearchResult, Mixture, or list of Hit or Learnware
        What to reuse.
    own_model : scikit-learn estimator, default=None
        What the user would train without learnwares; it takes X as it is. None: a few that suit the number of
        labels (linear, nearest neighbours, trees, boosting), each a candidate. False: none.
    cv : int, default=5
        Parts of the cross-validation; never more than labels.
    random_state : None, int or generator, default=None
        Seeds the parts.
    progress : bool, default=None
        Show a progress bar while learnwares are asked. None shows one when that takes long.

    Attributes
    ----------
    best_ : Reuser
        The one chosen, fitted on all rows.
    best_name_ : str
        Its name in the leaderboard.
    leaderboard_ : Leaderboard
        A list of dicts, one for a candidate, that shows as a table.
    members_, task_, classes_, n_features_in_, feature_names_in_
        See `Reuser`. With labels the classes are those of the learnwares and of the labels together; where the
        labels have a class that no learnware knows, candidates that learn from labels can predict it and the others
        are scored as wrong on its rows.

    Notes
    -----
    With a single label nothing can be held out, and the prior is taken. Above 10,000 labelled rows the choice is
    made on a sample of so many, and the chosen candidate fitted on all.

    References
    ----------
    L. Breiman, J. Friedman, R. Olshen, C. Stone, "Classification and Regression Trees", 1984 (the one-standard-error
    rule).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from learnware import Learnware
    >>> from learnware.reuse import Reuser
    >>> X = np.random.default_rng(0).normal(size=(80, 2))
    >>> team = [
    ...     Learnware.from_model(LinearRegression().fit(X, X @ slopes), X, name=str(slopes), task="regression")
    ...     for slopes in ([1.0, 0.0], [0.0, 1.0])
    ... ]
    >>> reuser = Reuser.auto(team, random_state=0)
    >>> reuser.fit(X).best_name_
    'job selector'
    >>> reuser.fit(X[:30], 5.0 * X[:30, 1]).best_name_ in ("augment", "own model: linear")
    True
    """

    _whole = True

    def __init__(
        self,
        learnwares: Any,
        *,
        own_model: Any = None,
        cv: int = 5,
        random_state: RandomState = None,
        progress: bool | None = None,
    ) -> None:
        super().__init__(learnwares, progress=progress)
        self.own_model = own_model
        self.cv = cv
        self.random_state = random_state

    def _learn(self, X: Any, y: npt.NDArray[Any] | None, ask: Ask) -> None:
        check_int(self.cv, "cv", "AutoReuser", minimum=2)
        generator = as_generator(self.random_state, "AutoReuser")
        candidates = self._prior_first(label_free(self._members), X)
        scores: Array | None = None
        if y is not None:
            candidates += learning(self._members, len(y), self.own_model)
        if y is not None and len(y) > 1:
            rows = np.sort(generator.permutation(len(y))[:_ROWS_FOR_CHOICE])
            trial = Trial(self._members, getattr(self, "classes_", None), take(X, rows), y[rows], ask(rows))
            # Fits on few rows take longer with several threads than with one, much longer on a busy machine.
            with threadpool_limits(1 if len(rows) < _ROWS_FOR_THREADS else None):
                scores = np.array([trial.scores(candidate, self.cv, generator) for candidate in candidates])
        chosen, self.leaderboard_ = choose(candidates, scores, self.task_)
        self._take_up(candidates[chosen], X, y)

    def _prior_first(self, candidates: list[Candidate], X: Any) -> list[Candidate]:
        places = [i for i, candidate in enumerate(candidates) if isinstance(candidate.reuser, JobSelectorReuser)]
        if self.task_ == CLASSIFICATION or not places:
            return candidates
        selector = candidates.pop(places[0])
        # The job selector learns from the rows alone, so nobody is asked.
        fitted = selector.learn(self._members, None, X, None, lambda index=None: np.empty((0, 0, 0)))
        candidates.insert(0 if fitted.reject_share_ <= _MOST_REJECTED else len(candidates), selector)
        return candidates

    def _take_up(self, candidate: Candidate, X: Any, y: npt.NDArray[Any] | None) -> None:
        self.best_name_, self._index = candidate.name, candidate.index
        self.best_ = candidate.learn(
            self._members,
            getattr(self, "classes_", None),
            X,
            y,
            lambda index=None: self._ask(X if index is None else take(X, index), candidate.index),
        )
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self, name):
                setattr(self.best_, name, getattr(self, name))

    @property
    def _used(self) -> list[int]:
        return [self._index[i] for i in self.best_._used]

    def _combine(self, X: Any, outputs: Array) -> Array:
        return self.best_._combine(X, outputs)
