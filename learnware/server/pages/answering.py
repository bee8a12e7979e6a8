"""How every page answers: its headers, and errors as pages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from learnware.errors import LearnwareError, NotAuthenticated, TooManyRequests
from learnware.market.wire import problem_of
from learnware.server.pages.language import Catalogue, catalogue_of, language_of
from learnware.server.pages.rendering import query, render
from learnware.server.pages.session import COOKIE, forget
from learnware.server.pages.visit import known_actor, visitor_of_no_page

_LOG = logging.getLogger("learnware.server")

#: What a page may load and where it may be shown: from this dock only, and nowhere else.
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}

_BY_STATUS = {403: "not-allowed", 404: "not-found", 405: "method", 413: "limit-exceeded"}


class PageRoute(APIRoute):
    """A route whose errors are pages, and whose answers all carry the headers of a page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler that FastAPI calls."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                response = await handle(request)
            except (LearnwareError, HTTPException, RequestValidationError) as error:
                response = await run_in_threadpool(error_page, request, error)
                if response.status_code >= 500:
                    _LOG.error("%s %s: %s", request.method, request.url.path, error)
            return _finished(request, response)

        return handled


def error_page(request: Request, error: Exception) -> Response:
    """Return an error as a page in the visitor's language, or the way to the login.

    Parameters
    ----------
    request : Request
    error : Exception
        One of this library's, of FastAPI's, or any other, of which nothing is told.
    """
    # Where a route was found, its page knows who visits; asking again might fail again.
    actor = visitor_of_no_page(request) if isinstance(error, HTTPException) else known_actor(request)
    if isinstance(error, NotAuthenticated) and actor.user is None:
        return _finished(request, _to_login(request))
    status, code, detail = _problem(error)
    catalogue = catalogue_of(language_of(request))
    title, hint = _told(catalogue, code, status)
    response = render(
        request, "error.html", catalogue, actor, status=status, title=title, hint=hint, detail=detail, code=code
    )
    if isinstance(error, TooManyRequests) and error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, round(error.retry_after)))
    return _finished(request, response)


def _problem(error: Exception) -> tuple[int, str, str | None]:
    """Return the status, the code, and what may be told of an error."""
    if isinstance(error, LearnwareError):
        problem = problem_of(error)
        return int(problem["status"]), str(problem["code"]), str(problem["detail"])
    if isinstance(error, HTTPException):
        return error.status_code, _BY_STATUS.get(error.status_code, "internal"), None
    if isinstance(error, RequestValidationError):
        return 422, "bad-request", None
    return 500, "internal", None


def _told(catalogue: Catalogue, code: str, status: int) -> tuple[str, str]:
    """Return the title and the advice for a code, or for the kind of error that a status is."""
    known = code if f"error.{code}.title" in catalogue.sentences else _BY_STATUS.get(status)
    name = known or ("bad-request" if 400 <= status < 500 else "internal")
    return catalogue.say(f"error.{name}.title"), catalogue.say(f"error.{name}.hint")


def _to_login(request: Request) -> Response:
    wanted = request.url.path
    if request.url.query:
        wanted += f"?{request.url.query}"
    # What was sent cannot be sent again by a redirect.
    address = f"/login{query(next=wanted if request.method in ('GET', 'HEAD') and wanted != '/' else None)}"
    if request.headers.get("HX-Request"):
        return Response(status_code=204, headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)


def _finished(request: Request, response: Response) -> Response:
    response.headers.update(SECURITY_HEADERS)
    if COOKIE in request.cookies or "set-cookie" in response.headers:
        response.headers["Cache-Control"] = "no-store"
    else:
        # The language of a page depends on a cookie, which a shared cache does not look at.
        response.headers.setdefault("Cache-Control", "private, no-cache")
    if getattr(request.state, "clear_session", False):
        dock = getattr(request.state, "dock", None)
        forget(response, https=dock is not None and dock.settings.https)
    return response
