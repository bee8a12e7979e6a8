"""What is believed of the error of a reduced set."""

from __future__ import annotations

from learnware.specification import RKME

#: A learnware may say of its reduced set any error it likes; no more than this is believed.
MOST_ERROR = 0.05


def believed_error(rkme: RKME) -> float:
    """Return the squared MMD that reducing to points has made, as far as it is believed."""
    return min(rkme.squared_error, MOST_ERROR)
