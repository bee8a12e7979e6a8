"""Whether a dock lives, whether it is ready, and what it does."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from learnware.server.accounts.authorize import Action, authorize
from learnware.server.api.asking import Asking, Served
from learnware.server.metrics import CONTENT_TYPE
from learnware.server.settings import is_loopback

router = APIRouter(tags=["operations"])


@router.get("/healthz")
async def healthz() -> Any:
    """Say that the process answers."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(request: Request, dock: Served) -> Response:
    """Say whether the dock can do its work: its databases answer and its index has been built."""
    ready = {"market": len(dock.store) >= 0, "queue": bool(dock.queue.counts()), "index": request.app.state.warm}
    return JSONResponse({"ready": all(ready.values()), **ready}, 200 if all(ready.values()) else 503)


@router.get("/metrics")
def metrics(request: Request, actor: Asking) -> Response:
    """Tell Prometheus what the dock does; from this machine, or for an admin."""
    if request.client is None or not is_loopback(request.client.host):
        authorize(actor, Action.ADMINISTER)
    return Response(request.app.state.metrics.text(), media_type=CONTENT_TYPE)
