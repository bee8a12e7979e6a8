"""Weights that bring a mixture of kernel means nearest to another: small convex quadratic programs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from learnware._optional import import_optional
from learnware.kernels.gram import Array, Floats


def minimize_on_simplex(K: npt.ArrayLike, c: npt.ArrayLike) -> Floats:
    K, c = np.asarray(K, dtype=np.float64), np.asarray(c, dtype=np.float64)
    return _active_set(K, c, 1.0)


def minimize_nonnegative(K: npt.ArrayLike, c: npt.ArrayLike, *, max_sum: float | None = None) -> Floats:
    K, c = np.asarray(K, dtype=np.float64), np.asarray(c, dtype=np.float64)
    w = _active_set(K, c, None)
    if max_sum is None or w.sum() <= max_sum:
        return w
    return _active_set(K, c, float(max_sum))


def _active_set(K: Floats, c: Floats, total: float | None) -> Floats:
    n = len(c)
    scale = max(float(np.abs(np.diagonal(K)).max(initial=0.0)), 1e-300)
    K = K + 1e-11 * scale * np.eye(n)
    w = np.zeros(n)
    passive = np.zeros(n, dtype=bool)
    if total is not None:
        first = int(np.argmin(np.diagonal(K) * total - 2.0 * c))
        w[first], passive[first] = total, True
    tolerance = 1e-10 * max(scale, float(np.abs(c).max(initial=0.0)))
    batch = 16
    value = _objective(K, c, w)
    while True:
        gradient = c - K @ w
        level = 0.0 if total is None else float(gradient @ w) / total
        gain = np.where(passive, -np.inf, gradient - level)
        candidates = np.flatnonzero(gain > tolerance)
        if not len(candidates):
            return w
        chosen = candidates[np.argsort(-gain[candidates])[:batch]]
        trial, trial_passive = _descend(K, c, w, passive, chosen, total)
        trial_value = _objective(K, c, trial)
        if trial_value < value:
            w, passive, value, batch = trial, trial_passive, trial_value, 2 * batch
        elif batch > 1:
            batch = 1
        else:
            return w


def _descend(
    K: Floats, c: Floats, w: Floats, passive: npt.NDArray[np.bool_], chosen: Array, total: float | None
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    w, passive = w.copy(), passive.copy()
    passive[chosen] = True
    while passive.any():
        inside = np.flatnonzero(passive)
        goal = _stationary(K[np.ix_(inside, inside)], c[inside], total)
        if goal.min() > 0.0:
            w[inside] = goal
            break
        here = w[inside]
        low = goal <= 0.0
        step = np.min(here[low] / np.maximum(here[low] - goal[low], 1e-300))
        moved = here + step * (goal - here)
        leaves = low & (moved <= 1e-14 * np.abs(here).max(initial=0.0))
        moved[leaves] = 0.0
        w[inside] = moved
        passive[inside[leaves]] = False
    return w, passive


def _stationary(K: Floats, c: Floats, total: float | None) -> Floats:
    if total is None:
        return np.linalg.solve(K, c)
    u, v = np.linalg.solve(K, np.column_stack([c, np.ones(len(c))])).T
    return np.asarray(u - (u.sum() - total) / v.sum() * v)


def _objective(K: Floats, c: Floats, w: Floats) -> float:
    return float(w @ (K @ w) - 2.0 * c @ w)


def solve_with_cvxpy(
    K: npt.ArrayLike,
    c: npt.ArrayLike,
    *,
    total: float | None = 1.0,
    max_sum: float | None = None,
    upper: npt.ArrayLike | None = None,
) -> Floats:
    cvxpy = import_optional("cvxpy", extra=None, purpose="solve_with_cvxpy")
    K, c = np.asarray(K, dtype=np.float64), np.asarray(c, dtype=np.float64)
    w = cvxpy.Variable(len(c), nonneg=True)
    constraints = []
    if total is not None:
        constraints.append(cvxpy.sum(w) == total)
    if max_sum is not None:
        constraints.append(cvxpy.sum(w) <= max_sum)
    if upper is not None:
        constraints.append(w <= np.asarray(upper, dtype=np.float64))
    objective = cvxpy.quad_form(w, cvxpy.psd_wrap(0.5 * (K + K.T))) - 2.0 * c @ w
    cvxpy.Problem(cvxpy.Minimize(objective), constraints).solve(solver=cvxpy.CLARABEL)
    return np.maximum(np.asarray(w.value, dtype=np.float64), 0.0)
