"""However an index grows, it knows what its store has: step by step, after interruptions, and beside others."""

from __future__ import annotations

import errno
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learnware.errors import MarketError
from learnware.market import LocalMarket
from learnware.market.organizer import Index, Island, Snapshot, TextIndex, catching_up, frames, growth
from learnware.market.organizer import index as indexing
from learnware.market.organizer.columns import Columns
from learnware.market.organizer.shelf import Unusable
from learnware.market.organizer.tags import tags_of
from learnware.market.store import DirectoryStore, MemoryStore, Store
from learnware.specification import RKME, Frame, SemanticSpecification, Specification

SMALL = 4
# Learnwares without points have islands too.
N_KINDS = 3


@pytest.fixture(autouse=True)
def small_islands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "ALL_VOTE", SMALL)
    monkeypatch.setattr(growth, "ALL_VOTE", SMALL)
    monkeypatch.setattr(growth, "_LEAST_CAPACITY", SMALL)
    monkeypatch.setattr(frames, "MOST_VOTERS", 6)
    monkeypatch.setattr(growth, "_AT_ONCE", 3)
    monkeypatch.setattr(catching_up, "_AT_ONCE", 7)


def word(seed: int) -> str:
    """Return a word that is like no other."""
    return "".join(chr(ord("a") + int(digit)) * 2 for digit in f"{seed:05d}")


def spec(seed: int, kind: int) -> Specification:
    rng = np.random.default_rng(seed)
    semantic = SemanticSpecification(word(seed), task="regression" if seed % 3 else "classification")
    if kind == 0:
        return Specification(semantic)
    size = int(rng.integers(1, 6))
    points = rng.normal(0.3 * (seed % 50), 1.0, (size, kind + 1))
    return Specification(semantic, RKME(points, rng.dirichlet(np.ones(size)), n_samples=50))


@dataclass
class World:
    """A store with what was put into it, and the indexes that follow it."""

    store: Store
    folder: Path | None
    there: dict[str, Specification] = field(default_factory=dict)
    seeds: Iterator[int] = field(default_factory=itertools.count)
    indexes: list[Index] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.indexes = [self.opened(), self.opened()]

    def opened(self) -> Index:
        return Index(self.store, None if self.folder is None else self.folder / "index")

    def add(self, kind: int, n: int) -> None:
        specs = [spec(next(self.seeds), kind % N_KINDS) for _ in range(n)]
        bundles = [(one.semantic.name.encode(), one) for one in specs]
        self.there.update(zip(self.store.add_many(bundles), specs, strict=True))

    def replace(self, place: int, kind: int) -> None:
        if self.there:
            chosen = list(self.there)[place % len(self.there)]
            self.there[chosen] = spec(next(self.seeds), kind % N_KINDS)
            self.store.replace(chosen, self.there[chosen].semantic.name.encode(), self.there[chosen])

    def remove(self, place: int, n: int) -> None:
        for chosen in list(self.there)[place % (len(self.there) or 1) :][:n]:
            self.store.remove(chosen)
            del self.there[chosen]

    def check(self, index: Index) -> None:
        index.ask(partial(self.check_snapshot, index))

    def check_snapshot(self, index: Index, snapshot: Snapshot) -> None:
        assert snapshot.generation == self.store.generation()
        found: list[str] = []
        for island in snapshot.islands:
            numbers = island.numbers[island.present]
            ids = self.store.ids_of(numbers.tolist())
            assert len(ids) == len(numbers) > 0
            assert np.all(np.diff(island.numbers) > 0)
            found += ids.values()
            for row, learnware_id in zip(np.flatnonzero(island.present).tolist(), ids.values(), strict=True):
                check_row(island, row, self.there[learnware_id])
                group = snapshot.groups[int(island.groups[row])]
                assert group == tags_of(self.there[learnware_id].semantic)
            check_frame(island, [self.there[i] for i in ids.values()])
        assert sorted(found) == sorted(self.there)
        numbers_of = self.store.numbers_of(self.there)
        for learnware_id, one in self.there.items():
            assert snapshot.texts.rank(one.semantic.name).numbers.tolist() == [numbers_of[learnware_id]]
        assert index._volume is not None
        counted = index._volume.tables.rows("SELECT SUM(n_present) FROM islands")[0][0] or 0
        assert counted == len(self.there)

    def close(self) -> None:
        for index in self.indexes:
            index.close()
        self.store.close()


