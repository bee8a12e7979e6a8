"""Learnwares near a user that judge each other, and what they would answer as their own points tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from learnware.market.organizer import Answers, Island
from learnware.market.organizer.capability import askable, comparable, probes_of, usable
from learnware.market.organizer.hearing import Hearing
from learnware.market.organizer.members import Member
from learnware.market.searcher.statistical import Neighbours, Query
from learnware.specification import Frame, PointLabels

#: So many learnwares judge each other, the nearest to the user.
N_JUDGED = 30
#: Of so many, the nearest, a user's labels choose those first.
N_BY_LABELS = 100

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Peer:
    """A learnware that others judge.

    Attributes
    ----------
    position : int
        Among those near the user.
    member : Member
    points : ndarray of shape (n_points, n_features)
        In the frame of the island; `weights` and `labels` are theirs.
    asked : bool
        Whether models can be asked about its points; `probes` are those that they are asked about, with `shares` that
        sum to one, and `truth` is what it says there itself.
    """

    position: int
    member: Member
    points: npt.NDArray[np.float32]
    weights: Floats
    labels: PointLabels
    asked: bool
    probes: Rows
    shares: Floats
    truth: Floats

    @property
    def digest(self) -> str:
        """The sha256 of its bundle."""
        return self.member.entry.digest


def peers_near(hearing: Hearing, frame: Frame, query: Query, near: Neighbours) -> tuple[list[Peer], Answers]:
    """Return those of which a loss can be told, and what their models answered at each other's points.

    It can be told by the user's labels, or by others at points that they were asked about.
    """
    told: list[int] = []
    for position, known in enumerate(near.members):
        rkme = known.embedding
        if rkme.labels is None or not usable(rkme.labels.values) or (query.labels is None and not askable(rkme)):
            continue
        told.append(position)
        if len(told) == (N_JUDGED if query.labels is None else N_BY_LABELS):
            break
    answers = hearing.among([near.members[position].entry.digest for position in told])
    members = [_peer(position, near.members[position], answers, frame) for position in told]
    return [m for m in members if query.labels is None or comparable(m.labels, query.labels)], answers


def _peer(position: int, known: Member, answers: Answers, frame: Frame) -> Peer:
    rkme, digest = known.embedding, known.entry.digest
    # Only those with labels get here.
    labels = cast("PointLabels", rkme.labels)
    probes, shares = probes_of(rkme)
    truth = answers.outputs(digest, labels, probes)
    points, _ = known.framed(frame)
    return Peer(position, known, points, rkme.weights, labels, askable(rkme), probes, shares, truth)


def groups(members: Sequence[Peer]) -> Iterable[list[Peer]]:
    """Yield members whose answers compare with each other, two at least."""
    waiting = members
    while waiting:
        group = [m for m in waiting if comparable(m.labels, waiting[0].labels)]
        if len(group) > 1:
            yield group
        waiting = [m for m in waiting if not comparable(m.labels, waiting[0].labels)]


def closeness(island: Island, points: npt.NDArray[np.float32], others: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """Return the cube of the kernel of the island between framed points, of shape (n_points, n_others)."""
    kernel = island.ruler.frame.kernel
    waves = kernel.between(points, others)
    near: npt.NDArray[Any] = next(waves)[1].copy()
    for _, values in waves:
        near += values
    # A power of numpy's takes as long as all else here.
    cube: npt.NDArray[Any] = near * near
    cube *= near
    cube *= cube.dtype.type(len(kernel.gammas) ** -3.0)
    return cube


def surrogates(island: Island, points: npt.NDArray[np.float32], group: Sequence[Peer]) -> Iterator[npt.NDArray[Any]]:
    """Yield what models would answer as their own points tell: the mean of their outputs, weighted by closeness."""
    for member in group:
        # One after the other: what belongs to one stays in a core's cache.
        near, weights = closeness(island, points, member.points), member.weights[:, None]
        values = weights * member.labels.values
        # Far from all its points a model answers with their mean.
        outputs: npt.NDArray[Any] = near @ values.astype(np.float32) + 1e-12 * values.sum(axis=0)
        if member.labels.classes is not None:
            yield outputs.argmax(axis=1)
        else:
            yield outputs / (near @ weights.astype(np.float32) + 1e-12)
