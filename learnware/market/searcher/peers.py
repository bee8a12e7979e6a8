"""Learnwares near a user that judge each other, and what they would answer as their own points tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.market.organizer import Index, Island
from learnware.market.organizer.capability import askable, comparable, probes_of, usable
from learnware.market.searcher.statistical import Neighbours, Query
from learnware.specification import PointLabels

#: So many learnwares judge each other, the nearest to the user.
N_JUDGED = 30
#: Of so many, the nearest, a user's labels choose those first.
N_BY_LABELS = 100

# Chosen where the constants of `estimate_losses` were.
_SHARPNESS = 3

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Peer:
    """A learnware that others judge.

    Attributes
    ----------
    position : int
        Among those near the user.
    digest : str or None
        sha256 of its bundle.
    points : ndarray of shape (n_points, n_features)
        In the frame of the island; `weights` and `labels` are theirs.
    asked : bool
        Whether models can be asked about its points; `probes` are those that they are asked about, with `shares` that
        sum to one, and `truth` is what it says there itself.
    """

    position: int
    digest: str | None
    points: npt.NDArray[np.float32]
    weights: Floats
    labels: PointLabels
    asked: bool
    probes: Rows
    shares: Floats
    truth: Floats


def peers_near(index: Index, island: Island, query: Query, near: Neighbours) -> list[Peer]:
    """Return those of which a loss can be told: by the user's labels, or by others at points they were asked about."""
    members: list[Peer] = []
    for position, row in enumerate(near.rows):
        rkme = island.member(int(row))
        asked, labels = askable(rkme), rkme.labels
        if labels is None or not usable(labels.values) or (query.labels is None and not asked):
            continue
        digest, (probes, shares) = index.digest(island.ids[row]), probes_of(rkme)
        truth = index.answers.outputs(digest, labels, probes)
        points = island.framed([row])[0][0, : len(rkme.weights)]
        members.append(Peer(position, digest, points, rkme.weights, labels, asked, probes, shares, truth))
        if len(members) == (N_JUDGED if query.labels is None else N_BY_LABELS):
            break
    return [m for m in members if query.labels is None or comparable(m.labels, query.labels)]


def groups(members: Sequence[Peer]) -> Iterable[list[Peer]]:
    """Yield members whose answers compare with each other, two at least."""
    waiting = members
    while waiting:
        group = [m for m in waiting if comparable(m.labels, waiting[0].labels)]
        if len(group) > 1:
            yield group
        waiting = [m for m in waiting if not comparable(m.labels, waiting[0].labels)]


def closeness(island: Island, points: npt.NDArray[np.float32], others: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """Return the kernel of the island between framed points, sharpened: shape (n_points, n_others)."""
    squared = points @ (-2.0 * others.T)
    squared += np.einsum("ij,ij->i", points, points)[:, None]
    squared += np.einsum("ij,ij->i", others, others)
    return island.frame.kernel.of_squared_distances(np.maximum(squared, 0.0, out=squared)) ** _SHARPNESS


def surrogates(island: Island, points: npt.NDArray[np.float32], group: Sequence[Peer]) -> Iterator[npt.NDArray[Any]]:
    """Yield what models would answer as their own points tell: the mean of their outputs, weighted by closeness."""
    near_all = closeness(island, points, np.concatenate([member.points for member in group]))
    start = 0
    for member in group:
        near, weights = near_all[:, start : start + len(member.points)], member.weights[:, None]
        start += len(member.points)
        values = weights * member.labels.values
        # Far from all its points a model answers with their mean.
        outputs: npt.NDArray[Any] = near @ values.astype(np.float32) + 1e-12 * values.sum(axis=0)
        if member.labels.classes is not None:
            yield outputs.argmax(axis=1)
        else:
            yield outputs / (near @ weights.astype(np.float32) + 1e-12)
