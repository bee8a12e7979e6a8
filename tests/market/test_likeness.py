"""Typing errors: how many there are between two words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware.market.organizer.likeness import allowed_edits, edits, likeness_of_continuations
from tests.market.relevance_by_hand import edits_by_hand

LETTERS = st.text("abcé糖\U00020000", min_size=1, max_size=9)


@given(word=LETTERS, others=st.lists(LETTERS, max_size=8))
def test_edits_are_those_of_the_recursion(word: str, others: list[str]) -> None:
    assert edits(word, others).tolist() == [min(3, edits_by_hand(word, other)) for other in others]


@pytest.mark.parametrize(
    ("word", "other", "count"),
    [
        ("heart", "heart", 0),
        ("heart", "haert", 1),
        ("heart", "hearts", 1),
        ("heart", "hert", 1),
        ("heart", "heard", 1),
        ("diabetes", "idabeets", 2),
        ("ca", "abc", 3),
        ("sales", "weather", 3),
        ("a", "diabetes", 3),
    ],
)
def test_edits_of_known_words(word: str, other: str, count: int) -> None:
    assert edits(word, [other]).tolist() == [count] == edits(other, [word]).tolist()


def test_long_words_are_compared_near_the_diagonal_only() -> None:
    word = "ab" * 2000
    assert edits(word, [word, "b" + word, word[:-2], word[::-1]]).tolist() == [0, 1, 2, 2]


@pytest.mark.parametrize(
    ("word", "allowed"), [("cat", 0), ("cats", 1), ("weather", 1), ("diabetes", 2), ("2024", 0), ("covid19", 0)]
)
def test_short_words_and_numbers_may_hold_no_typing_errors(word: str, allowed: int) -> None:
    assert allowed_edits(word) == allowed


def test_a_word_is_less_like_one_that_goes_on_for_longer() -> None:
    likeness = likeness_of_continuations("shop", np.array([5, 16]))
    assert likeness.tolist() == pytest.approx([0.85 * (4 / 5) ** 0.5, 0.425])
