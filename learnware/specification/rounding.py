"""Round what is published to short binary numbers, so that single precision holds all of it.

A store then needs half the space, and a packed file no more than before. Numbers are rounded to multiples of a power
of two, since these are exact in single precision and short as decimals too.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from learnware.kernels.privacy_floor import uphold
from learnware.specification.frame import Frame
from learnware.specification.labels import PointLabels
from learnware.specification.measuring import framed

#: Rounding moves nothing by more than this share of its column's scale.
MOST_MOVED = 1e-4

_DIGITS = 6
# Multiples of these up to one are exact in single precision.
_WEIGHT_STEPS = 2**24
_PROBABILITY_STEPS = 2**16

Array = npt.NDArray[np.float64]


def in_single(values: Array) -> Array:
    """Return the nearest numbers of single precision, as float64; those that it cannot hold are infinite."""
    with np.errstate(over="ignore", under="ignore"):
        return values.astype(np.float32).astype(np.float64)


def is_single(values: Array) -> bool:
    """Tell whether single precision holds all values exactly."""
    return bool(np.array_equal(in_single(values), values))


def rounded_points(
    points: Array, rows: Array, frame: Frame, scale: Array, min_rows: int, generator: np.random.Generator
) -> Array:
    """Return points on a grid of `MOST_MOVED` of the scale; on a finer one where that would break the privacy floor.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_features)
        In raw units, as they keep the floor.
    rows : ndarray of shape (n_samples, n_features)
        The data in the frame.
    frame : Frame
    scale : ndarray of shape (n_features,)
        That of a constant column is 0; its points stay as they are.
    min_rows : int
        Rows that every point stands for.
    generator : Generator
        See `uphold`.
    """
    fine = _in_decimals(points, frame.scale)
    coarse = np.where(scale > 0, in_single(_on_grid(points, frame.scale)), fine)
    if _is_near(coarse, fine, frame, scale):
        moved = framed(coarse, frame, scale)
        kept = uphold(rows, moved, min_rows, generator)
        # What the floor leaves as it is keeps it.
        if np.array_equal(kept, moved):
            return coarse
    single = in_single(fine)
    return single if _is_near(single, fine, frame, scale) else fine


def rounded_rest(
    points: Array, weights: Array, location: Array, scale: Array, labels: PointLabels | None
) -> tuple[Array, Array, Array, PointLabels | None]:
    """Return weights, location, scale and labels, in single precision if all of it, with the points, fits in there.

    It does where that moves nothing by more than `MOST_MOVED` of its column's scale. Moments told in seconds do not
    fit, and then all is left in double precision.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_features)
        As `rounded_points` returned them.
    weights : ndarray of shape (n_points,)
    location, scale : ndarray of shape (n_features,)
    labels : PointLabels or None
    """
    there, wide = in_single(location), in_single(scale)
    near = (np.abs(there - location) <= MOST_MOVED * scale) & (np.abs(wide - scale) <= MOST_MOVED * scale)
    told = labels if labels is None else PointLabels(_rounded_outputs(labels), labels.classes, labels.score)
    if not near.all() or not is_single(points) or (told is not None and not is_single(told.values)):
        return weights, location, scale, labels
    return in_shares(weights, _WEIGHT_STEPS), there, wide, told


def in_shares(masses: Array, steps: int) -> Array:
    """Return masses as multiples of one part in `steps` that sum to one, by largest remainders.

    Parameters
    ----------
    masses : ndarray of shape (..., n)
        Not negative, with a positive sum along the last axis.
    steps : int
        A power of two.
    """
    exact = masses / masses.sum(axis=-1, keepdims=True) * steps
    whole = np.floor(exact)
    lacking = steps - whole.sum(axis=-1, keepdims=True)
    order = np.argsort(whole - exact, axis=-1, kind="stable")
    whole += np.argsort(order, axis=-1, kind="stable") < lacking
    return np.asarray(whole / steps)


def _rounded_outputs(labels: PointLabels) -> Array:
    """Return outputs in single precision where it holds them, which moves them no more than `labels_at` did."""
    if labels.classes is not None:
        return in_shares(labels.values, _PROBABILITY_STEPS)
    moved = in_single(labels.values)
    largest = np.abs(labels.values).max(axis=0)
    return moved if (np.abs(moved - labels.values) <= 10.0**-_DIGITS * largest).all() else labels.values


def _is_near(moved: Array, points: Array, frame: Frame, scale: Array) -> bool:
    if not np.array_equal(moved[:, scale == 0], points[:, scale == 0]):
        return False
    return bool(np.abs(frame.apply(moved) - frame.apply(points)).max() <= MOST_MOVED)


def _on_grid(points: Array, scale: Array) -> Array:
    steps = 2.0 ** np.floor(np.log2(MOST_MOVED * scale))
    return np.asarray(np.rint(points / steps) * steps)


def _in_decimals(points: Array, scale: Array) -> Array:
    """Round to a millionth of the scale: what is told stays as precise as it needs to be, and files small."""
    decimals = np.clip(np.ceil(_DIGITS - np.log10(scale)), -300, 300).astype(int)
    rounded = np.empty_like(points)
    for j, digits in enumerate(decimals.tolist()):
        rounded[:, j] = [round(value, digits) for value in points[:, j].tolist()]
    return rounded
