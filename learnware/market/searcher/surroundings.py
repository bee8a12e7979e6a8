"""Where the learnwares around a specification lie, for a map of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learnware.market.organizer import Island, Snapshot
from learnware.market.organizer.island import Rows
from learnware.market.organizer.sketches import Singles
from learnware.market.searcher.statistical import Floats, Query
from learnware.specification import RKME


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Learnwares of one island by their sketches, whose Euclidean distance is about the MMD.

    Attributes
    ----------
    ids : list of str
    sketches : ndarray of shape (n_learnwares, N_SKETCH)
    own : ndarray of shape (N_SKETCH,)
        The specification that was asked about.
    """

    ids: list[str]
    sketches: npt.NDArray[np.float64]
    own: npt.NDArray[np.float64]


def surroundings(snapshot: Snapshot, rkme: RKME, n_most: int, hidden: Collection[str] = ()) -> Surroundings | None:
    """Return at most `n_most` learnwares of the island that a specification falls on, half of them the nearest.

    The others are spread evenly over the rest, so that a map shows where the nearest ones stand among all. Of several
    islands the one with the most columns is taken. None where there is nothing to compare with.
    """
    islands = sorted(snapshot.islands_for(rkme.space), key=lambda island: -len(island.ruler[0].columns))
    unseen = snapshot.numbers_of(hidden)
    for island in islands:
        mask = island.present.copy()
        mask[island.rows_of(unseen)] = False
        if mask.any():
            sketch = Query.on(island, rkme).sketch
            rows = _around(island, sketch, np.flatnonzero(mask), n_most)
            ids = snapshot.store.ids_of(island.numbers[rows].tolist())
            rows = rows[[int(number) in ids for number in island.numbers[rows]]]
            return Surroundings(list(ids.values()), island.sketches(rows).astype(float), sketch.astype(float))
    return None


def _around(island: Island, sketch: Singles, rows: Rows, n_most: int) -> Rows:
    if len(rows) <= n_most:
        return rows
    away = island.self_products[rows] - 2.0 * island.products(sketch)[rows]
    order = np.argsort(away, kind="stable")
    near, rest = order[: n_most // 2], order[n_most // 2 :]
    spread = rest[np.linspace(0, len(rest) - 1, n_most - len(near)).astype(int)]
    return np.sort(rows[np.concatenate([near, spread])])


def principal_plane(sketches: Floats) -> Floats:
    """Return the first two principal components, 0 where there are fewer."""
    centred = sketches - sketches.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    plane = np.zeros((len(sketches), 2))
    projected = centred @ axes[:2].T
    plane[:, : projected.shape[1]] = projected
    return plane
