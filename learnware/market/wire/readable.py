"""Text of a stranger, fit to be shown."""

from __future__ import annotations

#: More characters than these are a few pages, and nobody's message.
MOST_TEXT = 8_000


def readable(text: object) -> str:
    """Return text without what a terminal would act upon, and no more than `MOST_TEXT` of it; "" for what is no text.

    Examples
    --------
    >>> readable("No" + chr(27) + "[2J."), readable(None)
    ('No [2J.', '')
    """
    if not isinstance(text, str):
        return ""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text[:MOST_TEXT])
