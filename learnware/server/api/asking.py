"""Who asks, and what stands in the body: the first lines of every route."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar, cast

import anyio
from fastapi import Depends, Header, Request
from pydantic import BaseModel, ValidationError

from learnware import _strict_json as strict_json
from learnware.errors import InvalidParameter, LimitExceeded, NotAuthenticated
from learnware.limits import LIMITS
from learnware.server.accounts.actor import Actor
from learnware.server.bodies import read_body
from learnware.server.dock import Dock

_Body = TypeVar("_Body", bound=BaseModel)


def dock_of(request: Request) -> Dock:
    """Return the dock that the app serves."""
    return cast(Dock, request.app.state.dock)


def actor_of(request: Request, authorization: Annotated[str | None, Header(include_in_schema=False)] = None) -> Actor:
    """Return who asks, by the bearer token of the request; cookies count for the web page only."""
    address = request.client.host if request.client is not None else None
    if authorization is None:
        return dock_of(request).actor(None, address)
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise NotAuthenticated("The header 'Authorization' must be 'Bearer' and a token, such as 'Bearer lw_...'.")
    return dock_of(request).actor(secret.strip(), address, kind="token")


def _actor(request: Request) -> Actor:
    return actor_of(request, request.headers.get("authorization"))


Asking = Annotated[Actor, Depends(actor_of)]
Served = Annotated[Dock, Depends(dock_of)]


def json_body(
    model: type[_Body], limit: str = "request-bytes", *, first: Callable[[Dock, Actor], None] | None = None
) -> Callable[[Request], Coroutine[Any, Any, _Body]]:
    """Return a dependency that reads a JSON body strictly.

    Parameters
    ----------
    model : type of BaseModel
        What it must be.
    limit : str, default="request-bytes"
        The name of the limit on its size in `LIMITS`.
    first : callable, optional
        Gets the dock and who asks before a byte is read, and raises for whoever has asked too often.
    """

    async def read(request: Request) -> _Body:
        if first is not None:
            await anyio.to_thread.run_sync(lambda: first(dock_of(request), _actor(request)))
        text = await read_body(request, LIMITS[limit])
        # In a thread, since eight megabytes of numbers take a second.
        return await anyio.to_thread.run_sync(lambda: read_model(model, text, LIMITS[limit]))

    return read


def read_model(model: type[_Body], text: bytes, max_bytes: int) -> _Body:
    """Return JSON as a model, or raise InvalidParameter that says where it departs."""
    content = strict_json.parse(text, _refuse, max_bytes=max_bytes, max_depth=LIMITS["request-depth"])
    try:
        return model.model_validate(content)
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()[:5])
        raise InvalidParameter(f"The body of this request is not what is expected. {told}.") from error


def body_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return what OpenAPI says of a JSON body."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def file_schema() -> dict[str, Any]:
    """Return what OpenAPI says of a body that is a learnware file."""
    schema = {"type": "string", "format": "binary"}
    return {"requestBody": {"required": True, "content": {"application/zip": {"schema": schema}}}}


def _refuse(reason: str, code: str) -> InvalidParameter | LimitExceeded:
    if code == "json-size":
        return LimitExceeded(f"The body of this request is too large: {reason}.", code=code)
    return InvalidParameter(f"The body of this request must be plain JSON, but {reason}.")
