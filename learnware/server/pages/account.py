"""Log in and out, change a password, choose a language."""

from __future__ import annotations

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

from learnware.errors import InvalidParameter, NotAuthenticated
from learnware.server.pages import session
from learnware.server.pages.answering import PageRoute
from learnware.server.pages.forms import Form
from learnware.server.pages.language import COOKIE as LANGUAGE_COOKIE
from learnware.server.pages.language import LANGUAGES
from learnware.server.pages.visit import Visit, Visiting

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_A_YEAR = 365 * 24 * 3600


@router.get("/login")
def ask_login(visit: Visiting, next: str = "") -> Response:
    """Ask for name and password."""
    if visit.actor.user is not None:
        return visit.go(session.local_path(next))
    return _login_form(visit, next)


@router.post("/login")
def login(visit: Visiting, form: Form) -> Response:
    """Log in, and go where the user wanted to."""
    address = session.address_of(visit.request)
    try:
        secret, _ = visit.dock.login(form.get("name"), form.secret("password"), address)
    except NotAuthenticated:
        return _login_form(visit, form.get("next"), name=form.get("name"), wrong=True)
    earlier = visit.request.cookies.get(session.COOKIE)
    if earlier:
        visit.dock.logout(earlier)
    response = visit.go(session.local_path(form.get("next")))
    session.remember(response, secret, https=visit.dock.settings.https)
    visit.request.state.clear_session = False
    return response


@router.post("/logout")
def logout(visit: Visiting) -> Response:
    """End the session, in the browser and in the dock."""
    secret = visit.request.cookies.get(session.COOKIE)
    if secret:
        visit.dock.logout(secret)
    response = visit.go("/")
    session.forget(response, https=visit.dock.settings.https)
    return response


@router.get("/account")
def account(visit: Visiting, said: str = "") -> Response:
    """Show a user's own account."""
    visit.require_user()
    return visit.page("account.html", said=said == "password", wrong=False, differ=False, problem=None)


@router.post("/account")
def change_password(visit: Visiting, form: Form) -> Response:
    """Change a user's password."""
    visit.require_user()
    new, wrong, problem = form.secret("new"), False, None
    differ = new != form.secret("again")
    if not differ:
        try:
            visit.dock.change_password(visit.actor, form.secret("old"), new)
        except NotAuthenticated:
            wrong = True
        except InvalidParameter as error:
            problem = str(error)
        else:
            return visit.go("/account?said=password")
    return visit.page("account.html", status=422, said=False, wrong=wrong, differ=differ, problem=problem)


@router.get("/language/{code}")
def choose_language(visit: Visiting, code: str, next: str = "") -> Response:
    """Remember which language a visitor reads."""
    if code not in LANGUAGES:
        raise HTTPException(404)
    response = visit.go(session.local_path(next))
    response.set_cookie(
        LANGUAGE_COOKIE,
        code,
        path="/",
        max_age=_A_YEAR,
        samesite="lax",
        secure=visit.dock.settings.https,
        httponly=True,
    )
    return response


def _login_form(visit: Visit, next_path: str, *, name: str = "", wrong: bool = False) -> Response:
    wanted = session.local_path(next_path)
    return visit.page("login.html", status=401 if wrong else 200, next=wanted, name=name[:60], wrong=wrong)
