"""Bar charts of an overview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from learnware.server.pages.pictures.svg import number, picture, text

_MOST_NAMES = 20
_WIDTH, _HEIGHT, _FOOT = 420.0, 150.0, 22.0
_LEFT, _ROW = 125.0, 26.0


def day_bars(per_day: Sequence[tuple[date, int]], *, title: str) -> str:
    """Draw one bar a day, the latest on the right.

    Parameters
    ----------
    per_day : sequence of (date, int)
        The oldest first.
    title : str
    """
    shown = list(per_day)
    most = max((n for _, n in shown), default=0) or 1
    room = _HEIGHT - _FOOT - 14
    # A handful of days must not become a wall of colour.
    step = min(_WIDTH / max(len(shown), 1), 36.0)
    bars = "".join(
        f'<rect x="{number(i * step + step * 0.1)}" y="{number(_HEIGHT - _FOOT - max(room * n / most, 1))}" '
        f'width="{number(step * 0.8)}" height="{number(max(room * n / most, 1))}"><title>{day.isoformat()}: {n}</title>'
        "</rect>"
        for i, (day, n) in enumerate(shown)
    )
    ends = ""
    if shown:
        ends = f'<text x="0" y="{number(_HEIGHT - 6)}">{shown[0][0].isoformat()}</text>'
        if len(shown) * step > 200:
            ends += (
                f'<text x="{number(len(shown) * step)}" y="{number(_HEIGHT - 6)}" text-anchor="end">'
                f"{shown[-1][0].isoformat()}</text>"
            )
        ends += f'<text x="0" y="10">{most}</text>'
    return picture("days", _WIDTH, _HEIGHT, title, bars + ends)


def named_bars(amounts: Mapping[str, int], *, title: str) -> str:
    """Draw one bar a name, the longest first.

    Parameters
    ----------
    amounts : mapping of str to int
    title : str
    """
    ranked = sorted(amounts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_NAMES]
    most = max((n for _, n in ranked), default=0) or 1
    rows = []
    for i, (name, n) in enumerate(ranked):
        top, width = i * _ROW, (_WIDTH - _LEFT - 50) * n / most
        rows.append(
            f'<text class="name" x="{number(_LEFT - 10)}" y="{number(top + 17)}" text-anchor="end">'
            f"{text(name, 22)}</text>"
            f'<rect x="{number(_LEFT)}" y="{number(top + 4)}" width="{number(max(width, 1))}" height="18"/>'
            f'<text x="{number(_LEFT + width + 6)}" y="{number(top + 17)}">{n}</text>'
        )
    return picture("names", _WIDTH, max(len(ranked), 1) * _ROW, title, "".join(rows))
