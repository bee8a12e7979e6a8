"""Learnwares with the same tags, so that a question about tags is asked once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from learnware.specification import SemanticSpecification


def tags_of(semantic: SemanticSpecification) -> SemanticSpecification:
    """Return what a learnware says of itself, without its name and description.

    Examples
    --------
    >>> from learnware.specification import SemanticSpecification
    >>> tags_of(SemanticSpecification("Sales", task="regression")) == SemanticSpecification(task="regression")
    True
    """
    return SemanticSpecification(
        data=semantic.data,
        task=semantic.task,
        library=semantic.library,
        scenarios=semantic.scenarios,
        license=semantic.license,
    )


def chosen(groups: Mapping[int, SemanticSpecification], wanted: Callable[[SemanticSpecification], bool]) -> list[int]:
    """Return the numbers of the groups whose tags are wanted."""
    return [number for number, tags in groups.items() if wanted(tags)]
