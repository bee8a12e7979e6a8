"""Texts and images through every reuser: read as such, encoded once, with own models that suit them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from learnware.errors import InvalidData, InvalidParameter
from learnware.reuse import (
    AutoReuser,
    AveragingReuser,
    ConsensusReuser,
    EnsembleSelectionReuser,
    FeatureAugmentReuser,
    JobSelectorReuser,
    LabelBridgeReuser,
    SingleBestReuser,
    StackingReuser,
)
from learnware.reuse.encoding import encoded_once, points_of
from learnware.reuse.own_model import FewLabelRidge
from learnware.reuse.portfolio import portfolio
from learnware.reuse.sample_features import NearestClassMean
from learnware.specification import RKME
from learnware.specification.encoders import FunctionEncoder, encoder_for
from learnware.specification.space import Space

from .doubles import FakeLearnware

WORDS = {"sport": "ball goal team match".split(), "food": "bread soup salt oven".split()}
ALL = (
    AveragingReuser,
    ConsensusReuser,
    EnsembleSelectionReuser,
    FeatureAugmentReuser,
    JobSelectorReuser,
    LabelBridgeReuser,
    SingleBestReuser,
    StackingReuser,
)


def letters(texts: Any) -> Any:
    return [[text.count(letter) / len(text) for letter in "abelmnorst"] for text in texts]


def blocks(images: Any) -> Any:
    images = np.asarray(images, dtype=float).reshape(len(images), 8, 8, -1).mean(axis=3)
    return images.reshape(len(images), 4, 2, 4, 2).mean(axis=(2, 4)).reshape(len(images), 16)


@pytest.fixture
def counted() -> list[int]:
    """Announce encoders of letters and of blocks; the list takes the sizes of what they encode."""
    sizes: list[int] = []

    def noting(function: Any) -> Any:
        return lambda samples: (sizes.append(len(samples)), function(samples))[1]

    for name, data, function in (("letters-1", "text", letters), ("blocks-1", "image", blocks)):
        encoder_for(data, FunctionEncoder(name, data, noting(function)))
    return sizes


class ByWords:
    """A model of texts that knows some words."""

    def __init__(self, n_words: int) -> None:
        self.classes_ = np.array(sorted(WORDS))
        self.known = [WORDS[name][:n_words] for name in self.classes_]

    def predict_proba(self, X: Any) -> Any:
        assert all(isinstance(text, str) for text in X)
        counts = np.array([[sum(word in text for word in known) for known in self.known] for text in X])
        return (counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True)


class ByShade:
    """A model of images that tells light from dark in a corner."""

    def __init__(self, width: int) -> None:
        self.classes_, self.width = np.array(["food", "sport"]), width

    def predict_proba(self, X: Any) -> Any:
        assert X.ndim >= 3
        light = X[:, : self.width, : self.width].reshape(len(X), -1).mean(axis=1)
        light = 1.0 / (1.0 + np.exp(-20.0 * (light - 0.5)))
        return np.column_stack([1.0 - light, light])


def sampled(data: str, n: int = 60) -> Any:
    generator = np.random.default_rng(0)
    y = generator.choice(sorted(WORDS), n)
    if data == "text":
        return [f"{' '.join(generator.choice(WORDS[label], 3))} nr{i}" for i, label in enumerate(y)], y
    light = np.where(y == "sport", 0.6, 0.4)[:, None, None, None]
    return np.clip(light + generator.normal(0, 0.1, (n, 8, 8, 3)), 0, 1), y


def team(data: str) -> list[FakeLearnware]:
    X, _ = sampled(data)
    models = [ByWords(n) for n in (1, 2, 3, 4)] if data == "text" else [ByShade(n) for n in (1, 2, 4, 6)]
    points = np.array((letters if data == "text" else blocks)(X))
    space = Space.encoded(data, "letters-1" if data == "text" else "blocks-1", points.shape[1])
    found = []
    for model in models:
        learnware = FakeLearnware(model)
        statistical = RKME(points, np.full(len(points), 1.0 / len(points)), space)
        semantic = SimpleNamespace(name="fake", task="Classification", data=data.capitalize())
        learnware.specification = SimpleNamespace(semantic=semantic, statistical=statistical)
        found.append(learnware)
    return found


@pytest.mark.parametrize("data", ["text", "image"])
@pytest.mark.parametrize("kind", ALL)
def test_every_reuser_takes_them(kind: Any, data: str, counted: Any) -> None:
    X, y = sampled(data)
    fitted = kind(team(data)).fit(X[:40], y[:40])
    assert fitted.score(X[40:], y[40:]) > 0.8
    assert not hasattr(fitted, "n_features_in_")
    again = clone(fitted).fit(X[:40], y[:40])
    assert again.predict_proba(X[40:42]).shape == (2, 2)
    np.testing.assert_allclose(fitted.predict_proba(X)[50:], fitted.predict_proba(X[50:]))


@pytest.mark.parametrize("data", ["text", "image"])
def test_the_choice_encodes_a_sample_once_a_fit(data: str, counted: list[int]) -> None:
    X, y = sampled(data)
    fitted = AutoReuser(team(data), random_state=0).fit(X[:30], y[:30], unlabelled=X[30:])
    assert sum(counted) == 60
    assert fitted.score(X[30:], y[30:]) > 0.9
    assert {row["kind"] for row in fitted.leaderboard_} == {"label-free", "labels", "own model"}


def test_points_are_kept_for_the_time_of_a_fit_only(counted: list[int]) -> None:
    X, _ = sampled("text")
    space = Space.encoded("text", "letters-1", 10)
    with encoded_once():
        first = points_of(X[:5], space)
        np.testing.assert_array_equal(points_of([X[3], X[7], X[3]], space)[[0, 2]], first[[3, 3]])
    points_of(X[:5], space)
    assert counted == [5, 1, 5]


@pytest.mark.parametrize(
    ("data", "X", "words"),
    [
        ("text", np.zeros((3, 2)), "list of texts"),
        ("text", [], "at least one sample"),
        ("image", [["a", "b"]], "array of numbers"),
    ],
)
def test_what_is_neither(data: str, X: Any, words: str, counted: Any) -> None:
    with pytest.raises(InvalidData, match=words):
        AveragingReuser(team(data)).fit(X)


def test_learnwares_of_different_samples(counted: Any) -> None:
    with pytest.raises(InvalidParameter, match="samples of one kind. Got 'image', 'text'"):
        AveragingReuser([*team("text"), *team("image")]).fit(["a"])


@pytest.mark.parametrize("task", ["Classification", "Regression"])
@pytest.mark.parametrize("data", ["text", "image"])
@pytest.mark.parametrize("n_samples", [2, 20])
def test_own_models_of_few_samples(task: str, data: str, n_samples: int, counted: Any) -> None:
    X, y = sampled(data)
    y[:2] = ["food", "sport"]
    target = y if task == "Classification" else (y == "sport").astype(float)
    space = Space.encoded(data, "letters-1" if data == "text" else "blocks-1", 10 if data == "text" else 16)
    models = portfolio(task, n_samples, data, space)
    assert models
    for model in models.values():
        answer = model.fit(X[:n_samples], target[:n_samples]).predict(X)
        assert len(answer) == len(X)
        if n_samples == 20:
            right = answer == target if task == "Classification" else (answer > 0.5) == target
            assert np.mean(right) > 0.7


def test_values_of_many_texts_leave_no_row_out(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = sampled("text", 1600)
    target = (y == "sport") + 0.1 * np.random.default_rng(0).normal(size=len(y))
    linear = portfolio("Regression", 1200, "text")["linear"]
    # That takes minutes for some thousand texts.
    monkeypatch.delattr(FewLabelRidge, "fit")
    assert linear.fit(X[:1200], target[:1200]).score(X[1200:], target[1200:]) > 0.9


class ByValue:
    """A model of values: the probability that another gives to its last class."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, X: Any) -> Any:
        return self.model.predict_proba(X)[:, -1]


