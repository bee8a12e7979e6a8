"""A dock on a real port, in threads of this process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import uvicorn

from learnware.server.dock import Dock
from learnware.server.serve import configured, listening
from learnware.server.settings import Settings
from learnware.server.submissions.worker import Worker

if TYPE_CHECKING:
    from typing import Self

PASSWORD = "correct horse battery"


@dataclass
class RunningDock:
    """A dock of one user, Ada, and one admin, Root, with a worker.

    Parameters
    ----------
    folder : Path
    settings : Settings, optional
    """

    folder: Path
    settings: Settings | None = None

    def __enter__(self) -> Self:
        settings = self.settings or Settings(port=0, rates={}, n_workers=0)
        self.dock = Dock(self.folder, settings)
        for name, role in (("ada", "user"), ("root", "admin")):
            if name not in {user.name for user in self.dock.people.list()}:
                self.dock.people.add(name, PASSWORD, role)
        self._listener = listening(settings)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        config = configured(self.dock)
        config.timeout_graceful_shutdown = 1
        self._server, self._stop = uvicorn.Server(config), Event()
        self._threads = [
            Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True),
            Thread(target=lambda: Worker(self.folder).run(self._stop), daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=20)
        self._listener.close()
        self.dock.close()

    def token(self, user: str = "ada", *scopes: str) -> str:
        """Return a new token of somebody."""
        return self.dock.keys.issue(user, title="test", scopes=scopes or ("read", "upload", "delete"))[0]
