"""Which learnwares a search may find: those with the tags and words that were asked for, and not hidden."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from learnware.market.organizer import Island, Snapshot
from learnware.market.organizer.island import Mask
from learnware.market.organizer.ranking import Ranking
from learnware.market.organizer.tags import chosen
from learnware.market.searcher.semantic import matches_tags
from learnware.specification import SemanticSpecification

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Candidates:
    """What is left of an index when tags, words and what is hidden have been looked at.

    Attributes
    ----------
    snapshot : Snapshot
    groups : list of int or None
        The groups of tags that are wanted; None for all of them.
    ranking : Ranking or None
        How well the words match; None when no words were asked for.
    hidden : ndarray of int64
        Numbers of those that whoever asks must not learn of.
    """

    snapshot: Snapshot
    groups: list[int] | None
    ranking: Ranking | None
    hidden: Numbers

    @classmethod
    def of(
        cls, snapshot: Snapshot, wanted: SemanticSpecification, words: str, hidden: Numbers | None = None
    ) -> Candidates:
        """Look for tags, of which those not said mean any, and words, of which there may be none."""
        asks = any((wanted.data, wanted.task, wanted.library, wanted.license, wanted.scenarios))
        groups = chosen(snapshot.groups, partial(matches_tags, wanted)) if asks else list(snapshot.groups)
        ranking = snapshot.texts.rank(words) if words else None
        every = len(groups) == len(snapshot.groups)
        return cls(snapshot, None if every else groups, ranking, np.empty(0, np.int64) if hidden is None else hidden)

    def __bool__(self) -> bool:
        return any(self.mask(island).any() for island in self.snapshot.islands)

    def mask(self, island: Island) -> Mask:
        """Tell which rows of an island are among them."""
        mask = island.present
        if self.groups is not None:
            mask = mask & np.isin(island.groups, self.groups)
        if self.ranking is not None:
            matching = np.zeros(len(island), dtype=bool)
            matching[island.rows_of(self.ranking.numbers)] = True
            mask = mask & matching
        if len(self.hidden):
            mask = mask.copy()
            mask[island.rows_of(self.hidden)] = False
        return mask

    def numbers(self) -> Numbers:
        """Return their numbers: those of the best words first, else those changed last at the end."""
        parts = [island.numbers[self.mask(island)] for island in self.snapshot.islands]
        numbers = np.sort(np.concatenate(parts)) if parts else np.empty(0, np.int64)
        if self.ranking is None:
            return numbers
        best = self.ranking.best_first()
        return best[np.isin(best, numbers, assume_unique=True)]

    def relevance(self, number: int) -> float | None:
        """Return how well the words match a learnware; None when no words were asked for."""
        if self.ranking is None:
            return None
        return float(self.ranking.relevance[np.searchsorted(self.ranking.numbers, number)])