@pytest.mark.parametrize("kind", [AutoReuser, EnsembleSelectionReuser, FeatureAugmentReuser, StackingReuser])
@pytest.mark.parametrize("data", ["text", "image"])
@pytest.mark.parametrize("values", [False, True])
def test_learnwares_without_a_statistical_specification(kind: Any, data: str, values: bool) -> None:
    X, y = sampled(data)
    unspecified = []
    for learnware in team(data):
        bare = FakeLearnware(ByValue(learnware.model) if values else learnware.model)
        semantic = SimpleNamespace(name="fake", task=bare.task, data=data.capitalize())
        bare.specification = SimpleNamespace(semantic=semantic, statistical=None)
        unspecified.append(bare)
    target = (y == "sport").astype(float) if values else y
    fitted = kind(unspecified).fit(X[:40], target[:40])
    assert fitted.score(X[40:], target[40:]) > (0.5 if values else 0.8)
    if kind is AutoReuser:
        augmented = "augment" in {row["name"] for row in fitted.leaderboard_}
        assert augmented == (data == "text")


def test_the_nearest_mean_of_one_row_a_class() -> None:
    model = NearestClassMean().fit([[0.0, 0.0], [2.0, 0.0]], [3, 5])
    answer = model.predict_proba([[0.0, 0.0], [1.0, 7.0], [9.0, 0.0]])
    np.testing.assert_allclose(answer.sum(axis=1), 1.0)
    np.testing.assert_allclose(answer[1], 0.5)
    assert model.predict([[0.0, 0.0], [9.0, 0.0]]).tolist() == [3, 5]
