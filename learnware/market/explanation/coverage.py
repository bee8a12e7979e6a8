"""Which part of the user's data a learnware was made for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from learnware.kernels import GaussianKernel, squared_distances
from learnware.specification import RKME, Frame

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]


#: Squared widths of the kernels, as shares of the mean squared distance of two rows: over all columns as in a `Frame`,
#: over few without the widest, since there enough rows lie near.
ALL_COLUMNS, FEW_COLUMNS = (1.0, 4.0, 16.0), (4.0, 16.0)


def covered_by(user: RKME, members: Sequence[tuple[float, RKME]], pooled: Frame, telling: Sequence[int] = ()) -> Array:
    r"""Return how much of each of the user's points each member covers.

    .. math:: \mathrm{covered}(z) = \min\Big(1, \frac{\sum_m w_m\, \mu_m(z)}{\mu_u(z)}\Big),

    where :math:`\mu` are kernel means: a point is half covered where the members have half as much of their data as
    the user has. The mean over the user's points is the overlap of the two distributions, as kernels of that width
    see it. Overlap in all columns is at most that in some of them, but kernels over many columns are too wide to see
    what happens in one. So it is taken over all columns and over the telling ones, and the smaller one counts.

    The ruler is the user's own, since the question is about the user's data. A point stands for a cloud of rows, with
    the spread that the points lack of the data's, and kernels are expected values over two clouds; else a point would
    be nearer to itself than rows are to each other, and a specification of few rows, whose points lie close to the
    middle, would seem dense there.

    Parameters
    ----------
    user : RKME
    members : sequence of (float, RKME)
        How much each counts, summing to one, and its specification, in the order of the user's columns.
    pooled : Frame
        Gives the unit of columns in which the user's data do not vary.
    telling : sequence of int
        Positions of the columns that tell the two sides apart.

    Returns
    -------
    ndarray of shape (n_members, n_points)
        Its sum over members is in [0, 1].
    """
    every = np.arange(len(user.space.columns))
    views = [(every, ALL_COLUMNS)] + ([(np.array(telling), FEW_COLUMNS)] if len(telling) else [])
    seen = [_seen(user, members, pooled, columns, multiples) for columns, multiples in views]
    return min(seen, key=lambda covered: float(covered.sum(axis=0) @ user.weights))


def _seen(
    user: RKME, members: Sequence[tuple[float, RKME]], pooled: Frame, columns: Indices, multiples: tuple[float, ...]
) -> Array:
    places = _coordinates(user, columns)
    frame = _own_ruler(user, pooled, places, multiples)
    Z, cloud = frame.apply(user.points)[:, places], (_lacking(user) / frame.scale**2)[places]
    own = _between(frame.kernel, Z, Z, 2.0 * cloud) @ user.weights
    dense = np.zeros((len(members), len(Z)))
    for i, (weight, member) in enumerate(members):
        both = cloud + (_lacking(member) / frame.scale**2)[places]
        dense[i] = weight * (_between(frame.kernel, Z, frame.apply(member.points)[:, places], both) @ member.weights)
    return np.asarray(dense / np.maximum(dense.sum(axis=0), own))


def _coordinates(user: RKME, columns: Indices) -> Indices:
    space = user.space
    spans = [np.arange(space.starts[i], space.starts[i] + space.columns[i].n_coordinates) for i in columns.tolist()]
    return np.concatenate(spans)


def _own_ruler(user: RKME, pooled: Frame, places: Indices, multiples: tuple[float, ...]) -> Frame:
    scale = np.where(user.scale > 0, user.scale, pooled.scale)
    spread = user.weights @ (user.points - user.weights @ user.points) ** 2 + _lacking(user)
    spread = np.where(user.space.coded, spread, user.scale**2)
    variance = float((spread / scale**2)[places].sum())
    # Twice the variance is the mean squared distance of two rows.
    typical = 2.0 * (variance if variance > 0.0 else len(places))
    return Frame(np.where(user.space.coded, 0.0, user.location), scale, GaussianKernel.from_median(typical, multiples))


def _lacking(rkme: RKME) -> Array:
    """Return the variance that the points lack of the data's, per coordinate."""
    mean = rkme.weights @ rkme.points
    lacking = rkme.scale**2 - rkme.weights @ (rkme.points - mean) ** 2
    for start, column in zip(rkme.space.starts, rkme.space.columns, strict=True):
        if column.kind == "category":
            # Codes are of length one, and what a mean of several lacks of that is their spread; a missing one is zero.
            block = slice(start, start + column.n_coordinates)
            length = float(rkme.weights @ (rkme.points[:, block] ** 2).sum(axis=1))
            lacking[block] = (1.0 - column.missing - length) / column.n_coordinates
    return np.asarray(np.maximum(0.0, lacking))


def _between(kernel: GaussianKernel, A: Array, B: Array, variance: Array) -> Array:
    """Return expected kernels between normal clouds around A and B whose variances sum to `variance`."""
    total = np.zeros((len(A), len(B)))
    for gamma in kernel.gammas:
        wider = np.sqrt(1.0 + 2.0 * gamma * variance)
        total += np.exp(-gamma * squared_distances(A / wider, B / wider) - np.log(wider).sum())
    return np.asarray(total / len(kernel.gammas))
