"""How near the kernel mean of many rows do a few weighted points come, how fast, and with how much memory?

Run ``python -m tests.benchmarks.reduced_set`` from the root of the repository. It prints a Markdown table. The squared
MMD is measured against all rows, in float64, by the routine in this file, which shares no code with the package.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
from sklearn.cluster import KMeans

from learnware.kernels import GaussianKernel, fit_reduced_set, median_squared_distance
from learnware.kernels.simplex import minimize_on_simplex
from learnware.specification import RKME


def blobs(n: int, d: int, seed: int) -> np.ndarray:
    """Return a Gaussian mixture of 12 parts with covariances of their own, scaled to unit deviation."""
    rng = np.random.default_rng(seed)
    centres, mixing = 1.5 * rng.normal(size=(12, d)), rng.normal(size=(12, d, d)) / np.sqrt(d)
    part = rng.integers(0, 12, n)
    X = centres[part]
    for j in range(12):
        X[part == j] += rng.normal(size=(int((part == j).sum()), d)) @ (0.5 * mixing[j] + 0.5 * np.eye(d))
    return (X - np.median(X, axis=0)) / X.std(axis=0)


def heavy_tails(n: int, d: int, seed: int) -> np.ndarray:
    """Return correlated rows of Student's t with two degrees of freedom, robustly scaled and clipped."""
    rng = np.random.default_rng(seed)
    X = rng.standard_t(2, size=(n, d)) @ rng.normal(size=(d, d))
    low, middle, high = np.percentile(X, [25, 50, 75], axis=0)
    return np.clip(1.35 * (X - middle) / (high - low), -100, 100)


def gram_sum(A: np.ndarray, a: np.ndarray, B: np.ndarray, b: np.ndarray, kernel: GaussianKernel) -> float:
    """Return a' k(A, B) b in float64, block by block; only half of the blocks when A is B."""
    total, size, same = 0.0, 500, A is B
    norms_a, norms_b = np.square(A).sum(axis=1)[:, None], np.square(B).sum(axis=1)
    for i in range(0, len(A), size):
        rows, weights = A[i : i + size], a[i : i + size]
        for j in range(i if same else 0, len(B), size):
            D = rows @ B[j : j + size].T
            D *= -2.0
            D += norms_a[i : i + size]
            D += norms_b[j : j + size]
            np.maximum(D, 0.0, out=D)
            k = sum(weights @ np.exp(-gamma * D) @ b[j : j + size] for gamma in kernel.gammas)
            total += (2.0 if same and j > i else 1.0) * float(k) / len(kernel.gammas)
    return total


def fit_with_kmeans(X: np.ndarray, kernel: GaussianKernel, n_points: int) -> tuple[np.ndarray, np.ndarray]:
    return weigh(X, kernel, KMeans(n_points, n_init=1, max_iter=100, random_state=0).fit(X).cluster_centers_)


def fit_with_random_rows(X: np.ndarray, kernel: GaussianKernel, n_points: int) -> tuple[np.ndarray, np.ndarray]:
    return weigh(X, kernel, X[np.random.default_rng(0).choice(len(X), n_points, replace=False)])


def weigh(X: np.ndarray, kernel: GaussianKernel, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cross = kernel.mean(points, X, np.full(len(X), 1.0 / len(X)))
    return points, minimize_on_simplex(kernel(points, points), cross)


def fit_ours(X: np.ndarray, kernel: GaussianKernel, n_points: int) -> tuple[np.ndarray, np.ndarray]:
    fitted = fit_reduced_set(X, kernel, n_points, random_state=0)
    return fitted.points, fitted.weights


METHODS: dict[str, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
    "k-means centres + QP": fit_with_kmeans,
    "random rows + QP": fit_with_random_rows,
    "fit_reduced_set": fit_ours,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the largest data set")
    arguments = parser.parse_args()
    print("| data | K | method | squared MMD | ratio | seconds | CPU seconds | peak memory above the data, MB |")
    print("|---|---|---|---|---|---|---|---|")
    n = arguments.rows
    jobs = [("blobs", blobs(n, 50, 0)), ("blobs", blobs(n // 10, 20, 1)), ("heavy tails", heavy_tails(n // 5, 10, 2))]
    for name, X in jobs:
        share = np.full(len(X), 1.0 / len(X))
        kernel = GaussianKernel.from_median(median_squared_distance(X))
        own = gram_sum(X, share, X, share, kernel)
        errors: dict[str, float] = {}
        for method, fit in METHODS.items():
            seconds, cpu = np.inf, np.inf
            for _ in range(arguments.repeats if fit is fit_ours else 1):
                start, cpu_start = time.perf_counter(), time.process_time()
                points, weights = fit(X, kernel, 100)
                seconds = min(seconds, time.perf_counter() - start)
                cpu = min(cpu, time.process_time() - cpu_start)
            tracemalloc.start()
            fit(X, kernel, 100)
            peak = tracemalloc.get_traced_memory()[1] / 2**20
            tracemalloc.stop()
            cross = gram_sum(points, weights, X, share, kernel)
            errors[method] = gram_sum(points, weights, points, weights, kernel) - 2.0 * cross + own
            ratio = errors[method] / errors["k-means centres + QP"]
            cells = f"{errors[method]:.2e} | {ratio:.2f} | {seconds:.2f} | {cpu:.2f} | {peak:.0f}"
            print(f"| {name} {X.shape[0]:,} x {X.shape[1]} | 100 | {method} | {cells} |", flush=True)
    print_whole_specification(jobs[0][1], arguments.repeats)


def print_whole_specification(X: np.ndarray, repeats: int) -> None:
    """Print what `RKME.from_data` takes, with reading the table and measuring its scale."""
    seconds = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        RKME.from_data(X, random_state=0)
        seconds = min(seconds, time.perf_counter() - start)
    tracemalloc.start()
    RKME.from_data(X, random_state=0)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    shape = f"{X.shape[0]:,} x {X.shape[1]}"
    print(f"\nRKME.from_data of {shape}, whole: {seconds:.2f} s, peak memory {peak:.0f} MB above the data")


if __name__ == "__main__":
    main()
