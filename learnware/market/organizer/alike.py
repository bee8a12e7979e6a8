"""Which learnwares were made for data like those of a new one: it is compared with them."""

from __future__ import annotations

from itertools import islice

import numpy as np
import numpy.typing as npt

from learnware.market.organizer.index import Index
from learnware.market.organizer.island import Island
from learnware.market.organizer.snapshot import Snapshot
from learnware.market.store import Entry, Store
from learnware.specification import RKME

# Of changes that the index has not taken in, so many are looked at one by one: a submission must not wait.
_PENDING = 64
# Of those near by sketch, so many are looked at more closely.
_NEAR = 64
_FAR_BEHIND = 4096


def others_alike(index: Index, store: Store, rkme: RKME, n_most: int) -> list[tuple[str, RKME]]:
    """Return learnwares of the same space with labels, as digests and points, those of similar data first.

    Parameters
    ----------
    index : Index
        Brought up to date where that takes no time to speak of.
    store : Store
    rkme : RKME
        Of the new one, which may be among them.
    n_most : int
        At most so many.
    """
    behind = index.behind()
    if _PENDING < behind <= _FAR_BEHIND:
        index.snapshot()
        behind = 0
    generation = store.generation()
    changes = store.changes(generation - min(behind, _PENDING))
    nobody: dict[int, Entry] = {}
    known = index.ask_latest(lambda snapshot: _near(snapshot, rkme), nobody)
    known.update((entry.number, entry) for entry in store.entries(changes.stored).values())
    told = [(e.digest, e.specification.statistical) for e in known.values()]
    labelled = [(digest, r) for digest, r in told if r is not None and r.labels and r.space.key == rkme.space.key]
    order = _by_moments(rkme, [r for _, r in labelled])
    return [labelled[i] for i in islice(order, n_most)]


def _near(snapshot: Snapshot, rkme: RKME) -> dict[int, Entry]:
    for island in snapshot.islands:
        if island.shelf.space_key == rkme.space.key:
            numbers = island.numbers[_nearest(island, rkme)].tolist()
            members = island.source.members.get(numbers, island.space)
            return {number: member.entry for number, member in members.items()}
    return {}


def _nearest(island: Island, rkme: RKME) -> npt.NDArray[np.intp]:
    space, frame, features = island.ruler
    sketch = features.mean(frame.apply(rkme.aligned_to(space).points), rkme.weights).astype(np.float32)
    away = np.where(island.present, island.self_products - 2.0 * island.products(sketch), np.inf)
    near = np.argpartition(away, _NEAR)[:_NEAR] if len(away) > _NEAR else np.arange(len(away))
    return np.asarray(near[np.isfinite(away[near])])


def _by_moments(rkme: RKME, others: list[RKME]) -> npt.NDArray[np.intp]:
    """Sort others by how near the means and deviations of their columns are: that needs no frame."""
    if not others:
        return np.empty(0, np.intp)
    own = _moments(rkme)
    told = np.array([_moments(other.aligned_to(rkme.space)) for other in others])
    scale = np.maximum(np.median(told[:, 1], axis=0), own[1])
    away = (told - own) / np.where(scale > 0, scale, 1.0)
    return np.argsort(np.einsum("nij,nij->n", away, away), kind="stable")


def _moments(rkme: RKME) -> npt.NDArray[np.float64]:
    mean = rkme.weights @ rkme.points
    return np.array([mean, np.sqrt(rkme.weights @ (rkme.points - mean) ** 2)])
