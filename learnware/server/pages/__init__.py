"""The web pages of a dock, in English and Chinese, for people who look for learnwares, give some, or run the dock.

Every page works without JavaScript except the upload of a file, which the command line can do as well. Pages ask the
dock alone, which decides who may do what.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends

from learnware.server.dock import Dock
from learnware.server.pages import account, administering, browsing, learnwares, own, searching, tokens, uploading
from learnware.server.pages.answering import SECURITY_HEADERS, PageRoute, error_page
from learnware.server.pages.rendering import static_files
from learnware.server.pages.session import same_origin
from learnware.server.pages.visit import bound_to, visit_of

__all__ = ["SECURITY_HEADERS", "error_page", "pages_router", "static_files"]

_PARTS = (browsing, searching, learnwares, uploading, own, tokens, account, administering)


def pages_router(dock: Dock) -> APIRouter:
    """Return the routes of all pages.

    Parameters
    ----------
    dock : Dock
        What the pages show and change.

    Notes
    -----
    The application mounts `static_files` at ``/static``, and answers errors outside the pages with `error_page`.
    """
    # In this order: whoever sends a form from elsewhere is told so in their language, and nothing else is done.
    checks = [Depends(bound_to(dock)), Depends(visit_of), Depends(same_origin)]
    router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=checks)
    for part in _PARTS:
        router.include_router(part.router)
    return router
