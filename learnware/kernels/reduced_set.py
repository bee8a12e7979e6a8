"""Reduced sets: few weighted points whose kernel mean is near that of many rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, islice

import numpy as np
import numpy.typing as npt

from learnware._validation import RandomState, as_generator, check_int
from learnware.errors import TooFewRows
from learnware.kernels import privacy_floor
from learnware.kernels.descent import minimize_lbfgs
from learnware.kernels.embedding_loss import make_loss
from learnware.kernels.gram import Floats, GaussianKernel
from learnware.kernels.simplex import minimize_on_simplex

Progress = Callable[[int, int], None]
# Rows whose kernel matrix is computed in full to tell the error of a fit.
_N_ERROR_ROWS = 3000
# Rows from which the first points are herded.
_N_SEED_ROWS = 2000


@dataclass(frozen=True, eq=False)
class ReducedSet:
    """Weighted points that stand for a sample.

    Parameters
    ----------
    points : ndarray of shape (K, d)
    weights : ndarray of shape (K,)
        Positive, sum 1.
    squared_error : float
        Squared MMD between the points and the sample.
    """

    points: Floats
    weights: Floats
    squared_error: float


def fit_reduced_set(
    X: npt.ArrayLike,
    kernel: GaussianKernel,
    n_points: int = 100,
    *,
    min_rows: int = 5,
    n_fit_rows: int = 10_000,
    max_iter: int = 40,
    random_state: RandomState = None,
    device: str | None = None,
    progress: Progress | None = None,
) -> ReducedSet:
    caller = "fit_reduced_set"
    X = np.asarray(X, dtype=np.float64)
    n_points, min_rows = check_int(n_points, "n_points", caller), check_int(min_rows, "min_rows", caller)
    n_fit_rows, max_iter = check_int(n_fit_rows, "n_fit_rows", caller), check_int(max_iter, "max_iter", caller, minimum=0)
    if len(X) < min_rows:
        raise TooFewRows(f"{caller} needs at least {min_rows} rows. Got {len(X)}.")
    rng = as_generator(random_state, caller)
    sample = X if len(X) <= n_fit_rows else X[np.sort(rng.choice(len(X), n_fit_rows, replace=False))]
    points = _seed(kernel, sample, min(n_points, len(X) // min_rows), rng)
    points = _descend(kernel, sample, points, max_iter, device, progress)
    points = privacy_floor.uphold(X, points, min_rows, rng)
    cross = kernel.mean(points, X, np.full(len(X), 1.0 / len(X)))
    weights = minimize_on_simplex(kernel(points, points), cross)
    points, weights = points[weights > 0.0], weights[weights > 0.0]
    return ReducedSet(points, weights, _squared_error(kernel, X, points, weights, rng))


def herd(
    kernel: GaussianKernel,
    candidates: npt.ArrayLike,
    points: npt.ArrayLike,
    weights: npt.ArrayLike,
    n_samples: int,
) -> npt.NDArray[np.intp]:
    candidates = np.asarray(candidates, dtype=np.float64)
    n_samples = check_int(n_samples, "n_samples", "herd", minimum=0)
    wanted = kernel.mean(candidates, points, weights)
    return np.fromiter(islice(_herding(kernel, candidates, wanted), n_samples), dtype=np.intp, count=n_samples)


def _herding(kernel: GaussianKernel, candidates: Floats, wanted: Floats, *, distinct: bool = False) -> Iterator[int]:
    """Yield candidates one by one; with `distinct`, no value twice, until none is left."""
    candidates = candidates - candidates.mean(axis=0)
    heights = np.square(candidates).sum(axis=1)
    covered = np.zeros(len(candidates))
    allowed = np.ones(len(candidates), dtype=bool)
    for step in count(1):
        chosen = int(np.where(allowed, wanted - covered / step, -np.inf).argmax())
        if not allowed[chosen]:
            return
        yield chosen
        D = heights + heights[chosen] - 2.0 * (candidates @ candidates[chosen])
        if distinct:
            allowed &= D > 1e-12 * heights.max()
        covered += kernel.of_squared_distances(np.maximum(D, 0.0))


def _seed(kernel: GaussianKernel, X: Floats, n_points: int, rng: np.random.Generator) -> Floats:
    """Return herded rows of a sample, all different, where the descent starts."""
    rows = X if len(X) <= _N_SEED_ROWS else X[rng.choice(len(X), _N_SEED_ROWS, replace=False)]
    wanted = kernel.mean(rows, rows, np.full(len(rows), 1.0 / len(rows)))
    return rows[list(islice(_herding(kernel, rows, wanted, distinct=True), n_points))]


def _descend(
    kernel: GaussianKernel,
    X: Floats,
    points: Floats,
    max_iter: int,
    device: str | None,
    progress: Progress | None,
) -> Floats:
    loss = make_loss(kernel, X, device)
    start = np.concatenate([points.ravel(), np.zeros(len(points))])
    report = None if progress is None else lambda done: progress(done, max_iter)
    found = minimize_lbfgs(loss, start, max_iter=max_iter, callback=report)
    return found[: points.size].reshape(points.shape)


def _squared_error(
    kernel: GaussianKernel, X: Floats, points: Floats, weights: Floats, rng: np.random.Generator
) -> float:
    n = len(X)
    rows = X if n <= _N_ERROR_ROWS else X[np.sort(rng.choice(n, _N_ERROR_ROWS, replace=False))]
    m = len(rows)
    share = np.full(m, 1.0 / m)
    own = float(share @ kernel.mean(rows, rows, share))
    if m < n:
        between = (own * m - 1.0) / (m - 1.0)
        own = between + (1.0 - between) / n
    cross = float(share @ kernel.mean(rows, points, weights))
    return max(0.0, float(weights @ (kernel(points, points) @ weights)) - 2.0 * cross + own)
