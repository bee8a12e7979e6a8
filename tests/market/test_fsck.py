"""A check of a market folder finds what is wrong, mends what it can, and leaves a healthy one alone."""

from __future__ import annotations

import gc
import json
import os
import shutil
import sqlite3
import weakref
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from learnware.bundle import Learnware
from learnware.errors import ChecksumMismatch, MarketError, NewerFormat
from learnware.market import FsckReport, Market, fsck
from learnware.market.store import DirectoryStore, check_folder
from learnware.specification import Specification
from learnware.testing import make_learnware


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a market of three learnwares, one of them with two revisions, and of one that was removed."""
    with Market.open(tmp_path / "market") as market:
        ids = market.submit([make_learnware(f"number {i}", float(i)) for i in range(4)], progress=False)
        market.update(ids[0], make_learnware("number 0 again", 0.5))
        market.remove(ids[3])
    return tmp_path / "market"


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def blob(folder: Path, digest: str) -> Path:
    return folder / "blobs" / digest[:2] / digest


def digests(folder: Path) -> dict[str, list[str]]:
    with closing(DirectoryStore(folder)) as store:
        return {i: [revision.digest for revision in store.revisions(i)] for i in store}


def codes(report: FsckReport) -> list[str]:
    return [finding.code for finding in report.findings]


def run(folder: Path, statement: str, *arguments: object) -> None:
    with closing(sqlite3.connect(folder / "market.sqlite", isolation_level=None)) as connection:
        connection.execute(statement, arguments)


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)


@pytest.mark.parametrize("repair", [True, False])
def test_a_healthy_market_is_not_changed(folder: Path, repair: bool) -> None:
    before = content_of(folder)
    report = fsck(folder, repair=repair)
    assert report == FsckReport(folder, 3, 4)
    assert report.ok
    assert "in order; 3 learnwares, 4 bundles" in str(report)
    assert content_of(folder) == before


def test_a_corrupt_bundle_is_moved_aside_and_heals_when_it_is_submitted_again(folder: Path) -> None:
    (first, (old, _)), *_ = digests(folder).items()
    spoil(blob(folder, old))
    looked = fsck(folder, repair=False)
    assert (codes(looked), looked.ok) == (["corrupt-bundle"], False)
    assert blob(folder, old).exists()
    report = fsck(folder)
    (finding,) = report.findings
    assert (finding.code, finding.mended, finding.learnware_id, finding.digest) == ("corrupt-bundle", False, first, old)
    assert first in str(report)
    assert "NOT in order" in str(report)
    assert not blob(folder, old).exists()
    assert (folder / "damaged" / old).exists()
    assert codes(fsck(folder)) == ["missing-bundle"]
    with Market.open(folder) as market:
        assert market.fetch(first) == make_learnware("number 0 again", 0.5)
        with pytest.raises(MarketError, match="missing"):
            market.fetch(f"{first}@{old}")
        market.submit(make_learnware("number 0", 0.0))
        assert market.fetch(f"{first}@{old}") == make_learnware("number 0", 0.0)
    assert fsck(folder).ok


def test_damaged_bundles_do_not_replace_each_other(folder: Path) -> None:
    (_, (digest, _)), *_ = digests(folder).items()
    for _ in range(2):
        with Market.open(folder) as market:
            market.submit(make_learnware("number 0", 0.0))
        spoil(blob(folder, digest))
        assert codes(fsck(folder)) == ["corrupt-bundle"]
    assert len(list((folder / "damaged").iterdir())) == 2


def test_a_specification_that_differs_is_written_again_and_searches_notice(folder: Path) -> None:
    with Market.open(folder) as market:
        chosen = list(market)[1]
        query = make_learnware("number 1", 1.0).specification
        market.search(query)
        run(folder, "UPDATE specifications SET semantic = replace(semantic, 'number 1', 'number 7')")
        with pytest.raises(MarketError, match="fsck"):
            market.describe(chosen)
        looked = fsck(folder, repair=False)
        assert (codes(looked), looked.ok) == (["specification"], False)
        report = fsck(folder)
        assert (codes(report), report.ok) == (["specification"], True)
        assert market.describe(chosen) == make_learnware("number 1", 1.0).specification
        assert {hit.name for hit in market.search(query).hits} == {"number 0 again", "number 1", "number 2"}
    assert fsck(folder).findings == ()


def test_a_specification_that_is_gone_is_written_again(folder: Path) -> None:
    run(folder, "DELETE FROM specifications")
    report = fsck(folder)
    assert (codes(report), report.ok) == (["specification"] * 4, True)
    assert fsck(folder).findings == ()


def test_a_bundle_of_several_is_compared_with_each(folder: Path) -> None:
    with Market.open(folder) as market:
        ids = [*market, market.submit(make_learnware("number 1", 1.0))]
        run(folder, "UPDATE specifications SET semantic = replace(semantic, 'number 1', 'number 7')")
        report = fsck(folder)
        assert (codes(report), report.ok) == (["specification"] * 2, True)
        assert {finding.learnware_id for finding in report.findings} == {ids[1], ids[3]}
        assert [market.describe(i).semantic.name for i in ids[1::2]] == ["number 1"] * 2
    assert fsck(folder).findings == ()


def test_a_check_keeps_no_specification_in_memory(folder: Path) -> None:
    made: list[weakref.ref[Specification]] = []

    def read(bundle: bytes) -> Specification:
        gc.collect()
        assert not [ref for ref in made if ref() is not None]
        learnware = Learnware.from_bytes(bundle)
        specification = replace(learnware.specification, level=str(learnware.level))
        made.append(weakref.ref(specification))
        return specification

    assert check_folder(folder, specification_of=read).findings == ()
    assert len(made) == 4


def test_a_broken_index_is_made_again(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "market.sqlite", isolation_level=None)) as connection:
        (statement,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'revisions_digest'").fetchone()
        connection.execute("DROP INDEX revisions_digest")
        connection.execute(f"{statement} WHERE number > 2")
        # The file now says that the index is of all rows, and keeps it of some.
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'revisions_digest'", (statement,))
    looked = fsck(folder, repair=False)
    assert (codes(looked), looked.ok) == (["database"], False)
    report = fsck(folder)
    assert (codes(report), report.ok) == (["database-index"], True)
    assert fsck(folder).findings == ()


def test_rows_that_were_changed_are_reported(folder: Path) -> None:
    (first, _), (second, (digest,)), *_ = digests(folder).items()
    run(folder, "UPDATE revisions SET digest = ? WHERE id = ?", digest, first)
    run(folder, "UPDATE learnwares SET removed = 1.0 WHERE id = ?", second)
    report = fsck(folder)
    assert {(f.code, f.learnware_id) for f in report.findings if not f.mended} == {("row", first), ("row", second)}
    with Market.open(folder) as market:
        for learnware_id in (first, second):
            with pytest.raises(MarketError, match="has changed since it was written"):
                market.fetch(learnware_id)


def test_a_wrong_tally_is_counted_anew(folder: Path) -> None:
    for change in ("UPDATE tally SET n_there = 7", "DELETE FROM tally"):
        run(folder, change)
        looked = fsck(folder, repair=False)
        assert (codes(looked), looked.ok, looked.n_learnwares) == (["tally"], False, 3)
        assert (codes(fsck(folder)), fsck(folder).findings) == (["tally"], ())
        with Market.open(folder) as market:
            assert len(market) == 3


def test_a_space_that_changed_is_written_again(folder: Path) -> None:
    run(folder, "UPDATE spaces SET content = replace(content, 'float', 'int')")
    with Market.open(folder) as market, pytest.raises(MarketError, match="fsck"):
        market.describe(next(iter(market)))
    report = fsck(folder)
    assert (set(codes(report)), report.ok) == ({"specification"}, True)
    assert fsck(folder).findings == ()
    with Market.open(folder) as market:
        assert market.describe(list(market)[1]) == make_learnware("number 1", 1.0).specification


def test_bundles_that_many_are_waiting_for_are_no_orphans(folder: Path) -> None:
    with closing(DirectoryStore(folder)) as store:
        live = store._blobs.claim("c" * 64, "d" * 64)
        live.write(b"on", b"the way")
        live.publish()
        dead = store._blobs.claim("e" * 64, "f" * 64)
        dead.write(b"never", b"finished")
        dead.release()
        assert codes(fsck(folder, repair=False)) == ["leftover"]
        assert codes(fsck(folder)) == ["leftover"]
        assert fsck(folder).findings == ()
        assert blob(folder, "d" * 64).exists()
        assert len(list((folder / "pending").iterdir())) == 1
        live.clear()
        assert codes(fsck(folder)) == ["orphan"] * 2


def test_what_dead_processes_left_goes(folder: Path) -> None:
    with closing(DirectoryStore(folder)) as store:
        dead = store._blobs.claim("b" * 64)
        dead.write(b"never finished")
        dead.release()
        live = store._blobs.claim("c" * 64)
        live.write(b"on the way")
        (folder / "market.json.0123").write_text("{")
        (folder / "pending" / f"{'d' * 64}.0123.part").write_text("of nobody")
        looked = fsck(folder, repair=False)
        assert codes(looked) == ["leftover"] * 3
        report = fsck(folder)
        assert (codes(report), report.ok) == (["leftover"] * 3, True)
        assert {path.name.partition(".")[0] for path in (folder / "pending").iterdir()} == {"c" * 64}
        assert fsck(folder).findings == ()
        live.clear()


def test_a_bundle_that_nobody_has_is_moved_aside(folder: Path) -> None:
    orphan = blob(folder, "e" * 64)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"whose is it?")
    assert (codes(fsck(folder, repair=False)), orphan.exists()) == (["orphan"], True)
    report = fsck(folder)
    assert (codes(report), report.ok) == (["orphan"], True)
    assert (folder / "damaged" / ("e" * 64)).read_bytes() == b"whose is it?"
    assert fsck(folder).findings == ()


def test_a_lost_database_is_reported_and_bundles_stay(folder: Path) -> None:
    before = {name: content for name, content in content_of(folder).items() if name.startswith("blobs")}
    (folder / "market.sqlite").unlink()
    report = fsck(folder)
    assert (codes(report), report.ok, report.n_bundles) == (["lost-database"], False, 5)
    assert not (folder / "market.sqlite").exists()
    assert {name: content for name, content in content_of(folder).items() if name.startswith("blobs")} == before


def test_a_database_beyond_repair_is_reported_and_bundles_stay(folder: Path) -> None:
    (folder / "market.sqlite").write_bytes(b"no database" * 1000)
    before = content_of(folder)
    report = fsck(folder)
    assert (codes(report), report.ok, report.n_bundles) == (["database"], False, 5)
    assert content_of(folder) == before


def test_a_lost_marker_is_written_again(folder: Path) -> None:
    (folder / "market.json").unlink()
    assert codes(fsck(folder, repair=False)) == ["marker"]
    report = fsck(folder)
    assert (codes(report), report.ok) == (["marker"], True)
    assert fsck(folder).findings == ()


def test_a_bundle_that_is_no_learnware_is_reported(tmp_path: Path) -> None:
    with closing(DirectoryStore(tmp_path / "market")) as store:
        store.add(b"no zip", make_learnware().specification)
    assert codes(fsck(tmp_path / "market")) == ["strange-bundle"]
    assert check_folder(tmp_path / "market").ok


def test_folders_of_something_else_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for other in (tmp_path / "empty", tmp_path / "absent"):
        with pytest.raises(MarketError, match="no market"):
            fsck(other)
    (folder / "market.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(NewerFormat):
        fsck(folder)


def test_a_report_is_plain_values_too(folder: Path) -> None:
    shutil.rmtree(folder / "blobs")
    report = fsck(folder)
    content = json.loads(json.dumps(report.to_dict()))
    assert (content["ok"], content["n_learnwares"], len(content["findings"])) == (False, 3, 4)
    assert os.fspath(folder) == content["folder"]
    with Market.open(folder) as market, pytest.raises((MarketError, ChecksumMismatch)):
        market.fetch(next(iter(market)))
