"""The ways to reuse that are compared when the choice is left to the library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone

from learnware.reuse.averaging import AveragingReuser
from learnware.reuse.base import Array, Ask, Reuser
from learnware.reuse.consensus import ConsensusReuser
from learnware.reuse.feature_augment import FeatureAugmentReuser
from learnware.reuse.job_selector import JobSelectorReuser
from learnware.reuse.members import CLASSIFICATION, Members
from learnware.reuse.own_model import Trained
from learnware.reuse.single import SingleBestReuser

LABEL_FREE, LABELS, OWN = "label-free", "labels", "own model"

#: With fewer learnwares there is no majority to agree with.
_ENOUGH_FOR_CONSENSUS = 5
#: Answers of more learnwares than this are too many columns for a few labels.
_ENOUGH_TO_AUGMENT = 10


@dataclass(frozen=True)
class Candidate:
    """One way to reuse, and the positions of the members that it works with."""

    name: str
    kind: str
    reuser: Reuser
    index: tuple[int, ...]

    def learn(self, team: Members, classes: npt.NDArray[Any] | None, X: Any, y: Any, ask: Ask) -> Reuser:
        """Return the reuser fitted on rows; ``ask(index)`` gives the answers of this candidate's members."""
        reuser = self.adopted(team, classes)
        reuser._learn(X, y, ask)
        return reuser

    def adopted(self, team: Members, classes: npt.NDArray[Any] | None) -> Reuser:
        """Return the reuser with its members, not fitted yet."""
        reuser: Reuser = clone(self.reuser)
        reuser._adopt(team.subset(self.index), classes)
        return reuser

    def within(self, positions: Sequence[int]) -> Candidate:
        """Return the same for a larger team, in which the members stand at `positions`."""
        return replace(self, index=tuple(positions[i] for i in self.index))


class OwnModel(Reuser):
    """A model that the user trains on the labels alone, in the dress of a reuser that asks nobody."""

    _supervised = True

    _trained: Trained

    def __init__(self, learnwares: Any, *, model: Any = None, progress: bool | None = None) -> None:
        super().__init__(learnwares, progress=progress)
        self.model = model

    def _learn(self, X: Any, y: npt.NDArray[Any] | None, ask: Ask) -> None:
        self._trained = Trained(self.model, X, np.asarray(y), getattr(self, "classes_", None))

    @property
    def _used(self) -> list[int]:
        return []

    def _combine(self, X: Any, outputs: Array) -> Array:
        return self._trained.answer(X)


def label_free(team: Members) -> list[Candidate]:
    """Return the candidates that need no labels; the first is what to do where nothing speaks for another.

    That is the consensus, which finds corrupted learnwares and classes that the user lacks; with few learnwares, who
    make no majority, the job selector for classes, since a probability tells its own doubt and what is left to tell
    is whose job a row is, and the average for values. (Whether the job selector is better for values depends on the
    user's rows.)
    """
    everyone = range(len(team))
    mixed = mixed_first(team)
    weights = "uniform" if team.weights is None else team.weights[mixed].tolist()
    candidates = [_candidate("average", LABEL_FREE, AveragingReuser, team, mixed, weights=weights)]
    if len(mixed) < len(team):
        further = _candidate("average of all found", LABEL_FREE, AveragingReuser, team, everyone, weights="uniform")
        candidates.append(further)
    if len(team) > 1 and _comparable(team):
        selector = _candidate("job selector", LABEL_FREE, JobSelectorReuser, team, everyone, random_state=0)
        candidates.insert(0 if team.task == CLASSIFICATION else len(candidates), selector)
    if len(team) >= _ENOUGH_FOR_CONSENSUS:
        candidates.insert(0, _candidate("consensus", LABEL_FREE, ConsensusReuser, team, everyone, random_state=0))
    return candidates


def learning(team: Members, native: Sequence[int]) -> list[Candidate]:
    """Return the candidates that learn from labels; those of combined evidence are made where the evidence is."""
    if not native:
        return []
    own = team.only(native)
    candidates = []
    # Without an encoder images have no columns to join answers to.
    if own.data != "image" or own.space is not None:
        some = mixed_first(own)[:_ENOUGH_TO_AUGMENT]
        candidates.append(_candidate("augment", LABELS, FeatureAugmentReuser, own, some))
    # Among values the best single is within noise the luckiest of many, which selection judges better.
    if team.task == CLASSIFICATION:
        candidates.insert(0, _candidate("best single", LABELS, SingleBestReuser, own, range(len(own))))
    return [candidate.within(native) for candidate in candidates]


def _candidate(
    name: str, kind: str, reuser: type[Reuser], team: Members, index: Sequence[int], **parameters: Any
) -> Candidate:
    learnwares = [team.learnwares[i] for i in index]
    return Candidate(name, kind, reuser(learnwares, **parameters), tuple(index))


def mixed_first(team: Members) -> list[int]:
    """Return the positions of the mixture's members; all where there is no mixture."""
    return list(range(len(team)) if team.weights is None else np.flatnonzero(team.weights > 0))


def _comparable(team: Members) -> bool:
    embeddings: list[Any] = [getattr(getattr(lw, "specification", None), "statistical", None) for lw in team.learnwares]
    return all(e is not None for e in embeddings) and len({e.space.key for e in embeddings}) == 1
