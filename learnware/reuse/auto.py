"""Reuse by what is given: without labels by rule, with labels a blend that cross-validation weighs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from learnware._validation import RandomState, as_generator, check_int
from learnware.errors import InvalidData
from learnware.reuse.base import Array, Reuser
from learnware.reuse.blend import BlendReuser
from learnware.reuse.candidates import LABEL_FREE, LABELS, OWN, Candidate, OwnModel, learning
from learnware.reuse.choice import LEAST_WEIGHT, Outcome, Trial
from learnware.reuse.ensemble_selection import EnsembleSelectionReuser
from learnware.reuse.heavy_tails import bounded, cautious, reach
from learnware.reuse.leaderboard import Leaderboard
from learnware.reuse.level_one import LevelOne
from learnware.reuse.members import CLASSIFICATION
from learnware.reuse.prior import Prior, prior_first
from learnware.reuse.residual_trees import ResidualTrees
from learnware.reuse.rows import take
from learnware.reuse.stacking import StackingReuser

_ROWS_FOR_CHOICE = 10_000
_ROWS_FOR_THREADS = 2_000
#: The least number of values that have a variance to speak of in every part but one.
_FEWEST_VALUES = 5


class AutoReuser(Reuser):
    r"""Blend reuse without labels, reuse that learns from labels, and models of the user's own.

    Without labels a rule chooses, and its answer is called the prior: the consensus of the learnwares, or with fewer
    than five the job selector for classes and the (weighted) average for values. The job selector, which goes by the
    specifications, is taken if the search has found something that fits, for values and for classes that all
    learnwares know; for values without a search, if it finds at most half of the user's rows to be nobody's job.
    Learnwares that the search expects to err far more than others are left out (see `hopeful`).

    With labels all ways to reuse answer rows that they did not learn from, in a cross-validation, and the answer is
    the prior with the corrections that they have earned,

    .. math:: \hat f(x) = f_0(x) + \sum_j w_j \big(f_j(x) - f_0(x)\big), \qquad w_j \ge 0,\ \sum_j w_j \le 1

    (see `blend_weights`). The ways are the other label-free ones, augmenting, ensemble selection, stacking, the user's
    own models, for classes the best single learnware, and for values trees fitted to what the prior leaves over.
    Values far off the prior are held in bounds while few labels cannot tell when they return, and while the prior has
    a share, no correction of values is much larger than those of held-out rows. A correction is believed one standard
    error less than it seems, so few labels leave the prior nearly as it is, and many make it as good as the best of
    all, training alone included; as the errors of several ways differ, it is usually better than any of them.

    Parameters
    ----------
    learnwares : SearchResult, Mixture, or list of Hit or Learnware
        What to reuse.
    own_model : scikit-learn estimator, default=None
        What the user would train without learnwares; it takes X as it is. None: a few that suit the number of
        labels (of tables linear, nearest neighbours, trees, boosting; of texts naive Bayes and linear; of images
        class means and linear). False: none.
    cv : int, default=5
        Parts of the cross-validation; never more than labels.
    random_state : None, int or generator, default=None
        Seeds the parts.
    progress : bool, default=None
        Show a progress bar while learnwares are asked. None shows one when that takes long.

    Attributes
    ----------
    best_ : Reuser
        What answers, fitted: a single way to reuse, or the blend.
    best_name_ : str
        Its name in the leaderboard; "blend" for several.
    leaderboard_ : Leaderboard
        A list of dicts, one for a way to reuse, with its held-out score and its weight; shows as a table.
    members_, task_, classes_, n_features_in_, feature_names_in_
        See `Reuser`. With labels the classes are those of the learnwares and of the labels together; learnwares that
        share no class with the labels, not even over others, are translated (see `BridgeHead`).

    Notes
    -----
    With a single label, fewer than five values, or labels of one class that learnwares know, nothing can be compared,
    and the prior is taken. Where all learnwares name their classes otherwise, the prior is the shares of the labels, to
    which the others are compared; it has no part in the answer. Above 10,000 labelled rows the weights are learned on a
    sample of so many, and own models fitted on all. Give further rows of the user to ``fit`` as ``unlabelled``: the
    prior is poor if it sees twenty.

    References
    ----------
    M. J. van der Laan, E. C. Polley, A. E. Hubbard, "Super learner", Statistical Applications in Genetics and
    Molecular Biology 6, 2007. L. Breiman, "Stacked regressions", Machine Learning 24, 1996.

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
    >>> round(reuser.fit(X[:30], 5.0 * X[:30, 1]).score(X[30:], 5.0 * X[30:, 1]), 2)
    1.0
    """

    _whole = True
    _bridges = True

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

    def _learn(self, X: Any, y: npt.NDArray[Any] | None, ask: Any) -> None:
        cv = check_int(self.cv, "cv", "AutoReuser", minimum=2)
        generator = as_generator(self.random_state, "AutoReuser")
        if y is None or self._tells_nothing(y):
            self._learn_without(X if y is None else ask.rows)
            return
        rows = np.sort(generator.permutation(len(y))[:_ROWS_FOR_CHOICE])
        # Fits on few rows take longer with several threads than with one, much longer on a busy machine.
        with threadpool_limits(1 if len(rows) < _ROWS_FOR_THREADS else None):
            self._learn_with(X, y, rows, ask, cv, generator)

    def _tells_nothing(self, y: npt.NDArray[Any]) -> bool:
        """Return whether nothing can be held out or compared: too few labels, or one class that learnwares know."""
        if self.task_ != CLASSIFICATION:
            return len(y) < _FEWEST_VALUES
        if len(y) < 2 or len(np.unique(y)) > 1:
            return len(y) < 2
        known = self._members.known(self.classes_)[:, self.classes_ == y[0]]
        return bool(known.any())

    def _learn_without(self, X: Any) -> None:
        native = self._members.native
        if not native:
            raise InvalidData(
                "All learnwares name their classes otherwise than y. At least two labels are needed to translate them."
            )
        candidates = [way.within(native) for way in prior_first(self._members.only(native), X)]
        chosen = candidates[0]
        index, width = list(chosen.index), len(self.classes_) if self.task_ == CLASSIFICATION else None
        self.leaderboard_ = Leaderboard([_row(way.name, way.kind, chosen=way is chosen) for way in candidates])

        def asked(rows: Any = None) -> Array:
            some = X if rows is None else take(X, rows)
            return self._ask(some, index)[:, :, :width]

        reuser = chosen.learn(self._members, getattr(self, "classes_", None), X, None, asked)
        self._take_up(chosen.name, [(chosen, reuser, 1.0)])

    def _learn_with(
        self, X: Any, y: npt.NDArray[Any], rows: npt.NDArray[np.intp], ask: Any, cv: int, generator: np.random.Generator
    ) -> None:
        classes, few = getattr(self, "classes_", None), take(X, rows)
        level, evidence, outputs = LevelOne.learn(
            self._members,
            classes,
            few,
            y[rows],
            ask.on(few),
            own_model=self.own_model,
            cv=cv,
            every_way=True,
            generator=generator,
        )
        trial = Trial(level, evidence, few, y[rows], outputs, cv, generator)
        candidates = self._candidates(level)
        outcome = trial.outcome(candidates) if classes is not None else cautious(trial, candidates)
        if len(rows) < len(y):
            outcome.trial.level.train_on(X, y if outcome.trial is trial else self._bounded(level.prior, X, y))
        self.leaderboard_ = _board(trial, candidates, outcome)
        self._take_parts([*(way for way, _ in level.prior.ways[:1]), *candidates], outcome)

    def _bounded(self, prior: Prior, X: Any, y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the values of all rows, held in bounds as those of the sample were."""
        answers = prior.ways[0][1]._combine(X, self._ask(X, prior.used))
        return bounded(y.reshape(answers.shape), answers).reshape(y.shape)

    def _take_parts(self, ways: list[Candidate], outcome: Outcome) -> None:
        """Take up the ways that have weight, the prior first if there is one."""
        fitted, weights, far = outcome.trial.fitted, outcome.weights, None
        shares = weights[-len(ways) :]
        parts = [(way, fitted(way), float(w)) for way, w in zip(ways, shares, strict=True) if w > LEAST_WEIGHT]
        # Where the prior has no share, the labels are so sure that farther is right more often than not.
        if self.task_ != CLASSIFICATION and weights[0] > LEAST_WEIGHT:
            far = reach(np.tensordot(weights, outcome.answers, axes=1) - outcome.answers[0])
        self._take_up("blend" if len(parts) > 1 else parts[0][0].name, parts, far)

    def _candidates(self, level: LevelOne) -> list[Candidate]:
        """Return the rivals of the prior."""
        team, everyone = self._members, tuple(range(len(self._members)))
        learned = [
            Candidate(name, LABELS, reuser(team.learnwares, own_model=self.own_model), everyone)
            for name, reuser in (("selection", EnsembleSelectionReuser), ("stacking", StackingReuser))
        ]
        if team.task != CLASSIFICATION:
            trees = ResidualTrees(team.learnwares, own_model=False)
            learned.append(Candidate("residual trees", LABELS, trees, everyone))
        own = []
        for name, trained in level.own.items():
            alone = OwnModel(team.learnwares, model=trained.estimator)
            own.append(Candidate(f"own model: {name}" if name else "own model", OWN, alone, (0,)))
        return [*(way for way, _ in level.prior.ways[1:]), *learning(team, team.native), *learned, *own]

    def _take_up(
        self, name: str, parts: list[tuple[Candidate, Reuser, float]], far: npt.NDArray[np.float64] | None = None
    ) -> None:
        self.best_name_ = name
        self.best_: Reuser = parts[0][1]
        self._index: list[int] = list(parts[0][0].index)
        if len(parts) > 1:
            blended = [(reuser, way.index, w) for way, reuser, w in parts]
            self.best_ = BlendReuser(self.learnwares, parts=blended, reach=far)
            self.best_._adopt(self._members, getattr(self, "classes_", None))
            self._index = list(range(len(self._members)))
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self, name):
                setattr(self.best_, name, getattr(self, name))

    @property
    def _used(self) -> list[int]:
        return [self._index[i] for i in self.best_._used]

    def _combine(self, X: Any, outputs: Array) -> Array:
        return self.best_._combine(X, outputs)


