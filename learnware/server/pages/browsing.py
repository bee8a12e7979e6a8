"""The first page: all learnwares, narrowed down by tags and words."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from learnware.server.pages.answering import PageRoute
from learnware.server.pages.rendering import query
from learnware.server.pages.visit import Visiting
from learnware.specification.semantic import VOCABULARY

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_SORTS = ("newest", "name")
_LONGEST = 200


@router.get("/")
def browse(
    visit: Visiting,
    text: str = "",
    data: str = "",
    task: str = "",
    library: str = "",
    license: str = "",
    scenario: Annotated[list[str] | None, Query()] = None,
    sort: str = "newest",
    cursor: str = "",
) -> Response:
    """Show a list of learnwares and a form that narrows it down."""
    asked = {"data": data, "task": task, "library": library, "license": license}
    # A tag that is none, from a link of long ago, is left out rather than refused.
    tags = {name: value if value in VOCABULARY[name] else None for name, value in asked.items()}
    scenarios = tuple(tag for tag in scenario or () if tag in VOCABULARY["scenarios"])
    chosen: dict[str, Any] = {**tags, "text": text.strip()[:_LONGEST] or None}
    order = sort if sort in _SORTS else _SORTS[0]
    page = visit.dock.browse(visit.actor, **chosen, scenarios=scenarios, sort=order, cursor=cursor[:_LONGEST] or None)
    kept = {**chosen, "scenario": list(scenarios), "sort": order if order != _SORTS[0] else None}
    response = visit.page(
        "browse.html",
        page=page,
        chosen=kept,
        sorts=_SORTS,
        vocabulary=VOCABULARY,
        filtered=any(kept[name] for name in (*asked, "text", "scenario")),
        first=query(**kept) or "/" if cursor else None,
        following=query(**kept, cursor=page.next) if page.next else None,
    )
    # The address without the fields that say nothing, for whoever passes it on.
    response.headers["HX-Push-Url"] = f"/{query(**kept)}"
    return response
