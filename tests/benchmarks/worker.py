"""What it costs to run a model in another process: the start of the worker, the load of a model, and each call.

Run ``python -m tests.benchmarks.worker``. In-process and worker are timed in turns, within one run. The start is timed
in new processes; those after the first find the files of all libraries in memory.
"""

from __future__ import annotations

import contextlib
import json
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from learnware.errors import IsolationUnavailable
from learnware.models import save
from learnware.models.level import Level
from learnware.runtime import runner_for
from learnware.runtime.base import Runner, StoredModel

N_ROWS, N_COLUMNS = 10_000, 50
STARTS, CALLS = 5, 200

START = """
import json, pickle, sys, time
import numpy as np
from learnware.models.level import Level
from learnware.runtime import runner_for
from learnware.runtime.base import StoredModel

with open(sys.argv[1], "rb") as file:
    stored = pickle.load(file)
X, seconds = np.zeros((10, {columns})), []
for name, (entry, files) in stored.items():
    model = StoredModel(name, entry, Level.UNSAFE_MEMORY, lambda files=files: files)
    start = time.perf_counter()
    runner_for(model, isolation=sys.argv[2]).call("predict", X)
    seconds.append(time.perf_counter() - start)
print(json.dumps(seconds))
"""


def models() -> dict[str, Any]:
    """Return models by name, each with its entry and files."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, N_COLUMNS))
    y = (X[:, 0] > 0).astype(int)
    found = {}
    for name, model in (("logistic regression", LogisticRegression()), ("random forest", RandomForestClassifier(20))):
        with tempfile.TemporaryDirectory() as folder:
            entry = save(model.fit(X, y), Path(folder), sample=X)
            found[name] = (entry, {file: (Path(folder) / file).read_bytes() for file in entry.files})
    return found


def started(found: dict[str, Any], isolation: str) -> list[float]:
    """Return the seconds to the first answer of each model, in a new process."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(pickle.dumps(found))
        file.flush()
        command = [sys.executable, "-c", START.format(columns=N_COLUMNS), file.name, isolation]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds: list[float] = json.loads(done.stdout)
    return seconds


def in_turns(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median milliseconds of each call."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(CALLS):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            taken[name].append(time.perf_counter() - start)
    return {name: 1000 * statistics.median(seconds) for name, seconds in taken.items()}


def calls_on(X: Any, runners: dict[str, Runner]) -> dict[str, Callable[[], object]]:
    """Return a call for each runner that this machine has, made once already."""
    calls = {}
    for name, runner in runners.items():
        with contextlib.suppress(IsolationUnavailable):
            runner.call("predict", X)
            calls[name] = partial(runner.call, "predict", X)
    return calls


def main() -> None:
    """Print the tables."""
    found = models()
    print("| first answer after | first model (s) | second model (s) |\n|---|---|---|")
    for i in range(STARTS):
        first, second = started(found, "process")
        print(f"| start {i + 1} of a worker | {first:.2f} | {second:.3f} |")
    entry, files = found["logistic regression"]
    stored = StoredModel("logistic regression", entry, Level.UNSAFE_MEMORY, lambda: files)
    runners: dict[str, Runner] = {
        name: runner_for(stored, isolation=name, trust="data") for name in ("none", "process", "sandbox")
    }
    print("\n| rows | in process (ms) | worker (ms) | sandbox (ms) | worker - in process | ratio |")
    print("|---|---|---|---|---|---|")
    for n_rows in (1, 100, N_ROWS, 10 * N_ROWS):
        taken = in_turns(calls_on(np.random.default_rng(0).normal(size=(n_rows, N_COLUMNS)), runners))
        own, other = taken["none"], taken["process"]
        sandbox = f"{taken['sandbox']:.2f}" if "sandbox" in taken else "-"
        print(f"| {n_rows} | {own:.2f} | {other:.2f} | {sandbox} | {other - own:.2f} | {other / own:.1f} |", flush=True)
    for runner in runners.values():
        runner.close()


if __name__ == "__main__":
    main()
