"""Pictures of specifications and markets: pure functions from numbers to SVG text, made on the server.

Every text in them is escaped, every size is bounded, and colours are classes that the stylesheet knows.
"""

from __future__ import annotations

from learnware.server.pages.pictures.bars import day_bars, named_bars
from learnware.server.pages.pictures.plane import principal_plane
from learnware.server.pages.pictures.scatter import island_map, point_cloud
from learnware.server.pages.pictures.strips import column_strips

__all__ = ["column_strips", "day_bars", "island_map", "named_bars", "point_cloud", "principal_plane"]
