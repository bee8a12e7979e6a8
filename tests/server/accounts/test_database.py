"""The file of a dock: only in a market, and for nobody else to read."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import pytest

from learnware import Market
from learnware.errors import MarketError, MarketNotWritable, NewerFormat
from learnware.market.store.folder import MARKER
from learnware.server.database import moment, open_database


def modes(folder: Path) -> dict[str, int]:
    """Return who may do what to each file of a dock."""
    paths = [folder / "dock", *(folder / "dock").iterdir()]
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths}


def test_nobody_else_reads_it(folder: Path) -> None:
    mask = os.umask(0)
    try:
        database = open_database(folder)
        with database.writing() as connection:
            connection.execute("INSERT INTO audit (time, action) VALUES (0, 'x')")
        found = modes(folder)
        database.close()
    finally:
        os.umask(mask)
    assert found["dock"] == 0o700
    assert {"dock.sqlite", "dock.sqlite-wal", "dock.sqlite-shm"} <= set(found)
    assert {mode for name, mode in found.items() if name.startswith("dock.sqlite")} == {0o600}


def test_what_a_copy_opened_to_others_is_closed_again(folder: Path) -> None:
    open_database(folder).close()
    (folder / "dock").chmod(0o755)
    (folder / "dock" / "dock.sqlite").chmod(0o644)
    open_database(folder).close()
    assert modes(folder)["dock"] == 0o700
    assert modes(folder)["dock.sqlite"] == 0o600


def test_it_keeps_what_it_holds(folder: Path) -> None:
    for i in range(3):
        database = open_database(folder)
        assert database.rows("SELECT count(*) FROM audit") == [(i,)]
        with database.writing() as connection:
            connection.execute("INSERT INTO audit (time, action) VALUES (0, 'x')")
        database.close()


def test_many_may_open_it_for_the_first_time(folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: open_database(folder), range(8)))
    for database in opened:
        assert database.rows("SELECT count(*) FROM users") == [(0,)]
        database.close()


def test_the_market_is_as_before(folder: Path) -> None:
    open_database(folder).close()
    with Market.open(folder) as market:
        assert len(market) == 0


def test_a_dock_needs_a_market(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for name in ("file", "folder", "absent"):
        with pytest.raises(MarketError, match="There is no market at .*learnware submit"):
            open_database(tmp_path / name)
    assert list((tmp_path / "folder").iterdir()) == []
    assert not (tmp_path / "absent").exists()


def test_a_market_of_a_newer_version_is_left_alone(folder: Path) -> None:
    (folder / MARKER).write_text('{"format": 99}')
    with pytest.raises(NewerFormat):
        open_database(folder)
    assert not (folder / "dock").exists()


def test_a_folder_that_cannot_be_written_is_a_market_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(MarketNotWritable):
        open_database(folder)


def test_moments_are_in_utc() -> None:
    assert moment(0.5) == datetime(1970, 1, 1, 0, 0, 0, 500_000, tzinfo=timezone.utc)
    assert moment(None) is None


def test_a_dock_that_has_lost_its_database_is_not_made_anew(folder: Path) -> None:
    open_database(folder).close()
    (folder / "dock" / "dock.sqlite").unlink()
    with pytest.raises(MarketError, match="private would be public"):
        open_database(folder)
    (folder / "market.dock").unlink()
    open_database(folder).close()


def test_a_dock_keeps_the_whole_market_to_itself(folder: Path) -> None:
    folder.chmod(0o755)
    open_database(folder).close()
    assert folder.stat().st_mode & 0o777 == 0o700
