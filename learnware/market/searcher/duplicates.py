"""Learnwares that are all but the same: one of them stands for all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from learnware.market.organizer import Snapshot
from learnware.market.organizer.island import Mask, Rows
from learnware.market.searcher.agreement import MOST_OFF, SAME_DATA, Agreement
from learnware.market.searcher.statistical import N_EXACT, Scan

#: In one search no more learnwares are read from the store to be compared with others.
MOST_READ = 512

# Sketches that are farther apart are not those of near-duplicates.
_NEAR = SAME_DATA * MOST_OFF
# What the errors of two such sketches differ by, in the distance to a third.
_SLACK = 5e-3
# Every eighth number of the sketches tells of most that they are far apart.
_EVERY = 8
_AT_ONCE = 2**13

Singles = npt.NDArray[np.float32]


class _Beside(NamedTuple):
    """What lies beside some rows: which have any other near, or an earlier one; all those, and those that are later."""

    has_others: Mask
    has_earlier: Mask
    reached: Rows
    later: Rows


class Folding:
    """The learnwares of an island in one order, of near-duplicates only the one that came first.

    The order is that of the distances by sketch, whatever part of it is asked for. A learnware stands for those later
    ones that are all but the same (`Agreement`) and that no earlier one stands for. Who has nobody near by sketch needs
    no closer look, so that few are read from the store.

    Whoever submits a learnware a thousand times gets one place with it. When `MOST_READ` have been read, of those that
    are near each other the oldest, all others that have an earlier one near by sketch are put aside, and come at the
    end: they may be copies, or only made for the same data.

    Parameters
    ----------
    scan : Scan
        The island as a user sees it.
    snapshot : Snapshot
        Knows when a learnware came, and what models answered.

    Attributes
    ----------
    copies : dict of int to ndarray
        By the row of a learnware, the rows that it stands for, the earliest first.
    """

    def __init__(self, scan: Scan, snapshot: Snapshot) -> None:
        self._scan = scan
        self._snapshot = snapshot
        self._rough = scan.island.self_products - np.float32(2.0) * scan.products
        self._n_there = int(scan.mask.sum())
        self._open = scan.mask.copy()
        self._stands, self._aside = np.zeros((2, len(scan.mask)), dtype=bool)
        self._in_order: tuple[list[int], list[int]] = ([], [])
        self._n_walked, self._n_left = 0, MOST_READ
        self.copies: dict[int, Rows] = {}

    def blocks(self) -> Iterator[Rows]:
        """Yield the rows of those that stand, `N_EXACT` at a time, and at last of those that were put aside."""
        for known in self._in_order:
            start = 0
            while True:
                while self._n_walked < self._n_there and (known is self._in_order[1] or len(known) < start + N_EXACT):
                    self._walk()
                if start >= len(known):
                    break
                yield np.array(known[start : start + N_EXACT], np.intp)
                start += N_EXACT

    def unfolded(self) -> Mask:
        """Tell which rows may be found and are not known to be near-duplicates of others."""
        return np.asarray(self._open | self._stands)

    def _walk(self) -> None:
        end = max(2 * self._n_walked, N_EXACT)
        rows = _first(self._rough, min(end, self._n_there))[self._n_walked :]
        for start in range(0, len(rows), N_EXACT):
            here = rows[start : start + N_EXACT]
            self._decide(np.sort(here[self._open[here]]))
        for marks, known in zip((self._stands, self._aside), self._in_order, strict=True):
            known += rows[marks[rows]].tolist()
        self._n_walked += len(rows)

    def _decide(self, rows: Rows) -> None:
        """Tell of some rows, and of all that are connected with them by being near, who stands for whom."""
        if not len(rows):
            return
        beside = self._beside(rows)
        self._close(rows[~beside.has_others], self._stands)
        reached, later, frontier = beside.reached, beside.later, np.setdiff1d(beside.reached, rows)
        while len(frontier) and len(reached) <= self._n_left:
            further = self._beside(frontier)
            frontier = np.setdiff1d(further.reached, reached)
            reached, later = np.union1d(reached, frontier), np.union1d(later, further.later)
        if len(reached) and self._n_left:
            self._fold(reached[: self._n_left])
        self._close(rows[~beside.has_earlier], self._stands)
        self._close(np.union1d(rows, np.intersect1d(reached, later)), self._aside)

    def _close(self, rows: Rows, marks: Mask) -> None:
        rows = rows[self._open[rows]]
        self._open[rows], marks[rows] = False, True

    def _beside(self, rows: Rows) -> _Beside:
        """Look for what is near some rows, which are ascending, by sketch."""
        sketches = self._scan.island.sketches(rows)
        window = self._window(rows)
        has_others, has_earlier = np.zeros((2, len(rows)), dtype=bool)
        reached, later = [rows[:0]], [rows[:0]]
        for start in range(0, len(window), _AT_ONCE):
            those = window[start : start + _AT_ONCE]
            near = _near(sketches, self._scan.island.sketches(those))
            near &= rows[:, None] != those
            has_others |= near.any(axis=1)
            reached.append(those[near.any(axis=0)])
            has_earlier |= (near & (rows[:, None] > those)).any(axis=1)
            later.append(those[(near & (rows[:, None] < those)).any(axis=0)])
        every = np.union1d(np.concatenate(reached), rows[has_others])
        return _Beside(has_others, has_earlier, every[self._open[every]], np.concatenate(later))

    def _window(self, rows: Rows) -> Rows:
        """Return the rows whose distance to the user is about as large: no others can be near these."""
        rough, away = self._rough[rows], float(np.sqrt(_NEAR))
        furthest = np.sqrt(max(float(rough.max()) + self._scan.query.self_product, 0.0))
        width = np.float32(away * (2.0 * furthest + away) + _SLACK)
        return np.flatnonzero((self._rough >= rough.min() - width) & (self._rough <= rough.max() + width))

    def _fold(self, rows: Rows) -> None:
        self._n_left -= len(rows)
        island = self._scan.island
        # Those that have gone from the store meanwhile do not stand.
        self._open[rows] = False
        rows, members = island.known(rows)
        # An update has a later number, and is no later learnware.
        came = self._snapshot.store.arrivals([member.id for member in members])
        order = sorted(range(len(rows)), key=lambda i: came.get(members[i].id, members[i].entry.number))
        rows, members = rows[order], [members[i] for i in order]
        answers = self._snapshot.hearing.among([member.entry.digest for member in members])
        agreement, sketches = Agreement(island, answers), island.sketches(rows)
        squared = _squared_distances(sketches, sketches)
        covered = np.zeros(len(rows), dtype=bool)
        for i, member in enumerate(members):
            later = i + 1 + np.flatnonzero((squared[i, i + 1 :] <= _NEAR) & ~covered[i + 1 :])
            if covered[i] or not len(later):
                continue
            copies = later[agreement.alike(member, [members[j] for j in later], squared[i, later])]
            covered[copies] = True
            if len(copies):
                self.copies[int(rows[i])] = rows[copies]
        self._stands[rows[~covered]] = True


def _first(rough: Singles, n: int) -> Rows:
    """Return the rows of the `n` least values; of equal ones the first, so that fewer of them are the first of more."""
    rows = np.flatnonzero(rough <= np.partition(rough, n - 1)[n - 1]) if n < len(rough) else np.arange(len(rough))
    return np.asarray(rows[np.argsort(rough[rows], kind="stable")][:n])


def _near(sketches: Singles, others: Singles) -> Mask:
    """Tell which pairs of sketches are near, of shape (n_sketches, n_others)."""
    near = _squared_distances(sketches[:, ::_EVERY], others[:, ::_EVERY]) <= _NEAR
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    near[np.ix_(rows, columns)] = _squared_distances(sketches[rows], others[columns]) <= _NEAR
    return near


def _squared_distances(sketches: Singles, others: Singles) -> Singles:
    squared = sketches @ (np.float32(-2.0) * others.T)
    squared += np.einsum("ij,ij->i", sketches, sketches)[:, None]
    squared += np.einsum("ij,ij->i", others, others)
    return np.asarray(squared)
