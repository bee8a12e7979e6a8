"""Whatever goes wrong in a request becomes problem details, or a page that says it."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from learnware.errors import InvalidParameter, LearnwareError
from learnware.market.wire import problem_of
from learnware.market.wire.problem import INTERNAL, PROBLEM_JSON
from learnware.server.api import PREFIX
from learnware.server.pages import error_page

_LOG = logging.getLogger("learnware.server")


def add_error_handlers(app: FastAPI) -> None:
    """Let an app answer errors in its own words."""
    app.add_exception_handler(LearnwareError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_parameters)
    app.add_exception_handler(HTTPException, _of_routes)
    app.add_exception_handler(Exception, _of_nobody)


def _answer(request: Request, problem: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    more = dict(headers or {})
    if "retry_after" in problem:
        more["Retry-After"] = str(problem["retry_after"])
    if problem["status"] == 401:
        more["WWW-Authenticate"] = 'Bearer realm="learnware"'
    return JSONResponse(problem, problem["status"], headers=more, media_type=PROBLEM_JSON)


def _is_api(request: Request) -> bool:
    return request.url.path.startswith((PREFIX, "/healthz", "/readyz", "/metrics"))


def _of_ours(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    if problem["status"] >= 500:
        _LOG.error("%s %s: %s", request.method, request.url.path, error)
    return _answer(request, problem) if _is_api(request) else error_page(request, error)


def _of_parameters(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in found[:5])
    return _of_ours(request, InvalidParameter(f"The request is not what is expected. {told}."))


def _of_routes(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail) if isinstance(error, HTTPException) else ""
    if not _is_api(request):
        return error_page(request, error)
    code = {404: "no-such-path", 405: "method-not-allowed"}.get(status, f"http-{status}")
    problem = {"type": f"urn:learnware:problem:{code}", "title": detail, "status": status, "detail": detail}
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else None
    return _answer(request, {**problem, "code": code}, headers)


def _of_nobody(request: Request, error: Exception) -> Response:
    _LOG.error("%s %s", request.method, request.url.path, exc_info=error)
    problem = problem_of(error)
    if problem["code"] != INTERNAL:
        problem = problem_of(RuntimeError())
    return _answer(request, problem) if _is_api(request) else error_page(request, error)
