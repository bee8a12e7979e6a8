"""Who visits: the cookie that says so, and whether a form was sent from our own pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request, Response

from learnware.errors import NotAllowed, NotAuthenticated
from learnware.server.accounts.actor import Actor
from learnware.server.dock import Dock

COOKIE = "dock_session"

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def actor_of(request: Request, dock: Dock) -> Actor:
    """Return whoever a request's cookie stands for; a cookie that stands for nobody is to be cleared."""
    address = address_of(request)
    try:
        return dock.actor(request.cookies.get(COOKIE) or None, address, kind="session")
    except NotAuthenticated:
        request.state.clear_session = True
        return dock.actor(None, address)


def address_of(request: Request) -> str | None:
    """Return the network address that a request came from."""
    return None if request.client is None else request.client.host


def remember(response: Response, secret: str, *, https: bool) -> None:
    """Put a session into the browser, where no script can read it and no other site can use it."""
    response.set_cookie(COOKIE, secret, path="/", httponly=True, samesite="strict", secure=https)


def forget(response: Response, *, https: bool) -> None:
    """Take the session out of the browser."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=https)


def same_origin(request: Request) -> None:
    """Refuse what changes something unless one of our own pages has sent it.

    Raises
    ------
    NotAllowed
        Neither ``Origin`` nor ``Referer`` names the host that the request was sent to, or the dock's public address.
    """
    if request.method in _SAFE:
        return
    said = request.headers.get("origin") or request.headers.get("referer") or ""
    dock: Dock = request.state.dock
    # A proxy may send another host than the one that the browser knows.
    known = (request.headers.get("host", ""), urlsplit(dock.settings.public_url or "").netloc)
    if not any(_is_of(said, host) for host in known):
        raise NotAllowed(
            "This was not sent from a page of this dock, so it was not done. Open the page again and repeat it there."
        )


def _is_of(address: str, host: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return bool(host) and parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def local_path(wanted: str | None) -> str:
    """Return where to go after a login: a path of this dock, whatever was asked for.

    Examples
    --------
    >>> local_path("/mine?page=2"), local_path("//evil.example"), local_path("/\\\\evil.example")
    ('/mine?page=2', '/', '/')
    """
    path = wanted or ""
    plain = all(0x20 < ord(c) < 0x7F for c in path)
    if not plain or not path.startswith("/") or path.startswith("//") or "\\" in path or len(path) > 1000:
        return "/"
    # A browser drops dot segments, and what is left may begin with two slashes.
    return path if not any(part in ("..", ".") for part in path.partition("?")[0].split("/")) else "/"
