"""What a command answers, and how it is laid out for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

OK, REFUSED, WRONG_USE = 0, 1, 2


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


def number(value: float | None) -> str:
    """Return a number as a cell of a table, empty for None."""
    return "" if value is None else f"{value:.3f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with columns of equal width."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
