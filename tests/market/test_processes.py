"""Several processes in one folder: nothing is lost, nothing comes back, readers notice."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from threading import Event, Thread

import pytest

from learnware.market import LocalMarket, Market
from learnware.market.store import DirectoryStore, MemoryStore
from learnware.specification import SemanticSpecification, Specification
from learnware.testing import make_learnware
from tests.market.forks import exit_status, in_child, needs_fork

pytestmark = needs_fork

N_PROCESSES, N_STEPS = 4, 60


def work_in(store: DirectoryStore, seed: int) -> dict[str, str]:
    """Add, replace and remove at random; return the ids that are left with their bytes."""
    rng, mine = random.Random(seed), {}
    for step in range(N_STEPS):
        # Few different bundles, so that one process removes the bytes that another is just storing.
        content, words = f"bundle {rng.randrange(4)}", Specification(SemanticSpecification(name=f"{seed}, {step}"))
        action = rng.choice(["add", "add", "replace", "remove"])
        if action == "add" or not mine:
            mine[store.add(content.encode(), words)] = content
            continue
        chosen = rng.choice(sorted(mine))
        if action == "replace":
            store.replace(chosen, content.encode(), words)
            mine[chosen] = content
        else:
            store.remove(chosen)
            del mine[chosen]
            if step % 3 == 0:
                store.collect_garbage(0)
    return mine


@pytest.mark.parametrize("inherited", [True, False], ids=["opened before the fork", "opened in each"])
def test_processes_may_write_at_once(tmp_path: Path, inherited: bool) -> None:
    folder = tmp_path / "market"
    with closing(DirectoryStore(folder)) as store:

        def work(seed: int, answer: Path) -> None:
            left = work_in(store if inherited else DirectoryStore(folder), seed)
            answer.write_text(json.dumps(left))

        answers = [tmp_path / f"{seed}.json" for seed in range(N_PROCESSES)]
        children = [in_child(partial(work, seed, answer)) for seed, answer in enumerate(answers)]
        seen, generation = set[str](), 0
        for child in children:
            changes = store.changes(generation)
            generation, seen = changes.generation, (seen | set(changes.stored)) - set(changes.removed)
            assert exit_status(child) == 0
        left = {i: content for answer in answers for i, content in json.loads(answer.read_text()).items()}
        changes = store.changes(generation)
        assert (seen | set(changes.stored)) - set(changes.removed) == set(left) == set(store)
        assert {i: store.read(i).decode() for i in store} == left
        assert set(store.specifications(left)) == set(left)
        assert store.changes(0).generation == N_PROCESSES * N_STEPS
        store.collect_garbage(0)
        held = {revision.digest for i in left for revision in store.revisions(i)}
    assert {path.name for path in (folder / "blobs").rglob("*") if path.is_file()} == held
    assert not list((folder / "pending").iterdir())


def test_processes_may_create_one_folder_at_once(tmp_path: Path) -> None:
    words = Specification(SemanticSpecification(name="name"))
    for attempt in range(8):
        folder = tmp_path / f"market {attempt}"
        children = [in_child(lambda folder=folder: DirectoryStore(folder).add(b"bundle", words)) for _ in range(8)]  # type: ignore[misc]
        assert [exit_status(child) for child in children] == [0] * 8
        with closing(DirectoryStore(folder)) as store:
            assert len(store) == 8


def test_a_child_outlives_the_store_it_inherited(tmp_path: Path) -> None:
    words = Specification(SemanticSpecification(name="name"))
    store = DirectoryStore(tmp_path / "market")
    written, closed = os.pipe(), os.pipe()

    def work() -> None:
        store.add(b"first", words)
        os.write(written[1], b".")
        os.read(closed[0], 1)
        # Had the child kept the parent's connection, the parent would have taken itself for the last one just now, and
        # deleted the log that the child still writes to.
        store.add(b"second", words)

    child = in_child(work)
    os.read(written[0], 1)
    store.close()
    os.write(closed[1], b".")
    assert exit_status(child) == 0
    with closing(DirectoryStore(tmp_path / "market")) as again:
        assert [again.read(i) for i in again] == [b"first", b"second"]
    for descriptor in (*written, *closed):
        os.close(descriptor)


def test_bytes_stored_again_while_they_are_being_deleted_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = Specification(SemanticSpecification(name="name"))
    with closing(DirectoryStore(tmp_path / "market")) as mine, closing(DirectoryStore(tmp_path / "market")) as other:
        gone, added = mine.add(b"same", words), []
        mine.remove(gone)
        look_up = mine._ledger.collectable

        def slow_look_up(before: float, limit: int) -> list[str]:
            found = look_up(before, limit)
            if found:
                added.append(other.add(b"same", words))
            return found

        monkeypatch.setattr(mine._ledger, "collectable", slow_look_up)
        assert mine.collect_garbage(0) == 0
        assert len(added) == 1
        assert other.read(added[0]) == b"same"


def test_an_abandoned_bundle_stored_again_just_now_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = Specification(SemanticSpecification(name="name"))
    with closing(DirectoryStore(tmp_path / "market")) as mine, closing(DirectoryStore(tmp_path / "market")) as other:
        dead, added = mine._blobs.claim(hashlib.sha256(b"same").hexdigest()), []
        dead.write(b"same")
        dead.publish()
        dead.release()
        look_up = mine._ledger.names

        def slow_look_up(digest: str) -> bool:
            found = look_up(digest)
            if not found:
                added.append(other.add(b"same", words))
            return found

        monkeypatch.setattr(mine._ledger, "names", slow_look_up)
        mine._garbage.sweep()
        assert len(added) == 1
        assert other.read(added[0]) == b"same"


def test_a_bundle_appears_only_in_its_writers_turn(tmp_path: Path) -> None:
    # Whoever collects or sweeps has the turn, and must never meet a bundle whose row is still to come.
    words, folder = Specification(SemanticSpecification(name="name")), tmp_path / "market"
    with (
        closing(DirectoryStore(folder)) as mine,
        closing(DirectoryStore(folder)) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        with mine._database.writing():
            added = pool.submit(other.add, b"bundle", words)
            while not any((folder / "pending").glob("*.part")):
                assert not added.done()
            time.sleep(0.05)
            assert not [path for path in (folder / "blobs").rglob("*") if path.is_file()]
        assert mine.read(added.result()) == b"bundle"


def searching(market: LocalMarket, held: Event, done: Event) -> None:
    storing = market._store._lock if isinstance(market._store, MemoryStore) else nullcontext()
    with market._index._lock, market._fetched._lock, storing:
        held.set()
        done.wait()


@pytest.mark.parametrize("folder", [None, "market"])
def test_a_fork_is_not_held_up_by_a_search_of_its_parent(tmp_path: Path, folder: str | None) -> None:
    query = make_learnware().specification
    with Market.open(folder and tmp_path / folder) as market:
        assert isinstance(market, LocalMarket)
        first = market.submit(make_learnware())
        market.search(query)
        held, done = Event(), Event()
        thread = Thread(target=searching, args=(market, held, done))
        thread.start()
        held.wait()
        # As if the other thread were in the midst of taking in a change.
        market._index._snapshot = None

        def work() -> None:
            signal.alarm(30)
            assert [hit.id for hit in market.search(query).hits] == [first]
            assert market.fetch(first).id == first

        try:
            assert exit_status(in_child(work)) == 0
        finally:
            done.set()
            thread.join()
