"""Whether two learnwares are all but the same, by their data and by what they answer there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from learnware.kernels import inner_products
from learnware.market.organizer import Answers, Island
from learnware.market.organizer.capability import askable, comparable, probes_of, usable
from learnware.market.organizer.island import Mask, Rows
from learnware.market.organizer.members import Member
from learnware.market.searcher.peers import closeness
from learnware.specification import PointLabels

#: Two mean embeddings of no larger squared distance count as one. Points moved by 2 % of the scale of their column, or
#: a reduced set made again from the same rows, come to 1e-4 at most; other samples of the same distribution, of
#: thousands of rows, to 2e-3 at least (digits, wine, breast cancer, drawn tables).
SAME_DATA = 5e-4
#: Answers that differ by no more count as one: a share of probability, or of the variance of values.
SAME_CLASSES, SAME_VALUES = 0.05, 0.01

#: Sketches of embeddings that are near tell their squared distance but for a factor of so much.
MOST_OFF = 2.0

# So many are compared at once, which bounds the memory.
_AT_ONCE = 64

Floats = npt.NDArray[np.float64]


class Agreement:
    """Compares members of an island.

    Parameters
    ----------
    island : Island
    answers : Answers
        What their models answered at each other's points, as far as they were asked.
    """

    def __init__(self, island: Island, answers: Answers) -> None:
        self._island = island
        self._answers = answers
        self._own: dict[int, Floats] = {}

    def alike(self, one: Member, others: Sequence[Member], by_sketch: Floats) -> Mask:
        """Tell which others are all but the same as one.

        Their embeddings are, and each answers at the points of the other as that one does: as it was asked, and
        otherwise as it says of its own points. Learnwares that do not say what they answer must at least be for the
        same task, with as many outputs.

        Parameters
        ----------
        one : Member
        others : sequence of Member
        by_sketch : ndarray of shape (n_others,)
            Squared distances of their sketches, which decide where they are far from `SAME_DATA`; elsewhere the exact
            ones do.
        """
        near = by_sketch <= SAME_DATA / MOST_OFF
        doubtful = np.flatnonzero(~near & (by_sketch <= SAME_DATA * MOST_OFF))
        for start in range(0, len(doubtful), _AT_ONCE):
            here = doubtful[start : start + _AT_ONCE]
            near[here] = self._near(one, [others[i] for i in here])
        return np.array([bool(n) and self._answer_alike(one, o) for n, o in zip(near, others, strict=True)])

    def _near(self, one: Member, others: Sequence[Member]) -> Mask:
        island = self._island
        points, weights = island.framed([one, *others])
        products = inner_products(island.ruler[1].kernel, points, weights, points[0], weights[0])
        numbers = np.array([member.entry.number for member in (one, *others)])
        own = island.self_products[np.searchsorted(island.numbers, numbers)].astype(np.float64)
        return np.asarray((own[0] + own - 2.0 * products <= SAME_DATA)[1:])

    def _answer_alike(self, one: Member, other: Member) -> bool:
        if one.entry.digest == other.entry.digest:
            return True
        mine, theirs = one.embedding.labels, other.embedding.labels
        if mine is None or theirs is None:
            return mine is theirs and _purpose(one) == _purpose(other)
        if not comparable(mine, theirs) or mine.classes != theirs.classes:
            return False
        if not usable(mine.values) or not usable(theirs.values):
            return False
        return self._agrees(one, mine, other, theirs) and self._agrees(other, theirs, one, mine)

    def _agrees(self, host: Member, labels: PointLabels, guest: Member, guests: PointLabels) -> bool:
        """Tell whether a guest answers at the points of a host as the host does."""
        rows, shares = probes_of(host.embedding)
        asked = askable(host.embedding)
        said = self._answers.at(guest.entry.digest, host.entry.digest, guests, len(rows)) if asked else None
        if said is not None:
            told = self._answers.outputs(host.entry.digest, labels, rows)
            if labels.classes is not None:
                return bool(shares @ (told.argmax(axis=1) != said) <= SAME_CLASSES)
            return _same_values(told, said.astype(np.float64), shares)
        if host.entry.number not in self._own:
            self._own[host.entry.number] = self._claimed(host, labels, host, rows)
        told, claimed = self._own[host.entry.number], self._claimed(guest, guests, host, rows)
        if labels.classes is not None:
            return bool(0.5 * shares @ np.abs(told - claimed).sum(axis=1) <= SAME_CLASSES)
        return _same_values(told, claimed, shares)

    def _claimed(self, member: Member, labels: PointLabels, host: Member, rows: Rows) -> Floats:
        """Return what a learnware would answer at points of a host, by what it says at its own."""
        frame = self._island.ruler[1]
        points, weights = member.framed(frame)
        near = closeness(self._island, host.framed(frame)[0][rows], points) * weights + 1e-12 * weights
        return np.asarray((near @ labels.values) / near.sum(axis=1, keepdims=True))


def _same_values(told: Floats, said: Floats, shares: Floats) -> bool:
    away, spread = shares @ (told - said) ** 2, shares @ (told - shares @ told) ** 2
    return bool((away <= SAME_VALUES * spread).all())


def _purpose(member: Member) -> tuple[str | None, int | None]:
    semantic = member.entry.specification.semantic
    return semantic.task, None if semantic.outputs is None else semantic.outputs.dimension
