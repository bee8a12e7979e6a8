"""Tags: an exact mask over learnwares."""

from __future__ import annotations

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
