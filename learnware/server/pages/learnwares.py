"""One learnware: what it is for, what its specification looks like, how to use it; and what its owner can change."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from starlette.responses import FileResponse

from learnware.server.accounts.authorize import VISIBILITIES
from learnware.server.pages import snippets
from learnware.server.pages.answering import PageRoute
from learnware.server.pages.drawing import map_of, portrait_of
from learnware.server.pages.forms import Form
from learnware.server.pages.visit import Visit, Visiting
from learnware.server.views import Card
from learnware.specification import Specification

router = APIRouter(route_class=PageRoute, include_in_schema=False)

# What a stranger can make as long as the limits of a bundle allow is cut, so that a page stays a page.
_MOST_FIELDS = 40
_LONGEST_FIELD = 80
_MOST_REVISIONS = 30


@router.get("/learnwares/{ref}")
def show(visit: Visiting, ref: str) -> Response:
    """Show a learnware, or one of its revisions."""
    card = visit.dock.card(visit.actor, ref)
    specification = visit.dock.describe(visit.actor, ref)
    revisions = visit.dock.revisions(visit.actor, card.id)
    private = card.visibility == "private"
    return visit.page(
        "learnware.html",
        card=card,
        owned=owns(visit, card),
        revisions=revisions[: -_MOST_REVISIONS - 1 : -1],
        more_revisions=max(0, len(revisions) - _MOST_REVISIONS),
        is_current=card.digest == revisions[-1].digest,
        report=_report(visit, card),
        python=snippets.use(visit.address, ref, private=private),
        shell=snippets.use_shell(visit.address, ref),
        visibilities=VISIBILITIES,
        fields=_fields(specification),
        **_pictures(visit, card, specification),
    )


@router.get("/learnwares/{ref}/bundle")
def bundle(visit: Visiting, ref: str) -> Response:
    """Return the file of a learnware."""
    path, digest = visit.dock.file(visit.actor, ref)
    learnware_id = ref.partition("@")[0]
    return FileResponse(path, media_type="application/zip", filename=f"{learnware_id}-{digest[:12]}.zip")


@router.post("/learnwares/{learnware_id}/visibility")
def set_visibility(visit: Visiting, learnware_id: str, form: Form) -> Response:
    """Change who can see a learnware."""
    visit.dock.set_visibility(visit.actor, learnware_id, form.get("visibility"))
    return visit.go("/mine?said=visibility" if form.get("back") == "mine" else f"/learnwares/{learnware_id}")


@router.get("/learnwares/{learnware_id}/delete")
def ask_delete(visit: Visiting, learnware_id: str) -> Response:
    """Ask whether a learnware is really to go."""
    visit.require_user()
    return visit.page("delete.html", card=visit.dock.card(visit.actor, learnware_id))


@router.post("/learnwares/{learnware_id}/delete")
def delete(visit: Visiting, learnware_id: str) -> Response:
    """Remove a learnware."""
    visit.dock.remove(visit.actor, learnware_id)
    return visit.go("/mine?said=removed")


def owns(visit: Visit, card: Card) -> bool:
    """Tell whether to show what an owner can do; whether they may is the dock's decision."""
    return visit.actor.is_admin or (visit.actor.user is not None and visit.actor.user == card.owner)


def _report(visit: Visit, card: Card) -> dict[str, Any] | None:
    """Return what the checks found in this revision, for its owner."""
    if not owns(visit, card):
        return None
    known = visit.dock.submissions(visit.actor, learnware_id=card.id)
    outcomes = [s.outcome for s in known if s.digest == card.digest and s.state == "verified"]
    return next((outcome.get("report") for outcome in outcomes if outcome), None)


def _fields(specification: Specification) -> dict[str, Any]:
    """Return what goes in and comes out, as far as a page can list it."""
    semantic = specification.semantic
    told = {"inputs": semantic.inputs, "outputs": semantic.outputs}
    return {
        side: {
            "dimension": fields.dimension,
            "described": [(i, text[:_LONGEST_FIELD]) for i, text in sorted(fields.descriptions.items())[:_MOST_FIELDS]],
            "more": max(0, len(fields.descriptions) - _MOST_FIELDS),
        }
        for side, fields in told.items()
        if fields is not None
    }


def _pictures(visit: Visit, card: Card, specification: Specification) -> dict[str, Any]:
    rkme = specification.statistical
    if rkme is None:
        return {"portrait": None, "map": None, "similar": []}
    return {
        "portrait": portrait_of(visit, rkme),
        "map": map_of(visit, visit.dock.island(visit.actor, card.id), own=card.id),
        "similar": visit.dock.similar(visit.actor, card.id),
    }
