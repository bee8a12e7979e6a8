"""The words of learnwares in SQLite: what is written down, and how it is taken out again."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from learnware.errors import MissingDependency
from learnware.market.organizer.spellings import signature
from learnware.market.organizer.words import fold, words_of
from learnware.specification import SemanticSpecification

#: Lengths of so many numbers stand in one row, and signatures of so many words.
BLOCK = 1024
#: Letters of the name and words of the description, for each number of a block.
LENGTHS = np.dtype([("name", "<u4"), ("description", "<u4")])

#: Where a word may stand: at last, how often it does in the description, three times or more being often.
COLUMNS = ("name", "tag", "once", "twice", "often")

TABLES: tuple[str, ...] = (
    # The tokenizer that only knows ASCII splits our words at spaces and leaves all other scripts alone.
    "CREATE VIRTUAL TABLE IF NOT EXISTS text_index USING fts5("
    f"{', '.join(COLUMNS)}, content='', columnsize=0, detail=column, tokenize='ascii')",
    "CREATE VIRTUAL TABLE IF NOT EXISTS text_places USING fts5vocab(text_index, instance)",
    "CREATE TABLE IF NOT EXISTS text_entries "
    "(number INTEGER PRIMARY KEY, name TEXT NOT NULL, tags TEXT NOT NULL, description TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS text_names ON text_entries (name)",
    # Numbered without gaps, in the order in which their signatures stand in the blocks.
    "CREATE TABLE IF NOT EXISTS text_words (number INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE)",
    "CREATE TABLE IF NOT EXISTS text_spellings (block INTEGER PRIMARY KEY, signatures BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS text_lengths (block INTEGER PRIMARY KEY, lengths BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS text_totals "
    "(one INTEGER PRIMARY KEY CHECK (one = 1), learnwares INTEGER, described INTEGER, words INTEGER)",
)

# Shorter words are compared with no others.
_LEAST_COMPARED = 3
_INTO_INDEX = f"INSERT INTO text_index (rowid, {', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?)"
# A table without content forgets a row when it is told every word of it again.
_OUT_OF_INDEX = f"INSERT INTO text_index (text_index, rowid, {', '.join(COLUMNS)}) VALUES ('delete', ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True)
class TextEntry:
    """The folded texts of a learnware.

    Attributes
    ----------
    number : int
        Number of the learnware's revision.
    name, tags, description : str
        Words with a space between them.
    """

    number: int
    name: str
    tags: str
    description: str

    @classmethod
    def of(cls, number: int, semantic: SemanticSpecification) -> TextEntry:
        """Read what a learnware says of itself."""
        tags = (semantic.data, semantic.task, semantic.library, semantic.license, *semantic.scenarios)
        return cls(number, fold(semantic.name), _folded_tags(tags), fold(semantic.description))

    def row(self) -> tuple[int, str, str, str]:
        """Return the row of `text_entries`."""
        return self.number, self.name, self.tags, self.description


@dataclass(frozen=True)
class Columns:
    """The words of a learnware by where they stand, each once in a column, and how long its description is."""

    name: frozenset[str]
    tag: frozenset[str]
    once: tuple[str, ...]
    twice: tuple[str, ...]
    often: tuple[str, ...]
    n_described: int

    @classmethod
    def of(cls, entry: TextEntry) -> Columns:
        """Split the texts of a learnware into words."""
        counts = Counter(words_of(entry.description))
        described: tuple[list[str], list[str], list[str]] = [], [], []
        for word, count in counts.items():
            described[min(count, 3) - 1].append(word)
        once, twice, often = map(tuple, described)
        names, tags = frozenset(words_of(entry.name)), frozenset(words_of(entry.tags))
        return cls(names, tags, once, twice, often, counts.total())

    def texts(self) -> tuple[str, ...]:
        """Return the columns as the index takes them."""
        return tuple(map(" ".join, self.parts()))

    def parts(self) -> tuple[Collection[str], ...]:
        """Return the words of each column."""
        return self.name, self.tag, self.once, self.twice, self.often


def create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables where they are not there yet; `MissingDependency` where SQLite lacks FTS5."""
    try:
        for statement in TABLES:
            connection.execute(statement)
    except sqlite3.OperationalError as error:
        if "no such module" not in str(error):
            raise
        raise MissingDependency(
            f"The index of words needs SQLite with its extension FTS5, which SQLite {sqlite3.sqlite_version} of this "
            "Python was built without. Use a Python whose SQLite has it: those of python.org, conda-forge, Debian, "
            "Homebrew and uv do."
        ) from error


