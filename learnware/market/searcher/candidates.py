"""Which learnwares a search may find: those with the tags and words that were asked for, and not hidden."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from learnware.market.organizer import Index, Island
from learnware.market.searcher.semantic import matches_tags
from learnware.specification import SemanticSpecification


@dataclass(frozen=True)
class Candidates:
    """What is left of an index when tags, words and what is hidden have been looked at.

    Attributes
    ----------
    index : Index
    groups : frozenset of int
        The groups of tags that are wanted.
    relevance : mapping of str to float, or None
        How well the words match, by id, the best first; None when no words were asked for.
    hidden : collection of str
        Ids that whoever asks must not learn of.
    """

    index: Index
    groups: frozenset[int]
    relevance: Mapping[str, float] | None
    hidden: Collection[str]

    @classmethod
    def of(cls, index: Index, wanted: SemanticSpecification, words: str, hidden: Collection[str] = ()) -> Candidates:
        """Look for tags, of which those not said mean any, and words, of which there may be none."""
        groups = index.tags.chosen(partial(matches_tags, wanted))
        return cls(index, groups, index.texts.rank(words) if words else None, hidden)

    def __bool__(self) -> bool:
        return next(iter(self), None) is not None

    def __iter__(self) -> Iterator[str]:
        """Iterate over their ids: those of the best words first, else those changed last at the end."""
        everything = self.index if self.relevance is None else self.relevance
        tags = self.index.tags
        return (i for i in everything if tags[i] in self.groups and i not in self.hidden)

    def rows(self, island: Island) -> npt.NDArray[np.intp]:
        """Return which members of an island are among them."""
        rows = np.arange(len(island))
        if not self.groups.issuperset(self.index.tags):
            rows = rows[np.isin(island.groups, list(self.groups))]
        if self.relevance is not None:
            rows = rows[[island.ids[row] in self.relevance for row in rows]]
        if self.hidden:
            rows = rows[[island.ids[row] not in self.hidden for row in rows]]
        return rows
