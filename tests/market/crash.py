"""Kill -9 at any moment, three writers at once: every acknowledged learnware is there afterwards, and nothing else.

"Nothing else" means: beyond what was acknowledged each of the writers may have committed the one thing whose
acknowledgement it could not send any more, and that is whole, also if it is of several learnwares; every file in the
folder belongs to a learnware.

Run as a program of its own, since a process that has loaded less is forked faster:
``python -m tests.market.crash ROUNDS FOLDER LEARNWARE...``
"""

from __future__ import annotations

import hashlib
import os
import random
import secrets
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from learnware.bundle import Learnware
from learnware.errors import LearnwareNotFound
from learnware.market import LocalMarket
from learnware.market.store import DirectoryStore
from tests.market.forks import exit_status, in_child

N_WRITERS = 3
# Some learnwares are added so many at once; their ids have these digits, and differ in those after them.
N_AT_ONCE, TOGETHER = 4, "b" * 12
RECOVERY_SECONDS = 1.0
DATABASE_FILES = {"market.sqlite", "market.sqlite-wal", "market.sqlite-shm", "market.lock", "market.queue"}
OWN_FILES = {"market.json", "blobs", "pending", "index"} | DATABASE_FILES

Tell = Callable[[str], None]


@dataclass
class Known:
    """What is there, each id with its revisions, and what the killed writers said since."""

    there: dict[str, Counter[str]] = field(default_factory=dict)
    going: set[str] = field(default_factory=set)

    def hear(self, lines: list[str]) -> None:
        # In no order: who removes a learnware may tell so before the one who submitted it.
        for line in lines:
            sign, learnware_id, digest = (*line.split(), "")[:3]
            if sign in "+^":
                self.there.setdefault(learnware_id, Counter())[digest] += 1
            elif sign == "?":
                self.going.add(learnware_id)
        for gone in {line.split()[1] for line in lines if line.startswith("-")}:
            self.there.pop(gone, None)


def work_for_ever(market: LocalMarket, learnwares: list[Learnware], tell: Tell, seed: int) -> None:
    """Submit, update, remove and collect until killed, also what others have submitted."""
    rng = random.Random(seed)
    while True:
        learnware = rng.choice(learnwares)
        digest = hashlib.sha256(learnware.to_bytes()).hexdigest()
        ids, action = list(market), rng.random()
        if action < 0.15:
            tell(add_together(market, [learnware, *rng.choices(learnwares, k=N_AT_ONCE - 1)]))
        elif action < 0.4 or len(ids) < 4:
            tell(f"+ {market.submit(learnware)} {digest}")
        elif action > 0.95:
            market.collect_garbage(0)
        else:
            change(market, rng.choice(ids), learnware if action < 0.65 else None, digest, tell)


def add_together(market: LocalMarket, learnwares: list[Learnware]) -> str:
    beginning = secrets.token_hex(8)
    ids = [f"{beginning}{TOGETHER}{number:04x}" for number in range(len(learnwares))]
    bundles = [learnware.to_bytes() for learnware in learnwares]
    market._store.add_many([(b, one.specification) for b, one in zip(bundles, learnwares, strict=True)], ids)
    digests = [hashlib.sha256(bundle).hexdigest() for bundle in bundles]
    return "\n".join(f"+ {learnware_id} {digest}" for learnware_id, digest in zip(ids, digests, strict=True))


def change(market: LocalMarket, chosen: str, learnware: Learnware | None, digest: str, tell: Tell) -> None:
    try:
        if learnware is not None:
            market.update(chosen, learnware)
            tell(f"^ {chosen} {digest}")
        else:
            tell(f"? {chosen}")
            market.remove(chosen)
            tell(f"- {chosen}")
    except LearnwareNotFound:
        return  # another writer was faster


