"""The files of learnwares, in and out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Annotated, BinaryIO

import anyio
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from learnware.errors import ChecksumMismatch
from learnware.server.accounts.authorize import Visibility
from learnware.server.api.answers import submission_content
from learnware.server.api.asking import Asking, Served, file_schema, write_body
from learnware.server.submissions.incoming import Upload
from learnware.server.submissions.submission import Submission

router = APIRouter(tags=["files"])

Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=128)]

_READ_AT_ONCE = 2**20


class Verified:
    """Files whose bytes were found to be what they must be, and have not been touched since."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int, int]] = {}
        self._lock = Lock()

    def check(self, path: Path, digest: str) -> None:
        """Read a file, unless that was done, and raise ChecksumMismatch if it has changed."""
        at = os.stat(path)
        state = (at.st_ino, at.st_size, at.st_mtime_ns)
        with self._lock:
            if self._known.get(digest) == state:
                return
        with open(path, "rb") as file:
            found = _sha256(file)
        if found != digest:
            raise ChecksumMismatch("The stored bytes of this learnware have changed. Tell the operator of the market.")
        with self._lock:
            self._known[digest] = state


def _sha256(file: BinaryIO) -> str:
    sha256 = hashlib.sha256()
    while block := file.read(_READ_AT_ONCE):
        sha256.update(block)
    return sha256.hexdigest()


@router.head("/learnwares/{reference}/bundle", operation_id="measure_download", response_class=FileResponse)
@router.get("/learnwares/{reference}/bundle", response_class=FileResponse)
def download(request: Request, reference: str, dock: Served, actor: Asking) -> FileResponse:
    """Return the file of a learnware, or a range of it."""
    path, digest = dock.file(actor, reference)
    request.app.state.verified.check(path, digest)
    headers = {"ETag": f'"{digest}"', "X-Learnware-Digest": digest, "Cache-Control": "private, no-cache"}
    return FileResponse(path, media_type="application/zip", filename=f"{digest[:12]}.zip", headers=headers)


@router.post("/learnwares", status_code=202, openapi_extra=file_schema())
async def submit_learnware(
    request: Request,
    dock: Served,
    actor: Asking,
    visibility: Annotated[Visibility, Query()] = "public",
    key: Key = None,
) -> Response:
    """Send a new learnware; what is answered is the submission, which is verified in the background."""
    upload = await anyio.to_thread.run_sync(dock.receive, actor)
    return await _accepted(request, upload, partial(dock.accept, actor, upload, visibility=visibility, key=key))


@router.put("/learnwares/{learnware_id}", status_code=202, openapi_extra=file_schema())
async def update_learnware(
    request: Request, learnware_id: str, dock: Served, actor: Asking, key: Key = None
) -> Response:
    """Send the next revision of a learnware."""
    upload = await anyio.to_thread.run_sync(dock.receive, actor, learnware_id)
    return await _accepted(request, upload, partial(dock.accept, actor, upload, learnware_id=learnware_id, key=key))


async def _accepted(request: Request, upload: Upload, accept: Callable[[], Submission]) -> Response:
    with upload:
        await write_body(request, upload)
        submission = await anyio.to_thread.run_sync(accept)
    headers = {"Location": f"/api/v1/submissions/{submission.id}"}
    return JSONResponse(submission_content(submission), status_code=202, headers=headers)
