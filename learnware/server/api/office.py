"""What admins see and do."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from learnware.errors import InvalidParameter
from learnware.server.api.answers import audit_content, user_content
from learnware.server.api.asking import Asking, Served, body_schema, json_body
from learnware.server.api.described import AuditList, OverviewAnswer, UserItem, UserList, told
from learnware.server.api.forms import UserChangeForm, UserForm

router = APIRouter(tags=["admin"])


@router.get("/users", responses=told(UserList, 401, 403, 422))
def list_users(dock: Served, actor: Asking) -> Any:
    """List all accounts."""
    return {"items": [user_content(user) for user in dock.users(actor)]}


@router.post(
    "/users",
    status_code=201,
    openapi_extra=body_schema(UserForm),
    responses=told(UserItem, 401, 403, 413, 422, status=201),
)
def add_user(dock: Served, actor: Asking, form: Annotated[UserForm, Depends(json_body(UserForm))]) -> Any:
    """Make an account."""
    return user_content(dock.add_user(actor, form.name, form.password, form.role))


@router.patch("/users/{name}", openapi_extra=body_schema(UserChangeForm), responses=told(UserItem, 401, 403, 413, 422))
def change_user(
    name: str, dock: Served, actor: Asking, form: Annotated[UserChangeForm, Depends(json_body(UserChangeForm))]
) -> Any:
    """Give somebody another role, lock them out, or let them in again."""
    if form.role is not None:
        dock.set_role(actor, name, form.role)
    if form.disabled is not None:
        dock.set_disabled(actor, name, form.disabled)
    found = [user for user in dock.users(actor) if user.name == name]
    if not found:
        raise InvalidParameter(f"There is no user {name!r} at this dock.")
    return user_content(found[0])


@router.get("/audit", responses=told(AuditList, 401, 403, 422))
def list_audit(
    dock: Served,
    actor: Asking,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> Any:
    """List what was done at this dock, the latest first."""
    return {"items": [audit_content(entry) for entry in dock.audit(actor, limit=limit, before=before)]}


@router.get("/overview", responses=told(OverviewAnswer, 401, 403, 422))
def show_overview(dock: Served, actor: Asking) -> Any:
    """Say what the dock holds and does, in numbers."""
    seen = dock.overview(actor)
    return {
        "n_learnwares": seen.n_learnwares,
        "n_users": seen.n_users,
        "submissions": dict(seen.submissions),
        "bytes": seen.bytes,
        "per_day": [{"day": day.isoformat(), "n": n} for day, n in seen.per_day],
        "per_task": dict(seen.per_task),
    }
