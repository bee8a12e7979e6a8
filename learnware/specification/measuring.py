"""Measure the location and scale of data, without giving a single row away."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from learnware.kernels import GaussianKernel, median_squared_distance
from learnware.specification.frame import Frame, drawn_in
from learnware.specification.space import Space

#: A value that at least so many rows share may be told.
LEAST_MIN_ROWS = 3

_ROWS_FOR_FRAME = 10_000

Array = npt.NDArray[np.float64]


def own_frame(rows: Array, space: Space, min_rows: int, generator: np.random.Generator) -> tuple[Array, Array, Frame]:
    """Return location and scale, measured on a sample of rows, and the frame that they make.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, space.n_features)
        NaN where a number is missing.
    space : Space
    min_rows : int
        A column in which fewer rows differ from the others counts as constant.
    generator : Generator
        Draws the sample.

    Returns
    -------
    location, scale : ndarray of shape (space.n_features,)
        The scale of a constant column is 0.
    frame : Frame
    """
    sample = rows
    if len(rows) > _ROWS_FOR_FRAME:
        sample = rows[generator.choice(len(rows), _ROWS_FOR_FRAME, replace=False, shuffle=False)]
    location, scale = _winsorised(sample, min_rows)
    # A column that hardly ever varies shows its spread only in all rows.
    flat = np.flatnonzero(scale == 0)
    if len(flat) and len(sample) < len(rows):
        location[flat], scale[flat] = _winsorised(rows[:, flat], min_rows)
    location = np.where(space.coded, 0.0, location)
    scale = np.where(space.coded, 1.0, scale)
    safe = np.where(scale > 0, scale, 1.0)
    framed = drawn_in(np.where(np.isnan(sample), 0.0, (sample - location) / safe))
    kernel = GaussianKernel.from_median(median_squared_distance(framed))
    return location, scale, Frame(location, safe, kernel)


def _winsorised(sample: Array, min_rows: int) -> tuple[Array, Array]:
    """Return mean and standard deviation of each column without its outermost hundredth on either side.

    A column in which fewer than `min_rows` rows differ from the others counts as constant: its mean and deviation
    would give those few values away.
    """
    ordered = np.sort(sample, axis=0)  # NaN goes last
    given = ~np.isnan(sample)
    present = np.maximum(given.sum(axis=0), 1)
    columns = np.arange(sample.shape[1])
    low = ordered[(0.01 * (present - 1)).astype(int), columns]
    high = ordered[np.ceil(0.99 * (present - 1)).astype(int), columns]
    location, scale = _moments(np.clip(sample, low, high), given)
    _, full = _moments(sample, given)
    scale = np.where(scale > 0, scale, full)
    middle = ordered[(present - 1) // 2, columns]
    odd = ((sample != middle) & given).sum(axis=0)
    constant = (odd < min_rows) & (present - odd >= LEAST_MIN_ROWS)
    # Rounding leaves a constant column a tiny spread.
    constant |= scale <= 1e-9 * np.maximum(np.abs(location), 1e-300)
    return np.where(constant & (odd > 0), middle, location), np.where(constant, 0.0, scale)


def _moments(values: Array, given: npt.NDArray[np.bool_]) -> tuple[Array, Array]:
    if given.all():
        return values.mean(axis=0), values.std(axis=0)
    # Not nanmean: a sample may hold no value at all of a column that is mostly missing.
    counts = np.maximum(given.sum(axis=0), 1)
    mean = np.where(given, values, 0.0).sum(axis=0) / counts
    return mean, np.sqrt(np.where(given, (values - mean) ** 2, 0.0).sum(axis=0) / counts)


def framed(rows: Array, frame: Frame, scale: Array) -> Array:
    """Return rows in a frame: a missing number sits at the location, a constant column at zero."""
    points = frame.apply(rows)
    # What is left of a constant column are rounding errors, which no kernel should look at.
    points[:, scale == 0] = 0.0
    np.copyto(points, 0.0, where=np.isnan(points))
    return points
