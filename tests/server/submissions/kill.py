"""Kill -9 of whoever accepts uploads and of whoever verifies them: all that was acknowledged ends as it should.

Run as a program of its own, since a process that has loaded less is forked faster:
``python -m tests.server.submissions.kill ROUNDS FOLDER LEARNWARE...``
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import groupby
from pathlib import Path
from threading import Event

import skops.io

from learnware.market import LocalMarket
from learnware.server.submissions.submission import Submission
from learnware.server.submissions.worker import MOST_ATTEMPTS, Worker
from tests.market.forks import exit_status, in_child
from tests.server.submissions.place import POLICY, Place, make_place, open_place

# What a model is loaded with takes seconds to load itself: workers that are killed meanwhile would get nothing done.
LOADED_BEFORE_FORKS = skops.io

N_WORKERS = 2
N_UPLOADS = 12
GARBAGE = b"no zip"
# Codes that say something about the upload.
ITS_OWN_REASONS = {"malformed-archive", "learnware-not-found"}

Tell = Callable[[str], None]


def accept_some(folder: Path, bundles: list[bytes], tell: Tell, seed: int) -> None:
    """Accept uploads until killed, telling each once it is acknowledged."""
    rng = random.Random(seed)
    with open_place(folder) as place:
        for _ in range(N_UPLOADS):
            known = [each.learnware_id for each in place.queue.of(limit=10)]
            data = rng.choice([*bundles, GARBAGE])
            update = rng.choice(known) if known and rng.random() < 0.4 else None
            sent = place.send(data, update=update, key=secrets.token_hex(8))
            tell(f"{sent.id} {sent.digest}")
            time.sleep(rng.uniform(0.0, 0.01))
        time.sleep(60.0)


def verify(folder: Path) -> None:
    with Worker(folder, POLICY) as worker:
        worker.run(Event())


def told_before_kill(folder: Path, bundles: list[bytes], rng: random.Random) -> list[str]:
    """Let one process accept and others verify, kill them all, and return what was acknowledged."""
    reader, writer = os.pipe()

    def tell(line: str) -> None:
        os.write(writer, f"{line}\n".encode())  # a single write of so few bytes is never torn

    works = [partial(accept_some, folder, bundles, tell, rng.randrange(2**32)), *[partial(verify, folder)] * N_WORKERS]
    children = [in_child(work) for work in works]
    os.close(writer)
    rng.shuffle(children)
    for child in children:
        # One after the other, so that others meet what the first one leaves.
        time.sleep(rng.uniform(0.0, 0.25))
        os.kill(child, signal.SIGKILL)
    statuses = [exit_status(child) for child in children]
    assert statuses == [-signal.SIGKILL] * len(children), "one ended before it was killed; its traceback is above"
    with open(reader, encoding="utf-8") as told:
        return told.read().splitlines()


def inspect(place: Place, told: list[str], bundles: list[bytes], n_rounds: int) -> None:
    """Check that every acknowledged submission came to its end, and that nothing else is left."""
    found = {each.id: each for each in place.queue.of(limit=10**6)}
    acknowledged = dict(line.split() for line in told)
    lost = set(acknowledged) - set(found)
    assert not lost, f"acknowledged but lost: {lost}"
    assert all(found[i].digest == digest for i, digest in acknowledged.items())
    # Of each round, at most the one whose acknowledgement could not be sent any more.
    assert len(found) - len(acknowledged) <= n_rounds
    assert all(each.is_finished for each in found.values())
    for each in found.values():
        if each.state == "failed":
            assert each.outcome is not None
            code = each.outcome["problem"]["code"]
            assert code in ITS_OWN_REASONS or (code == "worker-died" and each.attempts > MOST_ATTEMPTS), each
            assert code != "malformed-archive" or each.size == len(GARBAGE)
    verified = [each for each in reversed(found.values()) if each.state == "verified"]
    assert place.held().keys() >= {each.learnware_id for each in verified if each.kind == "submit"}
    inspect_store(place, verified, bundles)
    place.queue.sweep(0.0)
    assert place.files() == set()
    assert not list((place.folder / "dock" / "workers").iterdir())
    assert place.database.rows("PRAGMA integrity_check") == [("ok",)]


def inspect_store(place: Place, verified: list[Submission], bundles: list[bytes]) -> None:
    """Check that the store has the verified learnwares, each with its revisions in the order they were sent."""
    expected: dict[str, list[str]] = defaultdict(list)
    for each in verified:
        expected[each.learnware_id].append(each.digest)
    with closing(LocalMarket.in_folder(place.folder)) as market:
        stored = {i: [revision.digest for revision in market.revisions(i)] for i in market}
        # The same bytes twice in a row are one revision.
        assert stored == {i: [digest for digest, _ in groupby(digests)] for i, digests in expected.items()}
        assert all(market.fetch(i).to_bytes() in bundles for i in stored)


def kill_again_and_again(folder: Path, bundles: list[bytes], n_rounds: int) -> int:
    """Kill so often, let a worker do the rest, look, and return how many submissions outlived a worker."""
    rng, told = random.Random(0), list[str]()
    make_place(folder)
    for _ in range(n_rounds):
        told += told_before_kill(folder, bundles, rng)
    assert told
    with open_place(folder) as place:
        while sum(place.queue.counts()[state] for state in ("pending", "running")):
            place.work()
        inspect(place, told, bundles, n_rounds)
        return sum(each.attempts > 1 for each in place.queue.of(limit=10**6))


if __name__ == "__main__":
    rounds, target, *files = sys.argv[1:]
    print(kill_again_and_again(Path(target), [Path(file).read_bytes() for file in files], int(rounds)))
