"""The learnwares of the market: listed, described, changed and removed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from learnware.limits import table
from learnware.market.wire import revision_to_wire
from learnware.server.api.answers import card_content, page_content, tagged
from learnware.server.api.asking import Asking, Served, body_schema, json_body
from learnware.server.api.described import (
    LearnwareItem,
    LearnwareList,
    LimitList,
    Responses,
    RevisionList,
    SpecificationAnswer,
    refused,
    told,
)
from learnware.server.api.forms import VisibilityForm

router = APIRouter(tags=["learnwares"])

_KNOWN: Responses = {304: {"description": "Whoever asks has it already"}}
_ONE = told(LearnwareItem, 401, 404, 422) | _KNOWN


@router.get("/learnwares", responses=told(LearnwareList, 401, 422))
def list_learnwares(
    dock: Served,
    actor: Asking,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> Any:
    """List the learnwares, the oldest first."""
    return page_content(dock.listing(actor, limit=limit, cursor=cursor))


@router.head("/learnwares/{reference}", operation_id="look_for_learnware", responses=_ONE)
@router.get("/learnwares/{reference}", responses=_ONE)
def show_learnware(request: Request, reference: str, dock: Served, actor: Asking) -> Response:
    """Say what a learnware, or `id@sha256`, one of its revisions, is."""
    card = dock.card(actor, reference)
    return tagged(request, card_content(card), f"{card.digest}-{card.visibility}")


@router.get("/learnwares/{reference}/specification", responses=told(SpecificationAnswer, 401, 404, 422) | _KNOWN)
def show_specification(request: Request, reference: str, dock: Served, actor: Asking) -> Response:
    """Return the specification of a learnware, or of one of its revisions."""
    card, specification = dock.card(actor, reference), dock.describe(actor, reference)
    content = {"level": specification.level, "specification": specification.to_dict()}
    return tagged(request, content, f"{card.digest}-specification")


@router.get("/learnwares/{reference}/revisions", responses=told(RevisionList, 401, 404, 422))
def list_revisions(reference: str, dock: Served, actor: Asking) -> Any:
    """List what an id has stood for, the oldest first."""
    return {"revisions": [revision_to_wire(revision) for revision in dock.revisions(actor, reference)]}


@router.patch(
    "/learnwares/{learnware_id}",
    openapi_extra=body_schema(VisibilityForm),
    responses=told(LearnwareItem, 401, 403, 404, 413, 422),
)
def change_visibility(
    learnware_id: str,
    dock: Served,
    actor: Asking,
    form: Annotated[VisibilityForm, Depends(json_body(VisibilityForm))],
) -> Any:
    """Say who may see a learnware: everybody, everybody who has its id, or its owner."""
    dock.set_visibility(actor, learnware_id, form.visibility)
    return card_content(dock.card(actor, learnware_id))


@router.delete("/learnwares/{learnware_id}", status_code=204, responses=refused(401, 403, 404, 422))
def remove_learnware(learnware_id: str, dock: Served, actor: Asking) -> Response:
    """Take a learnware out of the market for good."""
    dock.remove(actor, learnware_id)
    return Response(status_code=204)


@router.get("/limits", responses=told(LimitList))
def list_limits() -> Any:
    """List the limits on what is sent, and on running models."""
    return {"limits": [{"name": name, "value": value, "meaning": meaning} for name, value, meaning in table()]}
