"""One strip a column: where the weighted points of a table's specification lie."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from learnware.server.pages.pictures.svg import amount, number, picture, text
from learnware.specification import RKME
from learnware.specification.encoders import decode_points
from learnware.specification.space import Column, Space

Array = npt.NDArray[np.float64]

#: Wider tables have no strips: nobody reads that many.
MOST_COLUMNS = 24

_MOST_POINTS = 60
_MOST_CATEGORIES = 6
_WIDTH, _ROW, _LEFT, _RIGHT = 560.0, 30.0, 150.0, 10.0
_SPAN = _WIDTH - _LEFT - _RIGHT


def column_strips(rkme: RKME, *, title: str) -> str | None:
    """Draw a strip for every column of a table.

    Numbers and times are ticks, darker where they weigh more, over the range of nearly all of the weight; a category
    is a bar, divided as its values share the weight.

    Parameters
    ----------
    rkme : RKME
    title : str

    Returns
    -------
    str or None
        None where the points are not of a table, or of one with more than 24 columns.
    """
    space = rkme.space
    if not space.decodable or len(space.columns) > MOST_COLUMNS:
        return None
    rows = [_strip(rkme, i, column) for i, column in enumerate(space.columns)]
    return picture("strips", _WIDTH, _ROW * len(rows) + 4, title, "".join(rows))


def _strip(rkme: RKME, position: int, column: Column) -> str:
    top = _ROW * position
    name = text(rkme.space.names[position] if rkme.space.named else f"[{position}]", 20)
    label = f'<text class="name" x="{number(_LEFT - 10)}" y="{number(top + 17)}" text-anchor="end">{name}</text>'
    start = rkme.space.starts[position]
    block = rkme.points[:, start : start + column.n_coordinates]
    drawn = (
        _shares(block, rkme.weights, column, top)
        if column.kind == "category"
        else _ticks(block[:, 0], rkme.weights, column, top)
    )
    return label + drawn


def _ticks(values: Array, weights: Array, column: Column, top: float) -> str:
    low, high = _robust_range(values, weights)
    heaviest = np.argsort(-weights, kind="stable")[:_MOST_POINTS]
    share = np.clip((values[heaviest] - low) / (high - low), 0.0, 1.0) if high > low else np.full(len(heaviest), 0.5)
    places = np.round(_LEFT + _SPAN * share).astype(int)
    shades = np.digitize(weights[heaviest] / max(float(weights.max()), 1e-300), [0.25, 0.6])
    drawn = [f'<path class="axis" d="M{number(_LEFT)} {number(top + 18)}h{number(_SPAN)}"/>']
    drawn += [_comb(np.unique(places[shades == shade]), top, shade) for shade in range(3) if (shades == shade).any()]
    drawn.append(_end(low, column, _LEFT, top, "start"))
    if high > low:
        drawn.append(_end(high, column, _LEFT + _SPAN, top, "end"))
    return "".join(drawn)


def _comb(places: npt.NDArray[np.int_], top: float, shade: int) -> str:
    """Draw ticks of one shade as one path, each told by its distance from the one before it."""
    steps = "".join(f"m{step}-14v14" for step in np.diff(places))
    return f'<path class="tick{shade}" d="M{places[0]} {number(top + 4)}v14{steps}"/>'


def _end(value: float, column: Column, x: float, top: float, anchor: str) -> str:
    shown = _day(value) if column.kind == "time" else amount(value)
    return f'<text class="end" x="{number(x)}" y="{number(top + 28)}" text-anchor="{anchor}">{shown}</text>'


def _day(days: float) -> str:
    try:
        return (date(1970, 1, 1) + timedelta(days=float(days))).isoformat()
    except (OverflowError, ValueError):
        return amount(days)


def _robust_range(values: Array, weights: Array) -> tuple[float, float]:
    """Return the values between which lies all of the weight but one in a hundred on each side."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order]) / weights.sum()
    first, last = np.searchsorted(below, [0.01, 0.99])
    ordered = values[order]
    return float(ordered[first]), float(ordered[min(int(last), len(ordered) - 1)])


def _shares(block: Array, weights: Array, column: Column, top: float) -> str:
    decoded = np.asarray(decode_points(block, Space((column,), named=False)), dtype=object).reshape(-1)
    totals: dict[str, float] = {}
    for value, weight in zip(decoded, weights, strict=True):
        shown = str(value) or "–"
        totals[shown] = totals.get(shown, 0.0) + float(weight)
    ranked = sorted(totals.items(), key=lambda item: -item[1])
    rest = sum(weight for _, weight in ranked[_MOST_CATEGORIES:])
    shown_ones = ranked[:_MOST_CATEGORIES] + ([("…", rest)] if rest else [])
    drawn, x = [], _LEFT
    for i, (value, weight) in enumerate(shown_ones):
        width = _SPAN * weight
        drawn.append(_part(value, weight, x, width, top, i % 2))
        x += width
    return "".join(drawn)


def _part(value: str, weight: float, x: float, width: float, top: float, parity: int) -> str:
    rect = (
        f'<rect class="share{parity}" x="{number(x)}" y="{number(top + 4)}" width="{number(max(width - 1, 0.5))}" '
        f'height="18"><title>{text(value)}: {weight:.0%}</title></rect>'
    )
    # About six units a letter of this size; a name that does not fit is in the title.
    room = int((width - 8) / 6)
    if room < 2:
        return rect
    return rect + f'<text class="on{parity}" x="{number(x + 4)}" y="{number(top + 17)}">{text(value, room)}</text>'
