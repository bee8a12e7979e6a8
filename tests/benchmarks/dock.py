"""How fast is a dock over HTTP: searches by many at once, large files, the first page, and the way of one learnware.

Run ``python -m tests.benchmarks.dock`` from the root of the repository. It prints a Markdown table. The dock is a
process of its own, as ``learnware serve`` runs it; those who ask it are threads of this one, on the same cores.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import requests
from sklearn.ensemble import RandomForestClassifier

from learnware import Learnware, Market
from learnware.market.remote.cache import Cache
from learnware.market.remote.remote import RemoteMarket
from learnware.server.dock import Dock
from learnware.server.settings import Settings
from tests.benchmarks.market import drawn, fill

Row = tuple[str, str]
# Milliseconds of each, and how many failed.
Answers = tuple[list[float], int]

# Rates are for strangers; here it is the dock that is measured.
SERVE = """
import sys
from learnware.server.serve import serve
from learnware.server.settings import Settings
serve(sys.argv[1], Settings(port=0, rates={}, n_workers=int(sys.argv[2])), ready=lambda url: print(url, flush=True))
"""
MIB = 2**20


@dataclass(frozen=True)
class Running:
    """A dock in a process of its own."""

    url: str
    token: str
    pid: int

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def memory(self, name: str = "VmHWM") -> float:
        """Return MiB of resident memory: the most so far, or with "VmRSS" now."""
        told = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(rf"{name}:\s+(\d+) kB", told)[1]) / 1024  # type: ignore[index]


@contextmanager
def running(folder: Path, n_workers: int = 0) -> Iterator[Running]:
    """Serve a folder."""
    with Dock(folder, Settings(n_workers=0)) as dock:
        if not dock.people.list():
            dock.people.add("root", secrets.token_hex(16), "admin")
        token, _ = dock.keys.issue("root", title="benchmark", scopes=("read", "upload", "delete", "admin"))
    command = [sys.executable, "-c", SERVE, str(folder), str(n_workers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        while not requests.get(f"{url}/readyz", timeout=60).ok:
            time.sleep(0.1)
        yield Running(url, token, process.pid)
        process.terminate()


def searches(url: str, headers: dict[str, str], bodies: list[bytes], end: float, pause: float, first: float) -> Answers:
    """Search until a moment of `time.time`, one after the other, or one in `pause` seconds; return what came of it."""
    taken, errors, due = [], 0, first
    with requests.Session() as session:
        session.trust_env = False
        number = 0
        while (now := time.time()) < end:
            if now < due:
                time.sleep(due - now)
            # Those who come at their own times wait from then on, also while the one before is not answered.
            start = due if pause else time.time()
            answer = session.post(
                f"{url}/api/v1/search", data=bodies[number % len(bodies)], headers=headers, timeout=60
            )
            taken.append(1e3 * (time.time() - start))
            errors += not answer.ok
            due, number = due + pause, number + 1
    return taken, errors


def load(dock: Running, bodies: list[bytes], n_clients: int, seconds: float, rate: float = 0.0) -> Row:
    """Search from many threads at once: each after its last answer, or all together so often a second."""
    begin, pause = time.time() + 0.2, n_clients / rate if rate else 0.0
    jobs = [
        (dock.url, dock.headers, bodies[i::n_clients], begin + seconds, pause, begin + i * pause / n_clients)
        for i in range(n_clients)
    ]
    with ThreadPoolExecutor(n_clients) as pool:
        found = list(pool.map(searches, *zip(*jobs, strict=True)))
    times, errors = np.concatenate([taken for taken, _ in found]), sum(n for _, n in found)
    p50, p95, p99 = np.percentile(times, [50, 95, 99])
    how = f"{rate:g} searches/s" if rate else "as fast as they are answered"
    return (
        f"search, {n_clients} clients, {how}",
        f"p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms; {len(times) / seconds:.1f}/s, {errors} errors",
    )


def measure_search(folder: Path, options: argparse.Namespace) -> list[Row]:
    rng = np.random.default_rng(1)
    centers = np.load(folder / "centers.npy")
    queries = [drawn(rng, centers, options.points, "Query", labelled=False) for _ in range(256)]
    bodies = [json.dumps({"specification": json.loads(query.to_json())}).encode() for query in queries]
    with running(folder / "many") as dock:
        load(dock, bodies, 2, 2.0)
        alone = load(dock, bodies, 1, 5.0)
        return [
            alone,
            load(dock, bodies, options.clients, options.seconds),
            *(load(dock, bodies, options.clients, options.seconds, rate) for rate in options.rates),
            ("memory of the server", f"{dock.memory('VmRSS'):.0f} MiB"),
        ]


def prepared(folder: Path, options: argparse.Namespace) -> Path:
    """Fill the market, unless an earlier run has done so."""
    kept = folder / f"{options.learnwares}-{options.points}-{options.features}"
    if not (kept / "centers.npy").exists():
        kept.mkdir(parents=True, exist_ok=True)
        centers = fill(kept / "many", options.learnwares, options.points, options.features, np.random.default_rng(0))
        np.save(kept / "centers.npy", centers)
    return kept


def measure_large(folder: Path, n_bytes: int) -> list[Row]:
    """Return what a large file costs the server: its bytes are drawn, so that nothing of it becomes smaller."""
    with running(folder / "large") as dock:
        small = stored(folder / "large", b"")
        for learnware_id in [small] * 5:
            requests.get(f"{dock.url}/api/v1/learnwares/{learnware_id}/bundle", headers=dock.headers, timeout=60)
        requests.post(f"{dock.url}/api/v1/learnwares", data=bytes(MIB), headers=dock.headers, timeout=60)
        data, base = np.random.default_rng(0).bytes(n_bytes), dock.memory()
        sent = timed(
            lambda: requests.post(f"{dock.url}/api/v1/learnwares", data=data, headers=dock.headers, timeout=60)
        )
        after_sending = dock.memory()
        large = stored(folder / "large", data)
        url = f"{dock.url}/api/v1/learnwares/{large}/bundle"
        got = timed(lambda: requests.get(url, headers=dock.headers, timeout=60).raise_for_status())
        size = f"{n_bytes / MIB:.0f} MiB"
        return [
            (f"upload of {size}", f"{sent:.2f} s, memory of the server + {after_sending - base:.1f} MiB"),
            (
                f"download of {size}",
                f"{got:.2f} s, memory of the server + {dock.memory() - after_sending:.1f} MiB more",
            ),
        ]


def stored(folder: Path, more: bytes) -> str:
    """Put a learnware into a market without checks, with bytes behind it that nobody reads."""
    with closing(Dock(folder, Settings(n_workers=0))) as dock:
        learnware = tiny("Stored")
        return dock.store.add(learnware.to_bytes() + more, learnware.specification)


def tiny(name: str) -> Learnware:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    return Learnware.from_model(
        RandomForestClassifier(3, random_state=0).fit(X, X[:, 0] > 0), X, X[:, 0] > 0, name=name, task="classification"
    )


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure_round_trips(folder: Path) -> list[Row]:
    submitting, cold, warm, reached = [], [], [], []
    with running(folder / "few", n_workers=1) as dock, closing(Market.open(dock.url, token=dock.token)) as market:
        market.submit(tiny("Warm-up"))
        for number in range(10):
            learnware = tiny(f"Number {number}")
            start = time.perf_counter()
            learnware_id = market.submit(learnware)
            submitting.append(time.perf_counter() - start)
            cache = Cache(folder / f"cache-{number}")
            with closing(RemoteMarket(dock.url, token=dock.token, cache=cache)) as other:
                cold.append(timed(lambda other=other, i=learnware_id: other.fetch(i)))  # type: ignore[misc]
                warm.append(timed(lambda other=other, i=learnware_id: other.fetch(i)))  # type: ignore[misc]
            with closing(RemoteMarket(dock.url, token=dock.token, cache=cache)) as other:
                reached.append(timed(lambda other=other, i=learnware_id: other.fetch(i)))  # type: ignore[misc]
    return [
        (what, f"p50 {1e3 * np.median(taken):.0f} ms")
        for what, taken in (
            ("submit a tiny learnware, until it is verified", submitting),
            ("fetch it, nothing in the cache", cold),
            ("fetch it again, same process", warm),
            ("fetch it, in the cache of the disk", reached),
        )
    ]


def measure_page(folder: Path) -> list[Row]:
    """Return what a browser loads for the first page, and when it first shows something."""
    from playwright.sync_api import sync_playwright

    loaded: dict[str, int] = {}
    paints: list[float] = []
    with running(folder / "few") as dock, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for _ in range(7):
            page = browser.new_context().new_page()
            page.on("response", lambda answer: loaded.__setitem__(answer.url, len(answer.body())))
            page.goto(dock.url, wait_until="networkidle")
            paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
            page.context.close()
        browser.close()
    kinds = {"js": 0, "css": 0, "other": 0, "html": 0}
    for url, n_bytes in loaded.items():
        ending = url.partition("?")[0].rpartition(".")[2]
        kinds[ending if ending in kinds else "html" if url.rstrip("/") == dock.url else "other"] += n_bytes
    told = ", ".join(f"{kind} {n / 1024:.1f} KiB" for kind, n in kinds.items())
    return [
        ("first page, bytes", f"{sum(kinds.values()) / 1024:.1f} KiB ({told})"),
        (
            "first page, first contentful paint",
            f"p50 {np.median(paints):.0f} ms of {len(paints)} (first {paints[0]:.0f})",
        ),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learnwares", type=int, default=10_000)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--features", type=int, default=20)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rates", type=float, nargs="*", default=[20.0], help="searches a second, all together")
    parser.add_argument("--mib", type=int, default=100, help="size of the large file")
    parser.add_argument("--keep", type=Path, help="folder that keeps the filled market for the next run")
    parser.add_argument("--only", choices=["search", "large", "trips", "page"], nargs="*")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        parts: dict[str, Callable[[], list[Row]]] = {
            "search": lambda: measure_search(prepared(options.keep or folder, options), options),
            "large": lambda: measure_large(folder, options.mib * MIB),
            "trips": lambda: measure_round_trips(folder),
            "page": lambda: measure_page(folder),
        }
        print(f"{options.learnwares:,} learnwares, d={options.features}, K={options.points}, one island\n")
        print("| job | measured |\n|---|---|")
        for name, part in parts.items():
            for job, figure in part() if name in (options.only or parts) else ():
                print(f"| {job} | {figure} |", flush=True)


if __name__ == "__main__":
    main()
