"""What is in the market: lists, searches, single learnwares and their files."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from learnware.errors import InvalidParameter, InvalidSpecification, LearnwareNotFound
from learnware.limits import LIMITS
from learnware.market.result import Hit, SearchResult
from learnware.market.searcher import Wishes
from learnware.market.searcher.surroundings import principal_plane
from learnware.market.store import Revision, is_id
from learnware.server.accounts.actor import Actor
from learnware.server.accounts.authorize import Action, Resource, authorize
from learnware.server.dock.foundation import Foundation
from learnware.server.views import Card, MapPoints, Page
from learnware.specification import SemanticSpecification, Specification

#: A page has at most so many learnwares.
MOST_ON_PAGE = 500
#: A search passes over no more hits than these.
MOST_PASSED_OVER = 2_000

_ON_MAP = 400
_OLDEST = """DELETE FROM queries WHERE id IN (
    SELECT id FROM (SELECT id, SUM(LENGTH(content)) OVER (ORDER BY created DESC, id) AS so_far FROM queries)
    WHERE so_far > ?)"""
_SORTS = ("newest", "name")
_DAY = 24 * 3600.0


class Catalogue(Foundation):
    """The part of a dock that looks things up."""

    def listing(self, actor: Actor, *, limit: int = 100, cursor: str | None = None) -> Page:
        """Return learnwares in the order in which they came, the oldest first.

        Parameters
        ----------
        actor : Actor
        limit : int, default=100
            At most so many, and no more than 500.
        cursor : str, optional
            ``Page.next`` of the page before.
        """
        authorize(actor, Action.SEARCH)
        _check_limit(limit)
        if cursor is not None and not is_id(cursor):
            raise _wrong_cursor(cursor)
        self._spend_look(actor)
        found: list[str] = []
        last = cursor
        while len(found) <= limit:
            batch = self.store.ids_after(last, MOST_ON_PAGE)
            if not batch:
                break
            # After the ids: what is hidden is known before it is stored.
            hidden = self.library.hidden_from(actor)
            found.extend(learnware_id for learnware_id in batch if learnware_id not in hidden)
            last = batch[-1]
        total, more = self._n_visible(self.library.hidden_from(actor)), len(found) > limit
        return Page(self._cards(found[:limit]), total, found[limit - 1] if more else None)

    def browse(
        self,
        actor: Actor,
        *,
        text: str | None = None,
        data: str | None = None,
        task: str | None = None,
        scenarios: Iterable[str] = (),
        license: str | None = None,
        library: str | None = None,
        owner: str | None = None,
        sort: str = "newest",
        limit: int = 20,
        cursor: str | None = None,
    ) -> Page:
        """Return the learnwares with some tags and words.

        Parameters
        ----------
        actor : Actor
        text : str, optional
            Words; the learnwares are sorted by how well they match then.
        data, task, scenarios, license, library : optional
            Tags; what is not said means any.
        owner : str, optional
            An account.
        sort : {"newest", "name"}, default="newest"
        limit : int, default=20
        cursor : str, optional
            ``Page.next`` of the page before.
        """
        authorize(actor, Action.SEARCH)
        _check_limit(limit)
        if sort not in _SORTS:
            raise InvalidParameter(f"The 'sort' parameter must be one of {', '.join(_SORTS)}. Got {sort!r} instead.")
        self._spend_look(actor)
        start = _position(cursor)
        wanted = SemanticSpecification(
            data=data, task=task, library=library, scenarios=tuple(scenarios), license=license
        )
        words, hidden = (text or "").strip(), partial(self.library.hidden_from, actor)
        owned = None if owner is None else self.library.of(owner)
        ids, total = self.market.matching(wanted, words, hidden, sort=sort, among=owned, start=start, limit=limit)
        end = start + limit
        return Page(self._cards(ids), total, str(end) if end < total else None)

    def card(self, actor: Actor, reference: str) -> Card:
        """Return what a list shows of a learnware, or of ``"id@sha256"``, one of its revisions."""
        learnware_id, digest, held = self._learnware(actor, Action.READ, reference)
        revision = self._revision(learnware_id, digest)
        return _card(held, revision, self.store.describe(learnware_id, revision.digest))

    def describe(self, actor: Actor, reference: str) -> Specification:
        """Return the specification of a learnware, or of one of its revisions."""
        learnware_id, digest, _ = self._learnware(actor, Action.READ, reference)
        return self.store.describe(learnware_id, digest)

    def revisions(self, actor: Actor, reference: str) -> tuple[Revision, ...]:
        """Return what an id has stood for, oldest first."""
        self._learnware(actor, Action.READ, reference)
        return self.store.revisions(reference)

    def file(self, actor: Actor, reference: str) -> tuple[Path, str]:
        """Return the file of a learnware, and the sha256 that it was found to have.

        Raises
        ------
        ChecksumMismatch
            The stored bytes have changed.
        """
        learnware_id, digest, _ = self._learnware(actor, Action.READ, reference)
        path, wanted = self.store.file(learnware_id, digest)
        self.verified.check(path, wanted)
        return path, wanted

    def search(
        self,
        actor: Actor,
        specification: Specification,
        *,
        text: str | None = None,
        wishes: Wishes | None = None,
        spent: bool = False,
    ) -> SearchResult:
        """Find learnwares for a task; see `Market.search`.

        Parameters
        ----------
        actor : Actor
        specification, text
            As there; a specification has at most 300 points.
        wishes : Wishes, optional
            How many hits, and which.
        spent : bool, default=False
            Whether `spend_search` has counted it already.
        """
        authorize(actor, Action.SEARCH)
        if not spent:
            self.spend_search(actor)
        wishes = wishes or Wishes()
        _check_limit(wishes.limit)
        _check_limit(wishes.mixture_size, "mixture_size", 50)
        if wishes.offset > MOST_PASSED_OVER:
            raise InvalidParameter(f"The 'offset' parameter must be at most {MOST_PASSED_OVER}. Got {wishes.offset}.")
        _check_points(specification)
        hidden = partial(self.library.hidden_from, actor)
        return self.market.search_visible(specification, text=text, wishes=wishes, hidden=hidden)

    def similar(self, actor: Actor, learnware_id: str, limit: int = 6) -> list[Hit]:
        """Return the learnwares that are made for the most similar data."""
        rkme = self.describe(actor, learnware_id).statistical
        if rkme is None:
            return []
        self._spend_look(actor)
        found = self.market.search_visible(
            replace(rkme, labels=None),
            wishes=Wishes(limit, duplicates=True),
            hidden=lambda: self.library.hidden_from(actor) | {learnware_id},
        ).hits
        return sorted(found, key=lambda hit: hit.distance or 0.0)

    def island(self, actor: Actor, about: str | Specification) -> MapPoints:
        """Return a map of the learnwares around one of them, or around a specification.

        The two axes are those along which they differ most (principal components of their sketches).
        """
        authorize(actor, Action.SEARCH)
        self._spend_look(actor)
        mine = not isinstance(about, str)
        rkme = about.statistical if isinstance(about, Specification) else self.describe(actor, about).statistical
        around = (
            None if rkme is None else self.market.surroundings(rkme, _ON_MAP, partial(self.library.hidden_from, actor))
        )
        if around is None:
            return MapPoints([], [], np.empty((0, 2)))
        plane = principal_plane(np.vstack([around.sketches, around.own]) if mine else around.sketches)
        known = self.store.entries(around.ids)
        here = [row for row, learnware_id in enumerate(around.ids) if learnware_id in known]
        ids = [around.ids[row] for row in here]
        names = [known[i].specification.semantic.name for i in ids]
        return MapPoints(ids, names, plane[here], plane[-1] if mine else None)

    def keep_query(self, actor: Actor, specification: Specification) -> str:
        """Keep the specification of a search for some days, and return what its address ends with."""
        authorize(actor, Action.SEARCH)
        self.spend_search(actor)
        _check_points(specification)
        query_id, now = secrets.token_hex(16), time.time()
        with self.database.writing() as connection:
            connection.execute("DELETE FROM queries WHERE created < ?", (now - LIMITS["query-days"] * _DAY,))
            connection.execute("INSERT INTO queries VALUES (?, ?, ?)", (query_id, specification.to_json(), now))
            # Anybody may send one: the oldest go when there are too many.
            connection.execute(_OLDEST, (LIMITS["queries-bytes"],))
        return query_id

    def query(self, query_id: str) -> Specification:
        """Return the specification of a search that was kept; whoever knows its address may see it."""
        return Specification.from_json(self.query_text(query_id))

    def query_text(self, query_id: str) -> str:
        """Return the same as the JSON that was kept."""
        oldest = time.time() - LIMITS["query-days"] * _DAY
        rows = self.database.rows("SELECT content FROM queries WHERE id = ? AND created >= ?", (query_id, oldest))
        if not rows:
            raise LearnwareNotFound(
                f"This search is not known here; the specifications of searches are kept for {LIMITS['query-days']} "
                "days. Search again."
            )
        text: str = rows[0][0]
        return text

    def spend_search(self, actor: Actor) -> None:
        """Count a search, and raise TooManyRequests if that is one too many."""
        self.rates.spend("search" if actor.user is not None else "search-unknown", actor.key)

    def _spend_look(self, actor: Actor) -> None:
        self.rates.spend("look", actor.key)

    def _n_visible(self, hidden: frozenset[str]) -> int:
        return len(self.store) - len(self.store.numbers_of(hidden))

    def _cards(self, ids: Sequence[str]) -> list[Card]:
        held = self.library.holdings(ids)
        return [_card(held[i], entry.revision, entry.specification) for i, entry in self.store.entries(ids).items()]

    def _revision(self, learnware_id: str, digest: str | None) -> Revision:
        known = self.store.revisions(learnware_id)
        return known[-1] if digest is None else next(r for r in reversed(known) if r.digest == digest)


def _card(held: Resource, revision: Revision, specification: Specification) -> Card:
    return Card(
        held.id,
        revision.digest,
        specification.semantic,
        specification.level,
        held.owner,
        held.visibility,
        revision.created,
        revision.size,
    )


def _check_limit(limit: int, name: str = "limit", most: int = MOST_ON_PAGE) -> None:
    if not 1 <= limit <= most:
        raise InvalidParameter(f"The {name!r} parameter must be an int from 1 to {most}. Got {limit} instead.")


def _check_points(specification: Specification) -> None:
    rkme = specification.statistical
    if rkme is not None and len(rkme.weights) > LIMITS["market-points"]:
        raise InvalidSpecification(
            f"A specification to search with must have at most {LIMITS['market-points']} points. Got "
            f"{len(rkme.weights)}: make it with fewer, n_points=100 for example.",
            code="spec-too-many",
        )


def _position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > 9:
        raise _wrong_cursor(cursor)
    return int(cursor)


def _wrong_cursor(cursor: str) -> InvalidParameter:
    return InvalidParameter(f"The 'cursor' parameter must be what the page before said. Got {cursor!r:.40} instead.")
