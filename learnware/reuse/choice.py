"""Let ways to reuse answer rows that they did not learn from, and tell how each did."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import KFold

from learnware.reuse.base import Array, Reuser
from learnware.reuse.blend import blend_weights
from learnware.reuse.candidates import LABEL_FREE, OWN, Candidate, OwnModel
from learnware.reuse.combination import LearnedCombination
from learnware.reuse.evidence import Evidence
from learnware.reuse.labels import places
from learnware.reuse.level_one import LevelOne
from learnware.reuse.rows import take
from learnware.reuse.single import row_losses
from learnware.reuse.stacking import StackingReuser

#: A way to reuse of less weight is not worth asking its learnwares.
LEAST_WEIGHT = 1e-3


@dataclass(frozen=True)
class Outcome:
    """What a trial found.

    Parameters
    ----------
    trial : Trial
        Where the ways to reuse can be had fitted.
    answers : ndarray of shape (n_ways, n_samples, n_outputs)
        Held out, the prior's first.
    weights : ndarray of shape (n_ways,)
    blended : ndarray of shape (n_samples, n_outputs)
        Held out, from the ways and their weights.
    """

    trial: Trial
    answers: Array
    weights: Array
    blended: Array


class Trial:
    """Labelled rows, what everybody says about them, and how each way to reuse does on rows held out.

    Parameters
    ----------
    level : LevelOne
    evidence : Evidence
        On the labelled rows.
    X, y : labelled rows
    outputs : ndarray of shape (n_members, n_samples, n_outputs)
        All members' answers to them.
    cv : int
        Parts.
    generator : numpy Generator
        Seeds the parts.
    """

    def __init__(
        self,
        level: LevelOne,
        evidence: Evidence,
        X: Any,
        y: npt.NDArray[Any],
        outputs: Array,
        cv: int,
        generator: np.random.Generator,
    ) -> None:
        self.level, self.evidence, self.X, self.y, self.outputs = level, evidence, X, y, outputs
        self.generator = generator
        folds = KFold(min(cv, len(y)), shuffle=True, random_state=int(generator.integers(2**31)))
        self.folds = list(folds.split(y))

    def relabelled(self, y: npt.NDArray[Any]) -> Trial:
        """Return the same trial with other values as labels."""
        other = copy(self)
        other.level, other.evidence = self.level.relabelled(self.evidence, self.X, y, cv=len(self.folds))
        other.y = y
        return other

    def outcome(self, candidates: Sequence[Candidate]) -> Outcome:
        """Return the held-out answers of the prior and of its rivals, and how they are best blended."""
        answers = np.array([self.evidence.prior, *map(self.held_out, candidates)])
        truth, blended, classes = self.truth, np.empty_like(answers[0]), self.level.classes is not None
        for train, test in self.folds:
            known = answers[:, train]
            earned = blend_weights(known[0], known[1:], truth[train], classes=classes)
            blended[test] = np.tensordot(self._shares(earned, candidates), answers[:, test], axes=1)
        earned = blend_weights(answers[0], answers[1:], truth, classes=classes)
        return Outcome(self, answers, self._shares(earned, candidates), blended)

    def held_out(self, candidate: Candidate) -> Array:
        """Return a candidate's answers to the labelled rows, none of which it learned from."""
        if candidate.kind == OWN:
            return np.asarray(self.evidence.own[self._own(candidate)])
        everything = np.arange(len(self.y))
        if candidate.kind == LABEL_FREE:
            return self._answer(candidate, self.fitted(candidate), everything)
        answers = np.empty_like(self.evidence.prior)
        for train, test in self.folds:
            answers[test] = self._answer(candidate, self._learned(candidate, train), test)
        return answers

    def fitted(self, candidate: Candidate) -> Reuser:
        """Return a candidate fitted on all rows."""
        if candidate.kind == LABEL_FREE:
            return next(reuser for way, reuser in self.level.prior.ways if way is candidate)
        if candidate.kind != OWN:
            return self._learned(candidate, np.arange(len(self.y)))
        own = cast("OwnModel", candidate.adopted(self.level.members, self.level.classes))
        own._trained = list(self.level.own.values())[self._own(candidate)]
        return own

    def scores(self, answers: Array) -> Array:
        """Return a score for each row, of mean accuracy or coefficient of determination: shape (n_samples,)."""
        losses = row_losses(answers, self.y, self.level.classes)
        if self.level.classes is not None:
            return 1.0 - losses
        spread = float(np.var(self.y, axis=0).mean())
        return 1.0 - losses / (spread if spread > 0 else 1.0)

    @property
    def truth(self) -> Array:
        """Values, or indicators of the true classes: shape (n_samples, n_outputs)."""
        if self.level.classes is None:
            return self.y.reshape(len(self.y), -1)
        return np.asarray(np.eye(len(self.level.classes))[places(self.y, self.level.classes)])

    def _shares(self, earned: Array, candidates: Sequence[Candidate]) -> Array:
        """Return the weights of all ways, the prior's first: it takes what its rivals have not earned.

        Where all learnwares name their classes otherwise, the prior is the shares of the labels, which tell no row
        from another: with ten labels they would drown what the others know. So it gets nothing there, and where nobody
        has earned anything, stacking answers.
        """
        if self.level.prior.ways:
            return np.concatenate([[max(0.0, 1.0 - float(earned.sum()))], earned])
        if earned.sum() <= LEAST_WEIGHT:
            earned = np.array([float(isinstance(candidate.reuser, StackingReuser)) for candidate in candidates])
        return np.concatenate([[0.0], earned / earned.sum()])

    def _answer(self, candidate: Candidate, reuser: Reuser, rows: npt.NDArray[np.intp]) -> Array:
        if isinstance(reuser, LearnedCombination):
            return reuser._blend(self.evidence.take(rows))
        return reuser._combine(take(self.X, rows), self._said(candidate, reuser._used, rows))

    def _learned(self, candidate: Candidate, train: npt.NDArray[np.intp]) -> Reuser:
        team, classes = self.level.members, self.level.classes
        reuser = candidate.adopted(team, classes)
        if isinstance(reuser, LearnedCombination):
            reuser._learn_from(self.level, self.evidence.take(train), self.y[train], self.generator)
            return reuser
        said = self._said(candidate, range(len(candidate.index)), train)
        reuser._learn(take(self.X, train), self.y[train], lambda i=None: said if i is None else said[:, i])
        return reuser

    def _said(self, candidate: Candidate, used: Any, rows: npt.NDArray[np.intp]) -> Array:
        index = [candidate.index[i] for i in used]
        return self.outputs[index][:, rows, : self.evidence.prior.shape[1]]

    def _own(self, candidate: Candidate) -> int:
        return list(self.level.own).index(candidate.name.removeprefix("own model").removeprefix(": "))
