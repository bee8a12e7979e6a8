"""Tags: an exact mask over learnwares."""

from __future__ import annotations

from collections import Counter

import numpy as np

from learnware.market.organizer import Snapshot
from learnware.specification import SemanticSpecification


def matches_tags(query: SemanticSpecification, candidate: SemanticSpecification) -> bool:
    """Tell whether a candidate carries every tag that the query asks for.

    Data, task, library and licence must be equal and scenarios must have one in common; a tag that the query does not
    say means "any". A tag that the candidate does not say is no answer to a query that asks for it.

    Parameters
    ----------
    query, candidate : SemanticSpecification

    Examples
    --------
    >>> from learnware.specification import SemanticSpecification
    >>> shop = SemanticSpecification(task="regression", scenarios=["Business", "Nature"])
    >>> matches_tags(SemanticSpecification(scenarios="Business"), shop)
    True
    >>> matches_tags(SemanticSpecification(task="classification"), shop)
    False
    """
    for tag in ("data", "task", "library", "license"):
        wanted = getattr(query, tag)
        if wanted is not None and wanted != getattr(candidate, tag):
            return False
    return not query.scenarios or not set(query.scenarios).isdisjoint(candidate.scenarios)


def n_by_task(snapshot: Snapshot) -> dict[str, int]:
    """Return how many learnwares there are for each task, most first; those that do not say count as "Others"."""
    counted: Counter[str] = Counter()
    for island in snapshot.islands:
        groups, counts = np.unique(island.groups[island.present], return_counts=True)
        for group, count in zip(groups.tolist(), counts.tolist(), strict=True):
            counted[snapshot.groups[group].task or "Others"] += count
    return dict(counted.most_common())
