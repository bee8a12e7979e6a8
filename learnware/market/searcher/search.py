"""A whole search: tags, words, nearest learnwares, mixture, verdict."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from learnware._validation import check_int, complain
from learnware.errors import InvalidParameter
from learnware.market.organizer import Index, Island
from learnware.market.result import Evidence, Hit, Mixture, SearchResult, Verdict
from learnware.market.searcher.candidates import Candidates
from learnware.market.searcher.loss import estimate_losses
from learnware.market.searcher.mixture import Blend, mix
from learnware.market.searcher.reason import why_no_island, why_nothing
from learnware.market.searcher.statistical import N_EXACT, Floats, Neighbours, Query, nearest
from learnware.market.searcher.verdict import judge
from learnware.specification import RKME, SemanticSpecification, Specification

if TYPE_CHECKING:
    from learnware.bundle import Learnware


_RANKS: tuple[Verdict, ...] = ("match", "weak", "nothing fits")


@dataclass(frozen=True)
class _Landing:
    """What one island answers."""

    island: Island
    near: Neighbours
    losses: Floats
    blend: Blend
    verdict: Verdict
    evidence: Evidence

    def id_at(self, place: int) -> str:
        """Return the id of the learnware at some place of the answer."""
        return self.island.ids[int(self.near.rows[place])]


def search(
    index: Index,
    query: Specification | SemanticSpecification | RKME | str,
    *,
    text: str | None = None,
    limit: int = 10,
    mixture_size: int = 5,
    fetch: Callable[[str], Learnware] | None = None,
    hidden: Collection[str] = (),
) -> SearchResult:
    """Answer a search over an index.

    Tags narrow the candidates (a tag that is not said means any), words narrow them further, and the statistical
    part ranks what is left: by estimated loss where that is known (`estimate_losses`), else by distance. Without a
    statistical part the words rank.

    Parameters
    ----------
    index : Index
        What the market knows.
    query : Specification, one of its parts, or str
        What the user looks for; text alone searches by words.
    text : str, optional
        Words that a learnware must match besides.
    limit : int, default=10
        At most this many hits.
    mixture_size : int, default=5
        At most this many members of the mixture.
    fetch : callable, optional
        Brings the learnware of an id, or of one of its revisions.
    hidden : collection of str, optional
        Ids of learnwares that whoever asks must not learn of.

    Returns
    -------
    SearchResult
    """
    check_int(limit, "limit", "Market.search")
    check_int(mixture_size, "mixture_size", "Market.search")
    if text is not None and not isinstance(text, str):
        raise complain("text", "Market.search", "a str or None", text)
    specification, words = _read(query, text)
    allowed = Candidates.of(index, specification.semantic, words, hidden)
    if not allowed:
        return SearchResult((), None, "nothing fits", reason=why_nothing(index, specification, words, hidden))
    answer = _Answer(index, allowed.relevance or {}, fetch)
    if specification.statistical is None:
        return answer.by_words(list(allowed), limit)
    landings = _land(index, specification.statistical, allowed, limit, mixture_size)
    if not landings:
        return SearchResult(
            (), None, "nothing fits", reason=why_no_island(index, specification.statistical.space, hidden)
        )
    return answer.by_distance(landings, limit)


def _read(query: Specification | SemanticSpecification | RKME | str, text: str | None) -> tuple[Specification, str]:
    if isinstance(query, str):
        return Specification(), f"{query} {text or ''}".strip()
    if isinstance(query, SemanticSpecification):
        query = Specification(query)
    if isinstance(query, RKME):
        query = Specification(statistical=query)
    if not isinstance(query, Specification):
        raise InvalidParameter(
            f"The 'specification' parameter of Market.search must be a Specification or text. Got "
            f"{type(query).__name__} instead: data stays with you, so build Specification.from_data(X) first."
        )
    if text is None and query.statistical is None:
        text = f"{query.semantic.name} {query.semantic.description}"
    return query, (text or "").strip()


def _land(index: Index, specification: RKME, allowed: Candidates, limit: int, mixture_size: int) -> list[_Landing]:
    landings = []
    for island in index.islands_for(specification.space):
        rows = allowed.rows(island)
        if not len(rows):
            continue
        query = Query.on(island, specification)
        near = nearest(island, query, rows, max(limit, N_EXACT))
        judgement = estimate_losses(index, island, query, near)
        useful = np.setdiff1d(rows, near.rows[judgement.useless])
        blend = mix(island, query, useful, near[~judgement.useless], mixture_size)
        order = judgement.order
        landings.append(
            _Landing(island, near[order], judgement.losses[order], blend, *judge(island, query, blend, rows))
        )
    # An island of fewer columns is matched more easily, and tells less.
    return sorted(landings, key=lambda at: (_RANKS.index(at.verdict), -len(at.island.space.columns), -at.blend.fit))


@dataclass(frozen=True)
class _Answer:
    """Turns ids and rows into hits."""

    index: Index
    relevance: Mapping[str, float]
    fetch: Callable[[str], Learnware] | None

    def hit(
        self,
        learnware_id: str,
        squared_distance: float | None = None,
        fit: float | None = None,
        loss: float | None = None,
    ) -> Hit:
        distance = None if squared_distance is None else float(np.sqrt(squared_distance))
        words = self.relevance.get(learnware_id)
        digest = self.index.digest(learnware_id)
        known = self.index[learnware_id]
        return Hit(
            learnware_id,
            known.semantic,
            distance,
            fit,
            words,
            self.fetch,
            digest,
            loss,
            known.level,
            describe=lambda _: known,
        )

    def by_words(self, allowed: list[str], limit: int) -> SearchResult:
        hits = tuple(self.hit(learnware_id) for learnware_id in allowed[:limit])
        return SearchResult(hits, None, "match")

    def by_distance(self, landings: list[_Landing], limit: int) -> SearchResult:
        placed = ((landing, place) for landing in landings for place in range(len(landing.near.rows)))
        found = {landing.id_at(place): self._found(landing, place) for landing, place in islice(placed, limit)}
        best = landings[0]
        return SearchResult(tuple(found.values()), self._mixture(best, found), best.verdict, best.evidence)

    def _found(self, landing: _Landing, place: int) -> Hit:
        near, loss = landing.near, landing.losses[place]
        known = None if np.isnan(loss) else float(loss)
        return self.hit(landing.id_at(place), float(near.squared_distances[place]), float(near.fits[place]), known)

    def _mixture(self, landing: _Landing, found: dict[str, Hit]) -> Mixture:
        blend, places = landing.blend, {int(row): place for place, row in enumerate(landing.near.rows)}
        members = []
        for row, squared, fit in zip(blend.rows.tolist(), blend.squared_distances, blend.fits, strict=True):
            learnware_id = landing.island.ids[row]
            if learnware_id in found:
                members.append(found[learnware_id])
            elif row in places:
                members.append(self._found(landing, places[row]))
            else:
                members.append(self.hit(learnware_id, float(squared), float(fit)))
        return Mixture(tuple(members), blend.weights, float(np.sqrt(blend.squared_distance)), blend.fit)
