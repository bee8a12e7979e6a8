"""Specifications that searches have needed lately, read from the store when they are needed first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learnware.market.organizer.lately import Lately
from learnware.market.organizer.measuring import framed
from learnware.market.store import Entry, Store
from learnware.specification import RKME, Frame, Space

#: So many specifications are kept; of 100 points with 20 columns they take some 30 MB.
N_KEPT = 1024
# Of large ones only as many as have so many coordinates together, which take 12 bytes each.
_MOST_COORDINATES = 2**23

_MOST_PAIRS = 1024


@dataclass(frozen=True)
class Member:
    """A learnware as a search sees it.

    Attributes
    ----------
    id : str
    entry : Entry
        Its revision and specification.
    rkme : RKME or None
        Its points, with their columns in the order of its island.
    """

    id: str
    entry: Entry
    rkme: RKME | None

    @property
    def embedding(self) -> RKME:
        """Its points, of a member of an island with a space."""
        if self.rkme is None:
            raise TypeError(f"learnware {self.id} has no points")
        return self.rkme

    def framed(self, frame: Frame) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return its framed points of shape (n_points, n_features), and their weights."""
        known: tuple[Frame, npt.NDArray[np.float32], npt.NDArray[np.float32]] | None = self.__dict__.get("_framed")
        if known is None or known[0] is not frame:
            points, weights = framed([self.embedding], frame)
            known = self.__dict__["_framed"] = (frame, points[0], weights[0])
        return known[1], known[2]


class Members:
    """The members of a market by the number of their revision.

    Parameters
    ----------
    store : Store
        Where they are read from.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: Lately[int, Member] = Lately(N_KEPT, _coordinates, _MOST_COORDINATES)
        self._alike = _Pairs()

    def get(self, numbers: Sequence[int], space: Space | None) -> dict[int, Member]:
        """Return those of some revisions that are there, of learnwares of one space or of none."""
        found = self._kept.get(numbers)
        missing = [number for number in numbers if number not in found]
        if missing:
            read = self.read(missing, space)
            found.update(read)
            self._kept.put(read)
        return {number: found[number] for number in numbers if number in found}

    def read(self, numbers: Sequence[int], space: Space | None) -> dict[int, Member]:
        """Return the same from the store, and keep none of them: for those who read many."""
        return {
            number: Member(learnware_id, entry, self._aligned(entry, space))
            for number, (learnware_id, entry) in self._store.numbered(numbers).items()
        }

    def _aligned(self, entry: Entry, space: Space | None) -> RKME | None:
        rkme = entry.specification.statistical
        if rkme is None or space is None or (rkme.space, space) in self._alike:
            return rkme
        aligned = rkme.aligned_to(space)
        if aligned is rkme:
            self._alike.add(rkme.space, space)
        return aligned


def _coordinates(member: Member) -> int:
    return 0 if member.rkme is None else int(member.rkme.points.size)


class _Pairs:
    """Pairs of spaces that have proved equal: a store has one object for each, and comparing columns takes long."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, int], tuple[Space, Space]] = OrderedDict()

    def __contains__(self, pair: tuple[Space, Space]) -> bool:
        return (id(pair[0]), id(pair[1])) in self._known

    def add(self, one: Space, other: Space) -> None:
        # Held, so that no other object gets their place in memory.
        self._known[id(one), id(other)] = one, other
        if len(self._known) > _MOST_PAIRS:
            self._known.popitem(last=False)
