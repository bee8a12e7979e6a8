"""What has become of what was sent."""

from __future__ import annotations

import time
from functools import partial
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Query

from learnware.server.api.answers import submission_content
from learnware.server.api.asking import Asking, Served
from learnware.server.api.described import SubmissionItem, SubmissionList, told

router = APIRouter(tags=["submissions"])

_LONGEST_WAIT, _POLL_SECONDS = 25.0, 0.1


@router.get("/submissions", responses=told(SubmissionList, 401, 403, 422))
def list_submissions(
    dock: Served,
    actor: Asking,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: Annotated[str | None, Query(max_length=64)] = None,
) -> Any:
    """List one's own submissions, the latest first."""
    found = dock.submissions(actor, limit=limit, before=before)
    return {"items": [submission_content(submission) for submission in found]}


@router.get("/submissions/{submission_id}", responses=told(SubmissionItem, 401, 403, 404, 422))
async def show_submission(
    submission_id: str, dock: Served, actor: Asking, wait: Annotated[float, Query(ge=0, le=_LONGEST_WAIT)] = 0.0
) -> Any:
    """Say what has become of a submission, once it is finished or `wait` seconds have gone by."""
    end = time.monotonic() + wait
    while True:
        # No thread is held meanwhile: a hundred clients may wait at once.
        found = await anyio.to_thread.run_sync(partial(dock.submission, actor, submission_id))
        if found.is_finished or time.monotonic() >= end:
            return submission_content(found)
        await anyio.sleep(_POLL_SECONDS)
