"""Explain what a search has found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from learnware.errors import IncomparableSpaces
from learnware.market.explanation.explaining import explain
from learnware.market.explanation.explanation import Explanation

if TYPE_CHECKING:
    from learnware.market.result import Hit


def explain_hits(hits: Sequence[tuple[Hit, float]]) -> Explanation:
    """Explain how hits of one search, with weights that sum to one, relate to what was searched for.

    Raises
    ------
    IncomparableSpaces
        They were found by words alone, or one has no points.
    NoLearnwares
        One is not tied to a market.
    """
    query = hits[0][0].query
    if query is None:
        raise IncomparableSpaces(
            f"{hits[0][0]!r} was found by words alone, so there are no points to compare it with. Search with "
            "Specification.from_data(X) first."
        )
    members = []
    for hit, weight in hits:
        points = hit.specification.statistical
        if points is None:
            raise IncomparableSpaces(f"{hit!r} has a specification of words only, which cannot be compared with data.")
        members.append((hit.name, weight, points))
    return explain(query, members)
