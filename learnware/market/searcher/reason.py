"""Why a search found nothing, in words that say what to change."""

from __future__ import annotations

import numpy as np

from learnware.errors import IncomparableSpaces
from learnware.market.organizer.island import Island, Mask
from learnware.market.searcher.candidates import Candidates
from learnware.market.searcher.semantic import matches_tags
from learnware.specification import Space, Specification

_TAGS = ("data", "task", "library", "license", "scenarios")


def why_nothing(allowed: Candidates, specification: Specification, words: str) -> str:
    """Say which tags or words left no learnware to look at."""
    snapshot, semantic = allowed.snapshot, specification.semantic
    seen = [(island, _visible(allowed, island)) for island in snapshot.islands]
    n_seen = sum(int(mask.sum()) for _, mask in seen)
    if not n_seen:
        return "The market is empty."
    groups = {group for island, mask in seen for group in np.unique(island.groups[mask]).tolist()}
    if not any(matches_tags(semantic, snapshot.groups[group]) for group in groups):
        said = ", ".join(f"{tag}={value!r}" for tag, value in semantic.said().items() if tag in _TAGS)
        return f"None of the {n_seen} learnwares has the tags {said}. Leave some of them out."
    return f"No learnware with these tags matches the words {words!r}. Try fewer or other words."


def why_no_island(allowed: Candidates, space: Space) -> str:
    """Say how the columns of the most similar learnwares differ from the user's."""
    visible = (island for island in allowed.snapshot.islands if _visible(allowed, island).any())
    others = [island.space for island in visible if island.space is not None]
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


def _visible(allowed: Candidates, island: Island) -> Mask:
    """Tell which rows whoever asks may know of."""
    mask = island.present.copy()
    mask[island.rows_of(allowed.hidden)] = False
    return mask
