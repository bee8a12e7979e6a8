"""An index as of one generation: what a search looks at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learnware.market.organizer.hearing import Hearing
from learnware.market.organizer.island import Island
from learnware.market.organizer.members import Member
from learnware.market.organizer.texts import TextIndex
from learnware.market.store import Store
from learnware.specification import SemanticSpecification, Space


@dataclass(frozen=True, eq=False)
class Snapshot:
    """An index that does not change, whatever is submitted meanwhile; threads may search it side by side.

    Attributes
    ----------
    generation : int
        That of the store.
    islands : tuple of Island
        Learnwares by their space, and those without points.
    groups : mapping of int to SemanticSpecification
        The tags of each group.
    texts : TextIndex
        The words of names and descriptions.
    hearing : Hearing
        What models answered at the points of others.
    store : Store
        Knows the ids.
    """

    generation: int
    islands: tuple[Island, ...]
    groups: Mapping[int, SemanticSpecification]
    texts: TextIndex
    hearing: Hearing
    store: Store

    def islands_for(self, space: Space) -> list[Island]:
        """Return the islands that points of `space` can be measured on, its further columns left aside."""
        return [i for i in self.islands if i.space is not None and i.space.accepts(space, surplus=True)]

    def numbers_of(self, ids: Collection[str]) -> npt.NDArray[np.int64]:
        """Return the numbers of learnwares, ascending: of all revisions, since one may have been replaced."""
        return np.array(sorted(self.store.every_number_of(ids) if ids else ()), np.int64)

    def members(self, numbers: Collection[int]) -> list[Member]:
        """Return learnwares by their numbers, in that order, without those that have gone meanwhile."""
        return [
            Member(learnware_id, entry, entry.specification.statistical)
            for learnware_id, entry in self.store.numbered(numbers).values()
        ]
