"""A dock as an ASGI app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from fastapi import FastAPI
from starlette.middleware import Middleware

from learnware import __version__
from learnware.server import operations
from learnware.server.api import PREFIX, api_router
from learnware.server.api.bundles import Verified
from learnware.server.dock import Dock
from learnware.server.metrics import Measured, Metrics
from learnware.server.pages import pages_router, static_files
from learnware.server.problems import add_error_handlers


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
    app = FastAPI(
        title="learnware dock",
        version=__version__,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        middleware=[Middleware(Measured, metrics=metrics)],
    )
    app.state.dock, app.state.metrics, app.state.verified, app.state.warm = dock, metrics, Verified(), False
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
    await anyio.to_thread.run_sync(dock.queue.sweep)
    await anyio.to_thread.run_sync(dock.market.warm)
    app.state.warm = True
