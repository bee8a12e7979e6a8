"""A whole search: tags, words, nearest learnwares, mixture, verdict."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from learnware._validation import complain
from learnware.errors import InvalidParameter
from learnware.kernels.blockwise import one_blas_thread
from learnware.market.organizer import Island, Snapshot
from learnware.market.result import SearchResult
from learnware.market.searcher.answering import Answering
from learnware.market.searcher.candidates import Candidates
from learnware.market.searcher.landing import land
from learnware.market.searcher.reason import why_no_island, why_nothing
from learnware.market.searcher.statistical import Query, Scan
from learnware.market.searcher.wishes import Wishes
from learnware.specification import RKME, SemanticSpecification, Specification

if TYPE_CHECKING:
    from learnware.bundle import Learnware

Question: TypeAlias = Specification | SemanticSpecification | RKME | str


def search(
    snapshot: Snapshot,
    query: Question,
    *,
    text: str | None = None,
    wishes: Wishes | None = None,
    fetch: Callable[[str], Learnware] | None = None,
    hidden: Collection[str] = (),
) -> SearchResult:
    """Answer a search over an index.

    Tags narrow the candidates (a tag that is not said means any), words narrow them further, and the statistical
    part ranks what is left: by estimated loss where that is known (`estimate_losses`), else by distance. Without a
    statistical part the words rank.

    Parameters
    ----------
    snapshot : Snapshot
        What the market knows.
    query : Specification, one of its parts, or str
        What the user looks for; text alone searches by words.
    text : str, optional
        Words that a learnware must match besides.
    wishes : Wishes, optional
        How many hits, and which.
    fetch : callable, optional
        Brings the learnware of an id, or of one of its revisions.
    hidden : collection of str, optional
        Ids of learnwares that whoever asks must not learn of.

    Returns
    -------
    SearchResult
    """
    return search_many(snapshot, [query], text=text, wishes=wishes, fetch=fetch, hidden=hidden)[0]


def search_many(
    snapshot: Snapshot,
    queries: Sequence[Question],
    *,
    text: str | None = None,
    wishes: Wishes | None = None,
    fetch: Callable[[str], Learnware] | None = None,
    hidden: Collection[str] = (),
) -> list[SearchResult]:
    """Answer several searches, whose sketches are multiplied with those of an island all at once; see `search`."""
    wishes = wishes or Wishes()
    if text is not None and not isinstance(text, str):
        raise complain("text", "Market.search", "a str or None", text)
    read = [_read(query, text) for query in queries]
    unseen = snapshot.numbers_of(hidden)
    every = [Candidates.of(snapshot, specification.semantic, words, unseen) for specification, words in read]
    # Threads of BLAS wait for each other on every one of the many small products here.
    with one_blas_thread():
        seen = _scans(every, [specification.statistical for specification, _ in read])
        return [
            _answer(allowed, specification, words, scans, wishes, fetch)
            for allowed, (specification, words), scans in zip(every, read, seen, strict=True)
        ]


def _answer(
    allowed: Candidates,
    specification: Specification,
    words: str,
    scans: Iterable[Scan],
    wishes: Wishes,
    fetch: Callable[[str], Learnware] | None,
) -> SearchResult:
    if not allowed:
        return SearchResult((), None, "nothing fits", reason=why_nothing(allowed, specification, words))
    answering = Answering(allowed, fetch, specification.statistical)
    if specification.statistical is None:
        return answering.by_words(wishes.limit, wishes.offset)
    landed = (land(allowed, scan, wishes.mixture_size, wishes.duplicates) for scan in scans)
    landings = [landing for landing in landed if landing is not None]
    if not landings:
        return SearchResult((), None, "nothing fits", reason=why_no_island(allowed, specification.statistical.space))
    return answering.by_distance(landings, wishes.limit, wishes.offset)


def _read(query: Question, text: str | None) -> tuple[Specification, str]:
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


def _scans(every: Sequence[Candidates], rkmes: Sequence[RKME | None]) -> list[list[Scan]]:
    """Return, for each question, the islands that it falls on as it sees them."""
    found: list[list[Scan]] = [[] for _ in every]
    asking: dict[Island, list[int]] = {}
    for i, (allowed, rkme) in enumerate(zip(every, rkmes, strict=True)):
        for island in () if rkme is None else allowed.snapshot.islands_for(rkme.space):
            if allowed.mask(island).any():
                asking.setdefault(island, []).append(i)
    for island, those in asking.items():
        queries = [Query.on(island, rkme) for rkme in (rkmes[i] for i in those) if rkme is not None]
        for i, query, products in zip(those, queries, _products(island, queries), strict=True):
            found[i].append(Scan.of(island, query, every[i].mask(island), products))
    return found


def _products(island: Island, queries: Sequence[Query]) -> Iterable[np.ndarray]:
    if len(queries) == 1:
        return [island.products(queries[0].sketch)]
    return island.products_with(np.array([query.sketch for query in queries]))
