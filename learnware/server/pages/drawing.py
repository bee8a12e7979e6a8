"""Which pictures a page shows, and the table beside each for whoever cannot see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from learnware.server.pages.pictures import column_strips, island_map, point_cloud, principal_plane
from learnware.server.pages.pictures.scatter import MOST
from learnware.server.pages.visit import Visit
from learnware.server.views import MapPoints
from learnware.specification import RKME

_MOST_LISTED = 20


@dataclass(frozen=True)
class Map:
    """A map of an island, and the learnwares on it, the nearest first.

    Parameters
    ----------
    svg : str
    listed : list of (str, str)
        Id and name.
    more : int
        How many are not listed.
    """

    svg: str
    listed: list[tuple[str, str]]
    more: int


@dataclass(frozen=True)
class Portrait:
    """What a specification looks like.

    Parameters
    ----------
    cloud : str
        SVG of its points in the plane.
    strips : str or None
        SVG of its columns; only of tables that are not too wide.
    n_points : int
    n_samples : int or None
    """

    cloud: str
    strips: str | None
    n_points: int
    n_samples: int | None


def map_of(visit: Visit, points: MapPoints | None, *, chosen: Sequence[str] = (), own: str | None = None) -> Map | None:
    """Draw an island; None where nothing, or only the learnware `own`, is on it."""
    if points is None or not [i for i in points.ids if i != own]:
        return None
    say = visit.catalogue.say
    told = [*chosen, *([own] if own else [])]
    nearest = _by_nearness(points, own)
    drawn = sorted(nearest, key=lambda i: points.ids[i] not in told)[:MOST]
    svg = island_map(
        [points.ids[i] for i in drawn],
        [points.names[i] for i in drawn],
        points.xy[drawn],
        title=say("map.title", n=len(points.ids)),
        mine=points.mine,
        mine_title=say("map.mine"),
        chosen=told,
    )
    others = [i for i in nearest if points.ids[i] != own]
    listed = [(points.ids[i], points.names[i] or points.ids[i][:8]) for i in others[:_MOST_LISTED]]
    return Map(svg, listed, max(0, len(others) - _MOST_LISTED))


def _by_nearness(points: MapPoints, own: str | None) -> list[int]:
    centre = points.mine
    if centre is None and own in points.ids:
        centre = points.xy[points.ids.index(own)]
    if centre is None:
        return list(range(len(points.ids)))
    return [int(i) for i in np.argsort(np.linalg.norm(points.xy - centre, axis=1), kind="stable")]


def portrait_of(visit: Visit, rkme: RKME) -> Portrait:
    """Draw a specification."""
    heaviest = np.argsort(-rkme.weights, kind="stable")[:MOST]
    weights = rkme.weights[heaviest] / rkme.weights[heaviest].sum()
    scale = np.where(rkme.scale > 0, rkme.scale, 1.0)
    say = visit.catalogue.say
    plane = principal_plane((rkme.points[heaviest] - rkme.location) / scale, weights)
    return Portrait(
        point_cloud(plane, weights, title=say("picture.cloud", n=len(weights))),
        column_strips(rkme, title=say("picture.strips", n=len(rkme.space.columns))),
        len(rkme.points),
        rkme.n_samples,
    )
