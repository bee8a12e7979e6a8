"""What one island answers to a user."""

from __future__ import annotations

from dataclasses import dataclass, field

from learnware.market.organizer.members import Member
from learnware.market.result import Evidence, Verdict
from learnware.market.searcher.candidates import Candidates
from learnware.market.searcher.duplicates import distinct
from learnware.market.searcher.loss import estimate_losses
from learnware.market.searcher.mixture import Blend, mix
from learnware.market.searcher.statistical import N_EXACT, Floats, Neighbours, Scan
from learnware.market.searcher.verdict import judge


@dataclass(frozen=True)
class Landing:
    """What one island answers.

    Attributes
    ----------
    near : Neighbours
        Those of the least estimated loss first, else the nearest; none of them near-duplicates.
    losses : ndarray of shape (n_near,)
    blend : Blend
    verdict : str
    evidence : Evidence
    n_columns : int
        An island of fewer columns is matched more easily, and tells less.
    copies : dict of int to list of Member
        By row, the near-duplicates that came later.
    listed : bool
        Whether these are hits of their own.
    """

    near: Neighbours
    losses: Floats
    blend: Blend
    verdict: Verdict
    evidence: Evidence
    n_columns: int
    copies: dict[int, list[Member]] = field(default_factory=dict)
    listed: bool = False


def land(allowed: Candidates, scan: Scan, n_wanted: int, mixture_size: int, duplicates: bool) -> Landing:
    """Rank the learnwares of an island for a user.

    Parameters
    ----------
    allowed : Candidates
    scan : Scan
        The island as the user sees it.
    n_wanted : int
        So many learnwares are ranked, if there are as many.
    mixture_size : int
        At most so many members of the mixture.
    duplicates : bool
        Whether near-duplicates are to be listed.
    """
    # Pages of one answer are cut from the same ranking as far as possible.
    n_exact = N_EXACT
    while n_exact < n_wanted:
        n_exact *= 2
    found = distinct(scan, n_exact, n_wanted)
    near = found.near
    judgement = estimate_losses(allowed.snapshot.hearing, scan, near)
    useful = found.mask.copy()
    useful[near.rows[judgement.useless]] = False
    blend = mix(scan, useful, near[~judgement.useless], mixture_size)
    order = judgement.order
    verdict, evidence = judge(scan, blend)
    n_columns = len(scan.island.ruler[0].columns)
    return Landing(near[order], judgement.losses[order], blend, verdict, evidence, n_columns, found.copies, duplicates)
