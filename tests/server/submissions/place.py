"""A dock to send submissions to."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from learnware.bundle import Policy
from learnware.market import LocalMarket
from learnware.market.store.database import Database
from learnware.server.database import open_database
from learnware.server.submissions.incoming import Incoming
from learnware.server.submissions.queue import Queue
from learnware.server.submissions.submission import Submission
from learnware.server.submissions.worker import Worker

POLICY = Policy("none", "data")
HOUR = 3600.0


@dataclass
class Place:
    """A market folder with a dock, and its user ada."""

    folder: Path
    database: Database
    incoming: Incoming = field(init=False)
    queue: Queue = field(init=False)

    def __post_init__(self) -> None:
        self.incoming = Incoming(self.folder)
        self.queue = Queue(self.database, self.incoming)

    def send(self, data: bytes = b"bytes", *, update: str | None = None, **options: Any) -> Submission:
        """Accept an upload of ada: a new learnware, or an update of that id."""
        with self.incoming.open(10**6) as upload:
            upload.write(data)
            kind = "submit" if update is None else "update"
            return self.queue.accept(
                upload, **{"owner": "ada", "kind": kind, "learnware_id": update or secrets.token_hex(16)} | options
            )

    def work(self) -> int:
        """Let a worker do what waits."""
        with Worker(self.folder, POLICY) as worker:
            return worker.run(Event(), once=True)

    def code(self, submission: Submission) -> str:
        """Return the code of the problem of a submission that failed."""
        found = self.queue.get(submission.id)
        assert found.state == "failed"
        assert found.finished is not None
        assert found.outcome is not None
        code = found.outcome["problem"]["code"]
        assert isinstance(code, str)
        return code

    def held(self) -> dict[str, tuple[str, str]]:
        """Return owner and visibility of every learnware that has them."""
        return {row[0]: row[1:] for row in self.database.rows("SELECT id, owner, visibility FROM holdings")}

    def files(self) -> set[str]:
        """Return the names of the files that wait."""
        return {path.name for path in (self.folder / "dock" / "incoming").glob("*")}


def make_place(folder: Path) -> None:
    """Make a market folder with a dock and its users."""
    LocalMarket.in_folder(folder).close()
    with closing(open_database(folder)) as database, database.writing() as connection:
        for name in ("ada", "bob"):
            connection.execute("INSERT INTO users VALUES (?, '', 'user', 0, NULL)", (name,))


@contextmanager
def open_place(folder: Path) -> Iterator[Place]:
    """Open what `make_place` made."""
    with closing(open_database(folder)) as database:
        yield Place(folder, database)
