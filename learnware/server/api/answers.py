"""Values of a dock as JSON, with the headers that caches and pipelines go by."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from learnware.server.accounts.audit import AuditEntry
from learnware.server.accounts.tokens import Token
from learnware.server.accounts.users import User
from learnware.server.submissions.submission import Submission
from learnware.server.views import Card, Page


def tagged(request: Request, content: Any, tag: str) -> Response:
    """Answer with JSON that has an entity tag, or with 304 to who has it already."""
    headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
    known = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if headers["ETag"] in known:
        return Response(status_code=304, headers=headers)
    return JSONResponse(content, headers=headers)


def card_content(card: Card) -> dict[str, Any]:
    """Return a learnware as a list shows it."""
    return {
        "id": card.id,
        "digest": card.digest,
        "level": card.level,
        "semantic": card.semantic.to_dict(),
        "owner": card.owner,
        "visibility": card.visibility,
        "created": card.created.isoformat(),
        "size": card.size,
    }


def page_content(page: Page) -> dict[str, Any]:
    """Return a page of a list."""
    return {"total": page.total, "items": [card_content(card) for card in page.items], "next": page.next}


def submission_content(submission: Submission) -> dict[str, Any]:
    """Return what became of a submission."""
    return {
        "id": submission.id,
        "kind": submission.kind,
        "learnware_id": submission.learnware_id,
        "state": submission.state,
        "digest": submission.digest,
        "size": submission.size,
        "created": submission.created.isoformat(),
        "finished": _moment(submission.finished),
        "outcome": submission.outcome,
    }


def token_content(token: Token) -> dict[str, Any]:
    """Return a token without its secret, which nobody knows."""
    return {
        "id": token.id,
        "title": token.title,
        "scopes": sorted(token.scopes),
        "created": token.created.isoformat(),
        "expires": token.expires.isoformat(),
        "used": _moment(token.used),
    }


def user_content(user: User) -> dict[str, Any]:
    """Return an account."""
    return {
        "name": user.name,
        "role": user.role,
        "created": user.created.isoformat(),
        "disabled": _moment(user.disabled),
    }


def audit_content(entry: AuditEntry) -> dict[str, Any]:
    """Return a line of the audit log."""
    return {
        "number": entry.number,
        "time": entry.time.isoformat(),
        "actor": entry.actor,
        "action": entry.action,
        "resource": entry.resource,
        "detail": entry.detail,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
