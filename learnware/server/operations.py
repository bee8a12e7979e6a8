"""Whether a dock lives, whether it is ready, and what it does."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from learnware.server.accounts.authorize import Action, authorize
from learnware.server.api.asking import Asking, Served
from learnware.server.api.described import Health, Readiness, refused, told
from learnware.server.metrics import CONTENT_TYPE
from learnware.server.settings import is_loopback

router = APIRouter(tags=["operations"])


@router.get("/healthz", responses=told(Health))
async def healthz() -> Any:
    """Say that the process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses=told(Readiness) | {503: {"model": Readiness, "description": "It cannot yet"}})
def readyz(request: Request, dock: Served) -> Response:
    """Say whether the dock can do its work: its databases answer and its index has been built."""
    # Either raises, which is answered with 503, where its database cannot be read.
    len(dock.store), dock.queue.counts()
    warm = request.app.state.warm
    return JSONResponse({"ready": warm, "market": True, "queue": True, "index": warm}, 200 if warm else 503)


@router.get("/metrics", response_class=PlainTextResponse, responses=refused(401, 403, 422))
def metrics(request: Request, dock: Served, actor: Asking) -> Response:
    """Tell Prometheus what the dock does: for an admin, and where no proxy is in front of it for this machine too."""
    # Behind a proxy everybody may seem to come from this machine.
    near = dock.settings.public_url is None and request.client is not None and is_loopback(request.client.host)
    if not near:
        authorize(actor, Action.ADMINISTER)
    return Response(request.app.state.metrics.text(), media_type=CONTENT_TYPE)
