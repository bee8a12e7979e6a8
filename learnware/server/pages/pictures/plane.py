"""Points of many coordinates in the plane in which they differ most."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def principal_plane(points: Array, weights: Array) -> Array:
    r"""Return weighted points in the plane of their two principal axes.

    .. math:: Y = (Z - w^\top Z)\, V_{:2}, \qquad \operatorname{diag}(\sqrt w)(Z - w^\top Z) = U S V^\top

    Parameters
    ----------
    points : ndarray of shape (n, d)
    weights : ndarray of shape (n,)
        Not negative, summing to one.

    Returns
    -------
    ndarray of shape (n, 2)
        The sign of each axis is such that the point farthest out is on its positive side, so that the same points
        always give the same picture.

    Examples
    --------
    >>> import numpy as np
    >>> principal_plane(np.array([[0.0, 0, 0], [3.0, 0, 0]]), np.array([0.5, 0.5])).round(1)[:, 0].tolist()
    [-1.5, 1.5]
    """
    centred = points - weights @ points
    _, _, axes = np.linalg.svd(np.sqrt(weights)[:, None] * centred, full_matrices=False)
    placed = np.zeros((len(points), 2))
    known = min(2, len(axes))
    placed[:, :known] = centred @ axes[:known].T
    # Of points equally far out the last decides, as rounding must not turn a picture over.
    farthest = [len(placed) - 1 - int(np.argmax(np.round(np.abs(column[::-1]), 9))) for column in placed.T]
    signs = np.where(placed[farthest, [0, 1]] < 0, -1.0, 1.0)
    return np.asarray(placed * signs, dtype=np.float64)
