"""The learnwares that a reuser works with, whatever they were handed over in, and their answers to rows."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._progress import progress_bar
from learnware.errors import InvalidParameter, ModelFailure, NoLearnwares
from learnware.reuse.labels import join_classes, kind_of_labels, one_hot, places

#: Positions of members.
Positions = Sequence[int] | npt.NDArray[np.intp]

CLASSIFICATION, REGRESSION = "Classification", "Regression"

_QUIET_SECONDS = 3.0


@dataclass(frozen=True)
class Members:
    """Learnwares of one task, with what a search said about them.

    Parameters
    ----------
    learnwares : tuple
        At least one; each offers ``predict``, ``task`` and, for classification, ``classes_``.
    weights : ndarray of shape (n_members,), default=None
        Weights of a mixture, summing to one.
    distances : ndarray of shape (n_members,), default=None
        Distance of each specification to the user's.
    """

    learnwares: tuple[Any, ...]
    weights: npt.NDArray[np.float64] | None = None
    distances: npt.NDArray[np.float64] | None = None
    task: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "task", _common_task([learnware.task for learnware in self.learnwares]))

    @classmethod
    def of(cls, source: Any, *, whole: bool = False) -> Members:
        """Read a search result, a mixture, or a list of hits or learnwares.

        Parameters
        ----------
        source : SearchResult, Mixture, or sequence of Hit or Learnware
            What the user handed over.
        whole : bool, default=False
            Of a search result take everything it found, the nearest first, instead of its mixture.

        Raises
        ------
        NoLearnwares
            There is none.
        InvalidParameter
            It is something else, or the learnwares solve different tasks.
        """
        entries, weights = _entries(source, whole)
        if not entries:
            raise NoLearnwares(_nothing(source))
        learnwares = [_learnware(entry) for entry in entries]
        keep = _of_one_kind(learnwares, weights) if hasattr(source, "verdict") else range(len(entries))
        distances = [getattr(entries[i], "distance", None) for i in keep]
        known = all(distance is not None for distance in distances)
        shares = None if weights is None else np.asarray(weights, dtype=np.float64)[list(keep)]
        return cls(
            tuple(learnwares[i] for i in keep),
            shares if shares is None or len(keep) == len(entries) else shares / shares.sum(),
            np.array(distances, dtype=np.float64) if known else None,
        )

    def __len__(self) -> int:
        return len(self.learnwares)

    def subset(self, index: Positions) -> Members:
        """Return some of the members, in the order asked for; mixture weights do not survive."""
        return Members(
            tuple(self.learnwares[i] for i in index),
            None,
            None if self.distances is None else self.distances[list(index)],
        )

    @cached_property
    def class_sets(self) -> tuple[npt.NDArray[Any], ...]:
        """Classes of each member; empty for regression."""
        if self.task != CLASSIFICATION:
            return ()
        for learnware in self.learnwares:
            if getattr(learnware, "classes_", None) is None:
                raise InvalidParameter(
                    f"{name_of(learnware)} does not say which classes its outputs stand for. Pack it again with "
                    "Learnware.from_model(..., classes=[...])."
                )
        return tuple(np.asarray(learnware.classes_) for learnware in self.learnwares)

    def classes(self, labels: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        """Return the sorted union of all members' classes and of `labels`."""
        return join_classes([*self.class_sets, *([] if labels is None else [labels])])

    def known(self, classes: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Tell which member knows which class: a mask of shape (n_members, n_classes)."""
        return np.array([places(classes, own) >= 0 for own in self.class_sets])

    def ask(
        self,
        X: Any,
        classes: npt.NDArray[Any] | None = None,
        *,
        only: Positions | None = None,
        progress: bool | None = None,
    ) -> npt.NDArray[np.float64]:
        """Return what the members say about rows.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows as the learnwares take them.
        classes : ndarray of shape (n_classes,), default=None
            For classification: what the last axis stands for; a superset of every member's classes.
        only : sequence of int, default=None
            Positions of the members to ask; all if None.
        progress : bool, default=None
            Show a bar; None shows it when the asking takes long.

        Returns
        -------
        ndarray of shape (n_members, n_samples, n_outputs)
            Probabilities, 0 for a class that the member does not know, or predicted values.
        """
        asked = range(len(self)) if only is None else only
        bar = progress_bar(
            asked,
            desc="asking learnwares",
            unit="learnware",
            delay=0.0 if progress else _QUIET_SECONDS,
            shown=progress,
            leave=False,
        )
        answers = [self._probabilities(i, X, classes) if classes is not None else self._values(i, X) for i in bar]
        widths = {answer.shape[1] for answer in answers}
        if len(widths) > 1:
            raise InvalidParameter(
                "The learnwares must predict the same number of values for a row. "
                f"Got {', '.join(map(str, sorted(widths)))}: leave the odd ones out."
            )
        return np.stack(answers)

    def _values(self, i: int, X: Any) -> npt.NDArray[np.float64]:
        values = self._checked(i, self.learnwares[i].predict(X), X)
        return values[:, None] if values.ndim == 1 else values

    def _probabilities(self, i: int, X: Any, classes: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        learnware, own = self.learnwares[i], self.class_sets[i]
        if hasattr(learnware, "predict_proba"):
            answer = self._checked(i, learnware.predict_proba(X), X)
            if answer.ndim != 2 or answer.shape[1] != len(own) or answer.min(initial=0.0) < 0:
                raise ModelFailure(
                    f"{name_of(learnware)} must give one probability for each of its {len(own)} classes. "
                    f"Got an array of shape {answer.shape} with least value {answer.min(initial=0.0):.3g}."
                )
        else:
            answer = one_hot(np.asarray(learnware.predict(X)), own, name_of(learnware))
        total = answer.sum(axis=1, keepdims=True)
        answer = np.divide(answer, total, out=np.full_like(answer, 1.0 / len(own)), where=total > 0)
        aligned = np.zeros((len(answer), len(classes)))
        aligned[:, places(own, classes)] = answer
        return aligned

    def _checked(self, i: int, answer: Any, X: Any) -> npt.NDArray[np.float64]:
        name = name_of(self.learnwares[i])
        try:
            values = np.asarray(answer, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ModelFailure(f"{name} must answer with numbers. Got {type(answer).__name__}: {error}.") from error
        if values.ndim not in (1, 2) or len(values) != len(X):
            raise ModelFailure(f"{name} must give one answer a row, {len(X)} here. Got shape {values.shape}.")
        if not np.isfinite(values).all():
            raise ModelFailure(f"{name} answered with NaN or infinity. Leave it out, or fill missing values in X.")
        return values


def peek_task(source: Any) -> str | None:
    """Return the task of what a reuser was given, or None if that cannot be told without fetching or failing."""
    try:
        entries, _ = _entries(source, False)
    except InvalidParameter:
        return None
    for entry in entries:
        task = getattr(entry, "task", None)
        semantic = getattr(getattr(entry, "specification", None), "semantic", None)
        task = task if isinstance(task, str) else getattr(semantic, "task", None)
        if isinstance(task, str):
            return task
    return None


def name_of(learnware: Any) -> str:
    """Return what to call a learnware in a message or table."""
    semantic = getattr(getattr(learnware, "specification", None), "semantic", None)
    name = getattr(semantic, "name", None) or getattr(learnware, "id", None)
    return f"learnware {name!r}" if name else f"a {type(learnware).__name__}"


def _entries(source: Any, whole: bool) -> tuple[list[Any], Any]:
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


def _of_one_kind(learnwares: list[Any], weights: Any) -> list[int]:
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
        raise InvalidParameter(
            "The 'learnwares' parameter of a reuser must hold hits or learnwares. "
            f"Got {type(entry).__name__} instead: make one with Learnware.from_model or Learnware.load."
        )
    return learnware


def _common_task(tasks: list[Any]) -> str:
    distinct = sorted({str(task) for task in tasks})
    if len(distinct) > 1 or distinct[0] not in (CLASSIFICATION, REGRESSION):
        raise InvalidParameter(
            f"The learnwares must all have the task {CLASSIFICATION!r} or all {REGRESSION!r}. "
            f"Got {', '.join(map(repr, distinct))}. Search with task= in the specification to get one kind."
        )
    return distinct[0]


def _nothing(source: Any) -> str:
    if getattr(source, "verdict", None) is not None:
        return (
            f"There is nothing to reuse: the search found no learnware (verdict {source.verdict!r}). "
            "Search with fewer conditions, or train a model of your own."
        )
    return "There is nothing to reuse: 'learnwares' is empty. Pass at least one learnware, or a search result."
