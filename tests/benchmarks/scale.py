"""What a folder market costs at a thousand, ten thousand, a hundred thousand and a million learnwares.

Run ``python -m tests.benchmarks.scale`` from the root of the repository; with ``--sizes 1000 10000 100000 1000000`` it
takes an hour and 25 GB. Markets are drawn by `learnware.testing.synthetic_market` (d = 20, K = 100, one island), and
kept for the next run with ``--keep FOLDER``. Each size is measured in a process of its own. Printed is a table in
Markdown.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from learnware.market import LocalMarket
from learnware.market.organizer import Island
from learnware.market.searcher import landing
from learnware.market.searcher.statistical import N_EXACT, Query, Scan, measured
from learnware.specification import RKME
from learnware.testing import SyntheticMarket, SyntheticUser, synthetic_market

SIZES = (1_000, 10_000, 100_000)
N_SEARCHES, N_PLANTED, N_BATCH = 60, 20, 32
# Others who have searched before, so that the process is warm; those who are measured come anew.
N_OTHERS = 100

ROWS: tuple[tuple[str, str], ...] = (
    ("import without checks (s)", "import_s"),
    ("open (ms)", "open_ms"),
    ("first search after it (s)", "first_s"),
    ("search, hits and mixture: p50 (ms)", "p50_ms"),
    ("... of which estimated losses (ms)", "losses_ms"),
    ("... p95 (ms)", "p95_ms"),
    ("... with a tag and a word: p50 (ms)", "hybrid_ms"),
    ("... many at once, each (ms)", "batch_ms"),
    ("search after one more submission (ms)", "after_ms"),
    ("memory added by open and search (MB)", "memory_mb"),
    ("disk beside the bundles, each (kB)", "disk_kb"),
    ("recall@10 against all exact distances", "recall"),
    ("planted mixtures: worst distance", "planted_distance"),
    ("... mean error of the weights", "weight_error"),
    ("index made anew (s)", "rebuild_s"),
)


def market_of(n: int) -> SyntheticMarket:
    return synthetic_market(n, random_state=0)


def fill(folder: Path, n: int) -> float:
    """Import a market unless that was done before; return the seconds it took then."""
    told = folder / "seconds"
    if not told.exists():
        start = time.perf_counter()
        with LocalMarket.in_folder(folder / "market") as market:
            market.submit_many(market_of(n).bundles(), check=False)
        told.write_text(str(time.perf_counter() - start))
    return float(told.read_text())


def users(drawn: SyntheticMarket, n: int, first: int = 0) -> list[SyntheticUser]:
    """Return users whose data are mixtures of those of one to five learnwares."""
    return [
        drawn.user(1 + seed % 5, fitted=False, n_samples=1000, random_state=seed) for seed in range(first, first + n)
    ]


def resident_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def milliseconds(calls: list[Callable[[], object]]) -> list[float]:
    taken = []
    for call in calls:
        start = time.perf_counter()
        call()
        taken.append(1e3 * (time.perf_counter() - start))
    return taken


@contextmanager
def timed(owner: Any, name: str) -> Iterator[list[float]]:
    """Note the milliseconds of every call of a function."""
    real, taken = getattr(owner, name), list[float]()

    def noted(*arguments: Any, **options: Any) -> Any:
        start = time.perf_counter()
        answer = real(*arguments, **options)
        taken.append(1e3 * (time.perf_counter() - start))
        return answer

    setattr(owner, name, noted)
    try:
        yield taken
    finally:
        setattr(owner, name, real)


def median_ms(calls: list[Callable[[], object]]) -> float:
    return statistics.median(milliseconds(calls))


def island_of(market: LocalMarket) -> Island:
    return next(island for island in market._index.snapshot().islands if island.space is not None)


def exact_nearest(island: Island, queries: list[RKME], n_nearest: int) -> list[set[int]]:
    """Return the rows that are nearest to each user by the exact distances of all, read from the store in parts."""
    asked = [Query.on(island, rkme) for rkme in queries]
    best: list[list[tuple[float, int]]] = [[] for _ in queries]
    for start in range(0, len(island), 2048):
        rows = np.arange(start, min(len(island), start + 2048))
        for query, found in zip(asked, best, strict=True):
            near = measured(Scan(island, query, island.present, np.empty(0, np.float32)), rows)
            found += zip(near.squared_distances[:n_nearest].tolist(), near.rows[:n_nearest].tolist(), strict=True)
            found.sort()
            del found[n_nearest:]
    return [{row for _, row in found} for found in best]


def recall(market: LocalMarket, queries: list[RKME]) -> float:
    """Return the share of the ten nearest of all that are among the ten nearest hits."""
    island = island_of(market)
    # Hits come by estimated loss where that is known; without labels at the points they come by distance.
    shares = []
    for rkme, rows in zip(queries, exact_nearest(island, queries, 10), strict=True):
        ids = set(market._store.ids_of(island.numbers[sorted(rows)].tolist()).values())
        hits = sorted(market.search(rkme, limit=N_EXACT, duplicates=True).hits, key=lambda hit: hit.distance or 0.0)
        shares.append(len(ids & {hit.id for hit in hits[:10]}) / len(ids))
    return float(np.mean(shares))


def planted(market: LocalMarket, drawn: SyntheticMarket) -> tuple[float, float]:
    """Return the worst distance to planted mixtures, whose own distance is 0, and the mean error of the weights."""
    ids: dict[int, str] = {}
    for i, learnware_id in enumerate(market):
        ids[i] = learnware_id
    worst, errors = 0.0, []
    for seed in range(N_PLANTED):
        user = drawn.planted(3, random_state=seed)
        mixture = market.search(user.specification).mixture
        assert mixture is not None
        found = dict(zip((hit.id for hit in mixture.hits), mixture.weights, strict=True))
        worst = max(worst, mixture.distance)
        errors += [abs(found.get(ids[i], 0.0) - w) for i, w in zip(user.members, user.weights, strict=True)]
    return worst, float(np.mean(errors))


def disk_bytes(folder: Path) -> Iterator[int]:
    """Yield the bytes on the disk of all files but bundles."""
    for path in folder.rglob("*"):
        if path.is_file() and "blobs" not in path.parts:
            yield path.stat().st_blocks * 512


def measure(folder: Path, n: int, n_exact: int, rebuild: bool) -> dict[str, float]:
    """Measure one market in this process."""
    drawn = market_of(n)
    asked = [user.specification for user in users(drawn, N_SEARCHES)]
    others = [user.specification for user in users(drawn, N_OTHERS, first=1000)]
    told: dict[str, float] = {"import_s": fill(folder, n)}
    before = resident_mb()
    start = time.perf_counter()
    market = LocalMarket.in_folder(folder / "market")
    told["open_ms"] = 1e3 * (time.perf_counter() - start)
    start = time.perf_counter()
    market.search(asked[0])
    told["first_s"] = time.perf_counter() - start
    for other in others:
        market.search(other)
    told["memory_mb"] = resident_mb() - before
    # This reads all specifications, which leaves in the memory of the system what has room there.
    told["recall"] = recall(market, [s.statistical for s in asked[:n_exact]])  # type: ignore[misc]
    calls: list[Callable[[], object]] = [lambda s=s: market.search(s) for s in asked[1:]]  # type: ignore[misc]
    with timed(landing, "estimate_losses") as losses:
        taken = milliseconds(calls)
    told["losses_ms"] = statistics.median(losses)
    told["p50_ms"], told["p95_ms"] = float(np.median(taken)), float(np.quantile(taken, 0.95))
    word = market.describe(next(iter(market))).semantic.name.split()[0]
    hybrid: list[Callable[[], object]] = [lambda s=s: market.search(s, text=word) for s in asked[1:20]]  # type: ignore[misc]
    told["hybrid_ms"] = median_ms(hybrid)
    told["batch_ms"] = median_ms([lambda: market.search_many(asked[:N_BATCH], progress=False)]) / N_BATCH
    told["disk_kb"] = sum(disk_bytes(folder / "market")) / n / 1000
    told["planted_distance"], told["weight_error"] = planted(market, drawn)
    told["after_ms"] = after_submission(market, drawn, asked)
    if rebuild:
        start = time.perf_counter()
        market.rebuild_index(progress=False)
        told["rebuild_s"] = time.perf_counter() - start
    market.close()
    return told


def after_submission(market: LocalMarket, drawn: SyntheticMarket, asked: list[Any]) -> float:
    """Return the median milliseconds of a search that takes in one new learnware first; it is removed afterwards."""
    taken = []
    for i in range(5):
        bundle, specification = drawn.bundle(i)
        (new,) = market._store.add_many([(bundle + b"%d" % i, specification)])
        taken.append(median_ms([lambda: market.search(asked[1])]))
        market.remove(new)
    return statistics.median(taken)


def table(told: dict[int, dict[str, float]]) -> str:
    """Return the measurements as Markdown."""
    lines = ["| N | " + " | ".join(f"{n:,}" for n in told) + " |", "|---" * (len(told) + 1) + "|"]
    for title, name in ROWS:
        cells = [f"{one[name]:.3g}" if name in one else "-" for one in told.values()]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(told: dict[int, dict[str, float]], path: Path) -> None:
    """Draw how times and memory grow."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    sizes = list(told)
    figure, (times, room) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for name, label in (
        ("open_ms", "open"),
        ("first_s", "first search"),
        ("p50_ms", "search"),
        ("batch_ms", "in a batch"),
    ):
        factor = 1e3 if name.endswith("_s") else 1.0
        times.plot(sizes, [factor * one[name] for one in told.values()], marker="o", label=label)
    times.set(xscale="log", yscale="log", xlabel="learnwares", ylabel="milliseconds")
    room.plot(sizes, [one["memory_mb"] for one in told.values()], marker="o", label="memory of a process")
    room.plot(sizes, [one["disk_kb"] * n / 1000 for n, one in told.items()], marker="o", label="disk beside bundles")
    room.set(xscale="log", yscale="log", xlabel="learnwares", ylabel="megabytes")
    for axes in (times, room):
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--keep", type=Path, help="keep the markets in this folder, and use those that are there")
    parser.add_argument("--exact", type=int, default=10, help="users whose nearest are found by all exact distances")
    parser.add_argument("--rebuild", action="store_true", help="measure how long an index takes to be made anew")
    parser.add_argument("--figure", type=Path, help="draw the growth curves into this file")
    parser.add_argument("--json", type=Path, help="keep the measurements in this file")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        folder = options.keep / str(options.one)
        print(json.dumps(measure(folder, options.one, options.exact, options.rebuild)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        keep = options.keep or Path(scratch)
        told: dict[int, dict[str, float]] = {}
        for n in options.sizes:
            (keep / str(n)).mkdir(parents=True, exist_ok=True)
            fill(keep / str(n), n)
            command = [sys.executable, "-m", "tests.benchmarks.scale", "--one", str(n), "--keep", str(keep)]
            command += ["--exact", str(options.exact), *(["--rebuild"] if options.rebuild else [])]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            told[n] = json.loads(done.stdout.splitlines()[-1])
            print(f"\n{table(told)}", flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    if options.figure is not None:
        draw(told, options.figure)


if __name__ == "__main__":
    main()
