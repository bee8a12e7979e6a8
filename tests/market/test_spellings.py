"""Words that may be misspelt for each other: none is missed, and few are taken that are not."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware.market.organizer.spellings import may_be, signature
from tests.market.relevance_by_hand import edits_by_hand

LETTERS = st.text("abab\x7eé糖\U00020000\U0010ffff09", min_size=1, max_size=7)


@given(word=LETTERS, others=st.lists(LETTERS, max_size=8), n_edits=st.sampled_from([1, 2]))
def test_no_word_within_reach_is_missed(word: str, others: list[str], n_edits: int) -> None:
    found = may_be(word, np.array([signature(other) for other in others], np.uint64), n_edits)
    assert {i for i, other in enumerate(others) if edits_by_hand(word, other) <= n_edits} <= set(found.tolist())
    assert found.tolist() == sorted(found.tolist())


@pytest.mark.parametrize("length", [3, 61, 62, 63, 64, 65, 500])
@pytest.mark.parametrize("n_edits", [1, 2])
def test_words_of_any_length_are_compared(length: int, n_edits: int) -> None:
    word = ("diabetes" * 63)[:length]
    others = [word, word + "xy"[:n_edits], word[n_edits:], word[:1] + "xy"[:n_edits] + word[1 + n_edits :]]
    signatures = np.array([signature(other) for other in others], np.uint64)
    assert may_be(word, signatures, n_edits).tolist() == [0, 1, 2, 3]


def test_most_other_words_are_left_out() -> None:
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(7, 11))) for _ in range(10_000)]
    signatures = np.array([signature(word) for word in words], np.uint64)
    assert max(len(may_be(word, signatures, 2)) for word in words[:50]) < 100


def test_the_place_before_the_first_word_is_nobodys() -> None:
    assert may_be("cats", np.zeros(1, np.uint64), 2).tolist() == []
