"""Why a search found nothing, in words that say what to change."""

from __future__ import annotations

from collections.abc import Collection

from learnware.errors import IncomparableSpaces
from learnware.market.organizer import Index
from learnware.market.searcher.semantic import matches_tags
from learnware.specification import Space, Specification

_TAGS = ("data", "task", "library", "license", "scenarios")


def why_nothing(index: Index, specification: Specification, words: str, hidden: Collection[str] = ()) -> str:
    """Say which tags or words left no learnware to look at."""
    seen = [candidate for learnware_id, candidate in index.semantic() if learnware_id not in hidden]
    if not seen:
        return "The market is empty."
    semantic = specification.semantic
    if not any(matches_tags(semantic, candidate) for candidate in seen):
        said = ", ".join(f"{tag}={value!r}" for tag, value in semantic.said().items() if tag in _TAGS)
        return f"None of the {len(seen)} learnwares has the tags {said}. Leave some of them out."
    return f"No learnware with these tags matches the words {words!r}. Try fewer or other words."


def why_no_island(index: Index, space: Space, hidden: Collection[str] = ()) -> str:
    """Say how the columns of the most similar learnwares differ from the user's."""
    others = [island.space for island in index.islands() if any(i not in hidden for i in island.ids)]
    if not others:
        return "No learnware has a statistical specification."
    mine = set(space.names)
    nearest = max(others, key=lambda other: (len(mine & set(other.names)), -abs(len(mine) - len(other.names))))
    missing = [name for name in nearest.names if name not in mine]
    if nearest.named and space.named and missing:
        shown = ", ".join(map(repr, missing[:8])) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        return (
            f"No learnware takes a table with these columns. The most similar ones need the column(s) {shown} as well; "
            "if you have them under another name, rename them."
        )
    try:
        nearest.coordinates_in(space, surplus=True)
    except IncomparableSpaces as error:
        return f"No learnware takes a table with these columns. {error}"
    return "The learnwares with these columns do not have the tags or words asked for. Leave some of them out."
