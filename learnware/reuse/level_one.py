"""Everybody who can answer for the user, learned once: the label-free answer, bridges, and own models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.reuse.bridging import BridgeHead, heads
from learnware.reuse.evidence import Evidence
from learnware.reuse.labels import places
from learnware.reuse.members import Members
from learnware.reuse.own_model import Trained, out_of_fold
from learnware.reuse.portfolio import portfolio
from learnware.reuse.prior import Prior
from learnware.reuse.rows import take
from learnware.reuse.sample_features import features_of

Array = npt.NDArray[np.float64]

#: More columns than this, such as the points of an encoder, are left to the user's own models.
_MOST_COLUMNS = 200
#: The label-free answer is learned from at most so many rows.
_MOST_ROWS = 5000


@dataclass
class LevelOne:
    """What makes evidence of rows.

    Attributes
    ----------
    members : Members
    classes : ndarray of shape (n_classes,) or None
        None for values.
    prior : Prior
    bridges : dict of int to BridgeHead
        By position of the foreign members.
    own : dict of str to Trained
        The user's models, fitted on all labelled rows.
    taught : ndarray of bool of shape (n_classes,)
        Classes that the labels have; of one element, True, for values.
    columns : transformer or None
        For values, what makes numbers of the user's samples, fitted; None where those would be too many.
    """

    members: Members
    classes: npt.NDArray[Any] | None
    prior: Prior
    bridges: dict[int, BridgeHead]
    own: dict[str, Trained]
    taught: npt.NDArray[np.bool_]
    columns: Any

    @classmethod
    def learn(
        cls,
        members: Members,
        classes: npt.NDArray[Any] | None,
        X: Any,
        y: npt.NDArray[Any],
        ask: Any,
        *,
        own_model: Any = None,
        cv: int = 5,
        every_way: bool = False,
        generator: np.random.Generator,
    ) -> tuple[LevelOne, Evidence, Array]:
        """Return it, the evidence on the labelled rows, and the answers of all members to them.

        Parameters
        ----------
        members : Members
        classes : ndarray of shape (n_classes,), default=None
        X, y : labelled rows
        ask : Asking
            Of whom further rows of the user may be had.
        own_model : estimator, False or None
            See `AutoReuser`.
        cv : int
            Parts in which own models answer for rows that they have not seen.
        every_way : bool
            Learn every way to reuse without labels, not only the prior.
        generator : numpy Generator
            Draws rows where there are too many.
        """
        rows, outputs = _asked(X, ask, generator)
        labelled = outputs[:, : len(y)]
        shares, bridges, taught = None, {}, np.ones(1, dtype=bool)
        if classes is not None:
            target = places(y, classes)
            counts = np.bincount(target, minlength=len(classes))
            shares, taught = (counts + 1.0) / (len(y) + len(classes)), counts > 0
            bridges = heads(labelled, members, target, len(classes))
        prior = Prior(members, classes, rows, outputs, shares=shares, every_way=every_way)
        models = _models(members, len(y), own_model)
        trained = {name: Trained(model, X, y, classes) for name, model in models.items()}
        level = cls(members, classes, prior, bridges, trained, taught, _columns(members, classes, X))
        own = [out_of_fold(model, X, y, classes, cv=cv) for model in models.values()]
        bridged = {i: head.left_out() for i, head in bridges.items()}
        return level, level._evidence(X, labelled, bridged, own), labelled

    def train_on(self, X: Any, y: npt.NDArray[Any]) -> None:
        """Fit the user's own models anew, on more rows."""
        self.own = {name: Trained(own.estimator, X, y, self.classes) for name, own in self.own.items()}

    def relabelled(self, evidence: Evidence, X: Any, y: npt.NDArray[Any], *, cv: int = 5) -> tuple[LevelOne, Evidence]:
        """Return it and its evidence with the user's own models fitted to other values."""
        own = {name: Trained(trained.estimator, X, y, None) for name, trained in self.own.items()}
        answers = [out_of_fold(trained.estimator, X, y, None, cv=cv) for trained in self.own.values()]
        return replace(self, own=own), replace(evidence, own=np.array(answers) if answers else evidence.own)

    def answer(self, X: Any, outputs: Array) -> Evidence:
        """Return the evidence on new rows; `outputs` are the answers of all members, of no width if none was asked."""
        if self.classes is not None and not outputs.shape[2]:
            width = max([len(self.classes), *(len(head.table) for head in self.bridges.values())])
            outputs = np.zeros((*outputs.shape[:2], width))
        bridged = {i: head.answer(outputs[i][:, : len(head.table)]) for i, head in self.bridges.items()}
        return self._evidence(X, outputs, bridged, [trained.answer(X) for trained in self.own.values()])

    def _evidence(self, X: Any, outputs: Array, bridged: dict[int, Array], own: list[Array]) -> Evidence:
        prior = self.prior.answer(X, outputs)
        answers = outputs
        if self.classes is not None:
            answers = outputs[:, :, : len(self.classes)].copy()
            known = self.members.known(self.classes)
            for i, answer in bridged.items():
                answers[i], known[i] = answer, self.taught
        else:
            known = np.ones((len(answers), prior.shape[1]), dtype=bool)
        taught = np.broadcast_to(self.taught, prior.shape[1:])
        own_answers = np.array(own) if own else np.empty((0, *prior.shape))
        columns = np.empty((len(X), 0)) if self.columns is None else self.columns.transform(X)
        return Evidence(prior, answers, known, own_answers, taught, columns)


def _asked(X: Any, ask: Any, generator: np.random.Generator) -> tuple[Any, Array]:
    """Return the labelled rows and after them further ones, a sample of many; and all members' answers to them."""
    n_labels, rows = len(X), getattr(ask, "rows", X)
    index = np.arange(len(rows))
    if len(rows) > max(n_labels, _MOST_ROWS):
        further = generator.choice(index[n_labels:], max(0, _MOST_ROWS - n_labels), replace=False)
        index = np.concatenate([index[:n_labels], np.sort(further)])
    return take(rows, index), ask() if len(rows) == n_labels else ask.everywhere(index)


def _models(members: Members, n_labels: int, own_model: Any) -> dict[str, Any]:
    if own_model is False or n_labels < 2:
        return {}
    if own_model is not None:
        return {"": own_model}
    return portfolio(members.task, n_labels, members.data, members.space)


def _columns(members: Members, classes: npt.NDArray[Any] | None, X: Any) -> Any:
    if classes is not None:
        return None
    columns = features_of(members.space if members.data != "table" else None).fit(X)
    return columns if columns.transform(take(X, slice(0, 1))).shape[1] <= _MOST_COLUMNS else None