def check_row(island: Island, row: int, one: Specification) -> None:
    assert (one.statistical is None) == (island.space is None)
    if one.statistical is None:
        return
    space, frame, features = island.ruler
    assert one.statistical.space.key == space.key
    points, weights = frame.apply(one.statistical.points), one.statistical.weights
    own = weights @ frame.kernel(points, points) @ weights
    assert island.self_products[row] == pytest.approx(own, rel=1e-4)
    np.testing.assert_allclose(island.sketches(np.array([row]))[0], weights @ features.transform(points), atol=2e-3)


def check_frame(island: Island, members: list[Specification]) -> None:
    if island.space is not None and len(members) <= SMALL:
        pooled = Frame.pool([one.statistical for one in members if one.statistical is not None])
        np.testing.assert_allclose(island.ruler[1].scale, pooled.scale)
        assert island.ruler[1].kernel == pooled.kernel


@contextmanager
def world(on_disk: bool) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "market" if on_disk else None
        with closing(World(MemoryStore() if folder is None else DirectoryStore(folder), folder)) as made:
            yield made


small = st.integers(0, 30)
steps = st.one_of(
    st.tuples(st.just("add"), small, st.integers(1, 9)),
    st.tuples(st.just("replace"), small, small),
    st.tuples(st.just("remove"), small, st.integers(1, 6)),
    st.tuples(st.just("look"), st.integers(0, 1), small),
    st.tuples(st.just("interrupted"), st.integers(0, 1), small),
    st.tuples(st.sampled_from(["reopen", "rebuild"]), st.integers(0, 1), small),
)


@contextmanager
def failing(owner: Any, name: str, nth: int, error: BaseException) -> Iterator[list[bool]]:
    """Let a function raise an error after its n-th call, or in place of it."""
    real, calls = getattr(owner, name), itertools.count()
    failed: list[bool] = []

    def wrapped(*arguments: Any, **options: Any) -> Any:
        if next(calls) == nth // 2:
            failed.append(True)
            if nth % 2:
                real(*arguments, **options)
            raise error
        return real(*arguments, **options)

    setattr(owner, name, wrapped)
    try:
        yield failed
    finally:
        setattr(owner, name, real)


BREAKABLE: list[tuple[Any, str]] = [
    (growth, "measure"),
    (growth.Growth, "_write"),
    (growth.Growth, "_shelf"),
    (growth.Growth, "_group_of"),
    (growth.Growth, "_fill"),
    (growth.Growth, "_leave"),
    (growth.Growth, "take_in"),
    (Columns, "__init__"),
    (Columns, "make_room"),
    (Columns, "copy_rows"),
    (Columns, "flush"),
    (TextIndex, "enter"),
    (TextIndex, "forget"),
]


