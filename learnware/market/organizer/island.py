"""A specification island: learnwares whose points live in one space, measured in one frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from learnware._once import once
from learnware.kernels import RandomFeatures
from learnware.market.organizer.columns import Columns
from learnware.market.organizer.members import Member, Members
from learnware.market.organizer.shelf import Shelf
from learnware.market.organizer.sketches import Singles
from learnware.specification import Frame, Space

_MEMBERS_FOR_SPREAD = 64

Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


class Ruler(NamedTuple):
    """What members of an island are measured with.

    Attributes
    ----------
    space : Space
        The order of columns is that of the first member.
    frame : Frame
    features : RandomFeatures
        What sketches are made of.
    """

    space: Space
    frame: Frame
    features: RandomFeatures


class Source(Protocol):
    """Where an island has its content from: a `Volume`."""

    members: Members

    def columns(self, shelf: Shelf) -> Columns:
        """Return what is known of each row."""

    def space(self, shelf: Shelf) -> Space | None:
        """Return the space of the members."""

    def ruler(self, shelf: Shelf) -> Ruler | None:
        """Return what they are measured with."""


@dataclass(frozen=True, eq=False)
class Island:
    """The learnwares of one space as of one generation; it never changes.

    Rows stand for revisions of learnwares, in the order in which they came. Learnwares without points have an island
    too, without space and frame.

    Attributes
    ----------
    source : Source
        Of its content, which is read when it is needed first.
    shelf : Shelf
    generation : int
        That of the store, as of which this is the island.
    opened : Columns or None
        What is known of each row, if that was open already.
    """

    source: Source
    shelf: Shelf
    generation: int
    opened: Columns | None = None

    def __len__(self) -> int:
        return self.shelf.n_rows

    @property
    def columns(self) -> Columns:
        """What is known of each row."""
        return self.opened or self.source.columns(self.shelf)

    @property
    def space(self) -> Space | None:
        """The space of its members; None for learnwares without points."""
        return self.source.space(self.shelf)

    @property
    def numbers(self) -> npt.NDArray[np.int64]:
        """The number of each row's revision, ascending."""
        return self.columns.numbers[: len(self)]

    @property
    def groups(self) -> npt.NDArray[np.int32]:
        """The group of tags that each row belongs to."""
        return self.columns.groups[: len(self)]

    @property
    def self_products(self) -> Singles:
        """Squared norms of the mean embeddings."""
        return self.columns.self_products[: len(self)]

    @once
    def ruler(self) -> Ruler:
        """What members are measured with, of an island that has a space."""
        ruler = self.source.ruler(self.shelf)
        if ruler is None:
            raise TypeError("learnwares without points cannot be measured")
        return ruler

    @once
    def present(self) -> Mask:
        """Tell which rows were there in this generation."""
        # A row that dies later is marked in place, with the generation of its death.
        died = self.columns.died[: len(self)]
        return np.asarray((died == 0) | (died > self.generation))

    def rows_of(self, numbers: npt.NDArray[np.int64]) -> Rows:
        """Return the rows of some revisions; those of other islands are passed over."""
        rows = np.searchsorted(self.numbers, numbers)
        rows = rows[rows < len(self)]
        return np.asarray(rows[np.isin(self.numbers[rows], numbers)])

    def products(self, vector: Singles) -> Singles:
        """Return the inner products of all sketches with a vector."""
        return self.columns.sketches.products(len(self), vector)

    def products_with(self, vectors: Singles) -> Singles:
        """Return the inner products of all sketches with several vectors, of shape (n_vectors, n_rows)."""
        return self.columns.sketches.products_with(len(self), vectors)

    def sketches(self, rows: Rows) -> Singles:
        """Return the sketches of some rows."""
        return self.columns.sketches.rows(rows)

    def known(self, rows: Rows) -> tuple[Rows, list[Member]]:
        """Return the learnwares at some rows, without those that have gone from the store meanwhile."""
        numbers = self.numbers[rows].tolist()
        found = self.source.members.get(numbers, self.space)
        here = [i for i, number in enumerate(numbers) if number in found]
        return rows[here], [found[numbers[i]] for i in here]

    def framed(self, members: Sequence[Member]) -> tuple[Singles, Singles]:
        """Return the framed points (n, K, d) and weights (n, K) of members; short ones are padded with weight 0."""
        space, frame, _ = self.ruler
        each = [member.framed(frame) for member in members]
        width = max((len(weights) for _, weights in each), default=0)
        points = np.zeros((len(each), width, space.n_features), np.float32)
        weights = np.zeros((len(each), width), np.float32)
        for i, (own, shares) in enumerate(each):
            points[i, : len(shares)], weights[i, : len(shares)] = own, shares
        return points, weights

    def spread(self, rows: Rows) -> float:
        """Median MMD between some members, by the sketches of the first few; NaN when there is just one."""
        sketches = self.sketches(rows[:_MEMBERS_FOR_SPREAD]).astype(np.float64)
        if len(sketches) < 2:
            return float("nan")
        own = np.einsum("ij,ij->i", sketches, sketches)
        squared = own[:, None] + own - 2.0 * sketches @ sketches.T
        return float(np.sqrt(np.median(np.maximum(squared[np.triu_indices(len(own), 1)], 0.0))))
