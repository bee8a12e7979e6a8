"""Who asks, and what stands in the body: the first lines of every route."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any, TypeVar, cast

import anyio
from fastapi import Depends, Header, Request
from pydantic import BaseModel, ValidationError

from learnware import _strict_json as strict_json
from learnware.errors import InvalidParameter, LimitExceeded, MarketUnreachable, NotAuthenticated
from learnware.limits import LIMITS
from learnware.server.accounts.actor import Actor
from learnware.server.dock import Dock
from learnware.server.submissions.incoming import Upload

_Body = TypeVar("_Body", bound=BaseModel)

_WRITTEN_AT_ONCE = 2**20

# A body may come as slowly as this after the first seconds; else a thousand slow ones would hold a thousand files.
_PATIENCE_SECONDS, _LEAST_RATE = 30.0, 10_000.0


def dock_of(request: Request) -> Dock:
    """Return the dock that the app serves."""
    return cast(Dock, request.app.state.dock)


def actor_of(request: Request, authorization: Annotated[str | None, Header()] = None) -> Actor:
    """Return who asks, by the bearer token of the request; cookies count for the web page only."""
    address = request.client.host if request.client is not None else None
    if authorization is None:
        return dock_of(request).actor(None, address)
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise NotAuthenticated("The header 'Authorization' must be 'Bearer' and a token, such as 'Bearer lw_...'.")
    return dock_of(request).actor(secret.strip(), address)


Asking = Annotated[Actor, Depends(actor_of)]
Served = Annotated[Dock, Depends(dock_of)]


async def chunks(request: Request) -> AsyncIterator[bytes]:
    """Yield a body as it comes, unless it comes so slowly that it may be meant to.

    Raises
    ------
    MarketUnreachable
        It came too slowly.
    """
    start, n_bytes = time.monotonic(), 0
    stream = request.stream().__aiter__()
    while True:
        allowed = _PATIENCE_SECONDS + n_bytes / _LEAST_RATE - (time.monotonic() - start)
        try:
            with anyio.fail_after(max(allowed, 0.0)):
                chunk = await stream.__anext__()
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise MarketUnreachable(
                f"The body of this request came at less than {_LEAST_RATE:,.0f} bytes a second and was given up."
            ) from error
        n_bytes += len(chunk)
        if chunk:
            yield chunk


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return a whole body of a limited size.

    Raises
    ------
    LimitExceeded
        It is larger.
    """
    whole = bytearray()
    async for chunk in chunks(request):
        whole += chunk
        if len(whole) > max_bytes:
            raise LimitExceeded(f"The body of this request must have at most {max_bytes:,} bytes.", code="body-size")
    return bytes(whole)


async def write_body(request: Request, upload: Upload) -> None:
    """Write a body into a file as it comes, holding no more than a piece of it."""
    piece = bytearray()
    async for chunk in chunks(request):
        piece += chunk
        if len(piece) >= _WRITTEN_AT_ONCE:
            await anyio.to_thread.run_sync(upload.write, bytes(piece))
            piece.clear()
    await anyio.to_thread.run_sync(upload.write, bytes(piece))


def json_body(model: type[_Body], limit: str = "request-bytes") -> Callable[[Request], Coroutine[Any, Any, _Body]]:
    """Return a dependency that reads a JSON body strictly.

    Parameters
    ----------
    model : type of BaseModel
        What it must be.
    limit : str, default="request-bytes"
        The name of the limit on its size in `LIMITS`.
    """

    async def read(request: Request) -> _Body:
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
