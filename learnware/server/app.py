"""A dock as an ASGI app."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from learnware import __version__
from learnware.errors import MarketError
from learnware.server import operations
from learnware.server.api import PREFIX, api_router
from learnware.server.api.described import DescribedApp
from learnware.server.dock import Dock
from learnware.server.metrics import Measured, Metrics
from learnware.server.pages import pages_router, static_files
from learnware.server.problems import add_error_handlers

_LOG = logging.getLogger("learnware.server")
_AGAIN_SECONDS = 5.0


def create_app(dock: Dock) -> FastAPI:
    """Return a dock as an app, for any ASGI server.

    Parameters
    ----------
    dock : Dock
        Whoever made it closes it.

    Returns
    -------
    FastAPI
        Its OpenAPI description is at ``/api/v1/openapi.json``.
    """
    metrics = Metrics(dock)
    app = DescribedApp(
        title="learnware dock",
        version=__version__,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        middleware=[
            Middleware(Measured, metrics=metrics),
            Middleware(TrustedHostMiddleware, allowed_hosts=dock.settings.hosts, www_redirect=False),
        ],
    )
    app.state.dock, app.state.metrics, app.state.warm = dock, metrics, False
    add_error_handlers(app)
    app.include_router(api_router())
    app.include_router(operations.router)
    app.include_router(pages_router(dock))
    app.mount("/static", static_files(), name="static")
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Build the index before the first search needs it, and put what a crash has left in order."""
    dock: Dock = app.state.dock
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_warm, app, dock)
        yield
        tasks.cancel_scope.cancel()


async def _warm(app: FastAPI, dock: Dock) -> None:
    while not app.state.warm:
        try:
            await anyio.to_thread.run_sync(dock.queue.sweep)
            await anyio.to_thread.run_sync(dock.market.warm)
            app.state.warm = True
        except MarketError as error:
            # A disk that is full, or a file that somebody holds: the dock serves what it can, and is not ready.
            _LOG.error("The dock is not ready: %s", error)
            await anyio.sleep(_AGAIN_SECONDS)
