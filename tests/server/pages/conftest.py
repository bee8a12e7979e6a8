"""A dock, and browsers that visit it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from learnware.server.pages import error_page, pages_router, static_files
from learnware.server.pages.session import COOKIE
from tests.server.pages.fake_dock import FakeDock

HOST = "http://dock.test"

Visitor = Callable[..., TestClient]


def application(dock: FakeDock) -> FastAPI:
    """Return an application of nothing but the pages."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.dock = dock
    app.include_router(pages_router(dock))
    app.mount("/static", static_files())
    app.add_exception_handler(HTTPException, error_page)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, error_page)
    return app


@pytest.fixture
def dock() -> FakeDock:
    return FakeDock()


@pytest.fixture
def visitor(dock: FakeDock) -> Visitor:
    """Return a browser of somebody: nobody known, or a user of the dock."""

    def visit(name: str | None = None, language: str = "en", origin: str | None = HOST) -> TestClient:
        client = TestClient(application(dock), base_url=HOST, follow_redirects=False, raise_server_exceptions=False)
        client.headers["accept-language"] = language
        if origin is not None:
            client.headers["origin"] = origin
        if name is not None:
            client.cookies.set(COOKIE, dock.session(name)[0])
        return client

    return visit
