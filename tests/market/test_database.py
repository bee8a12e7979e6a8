"""The rows of a folder: queries that see one moment together."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from learnware.errors import MarketError
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
