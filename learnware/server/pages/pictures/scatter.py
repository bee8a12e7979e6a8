"""Scatter plots: the points of one specification, and the learnwares of an island."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from learnware.server.pages.pictures.svg import number, picture, text

Array = npt.NDArray[np.float64]

#: Most points of a picture; of a specification, the heaviest.
MOST = 80

_WIDTH, _HEIGHT, _MARGIN = 480.0, 320.0, 20.0
# No difference of such numbers overflows.
_EDGE = 1e100
_MOST_LABELS, _LONGEST_LABEL = 14, 26

_Box: TypeAlias = tuple[float, float, float, float]


def point_cloud(plane: Array, weights: Array, *, title: str) -> str:
    """Draw weighted points, the area of each by its weight.

    Parameters
    ----------
    plane : ndarray of shape (n, 2)
        As `principal_plane` places them.
    weights : ndarray of shape (n,)
    title : str
    """
    heaviest = np.argsort(-weights, kind="stable")[:MOST]
    spots = _placed(plane)[heaviest]
    sizes = 2.0 + 9.0 * np.sqrt(weights[heaviest] / max(float(weights.max()), 1e-300))
    body = "".join(
        f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(size)}"/>'
        for (x, y), size in zip(spots, sizes, strict=True)
    )
    return picture("cloud", _WIDTH, _HEIGHT, title, body)


def island_map(
    ids: Sequence[str],
    names: Sequence[str],
    xy: Array,
    *,
    title: str,
    mine: Array | None = None,
    mine_title: str = "",
    chosen: Sequence[str] = (),
) -> str:
    """Draw learnwares by how alike their data are, each linked to its page.

    Parameters
    ----------
    ids, names : sequence of str
        The most important first: of many, the first are drawn.
    xy : ndarray of shape (n, 2)
    title : str
    mine : ndarray of shape (2,), optional
        Where the user's specification lies.
    mine_title : str, default=""
        What that is called.
    chosen : sequence of str, default=()
        Ids to stand out, as the hits of a search.
    """
    told = frozenset(chosen)
    order = range(min(len(ids), MOST))
    spots = _placed(xy if mine is None else np.vstack([xy, mine]))
    dots = [_dot(ids[i], names[i], spots[i], ids[i] in told) for i in reversed(order)]
    taken = [] if mine is None else [_box(spots[-1], mine_title, 8.0)]
    labels = _labels([(names[i] or ids[i][:8], spots[i]) for i in order], taken)
    if mine is not None:
        dots.append(_cross(spots[-1], mine_title))
    return picture("map", _WIDTH, _HEIGHT, title, "".join(dots) + labels)


def _labels(named: Sequence[tuple[str, Array]], taken: list[_Box]) -> str:
    """Write names beside their dots, as far as none covers another."""
    written: list[str] = []
    for name, spot in named:
        box = _box(spot, name, 6.5)
        if len(written) < _MOST_LABELS and not any(_overlap(box, other) for other in taken):
            taken.append(box)
            left = box[0] if _opens_right(spot) else box[2]
            anchor = "start" if _opens_right(spot) else "end"
            place = f'x="{number(left)}" y="{number(float(spot[1]) + 4)}" text-anchor="{anchor}"'
            written.append(f'<text class="label" {place}>{text(name, _LONGEST_LABEL)}</text>')
    return "".join(written)


def _opens_right(spot: Array) -> bool:
    return bool(spot[0] < 0.6 * _WIDTH)


def _box(spot: Array, name: str, letter: float) -> _Box:
    """Return about where a label beside a dot is: left, top, right, bottom."""
    # Chinese letters are as wide as they are high.
    units = sum(1.8 if ord(c) > 0x2E7F else 1.0 for c in name[:_LONGEST_LABEL])
    x, y, width = float(spot[0]), float(spot[1]), letter * units
    return (x + 12, y - 9, x + 12 + width, y + 9) if _opens_right(spot) else (x - 12 - width, y - 9, x - 12, y + 9)


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _dot(learnware_id: str, name: str, spot: Array, stands_out: bool) -> str:
    words = text(name or learnware_id[:8], 24)
    # A map of many dots is no list of links for the keyboard: the table beside it is.
    link = f'<a href="/learnwares/{text(learnware_id)}" tabindex="-1">'
    circle = f'<circle cx="{number(spot[0])}" cy="{number(spot[1])}" r="{"8" if stands_out else "5"}"'
    mark = ' class="chosen"' if stands_out else ""
    return f"{link}{circle}{mark}><title>{words}</title></circle></a>"


def _cross(spot: Array, title: str) -> str:
    x, y = (float(value) for value in spot)
    path = f"M{number(x - 9)} {number(y)}h18M{number(x)} {number(y - 9)}v18"
    right = _opens_right(spot)
    place = f'x="{number(x + 17 if right else x - 17)}" y="{number(y + 4)}" text-anchor="{"start" if right else "end"}"'
    return (
        f'<g class="mine"><circle cx="{number(x)}" cy="{number(y)}" r="13"/><path d="{path}"/>'
        f'<title>{text(title)}</title></g><text class="here" {place}>{text(title)}</text>'
    )


def _placed(xy: Array) -> Array:
    """Fit points into the picture; far ones are pulled to its edge, so that one of them cannot hide the others."""
    finite = np.clip(np.nan_to_num(np.asarray(xy, dtype=np.float64).reshape(-1, 2)), -_EDGE, _EDGE)
    if not len(finite):
        return finite
    low, high = np.percentile(finite, 2, axis=0), np.percentile(finite, 98, axis=0)
    low, high = low - 0.15 * (high - low), high + 0.15 * (high - low)
    span = np.where(high - low > 0, high - low, 1.0)
    share = np.where(high - low > 0, (np.clip(finite, low, high) - low) / span, 0.5)
    width, height = _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN
    return np.column_stack([_MARGIN + width * share[:, 0], _HEIGHT - _MARGIN - height * share[:, 1]])
