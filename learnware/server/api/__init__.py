"""The JSON API of a dock, below ``/api/v1``: the methods of a market one to one, accounts, and submissions."""

from __future__ import annotations

from fastapi import APIRouter

from learnware.server.api import accounts, bundles, learnwares, office, searching, submissions

#: Where all routes of this version begin.
PREFIX = "/api/v1"


def api_router() -> APIRouter:
    """Return all routes of the API."""
    router = APIRouter(prefix=PREFIX)
    for part in (learnwares, bundles, searching, submissions, accounts, office):
        router.include_router(part.router)
    return router
