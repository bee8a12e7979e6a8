r"""Weights that bring a mixture of kernel means nearest to another: small convex quadratic programs.

For means :math:`\mu_1, \dots, \mu_n` and a target :math:`\mu`,

.. math:: \Big\lVert \sum_i w_i \mu_i - \mu \Big\rVert^2 = w^\top K w - 2 c^\top w + \lVert \mu \rVert^2,
          \qquad K_{ij} = \langle \mu_i, \mu_j \rangle, \quad c_i = \langle \mu_i, \mu \rangle

The two hot paths share one active-set method, in the manner of Lawson and Hanson: the weights are split into a passive
set, where the optimum of the equalities is solved for, and the rest, which are exactly 0. Interior-point solvers leave
small positive numbers there. `solve_with_cvxpy` says the same in a modelling language, with room for more constraints.

References
----------
Lawson, Hanson: Solving least squares problems. Prentice-Hall, 1974, chapter 23.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from learnware._optional import import_optional
from learnware._validation import complain
from learnware.kernels.blockwise import one_blas_thread
from learnware.kernels.gram import Array, Floats

# Added to the diagonal, relative to its largest entry: with it, systems of equal
# means can be solved, and the objective rises by less than 1e-11 of the squared length of the means.
_RIDGE = 1e-11
# Weights move only where the objective gains more than rounding, relative to the entries of K and c.
_TOLERANCE = 1e-10
_FIRST_BATCH = 16
# Gradients on the support that differ by no more, relative to the entries of K, are those of an optimum.
_BALANCED = 1e-8


def minimize_on_simplex(K: npt.ArrayLike, c: npt.ArrayLike, *, start: npt.ArrayLike | None = None) -> Floats:
    r"""Return the weights of the best mixture.

    .. math:: \min_w\; w^\top K w - 2 c^\top w \quad \text{subject to} \quad w \ge 0, \; \textstyle\sum_i w_i = 1

    Parameters
    ----------
    K : array of shape (n, n)
        Inner products of the means; symmetric and positive semidefinite up to rounding. Equal means are fine.
    c : array of shape (n,)
        Inner products of the means with the target.
    start : array of shape (n,), default=None
        Weights to begin with, not negative and of sum 1. Those that are nearly the best save most of the work.

    Returns
    -------
    ndarray of shape (n,)
        Not negative, sum 1, and exactly 0 where a mean is not needed. How equal means share is not
        determined.

    Raises
    ------
    InvalidParameter
        If the shapes do not fit.

    Examples
    --------
    >>> minimize_on_simplex([[1.0, 0.0], [0.0, 1.0]], [0.9, 0.5]).round(6)
    array([0.7, 0.3])
    >>> minimize_on_simplex([[1.0, 0.0], [0.0, 1.0]], [1.5, 0.1])
    array([1., 0.])
    """
    K, c = _checked(K, c, "minimize_on_simplex")
    if start is None:
        return _minimize(K, c, 1.0)
    w = np.asarray(start, dtype=np.float64)
    if w.shape != c.shape or not (w >= 0.0).all() or abs(w.sum() - 1.0) > 1e-6:
        raise complain("start", "minimize_on_simplex", f"{len(c)} weights of at least 0 and of sum 1", start)
    return _minimize(K, c, 1.0, w / w.sum())


def minimize_nonnegative(K: npt.ArrayLike, c: npt.ArrayLike, *, max_sum: float | None = None) -> Floats:
    r"""Return the best weights that are not negative and, if asked, do not exceed a sum.

    .. math:: \min_w\; w^\top K w - 2 c^\top w \quad \text{subject to} \quad w \ge 0
              \;\; \big[, \; \textstyle\sum_i w_i \le \text{max\_sum} \big]

    What the weights lack to a sum of 1 is the share of the target that no mean explains.

    Parameters
    ----------
    K : array of shape (n, n)
    c : array of shape (n,)
        As for `minimize_on_simplex`.
    max_sum : float, default=None
        Largest sum, not negative. None: no limit.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    InvalidParameter
        If the shapes do not fit, or `max_sum` is negative.

    Examples
    --------
    >>> minimize_nonnegative([[1.0, 0.0], [0.0, 1.0]], [0.9, -0.5])
    array([0.9, 0. ])
    """
    K, c = _checked(K, c, "minimize_nonnegative")
    if max_sum is not None and not 0.0 <= max_sum < np.inf:
        raise complain("max_sum", "minimize_nonnegative", "None or a number of at least 0", max_sum)
    w = _minimize(K, c, None)
    # The objective is convex: where the free optimum breaks the limit, the best allowed one lies on it.
    return w if max_sum is None or w.sum() <= max_sum else _minimize(K, c, float(max_sum))


def solve_with_cvxpy(
    K: npt.ArrayLike,
    c: npt.ArrayLike,
    *,
    total: float | None = 1.0,
    max_sum: float | None = None,
    upper: npt.ArrayLike | None = None,
) -> Floats:
    """Solve the same programs with CVXPY and Clarabel, with more constraints where wanted.

    Ten to fifty times slower than the functions above, and zeros come out as small positive numbers.

    Parameters
    ----------
    K : array of shape (n, n)
    c : array of shape (n,)
        As for `minimize_on_simplex`.
    total : float, default=1
        What the weights sum to; None: anything.
    max_sum : float, default=None
        Largest sum of the weights.
    upper : float or array of shape (n,), default=None
        Largest value of each weight.

    Returns
    -------
    ndarray of shape (n,)
        Not negative.

    Raises
    ------
    InvalidParameter
        If the shapes do not fit, or no weights meet all constraints.

    Examples
    --------
    >>> solve_with_cvxpy([[1.0, 0.0], [0.0, 1.0]], [1.5, 0.1], upper=0.8).round(4)
    array([0.8, 0.2])
    """
    K, c = _checked(K, c, "solve_with_cvxpy")
    cvxpy = import_optional("cvxpy", extra=None, purpose="solve_with_cvxpy")
    w = cvxpy.Variable(len(c), nonneg=True)
    constraints = [] if total is None else [cvxpy.sum(w) == total]
    constraints += [] if max_sum is None else [cvxpy.sum(w) <= max_sum]
    constraints += [] if upper is None else [w <= np.asarray(upper, dtype=np.float64)]
    # psd_wrap: rounding makes the smallest eigenvalue of a Gram matrix negative, and CVXPY would call it not convex.
    objective = cvxpy.quad_form(w, cvxpy.psd_wrap(0.5 * (K + K.T))) - 2.0 * c @ w
    cvxpy.Problem(cvxpy.Minimize(objective), constraints).solve(solver=cvxpy.CLARABEL)
    if w.value is None:
        raise complain("upper", "solve_with_cvxpy", "large enough for weights of the sum asked for", upper)
    return np.maximum(np.asarray(w.value, dtype=np.float64), 0.0)


def _checked(K: npt.ArrayLike, c: npt.ArrayLike, caller: str) -> tuple[Floats, Floats]:
    K, c = np.asarray(K, dtype=np.float64), np.asarray(c, dtype=np.float64)
    if c.ndim != 1 or not len(c) or K.shape != (len(c), len(c)):
        expected = f"a matrix of shape (n, n) for c of shape (n,), n >= 1; c has shape {c.shape}"
        raise complain("K", caller, expected, K.shape)
    return K, c


def _minimize(K: Floats, c: Floats, total: float | None, start: Floats | None = None) -> Floats:
    """Let weights into the passive set, the most promising first, until no further one lowers the objective."""
    scale = float(np.abs(np.diagonal(K)).max()) or 1.0
    K = K.copy()
    K.flat[:: len(c) + 1] += _RIDGE * scale
    tolerance = _TOLERANCE * max(scale, float(np.abs(c).max()))
    w = _start(K, c, total) if start is None else _balanced(K, c, start, total, scale)
    value, batch, refused = _objective(K, c, w), _FIRST_BATCH, np.zeros(len(c), dtype=bool)
    with one_blas_thread():
        while True:
            gradient = c - K @ w
            # On the simplex only a gain above the mean over the present weights counts: the multiplier of the sum.
            level = float(gradient @ w) / total if total else 0.0
            gain = np.where((w > 0.0) | refused, 0.0, gradient - level)
            promising = np.flatnonzero(gain > tolerance)
            if not len(promising):
                return w
            chosen = promising[np.argsort(-gain[promising], kind="stable")[:batch]]
            trial = _admit(K, c, w, chosen, total)
            trial_value = _objective(K, c, trial)
            if trial_value < value:
                w, value, batch = trial, trial_value, 2 * batch
                refused[:] = False
            else:
                # Several at once may stand in each other's way. One alone only fails by rounding.
                refused[chosen] = batch == 1
                batch = 1


def _start(K: Floats, c: Floats, total: float | None) -> Floats:
    w = np.zeros(len(c))
    if total:
        w[int(np.argmin(total * np.diagonal(K) - 2.0 * c))] = total
    return w


def _balanced(K: Floats, c: Floats, w: Floats, total: float | None, scale: float) -> Floats:
    """Return weights that are the best on what they stand on, as those of an earlier solution are already."""
    if float(np.ptp((c - K @ w)[w > 0.0])) <= _BALANCED * scale:
        return w
    return _admit(K, c, w, np.empty(0, np.intp), total)


def _admit(K: Floats, c: Floats, w: Floats, chosen: Array, total: float | None) -> Floats:
    """Return the optimum over the positive weights and the chosen ones, less those that would turn negative."""
    w = w.copy()
    admitted = w > 0.0
    admitted[chosen] = True
    inside = np.flatnonzero(admitted)
    while len(inside):
        here, goal = w[inside], _stationary(K[inside[:, None], inside], c[inside], total)
        low = goal <= 0.0
        if not low.any():
            w[inside] = goal
            break
        # As far towards the goal as no weight turns negative; those that reach 0 leave.
        step = float(np.min(here[low] / np.maximum(here[low] - goal[low], 1e-300)))
        here = here + step * (goal - here)
        leaves = low & (here <= 1e-14 * here.max())
        w[inside] = np.where(leaves, 0.0, here)
        inside = inside[~leaves]
    return w


def _stationary(K: Floats, c: Floats, total: float | None) -> Floats:
    """Return the optimum without signs: K w = c, or with a multiplier such that the sum is right."""
    if total is None:
        return np.asarray(np.linalg.solve(K, c))
    sides = np.ones((len(c), 2))
    sides[:, 0] = c
    free, shift = np.linalg.solve(K, sides).T
    return np.asarray(free + (total - free.sum()) / shift.sum() * shift)


def _objective(K: Floats, c: Floats, w: Floats) -> float:
    return float(w @ (K @ w) - 2.0 * (c @ w))
