"""The tables of words: entering, forgetting, and whose transaction it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware.errors import MissingDependency
from learnware.market.organizer import TextIndex, texts
from learnware.market.organizer.tables import INDEX_SCHEMA, TablesInMemory
from learnware.market.store.database import Database
from learnware.specification import SemanticSpecification
from tests.market.word_index import PHRASES, SEMANTICS, filled


@given(semantics=st.lists(SEMANTICS, min_size=1, max_size=7), data=st.data())
def test_forgotten_learnwares_leave_no_trace(semantics: list[SemanticSpecification], data: st.DataObject) -> None:
    learnwares = {str(position): semantic for position, semantic in enumerate(semantics)}
    gone = data.draw(st.sets(st.sampled_from(sorted(learnwares))))
    question = data.draw(PHRASES)
    with filled(learnwares) as index:
        index.forget(*gone)
        # Once is enough, and what was never there is no error.
        index.forget(*gone)
        TextIndex.forget(index.connection, [10**9])
        index.connection.execute("INSERT INTO text_index (text_index) VALUES ('integrity-check')")
        left = {name: semantic for name, semantic in learnwares.items() if name not in gone}
        with filled(left) as fresh:
            assert index.rank(question) == fresh.rank(question)
        index.forget(*left)
        assert index.connection.execute("SELECT count(*) FROM text_places").fetchone() == (0,)
        assert index.connection.execute("SELECT * FROM text_totals").fetchone() == (1, 0, 0, 0)


def test_what_comes_later_is_found_at_once() -> None:
    with filled({}) as index:
        assert index.rank("submarine") == {}
        index.enter({"boat": SemanticSpecification(name="Submarine")})
        assert list(index.rank("submarine")) == ["boat"]
        assert list(index.rank("submarnie")) == ["boat"]


def test_one_by_one_is_all_at_once() -> None:
    semantics = [SemanticSpecification(name="Shop " * n, description="sales " * n) for n in (1, 2, 3, 9)]
    learnwares = {f"{position}": semantic for position, semantic in enumerate(semantics)}
    with filled(learnwares) as at_once, filled({}) as one_by_one:
        for name, semantic in learnwares.items():
            one_by_one.enter({name: semantic})
        assert one_by_one.rank("shop sales") == at_once.rank("shop sales")
        assert one_by_one.connection.execute("SELECT count(*) FROM text_lengths").fetchone() == (1,)


def test_a_number_is_forgotten_once() -> None:
    with filled({"shop": SemanticSpecification(name="Shop", description="Sales")}) as index:
        TextIndex.forget(index.connection, [1, 1])
        assert index.connection.execute("SELECT * FROM text_totals").fetchone() == (1, 0, 0, 0)


def test_a_number_is_entered_once() -> None:
    shop = SemanticSpecification(name="Shop")
    with filled({"shop": shop}) as index, pytest.raises(sqlite3.IntegrityError):
        TextIndex.enter(index.connection, [(1, shop)])


def test_numbers_may_come_from_numpy_and_in_many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "ENTERED_AT_ONCE", 2)
    numbers = np.array([3, 1023, 1024, 1025, 5000])
    with filled({}) as index:
        shops = [SemanticSpecification(name="Shop", description="sales " * n) for n in range(1, 6)]
        TextIndex.enter(index.connection, zip(numbers, shops, strict=True))
        TextIndex.forget(index.connection, numbers[:1])
        assert index.index.rank("shop").numbers.tolist() == [1023, 1024, 1025, 5000]
        assert index.connection.execute("SELECT * FROM text_totals").fetchone() == (1, 4, 4, 2 + 3 + 4 + 5)


def test_the_transaction_is_the_callers_and_readers_need_not_write(tmp_path: Path) -> None:
    path = tmp_path / "words.sqlite"
    with closing(sqlite3.connect(path)) as writer, closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader:
        TextIndex.create_tables(writer)
        TextIndex.create_tables(writer)
        index = TextIndex(lambda query, values: reader.execute(query, values).fetchall())
        TextIndex.enter(writer, [(1, SemanticSpecification(name="Sales"))])
        writer.rollback()
        assert not index.rank("sales")
        TextIndex.enter(writer, [(2, SemanticSpecification(name="Sales of shops"))])
        writer.commit()
        assert index.rank("slaes").numbers.tolist() == [2]


@pytest.mark.parametrize("writable", [True, False])
def test_a_question_sees_one_moment(tmp_path: Path, writable: bool) -> None:
    path = tmp_path / "index.sqlite"
    shops = [(1, SemanticSpecification(name="Sales of shops")), (2, SemanticSpecification(name="Shops and sales"))]
    with closing(Database(path, writable=True, schema=INDEX_SCHEMA)) as other:
        with other.writing() as connection:
            TextIndex.enter(connection, shops)
        with closing(Database(path, writable=writable, schema=INDEX_SCHEMA)) as database:

            def rows(query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
                found = database.rows(query, values)
                with other.writing() as connection:
                    TextIndex.forget(connection, [1, 2])
                return found

            before = TextIndex(other.rows).rank("sales shops")
            asked = TextIndex(rows, database.reading).rank("sales shops")
            assert asked.numbers.tolist() == before.numbers.tolist() == [1, 2]
            assert asked.relevance.tolist() == before.relevance.tolist()
            assert not TextIndex(database.rows, database.reading).rank("sales shops")


def test_in_memory_a_question_keeps_others_from_writing() -> None:
    tables, entered = TablesInMemory(), Event()

    def enter() -> None:
        with tables.writing() as connection:
            TextIndex.enter(connection, [(1, SemanticSpecification(name="Shop"))])
        entered.set()

    with closing(tables):
        writer = Thread(target=enter)
        with tables.reading():
            writer.start()
            assert not entered.wait(0.1)
            assert not TextIndex(tables.rows, tables.reading).rank("shop")
        writer.join()
        assert TextIndex(tables.rows, tables.reading).rank("shop")


class _WithoutFTS5(sqlite3.Connection):
    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        return super().execute(statement.replace("fts5", "fts_that_is_absent"), *values)  # type: ignore[arg-type]


def test_a_python_without_fts5_is_told_what_to_do() -> None:
    without = closing(sqlite3.connect(":memory:", factory=_WithoutFTS5))
    with without as connection, pytest.raises(MissingDependency, match="FTS5.*Use a Python whose SQLite has it"):
        TextIndex.create_tables(connection)


def test_other_errors_of_sqlite_are_not_taken_for_missing_fts5(tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    read_only = closing(sqlite3.connect(f"file:{tmp_path / 'empty.sqlite'}?mode=ro", uri=True))
    with read_only as connection, pytest.raises(sqlite3.OperationalError, match="readonly"):
        TextIndex.create_tables(connection)
