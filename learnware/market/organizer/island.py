"""A specification island: learnwares whose points live in one space, measured in one frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from learnware.kernels import RandomFeatures, inner_products
from learnware.specification import RKME, Frame, Space

#: Up to this many learnwares all of them vote on the frame; beyond, the first 2^k do.
ALL_VOTE = 256

#: Numbers in the sketch of a specification.
N_SKETCH = 256

Floats = npt.NDArray[np.float64]

_SKETCHED_AT_ONCE = 64
_MEMBERS_FOR_SPREAD = 64


class Island:
    """The learnwares of one space, ready to be searched.

    The frame is a function of the members and their order alone, so every process that opens a market measures
    alike. Beyond `ALL_VOTE` members it is made by the first :math:`2^k` of them, so that a growing island is
    measured anew only when it doubles; a new member then costs the work for one.

    Parameters
    ----------
    space : Space
        The space of its members; the order of columns is that of the first.

    Attributes
    ----------
    ids : list of str
        Members in the order in which they came.
    groups : ndarray of int of shape (n_members,)
        The group of tags that each belongs to.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.ids: list[str] = []
        self._groups: list[int] = []
        self._members: list[RKME] = []
        # With room for more: the first len(self) count.
        self._moments: Floats = np.empty((0, 2, space.n_features))
        self._voters: list[RKME] = []
        self._rows = _Rows.empty()
        self._frame: Frame | None = None
        self._features: RandomFeatures | None = None
        self._stale = True

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, learnware_id: str, specification: RKME, group: int = 0) -> None:
        """Let a learnware of some group of tags in; its columns are put in the island's order."""
        self._members.append(specification.aligned_to(self.space))
        if len(self) == len(self._moments):
            self._moments = np.concatenate([self._moments, np.empty((len(self) + 16, *self._moments.shape[1:]))])
        self._moments[len(self)] = _moments(self._members[-1])
        self.ids.append(learnware_id)
        self._groups.append(group)
        self._stale = True

    def remove(self, learnware_ids: Iterable[str]) -> None:
        """Take learnwares out; what is known of the others is kept."""
        gone = set(learnware_ids)
        keep = [i for i, learnware_id in enumerate(self.ids) if learnware_id not in gone]
        self.ids = [self.ids[i] for i in keep]
        self._groups = [self._groups[i] for i in keep]
        self._members = [self._members[i] for i in keep]
        self._moments = self._moments[keep]
        self._stale = True
        self._rows = self._rows.take([i for i in keep if i < len(self._rows)])

    def prepare(self) -> None:
        """Measure all members now, rather than when a search needs them."""
        self._ready()

    @property
    def groups(self) -> npt.NDArray[np.intp]:
        """The group of tags that each member belongs to."""
        return np.array(self._groups, dtype=np.intp)

    @property
    def frame(self) -> Frame:
        """The frame that all members are measured in."""
        return self._ready()[0]

    @property
    def sketches(self) -> npt.NDArray[np.float32]:
        """Mean random features of the members, of shape (n_members, N_SKETCH)."""
        self._ready()
        return self._rows.sketches

    @property
    def self_products(self) -> npt.NDArray[np.float64]:
        """Squared norms of the members' mean embeddings, of shape (n_members,)."""
        self._ready()
        return self._rows.self_products

    def spread(self, rows: npt.NDArray[np.intp]) -> float:
        """Median MMD between some members, by the sketches of the first few; NaN when there is just one."""
        sketches = self.sketches[rows[:_MEMBERS_FOR_SPREAD]].astype(np.float64)
        if len(sketches) < 2:
            return float("nan")
        own = np.einsum("ij,ij->i", sketches, sketches)
        squared = own[:, None] + own - 2.0 * sketches @ sketches.T
        return float(np.sqrt(np.median(np.maximum(squared[np.triu_indices(len(own), 1)], 0.0))))

    def alike(self, specification: RKME) -> npt.NDArray[np.intp]:
        """Return all members, those whose columns have similar means and deviations first.

        That needs no frame, which a new member would have changed.
        """
        own, others = _moments(specification.aligned_to(self.space)), self._moments[: len(self)]
        scale = np.maximum(np.median(others[:, 1], axis=0), own[1])
        away = others - own
        away /= np.where(scale > 0, scale, 1.0)
        return np.argsort(np.einsum("nij,nij->n", away, away), kind="stable")

    def member(self, row: int) -> RKME:
        """Return the embedding of a member, in raw units."""
        return self._members[row]

    def framed(self, rows: Sequence[int] | npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.float32], ...]:
        """Return the framed points (n, K, d) and weights (n, K) of members; short ones are padded with weight 0."""
        self._ready()
        return self._rows.points[rows], self._rows.weights[rows]

    def features_of(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the random features of framed points, of shape (n_points, N_SKETCH)."""
        return self._ready()[1].transform(points)

    def _ready(self) -> tuple[Frame, RandomFeatures]:
        if not self._stale and self._frame is not None and self._features is not None:
            return self._frame, self._features
        voters = self._members[: _n_voters(len(self.ids))]
        if self._frame is None or self._features is None or list(map(id, voters)) != list(map(id, self._voters)):
            self._frame = Frame.pool(voters)
            self._features = RandomFeatures.draw(self._frame.kernel, self.space.n_features, N_SKETCH)
            self._voters, self._rows = voters, _Rows.empty()
        for start in range(len(self._rows), len(self.ids), _SKETCHED_AT_ONCE * 16):
            members = self._members[start : start + _SKETCHED_AT_ONCE * 16]
            self._rows = self._rows.extended(_measure(members, self._frame, self._features))
        self._stale = False
        return self._frame, self._features


def _moments(rkme: RKME) -> Floats:
    mean = rkme.weights @ rkme.points
    return np.array([mean, np.sqrt(rkme.weights @ (rkme.points - mean) ** 2)])


class _Rows:
    """What is known of members in the current frame, one row each."""

    def __init__(
        self,
        points: npt.NDArray[np.float32],
        weights: npt.NDArray[np.float32],
        sketches: npt.NDArray[np.float32],
        self_products: npt.NDArray[np.float64],
    ) -> None:
        self.points, self.weights, self.sketches, self.self_products = points, weights, sketches, self_products

    @classmethod
    def empty(cls) -> _Rows:
        nothing = np.empty((0, N_SKETCH), np.float32)
        return cls(np.empty((0, 0, 0), np.float32), np.empty((0, 0), np.float32), nothing, np.empty(0))

    def __len__(self) -> int:
        return len(self.self_products)

    def take(self, rows: list[int]) -> _Rows:
        if len(rows) == len(self):
            return self
        return _Rows(self.points[rows], self.weights[rows], self.sketches[rows], self.self_products[rows])

    def extended(self, other: _Rows) -> _Rows:
        if not len(self):
            return other
        width = max(self.points.shape[1], other.points.shape[1])
        pairs = [(_padded(a.points, width), _padded(a.weights, width)) for a in (self, other)]
        return _Rows(
            np.concatenate([points for points, _ in pairs]),
            np.concatenate([weights for _, weights in pairs]),
            np.concatenate([self.sketches, other.sketches]),
            np.concatenate([self.self_products, other.self_products]),
        )


def _n_voters(n_members: int) -> int:
    return n_members if n_members <= ALL_VOTE else 1 << (n_members.bit_length() - 1)


def _padded(array: npt.NDArray[np.float32], width: int) -> npt.NDArray[np.float32]:
    if array.shape[1] == width:
        return array
    return np.pad(array, [(0, 0), (0, width - array.shape[1])] + [(0, 0)] * (array.ndim - 2))


def _measure(members: list[RKME], frame: Frame, features: RandomFeatures) -> _Rows:
    width = max(len(member.weights) for member in members)
    points = np.zeros((len(members), width, len(frame.location)), np.float32)
    weights = np.zeros((len(members), width), np.float32)
    for i, member in enumerate(members):
        size = len(member.weights)
        points[i, :size], weights[i, :size] = frame.apply(member.points), member.weights
    sketches = np.empty((len(members), N_SKETCH), np.float32)
    for start in range(0, len(members), _SKETCHED_AT_ONCE):
        here = slice(start, start + _SKETCHED_AT_ONCE)
        block = features.transform(points[here].reshape(-1, points.shape[2])).reshape(*weights[here].shape, N_SKETCH)
        sketches[here] = np.einsum("nk,nkf->nf", weights[here], block)
    own = [
        inner_products(frame.kernel, points[i : i + 1], weights[i : i + 1], points[i], weights[i])[0]
        for i in range(len(members))
    ]
    return _Rows(points, weights, sketches, np.array(own))
