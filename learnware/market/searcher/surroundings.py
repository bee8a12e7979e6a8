"""Where the learnwares around a specification lie, for a map of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learnware.market.organizer import Index, Island
from learnware.market.searcher.statistical import Query
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


def surroundings(index: Index, rkme: RKME, n_most: int, hidden: Collection[str] = ()) -> Surroundings | None:
    """Return at most `n_most` learnwares of the island that a specification falls on, half of them the nearest.

    The others are spread evenly over the rest, so that a map shows where the nearest ones stand among all. Of several
    islands the one with the most columns is taken. None where there is nothing to compare with.
    """
    islands = sorted(index.islands_for(rkme.space), key=lambda island: -len(island.space.columns))
    for island in islands:
        rows = np.array([row for row, i in enumerate(island.ids) if i not in hidden], dtype=np.intp)
        if len(rows):
            return _around(island, Query.on(island, rkme).sketch.astype(np.float64), rows, n_most)
    return None


def _around(island: Island, own: npt.NDArray[np.float64], rows: npt.NDArray[np.intp], n_most: int) -> Surroundings:
    sketches = island.sketches[rows].astype(np.float64)
    if len(rows) > n_most:
        order = np.argsort(((sketches - own) ** 2).sum(axis=1), kind="stable")
        near, rest = order[: n_most // 2], order[n_most // 2 :]
        spread = rest[np.linspace(0, len(rest) - 1, n_most - len(near)).astype(int)]
        kept = np.sort(np.concatenate([near, spread]))
        rows, sketches = rows[kept], sketches[kept]
    return Surroundings([island.ids[row] for row in rows], sketches, own)
