"""What does ``import learnware`` cost beyond bare Python?

Run ``python -m tests.benchmarks.imports`` from the root of the repository. It prints a Markdown table.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

CASES = {
    "bare Python": "pass",
    "import numpy": "import numpy",
    "import learnware": "import learnware",
    "... Specification": "from learnware import Specification",
    "... Market, in memory": "from learnware import Market; Market.open()",
    "... Reuser": "from learnware import Reuser",
}


def seconds(code: str, repeats: int) -> float:
    """Return the best wall time of a new interpreter that runs `code`."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    bare = seconds(CASES["bare Python"], repeats)
    print("| new interpreter that runs | seconds beyond bare Python |")
    print("|---|---|")
    for name, code in CASES.items():
        print(f"| {name} | {seconds(code, repeats) - bare:.3f} |", flush=True)


if __name__ == "__main__":
    main()
