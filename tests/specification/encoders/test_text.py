"""Hashed text: the same numbers for everyone, near where texts are alike, and never out of bounds."""

from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learnware import RKME
from learnware.specification.encoders import text as module
from learnware.specification.encoders.text import HashedText
from learnware.testing import check_encoder

HASHED = HashedText()
EXPECTED = [-0.03203893691472, 0.03315601372215, -0.05742790034322, 0.0, -0.0972338875516, -0.0486169437758]


def near(one: str, other: str) -> float:
    first, second = HASHED.encode([one, other])
    return float(first @ second)


def test_keeps_the_contract() -> None:
    check_encoder(HASHED, tolerance=0.0)


def test_the_same_numbers_everywhere() -> None:
    # Other numbers would make every specification of texts out there wrong: a change needs another id.
    points = HASHED.encode(["The card was stolen in Paris, the card!"])
    assert HASHED.id == "text-hash-1"
    assert points.shape == (1, 384)
    np.testing.assert_allclose(points[0, :6], EXPECTED, atol=1e-12)


def test_texts_of_the_same_matter_lie_near() -> None:
    assert near("I lost my card", "my cards are lost") > 0.5
    assert near("I lost my card", "exchange rates of currencies") < 0.3
    assert near("transferring", "transfers") > near("transferring", "currency") + 0.2


def test_what_does_not_matter() -> None:
    assert near("My CARD, lost?!", "lost my card") == pytest.approx(1.0)
    assert near(unicodedata.normalize("NFD", "Café Größe"), "café größe") == pytest.approx(1.0)
    assert near("ｃａｒｄ", "card") == pytest.approx(1.0)
    assert near("the the the the card", "the card") > 0.9


def test_frequent_short_words_count_less() -> None:
    assert near("it is my card", "is it on my account") < near("the card account", "it is a card on my account")


def test_texts_without_words_are_the_zero_point() -> None:
    assert not HASHED.encode(["", "?!", "🙂 🙃", "\ud800"]).any()
    assert not HASHED.encode(["?"]).any()


def test_only_the_beginning_of_endless_texts_and_words_counts() -> None:
    beginning = "word " * 20_000
    assert near(beginning, beginning + "other " * 1000) == pytest.approx(1.0)
    assert near("a" * 64, "a" * 10**6) == pytest.approx(1.0)


def test_batches_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"text number {i} " * (i % 7) for i in range(50)]
    whole = HASHED.encode(texts)
    monkeypatch.setattr(module, "_CHARACTERS_AT_ONCE", 100)
    np.testing.assert_array_equal(HASHED.encode(texts), whole)
    monkeypatch.setattr(module, "_TEXTS_AT_ONCE", 3)
    np.testing.assert_array_equal(HASHED.encode(texts), whole)


@settings(max_examples=15)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_any_text_has_a_point_of_length_one_or_zero(texts: list[str]) -> None:
    lengths = np.linalg.norm(HASHED.encode(texts), axis=1)
    assert (np.isclose(lengths, 1.0) | (lengths == 0.0)).all()


def test_shows_progress_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    HASHED.encode(["a"] * 3)
    assert capsys.readouterr().err == ""
    HASHED.encode(["a"] * 3, progress=True)
    assert "encoding texts" in capsys.readouterr().err


@pytest.mark.slow
def test_real_questions_are_fast_and_told_apart(data_path: Path) -> None:
    train = pd.read_csv(data_path / "banking77" / "train.csv.gz")
    start = time.perf_counter()
    RKME.from_data(train["text"], data="text", random_state=0)
    print(f"specification of {len(train):,} texts: {time.perf_counter() - start:.1f} s")
    topics = train["category"].unique()[:8]
    halves = [train[train["category"] == topic]["text"].to_list() for topic in topics]
    first = [RKME.from_data(texts[::2], 15, data="text", random_state=0) for texts in halves]
    second = [RKME.from_data(texts[1::2], 15, data="text", random_state=0) for texts in halves]
    nearest = [int(np.argmin([one.distance(other) for other in second])) for one in first]
    assert nearest == list(range(len(topics)))
