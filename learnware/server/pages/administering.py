"""What the admins of a dock see and do."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from learnware.errors import InvalidParameter
from learnware.server.accounts.actor import ROLES
from learnware.server.pages.answering import PageRoute
from learnware.server.pages.forms import Form
from learnware.server.pages.pictures import day_bars, named_bars
from learnware.server.pages.rendering import query
from learnware.server.pages.visit import Visit, Visiting

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_ENTRIES = 100
_DAYS = 92


@router.get("/admin")
def overview(visit: Visiting) -> Response:
    """Show what the dock holds and does."""
    told = visit.dock.overview(visit.actor)
    catalogue = visit.catalogue
    # Three months fit into a picture.
    days = told.per_day[-_DAYS:]
    tasks = {catalogue.term("tag", task): n for task, n in told.per_task.items()}
    return visit.page(
        "admin.html",
        overview=told,
        per_day=days,
        days=day_bars(days, title=catalogue.say("admin.per_day")),
        tasks=named_bars(tasks, title=catalogue.say("admin.per_task")),
        per_task=tasks,
    )


@router.get("/admin/users")
def users(visit: Visiting, said: str = "") -> Response:
    """List the accounts."""
    return _users(visit, said="done" if said == "done" else None)


@router.post("/admin/users")
def add_user(visit: Visiting, form: Form) -> Response:
    """Make an account."""
    try:
        visit.dock.add_user(visit.actor, form.get("name"), form.secret("password"), form.get("role", "user"))
    except InvalidParameter as error:
        return _users(visit, problem=str(error), status=422)
    return visit.go("/admin/users?said=done")


@router.post("/admin/users/{name}/role")
def set_role(visit: Visiting, name: str, form: Form) -> Response:
    """Make a user an admin, or an admin a user."""
    visit.dock.set_role(visit.actor, name, form.get("role"))
    return visit.go("/admin/users?said=done")


@router.post("/admin/users/{name}/disabled")
def set_disabled(visit: Visiting, name: str, form: Form) -> Response:
    """Shut an account, or open it again."""
    visit.dock.set_disabled(visit.actor, name, form.get("disabled") == "yes")
    return visit.go("/admin/users?said=done")


@router.get("/admin/audit")
def audit(visit: Visiting, before: int | None = None) -> Response:
    """Show who did what, the latest first."""
    entries = visit.dock.audit(visit.actor, limit=_ENTRIES, before=before)
    following = query(before=entries[-1].number) if len(entries) == _ENTRIES else None
    return visit.page("audit.html", entries=entries, following=following, is_first=before is None)


def _users(visit: Visit, *, status: int = 200, **values: Any) -> Response:
    shown = {"problem": None, "said": None, **values}
    return visit.page("users.html", status=status, users=visit.dock.users(visit.actor), roles=ROLES, **shown)
