"""Run every measurement: ``python -m tests.benchmarks``."""

from __future__ import annotations

import subprocess
import sys

for name in ("imports", "reduced_set", "market", "verdict", "unknown_jobs", "worker", "dock"):
    print(f"\n## {name}\n", flush=True)
    # A process of its own each, so that none profits from what another has loaded or warmed up.
    subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=True)
