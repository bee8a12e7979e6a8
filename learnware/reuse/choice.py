"""Score candidates on rows they did not learn from, and choose one with a bias to reuse without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats
from sklearn.model_selection import KFold

from learnware.reuse.base import Array
from learnware.reuse.candidates import LABEL_FREE, Candidate
from learnware.reuse.leaderboard import Leaderboard
from learnware.reuse.members import CLASSIFICATION, Members
from learnware.reuse.rows import take
from learnware.reuse.single import row_losses


@dataclass(frozen=True)
class Trial:
    """Labelled rows, and all members' answers to them.

    Parameters
    ----------
    team : Members
    classes : ndarray of shape (n_classes,), default=None
    X : table of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    outputs : ndarray of shape (n_members, n_samples, n_outputs)
    """

    team: Members
    classes: npt.NDArray[Any] | None
    X: Any
    y: npt.NDArray[Any]
    outputs: Array

    def scores(self, candidate: Candidate, cv: int, generator: np.random.Generator) -> Array:
        """Return a score for each row, of mean accuracy or coefficient of determination: shape (n_samples,)."""
        losses = self._losses(candidate, cv, generator)
        if self.classes is not None:
            return 1.0 - losses
        spread = float(np.var(self.y, axis=0).mean())
        return 1.0 - losses / (spread if spread > 0 else 1.0)

    def _losses(self, candidate: Candidate, cv: int, generator: np.random.Generator) -> Array:
        everything = np.arange(len(self.y))
        if candidate.kind == LABEL_FREE:
            return self._loss(candidate, everything, everything)
        repeats = _repeats(len(self.y))
        losses = np.zeros(len(self.y))
        for _ in range(repeats):
            folds = KFold(min(cv, len(self.y)), shuffle=True, random_state=int(generator.integers(2**31)))
            for train, test in folds.split(self.y):
                losses[test] += self._loss(candidate, train, test) / repeats
        return losses

    def _loss(self, candidate: Candidate, train: npt.NDArray[Any], test: npt.NDArray[Any]) -> Array:
        outputs = self.outputs[list(candidate.index)]
        known = outputs[:, train]
        reuser = candidate.learn(
            self.team,
            self.classes,
            take(self.X, train),
            self.y[train],
            lambda index=None: known if index is None else known[:, index],
        )
        answer = reuser._combine(take(self.X, test), outputs[list(reuser._used)][:, test])
        return row_losses(answer, self.y[test], self.classes)


def choose(candidates: Sequence[Candidate], scores: Array | None, task: str) -> tuple[int, Leaderboard]:
    r"""Return the position of the candidate to take, and the leaderboard.

    The first candidate is the prior. The one of the best mean score takes its place if the mean paired gain exceeds
    its standard error times a quantile of Student's distribution, which grows with the number of candidates.

    Parameters
    ----------
    candidates : sequence of Candidate
    scores : ndarray of shape (n_candidates, n_samples), default=None
        None where there are no labels, or a single one: the prior is taken.
    task : {"Classification", "Regression"}

    Notes
    -----
    Two accuracies that differ in no row of ten have a standard error of zero by the formula, which says nothing.
    So one more row that goes either way is counted: the variance of a difference of accuracies is raised by 1/n.
    """
    rows = [_row(candidate) for candidate in candidates]
    chosen = 0
    if scores is not None:
        n_samples = scores.shape[1]
        gains = scores - scores[0]
        floor = 1.0 / n_samples if task == CLASSIFICATION else 0.0
        noise = np.sqrt((gains.var(axis=1, ddof=1) + floor) / n_samples)
        best = int(scores.mean(axis=1).argmax())
        if gains[best].mean() > _one_standard_error(n_samples, len(scores) - 1) * noise[best]:
            chosen = best
        for row, score, gain, error in zip(rows, scores, gains, noise, strict=True):
            spread = float(score.std(ddof=1) / np.sqrt(n_samples))
            row.update(score=float(score.mean()), standard_error=spread)
            row.update(gain=float(gain.mean()), gain_standard_error=float(error))
        rows[0].update(gain=0.0, gain_standard_error=0.0)
    rows[chosen]["chosen"] = True
    return chosen, Leaderboard(sorted(rows, key=lambda row: -(row["score"] or 0.0)))


def _row(candidate: Candidate) -> dict[str, Any]:
    numbers = dict.fromkeys(("score", "standard_error", "gain", "gain_standard_error"))
    return {"name": candidate.name, "kind": candidate.kind, **numbers, "chosen": False}


def _one_standard_error(n_samples: int, n_rivals: int) -> float:
    """Return how many standard errors the best of several rivals must gain to count as one of a single rival.

    The best of eight that are no better gains more than one standard error three times in four; Šidák's correction
    brings that back to the one in six of a single one.
    """
    level = float(stats.norm.cdf(1.0)) ** (1.0 / max(1, n_rivals))
    return float(stats.t.ppf(level, n_samples - 1))


def _repeats(n_samples: int) -> int:
    # Few rows make few folds whose make-up decides; further cuts cost little there.
    return 2 if n_samples <= 100 else 1
