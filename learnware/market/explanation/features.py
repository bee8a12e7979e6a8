"""Which columns make the distance between two specifications, and how they differ there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learnware.kernels import squared_distances, squared_mmd
from learnware.market.explanation.difference import Difference
from learnware.specification import RKME, Frame
from learnware.specification.encoders.table import category_code

#: Points of equal weight that stand for each side where columns are made equal.
N_EQUAL = 256

_LEAST_PART = 0.05

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Feature:
    """How one column of a hit differs from the user's.

    Attributes
    ----------
    name : str
        The column; ``"x0"`` and so on where columns have no names.
    kind : {"number", "category", "time"}
        What it holds; times are told in days since 1970.
    share : float
        Part of the squared distance that is due to it, in [0, 1].
    yours, theirs : float
        Mean in raw units; of a categorical column the share of `category`.
    your_spread, their_spread : float or None
        Standard deviation in raw units; None for a categorical column.
    shift : float or None
        ``theirs - yours`` in units of the spread that the two have in the mean; None for a categorical column, and
        where neither varies.
    category : str or None
        The category whose share changes most; None for other kinds, and where no category is told by name.
    """

    name: str
    kind: str
    share: float
    yours: float
    theirs: float
    your_spread: float | None = None
    their_spread: float | None = None
    shift: float | None = None
    category: str | None = None


def compare(difference: Difference, error: float) -> tuple[tuple[Feature, ...], float]:
    r"""Return the features, the largest share first, and the share that none of them has.

    With :math:`d_j` the squared MMD of the two where all columns but j are left out, and D that of all columns, both
    freed of what sampling alone makes,

    .. math:: \mathrm{share}_j = (1 - \mathrm{joint}) \, \frac{d_j}{\sum_l d_l}, \qquad
              \mathrm{joint} = \min(1, D' / D).

    D' is the squared MMD after each column of theirs has been given the user's distribution, value by value in the
    order of their ranks (a category by the cheapest assignment of codes), which leaves only the way the columns go
    together. Where D is no more than sampling makes, `joint` is 0. Shares and `joint` sum to one, or are all 0 where
    the two sides are the same.

    Parameters
    ----------
    difference : Difference
    error : float
        Squared MMD that reducing to points has made.
    """
    user, union = difference.user, difference.union
    alone = np.array([squared for squared, _ in difference.by_column])
    joint = _joint(difference, difference.whole[1].mean + error)
    freed = np.maximum(0.0, alone - [noise.mean for _, noise in difference.by_column])
    parts = freed if freed.any() else alone
    total = float(parts.sum())
    shares = (1.0 - joint) * parts / total if total > 0.0 else parts
    features = [_feature(i, float(share), user, union) for i, share in enumerate(shares)]
    return tuple(sorted(features, key=lambda feature: -feature.share)), joint


def telling_columns(difference: Difference) -> tuple[int, ...]:
    """Return the positions of the columns in which two sides differ by more than sampling makes, and not by a trifle.

    Parameters
    ----------
    difference : Difference
    """
    least = _LEAST_PART * sum(squared for squared, _ in difference.by_column)
    told = enumerate(difference.by_column)
    return tuple(i for i, (squared, noise) in told if squared > max(noise.bound, least))


def _joint(difference: Difference, noise: float) -> float:
    whole, spans, frame = difference.whole[0] - noise, difference.spans, difference.frame
    if whole <= 0.0 or len(spans) == 1:
        return 0.0
    U, H = difference.framed
    even = _equal(U, difference.user.weights), _equal(H, difference.union.weights)
    left = _left_when_columns_are_equal(*even, frame, spans) - noise
    return min(1.0, max(0.0, left) / whole)


def _equal(points: Array, weights: Array) -> Array:
    """Return points of equal weight, each as often as its weight asks for."""
    edges = np.cumsum(weights) / weights.sum()
    places = np.searchsorted(edges, (np.arange(N_EQUAL) + 0.5) / N_EQUAL)
    return np.asarray(points[np.minimum(places, len(points) - 1)])


def _left_when_columns_are_equal(U: Array, H: Array, frame: Frame, spans: Sequence[slice]) -> float:
    moved = np.empty_like(H)
    for span in spans:
        if span.stop - span.start == 1:
            moved[np.argsort(H[:, span.start], kind="stable"), span.start] = np.sort(U[:, span.start])
        else:
            moved[:, span] = U[_assigned(H[:, span], U[:, span]), span]
    even = np.full(N_EQUAL, 1.0 / N_EQUAL)
    return squared_mmd(frame.kernel, U, even, moved, even)


def _assigned(H: Array, U: Array) -> npt.NDArray[np.intp]:
    from scipy.optimize import linear_sum_assignment

    places: npt.NDArray[np.intp] = linear_sum_assignment(squared_distances(H, U))[1]
    return places


def _feature(position: int, share: float, user: RKME, theirs: RKME) -> Feature:
    column, there = user.space.columns[position], theirs.space.columns[position]
    name = column.name if user.space.named else f"x{position}"
    start = user.space.starts[position]
    if column.kind == "category":
        return _category_feature(name, share, user, theirs, start, sorted({*column.categories, *there.categories}))
    yours, other = float(user.location[start]), float(theirs.location[start])
    spreads = float(user.scale[start]), float(theirs.scale[start])
    unit = float(np.sqrt((spreads[0] ** 2 + spreads[1] ** 2) / 2.0))
    shift = None if unit == 0.0 else (other - yours) / unit
    return Feature(name, column.kind, share, yours, other, *spreads, shift)


def _category_feature(name: str, share: float, user: RKME, theirs: RKME, start: int, known: Sequence[str]) -> Feature:
    if not known:
        return Feature(name, "category", share, 0.0, 0.0)
    codes = np.array([category_code(value) for value in known]).T
    mine, other = (_nearest_shares(rkme, start, codes) for rkme in (user, theirs))
    most = int(np.abs(other - mine).argmax())
    return Feature(name, "category", share, float(mine[most]), float(other[most]), category=known[most])


def _nearest_shares(rkme: RKME, start: int, codes: Array) -> Array:
    """Return how much weight lies nearest to the code of each category."""
    nearest = np.argmax(rkme.points[:, start : start + len(codes)] @ codes, axis=1)
    shares: Array = np.bincount(nearest, rkme.weights, minlength=codes.shape[1]).astype(np.float64)
    return shares
