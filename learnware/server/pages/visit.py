"""One visit to a page: who comes, in which language, and how the page is made for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from starlette.responses import RedirectResponse

from learnware.errors import NotAuthenticated
from learnware.server.accounts.actor import ANONYMOUS, Actor
from learnware.server.dock import Dock
from learnware.server.pages.language import Catalogue, catalogue_of, language_of
from learnware.server.pages.rendering import render
from learnware.server.pages.session import actor_of


@dataclass(frozen=True)
class Visit:
    """What every page needs to know of a request.

    Parameters
    ----------
    request : Request
    dock : Dock
    actor : Actor
    catalogue : Catalogue
    """

    request: Request
    dock: Dock
    actor: Actor
    catalogue: Catalogue

    @property
    def address(self) -> str:
        """The address of the dock, as the visitor's own programs can use it."""
        return self.dock.settings.public_url or f"{self.request.url.scheme}://{self.request.url.netloc}"

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Return a page in the visitor's language."""
        return render(self.request, template, self.catalogue, self.actor, status=status, **values)

    def go(self, path: str) -> Response:
        """Send the browser to another page, which it is to read, whatever it has sent here."""
        return RedirectResponse(path, status_code=303)

    def require_user(self) -> None:
        """Raise `NotAuthenticated` for somebody who has not logged in, before they fill in a form for nothing."""
        if self.actor.user is None:
            raise NotAuthenticated("Log in to see this page.")


def bound_to(dock: Dock) -> Callable[[Request], None]:
    """Return the dependency that tells the pages of a router which dock they belong to."""

    def bind(request: Request) -> None:
        request.state.dock = dock

    return bind


def visit_of(request: Request) -> Visit:
    """Return the visit that a request is."""
    dock: Dock = request.state.dock
    visit = Visit(request, dock, actor_of(request, dock), catalogue_of(language_of(request)))
    request.state.visit = visit
    return visit


def known_actor(request: Request) -> Actor:
    """Return who visits, as far as it was found out before an error."""
    visit: Visit | None = getattr(request.state, "visit", None)
    return ANONYMOUS if visit is None else visit.actor


def visitor_of_no_page(request: Request) -> Actor:
    """Return who visits an address that is no page, where the app says in ``app.state.dock`` which dock it is."""
    dock: Dock | None = getattr(request.app.state, "dock", None)
    return known_actor(request) if dock is None else actor_of(request, dock)


Visiting = Annotated[Visit, Depends(visit_of)]
