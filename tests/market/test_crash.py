"""Kill -9 at any moment: every acknowledged learnware is there afterwards, and nothing else.

"Nothing else" means: beyond what was acknowledged there is at most the one learnware whose row was committed but whose
id had not been returned when the process died, and it is whole; every file in the folder belongs to a learnware.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from learnware.bundle import Learnware
from learnware.market import Market
from learnware.market.local import LocalMarket
from learnware.market.store import DirectoryStore
from learnware.testing import make_learnware
from tests.market.forks import exit_status, in_child, needs_fork

pytestmark = needs_fork

N_KILLS, N_KILLS_WITH_CHECKS = 200, 20
OWN_FILES = {"market.json", "market.sqlite", "market.sqlite-wal", "market.sqlite-shm", "blobs", "pending"}


@dataclass
class Known:
    """What the killed processes said, one line for each thing done."""

    there: set[str] = field(default_factory=set)
    going: set[str] = field(default_factory=set)

    def hear(self, line: str) -> None:
        sign, learnware_id = line[0], line[1:]
        if sign == "+":
            self.there.add(learnware_id)
        elif sign == "?":
            self.going.add(learnware_id)
        else:
            self.there.discard(learnware_id)
            self.going.discard(learnware_id)


def submit_for_ever(market: Market, learnwares: list[Learnware], tell: Callable[[str], None], seed: int) -> None:
    """Submit, update and remove until killed; `tell` is a single write of a whole line."""
    rng, mine = random.Random(seed), list(market)
    while True:
        action = rng.random()
        if action < 0.6 or len(mine) < 3:
            mine.append(market.submit(rng.choice(learnwares)))
            tell(f"+{mine[-1]}")
        elif action < 0.8:
            market.update(rng.choice(mine), rng.choice(learnwares))
        else:
            gone = mine.pop(rng.randrange(len(mine)))
            tell(f"?{gone}")
            market.remove(gone)
            tell(f"-{gone}")


def told_before_kill(n_lines: int, seconds: float, work: Callable[[Callable[[str], None]], None]) -> list[str]:
    """Run `work` in a forked process, kill it some time after so many lines, and return the lines that it told."""
    reader, writer = os.pipe()

    def tell(line: str) -> None:
        os.write(writer, f"{line}\n".encode())

    child = in_child(lambda: work(tell))
    os.close(writer)
    with open(reader, encoding="utf-8") as told:
        lines = [told.readline() for _ in range(n_lines)]
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        status = exit_status(child)
        lines += told.readlines()
    assert status == -signal.SIGKILL, "the process ended before it was killed; its traceback is above"
    return [line.strip() for line in lines]


def inspect(folder: Path, known: Known, bundles: set[str]) -> None:
    """Check the folder after a kill, and take in what was committed without being told."""
    with closing(DirectoryStore(folder)) as store:
        found = set(store)
        lost, surplus = known.there - found - known.going, found - known.there
        assert not lost, f"acknowledged but lost: {lost}"
        assert len(surplus) <= 1, f"more than the one on the way: {surplus}"
        digests = {hashlib.sha256(store.read(i)).hexdigest() for i in found}
        assert digests <= bundles
        assert set(store.specifications(found)) == found
    assert {path.name for path in (folder / "blobs").rglob("*") if path.is_file()} == digests
    assert not list((folder / "pending").iterdir())
    assert {path.name for path in folder.iterdir()} <= OWN_FILES
    with closing(sqlite3.connect(folder / "market.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    known.there, known.going = found, set()


@pytest.mark.parametrize("checked", [False, True], ids=["checks off", "checks on"])
def test_acknowledged_learnwares_survive_kill_9(tmp_path: Path, checked: bool) -> None:
    folder, known, interrupted = tmp_path / "market", Known(), 0
    learnwares = [make_learnware(f"Number {number}") for number in range(5)]
    bundles = {hashlib.sha256(learnware.to_bytes()).hexdigest() for learnware in learnwares}
    rng = random.Random(0)
    for kill in range(N_KILLS_WITH_CHECKS if checked else N_KILLS):

        def work(tell: Callable[[str], None], seed: int = kill) -> None:
            checks = {} if checked else {"checks": ()}
            submit_for_ever(LocalMarket(DirectoryStore(folder), **checks), learnwares, tell, seed)

        # Sometimes while it still opens the folder, else in the midst of its work, however busy the machine is.
        n_lines = rng.randrange(4)
        for line in told_before_kill(n_lines, rng.uniform(0.0, 0.01), work):
            known.hear(line)
        if (folder / "pending").is_dir():
            interrupted += any((folder / "pending").iterdir())
        if (folder / "market.sqlite").exists():
            inspect(folder, known, bundles)
    assert known.there
    # The kills must have hit what they are meant to hit.
    assert interrupted >= (1 if checked else N_KILLS // 10)
