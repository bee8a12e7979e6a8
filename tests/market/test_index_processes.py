"""Readers and a writer at once: every answer is one that the market could give at some moment of the search.

The writer notes each change in a log before it begins and after it is acknowledged, and readers note each answer with
the moments between which it was found; afterwards the one is held against the other.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from learnware.errors import LearnwareNotFound
from learnware.market import LocalMarket
from learnware.market.organizer import Snapshot
from learnware.market.organizer import index as indexing
from learnware.market.result import Hit, SearchResult
from learnware.market.searcher import Wishes, search
from learnware.market.store import new_id
from learnware.specification import RKME, SemanticSpecification, Specification
from learnware.testing import synthetic_market
from tests.market.forks import exit_status, in_child, needs_fork

# At first one island is just about to outgrow the number up to which all of its members vote on the frame.
N_AT_FIRST = 240
SIZES = (1, 1, 2, 5, 20, 64, 150)
# Words alone, two spaces, and that of the synthetic market.
WORDS, FOUR, SIX, SYNTHETIC = range(4)
N_KINDS = 4
SECONDS_BETWEEN_REBUILDS = 1.0
MOST = 6000

DRAWN = synthetic_market(100_000, n_features=5, n_points=6, labels=False, random_state=0)


def name_of(seed: int) -> str:
    """Return a word that no typing error makes of another, which ends in what is its own."""
    letters = np.random.default_rng([seed, 1]).integers(0, 26, 14)
    return "".join(chr(ord("a") + letter) for letter in letters.tolist())


@lru_cache(maxsize=4096)
def spec(seed: int) -> Specification:
    """Return a specification at a place of its own, whose kind its seed tells."""
    kind = seed % N_KINDS
    if kind == SYNTHETIC:
        return DRAWN.specification(seed // N_KINDS)
    semantic = SemanticSpecification(name_of(seed), task="regression" if seed % 5 < 3 else "classification")
    if kind == WORDS:
        return Specification(semantic)
    rng = np.random.default_rng(seed)
    d = 4 if kind == FOUR else 6
    size = int(rng.integers(3, 9))
    points = rng.normal(rng.normal(0.0, 3.0, d), 1.0, (size, d))
    return Specification(semantic, RKME(points, rng.dirichlet(np.ones(size)), n_samples=200))


def append(path: Path, **line: Any) -> None:
    with open(path, "ab", buffering=0) as file:
        file.write(json.dumps(line).encode() + b"\n")


@dataclass
class Log:
    """What has been done, as far as it has been read: lines that a process has written one by one."""

    path: Path
    read: int = 0

    def new(self) -> Iterator[dict[str, Any]]:
        with open(self.path, "rb") as file:
            file.seek(self.read)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self.read += len(line)
                yield json.loads(line)


@dataclass
class Writer:
    """Adds, replaces and removes at random, until the time is over."""

    market: LocalMarket
    log: Path
    rng: random.Random
    seeds: Iterator[int] = field(default_factory=lambda: iter(range(10**9)))
    there: dict[str, int] = field(default_factory=dict)

    def drawn(self, n: int, kind: int) -> list[int]:
        return [N_KINDS * number + kind for number, _ in zip(self.seeds, range(n), strict=False)]

    def told(self, change: Callable[[], list[str] | None], seeds: list[int], ids: list[str] | None = None) -> None:
        """Make a change, noted before and after; seeds are those of the learnwares that ids stand for from then on."""
        begun = time.monotonic()
        append(self.log, begun=begun, ids=ids, seeds=seeds)
        ids = change() or ids or []
        append(self.log, begun=begun, done=time.monotonic(), ids=ids, seeds=seeds)
        for learnware_id, seed in zip(ids, seeds or [None] * len(ids), strict=True):
            self.there[learnware_id] = -1 if seed is None else seed
        self.there = {i: seed for i, seed in self.there.items() if seed >= 0}

    def add(self, n: int, kind: int) -> None:
        seeds = self.drawn(n, kind)
        if kind == SYNTHETIC:
            numbers = [seed // N_KINDS for seed in seeds]
            bundles = [DRAWN.bundle(number) for number in numbers]
            self.told(lambda: self.market.submit_many(bundles, check=False, progress=False), seeds)
            return
        ids = [new_id() for _ in seeds]
        items = [(b"%d" % seed, spec(seed)) for seed in seeds]
        self.told(lambda: self.market._store.add_many(items, ids), seeds, ids)

    def replace(self, chosen: str) -> None:
        # To another space at times.
        (seed,) = self.drawn(1, self.rng.choice((WORDS, FOUR, SIX)))
        self.told(lambda: self.market._store.replace(chosen, b"%d" % seed, spec(seed)), [seed], [chosen])

    def remove(self, chosen: str) -> None:
        self.told(lambda: self.market.remove(chosen), [], [chosen])

    def work(self, end: float) -> None:
        rebuilt = time.monotonic()
        while time.monotonic() < end:
            action = self.rng.random()
            chosen = self.rng.choice(sorted(self.there))
            if action < 0.4 and len(self.there) < MOST:
                kind = self.rng.choice((WORDS, FOUR, FOUR, SIX, SYNTHETIC))
                self.add(self.rng.choice(SIZES[:5] if kind == SYNTHETIC else SIZES), kind)
            elif action < 0.65:
                self.replace(chosen)
            elif action < 0.97:
                self.remove(chosen)
            else:
                # An island may go, and come again.
                for one in [i for i, seed in self.there.items() if seed % N_KINDS == SIX]:
                    self.remove(one)
            if time.monotonic() > rebuilt + SECONDS_BETWEEN_REBUILDS:
                self.market.rebuild_index(progress=False)
                rebuilt = time.monotonic()


@dataclass
class Reader:
    """Searches for what it knows to be there, and looks at each answer."""

    market: LocalMarket
    log: Log
    answers: Path
    rng: random.Random
    there: dict[str, int] = field(default_factory=dict)

    def hear(self) -> None:
        for line in self.log.new():
            # Ids that the market gives are known only afterwards.
            ids = line["ids"] or []
            for learnware_id, seed in zip(ids, line["seeds"][: len(ids)] or [None] * len(ids), strict=True):
                self.there.pop(learnware_id, None)
                if "done" in line and seed is not None:
                    self.there[learnware_id] = seed

    def work(self, end: float) -> None:
        n_searches = 0
        while time.monotonic() < end or not n_searches:
            self.hear()
            # The latest are those that may be missing.
            recent = list(self.there)[-self.rng.choice((1, 10, 100_000)) :]
            chosen = self.rng.choice(recent)
            self.search(chosen, self.there[chosen])
            n_searches += 1
        assert n_searches

    def search(self, chosen: str, seed: int) -> None:
        wanted, own = spec(seed), {}
        by_words = wanted.statistical is None or self.rng.random() < 0.2
        if by_words:
            question: Any = wanted.semantic.name
        else:
            own = {"task": wanted.semantic.task} if self.rng.random() < 0.2 else {}
            question = Specification(SemanticSpecification(**own), wanted.statistical)
        wishes = Wishes(limit=self.rng.choice((1, 10, 40)))
        start = time.monotonic()
        snapshot, result = self.market._index.ask(lambda as_of: (as_of, search(as_of, question, wishes=wishes)))
        end = time.monotonic()
        check(result, snapshot, None if by_words else wanted)
        assert all(hit.semantic.task == own.get("task", hit.semantic.task) for hit in result.hits)
        found = [(hit.id, hit.name) for hit in result.hits]
        covered = [covered for hit in result.hits for covered in hit.covers]
        # Words of the synthetic market are those of others too.
        sure = not (by_words and seed % N_KINDS == SYNTHETIC)
        append(self.answers, start=start, end=end, asked=chosen, seed=seed, sure=sure, found=found, covered=covered)


def check(result: SearchResult, snapshot: Snapshot, wanted: Specification | None) -> None:
    if wanted is None or not result.hits:
        return
    distances = [hit.distance for hit in result.hits]
    assert distances == sorted(distances)  # type: ignore[type-var]
    assert all(hit.fit is not None and 0.0 <= hit.fit <= 1.0 for hit in result.hits)
    for hit in result.hits[:3]:
        assert hit.distance == pytest.approx(true_distance(hit, snapshot, wanted), abs=5e-3)
    assert result.mixture is not None
    assert len(result.mixture) >= 1
    assert float(result.mixture.weights.sum()) == pytest.approx(1.0)


def true_distance(hit: Hit, snapshot: Snapshot, wanted: Specification) -> float:
    found, asked = hit.specification.statistical, wanted.statistical
    assert found is not None
    assert asked is not None
    (island,) = [i for i in snapshot.islands_for(asked.space) if i.space is not None and i.space.key == found.space.key]
    _, frame, _ = island.ruler
    both = [(frame.apply(rkme.points), rkme.weights) for rkme in (found, asked)]
    own, other, common = (
        float(weights @ frame.kernel(points, others) @ shares)
        for (points, weights), (others, shares) in ((both[0], both[0]), (both[1], both[1]), (both[0], both[1]))
    )
    return float(np.sqrt(max(0.0, own + other - 2.0 * common)))


@dataclass(frozen=True)
class Change:
    """What became of an id: the seed of its learnware, or None when it was removed."""

    begun: float
    done: float
    seed: int | None

    @property
    def name(self) -> str | None:
        return None if self.seed is None else spec(self.seed).semantic.name


def history(log: Path) -> dict[str, list[Change]]:
    told: dict[str, list[Change]] = {}
    for line in Log(log).new():
        if "done" in line:
            for learnware_id, seed in zip(line["ids"], line["seeds"] or [None] * len(line["ids"]), strict=True):
                told.setdefault(learnware_id, []).append(Change(line["begun"], line["done"], seed))
    return told


def compare(answer: dict[str, Any], told: dict[str, list[Change]]) -> None:
    """Hold an answer against what was there while it was being found."""
    start, end = answer["start"], answer["end"]
    for learnware_id, name in answer["found"]:
        changes = told[learnware_id]
        ends = [change.done for change in changes[1:]] + [np.inf]
        could_be = [c.name for c, until in zip(changes, ends, strict=True) if c.begun <= end and until >= start]
        assert name in could_be, (learnware_id, name, could_be)
    before = [change for change in told[answer["asked"]] if change.done < start]
    later = [change for change in told[answer["asked"]] if change.done >= start]
    untouched = before[-1].seed == answer["seed"] and all(change.begun > end for change in later)
    if untouched and answer["sure"]:
        assert answer["asked"] in {*(i for i, _ in answer["found"]), *answer["covered"]}, answer


def victim(folder: Path) -> None:
    """Search and make the index anew until killed."""
    market = LocalMarket.in_folder(folder)
    while True:
        try:
            market.search(spec(next(iter(range(FOUR, 10**6, N_KINDS)))))
            market.rebuild_index(progress=False)
        except LearnwareNotFound:
            continue


def kill_some(folder: Path, end: float, rng: random.Random) -> int:
    n_killed = 0
    while time.monotonic() < end:
        child = in_child(partial(victim, folder))
        time.sleep(rng.uniform(0.05, 1.0))
        os.kill(child, signal.SIGKILL)
        assert exit_status(child) == -signal.SIGKILL
        n_killed += 1
    return n_killed


def read_and_write(place: Path, n_readers: int, seconds: float, *, kill: bool) -> int:
    """Let processes read and write for some time, hold their notes against each other, and return how many answers."""
    folder, log = place / "market", place / "log"
    with closing(LocalMarket.in_folder(folder)) as market:
        writer = Writer(market, log, random.Random(0))
        writer.add(N_AT_FIRST, FOUR)
        writer.add(3, WORDS)
        writer.add(2, SIX)
        market.warm()
    end = time.monotonic() + seconds

    def write() -> None:
        writer.market = LocalMarket.in_folder(folder)
        writer.work(end)

    def read(number: int) -> None:
        market = LocalMarket.in_folder(folder)
        Reader(market, Log(log), place / f"answers {number}", random.Random(number)).work(end)

    children = [in_child(write), *(in_child(partial(read, number)) for number in range(n_readers))]
    if kill:
        assert kill_some(folder, end, random.Random(1))
    assert [exit_status(child) for child in children] == [0] * len(children), "their tracebacks are above"
    told = history(log)
    answers = [answer for number in range(n_readers) for answer in Log(place / f"answers {number}").new()]
    for answer in answers:
        compare(answer, told)
    check_at_last(folder, {i for i, changes in told.items() if changes[-1].seed is not None})
    return len(answers)


def check_at_last(folder: Path, there: set[str]) -> None:
    with closing(LocalMarket.in_folder(folder)) as market:
        assert set(market) == there
        for _ in range(2):
            snapshot = market._index.snapshot()
            numbers = np.concatenate([island.numbers[island.present] for island in snapshot.islands])
            assert set(market._store.ids_of(numbers.tolist()).values()) == there
            assert len(numbers) == len(there)
            market.rebuild_index(progress=False)
    assert len(list((folder / "index").glob("v1-*"))) == 1


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever finds another at work for longer may answer by what was there before; here nobody may.
    monkeypatch.setattr(indexing, "_PATIENCE_SECONDS", 60.0)


pytestmark = needs_fork


def test_readers_beside_a_writer(tmp_path: Path) -> None:
    assert read_and_write(tmp_path, 2, 4.0, kill=False) > 4


@pytest.mark.slow
def test_readers_beside_a_writer_for_a_minute_while_others_are_killed(tmp_path: Path) -> None:
    n_answers = read_and_write(tmp_path, 4, 60.0, kill=True)
    print("answers", n_answers)
    assert n_answers > 100


def test_processes_may_make_the_first_index_at_once(tmp_path: Path) -> None:
    for attempt in range(3):
        folder = tmp_path / f"market {attempt}"
        with closing(LocalMarket.in_folder(folder)) as market:
            market._store.add_many([(b"%d" % seed, spec(seed)) for seed in range(FOUR, 80, N_KINDS)])

        def work(folder: Path = folder) -> None:
            hits = LocalMarket.in_folder(folder).search(spec(FOUR)).hits
            assert hits[0].name == name_of(FOUR)

        children = [in_child(work) for _ in range(4)]
        assert [exit_status(child) for child in children] == [0] * 4
        assert len(list((folder / "index").glob("v1-*"))) == 1
