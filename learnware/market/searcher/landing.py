"""What one island answers to a user."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from learnware.market.organizer.island import Rows
from learnware.market.organizer.members import Member
from learnware.market.result import Evidence, Verdict
from learnware.market.searcher.candidates import Candidates
from learnware.market.searcher.duplicates import Folding
from learnware.market.searcher.loss import Judgement, estimate_losses
from learnware.market.searcher.mixture import Blend, mix
from learnware.market.searcher.statistical import Floats, Neighbours, Scan, measured
from learnware.market.searcher.verdict import judge


@dataclass(frozen=True)
class Ranked:
    """Some learnwares in the order of the answer.

    Attributes
    ----------
    block : ndarray of int
        Their rows in the order of their sketches.
    near : Neighbours
        Those of the least estimated loss first, else the nearest; none of them near-duplicates.
    losses : ndarray of shape (n_near,)
    """

    block: Rows
    near: Neighbours
    losses: Floats

    @classmethod
    def by(cls, judgement: Judgement, near: Neighbours, block: Rows) -> Ranked:
        """Rank learnwares by what is thought of them."""
        return cls(block, near[judgement.order], judgement.losses[judgement.order])


@dataclass(frozen=True)
class Landing:
    """What one island answers.

    Attributes
    ----------
    allowed : Candidates
    scan : Scan
        The island as the user sees it.
    folding : Folding
        Knows which learnwares are near-duplicates.
    first : Ranked
        The first block of the answer.
    blend : Blend
    verdict : str
    evidence : Evidence
    duplicates : bool
        Whether near-duplicates are hits of their own.
    """

    allowed: Candidates
    scan: Scan
    folding: Folding
    first: Ranked
    blend: Blend
    verdict: Verdict
    evidence: Evidence
    duplicates: bool

    @property
    def n_columns(self) -> int:
        """An island of fewer columns is matched more easily, and tells less."""
        return len(self.scan.island.ruler[0].columns)

    def blocks(self) -> Iterator[Rows]:
        """Yield the rows of the answer in blocks, which are the same whatever part of the answer is asked for."""
        return self.folding.blocks()

    def n_hits(self, block: Rows) -> int:
        """Return how many hits a block is."""
        copies = self.folding.copies if self.duplicates else {}
        return len(block) + sum(len(copies.get(row, ())) for row in block.tolist())

    def ranked(self, block: Rows) -> Ranked:
        """Measure and rank the learnwares of a block among themselves."""
        if np.array_equal(block, self.first.block):
            return self.first
        near = measured(self.scan, block)
        return Ranked.by(estimate_losses(self.allowed.snapshot.hearing, self.scan, near), near, block)

    def copies_of(self, row: int) -> list[Member]:
        """Return the near-duplicates that a learnware stands for, the earliest first."""
        rows = self.folding.copies.get(row)
        return [] if rows is None else self.scan.island.known(rows)[1]

    def measured_copies_of(self, row: int) -> Neighbours:
        """Return them with their distances, the nearest first."""
        return measured(self.scan, self.folding.copies.get(row, np.empty(0, np.intp)))


def land(allowed: Candidates, scan: Scan, mixture_size: int, duplicates: bool) -> Landing | None:
    """Rank the learnwares of an island for a user.

    Parameters
    ----------
    allowed : Candidates
    scan : Scan
        The island as the user sees it.
    mixture_size : int
        At most so many members of the mixture.
    duplicates : bool
        Whether near-duplicates are to be listed.

    Returns
    -------
    Landing or None
        None if all have gone from the store since the snapshot.
    """
    folding = Folding(scan, allowed.snapshot)
    measuring = ((block, measured(scan, block)) for block in folding.blocks())
    block, near = next((both for both in measuring if len(both[1].rows)), (None, None))
    if block is None or near is None:
        return None
    judgement = estimate_losses(allowed.snapshot.hearing, scan, near)
    useful = folding.unfolded()
    useful[near.rows[judgement.useless]] = False
    blend = mix(scan, useful, near[~judgement.useless], mixture_size)
    verdict, evidence = judge(scan, blend)
    first = Ranked.by(judgement, near, block)
    return Landing(allowed, scan, folding, first, blend, verdict, evidence, duplicates)
