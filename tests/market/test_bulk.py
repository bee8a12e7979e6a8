"""Many learnwares at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from learnware import Learnware, Specification
from learnware.errors import BundleError, InvalidParameter, MarketError, RejectedLearnware, UnreachableFile
from learnware.market import LocalMarket, bulk
from learnware.market.store import DirectoryStore
from learnware.testing import make_learnware, synthetic_market


@pytest.fixture
def market(tmp_path: Path) -> Iterator[LocalMarket]:
    with closing(LocalMarket.in_folder(tmp_path / "market")) as opened:
        yield opened


def learnwares(n: int) -> list[Learnware]:
    return [make_learnware(f"Number {i}", float(i)) for i in range(n)]


@pytest.mark.parametrize("n_jobs", [None, 1, 2])
@pytest.mark.parametrize("check", [True, False])
def test_learnwares_files_and_pairs(market: LocalMarket, tmp_path: Path, check: bool, n_jobs: int | None) -> None:
    one, two, three = learnwares(3)
    path = two.save(tmp_path / "two.zip")
    pair = (three.to_bytes(), three.specification)
    ids = market.submit_many([one, str(path), pair], check=check, n_jobs=n_jobs, progress=False)
    assert list(market) == ids
    assert [market.fetch(i).name for i in ids] == ["Number 0", "Number 1", "Number 2"]
    assert [market.describe(i).level for i in ids[:2]] == ["T0", "T0"]
    assert market.search(two.specification).hits[0].id == ids[1]


def test_what_is_there_is_passed_over(market: LocalMarket, monkeypatch: pytest.MonkeyPatch) -> None:
    many = learnwares(4)
    first = market.submit_many(many[:2], progress=False)
    checked = []
    real = bulk.check_learnware
    monkeypatch.setattr(bulk, "check_learnware", lambda one, **how: checked.append(one.name) or real(one, **how))
    assert market.submit_many(many, progress=False)[:2] == first
    assert checked == ["Number 2", "Number 3"]
    assert len(market) == 4
    # Twice in one batch it is one learnware too.
    new = make_learnware("Twice", 9.0)
    ids = market.submit_many([new, new], progress=False)
    assert ids[0] == ids[1]
    assert len(market) == 5


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_files_that_are_there_are_not_opened_again(
    market: LocalMarket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_jobs: int | None
) -> None:
    many = [make_learnware(), *learnwares(3)]
    paths = [one.save(tmp_path / f"{i}.zip") for i, one in enumerate(many)]
    first = market.submit_many([many[0], *map(str, paths[1:3])], progress=False)
    opened, checked = [], []
    prepare, check = bulk._prepare, bulk.check_learnware
    monkeypatch.setattr(bulk, "_prepare", lambda one, *how: opened.append(one) or prepare(one, *how))
    monkeypatch.setattr(bulk, "check_learnware", lambda one, **how: checked.append(one.name) or check(one, **how))
    assert market.submit_many(paths[:3], n_jobs=n_jobs, progress=False) == first
    assert (opened, checked) == ([], [])
    again = market.submit_many([paths[3], str(paths[0])], progress=False)
    assert (opened, checked) == ([paths[3]], ["Number 2"])
    assert again[1] == first[0]
    assert len(market) == 4


def test_a_file_that_is_not_there_is_named(market: LocalMarket, tmp_path: Path) -> None:
    with pytest.raises(UnreachableFile, match="absent"):
        market.submit_many([make_learnware(), tmp_path / "absent.zip"], progress=False)


def test_an_import_that_was_broken_off_goes_on(market: LocalMarket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 3)
    drawn = synthetic_market(10, random_state=0)
    real, calls = DirectoryStore.add_many, []

    def failing(store: DirectoryStore, items: object, ids: object = None) -> list[str]:
        calls.append(len(items))
        if len(calls) == 3:
            raise MarketError("The power went.")
        return real(store, items, ids)

    with monkeypatch.context() as patch:
        patch.setattr(DirectoryStore, "add_many", failing)
        with pytest.raises(MarketError, match="power") as caught:
            market.submit_many(drawn.bundles(), check=False, progress=False)
    assert len(caught.value.accepted) == len(market) == 6
    ids = market.submit_many(drawn.bundles(), check=False, progress=False)
    assert tuple(ids[:6]) == caught.value.accepted
    assert len(market) == 10
    assert list(market) == ids


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_what_is_refused_stops_it_and_what_came_before_is_stored(
    market: LocalMarket, tmp_path: Path, n_jobs: int | None
) -> None:
    good = learnwares(3)
    with pytest.raises(RejectedLearnware, match="long") as caught:
        market.submit_many([good[0], make_learnware("long " * 40), good[1]], n_jobs=n_jobs, progress=False)
    assert list(market) == list(caught.value.accepted)
    assert [market.describe(i).semantic.name for i in market] == ["Number 0"]
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"no zip")
    with pytest.raises(BundleError) as error:
        market.submit_many([good[1], broken], n_jobs=n_jobs, progress=False)
    assert [market.describe(i).semantic.name for i in market] == ["Number 0", "Number 1"]
    assert list(error.value.accepted) == list(market)[1:]


def test_without_checks_they_are_believed(market: LocalMarket) -> None:
    assert len(market.submit_many([make_learnware("long " * 40)], check=False, progress=False)) == 1


@pytest.mark.parametrize("wrong", [3, (b"bytes", None), ("text", Specification()), None])
def test_other_things_are_refused(market: LocalMarket, wrong: object) -> None:
    with pytest.raises(InvalidParameter):
        market.submit_many([wrong], progress=False)
    assert len(market) == 0


def test_batches_end_where_enough_bytes_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BYTES_AT_ONCE", 100)
    pairs = [(bytes(60), Specification())] * 5
    assert [len(batch) for batch in bulk._parts(pairs)] == [2, 2, 1]


def test_the_index_grows_along(market: LocalMarket) -> None:
    drawn = synthetic_market(20, random_state=0)
    market.submit_many(drawn.bundles(), check=False, progress=False)
    assert market._index.behind() == 0
