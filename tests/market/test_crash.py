"""Kill -9 at any moment, three writers at once, and how long it takes to be back."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from learnware.market.store import DirectoryStore, check_folder
from learnware.specification import SemanticSpecification, Specification
from learnware.testing import make_learnware
from tests.market.crash import RECOVERY_SECONDS, Tell, kill_again_and_again, told_before_kill
from tests.market.forks import needs_fork

pytestmark = needs_fork

N_ROUNDS, N_ROUNDS_WITH_CHECKS = 500, 10


def test_acknowledged_learnwares_survive_kill_9(tmp_path: Path, root: Path) -> None:
    files = [make_learnware(f"Number {number}").save(tmp_path / f"{number}.zip") for number in range(5)]
    command = [sys.executable, "-m", "tests.market.crash", str(N_ROUNDS), tmp_path / "market", *files]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # The kills must have hit what they are meant to hit.
    assert int(done.stdout) >= N_ROUNDS // 10


def test_checked_learnwares_survive_too(tmp_path: Path) -> None:
    learnwares = [make_learnware(f"Number {number}") for number in range(5)]
    assert kill_again_and_again(tmp_path / "market", learnwares, N_ROUNDS_WITH_CHECKS, checked=True)


def test_a_thousand_learnwares_are_back_within_a_second(tmp_path: Path) -> None:
    folder, rng, seconds = tmp_path / "market", random.Random(0), []
    words = Specification(SemanticSpecification(name="name"), make_learnware().specification.statistical)
    with closing(DirectoryStore(folder)) as store:
        for number in range(1000):
            store.add(b"bundle %d" % number, words)

    def work(tell: Tell, seed: int) -> None:
        store, mine = DirectoryStore(folder), random.Random(seed)
        while True:
            store.replace(mine.choice(list(store)), mine.randbytes(50_000), words)
            tell("replaced")

    for _ in range(5):
        # Enough of them to fill the write-ahead log, which opening has to read.
        told_before_kill(100, rng, work)
        start = time.perf_counter()
        with closing(DirectoryStore(folder)) as store:
            assert len(store) == 1000
            assert store.read(next(iter(store)))
            seconds.append(time.perf_counter() - start)
    print("recovery seconds", seconds)
    assert max(seconds) < RECOVERY_SECONDS
    assert check_folder(folder).ok
