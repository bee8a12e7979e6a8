"""Searches: a specification in, learnwares out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response

from learnware.market.wire import result_to_wire
from learnware.server.api.asking import Asking, Served, body_schema, json_body
from learnware.server.api.forms import SearchForm
from learnware.specification import Specification

router = APIRouter(tags=["search"])


@router.post("/search", openapi_extra=body_schema(SearchForm))
def search(
    dock: Served, actor: Asking, form: Annotated[SearchForm, Depends(json_body(SearchForm, "search-bytes"))]
) -> Response:
    """Find learnwares for a task that a specification tells of; no data is sent."""
    wanted = Specification() if form.specification is None else Specification.from_dict(form.specification)
    found = dock.search(actor, wanted, text=form.text, limit=form.limit, mixture_size=form.mixture_size)
    return JSONResponse(result_to_wire(found))
