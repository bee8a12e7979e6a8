"""Words: what is found, in which order, and what is left out."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware.market.organizer import TextIndex
from learnware.market.searcher import matches_tags
from learnware.specification import SemanticSpecification

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
def index() -> TextIndex:
    return filled(LEARNWARES)


def filled(learnwares: dict[str, SemanticSpecification]) -> TextIndex:
    index = TextIndex()
    for learnware_id, semantic in learnwares.items():
        index.add(learnware_id, semantic)
    return index


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
def test_who_is_found_in_which_order(index: TextIndex, question: str, found: list[str]) -> None:
    assert list(index.rank(question)) == found


def test_relevance_falls_from_phrase_to_name_to_description() -> None:
    index = filled(
        {
            "whole name": SemanticSpecification(name="house prices"),
            "phrase in name": SemanticSpecification(name="Model of house prices in Oslo"),
            "phrase in description": SemanticSpecification(name="Oslo", description="All about house prices."),
            "words in name": SemanticSpecification(name="Prices of every house"),
            "words in description": SemanticSpecification(name="Rome", description="Prices of every house."),
            "misspelt": SemanticSpecification(name="Hpuse pirces"),
        }
    )
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


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    common = {f"{i}": SemanticSpecification(name="model of sales") for i in range(20)}
    index = filled({**common, "rare": SemanticSpecification(name="model of umbrellas")})
    assert next(iter(index.rank("sales umbrellas"))) == "rare"


def test_short_words_and_numbers_take_no_typing_errors() -> None:
    index = filled({"a": SemanticSpecification(name="Shop 12"), "b": SemanticSpecification(name="Shop 13 pot")})
    assert list(index.rank("12")) == ["a"]
    assert index.rank("14") == {}
    assert index.rank("pit") == {}


def test_removed_and_replaced_learnwares_leave_no_trace(index: TextIndex) -> None:
    index.add("pharmacy", SemanticSpecification(name="Something else"))
    assert "pharmacy" not in index.rank("sales")
    for learnware_id in LEARNWARES:
        index.remove(learnware_id)
    index.remove("never there")
    assert len(index) == 0
    assert index.rank("sales") == {}
    again = filled(LEARNWARES)
    for learnware_id, semantic in LEARNWARES.items():
        index.add(learnware_id, semantic)
    assert index.rank("sales of shops") == again.rank("sales of shops")


@given(
    names=st.lists(st.text(READABLE, max_size=30), min_size=1, max_size=6),
    descriptions=st.lists(st.text(READABLE, max_size=60), min_size=6, max_size=6),
    question=st.text(max_size=30),
)
def test_any_text_is_taken_and_relevance_lies_in_its_range(
    names: list[str], descriptions: list[str], question: str
) -> None:
    index = TextIndex()
    for position, (name, description) in enumerate(zip(names, descriptions, strict=False)):
        index.add(str(position), SemanticSpecification(name=name, description=description))
    for asked in (question, *names):
        values = list(index.rank(asked).values())
        assert all(0.0 < value <= 1.0 for value in values)
        assert values == sorted(values, reverse=True)


@given(words=st.lists(st.sampled_from("sales shop weather heart price digits 糖尿病".split()), min_size=1, max_size=5))
def test_a_name_finds_itself_first(words: list[str]) -> None:
    name = " ".join(words)
    index = filled({**LEARNWARES, "it": SemanticSpecification(name=name)})
    relevance = index.rank(name)
    assert relevance["it"] == max(relevance.values()) == 1.0


def test_thousands_of_learnwares_are_ranked_quickly() -> None:
    rng = random.Random(0)
    words = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(3, 10))) for _ in range(4000)]
    index = filled(
        {
            str(i): SemanticSpecification(
                name=" ".join(rng.choices(words, k=4)), description=" ".join(rng.choices(words, k=30))
            )
            for i in range(3000)
        }
    )
    start = time.perf_counter()
    for _ in range(10):
        index.rank(" ".join(rng.choices(words, k=4)))
    # A generous bound, only to notice that every word is compared with every other.
    assert time.perf_counter() - start < 5.0


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
