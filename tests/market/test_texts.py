"""Words: what is found, in which order, and what is left out."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware.market.organizer import TextIndex, texts
from learnware.market.organizer.ranking import Ranking
from learnware.market.organizer.words import LONGEST_WORD
from learnware.market.searcher import matches_tags
from learnware.specification import SemanticSpecification
from tests.market.relevance_by_hand import relevance_by_hand
from tests.market.word_index import PHRASES, SEMANTICS, Words, filled

LEARNWARES = {
    "pharmacy": SemanticSpecification(
        name="Sales of pharmacies in Bavaria", description="Forecasts the daily turnover of shops.", task="regression"
    ),
    "weather": SemanticSpecification(
        name="Weather model", description="Rainfall; helps with sales of umbrellas in shops.", scenarios="nature"
    ),
    "diabetes": SemanticSpecification(name="Diabetes progression", description="One year after baseline."),
    "digits": SemanticSpecification(
        name="Digits 0-4, random forest", description="Handwritten images of 8 by 8.", task="classification"
    ),
    "wine": SemanticSpecification(name="Qualité du vin", description="Classe les vins d'après leur chimie."),
    "chinese": SemanticSpecification(name="糖尿病预测", description="根据体检数据预测糖尿病"),
    "japanese": SemanticSpecification(name="手書き数字の分類", description="8x8 の画像"),
    "korean": SemanticSpecification(name="주택 가격 예측", description="서울의 아파트 가격"),
}

#: What titles and descriptions may hold.
READABLE = st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp"))


@pytest.fixture
def index() -> Iterator[Words]:
    with filled(LEARNWARES) as words:
        yield words


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("sales", ["pharmacy", "weather"]),
        ("SALES", ["pharmacy", "weather"]),
        ("sales of umbrellas", ["weather", "pharmacy"]),
        ("shop", ["pharmacy", "weather"]),
        ("a forecast of turnover, please, for my shops", ["pharmacy"]),
        ("diabetis", ["diabetes"]),
        ("diabteas progresion", ["diabetes"]),
        ("qualite", ["wine"]),
        ("QUALITÉ DU VIN", ["wine"]),
        ("qualité", ["wine"]),
        ("digits 0-4", ["digits"]),
        ("random forest for digits", ["digits"]),
        ("classification", ["digits"]),
        ("nature", ["weather"]),
        ("糖尿病", ["chinese"]),
        ("预测糖尿病", ["chinese"]),
        ("数字", ["japanese"]),
        ("가격", ["korean"]),
        ("wetter", []),
        ("submarine", []),
        ("", []),
        ("?!", []),
    ],
)
def test_who_is_found_in_which_order(index: Words, question: str, found: list[str]) -> None:
    assert list(index.rank(question)) == found


def test_relevance_falls_from_phrase_to_name_to_description() -> None:
    learnwares = {
        "whole name": SemanticSpecification(name="house prices"),
        "phrase in name": SemanticSpecification(name="Model of house prices in Oslo"),
        "phrase in description": SemanticSpecification(name="Oslo", description="All about house prices."),
        "words in name": SemanticSpecification(name="Prices of every house"),
        "words in description": SemanticSpecification(name="Rome", description="Prices of every house."),
        "misspelt": SemanticSpecification(name="Hpuse pirces"),
    }
    with filled(learnwares) as index:
        relevance = index.rank("house prices")
        assert list(relevance) == [
            "whole name",
            "phrase in name",
            "phrase in description",
            "words in name",
            "words in description",
        ]
        assert relevance["whole name"] == 1.0
        assert next(iter(index.rank("hpuse pirces"))) == "misspelt"


@pytest.mark.parametrize(
    ("question", "name", "relevance"),
    [
        ("shop", "shops", 0.85 * 0.85 * (4 / 5) ** 0.5),
        ("covid", "covid0", 0.85 * 0.85 * (5 / 6) ** 0.5),
        ("прода", "продажи", 0.85 * 0.85 * (5 / 7) ** 0.5),
        ("shop", "shop\U0003134a", 0.85 * 0.85 * (4 / 5) ** 0.5),
        ("sh", "shop", None),
        ("sho", "shoplifte", None),
        ("sho", "shoplift", 0.85 * 0.85 * (3 / 8) ** 0.5),
        ("ccat", "cat", 0.85 * 3 / 4),
        ("caat", "catt", 0.85 * 3 / 4),
        ("sahop", "shops", None),
        ("daibetess", "diabetes", 0.85 * 7 / 9),
    ],
)
def test_how_much_another_word_is_worth(question: str, name: str, relevance: float | None) -> None:
    with filled({"it": SemanticSpecification(name=f"{name} x")}) as index:
        assert index.rank(question) == ({} if relevance is None else {"it": pytest.approx(relevance)})


def test_a_phrase_begins_and_ends_with_its_words() -> None:
    names = ["prices of greenhouse prices, house", "house pricesetter, prices"]
    learnwares = {name: SemanticSpecification(name=name) for name in names}
    learnwares |= {f"told {name}": SemanticSpecification(description=name) for name in names}
    with filled(learnwares) as index:
        assert max(index.rank("house prices").values()) == pytest.approx(0.85)


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    common = {f"{i}": SemanticSpecification(name="model of sales") for i in range(20)}
    with filled({**common, "rare": SemanticSpecification(name="model of umbrellas")}) as index:
        assert next(iter(index.rank("sales umbrellas"))) == "rare"


def test_short_words_and_numbers_take_no_typing_errors() -> None:
    learnwares = {"a": SemanticSpecification(name="Shop 12"), "b": SemanticSpecification(name="Shop 13 pot")}
    with filled(learnwares) as index:
        assert list(index.rank("12")) == ["a"]
        assert index.rank("14") == {}
        assert index.rank("pit") == {}


def test_of_equals_the_lower_number_comes_first() -> None:
    with filled({name: SemanticSpecification(name="Sales of shops") for name in "cab"}) as index:
        assert list(index.rank("sales")) == ["c", "a", "b"]


@given(
    semantics=st.lists(SEMANTICS, min_size=1, max_size=7),
    questions=st.lists(PHRASES, min_size=1, max_size=4),
    first=st.sampled_from([1, 1020, 2**45]),
)
def test_relevance_is_that_of_the_formula(
    semantics: list[SemanticSpecification], questions: list[str], first: int
) -> None:
    learnwares = {str(position): semantic for position, semantic in enumerate(semantics)}
    with filled(learnwares, first) as index:
        for question in questions:
            assert index.rank(question) == pytest.approx(relevance_by_hand(learnwares, question), rel=1e-12)


@pytest.mark.parametrize("question", ["病预测 shop", "op 预测", "shop 糖", "sales 糖尿病 sho", "of a", "糖尿病 糖尿病"])
def test_phrases_of_mixed_scripts_may_begin_and_end_within_words(question: str) -> None:
    names = [
        "糖尿病预测 shopping",
        "workshop 预测糖尿病",
        "sales 糖尿病 shops",
        "out of a shop",
        "糖尿病 糖尿病",
        "病 糖尿",
    ]
    learnwares = {name: SemanticSpecification(name=name, description=f"x {name} 病") for name in names}
    with filled(learnwares) as index:
        assert index.rank(question) == pytest.approx(relevance_by_hand(learnwares, question), rel=1e-12)


def test_a_word_three_times_counts_as_much_as_more_often() -> None:
    learnwares = {
        f"{count}": SemanticSpecification(description="shop " * count + "x " * (9 - count)) for count in (1, 2, 3, 9)
    }
    with filled(learnwares) as index:
        relevance = index.rank("shop")
    assert relevance["1"] < relevance["2"] < relevance["3"] == relevance["9"]


def test_of_very_long_words_the_beginning_counts() -> None:
    with filled({"long": SemanticSpecification(description="ab" * 20_000)}) as index:
        assert list(index.rank("ab" * (LONGEST_WORD // 2) + "c")) == ["long"]
        index.forget("long")
        assert index.rank("ab" * LONGEST_WORD) == {}


def test_of_a_long_question_the_first_words_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MOST_WORDS", 1)
    names = ["sales", "umbrellas", "sales of umbrellas"]
    with filled({name: SemanticSpecification(name=name) for name in names}) as index:
        relevance = index.rank("sales of umbrellas")
    assert list(relevance) == ["sales of umbrellas", "sales"]
    assert relevance["sales of umbrellas"] == 1.0


def test_phrases_are_looked_for_in_the_best_candidates_only(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["house prices in the town", "house prices in town", "house prices", "house prices here", "house", "prices"]
    learnwares = {name: SemanticSpecification(name=name) for name in names}
    described = {"told": "house prices", "told at length": "house prices and all the rest", "not told": "prices, house"}
    learnwares |= {name: SemanticSpecification(description=text) for name, text in described.items()}
    monkeypatch.setattr(texts, "MOST_READ", 2)
    with filled(learnwares) as index:
        relevance = index.rank("house prices")
        assert {name for name in names if relevance[name] > 0.9} == {"house prices", "house prices here"}
        assert {name for name in described if relevance[name] > 0.89} == {"told"}
        assert min(index.rank("house")[name] for name in names[:5]) > 0.95


def test_an_empty_ranking_is_false(index: Words) -> None:
    found, nothing = index.index.rank("sales"), index.index.rank("submarine")
    assert found
    assert len(found) == 2
    assert not nothing
    assert len(nothing) == len(Ranking.empty()) == 0
    assert nothing.best_first().tolist() == []


@given(
    names=st.lists(st.text(READABLE, max_size=30), min_size=1, max_size=6),
    descriptions=st.lists(st.text(READABLE, max_size=60), min_size=6, max_size=6),
    question=st.text(max_size=30),
)
def test_any_text_is_taken_and_relevance_lies_in_its_range(
    names: list[str], descriptions: list[str], question: str
) -> None:
    learnwares = {
        str(position): SemanticSpecification(name=name, description=description)
        for position, (name, description) in enumerate(zip(names, descriptions, strict=False))
    }
    with filled(learnwares) as index:
        for asked in (question, *names):
            values = list(index.rank(asked).values())
            assert all(0.0 < value <= 1.0 for value in values)
            assert values == sorted(values, reverse=True)
            assert values == pytest.approx(sorted(relevance_by_hand(learnwares, asked).values(), reverse=True))


@given(words=st.lists(st.sampled_from("sales shop weather heart price digits 糖尿病".split()), min_size=1, max_size=5))
def test_a_name_finds_itself_first(words: list[str]) -> None:
    name = " ".join(words)
    with filled({**LEARNWARES, "it": SemanticSpecification(name=name)}) as index:
        relevance = index.rank(name)
    assert relevance["it"] == max(relevance.values()) == 1.0


@pytest.mark.parametrize("question", ["everywhere", "everyw", "always", "everywhere always regression"])
def test_a_common_word_takes_no_row_for_each_who_has_it(question: str) -> None:
    semantic = SemanticSpecification(name="everywhere", description="always everywhere", task="regression")
    with filled({str(i): semantic for i in range(300)}) as index:
        most = _most_rows(index)
        assert len(index.index.rank(question)) == 300
    assert most() < 10


@pytest.mark.parametrize("question", ["etaoins", "hrdluetaoi"])
def test_a_misspelt_word_is_compared_with_few_others(question: str) -> None:
    rng = random.Random(0)
    words = {"".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(5, 12))) for _ in range(4000)}
    slip = question[:2] + question[3] + question[2] + question[4:]
    learnwares = {"the rest": SemanticSpecification(description=" ".join(words))}
    with filled({**learnwares, "it": SemanticSpecification(name=slip)}) as index:
        most = _most_rows(index)
        assert list(index.rank(question)) == ["it"]
    assert most() < 20


def _most_rows(index: Words) -> Callable[[], int]:
    """Count the rows of each query from now on, and return what tells their most."""
    counts: list[int] = []

    def rows(query: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        found = index.connection.execute(query, values).fetchall()
        counts.append(len(found))
        return found

    index.index = TextIndex(rows)
    return lambda: max(counts)


def test_misspelt_words_are_found_in_a_vocabulary_that_grows() -> None:
    rng = random.Random(1)
    words = sorted({"".join(rng.choices("etaoinshrdlu", k=9)) for _ in range(2500)})
    rng.shuffle(words)
    parts = [words[:1], words[1:700], words[700:1022], words[1022:1023], words[1023:1024], words[1024:]]
    with filled({}) as index:
        for part in parts:
            index.enter({word: SemanticSpecification(name=word) for word in part})
        for word in [*words[:3], *words[1020:1027], *words[-3:]]:
            slip = word[:4] + "".join(reversed(word[4:6])) + word[6:]
            assert slip == word or slip in words or word in index.rank(slip)


def test_learnwares_by_their_names() -> None:
    names = ["zebra", "Apple", "mango", "Äpfel", "apple"]
    with filled({f"{i}": SemanticSpecification(name=name) for i, name in enumerate(names)}) as index:
        assert index.index.by_name(np.array([1, 2, 3, 5])).tolist() == [2, 5, 3, 1]
        index.forget("1")
        assert index.index.by_name(np.arange(10)).tolist() == [4, 5, 3, 1]
        assert index.index.by_name(np.empty(0, np.int64)).tolist() == []


def test_thousands_of_learnwares_are_ranked_quickly() -> None:
    rng = random.Random(0)
    words = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(3, 10))) for _ in range(4000)]
    learnwares = {
        str(i): SemanticSpecification(
            name=" ".join([*rng.choices(words, k=3), "everywhere"]), description=" ".join(rng.choices(words, k=30))
        )
        for i in range(3000)
    }
    with filled(learnwares) as index:
        start = time.perf_counter()
        for _ in range(10):
            index.index.rank(" ".join([*rng.choices(words, k=3), "everywhere", "misspeltt"]))
        # A generous bound, only to notice that every word is compared with every other.
        assert time.perf_counter() - start < 2.0


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ({}, True),
        ({"data": "table", "task": "regression"}, True),
        ({"task": "classification"}, False),
        ({"library": "pytorch"}, False),
        ({"license": "MIT"}, False),
        ({"scenarios": ["Health", "Business"]}, True),
        ({"scenarios": ["Health"]}, False),
        ({"name": "something else", "description": "entirely"}, True),
    ],
)
def test_tags_are_a_mask(query: dict[str, str], matches: bool) -> None:
    candidate = SemanticSpecification(data="table", task="regression", scenarios=("Business", "Nature"))
    assert matches_tags(SemanticSpecification(**query), candidate) is matches  # type: ignore[arg-type]
