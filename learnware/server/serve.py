"""Run a dock: the app behind uvicorn, and the processes that verify submissions."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import uvicorn

from learnware.errors import MarketError
from learnware.server.app import create_app
from learnware.server.dock import Dock
from learnware.server.settings import Settings
from learnware.server.submissions.processes import Workers

_KEEP_ALIVE_SECONDS, _LAST_REQUESTS_SECONDS = 20, 10


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
        config = uvicorn.Config(
            create_app(dock),
            log_level="warning",
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_LAST_REQUESTS_SECONDS,
            h11_max_incomplete_event_size=16 * 1024,
        )
        workers = Workers(dock.folder, chosen.n_workers, isolation=chosen.isolation)
        workers.start()
        try:
            if ready is not None:
                host, port = listener.getsockname()[:2]
                ready(chosen.public_url or f"http://{f'[{host}]' if ':' in host else host}:{port}")
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            workers.stop()


def listening(settings: Settings) -> socket.socket:
    """Return a socket that listens where a dock is to be reached; the caller closes it.

    Raises
    ------
    MarketError
        The address is taken, or none of this machine's.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
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
