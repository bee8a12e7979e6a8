"""A user's own learnwares and submissions."""

from __future__ import annotations

from fastapi import APIRouter, Response

from learnware.server.accounts.authorize import VISIBILITIES
from learnware.server.pages.answering import PageRoute
from learnware.server.pages.rendering import query
from learnware.server.pages.visit import Visiting

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_SAID = ("visibility", "removed")


@router.get("/mine")
def mine(visit: Visiting, said: str = "", cursor: str = "") -> Response:
    """List what a user has, and what became of what they sent."""
    visit.require_user()
    page = visit.dock.browse(visit.actor, owner=visit.actor.user, limit=50, cursor=cursor or None)
    return visit.page(
        "mine.html",
        page=page,
        submissions=visit.dock.submissions(visit.actor, limit=20),
        visibilities=VISIBILITIES,
        said=said if said in _SAID else None,
        following=query(cursor=page.next) if page.next else None,
    )
