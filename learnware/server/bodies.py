"""The bodies of requests, read as they come: no larger, and no more slowly, than they may."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator

import anyio
from fastapi import Request
from starlette.requests import ClientDisconnect

from learnware.errors import LimitExceeded, MarketUnreachable
from learnware.limits import LIMITS
from learnware.server.submissions.incoming import Upload

_WRITTEN_AT_ONCE = 2**20

# A body may come as slowly as this after the first seconds; else a thousand slow ones would hold a thousand files.
_PATIENCE_SECONDS, _LEAST_RATE = 30.0, 10_000.0


async def chunks(request: Request) -> AsyncGenerator[bytes, None]:
    """Yield a body as it comes, unless it comes so slowly that it may be meant to.

    Raises
    ------
    MarketUnreachable
        It came too slowly, or not to its end.
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
        except ClientDisconnect as error:
            raise MarketUnreachable("The body of this request broke off.") from error
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
    _refuse_announced(request, max_bytes)
    whole = bytearray()
    async for chunk in chunks(request):
        whole += chunk
        if len(whole) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(whole)


async def write_body(request: Request, upload: Upload) -> None:
    """Write a body into a file as it comes, holding no more than a piece of it."""
    _refuse_announced(request, LIMITS["upload-bytes"])
    piece = bytearray()
    async for chunk in chunks(request):
        piece += chunk
        if len(piece) >= _WRITTEN_AT_ONCE:
            await anyio.to_thread.run_sync(upload.write, bytes(piece))
            piece.clear()
    await anyio.to_thread.run_sync(upload.write, bytes(piece))


def _refuse_announced(request: Request, max_bytes: int) -> None:
    """Refuse a body by the size that was announced, which saves both sides the way; it is counted all the same."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > max_bytes:
        raise _too_large(max_bytes)


def _too_large(max_bytes: int) -> LimitExceeded:
    return LimitExceeded(f"The body of this request must have at most {max_bytes:,} bytes.", code="body-size")
