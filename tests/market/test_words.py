"""Words of texts in every script, and that SQLite keeps them as they are."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware.market.organizer.text_tables import TextEntry, create_tables, enter
from learnware.market.organizer.words import LONGEST_WORD, fold, telling_words, words_of


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  Sales, of-shops_12!", "sales of shops 12"),
        ("Qualité du VIN", "qualite du vin"),
        ("Qualite\u0301", "qualite"),
        ("STRASSE Straße", "strasse strasse"),
        ("ｗｉｄｅ ﬁne ℝ", "wide fine r"),
        ("Продажи МАГАЗИНА", "продажи магазина"),
        ("糖尿病 predict预测2024", "糖尿病 predict 预测 2024"),
        ("手書き数字の分類", "手書き数字の分類"),
        ('" OR name: * NEAR(', "or name near"),
        ("\ud800 \x00 \u200b", ""),
    ],
)
def test_case_accents_and_marks_go(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("folded", "words"),
    [
        ("", []),
        ("sales of sales", ["sales", "of", "sales"]),
        ("糖 数字 12", ["糖", "数", "字", "数字", "12"]),
        ("가격 예측치", ["가", "격", "가격", "예", "측", "치", "예측", "측치"]),
        ("a" * (LONGEST_WORD + 1), ["a" * LONGEST_WORD]),
    ],
)
def test_runs_without_spaces_are_characters_and_pairs(folded: str, words: list[str]) -> None:
    assert words_of(folded) == words


@pytest.mark.parametrize(
    ("words", "telling"),
    [
        (["a", "model", "of", "sales", "sales"], ["sales"]),
        (["what", "is", "it"], ["what", "is", "it"]),
        (["糖", "尿", "糖尿", "x"], ["糖尿", "x"]),
        (["糖", "x"], ["糖", "x"]),
        ([], []),
    ],
)
def test_fillers_say_little(words: list[str], telling: list[str]) -> None:
    assert telling_words(words) == telling


def kept(*folded: str) -> set[str]:
    """Return the words that SQLite finds in descriptions."""
    with closing(sqlite3.connect(":memory:")) as connection:
        create_tables(connection)
        enter(connection, [TextEntry(number, "", "", text) for number, text in enumerate(folded)])
        return {word for (word,) in connection.execute("SELECT DISTINCT term FROM text_places")}


@given(st.text())
def test_sqlite_keeps_words_as_they_are(text: str) -> None:
    folded = fold(text)
    assert kept(folded) == set(words_of(folded))


def test_sqlite_keeps_every_character_that_words_may_hold() -> None:
    letters = [chr(point) for point in range(sys.maxunicode + 1)]
    texts = [fold(" ".join(letters[start : start + 10_000])) for start in range(0, len(letters), 10_000)]
    expected = {word for text in texts for word in words_of(text)}
    assert len(expected) > 100_000
    assert kept(*texts) == expected
