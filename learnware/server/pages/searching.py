"""Search by a specification, which is built where the data are; only the specification comes here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from learnware.errors import InvalidSpecification, LimitExceeded
from learnware.market.result import Hit, SearchResult
from learnware.server.pages import snippets
from learnware.server.pages.answering import PageRoute
from learnware.server.pages.drawing import map_of
from learnware.server.pages.forms import QUERY_BYTES, file_and_fields
from learnware.server.pages.rendering import query
from learnware.server.pages.visit import Visit, Visiting
from learnware.specification import Specification
from learnware.specification.semantic import VOCABULARY

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_LONGEST = 200


@router.get("/search")
def ask(visit: Visiting) -> Response:
    """Explain how to search, and take a specification."""
    return _form(visit)


@router.post("/search")
async def keep(request: Request, visit: Visiting) -> Response:
    """Keep a specification and show what fits it, at an address that can be passed on."""
    content, fields = await file_and_fields(request, "specification")
    try:
        if len(content) > QUERY_BYTES:
            raise LimitExceeded(f"A specification to search with has at most {QUERY_BYTES:,} bytes. Use fewer points.")
        query_id = await run_in_threadpool(_kept, visit, content)
    except (InvalidSpecification, LimitExceeded) as error:
        return await run_in_threadpool(_form, visit, problem=str(error) if content else None, status=422)
    task = fields.get("task")
    asked = query(task=task if task in VOCABULARY["task"] else None, text=fields.get("text")[:_LONGEST])
    return visit.go(f"/search/{query_id}{asked}")


@router.get("/search/{query_id}")
def answer(visit: Visiting, query_id: str, task: str = "", text: str = "") -> Response:
    """Show what a search finds."""
    chosen = task if task in VOCABULARY["task"] else None
    words = text.strip()[:_LONGEST] or None
    specification = _narrowed(visit.dock.query(query_id), chosen)
    result = visit.dock.search(visit.actor, specification, text=words)
    points = None if specification.statistical is None else visit.dock.island(visit.actor, specification)
    return visit.page(
        "result.html",
        query_id=query_id,
        task=chosen,
        text=words,
        tasks=VOCABULARY["task"],
        result=result,
        rows=_rows(result),
        map=map_of(visit, points, chosen=[hit.id for hit in result.hits]),
        snippet=snippets.repeat_search(visit.address, chosen, words),
    )


@router.get("/search/{query_id}/spec.json")
def specification_file(visit: Visiting, query_id: str) -> Response:
    """Return the specification that was searched with, as a file."""
    content = visit.dock.query_text(query_id)
    return Response(
        content, media_type="application/json", headers={"Content-Disposition": 'attachment; filename="spec.json"'}
    )


def _form(visit: Visit, *, problem: str | None = None, status: int = 200) -> Response:
    return visit.page(
        "search.html",
        status=status,
        problem=problem,
        missing=status != 200 and problem is None,
        tasks=VOCABULARY["task"],
        python=snippets.build_specification(visit.catalogue.say("snippet.stays")),
        shell=snippets.build_specification_shell(),
    )


def _kept(visit: Visit, content: bytes) -> str:
    return visit.dock.keep_query(visit.actor, Specification.from_json(content))


def _narrowed(specification: Specification, task: str | None) -> Specification:
    if task is None:
        return specification
    return replace(specification, semantic=replace(specification.semantic, task=task))


def _rows(result: SearchResult) -> list[dict[str, Any]]:
    """Return the hits, and members of the mixture beyond them, with bars as shares."""
    mixture = result.mixture
    weights = {} if mixture is None else {h.id: float(w) for h, w in zip(mixture.hits, mixture.weights, strict=True)}
    shown: dict[str, Hit] = {hit.id: hit for hit in [*result.hits, *(mixture.hits if mixture else ())]}
    farthest = max((hit.distance or 0.0 for hit in shown.values()), default=0.0) or 1.0
    return [
        {
            "hit": hit,
            "weight": weights.get(hit.id),
            "distance_share": None if hit.distance is None else hit.distance / farthest,
            "loss_share": None if hit.loss is None else min(max(hit.loss, 0.0), 1.0),
        }
        for hit in shown.values()
    ]
