"""The answer that needs no labels: what reuse falls back on, and labels correct."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.reuse.averaging import AveragingReuser
from learnware.reuse.base import Reuser
from learnware.reuse.candidates import Candidate, label_free
from learnware.reuse.consensus import ConsensusReuser
from learnware.reuse.hopeful import hopeful
from learnware.reuse.job_selector import JobSelectorReuser
from learnware.reuse.members import CLASSIFICATION, Members

Array = npt.NDArray[np.float64]

#: Chosen on bike sharing, Beijing air and California housing; it held on Favorita, wine quality and credit default,
#: and on Walmart, where nothing fits.
_MOST_REJECTED = 0.5
#: Ways where something fits the user's rows; for values, where nothing does, the other way round.
_WHERE_IT_FITS = (JobSelectorReuser, AveragingReuser, ConsensusReuser)


def prior_first(team: Members, X: Any) -> list[Candidate]:
    """Return the ways to reuse without labels, the one to take by rule first.

    That is one that goes by the specifications, where the rows are like them, else one that goes by the answers. Where
    learnwares know different classes it is always the latter: it finds out which classes the user lacks. Learnwares
    that the search holds for hopeless take no part.

    Parameters
    ----------
    team : Members
    X : samples
        All rows of the user.
    """
    heard = hopeful(team)
    team = team.only(heard)
    return [candidate.within(heard) for candidate in _ordered(team, label_free(team), X)]


def _ordered(team: Members, candidates: list[Candidate], X: Any) -> list[Candidate]:
    order: tuple[type[Reuser], ...] = _WHERE_IT_FITS
    if team.task == CLASSIFICATION:
        if not _compared(team) or team.verdict == "nothing fits" or not team.known(team.classes()).all():
            return candidates
    elif not _fits(team, candidates, X):
        order = order[::-1]
    return sorted(candidates, key=lambda candidate: order.index(type(candidate.reuser)))


def _compared(team: Members) -> bool:
    """Return whether a search compared the rows: one by words alone has a verdict too, but knows no distances."""
    return team.verdict is not None and team.distances is not None


def _fits(team: Members, candidates: list[Candidate], X: Any) -> bool:
    """Return whether the specifications are like the rows, as the search said or else as the job selector finds."""
    if _compared(team):
        return team.verdict != "nothing fits"
    for candidate in candidates:
        if isinstance(candidate.reuser, JobSelectorReuser):
            # The job selector learns from the rows alone, so nobody is asked.
            fitted: Any = candidate.learn(team, None, X, None, lambda index=None: np.empty((0, 0, 0)))
            return bool(fitted.reject_share_ <= _MOST_REJECTED)
    return False


class Prior:
    """The label-free answer of a team; where all its classes are foreign, the shares of the labels.

    Parameters
    ----------
    team : Members
    classes : ndarray of shape (n_classes,), default=None
    X : samples
        All rows of the user.
    outputs : ndarray of shape (n_members, n_samples, n_outputs)
        All members' answers to them.
    shares : ndarray of shape (n_classes,), default=None
        Shares of the classes among the labels.
    every_way : bool, default=False
        Learn the other ways to reuse without labels too.

    Attributes
    ----------
    ways : list of (Candidate, Reuser)
        Fitted; the first is the label-free answer. Empty where all classes are foreign.
    used : list of int
        Positions of the members that the first needs.
    """

    def __init__(
        self,
        team: Members,
        classes: npt.NDArray[Any] | None,
        X: Any,
        outputs: Array,
        *,
        shares: Array | None = None,
        every_way: bool = False,
    ) -> None:
        self._shares, self._width = shares, outputs.shape[2] if classes is None else len(classes)
        native = team.native
        candidates = [way.within(native) for way in prior_first(team.only(native), X)] if native else []
        candidates = candidates if every_way else candidates[:1]
        self.ways = [(way, self._learned(way, team, classes, X, outputs)) for way in candidates]
        self.used = [way.index[i] for way, reuser in self.ways[:1] for i in reuser._used]

    def _learned(
        self, way: Candidate, team: Members, classes: npt.NDArray[Any] | None, X: Any, outputs: Array
    ) -> Reuser:
        said = outputs[list(way.index), :, : self._width]
        return way.learn(team, classes, X, None, lambda rows=None: said if rows is None else said[:, rows])

    def answer(self, X: Any, outputs: Array) -> Array:
        """Return one answer a row; `outputs` are those of all members, of which it reads the ones in ``used``."""
        if not self.ways:
            return np.tile(np.asarray(self._shares), (len(X), 1))
        return self.ways[0][1]._combine(X, outputs[self.used][:, :, : self._width])
