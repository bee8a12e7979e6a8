"""The files of learnwares, in and out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import anyio
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from learnware.server.accounts.authorize import Visibility
from learnware.server.api.answers import submission_content
from learnware.server.api.asking import Asking, Served, file_schema
from learnware.server.api.described import SubmissionItem, told, told_file
from learnware.server.bodies import write_body
from learnware.server.submissions.incoming import Upload
from learnware.server.submissions.submission import Submission

router = APIRouter(tags=["files"])

Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=128)]

_BUNDLE = "/learnwares/{reference}/bundle"


@router.head(_BUNDLE, operation_id="measure_download", response_class=FileResponse, responses=told_file(401, 404, 422))
@router.get(_BUNDLE, response_class=FileResponse, responses=told_file(401, 404, 422))
def download(reference: str, dock: Served, actor: Asking) -> FileResponse:
    """Return the file of a learnware, or a range of it."""
    path, digest = dock.file(actor, reference)
    headers = {"ETag": f'"{digest}"', "X-Learnware-Digest": digest, "Cache-Control": "private, no-cache"}
    return FileResponse(path, media_type="application/zip", filename=f"{digest[:12]}.zip", headers=headers)


@router.post(
    "/learnwares",
    status_code=202,
    openapi_extra=file_schema(),
    responses=told(SubmissionItem, 401, 403, 413, 422, 429, status=202),
)
async def submit_learnware(
    request: Request,
    dock: Served,
    actor: Asking,
    visibility: Annotated[Visibility, Query()] = "public",
    key: Key = None,
) -> Response:
    """Send a new learnware; what is answered is the submission, which is verified in the background."""
    upload = await anyio.to_thread.run_sync(dock.receive, actor, None, key)
    return await _accepted(request, upload, partial(dock.accept, actor, upload, visibility=visibility, key=key))


@router.put(
    "/learnwares/{learnware_id}",
    status_code=202,
    openapi_extra=file_schema(),
    responses=told(SubmissionItem, 401, 403, 404, 413, 422, 429, status=202),
)
async def update_learnware(
    request: Request, learnware_id: str, dock: Served, actor: Asking, key: Key = None
) -> Response:
    """Send the next revision of a learnware."""
    upload = await anyio.to_thread.run_sync(dock.receive, actor, learnware_id, key)
    return await _accepted(request, upload, partial(dock.accept, actor, upload, learnware_id=learnware_id, key=key))


async def _accepted(request: Request, upload: Upload, accept: Callable[[], Submission]) -> Response:
    with upload:
        await write_body(request, upload)
        submission = await anyio.to_thread.run_sync(accept)
    headers = {"Location": f"/api/v1/submissions/{submission.id}"}
    return JSONResponse(submission_content(submission), status_code=202, headers=headers)
