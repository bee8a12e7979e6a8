"""The words of learnwares, ranked by how much of a question they answer."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.market.organizer import text_tables
from learnware.market.organizer.likeness import (
    LEAST_PREFIX,
    LEAST_PREFIX_SHARE,
    allowed_edits,
    edits,
    likeness_of_continuations,
)
from learnware.market.organizer.postings import (
    IN_DESCRIPTION,
    IN_NAME,
    PLACES,
    Ints,
    Postings,
    Totals,
    distinct,
    unpack,
)
from learnware.market.organizer.ranking import Ranking
from learnware.market.organizer.shelf import as_written
from learnware.market.organizer.spellings import may_be
from learnware.market.organizer.words import fold, is_unspaced, telling_words, words_of
from learnware.specification import SemanticSpecification

#: What the whole question is worth when it stands there word by word.
PHRASE_IN_NAME, PHRASE_IN_DESCRIPTION = 0.95, 0.9
#: Answers whose words earn less than this share of the best ones', or of the question's, are left out.
LEAST_SHARE_OF_BEST, LEAST_RELEVANCE = 0.35, 0.1
#: In so many names, and so many descriptions, that hold all words of a question their order is looked at.
MOST_READ = 1000
#: Of a longer question the first words count, so that its work and memory have a bound.
MOST_WORDS = 32
#: So many learnwares are entered at once.
ENTERED_AT_ONCE = 1000

Rows = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]

# No letter of a word comes before the one or after the other.
_FIRST_LETTER, _LAST_LETTER = "0", "\U0010ffff"
_CASES = " ".join(f"WHEN '{column}' THEN {place}" for place, column in enumerate(text_tables.COLUMNS))
_PLACE = f"doc * {PLACES} + CASE col {_CASES} END"
# Numbers come as one text, since a row of its own for each costs ten times as much.
_STANDING = "SELECT " + ", ".join(
    f"(SELECT group_concat(rowid) FROM text_index WHERE text_index MATCH '{column}:' || ?1)"
    for column in text_tables.COLUMNS
)
_CONTINUING = (
    f"SELECT group_concat({_PLACE}), group_concat(length(term)) FROM text_places WHERE term >= ? AND term <= ? "
    f"AND ? >= {LEAST_PREFIX_SHARE} * length(term)"
)
_BY_NAME = "SELECT group_concat(number) FROM (SELECT number FROM text_entries ORDER BY name, number)"
_SIGNATURES = "SELECT signatures FROM text_spellings ORDER BY block"
_WORDS = "SELECT word FROM text_words WHERE number IN (SELECT value FROM json_each(?))"
_LENGTHS = "SELECT block, lengths FROM text_lengths WHERE block IN (SELECT value FROM json_each(?)) ORDER BY block"
_IN_NAMES, _IN_DESCRIPTIONS = (
    f"SELECT number FROM text_entries WHERE number IN (SELECT value FROM json_each(?)) "
    f"AND instr(' ' || {column} || ' ', ?) > 0"
    for column in ("name", "description")
)


class TextIndex:
    r"""Ranks learnwares by their words: name, then tags, then description.

    Every word w of a question q weighs its rarity :math:`\mathrm{idf}(w) = \ln(1 + (N - n_w + 0.5) / (n_w + 0.5))`,
    and a learnware d earns

    .. math:: \mathrm{relevance}(q, d) = \frac{\sum_{w \in q} \mathrm{idf}(w) \max_v s(w, v)\, \mathrm{worth}(v, d)}
              {\sum_{w \in q} \mathrm{idf}(w)}

    where v runs over the words of d that equal w or continue it, or else differ from it by a typing error, s
    is the likeness of the two, and the worth of v is BM25's saturating count in a description (3 stands for more)
    and a constant in a name or a tag. So 1 would be a learnware that says all of it in the best place, whatever else
    the market holds. A learnware that contains the question word by word goes before all others.

    Case and accents do not matter. Text of scripts without spaces is compared by pairs of characters.

    The words are kept in SQLite: FTS5 holds which word stands in which column of which learnware, and nothing is
    kept in memory between two questions.

    Parameters
    ----------
    rows : callable
        Runs one query with its values and returns all rows.
    reading : callable, optional
        Gives a context in which all queries see one state of the tables, for one question; by default they do anyway.

    References
    ----------
    S. Robertson, H. Zaragoza. "The Probabilistic Relevance Framework: BM25 and Beyond". Foundations and Trends in
    Information Retrieval, 2009.

    Notes
    -----
    Of FTS5 only the inverted index is used, fed with words that are split and folded here. Its own tokenizers keep
    Chinese and Japanese sentences in one piece, it knows no typing errors, and its ranking compares no two places.

    Examples
    --------
    >>> import sqlite3
    >>> from learnware.specification import SemanticSpecification
    >>> connection = sqlite3.connect(":memory:")
    >>> TextIndex.create_tables(connection)
    >>> shop = SemanticSpecification(name="Sales of a shop")
    >>> clinic = SemanticSpecification(name="Heart disease", description="From a clinic, not a shop.")
    >>> TextIndex.enter(connection, [(1, shop), (2, clinic)])
    >>> index = TextIndex(lambda query, values: connection.execute(query, values).fetchall())
    >>> index.rank("shop").best_first().tolist()
    [1, 2]
    >>> index.rank("haert desease").best_first().tolist()
    [2]
    """

    def __init__(self, rows: Rows, reading: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._rows = rows
        self._reading = reading

    @staticmethod
    def create_tables(connection: sqlite3.Connection) -> None:
        """Make the tables where they are not there yet; `MissingDependency` where SQLite lacks FTS5."""
        text_tables.create_tables(connection)

    @staticmethod
    def enter(connection: sqlite3.Connection, learnwares: Iterable[tuple[int, SemanticSpecification]]) -> None:
        """Take in the words of learnwares, in the caller's transaction.

        Parameters
        ----------
        connection : sqlite3.Connection
            Where the tables are.
        learnwares : iterable of (int, SemanticSpecification)
            By number. Numbers should ascend; one that is there already is a `sqlite3.IntegrityError`.
        """
        entries = (text_tables.TextEntry.of(int(number), semantic) for number, semantic in learnwares)
        while batch := list(islice(entries, ENTERED_AT_ONCE)):
            text_tables.enter(connection, batch)

    @staticmethod
    def forget(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
        """Forget the words of learnwares, in the caller's transaction; a number that is not known is no error."""
        text_tables.forget(connection, map(int, numbers))

    def rank(self, text: str) -> Ranking:
        """Return the learnwares that clearly answer `text`, with their relevance.

        Parameters
        ----------
        text : str
            Words in any language, of which the first `MOST_WORDS` different ones count that say something; quotation
            marks and operators mean nothing.

        Returns
        -------
        Ranking
            Learnwares without a clear relation are absent, so that it may be empty.
        """
        with self._reading():
            return self._ranked(fold(text))

    def _ranked(self, question: str) -> Ranking:
        found = {word: self._postings(word) for word in telling_words(words_of(question))[:MOST_WORDS]}
        numbers = distinct(Postings.join(list(found.values())).numbers)
        if not len(numbers):
            return Ranking.empty()
        totals, lengths = self._totals(), self._lengths(numbers)
        rarity = {word: totals.rarity(postings.n_holders()) for word, postings in found.items()}
        described = totals.relative(lengths["description"])
        scores = sum((rarity[word] * found[word].worth(numbers, described) for word in found), np.zeros(len(numbers)))
        total = sum(rarity.values())
        clear = scores >= max(LEAST_RELEVANCE * total, LEAST_SHARE_OF_BEST * float(scores.max()))
        ranking = Ranking(numbers[clear], scores[clear] / total)
        return self._with_phrases(ranking, question, found, lengths["name"][clear])

    def by_name(self, numbers: Ints) -> Ints:
        """Return numbers in the order of their names, those of equal names by themselves."""
        ((joined,),) = self._rows(_BY_NAME, ())
        named = unpack(joined)
        return named[np.isin(named, numbers)]

    def _totals(self) -> Totals:
        with as_written("how many words there are"):
            ((learnwares, described, words),) = self._rows("SELECT learnwares, described, words FROM text_totals", ())
            return Totals(int(learnwares), int(described), int(words))

    def _lengths(self, numbers: Ints) -> npt.NDArray[np.void]:
        """Return letters of the names and words of the descriptions, as a structured array."""
        block = numbers // text_tables.BLOCK
        blocks = distinct(block)
        written = self._rows(_LENGTHS, (json.dumps(blocks.tolist()),))
        with as_written("how long the texts are"):
            lengths = np.frombuffer(b"".join(blob for _, blob in written), text_tables.LENGTHS)
            by_block = lengths.reshape(len(blocks), text_tables.BLOCK)
        return by_block[np.searchsorted(blocks, block), numbers % text_tables.BLOCK]

    def _postings(self, word: str) -> Postings:
        """Return where the words stand that equal or continue `word`, or else the words it may be misspelt for."""
        meant = Postings.join([self._standing(word, 1.0), self._continuing(word)])
        if len(meant):
            return meant
        return Postings.join([self._standing(other, likeness) for other, likeness in self._spelled_alike(word)])

    def _standing(self, word: str, likeness: float) -> Postings:
        (columns,) = self._rows(_STANDING, (f'"{word}"',))
        return Postings.join([Postings.at(place, unpack(text), likeness) for place, text in enumerate(columns)])

    def _continuing(self, word: str) -> Postings:
        if len(word) < LEAST_PREFIX:
            return Postings.join([])
        ((joined, lengths),) = self._rows(_CONTINUING, (word + _FIRST_LETTER, word + _LAST_LETTER, len(word)))
        numbers, places = np.divmod(unpack(joined), PLACES)
        return Postings(numbers, places.astype(np.int8), likeness_of_continuations(word, unpack(lengths)))

    def _spelled_alike(self, word: str) -> list[tuple[str, float]]:
        """Return the words of the market that typing errors lead to, with their likeness."""
        allowed = allowed_edits(word)
        if not allowed:
            return []
        with as_written("the signatures of words"):
            signatures = np.frombuffer(b"".join(row[0] for row in self._rows(_SIGNATURES, ())), np.uint64)
        numbers = may_be(word, signatures, allowed)
        candidates = [row[0] for row in self._rows(_WORDS, (json.dumps(numbers.tolist()),))]
        counts = edits(word, candidates)
        near = np.flatnonzero(counts <= allowed).tolist()
        return [(candidates[i], 1.0 - int(counts[i]) / len(word)) for i in near]

    def _with_phrases(self, ranking: Ranking, question: str, found: dict[str, Postings], name_lengths: Ints) -> Ranking:
        """Raise those that contain the question word by word."""
        numbers, relevance = ranking.numbers, ranking.relevance.copy()
        # A run without spaces is looked for within others, so the words beside it may be parts of words.
        needed = [word for word in found if is_unspaced(word)] or list(found)
        named = np.flatnonzero(_hold_all(numbers, [found[word].holders(IN_NAME, IN_NAME) for word in needed]))
        if [question] != needed:
            shortest_first = named[np.argsort(name_lengths[named], kind="stable")]
            named = self._containing(_IN_NAMES, question, numbers, shortest_first)
        share = len(question) / name_lengths[named]
        relevance[named] = PHRASE_IN_NAME + (1.0 - PHRASE_IN_NAME) * share
        if " " in question:
            held = [found[word].holders(IN_DESCRIPTION, PLACES - 1) for word in needed]
            told = np.setdiff1d(np.flatnonzero(_hold_all(numbers, held)), named)
            best_first = told[np.argsort(-relevance[told], kind="stable")]
            told = self._containing(_IN_DESCRIPTIONS, question, numbers, best_first)
            relevance[told] = PHRASE_IN_DESCRIPTION + (PHRASE_IN_NAME - PHRASE_IN_DESCRIPTION) * relevance[told]
        return Ranking(numbers, relevance)

    def _containing(self, query: str, question: str, numbers: Ints, positions: Ints) -> Ints:
        """Return which of the first positions belong to texts that contain the question."""
        read = json.dumps(numbers[positions[:MOST_READ]].tolist())
        phrase = question if any(map(is_unspaced, question)) else f" {question} "
        found: Ints = np.array([row[0] for row in self._rows(query, (read, phrase))], np.int64)
        return np.searchsorted(numbers, found)


def _hold_all(numbers: Ints, holders: list[Ints]) -> npt.NDArray[np.bool_]:
    """Return for each number whether it is among all the holders."""
    counts = np.zeros(len(numbers), np.int64)
    for held in holders:
        counts += np.isin(numbers, held, assume_unique=True)
    all_hold: npt.NDArray[np.bool_] = counts == len(holders)
    return all_hold
