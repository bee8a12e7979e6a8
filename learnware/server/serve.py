"""Run a dock: the app behind uvicorn, and the processes that verify submissions."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from learnware.errors import MarketError
from learnware.server.app import create_app
from learnware.server.connections import Connection
from learnware.server.dock import Dock
from learnware.server.settings import Settings
from learnware.server.submissions.processes import Workers

_KEEP_ALIVE_SECONDS, _LAST_REQUESTS_SECONDS = 20, 10
_HEAD_BYTES = 16 * 1024


def serve(
    folder: str | os.PathLike[str], settings: Settings | None = None, *, ready: Callable[[str], None] | None = None
) -> None:
    """Serve a market folder until the process is told to stop.

    Parameters
    ----------
    folder : str or Path
        The market folder, made on first use.
    settings : Settings, optional
        Where to listen, and more.
    ready : callable, optional
        Gets the address when the dock listens.

    Raises
    ------
    MarketError
        The folder is no market, or the address is taken.
    """
    chosen = settings or Settings()
    with listening(chosen) as listener, Dock(folder, chosen) as dock:
        workers = Workers(dock.folder, chosen.n_workers, isolation=chosen.isolation)
        workers.start()
        # uvicorn ends in its own way and then sends itself the signal that it got; the workers must be told first.
        with _ending_in_order():
            if ready is not None:
                host, port = listener.getsockname()[:2]
                ready(chosen.public_url or f"http://{f'[{host}]' if ':' in host else host}:{port}")
            try:
                uvicorn.Server(configured(dock)).run(sockets=[listener])
            finally:
                workers.stop()


@contextmanager
def _ending_in_order() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def configured(dock: Dock) -> uvicorn.Config:
    """Return how uvicorn is to run a dock."""
    return uvicorn.Config(
        create_app(dock),
        http=Connection,
        ws="none",
        log_level="warning",
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_LAST_REQUESTS_SECONDS,
        h11_max_incomplete_event_size=_HEAD_BYTES,
        # Where no proxy is in front, whoever asks could say any address.
        proxy_headers=dock.settings.public_url is not None,
    )


def listening(settings: Settings) -> socket.socket:
    """Return a socket that listens where a dock is to be reached; the caller closes it.

    Raises
    ------
    MarketError
        The address is taken, or none of this machine's.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Of a socket whose protocol is not said asyncio sends the body of an answer 40 ms after its head.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            # Elsewhere it would let two docks listen at one port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise MarketError(
            f"The dock cannot listen at {settings.host}:{settings.port}: {error.strerror}. Choose another --port, or "
            "stop what listens there."
        ) from error
    return listener
