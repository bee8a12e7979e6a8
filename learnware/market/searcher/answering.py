"""Hits and a mixture, made of what the islands answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from learnware.market.organizer.members import Member
from learnware.market.result import Hit, Mixture, SearchResult, Verdict
from learnware.market.searcher.candidates import Candidates
from learnware.market.searcher.landing import Landing, Ranked
from learnware.specification import RKME

if TYPE_CHECKING:
    from learnware.bundle import Learnware

_RANKS: tuple[Verdict, ...] = ("match", "weak", "nothing fits")


@dataclass(frozen=True)
class Answering:
    """Turns members into hits.

    Attributes
    ----------
    allowed : Candidates
    fetch : callable or None
        Brings learnwares.
    query : RKME or None
        What was searched for, which hits remember.
    """

    allowed: Candidates
    fetch: Callable[[str], Learnware] | None
    query: RKME | None

    def by_words(self, limit: int, offset: int) -> SearchResult:
        """Return the answer to a search by tags and words alone."""
        numbers = self.allowed.numbers()[offset : offset + limit].tolist()
        found = self.allowed.snapshot.members(numbers)
        return SearchResult(tuple(self._hit(member) for member in found), None, "match")

    def by_distance(self, landings: list[Landing], limit: int, offset: int) -> SearchResult:
        """Return the answer of several islands, that of the better verdict first."""
        landings = sorted(landings, key=lambda at: (_RANKS.index(at.verdict), -at.n_columns, -at.blend.fit))
        best = landings[0]
        hits = tuple(islice(self._behind(offset, landings), limit))
        return SearchResult(hits, self._mixture(best, {hit.id: hit for hit in hits}), best.verdict, best.evidence)

    def _behind(self, n_passed: int, landings: list[Landing]) -> Iterator[Hit]:
        """Yield the hits that come after so many."""
        for landing in landings:
            for block in landing.blocks():
                n_hits = landing.n_hits(block)
                if n_passed < n_hits:
                    yield from islice(self._listed(landing, landing.ranked(block)), n_passed, None)
                n_passed = max(0, n_passed - n_hits)

    def _listed(self, landing: Landing, ranked: Ranked) -> Iterator[Hit]:
        for place, row in enumerate(ranked.near.rows.tolist()):
            hit = self._found(landing, ranked, place)
            yield hit
            if landing.duplicates:
                copies = landing.measured_copies_of(row)
                for i, copy in enumerate(copies.members):
                    apart, fit = float(copies.squared_distances[i]), float(copies.fits[i])
                    yield self._hit(copy, apart, fit, covered_by=hit.id)

    def _found(self, landing: Landing, ranked: Ranked, place: int) -> Hit:
        near, loss = ranked.near, ranked.losses[place]
        return self._hit(
            near.members[place],
            float(near.squared_distances[place]),
            float(near.fits[place]),
            None if np.isnan(loss) else float(loss),
            tuple(copy.id for copy in landing.copies_of(int(near.rows[place]))),
        )

    def _mixture(self, landing: Landing, found: dict[str, Hit]) -> Mixture:
        blend, places = landing.blend, {int(row): place for place, row in enumerate(landing.first.near.rows)}
        members = []
        for i, (row, member) in enumerate(zip(blend.rows.tolist(), blend.members, strict=True)):
            if member.id in found:
                members.append(found[member.id])
            elif row in places:
                members.append(self._found(landing, landing.first, places[row]))
            else:
                members.append(self._hit(member, float(blend.squared_distances[i]), float(blend.fits[i])))
        return Mixture(tuple(members), blend.weights, float(np.sqrt(blend.squared_distance)), blend.fit)

    def _hit(
        self,
        member: Member,
        squared_distance: float | None = None,
        fit: float | None = None,
        loss: float | None = None,
        covers: tuple[str, ...] = (),
        covered_by: str | None = None,
    ) -> Hit:
        known = member.entry.specification
        return Hit(
            member.id,
            known.semantic,
            None if squared_distance is None else float(np.sqrt(squared_distance)),
            fit,
            self.allowed.relevance(member.entry.number),
            self.fetch,
            member.entry.digest,
            loss,
            known.level,
            describe=lambda _: known,
            query=self.query,
            covers=covers,
            covered_by=covered_by,
        )
