"""Tokens, with which a user's own programs come to the dock."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from learnware.errors import InvalidParameter
from learnware.server.accounts.actor import SCOPES
from learnware.server.pages.answering import PageRoute
from learnware.server.pages.forms import Form
from learnware.server.pages.visit import Visit, Visiting

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_DAYS = (7, 30, 90, 365)
_USUAL_DAYS = 90


@router.get("/tokens")
def listing(visit: Visiting, said: str = "") -> Response:
    """List a user's tokens."""
    return _page(visit, said="revoked" if said == "revoked" else None)


@router.post("/tokens")
def issue(visit: Visiting, form: Form) -> Response:
    """Make a token and show its secret, which is told this once."""
    days = form.get("days")
    try:
        secret, token = visit.dock.issue_token(
            visit.actor,
            title=form.get("title"),
            scopes=frozenset(form.all("scopes")),
            days=float(days) if days.isdecimal() and len(days) < 6 else float(_USUAL_DAYS),
        )
    except InvalidParameter as error:
        return _page(visit, problem=str(error), status=422)
    return _page(visit, secret=secret, token=token)


@router.post("/tokens/{token_id}/revoke")
def revoke(visit: Visiting, token_id: str) -> Response:
    """Make a token worthless from now on."""
    visit.dock.revoke_token(visit.actor, token_id)
    return visit.go("/tokens?said=revoked")


def _page(visit: Visit, *, status: int = 200, **values: Any) -> Response:
    shown = {"secret": None, "token": None, "problem": None, "said": None, **values}
    scopes = [scope for scope in SCOPES if scope != "admin" or visit.actor.is_admin]
    tokens = visit.dock.tokens(visit.actor)
    return visit.page(
        "tokens.html", status=status, tokens=tokens, scopes=scopes, days=_DAYS, usual_days=_USUAL_DAYS, **shown
    )
