"""Learnwares of texts and images: made, written, read, asked and checked."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from learnware import Learnware, Specification
from learnware.errors import InvalidData, InvalidParameter, LearnwareError, UnsupportedModel
from learnware.market import check_learnware
from learnware.models.graph import Graph
from learnware.specification import FunctionEncoder

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(0)
WORDS = np.array([f"word{i}" for i in range(60)])
TEXTS = [" ".join(RNG.choice(WORDS[20 * (i % 3) :][:30], 12)) for i in range(150)]
TOPICS = np.array(["a", "b", "c"])[np.arange(150) % 3]
LENGTHS = FunctionEncoder("three-counts-1", "text", lambda texts: [[len(t), t.count("1"), t.count("2")] for t in texts])
MEANS = FunctionEncoder("corners-1", "image", lambda images: np.asarray(images, float).reshape(len(images), -1)[:, :4])
IMAGES = RNG.integers(0, 256, size=(90, 3, 6, 8), dtype=np.uint8)
LABELLED = {"description": "For tests.", "scenarios": ["Others"], "license": "MIT", "random_state": 0}


def news(**options: Any) -> Learnware:
    model = make_pipeline(TfidfVectorizer(), MultinomialNB()).fit(TEXTS, TOPICS)
    return Learnware.from_model(
        model, TEXTS, TOPICS, **{"name": "News", "data": "text", "encoder": LENGTHS, **LABELLED, **options}
    )


def network(n_outputs: int = 3) -> Any:
    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.ReLU()]
    return torch.nn.Sequential(
        *layers, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(4, n_outputs)
    )


def pictures(X: Any = IMAGES, **options: Any) -> Learnware:
    return Learnware.from_model(
        network(),
        X,
        np.arange(90) % 3,
        **{"name": "Pictures", "data": "image", "encoder": MEANS, **LABELLED, **options},
    )


@functools.cache
def made(kind: str) -> Learnware:
    return news() if kind == "news" else pictures()


def test_texts_are_answered_as_by_the_model() -> None:
    pandas = pytest.importorskip("pandas")
    model = make_pipeline(TfidfVectorizer(), MultinomialNB()).fit(TEXTS, TOPICS)
    learnware = Learnware.from_bytes(made("news").to_bytes())
    for X in (TEXTS, tuple(TEXTS), np.array(TEXTS), pandas.Series(TEXTS)):
        np.testing.assert_array_equal(learnware.predict(X), model.predict(TEXTS))
    odd = ["", "word1\x00 \udce9", "字 " * 50_000, "word1 word2"]
    np.testing.assert_array_equal(learnware.predict_proba(odd), model.predict_proba(odd))


def test_a_learnware_says_that_it_takes_texts() -> None:
    learnware = made("news")
    assert (learnware.data, learnware.columns, learnware.sample_shape, learnware.pixels) == ("text", (), None, None)
    assert repr(learnware) == "Learnware('News', Classification, texts, id=None)"
    assert "<td style='text-align:left;vertical-align:top'>texts</td>" in learnware._repr_html_()
    semantic, rkme = learnware.specification.semantic, learnware.specification.statistical
    assert (semantic.data, semantic.inputs, semantic.outputs.dimension) == ("Text", None, 3)
    assert (rkme.space.data, rkme.space.encoder, rkme.space.n_features) == ("text", "three-counts-1", 3)


def test_equal_models_and_texts_give_equal_bytes() -> None:
    assert made("news").to_bytes() == news().to_bytes()
    assert made("pictures").to_bytes() == pictures().to_bytes()


def test_images_are_answered_as_by_the_model_whatever_the_order_of_axes() -> None:
    learnware = Learnware.from_bytes(made("pictures").to_bytes())
    with torch.no_grad():
        expected = torch.softmax(network().eval()(torch.as_tensor(IMAGES).float()), 1).numpy()
    for X in (IMAGES, np.moveaxis(IMAGES, 1, -1), torch.as_tensor(IMAGES), list(IMAGES), IMAGES.astype(np.int64)):
        np.testing.assert_allclose(learnware.predict_proba(X), expected, rtol=1e-4, atol=1e-6)
    for wrong in (IMAGES / 255.0, IMAGES[:, :, :5], IMAGES[:, 0], TEXTS):
        with pytest.raises(InvalidData, match="X must"):
            learnware.predict(wrong)


def test_a_learnware_says_which_images_it_takes() -> None:
    learnware = made("pictures")
    assert (learnware.data, learnware.columns, learnware.sample_shape, learnware.pixels) == (
        "image", (), (3, 6, 8), "int"
    )  # fmt: skip
    assert repr(learnware) == "Learnware('Pictures', Classification, images of 3 x 6 x 8 ints, id=None)"
    assert learnware.specification.semantic.data == "Image"


def test_many_images_are_answered_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = made("pictures").predict_proba(IMAGES)
    sizes, answer = [], Graph.__call__
    monkeypatch.setattr(Graph, "__call__", lambda self, rows: sizes.append(len(rows)) or answer(self, rows))
    monkeypatch.setattr("learnware.models.torch._NUMBERS_AT_ONCE", 7 * 144)
    np.testing.assert_allclose(made("pictures").predict_proba(IMAGES), whole, rtol=1e-5, atol=1e-7)
    assert sizes == [7] * 12 + [6]


@pytest.mark.parametrize("kind", ["news", "pictures"])
def test_sound_learnwares_pass_every_check(kind: str) -> None:
    report = check_learnware(Learnware.from_bytes(made(kind).to_bytes()))
    assert report.findings == ()


@pytest.mark.parametrize("X", [IMAGES[:, 0] / 255.0, IMAGES[:, 0] > 99])
def test_images_without_channels(X: Any) -> None:
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 1))
    learnware = Learnware.from_model(
        model, X, X.mean(axis=(1, 2)), name="Light", data="image", encoder=MEANS, score=-0.5, **LABELLED
    )
    assert check_learnware(learnware).findings == ()
    assert learnware.predict(X[:, None]).shape == (90,)
    assert learnware.specification.statistical.labels.score == -0.5


def test_numbers_predicted_from_texts() -> None:
    model = make_pipeline(HashingVectorizer(n_features=64), Ridge())
    y = np.array([float(len(text)) for text in TEXTS])
    learnware = Learnware.from_model(
        model.fit(TEXTS, y), TEXTS, y, name="Length", data="text", encoder=LENGTHS, **LABELLED
    )
    assert learnware.predict(["word1"]).shape == (1,)
    labels = learnware.specification.statistical.labels
    assert (labels.classes, labels.values.shape[1]) == (None, 1)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"data": "sound"}, "'data' parameter"),
        ({"data": "image"}, "X must be an array of numbers"),
        ({"encoder": MEANS}, "takes image data"),
        ({"encoder": "no-such-encoder"}, "no-such-encoder"),
        ({"score": 1.5}, "accuracy, from 0 to 1"),
        ({"score": True}, "accuracy, from 0 to 1"),
        ({"score": float("nan")}, "accuracy, from 0 to 1"),
        ({"specification": Specification.from_data(np.zeros((9, 3))), "encoder": None}, "must be of text data"),
        ({"specification": Specification(), "encoder": None}, "with a statistical part"),
    ],
)
def test_what_does_not_fit_together_is_said(options: dict[str, Any], match: str) -> None:
    with pytest.raises(LearnwareError, match=match):
        news(**options)


def test_models_of_tables_take_no_texts_or_images() -> None:
    model = LogisticRegression().fit(RNG.normal(size=(90, 144)), np.arange(90) % 3)
    for X, data, encoder in ((TEXTS, "text", LENGTHS), (IMAGES, "image", MEANS)):
        with pytest.raises((InvalidData, UnsupportedModel)):
            Learnware.from_model(model, X, name="A", data=data, encoder=encoder)
    with pytest.raises(LearnwareError):
        Learnware.from_model(network(), TEXTS, TOPICS, name="A", data="text", encoder=LENGTHS)


def test_a_specification_and_what_is_for_making_one_exclude_each_other() -> None:
    own = Specification.from_data(TEXTS, data="text", encoder=LENGTHS)
    for option in ({"score": 0.5}, {"encoder": LENGTHS}):
        with pytest.raises(InvalidParameter, match="'score' and 'encoder'"):
            news(**{"encoder": None, "specification": own, **option})
    assert news(specification=own, encoder=None).specification.statistical == own.statistical
