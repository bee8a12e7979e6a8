"""The rows of a folder: queries that see one moment together."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from learnware.errors import MarketError
from learnware.market.organizer.tables import TablesOnDisk
from learnware.market.store import database as module
from learnware.market.store.database import Database

COUNT = "SELECT COUNT(*) FROM changes"


@pytest.mark.parametrize("writable", [True, False])
def test_queries_may_see_one_moment(tmp_path: Path, writable: bool) -> None:
    path = tmp_path / "market.sqlite"
    with closing(Database(path, writable=True)) as other, closing(Database(path, writable=writable)) as database:
        with database.reading():
            assert database.rows(COUNT) == [(0,)]
            with other.writing() as connection:
                connection.execute("INSERT INTO changes (id) VALUES ('a')")
            assert database.rows(COUNT) == [(0,)]
        assert database.rows(COUNT) == [(1,)]


def test_an_error_ends_the_moment(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "market.sqlite", writable=True)) as database:
        with pytest.raises(MarketError, match="no such table"), database.reading():
            database.rows("SELECT * FROM absent")
        with pytest.raises(ZeroDivisionError), database.reading():
            1 // 0  # noqa: B018
        with database.writing() as connection:
            connection.execute("INSERT INTO changes (id) VALUES ('a')")
        assert database.rows(COUNT) == [(1,)]


@pytest.mark.parametrize("store_first", [True, False])
def test_before_a_fork_the_lock_of_a_store_is_taken_last(tmp_path: Path, store_first: bool) -> None:
    # Whoever writes to an index holds its lock and reads from the store meanwhile.
    locked: list[str] = []

    class Noted:
        def __init__(self, name: str) -> None:
            self.name = name

        def acquire(self) -> None:
            locked.append(self.name)

        def release(self) -> None:
            locked.remove(self.name)

    (tmp_path / "index").mkdir()
    made = {}
    for name in ("store", "index") if store_first else ("index", "store"):
        made[name] = (
            Database(tmp_path / "market.sqlite", writable=True)
            if name == "store"
            else TablesOnDisk(tmp_path / "index" / "index.sqlite", writable=True)
        )
    real = {name: one._lock for name, one in made.items()}
    try:
        for name, one in made.items():
            one._lock = Noted(name)  # type: ignore[assignment]
        module._let_go()
        assert locked == ["index", "store"]
        module._resume()
        assert not locked
    finally:
        for name, one in made.items():
            one._lock = real[name]
            one.close()
