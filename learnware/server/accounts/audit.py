"""The log of what was done at a dock, and by whom."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from learnware._validation import check_int, complain
from learnware.market.store.database import Database
from learnware.server.accounts.actor import Actor
from learnware.server.database import moment

#: So many entries are returned at once at most.
MOST_ENTRIES = 1000

_LONGEST = 1000
_LARGEST_NUMBER = 2**63 - 1


@dataclass(frozen=True)
class AuditEntry:
    """One thing that was done.

    Parameters
    ----------
    number : int
        Larger than that of every earlier entry.
    time : datetime
    actor : str, optional
        The account; None for somebody unknown, and for whoever runs the dock, on its command line.
    action : str
    resource : str, optional
        What it was done to: an id or a name.
    detail : str, optional
    """

    number: int
    time: datetime
    actor: str | None
    action: str
    resource: str | None
    detail: str | None


class Audit:
    """The log of a dock; nothing in it is ever changed or deleted.

    Parameters
    ----------
    database : Database
        From `open_database`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from learnware import Market
    >>> from learnware.server.accounts.actor import Actor
    >>> from learnware.server.accounts.audit import Audit
    >>> from learnware.server.database import open_database
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Market.open(folder).close()
    ...     database = open_database(Path(folder))
    ...     audit = Audit(database)
    ...     audit.note(Actor("ada", "admin"), "disable-user", "bob", "left the company")
    ...     entry = audit.entries()[0]
    ...     database.close()
    >>> entry.actor, entry.action, entry.resource
    ('ada', 'disable-user', 'bob')
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, actor: Actor, action: str, resource: str | None = None, detail: str | None = None) -> None:
        """Add an entry; texts are cut after 1000 characters."""
        values = (time.time(), *map(_storable, (actor.user, action, resource, detail)))
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO audit (time, actor, action, resource, detail) VALUES (?, ?, ?, ?, ?)", values
            )

    def entries(self, limit: int = 100, before: int | None = None) -> list[AuditEntry]:
        """Return entries, newest first.

        Parameters
        ----------
        limit : int, default=100
            How many; at most 1000.
        before : int, optional
            Only entries of a smaller number; for the next page, the number of the last entry of this one.

        Returns
        -------
        list of AuditEntry
        """
        if check_int(limit, "limit", "Audit.entries") > MOST_ENTRIES:
            raise complain("limit", "Audit.entries", f"at most {MOST_ENTRIES}", limit)
        first = _LARGEST_NUMBER if before is None else check_int(before, "before", "Audit.entries", minimum=0)
        rows = self._database.rows(
            "SELECT number, time, actor, action, resource, detail FROM audit WHERE number < ? "
            "ORDER BY number DESC LIMIT ?",
            (min(first, _LARGEST_NUMBER), limit),
        )
        return [AuditEntry(number, moment(seconds), *texts) for number, seconds, *texts in rows]


def _storable(text: str | None) -> str | None:
    # Half characters cannot be stored, and what strangers send may hold them.
    return None if text is None else text[:_LONGEST].encode("utf-8", "backslashreplace").decode()
