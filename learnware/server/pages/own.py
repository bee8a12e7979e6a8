"""A user's own learnwares and submissions."""

from __future__ import annotations

from fastapi import APIRouter, Response

from learnware.server.accounts.authorize import VISIBILITIES
from learnware.server.pages.answering import PageRoute
from learnware.server.pages.rendering import query
from learnware.server.pages.visit import Visiting
from learnware.server.submissions.submission import Submission

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
        submissions=[(one, _name(one)) for one in visit.dock.submissions(visit.actor, limit=20)],
        visibilities=VISIBILITIES,
        said=said if said in _SAID else None,
        following=query(cursor=page.next) if page.next else None,
    )


def _name(submission: Submission) -> str:
    """Return what the submitted learnware calls itself, as far as the checks have read it."""
    outcome = submission.outcome or {}
    report = outcome.get("report") or (outcome.get("problem") or {}).get("report") or {}
    return str(report.get("name", ""))
