"""Learnwares with the same tags, so that a question about tags is asked once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from learnware.specification import SemanticSpecification

_Tags: TypeAlias = tuple[object, ...]


class TagGroups:
    """The groups that the learnwares of a market form by their tags.

    Examples
    --------
    >>> from learnware.specification import SemanticSpecification
    >>> groups = TagGroups()
    >>> groups.add("a", SemanticSpecification("Sales", task="regression"))
    0
    >>> groups.add("b", SemanticSpecification("Prices", task="regression"))
    0
    >>> groups.chosen(lambda semantic: semantic.task == "Regression")
    frozenset({0})
    """

    def __init__(self) -> None:
        self._numbers: dict[_Tags, int] = {}
        self._told: list[SemanticSpecification] = []
        self._sizes: list[int] = []
        self._of: dict[str, int] = {}

    def __getitem__(self, learnware_id: str) -> int:
        return self._of[learnware_id]

    def __iter__(self) -> Iterator[int]:
        """Iterate over the groups that have a member."""
        return (number for number, size in enumerate(self._sizes) if size)

    def add(self, learnware_id: str, semantic: SemanticSpecification) -> int:
        """Put a learnware into its group and return the number of that."""
        tags = (semantic.data, semantic.task, semantic.library, semantic.license, semantic.scenarios)
        number = self._numbers.setdefault(tags, len(self._told))
        if number == len(self._told):
            self._told.append(semantic)
            self._sizes.append(0)
        self._sizes[number] += 1
        self._of[learnware_id] = number
        return number

    def remove(self, learnware_id: str) -> None:
        """Forget a learnware."""
        self._sizes[self._of.pop(learnware_id)] -= 1

    def chosen(self, wanted: Callable[[SemanticSpecification], bool]) -> frozenset[int]:
        """Return the groups whose tags are wanted; of the words only the tags may be looked at."""
        return frozenset(number for number in self if wanted(self._told[number]))
