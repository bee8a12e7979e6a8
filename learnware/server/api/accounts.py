"""Who one is, and one's tokens."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from learnware.server.api.answers import token_content
from learnware.server.api.asking import Asking, Served, body_schema, json_body
from learnware.server.api.described import Me, NewToken, TokenList, refused, told
from learnware.server.api.forms import TokenForm

router = APIRouter(tags=["accounts"])


@router.get("/me", responses=told(Me, 401, 422))
def show_me(actor: Asking) -> Any:
    """Say who the market takes you for."""
    return {"user": actor.user, "role": actor.role, "scopes": sorted(actor.scopes)}


@router.get("/tokens", responses=told(TokenList, 401, 403, 422))
def list_tokens(dock: Served, actor: Asking) -> Any:
    """List one's own tokens, without their secrets."""
    return {"items": [token_content(token) for token in dock.tokens(actor)]}


@router.post(
    "/tokens",
    status_code=201,
    openapi_extra=body_schema(TokenForm),
    responses=told(NewToken, 401, 403, 413, 422, 429, status=201),
)
def issue_token(request: Request, dock: Served, form: Annotated[TokenForm, Depends(json_body(TokenForm))]) -> Response:
    """Make a token for whoever says a name and its password; its secret is told this once."""
    secret, token = dock.exchange(
        form.user,
        form.password,
        title=form.title,
        scopes=form.scopes,
        days=form.days,
        address=request.client.host if request.client is not None else None,
    )
    content = {"token": secret, **token_content(token)}
    return JSONResponse(content, status_code=201, headers={"Cache-Control": "no-store"})


@router.delete("/tokens/{token_id}", status_code=204, responses=refused(401, 403, 422))
def revoke_token(token_id: str, dock: Served, actor: Asking) -> Response:
    """End one of one's own tokens."""
    dock.revoke_token(actor, token_id)
    return Response(status_code=204)
