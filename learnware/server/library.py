"""Whose each learnware is, and who may see it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import cast

from learnware._validation import check_option
from learnware.market.store.database import Database
from learnware.server.accounts.actor import Actor
from learnware.server.accounts.authorize import VISIBILITIES, Resource, Visibility

# One text, since a row of its own for each id costs ten times as much.
_HIDDEN = """SELECT group_concat(id) FROM holdings
    WHERE visibility <> 'public' AND (owner IS NULL OR owner IS NOT ?)"""
_MOST_REMEMBERED = 4


class Library:
    """The owners and the visibility of learnwares.

    Parameters
    ----------
    database : Database
        That of the dock.

    Notes
    -----
    A learnware without a row came with the folder: it is public, and nobody's. The row of any other is written before
    the learnware itself, so that nobody sees for a moment what is private, and outlives it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        # What was hidden from whom, as text and as a set: the same object again tells others that nothing has changed.
        self._hidden: dict[str | None, tuple[str | None, frozenset[str]]] = {}

    def holding(self, learnware_id: str) -> Resource:
        """Return whose a learnware is and who may see it, whether it is in the market or not."""
        rows = self._database.rows("SELECT owner, visibility FROM holdings WHERE id = ?", (learnware_id,))
        return Resource(learnware_id, *rows[0]) if rows else Resource(learnware_id)

    def holdings(self, learnware_ids: Sequence[str]) -> dict[str, Resource]:
        """Return the same of several."""
        known = "SELECT id, owner, visibility FROM holdings WHERE id IN (SELECT value FROM json_each(?))"
        found = {row[0]: Resource(*row) for row in self._database.rows(known, (json.dumps(list(learnware_ids)),))}
        return {i: found.get(i) or Resource(i) for i in learnware_ids}

    def of(self, owner: str) -> list[str]:
        """Return the ids of somebody's learnwares, and of those being verified, oldest first."""
        rows = self._database.rows("SELECT id FROM holdings WHERE owner = ? ORDER BY created", (owner,))
        return [row[0] for row in rows]

    def hidden_from(self, actor: Actor) -> frozenset[str]:
        """Return the ids that an actor must not meet in lists and searches.

        What is unlisted is found by its id alone, except by its owner and by admins.
        """
        if actor.is_admin:
            return frozenset()
        me = actor.user if "read" in actor.scopes else None
        ((joined,),) = self._database.rows(_HIDDEN, (me,))
        known = self._hidden.get(me)
        if known is None or known[0] != joined:
            known = joined, frozenset(joined.split(",") if joined else ())
            # Another dictionary, since other threads may be reading this one.
            self._hidden = dict([*self._hidden.items(), (me, known)][-_MOST_REMEMBERED:])
        return known[1]

    def set_visibility(self, learnware_id: str, visibility: str) -> None:
        """Say who may see a learnware."""
        chosen = check_visibility(visibility)
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO holdings VALUES (?, NULL, ?, ?) ON CONFLICT (id) DO UPDATE SET visibility = ?",
                (learnware_id, chosen, time.time(), chosen),
            )


def check_visibility(visibility: str) -> Visibility:
    """Return a visibility, or raise InvalidParameter."""
    return cast(Visibility, check_option(visibility, VISIBILITIES, "visibility", "a submission"))