def _board(trial: Trial, candidates: list[Candidate], outcome: Outcome) -> Leaderboard:
    """Return the leaderboard of the prior, its rivals, and their blend, by the labels of `trial`."""
    scores = np.array([trial.scores(answer) for answer in (*outcome.answers, outcome.blended)])
    gains, n_samples, weights = scores - scores[0], scores.shape[1], outcome.weights.tolist()
    ways = trial.level.prior.ways
    named = [(ways[0][0].name, LABEL_FREE) if ways else ("class shares", LABELS)]
    named += [(candidate.name, candidate.kind) for candidate in candidates]
    rows = [_row(*name, chosen=weight > LEAST_WEIGHT) for name, weight in zip(named, weights, strict=True)]
    if sum(row["chosen"] for row in rows) > 1:
        rows.append(_row("blend", LABELS, chosen=True))
    for row, score, gain, weight in zip(rows, scores, gains, [*weights, None], strict=False):
        spread = [float(part.std(ddof=1) / np.sqrt(n_samples)) for part in (score, gain)]
        row.update(score=float(score.mean()), standard_error=spread[0], weight=weight)
        row.update(gain=float(gain.mean()), gain_standard_error=spread[1])
    return Leaderboard(sorted(rows, key=lambda row: -row["score"]))


def _row(name: str, kind: str, *, chosen: bool) -> dict[str, Any]:
    numbers = dict.fromkeys(("score", "standard_error", "gain", "gain_standard_error", "weight"))
    return {"name": name, "kind": kind, **numbers, "chosen": chosen}
