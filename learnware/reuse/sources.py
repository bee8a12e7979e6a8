"""Read what was handed over to a reuser: search results, mixtures, hits or learnwares."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.errors import InvalidParameter, LearnwareError
from learnware.reuse.labels import kind_of_labels

CLASSIFICATION, REGRESSION = "Classification", "Regression"


class _NotReusable(InvalidParameter):
    """What was handed over is no learnware: a mistake of the caller, not a learnware that fails."""


def peek_task(source: Any) -> str | None:
    """Return the task of what a reuser was given, or None if that cannot be told without fetching or failing."""
    try:
        entries, _ = entries_of(source, False)
    except InvalidParameter:
        return None
    for entry in entries:
        task = getattr(entry, "task", None)
        task = task if isinstance(task, str) else getattr(_semantic_of(entry), "task", None)
        if isinstance(task, str):
            return task
    return None


def name_of(learnware: Any) -> str:
    """Return what to call a learnware in a message or table."""
    name = getattr(_semantic_of(learnware), "name", None) or getattr(learnware, "id", None)
    return f"learnware {name!r}" if name else f"a {type(learnware).__name__}"


def entries_of(source: Any, whole: bool) -> tuple[list[Any], Any]:
    """Return the entries of what was handed over, and their weights in a mixture."""
    if hasattr(source, "hits") and hasattr(source, "mixture"):
        mixture = source.mixture
        if mixture is None:
            return list(source.hits), None
        if not whole:
            return list(mixture.hits), mixture.weights
        shares = {hit.id: float(share) for hit, share in zip(mixture.hits, mixture.weights, strict=True)}
        # One entry for an id: a hit and a member of the mixture would each fetch it.
        entries = list({hit.id: hit for hit in [*mixture.hits, *source.hits]}.items())
        order = [hit.id for hit in source.hits]
        entries.sort(key=lambda entry: order.index(entry[0]) if entry[0] in order else len(order))
        return [hit for _, hit in entries], np.array([shares.get(name, 0.0) for name, _ in entries])
    if hasattr(source, "hits"):
        return list(source.hits), getattr(source, "weights", None)
    if isinstance(source, Sequence) and not isinstance(source, str | bytes):
        return list(source), None
    raise InvalidParameter(
        "The 'learnwares' parameter of a reuser must be a search result, a mixture, or a list of hits or "
        f"learnwares. Got {type(source).__name__} instead."
    )


def fetched(entries: list[Any]) -> dict[int, Any]:
    """Return the learnwares of entries by position, without those that cannot be had."""
    found: dict[int, Any] = {}
    failures: dict[int, LearnwareError] = {}
    for i, entry in enumerate(entries):
        try:
            found[i] = _learnware(entry)
        except _NotReusable:
            raise
        except LearnwareError as error:
            failures[i] = error
    if not found:
        raise next(iter(failures.values()))
    for i, failure in failures.items():
        left_out(name_of(entries[i]), failure)
    return found


def left_out(name: str, error: LearnwareError) -> None:
    """Warn of a learnware that fails and is left out."""
    warnings.warn(f"Left out {name}: {type(error).__name__}: {error}", stacklevel=2)


def renewed(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
    """Return weights that sum to one, None where nothing is left of them."""
    total = float(weights.sum())
    return weights / total if total > 0 else None


def data_of(learnware: Any) -> str:
    """Return what a learnware takes: "table", "text" or "image"."""
    return str(getattr(_semantic_of(learnware), "data", "Table")).lower()


def _semantic_of(entry: Any) -> Any:
    # A hit knows its words, and would have to ask a remote market for its specification.
    semantic = getattr(entry, "semantic", None)
    return semantic if semantic is not None else getattr(getattr(entry, "specification", None), "semantic", None)


def of_one_kind(learnwares: list[Any], weights: Any) -> list[int]:
    """Return the positions of those that name classes as the leading one does: a market may hold anything."""
    kinds = [None if labels is None else kind_of_labels(np.asarray(labels)) for labels in map(_labels, learnwares)]
    leading = kinds[0] if weights is None else kinds[int(np.argmax(weights))]
    keep = [i for i, kind in enumerate(kinds) if kind == leading or None in (kind, leading)]
    dropped = ", ".join(name_of(learnware) for i, learnware in enumerate(learnwares) if i not in keep)
    if dropped:
        warnings.warn(f"Left out, because classes are not named by {leading} there: {dropped}.", stacklevel=4)
    return keep


def _labels(learnware: Any) -> Any:
    return getattr(learnware, "classes_", None)


def _learnware(entry: Any) -> Any:
    learnware = getattr(entry, "learnware", entry)
    if not hasattr(learnware, "predict") or not hasattr(learnware, "task"):
        raise _NotReusable(
            "The 'learnwares' parameter of a reuser must hold hits or learnwares. "
            f"Got {type(entry).__name__} instead: make one with Learnware.from_model or Learnware.load."
        )
    return learnware


def common_task(tasks: list[Any]) -> str:
    """Return the one task of all."""
    distinct = sorted({str(task) for task in tasks})
    if len(distinct) > 1 or distinct[0] not in (CLASSIFICATION, REGRESSION):
        raise InvalidParameter(
            f"The learnwares must all have the task {CLASSIFICATION!r} or all {REGRESSION!r}. "
            f"Got {', '.join(map(repr, distinct))}. Search with task= in the specification to get one kind."
        )
    return distinct[0]


def nothing(source: Any) -> str:
    """Return the message for having nothing to reuse."""
    if getattr(source, "verdict", None) is not None:
        return (
            f"There is nothing to reuse: the search found no learnware (verdict {source.verdict!r}). "
            "Search with fewer conditions, or train a model of your own."
        )
    return "There is nothing to reuse: 'learnwares' is empty. Pass at least one learnware, or a search result."