def enter(connection: sqlite3.Connection, entries: Sequence[TextEntry]) -> None:
    """Write down the words of learnwares."""
    columns = [Columns.of(entry) for entry in entries]
    connection.executemany("INSERT INTO text_entries VALUES (?, ?, ?, ?)", [entry.row() for entry in entries])
    connection.executemany(
        _INTO_INDEX, [(entry.number, *words.texts()) for entry, words in zip(entries, columns, strict=True)]
    )
    _note_words(connection, set().union(*(part for words in columns for part in words.parts())))
    _note_lengths(connection, {e.number: (len(e.name), c.n_described) for e, c in zip(entries, columns, strict=True)})
    _count(connection, columns, 1)


def forget(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Take the words of learnwares out; a number that is not known is no error.

    What misspelt words may mean and lengths stay behind: nothing is found by them alone.
    """
    query = "SELECT number, name, tags, description FROM text_entries WHERE number = ?"
    entries = [TextEntry(*row) for number in dict.fromkeys(numbers) for row in connection.execute(query, (number,))]
    columns = [Columns.of(entry) for entry in entries]
    connection.executemany(
        _OUT_OF_INDEX, [(entry.number, *words.texts()) for entry, words in zip(entries, columns, strict=True)]
    )
    connection.executemany("DELETE FROM text_entries WHERE number = ?", [(entry.number,) for entry in entries])
    _count(connection, columns, -1)


def _note_words(connection: sqlite3.Connection, words: Iterable[str]) -> None:
    """Write down what misspelt words may mean."""
    compared = sorted(word for word in words if len(word) >= _LEAST_COMPARED)
    (last,) = connection.execute("SELECT COALESCE(MAX(number), 0) FROM text_words").fetchone()
    connection.executemany("INSERT OR IGNORE INTO text_words (word) VALUES (?)", [(word,) for word in compared])
    new = connection.execute("SELECT word FROM text_words WHERE number > ? ORDER BY number", (last,))
    signatures = np.array([signature(word) for (word,) in new], np.uint64).tobytes()
    block, n_before = divmod(last + 1, BLOCK)
    if n_before:
        written = connection.execute("SELECT signatures FROM text_spellings WHERE block = ?", (block,)).fetchone()
        # SQLite numbers from 1 on, so nothing stands in the place of 0.
        signatures = (written[0] if written else bytes(8)) + signatures
    for start in range(0, len(signatures), 8 * BLOCK):
        part = block + start // (8 * BLOCK), signatures[start : start + 8 * BLOCK]
        connection.execute("INSERT OR REPLACE INTO text_spellings VALUES (?, ?)", part)


def _count(connection: sqlite3.Connection, columns: Sequence[Columns], sign: int) -> None:
    described = sum(words.n_described > 0 for words in columns)
    n_words = sum(words.n_described for words in columns)
    connection.execute(
        "INSERT INTO text_totals VALUES (1, ?, ?, ?) ON CONFLICT (one) DO UPDATE SET learnwares = "
        "learnwares + excluded.learnwares, described = described + excluded.described, words = words + excluded.words",
        (sign * len(columns), sign * described, sign * n_words),
    )


def _note_lengths(connection: sqlite3.Connection, lengths: dict[int, tuple[int, int]]) -> None:
    by_block: dict[int, list[int]] = defaultdict(list)
    for number in lengths:
        by_block[number // BLOCK].append(number)
    for block, numbers in by_block.items():
        written = connection.execute("SELECT lengths FROM text_lengths WHERE block = ?", (block,)).fetchone()
        table = np.frombuffer(written[0], LENGTHS).copy() if written else np.zeros(BLOCK, LENGTHS)
        for number in numbers:
            table[number % BLOCK] = lengths[number]
        connection.execute("INSERT OR REPLACE INTO text_lengths VALUES (?, ?)", (block, table.tobytes()))


@lru_cache(maxsize=4096)
def _folded_tags(tags: tuple[str | None, ...]) -> str:
    return " ".join(fold(tag) for tag in tags if tag)
