"""Searches: a specification in, learnwares out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response

from learnware.market.searcher import Wishes
from learnware.market.wire import result_to_wire
from learnware.server.api.asking import Asking, Served, body_schema, json_body
from learnware.server.api.described import SearchAnswer, told
from learnware.server.api.forms import SearchForm
from learnware.server.dock import Dock
from learnware.specification import Specification

router = APIRouter(tags=["search"])


_read = json_body(SearchForm, "search-bytes", first=Dock.spend_search)


@router.post("/search", openapi_extra=body_schema(SearchForm), responses=told(SearchAnswer, 401, 413, 422, 429))
def search(
    dock: Served,
    actor: Asking,
    form: Annotated[SearchForm, Depends(_read)],
) -> Response:
    """Find learnwares for a task that a specification tells of; no data is sent."""
    wanted = Specification() if form.specification is None else Specification.from_dict(form.specification)
    wishes = Wishes(form.limit, form.mixture_size, form.offset, form.duplicates)
    found = dock.search(actor, wanted, text=form.text, wishes=wishes, spent=True)
    return JSONResponse(result_to_wire(found))
