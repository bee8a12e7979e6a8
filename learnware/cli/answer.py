"""What a command answers, and how it is laid out for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

OK, REFUSED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True)
class Answer:
    """What a command has to say.

    Parameters
    ----------
    text : str
        For people.
    content : dict
        For programs; its keys are stable.
    code : int, default=0
        Exit code.
    """

    text: str
    content: dict[str, Any]
    code: int = OK


def shown(text: str) -> str:
    """Return text without what a terminal would act upon: strangers write titles, and models write errors."""
    return "".join(
        c if c.isprintable() or c == "\n" else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def number(value: float | None) -> str:
    """Return a number as a cell of a table, empty for None."""
    return "" if value is None else f"{value:.3f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with columns of equal width; a cell is one line, or it could pass for further rows."""
    lines = [list(head), *([shown(cell).replace("\n", " ") for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
