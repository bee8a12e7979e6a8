"""The learnwares that a reuser works with, whatever they were handed over in, and their answers to rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._once import once
from learnware._progress import progress_bar
from learnware.errors import InvalidParameter, LearnwareError, NoLearnwares
from learnware.reuse.answers import probabilities_of, values_of
from learnware.reuse.labels import connected, join_classes, places
from learnware.reuse.sources import (
    CLASSIFICATION,
    REGRESSION,
    common_task,
    data_of,
    entries_of,
    fetched,
    left_out,
    name_of,
    nothing,
    of_one_kind,
    peek_task,
    renewed,
)

__all__ = ["CLASSIFICATION", "REGRESSION", "Members", "MembersFailed", "Positions", "name_of", "peek_task"]

#: Positions of members.
Positions = Sequence[int] | npt.NDArray[np.intp]

_QUIET_SECONDS = 3.0


class MembersFailed(Exception):
    """Some members cannot answer; those that can need not be given up for them.

    Attributes
    ----------
    failures : dict of int to LearnwareError
        Positions of the members, and what each raised.
    """

    def __init__(self, failures: Mapping[int, LearnwareError]) -> None:
        super().__init__(f"{len(failures)} members failed")
        self.failures = dict(failures)


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
    losses : ndarray of shape (n_members,), default=None
        Loss of each on the user's task, as the search estimates it; NaN where it does not know.
    foreign : tuple of int, default=()
        Positions of members whose labels are others than the user's: their answers are in their own classes.
    verdict : {"match", "weak", "nothing fits"}, default=None
        What the search said on whether anything fits; None where no search was handed over.
    """

    learnwares: tuple[Any, ...]
    weights: npt.NDArray[np.float64] | None = None
    distances: npt.NDArray[np.float64] | None = None
    losses: npt.NDArray[np.float64] | None = None
    foreign: tuple[int, ...] = ()
    verdict: str | None = None
    task: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "task", common_task([learnware.task for learnware in self.learnwares]))

    @classmethod
    def of(cls, source: Any, *, whole: bool = False, mixed: bool = False) -> Members:
        """Read a search result, a mixture, or a list of hits or learnwares.

        Parameters
        ----------
        source : SearchResult, Mixture, or sequence of Hit or Learnware
            What the user handed over.
        whole : bool, default=False
            Of a search result take everything it found, in its order, instead of its mixture.
        mixed : bool, default=False
            Keep learnwares of a search result that name classes otherwise than the leading one; `apart` tells them.

        Raises
        ------
        NoLearnwares
            There is none.
        InvalidParameter
            It is something else, or the learnwares solve different tasks.
        """
        entries, weights = entries_of(source, whole)
        if not entries:
            raise NoLearnwares(nothing(source))
        found = fetched(entries)
        kept = list(found)
        entries, learnwares = [entries[i] for i in kept], list(found.values())
        weights = None if weights is None else renewed(np.asarray(weights, dtype=np.float64)[kept])
        distances = [getattr(entry, "distance", None) for entry in entries]
        known = np.array(distances, dtype=np.float64) if None not in distances else None
        losses = np.array([getattr(entry, "loss", None) for entry in entries], dtype=np.float64)
        verdict = getattr(source, "verdict", None)
        members = cls(tuple(learnwares), weights, known, losses, verdict=verdict)
        return members if verdict is None or mixed else members.of_one_kind()

    def __len__(self) -> int:
        return len(self.learnwares)

    def subset(self, index: Positions) -> Members:
        """Return some of the members, in the order asked for; mixture weights do not survive."""
        return replace(
            self,
            learnwares=tuple(self.learnwares[i] for i in index),
            weights=None,
            distances=None if self.distances is None else self.distances[list(index)],
            losses=None if self.losses is None else self.losses[list(index)],
            foreign=tuple(place for place, i in enumerate(index) if i in self.foreign),
        )

    def without(self, failures: Mapping[int, LearnwareError]) -> Members:
        """Return the members that did not fail, with their weights; a warning names the others and why.

        Raises
        ------
        LearnwareError
            None is left: what the first of them raised.
        """
        keep = [i for i in range(len(self)) if i not in failures]
        if not keep:
            raise next(iter(failures.values()))
        for i, error in failures.items():
            left_out(name_of(self.learnwares[i]), error)
        return self.only(keep)

    def of_one_kind(self) -> Members:
        """Return the members that name classes as the leading one does; a warning names the others."""
        return self.only(of_one_kind(list(self.learnwares), self.weights))

    def only(self, index: Positions) -> Members:
        """Return some of the members, with what they had of the weights of the mixture."""
        weights = None if self.weights is None else renewed(self.weights[list(index)])
        return replace(self.subset(index), weights=weights)

    def apart(self, labels: npt.NDArray[Any]) -> Members:
        """Return the same members with those marked as foreign that share no label with the user, not even over
        others.

        Parameters
        ----------
        labels : ndarray
            The user's labels.
        """
        if self.task != CLASSIFICATION:
            return self
        near = connected(self.class_sets, labels)
        return replace(self, foreign=tuple(np.flatnonzero(~near).tolist()))

    def all_foreign(self) -> Members:
        """Return the same members, each answering in its own classes."""
        return replace(self, foreign=tuple(range(len(self))))

    @property
    def native(self) -> list[int]:
        """Positions of the members that are not foreign."""
        return [i for i in range(len(self)) if i not in self.foreign]

    @property
    def data(self) -> str:
        """What the members take: "table", "text" or "image".

        Raises
        ------
        InvalidParameter
            Some take other samples than the others.
        """
        kinds = sorted({data_of(learnware) for learnware in self.learnwares})
        if len(kinds) > 1:
            raise InvalidParameter(
                f"The learnwares must all take samples of one kind. Got {', '.join(map(repr, kinds))}. "
                "Search with a specification of your own samples to get one kind."
            )
        return kinds[0]

    @property
    def space(self) -> Any:
        """The space of the first member that has a statistical specification, or None."""
        embeddings = (getattr(getattr(lw, "specification", None), "statistical", None) for lw in self.learnwares)
        return next((embedding.space for embedding in embeddings if embedding is not None), None)

    @once
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
        own = [self.class_sets[i] for i in self.native]
        if not own and labels is not None:
            return np.unique(labels)
        return join_classes([*own, *([] if labels is None else [labels])])

    def known(self, classes: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Tell which member knows which class: a mask of shape (n_members, n_classes); a foreign one none."""
        none = np.zeros(len(classes), dtype=bool)
        return np.array(
            [none if i in self.foreign else places(classes, own) >= 0 for i, own in enumerate(self.class_sets)]
        )

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
            Probabilities, 0 for a class that the member does not know, or predicted values. Of a foreign member the
            first columns are its own classes; there are as many columns as the widest needs.

        Raises
        ------
        MembersFailed
            Some members cannot answer; none of the others is kept waiting for.
        InvalidParameter
            They answer with different numbers of values.
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
        answers, failures = [], {}
        for i in bar:
            try:
                answers.append(self._answers(i, X, classes))
            except LearnwareError as error:
                failures[int(i)] = error
        if failures:
            raise MembersFailed(failures)
        widths = {answer.shape[1] for answer in answers}
        if len(widths) > 1:
            raise InvalidParameter(
                "The learnwares must predict the same number of values for a row. "
                f"Got {', '.join(map(str, sorted(widths)))}: leave the odd ones out."
            )
        return np.stack(answers)

    def _answers(self, i: int, X: Any, classes: npt.NDArray[Any] | None) -> npt.NDArray[np.float64]:
        if classes is None:
            return values_of(self.learnwares[i], X)
        own = self.class_sets[i]
        answer = probabilities_of(self.learnwares[i], own, X)
        aligned = np.zeros((len(answer), self.width(classes)))
        aligned[:, np.arange(len(own)) if i in self.foreign else places(own, classes)] = answer
        return aligned

    def width(self, classes: npt.NDArray[Any]) -> int:
        """Return how many columns the answers in these classes need: a foreign member may need more."""
        return max([len(classes), *(len(self.class_sets[i]) for i in self.foreign)])