def do(made: World, action: str, one: int, other: int) -> None:
    if action in ("add", "replace", "remove"):
        getattr(made, action)(one, other)
    elif action == "look":
        made.check(made.indexes[one])
    elif action == "rebuild":
        made.indexes[one].rebuild(progress=False)
    elif action == "interrupted":
        with (
            failing(*BREAKABLE[other % len(BREAKABLE)], other // 7, MarketError("interrupted")),
            suppress(MarketError),
        ):
            made.indexes[one].snapshot()
    else:
        made.indexes[one].close()
        made.indexes[one] = made.opened()


@pytest.mark.parametrize("on_disk", [False, True])
def test_after_any_steps_an_index_knows_what_its_store_has(on_disk: bool) -> None:
    @settings(max_examples=60 if on_disk else 120, stateful_step_count=12)
    @given(st.lists(steps, min_size=4, max_size=14))
    def check(asked: list[tuple[str, int, int]]) -> None:
        with world(on_disk) as made:
            for step in asked:
                do(made, *step)
            for index in (*made.indexes, made.opened()):
                made.check(index)
            assert isinstance(made.indexes[0].folder, Path) == on_disk

    check()


def grown(made: World) -> None:
    """Bring an index to where the next changes touch everything: small and large islands, one that goes, one new."""
    made.add(0, 2)
    made.add(1, 7)
    made.add(2, 2)
    for index in made.indexes:
        index.snapshot()
    made.add(1, 3)
    gone = [i for i, one in made.there.items() if one.statistical is not None and one.statistical.space.n_features == 3]
    for learnware_id in gone:
        made.store.remove(learnware_id)
        del made.there[learnware_id]
    made.remove(3, 2)
    made.replace(0, 1)
    made.add(0, 5)


@pytest.mark.parametrize("same", [True, False], ids=["tried again", "done by another"])
@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize(("owner", "name"), BREAKABLE, ids=lambda value: value if isinstance(value, str) else None)
def test_growth_that_breaks_off_leaves_nothing_behind(owner: Any, name: str, on_disk: bool, same: bool) -> None:
    n_failures = 0
    for nth in itertools.count():
        with world(on_disk) as made:
            grown(made)
            first, second = made.indexes if same else made.indexes[::-1]
            with failing(owner, name, nth, MarketError("interrupted")) as failed, suppress(MarketError):
                made.indexes[0].snapshot()
            made.add(1, 1)
            made.check(first)
            made.check(second)
            made.remove(0, 20)
            made.add(2, 3)
            made.check(second)
            made.check(first)
        n_failures += bool(failed)
        if not failed:
            break
    assert n_failures


@pytest.mark.parametrize("name", ["make_room", "__init__", "flush"])
def test_a_disk_that_is_full_is_named(name: str, tmp_path: Path) -> None:
    with closing(World(DirectoryStore(tmp_path), tmp_path)) as made:
        made.add(1, 3)
        full = OSError(errno.ENOSPC, "No space left on device")
        with failing(Columns, name, 0, full), pytest.raises(MarketError, match=r"Disk full.*" + tmp_path.name):
            made.indexes[0].snapshot()
        made.check(made.indexes[0])


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs posix_fallocate")
def test_rows_have_their_place_on_the_disk_before_they_are_written(tmp_path: Path) -> None:
    path, n_rows = tmp_path / "columns", 2**15
    columns = Columns(n_rows, path)
    assert os.stat(path).st_blocks * 512 < 2**16
    row_bytes = path.stat().st_size / n_rows
    columns.make_room(0, 1000)
    # Room that is not asked for takes no space.
    assert 1000 * row_bytes <= os.stat(path).st_blocks * 512 < 2000 * row_bytes
    columns.make_room(1000, n_rows)
    assert os.stat(path).st_blocks * 512 >= path.stat().st_size
    before = os.stat(path).st_blocks
    columns.sketches.half[:], columns.died[:] = 1.0, 1
    columns.flush()
    assert os.stat(path).st_blocks == before


def test_every_row_that_is_written_has_been_given_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given_room: dict[Path | None, int] = {}
    real = Columns.make_room

    def noted(self: Columns, start: int, end: int) -> None:
        assert start <= given_room.get(self._path, 0)
        given_room[self._path] = max(end, given_room.get(self._path, 0))
        real(self, start, end)

    monkeypatch.setattr(Columns, "make_room", noted)
    with closing(World(DirectoryStore(tmp_path), tmp_path)) as made:
        for n in (2, 9, 3, 1, 20):
            made.add(1, n)
            made.add(0, n)
            made.remove(4, 1)
            for island in made.indexes[0].snapshot().islands:
                assert given_room[island.columns._path] >= len(island)


def test_an_island_of_another_space_is_not_taken_for_one_that_has_gone(tmp_path: Path) -> None:
    with closing(World(DirectoryStore(tmp_path), tmp_path)) as made:
        worker, reader = made.indexes
        made.add(1, 3)
        made.check(worker)
        made.check(reader)
        made.remove(0, 3)
        made.check(worker)
        made.add(2, 3)
        made.check(worker)
        # It has seen neither that the one has gone nor that the other has come.
        made.check(reader)


@pytest.mark.parametrize("n_members", [2, SMALL + 2])
@pytest.mark.parametrize("change", ["remove", "replace"])
def test_members_that_go_while_the_index_grows(n_members: int, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(True) as made:
        made.add(1, n_members)
        made.check(made.indexes[0])
        made.remove(0, 1)
        real = Store.entries if change == "none" else DirectoryStore.entries

        def entries(store: DirectoryStore, ids: Any) -> Any:
            found = real(store, ids)
            monkeypatch.setattr(DirectoryStore, "entries", real)
            for place in range(len(made.there)):
                made.remove(0, 1) if change == "remove" else made.replace(place, 1)
            return found

        monkeypatch.setattr(DirectoryStore, "entries", entries)
        for index in made.indexes:
            made.check(index)


def test_counts_that_do_not_agree_with_the_rows_are_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    with world(True) as made:
        made.add(1, 3)
        index = made.indexes[0]
        (island,) = index.snapshot().islands
        island.columns.died[1] = 1
        rebuilt = []
        real = Index._make_anew
        monkeypatch.setattr(Index, "_make_anew", lambda *a, **k: (rebuilt.append(True), real(*a, **k))[1])
        made.add(1, 1)
        made.check(index)
        assert rebuilt == [True]


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[World]:
    with closing(World(DirectoryStore(tmp_path), tmp_path)) as made:
        made.add(1, 6)
        made.check(made.indexes[0])
        yield made


def test_an_index_that_goes_on_while_it_is_opened_is_still_believed(
    filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = filled.indexes[0].snapshot() and filled.indexes[0]._volume.name  # type: ignore[union-attr]
    real = indexing.Volume.__init__

    def slow(*arguments: Any, **options: Any) -> None:
        real(*arguments, **options)
        monkeypatch.setattr(indexing.Volume, "__init__", real)
        rows = arguments[0].tables.rows

        def rows_and_more(*asked: Any) -> Any:
            found = rows(*asked)
            filled.add(1, 2)
            filled.indexes[0].snapshot()
            return found

        monkeypatch.setattr(arguments[0].tables, "rows", rows_and_more)

    monkeypatch.setattr(indexing.Volume, "__init__", slow)
    other = filled.opened()
    other._opened()
    assert other._volume is not None
    assert other._volume.name == name


@pytest.mark.parametrize("gone", ["before it is opened", "while it is opened"])
def test_an_index_that_is_put_aside_while_it_is_opened_is_not_made_once_more(
    gone: str, filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Index._believed
    token: list[str] = []

    def slow(self: Index, folder: Path, name: str) -> Any:
        monkeypatch.setattr(Index, "_believed", real)
        filled.indexes[0].rebuild(progress=False)
        token.append(str(indexing.pointed_to(folder)))
        if gone == "while it is opened":
            monkeypatch.setattr(Path, "is_dir", lambda path: path.name == name)
            try:
                return real(self, folder, name)
            finally:
                monkeypatch.undo()
        return real(self, folder, name)

    monkeypatch.setattr(Index, "_believed", slow)
    filled.indexes[1].snapshot()
    assert filled.folder is not None
    assert indexing.pointed_to(filled.folder / "index") == token[0]


def test_two_who_find_it_damaged_make_it_anew_once(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Index._turn
    first, second = filled.opened(), filled.opened()
    (columns,) = (filled.folder / "index").rglob("*.columns")  # type: ignore[operator]
    columns.unlink()
    made = []

    def late(self: Index, patience: float) -> Any:
        if self is first and not made:
            filled.check(second)
            made.append(second._volume.name)  # type: ignore[union-attr]
        return real(self, patience)

    monkeypatch.setattr(Index, "_turn", late)
    filled.check(first)
    assert first._volume is not None
    assert made == [first._volume.name]


@pytest.mark.parametrize("by", ["itself", "another"])
def test_who_searches_is_not_disturbed_when_the_index_is_made_anew(by: str, filled: World) -> None:
    searching, other = filled.indexes
    snapshot = searching.snapshot()
    (searching if by == "itself" else other).rebuild(progress=False)
    filled.add(1, 1)
    searching.snapshot()
    name = next(iter(filled.there.values())).semantic.name
    assert len(snapshot.texts.rank(name).numbers) == 1
    assert snapshot.islands[0].present.all()


@pytest.mark.parametrize("lost", ["index", "volume"])
def test_an_index_whose_folder_is_deleted_under_it(lost: str, filled: World) -> None:
    import shutil

    index = filled.indexes[0]
    assert index._volume is not None
    assert index._volume.folder is not None
    shutil.rmtree(index._volume.folder if lost == "volume" else index._volume.folder.parent)
    filled.add(1, 2)
    filled.check(index)


def test_a_search_by_words_after_a_fork_and_an_index_made_anew(filled: World) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    searching, other = filled.indexes
    searching.snapshot()
    other.rebuild(progress=False)
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    name = next(iter(filled.there.values())).semantic.name
    ask: Callable[[Any], int] = lambda snapshot: len(snapshot.texts.rank(name).numbers)  # noqa: E731
    assert searching.ask(ask) == 1


def test_a_market_that_nobody_closes_leaves_no_files_open(tmp_path: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc")

    def search() -> None:
        market = LocalMarket.in_folder(tmp_path / "market")
        market._store.add(b"%d" % np.random.default_rng().integers(2**62), spec(1, 1))
        assert market.search(spec(1, 1)).hits

    search()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        search()
    assert len(os.listdir("/proc/self/fd")) == before


def test_unusable_is_not_heard_of_outside() -> None:
    assert not issubclass(Unusable, MarketError)
