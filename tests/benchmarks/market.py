"""How fast is a folder market of many learnwares: opening, the first search, later searches, and submitting?

Run ``python -m tests.benchmarks.market`` from the root of the repository. It prints a Markdown table. The learnwares'
points are drawn, not fitted, and share one small model: what is measured does not depend on where they come from.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from learnware.bundle import Learnware
from learnware.market import LocalMarket, Market
from learnware.market.organizer.capability import N_PROBES
from learnware.market.organizer.capability_asking import N_ASKED_ABOUT
from learnware.market.store import Cell, DirectoryStore
from learnware.specification import RKME, PointLabels, SemanticSpecification, Specification


def drawn(
    rng: np.random.Generator, centers: np.ndarray, n_points: int, name: str, *, labelled: bool = True
) -> Specification:
    """Return a specification of a mixture of three of the centers."""
    chosen = centers[rng.choice(len(centers), 3, replace=False)]
    points = chosen[rng.integers(0, 3, n_points)] + rng.normal(size=(n_points, centers.shape[1]))
    words = SemanticSpecification(name, "Drawn for a measurement.", data="table", task="classification")
    labels = PointLabels(rng.dirichlet(np.full(3, 0.3), n_points), ("a", "b", "c")) if labelled else None
    weights = rng.dirichlet(np.full(n_points, 5.0))
    return Specification(words, RKME(points, weights, n_samples=20 * n_points, labels=labels))


def milliseconds(work: Callable[[], object], repeats: int) -> np.ndarray:
    """Return the wall time of each repeat."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - start))
    return np.array(times)


def fill(folder: Path, n_learnwares: int, n_points: int, n_features: int, rng: np.random.Generator) -> np.ndarray:
    """Store learnwares of drawn points without checks; return the centers they are drawn around."""
    centers = 3.0 * rng.normal(size=(30, n_features))
    X = rng.normal(size=(300, n_features))
    model = LogisticRegression().fit(X, X[:, 0] > 0)
    bundle = Learnware.from_model(model, X, name="Shared", task="classification", n_points=10).to_bytes()
    store = DirectoryStore(folder)
    digests: list[str] = []
    for number in range(n_learnwares):
        # What a zip is followed by nobody reads, but it makes the sha256 another.
        different = bundle + b"%d" % number
        store.add(different, drawn(rng, centers, n_points, f"Learnware {number}"))
        digests.append(hashlib.sha256(different).hexdigest())
        store.add_cells(
            Cell(digests[-1], asked, rng.integers(0, 3, N_PROBES).astype(np.uint16).tobytes())
            for asked in digests[-N_ASKED_ABOUT - 1 : -1]
        )
    store.close()
    return centers


def measure_search(folder: Path, queries: list[Specification], labelled: list[Specification]) -> list[tuple[str, str]]:
    opening = []
    for _ in range(5):
        opening.append(milliseconds(lambda: LocalMarket.in_folder(folder).close(), 1)[0])
    market = LocalMarket.in_folder(folder)
    first = milliseconds(lambda: market.search(queries[0]), 1)[0]
    warm = np.concatenate([milliseconds(lambda query=query: market.search(query), 1) for query in queries])  # type: ignore[misc]
    told = np.concatenate([milliseconds(lambda query=query: market.search(query), 1) for query in labelled])  # type: ignore[misc]
    words = milliseconds(lambda: market.search("learnware 7 for a mesurement"), 20)
    market.close()
    return [
        ("open the folder", f"{np.median(opening):.1f}"),
        ("first search after it, building the index", f"{first:.0f}"),
        ("later search with mixture, p50", f"{np.median(warm):.1f}"),
        ("later search with mixture, p95", f"{np.percentile(warm, 95):.1f}"),
        ("search with labels, p50", f"{np.median(told):.1f}"),
        ("search by words, p50", f"{np.median(words):.1f}"),
    ]


def measure_submit(folder: Path) -> list[tuple[str, str]]:
    X, y = load_breast_cancer(return_X_y=True)
    models = {
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        "random forest of 50": RandomForestClassifier(50, random_state=0),
    }
    rows = []
    with Market.open(folder) as market:
        for name, model in models.items():
            learnware = Learnware.from_model(model.fit(X, y), X, y, name=name, random_state=0)
            path = learnware.save(folder / "packed.zip")
            for what, one in (("just packed", learnware), ("from a file", path)):
                times = milliseconds(lambda one=one: market.submit(one), 15)  # type: ignore[misc]
                rows.append((f"submit a {name}, {what}, checks on, p50", f"{np.median(times):.1f}"))
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learnwares", type=int, default=1000)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--features", type=int, default=20)
    parser.add_argument("--queries", type=int, default=100)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        centers = fill(Path(folder, "many"), options.learnwares, options.points, options.features, rng)
        queries, labelled = (
            [drawn(rng, centers, options.points, "Query", labelled=told) for _ in range(options.queries)]
            for told in (False, True)
        )
        rows = measure_search(Path(folder, "many"), queries, labelled) + measure_submit(Path(folder, "few"))
    print(f"{options.learnwares:,} learnwares, d={options.features}, K={options.points}, one island\n")
    print("| job | ms |\n|---|---|")
    for job, figure in rows:
        print(f"| {job} | {figure} |")


if __name__ == "__main__":
    main()
