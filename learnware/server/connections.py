"""Connections that are given up when nothing comes of them, so that those who hold many hold none for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.h11_impl import H11Protocol

#: A whole head must have come so many seconds after the connection was made, or the last answer was given; until then
#: the rest of a body is taken that was refused, since many clients read no answer before they have sent it all.
HEAD_SECONDS = 30.0

#: Whoever reads nothing of an answer for so many seconds gets no more of it.
READING_SECONDS = 60.0


class Connection(H11Protocol):
    """What uvicorn runs for each connection.

    Of its own it waits for ever for the first request, and for the rest of one whose first byte has come.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._head, self._reading = _Deadline(self.loop), _Deadline(self.loop)
        self._head.set(HEAD_SECONDS, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._head.clear()
        self._reading.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Wait no longer if that was a request."""
        super().data_received(data)
        if not self._is_idle:
            self._head.clear()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        # It may have come already.
        if self._is_idle and not self.transport.is_closing():
            self._head.set(HEAD_SECONDS, self.transport.close)

    def pause_writing(self) -> None:
        """Begin to wait for the other side to read."""
        super().pause_writing()
        self._reading.set(READING_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Wait no longer, since it has read."""
        self._reading.clear()
        super().resume_writing()

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete


class _Deadline:
    """Calls something when it is not cleared in time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float, call: Callable[[], object]) -> None:
        self.clear()
        self._timer = self._loop.call_later(seconds, call)

    def clear(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
