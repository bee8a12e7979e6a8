"""Templates to pages."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from learnware.server.accounts.actor import Actor
from learnware.server.pages.language import LANGUAGES, Catalogue
from learnware.server.pages.pictures.svg import amount
from learnware.server.pages.prose import as_html, excerpt

_SERVER = Path(__file__).parents[1]
STATIC = _SERVER / "static"


def static_files() -> StaticFiles:
    """Return the application that answers below ``/static``."""
    return _StaticFiles(directory=STATIC)


class _StaticFiles(StaticFiles):
    def file_response(self, *arguments: Any, **options: Any) -> Response:
        response = super().file_response(*arguments, **options)
        # Pages name a file with the digest of its content, so an address never means anything else.
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def render(
    request: Request, template: str, catalogue: Catalogue, actor: Actor, *, status: int = 200, **values: Any
) -> Response:
    """Fill in a template.

    Parameters
    ----------
    request : Request
    template : str
        Its file name.
    catalogue : Catalogue
    actor : Actor
    status : int, default=200
    **values
        What the template needs.
    """
    page = (
        _templates()
        .get_template(template)
        .render(t=catalogue.say, term=catalogue.term, language=catalogue, actor=actor, request=request, **values)
    )
    return HTMLResponse(page, status_code=status)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_SERVER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(languages=LANGUAGES, static=_static_path, query=query)
    environment.filters.update(
        moment=_moment, bytes=_bytes, percent=_percent, number=_number, prose=as_html, svg=Markup, excerpt=excerpt
    )
    return environment


@cache
def _static_path(name: str) -> str:
    """Return the address of a static file, which changes with its content, so that browsers may keep it."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:8]}"


def query(**values: object) -> str:
    """Return a query string of the values that are said.

    Examples
    --------
    >>> query(task="Regression", text="", scenarios=["Business", "Health"])
    '?task=Regression&scenarios=Business&scenarios=Health'
    """
    said = {name: value for name, value in values.items() if value not in (None, "", [], ())}
    return f"?{urlencode(said, doseq=True)}" if said else ""


def _moment(value: datetime) -> str:
    return f"{value.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _number(value: float | None) -> str:
    return "–" if value is None else amount(value)
