"""Limited-memory BFGS for smooth functions without constraints."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from learnware.kernels.gram import Floats

Function = Callable[[Floats], "tuple[float, Floats]"]

_SUFFICIENT_DECREASE = 1e-4
_MAX_HALVINGS = 12


def minimize_lbfgs(
    function: Function,
    start: Floats,
    *,
    max_iter: int,
    memory: int = 10,
    callback: Callable[[int], None] | None = None,
) -> Floats:
    """Return a point with a low value of a function.

    Steps along the two-loop direction with a backtracking (Armijo) line search; pairs without positive curvature are
    left out. SciPy's L-BFGS-B finds values as low; this spares its import (0.3 s) and the threads of its BLAS, which
    for vectors of a few thousand numbers took longer than the function itself.

    Parameters
    ----------
    function : callable
        Takes a vector; returns value and gradient.
    start : ndarray of shape (p,)
    max_iter : int
        Number of steps.
    memory : int, default=10
        Pairs of differences that are remembered.
    callback : callable, default=None
        Called with the number of steps done.

    Returns
    -------
    ndarray of shape (p,)

    References
    ----------
    Liu, Nocedal: On the limited memory BFGS method for large scale optimization. Mathematical Programming 45, 1989.
    """
    x = start.copy()
    value, gradient = function(x)
    pairs: deque[tuple[Floats, Floats, float]] = deque(maxlen=memory)
    for done in range(1, max_iter + 1):
        direction = _two_loop(gradient, pairs)
        found = _line_search(function, x, value, gradient, direction)
        if found is None:
            break
        new, value, new_gradient = found
        step, change = new - x, new_gradient - gradient
        x, gradient = new, new_gradient
        if step @ change > 1e-10 * (change @ change):
            pairs.append((step, change, 1.0 / float(step @ change)))
        if callback is not None:
            callback(done)
    return x


def _two_loop(gradient: Floats, pairs: deque[tuple[Floats, Floats, float]]) -> Floats:
    """Return minus the inverse Hessian estimate times the gradient."""
    q, shares = gradient.copy(), []
    for step, change, curvature in reversed(pairs):
        shares.append(curvature * (step @ q))
        q -= shares[-1] * change
    if pairs:
        step, change, curvature = pairs[-1]
        q *= 1.0 / (curvature * (change @ change))
    else:
        q /= max(float(np.linalg.norm(gradient)), 1e-300)
    for (step, change, curvature), share in zip(pairs, reversed(shares), strict=True):
        q += (share - curvature * (change @ q)) * step
    return -q


def _line_search(
    function: Function, x: Floats, value: float, gradient: Floats, direction: Floats
) -> tuple[Floats, float, Floats] | None:
    """Halve the step until the value falls enough; None when it never does."""
    slope, length = float(gradient @ direction), 1.0
    if slope >= 0.0:
        return None
    for _ in range(_MAX_HALVINGS):
        new = x + length * direction
        new_value, new_gradient = function(new)
        if new_value <= value + _SUFFICIENT_DECREASE * length * slope:
            return new, new_value, new_gradient
        length *= 0.5
    return None
