"""What waits to be verified, in the order in which it came."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Iterable
from datetime import date, datetime, timezone
from typing import Any, Literal

from learnware.errors import InvalidParameter
from learnware.market.store.database import Database
from learnware.server.accounts.authorize import Visibility, not_found
from learnware.server.submissions.incoming import FORGOTTEN_SECONDS, Incoming, Upload
from learnware.server.submissions.lives import Life, Lives
from learnware.server.submissions.submission import COLUMNS, STATES, Kind, State, Submission, submission_of

_POLL_SECONDS = 0.05
_EPOCH = date(1970, 1, 1).toordinal()

# In the words of the partial index, which has nothing but these rows, however many have been verified.
_OPEN = "FROM submissions INDEXED BY submissions_open WHERE state IN ('pending', 'running')"
_IN_ORDER = f"SELECT id, learnware_id, state, worker, owner {_OPEN} ORDER BY number"
_LAST_SERVED = """SELECT owner, MAX(finished) FROM submissions WHERE owner IN (SELECT value FROM json_each(?))
    GROUP BY owner"""


class Queue:
    """The submissions of a dock.

    Parameters
    ----------
    database : Database
        Of the dock.
    incoming : Incoming
        Where their files wait.

    Notes
    -----
    Processes may share it: what is claimed is claimed in a transaction. Of the submissions of one learnware only the
    oldest can be claimed, so that its revisions come in the order in which they were sent. Of several accounts that
    wait, the one that was served longest ago comes first: who sends much keeps nobody else waiting for all of it.
    """

    def __init__(self, database: Database, incoming: Incoming) -> None:
        self._database = database
        self._incoming = incoming
        self._lives = Lives(incoming.dock / "workers")

    def accept(
        self,
        upload: Upload,
        *,
        owner: str,
        kind: Kind,
        learnware_id: str,
        visibility: Visibility = "private",
        key: str | None = None,
    ) -> Submission:
        """Acknowledge an upload: when this returns, it will be verified, whatever process dies.

        Parameters
        ----------
        upload : Upload
            All of it; kept if it becomes a submission.
        owner : str
            The account that sends it.
        kind : {"submit", "update"}
        learnware_id : str
            The id that the learnware will have, or of the one that gets a revision.
        visibility : {"public", "unlisted", "private"}, default="private"
            Of a new learnware.
        key : str, optional
            Whoever sends the same once more, not knowing whether it came through, sends the same key.

        Returns
        -------
        Submission
            The earlier one, where the owner used that key before.

        Raises
        ------
        InvalidParameter
            The owner used that key before, for something else.
        MarketError
            The disk is full, or the database cannot be written.
        """
        earlier = self._database.rows(_BY_KEY, (owner, key)) if key is not None else []
        if earlier:
            return _same(submission_of(earlier[0]), upload, kind, learnware_id)
        submission_id = secrets.token_hex(16)
        upload.keep(submission_id)
        try:
            with self._database.writing() as connection:
                earlier = connection.execute(_BY_KEY, (owner, key)).fetchall()
                if not earlier:
                    _insert(connection, submission_id, kind, learnware_id, owner, key, upload)
                    if kind == "submit":
                        _hold(connection, learnware_id, owner, visibility)
        except Exception:
            self._incoming.discard(submission_id)
            raise
        if earlier:
            self._incoming.discard(submission_id)
            return _same(submission_of(earlier[0]), upload, kind, learnware_id)
        return self.get(submission_id)

    def get(self, submission_id: str) -> Submission:
        """Return a submission, or raise LearnwareNotFound."""
        rows = self._database.rows(f"SELECT {COLUMNS} FROM submissions WHERE id = ?", (submission_id,))
        if not rows:
            raise not_found(submission_id)
        return submission_of(rows[0])

    def of(self, owner: str | None = None, *, limit: int = 50, before: str | None = None) -> list[Submission]:
        """Return submissions, latest first.

        Parameters
        ----------
        owner : str, optional
            An account; default: all.
        limit : int, default=50
        before : str, optional
            The id of the last one of the page before.
        """
        conditions, values = ["1"], []
        if owner is not None:
            conditions.append("owner = ?")
            values.append(owner)
        if before is not None:
            conditions.append("number < (SELECT number FROM submissions WHERE id = ?)")
            values.append(before)
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM submissions WHERE {' AND '.join(conditions)} ORDER BY number DESC LIMIT ?",
            (*values, limit),
        )
        return [submission_of(row) for row in rows]

    def for_learnware(self, learnware_id: str) -> list[Submission]:
        """Return the submissions of one learnware, latest first."""
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM submissions WHERE learnware_id = ? ORDER BY number DESC", (learnware_id,)
        )
        return [submission_of(row) for row in rows]

    def counts(self) -> dict[State, int]:
        """Return how many submissions are in each state."""
        found = dict(self._database.rows("SELECT state, COUNT(*) FROM submissions GROUP BY state"))
        return {state: found.get(state, 0) for state in STATES}

    def open_of(self, owner: str) -> tuple[int, int]:
        """Return how many submissions of an account wait or are being verified, and how many bytes they have."""
        counted = f"SELECT COUNT(*), COALESCE(SUM(size), 0) {_OPEN} AND owner = ?"
        n, n_bytes = self._database.rows(counted, (owner,))[0]
        return n, n_bytes

    def knows(self, owner: str, key: str) -> bool:
        """Tell whether an account has sent something under a key before."""
        return bool(self._database.rows(_BY_KEY, (owner, key)))

    def per_day(self, since: date) -> dict[date, int]:
        """Return how many submissions came on each day in UTC, for the days from one on that had any."""
        start = datetime(since.year, since.month, since.day, tzinfo=timezone.utc).timestamp()
        rows = self._database.rows(
            "SELECT CAST(created / 86400 AS INTEGER), COUNT(*) FROM submissions WHERE created >= ? GROUP BY 1", (start,)
        )
        return {date.fromordinal(_EPOCH + day): n for day, n in rows}

    def begin_life(self) -> Life:
        """Begin the life of a worker, who claims under its name."""
        return self._lives.begin()

    def claim(self, worker: str) -> Submission | None:
        """Give a worker a submission that waits, or whose worker has died; None if there is none.

        Parameters
        ----------
        worker : str
            The name of a life that has begun.

        Returns
        -------
        Submission or None
            Its ``attempts`` counts this one. After too many, it is for the worker to say what became of it: whether
            the learnware is in the store is not known here.
        """
        # Nearly always there is nothing, which needs no turn of writing.
        if self._first_free(self._database.rows(_IN_ORDER)) is None:
            return None
        with self._database.writing() as connection:
            # Asked again, since others may have claimed it.
            chosen = self._first_free(connection.execute(_IN_ORDER))
            if chosen is None:
                return None
            connection.execute(
                "UPDATE submissions SET state = 'running', worker = ?, attempts = attempts + 1 WHERE id = ?",
                (worker, chosen),
            )
        return self.get(chosen)

    def give_back(self, submission: Submission) -> None:
        """Let others verify what a worker claimed and has no time for; this was no attempt then."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE submissions SET state = 'pending', worker = NULL, attempts = attempts - 1 "
                "WHERE id = ? AND state = 'running' AND worker = ?",
                (submission.id, submission.worker),
            )

    def finish(self, submission: Submission, state: Literal["verified", "failed"], outcome: dict[str, Any]) -> None:
        """Write down what became of a submission; whose it was stays written, since what nobody holds is public."""
        with self._database.writing() as connection:
            done = connection.execute(
                "UPDATE submissions SET state = ?, outcome = ?, finished = ?, worker = NULL "
                "WHERE id = ? AND state = 'running' AND worker = ?",
                (state, json.dumps(outcome), time.time(), submission.id, submission.worker),
            )
        if done.rowcount > 0:
            # A file that stays because the process dies here is nobody's, and swept.
            self._incoming.discard(submission.id)

    def wait(self, submission_id: str, seconds: float) -> Submission:
        """Return a submission once it is finished, or as it is when the time is up."""
        end = time.monotonic() + seconds
        while True:
            submission = self.get(submission_id)
            left = end - time.monotonic()
            if submission.is_finished or left <= 0:
                return submission
            time.sleep(min(_POLL_SECONDS, left))

    def sweep(self, forgotten_seconds: float = FORGOTTEN_SECONDS) -> int:
        """Delete the files that processes left that died, and return how many uploads were among them."""
        self._lives.sweep()
        needed = {row[0] for row in self._database.rows(f"SELECT id {_OPEN}")}
        return self._incoming.sweep(needed, forgotten_seconds)

    def _first_free(self, rows: Iterable[tuple[str, str, str, str | None, str]]) -> str | None:
        busy: set[str] = set()
        free: dict[str, str] = {}
        for submission_id, learnware_id, state, worker, owner in rows:
            if learnware_id not in busy and (state == "pending" or worker is None or self._lives.is_over(worker)):
                free.setdefault(owner, submission_id)
            busy.add(learnware_id)
        if len(free) < 2:
            return next(iter(free.values()), None)
        served = dict(self._database.rows(_LAST_SERVED, (json.dumps(list(free)),)))
        return free[min(free, key=lambda owner: served.get(owner) or 0.0)]


