"""The answer to a search as JSON: words and numbers; points and models are fetched when somebody wants them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from learnware.errors import LearnwareError, MarketError
from learnware.market.result import Evidence, Hit, Mixture, SearchResult, Verdict
from learnware.market.store.base import is_id
from learnware.market.wire.readable import readable
from learnware.specification import RKME, SemanticSpecification, Specification

if TYPE_CHECKING:
    from learnware.bundle import Learnware

_DIGEST = re.compile(r"[0-9a-f]{64}")
_LEVELS = ("T0", "T1", "T2")
_NUMBERS = ("distance", "fit", "relevance", "loss")
_SHARES = ("fit", "relevance")

Describe = Callable[[str], Specification]
Fetch = Callable[[str], "Learnware"]


def result_to_wire(result: SearchResult) -> dict[str, Any]:
    """Return the answer to a search as plain values.

    Parameters
    ----------
    result : SearchResult

    Returns
    -------
    dict
        ``hits`` has each learnware once; the mixture names its members by their place there.
    """
    members = () if result.mixture is None else result.mixture.hits
    told = list({hit.id: hit for hit in [*result.hits, *members]}.values())
    place = {hit.id: i for i, hit in enumerate(told)}
    return {
        "verdict": result.verdict,
        "reason": result.reason,
        "evidence": None if result.evidence is None else {n: _finite(v) for n, v in vars(result.evidence).items()},
        "hits": [_hit_to_wire(hit) for hit in told],
        "n_hits": len(result.hits),
        "mixture": None if result.mixture is None else _mixture_to_wire(result.mixture, place),
    }


def _hit_to_wire(hit: Hit) -> dict[str, Any]:
    return {
        "id": hit.id,
        "digest": hit.digest,
        "level": hit.level,
        "semantic": hit.semantic.to_dict(),
        "covers": list(hit.covers),
        "covered_by": hit.covered_by,
        **{name: getattr(hit, name) for name in _NUMBERS},
    }


def _mixture_to_wire(mixture: Mixture, place: Mapping[str, int]) -> dict[str, Any]:
    return {
        "hits": [place[hit.id] for hit in mixture.hits],
        "weights": [float(weight) for weight in mixture.weights],
        "distance": mixture.distance,
        "fit": mixture.fit,
    }


def _finite(value: float) -> float | None:
    return None if math.isnan(value) else value


def result_from_wire(content: object, *, describe: Describe, fetch: Fetch, query: RKME | None = None) -> SearchResult:
    """Return the answer that `result_to_wire` wrote, with hits that are tied to a market.

    Parameters
    ----------
    content : object
        The JSON of an answer, from a stranger.
    describe, fetch : callable
        Bring the specification and the learnware of ``"id@digest"``.
    query : RKME, optional
        What was searched for, which hits remember; it never comes over the wire.

    Returns
    -------
    SearchResult

    Raises
    ------
    MarketError
        It is something else.
    """
    try:
        if not isinstance(content, Mapping):
            raise ValueError("it is no mapping")
        hits = [_hit_from_wire(entry, describe, fetch, query) for entry in content["hits"]]
        verdict = content["verdict"]
        if verdict not in get_args(Verdict):
            raise ValueError(f"its verdict is {verdict!r:.40}")
        return SearchResult(
            tuple(hits[: int(content["n_hits"])]),
            _mixture_from_wire(content["mixture"], hits),
            verdict,
            _evidence_from_wire(content["evidence"]),
            None if content["reason"] is None else readable(content["reason"]),
        )
    except (KeyError, TypeError, ValueError, IndexError, LearnwareError) as error:
        raise MarketError(f"The market answered a search with something that cannot be read: {error}.") from error


def _hit_from_wire(entry: Any, describe: Describe, fetch: Fetch, query: RKME | None) -> Hit:
    if not is_id(entry["id"]) or not _DIGEST.fullmatch(entry["digest"]):
        raise ValueError("a hit has no id, or no digest")
    if entry["level"] is not None and entry["level"] not in _LEVELS:
        raise ValueError(f"the level of a hit is {entry['level']!r:.40}")
    # Older markets know of no near-duplicates.
    covers, covered_by = entry.get("covers", []), entry.get("covered_by")
    if not isinstance(covers, list) or not all(map(is_id, covers)) or not (covered_by is None or is_id(covered_by)):
        raise ValueError("near-duplicates of a hit are named by what is no id")
    numbers: dict[str, Any] = {
        name: None if entry[name] is None else _number(entry[name], name in _SHARES) for name in _NUMBERS
    }
    return Hit(
        entry["id"],
        SemanticSpecification.from_dict(entry["semantic"]),
        fetch=fetch,
        digest=entry["digest"],
        level=entry["level"],
        describe=describe,
        query=query,
        covers=tuple(covers),
        covered_by=covered_by,
        **numbers,
    )


def _mixture_from_wire(content: Any, hits: list[Hit]) -> Mixture | None:
    if content is None:
        return None
    weights = np.array([_number(weight) for weight in content["weights"]])
    places = content["hits"]
    if not len(weights) or weights.min() < 0.0 or abs(weights.sum() - 1.0) > 1e-6 or min(places) < 0:
        raise ValueError("its mixture has no weights that sum to one")
    members = tuple(hits[place] for place in places)
    if len(set(places)) != len(weights):
        raise ValueError("its mixture has not one weight for each member")
    return Mixture(members, weights, _number(content["distance"]), _number(content["fit"], True))


def _evidence_from_wire(content: Any) -> Evidence | None:
    if content is None:
        return None
    values = {n: math.nan if content[n] is None else _number(content[n]) for n in Evidence.__dataclass_fields__}
    return Evidence(**values)


def _number(value: object, share: bool = False) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r:.40} stands where a number should")
    if share and not -1e-9 <= value <= 1.0 + 1e-9:
        raise ValueError(f"{value!r:.40} stands where a share should")
    return float(value)
