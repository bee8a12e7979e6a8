"""Who votes on the frame of an island, and when it is estimated anew."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from learnware.specification import Frame

#: Up to this many learnwares all of them vote on the frame, and it is estimated anew whenever they change.
ALL_VOTE = 256

#: Of more than these, so many vote, evenly spaced among them.
MOST_VOTERS = 1024

# A new estimate within this is kept out: every sketch would be made again, and hardly any distance would change.
_LIKE = 0.1


def voters(size: int) -> npt.NDArray[np.intp]:
    """Return which of the first `size` members vote."""
    return np.linspace(0, size - 1, min(size, MOST_VOTERS)).astype(np.intp)


def milestones(before: int, after: int) -> Iterator[int]:
    """Yield the sizes at which a growing island estimates its frame anew: where all vote last, and at each doubling."""
    size = ALL_VOTE
    while size <= after:
        if before < size:
            yield size
        size *= 2


def alike(frame: Frame, other: Frame) -> bool:
    """Tell whether two frames measure nearly alike."""
    moved = np.abs(frame.location - other.location) / frame.scale
    ratios = np.append(other.scale / frame.scale, other.kernel.gammas[0] / frame.kernel.gammas[0])
    return bool(moved.max(initial=0.0) <= _LIKE and np.abs(np.log(ratios)).max() <= _LIKE)