def told_before_kill(n_lines: int, rng: random.Random, work: Callable[[Tell, int], None]) -> list[str]:
    """Fork writers, kill them all some time after so many lines, and return the lines that they told."""
    reader, writer = os.pipe()

    def tell(line: str) -> None:
        os.write(writer, f"{line}\n".encode())  # a single write of so few bytes is never torn

    children = [in_child(partial(work, tell, rng.randrange(2**32))) for _ in range(N_WRITERS)]
    os.close(writer)
    with open(reader, encoding="utf-8") as told:
        lines = [told.readline() for _ in range(n_lines)]
        time.sleep(rng.uniform(0.0, 0.01))
        for child in children:
            os.kill(child, signal.SIGKILL)
        statuses = [exit_status(child) for child in children]
        lines += told.readlines()
    assert statuses == [-signal.SIGKILL] * N_WRITERS, "a writer ended before it was killed; its traceback is above"
    return [line.strip() for line in lines]


def inspect(folder: Path, known: Known, bundles: set[str]) -> None:
    """Check the folder after a kill, and take in what was committed without being told."""
    start = time.perf_counter()
    with closing(DirectoryStore(folder)) as store:
        found = {i: Counter(revision.digest for revision in store.revisions(i)) for i in store}
        assert time.perf_counter() - start < RECOVERY_SECONDS
        lost = set(known.there) - set(found) - known.going
        assert not lost, f"acknowledged but lost: {lost}"
        for learnware_id, revisions in known.there.items():
            missing = revisions - found.get(learnware_id, revisions)
            assert not missing, f"acknowledged but lost: revision {missing} of {learnware_id}"
        surplus = sum((revisions - known.there.get(i, Counter())).total() for i, revisions in found.items())
        assert surplus <= N_WRITERS * N_AT_ONCE, "more than those on the way"
        whole_or_not_at_all(store, found)
        readable_at(store, found, bundles)
    live, files = {digest for revisions in found.values() for digest in revisions}, blob_names(folder)
    with closing(sqlite3.connect(folder / "market.sqlite")) as connection:
        named = {row[0] for row in connection.execute("SELECT digest FROM revisions")}
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert live <= files <= named
    assert not list((folder / "pending").iterdir())
    assert {path.name for path in folder.iterdir()} <= OWN_FILES
    known.there, known.going = found, set()


def whole_or_not_at_all(store: DirectoryStore, found: dict[str, Counter[str]]) -> None:
    for beginning in {i[:16] for i in found if i[16:-4] == TOGETHER}:
        ids = [f"{beginning}{TOGETHER}{number:04x}" for number in range(N_AT_ONCE)]
        given = [i in store or store.removed(i) is not None for i in ids]
        assert all(given), "some that were added together are not there"


def readable_at(store: DirectoryStore, found: dict[str, Counter[str]], bundles: set[str]) -> None:
    first = {digest: i for i, revisions in found.items() for digest in revisions}
    assert {hashlib.sha256(store.read(i, digest)).hexdigest() for digest, i in first.items()} == set(first) <= bundles
    assert set(store.specifications(found)) == set(found)
    assert all(store.revisions(i)[-1].digest == entry.digest for i, entry in store.entries(found).items())


def blob_names(folder: Path) -> set[str]:
    return {path.name for path in (folder / "blobs").rglob("*") if path.is_file()}


def kill_again_and_again(folder: Path, learnwares: list[Learnware], n_rounds: int, *, checked: bool) -> int:
    """Kill writers so often, look after each time, and return how often something was on the way just then."""
    known, interrupted, rng = Known(), 0, random.Random(0)
    bundles = {hashlib.sha256(learnware.to_bytes()).hexdigest() for learnware in learnwares}

    def work(tell: Tell, seed: int) -> None:
        options: dict[str, Any] = {} if checked else {"checks": ()}
        work_for_ever(LocalMarket(DirectoryStore(folder), **options), learnwares, tell, seed)

    for _ in range(n_rounds):
        # Sometimes while they still open the folder, else in the midst of their work, however busy the machine is.
        known.hear(told_before_kill(rng.randrange(4), rng, work))
        if (folder / "pending").is_dir():
            interrupted += any((folder / "pending").iterdir())
        if (folder / "market.sqlite").exists():
            inspect(folder, known, bundles)
    assert known.there
    return interrupted


if __name__ == "__main__":
    n_rounds, place, *files = sys.argv[1:]
    print(kill_again_and_again(Path(place), [Learnware.load(file) for file in files], int(n_rounds), checked=False))
