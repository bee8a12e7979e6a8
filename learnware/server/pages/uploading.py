"""Give the dock a learnware, and watch its verification."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from learnware.server.accounts.authorize import VISIBILITIES
from learnware.server.bodies import write_body
from learnware.server.pages import snippets
from learnware.server.pages.answering import PageRoute
from learnware.server.pages.visit import Visit, Visiting
from learnware.server.submissions.submission import Submission

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/upload")
def choose(visit: Visiting, learnware_id: str = "") -> Response:
    """Ask for a file, for a new learnware or a new revision of one."""
    visit.require_user()
    card = visit.dock.card(visit.actor, learnware_id) if learnware_id else None
    shell = snippets.update_shell(visit.address, card.id) if card else snippets.submit_shell(visit.address)
    return visit.page("upload.html", card=card, visibilities=VISIBILITIES, shell=shell)


@router.post("/upload")
async def take(request: Request, visit: Visiting, visibility: str = "private", learnware_id: str = "") -> Response:
    """Take a file as it comes, without its ever being in memory as a whole, and say where to watch it."""
    upload = await run_in_threadpool(visit.dock.receive, visit.actor, learnware_id or None)
    with upload:
        await write_body(request, upload)
        submission = await run_in_threadpool(_accepted, visit, upload, visibility, learnware_id or None)
    return JSONResponse({"page": f"/submissions/{submission.id}"}, status_code=202)


def _accepted(visit: Visit, upload: Any, visibility: str, learnware_id: str | None) -> Submission:
    return visit.dock.accept(visit.actor, upload, learnware_id=learnware_id, visibility=visibility)


@router.get("/submissions/{submission_id}")
def watch(visit: Visiting, submission_id: str) -> Response:
    """Show what became of an upload."""
    return visit.page("submission.html", **_told(visit.dock.submission(visit.actor, submission_id)))


@router.get("/submissions/{submission_id}/state")
def state(visit: Visiting, submission_id: str, seen: str = "") -> Response:
    """Return the part of that page which changes, or nothing while it is what was seen last."""
    submission = visit.dock.submission(visit.actor, submission_id)
    if submission.state == seen:
        return Response(status_code=204)
    return visit.page("submission_state.html", **_told(submission))


def _told(submission: Submission) -> dict[str, Any]:
    outcome = submission.outcome or {}
    problem = outcome.get("problem")
    return {
        "submission": submission,
        "open": submission.state in ("pending", "running"),
        "problem": problem,
        "report": outcome.get("report") or (problem or {}).get("report"),
    }