_BY_KEY = f"SELECT {COLUMNS} FROM submissions WHERE owner = ? AND key = ?"


def _same(earlier: Submission, upload: Upload, kind: Kind, learnware_id: str) -> Submission:
    """Return an earlier submission of the same key, if it was of the same upload."""
    # The id of a new learnware is drawn anew each time it is sent.
    same_place = earlier.kind == kind and (kind == "submit" or earlier.learnware_id == learnware_id)
    if not same_place or earlier.digest != upload.digest:
        raise InvalidParameter(
            "An idempotency key stands for one upload. This one was used before, for another file or another "
            f"learnware: submission {earlier.id}. Send a new key."
        )
    return earlier


def _insert(
    connection: sqlite3.Connection,
    submission_id: str,
    kind: Kind,
    learnware_id: str,
    owner: str,
    key: str | None,
    upload: Upload,
) -> None:
    connection.execute(
        "INSERT INTO submissions (id, kind, learnware_id, owner, key, digest, size, state, created) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', ?)",
        (submission_id, kind, learnware_id, owner, key, upload.digest, upload.size, time.time()),
    )


def _hold(connection: sqlite3.Connection, learnware_id: str, owner: str, visibility: Visibility) -> None:
    connection.execute(
        "INSERT INTO holdings (id, owner, visibility, created) VALUES (?, ?, ?, ?)",
        (learnware_id, owner, visibility, time.time()),
    )
