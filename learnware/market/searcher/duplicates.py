"""Learnwares that are all but the same: one of them stands for all."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from learnware.market.organizer import Island
from learnware.market.organizer.capability import comparable, usable
from learnware.market.organizer.island import Mask, Rows
from learnware.market.organizer.members import Member
from learnware.market.searcher.peers import closeness
from learnware.market.searcher.statistical import Neighbours, Scan, nearest

#: Two mean embeddings of no larger squared distance count as one. Points moved by 2 % of the scale of their column, or
#: a reduced set made again from the same rows, come to 1e-4 at most; other samples of the same distribution, of
#: thousands of rows, to 2e-3 at least (digits, wine, breast cancer, drawn tables).
SAME_DATA = 5e-4
#: Answers that differ by no more count as one: a share of probability, or of the variance of values.
SAME_CLASSES, SAME_VALUES = 0.05, 0.01

# So many copies, and all others like them are passed over unread.
_CROWD = 8
_MOST_LOOKS = 5
# Two vectors of norm 1 at most whose squared distance is `SAME_DATA` have norms and products that differ by less.
_ROUGHLY = 0.05

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Distinct:
    """Neighbours no two of which are all but the same.

    Attributes
    ----------
    near : Neighbours
        Of each group the learnware that was there first, the nearest first.
    copies : dict of int to list of Member
        By the row of that learnware, those that it stands for, as far as they were looked at.
    mask : ndarray of bool
        The rows of the island without those.
    """

    near: Neighbours
    copies: dict[int, list[Member]]
    mask: Mask


def distinct(scan: Scan, n_exact: int, n_wanted: int) -> Distinct:
    """Return the nearest learnwares, of near-duplicates only the one that was there first.

    Two learnwares are near-duplicates if their mean embeddings are (`SAME_DATA`), and if they answer alike at the
    points of the earlier one, as far as both say what they answer. Whoever submits a learnware a thousand times gets
    one place with it: where copies leave fewer than `n_wanted` learnwares, it is looked further away.

    Parameters
    ----------
    scan : Scan
    n_exact : int
        At least so many are measured exactly.
    n_wanted : int
        So many different ones are wanted, if there are as many.
    """
    mask, near = scan.mask, nearest(scan, n_exact)
    found = _folded(scan.island, near, mask)
    for _ in range(_MOST_LOOKS):
        n_measured = len(near.rows)
        if len(found.near.rows) >= n_wanted or n_measured >= int(mask.sum()):
            break
        mask = _without_crowds(scan, found)
        near = nearest(replace(scan, mask=mask, products=np.where(mask, scan.products, -np.inf)), 2 * n_measured)
        found = _joined(scan.island, found, _folded(scan.island, near, mask))
    return found


def _folded(island: Island, near: Neighbours, mask: Mask) -> Distinct:
    # Rows are in the order in which learnwares came.
    order = np.argsort(near.rows, kind="stable")
    same = np.triu(_squared_distances(island, near.rows[order]) <= SAME_DATA, 1)
    stands_for: dict[int, list[int]] = {}
    covered: set[int] = set()
    for i in np.flatnonzero(same.any(axis=1)).tolist():
        if i not in covered:
            one = near.members[order[i]]
            later = [j for j in np.flatnonzero(same[i]).tolist() if j not in covered]
            stands_for[i] = [j for j in later if _alike(island, one, near.members[order[j]])]
            covered.update(stands_for[i])
    copies = {int(near.rows[order[i]]): [near.members[order[j]] for j in js] for i, js in stands_for.items() if js}
    left = mask.copy()
    left[near.rows[order[sorted(covered)]]] = False
    return Distinct(near[np.sort(np.delete(order, sorted(covered)))], copies, left)


def _joined(island: Island, found: Distinct, further: Distinct) -> Distinct:
    """Return what a further look has found, with the copies that were found before."""
    stands_for = {copy.entry.number: row for row, copies in further.copies.items() for copy in copies}
    joined = {row: list(copies) for row, copies in further.copies.items()}
    for row, copies in found.copies.items():
        # Who stood for them before may have proved a copy of an earlier one.
        known = joined.setdefault(stands_for.get(int(island.numbers[row]), row), [])
        there = {copy.entry.number for copy in known}
        known += [copy for copy in copies if copy.entry.number not in there]
    return Distinct(further.near, joined, further.mask)


def _squared_distances(island: Island, rows: Rows) -> Floats:
    sketches = island.sketches(rows).astype(np.float64)
    own = np.einsum("ij,ij->i", sketches, sketches)
    return np.asarray(own[:, None] + own - 2.0 * sketches @ sketches.T)


def _alike(island: Island, one: Member, other: Member) -> bool:
    if one.entry.digest == other.entry.digest:
        return True
    mine, theirs = one.embedding.labels, other.embedding.labels
    if mine is None or theirs is None:
        return mine is theirs
    if not comparable(mine, theirs) or mine.classes != theirs.classes:
        return False
    if not usable(mine.values) or not usable(theirs.values):
        return False
    at = one.framed(island.ruler[1])[0]
    said, told = (_smoothed(island, at, member) for member in (one, other))
    weights = one.embedding.weights
    if mine.classes is not None:
        return bool(0.5 * weights @ np.abs(said - told).sum(axis=1) <= SAME_CLASSES)
    away, spread = weights @ (said - told) ** 2, weights @ (said - weights @ said) ** 2
    return bool((away <= SAME_VALUES * spread).all())


def _smoothed(island: Island, at: npt.NDArray[np.float32], member: Member) -> Floats:
    """Return what a learnware would answer at some points, by what it says at its own."""
    points, weights = member.framed(island.ruler[1])
    near = closeness(island, at, points) * weights + 1e-12 * weights
    labels = member.embedding.labels
    values = np.zeros((len(weights), 1)) if labels is None else labels.values
    return np.asarray((near @ values) / near.sum(axis=1, keepdims=True))


def _without_crowds(scan: Scan, found: Distinct) -> Mask:
    """Leave out whatever lies where many copies do, but not those that stand for them, nor the earliest there."""
    mask = found.mask.copy()
    for row in (row for row, copies in found.copies.items() if len(copies) >= _CROWD):
        sketch = scan.island.sketches(np.array([row]))[0]
        # Half precision finds those that may lie there.
        might = np.abs(scan.island.products(sketch) - sketch @ sketch) <= _ROUGHLY
        rows = np.flatnonzero(mask & might)
        away = ((scan.island.sketches(rows) - sketch) ** 2).sum(axis=1)
        crowd = rows[away <= SAME_DATA]
        mask[crowd[1:]] = False
        mask[row] = True
    return mask
