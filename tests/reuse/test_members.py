"""What reusers are given: results, mixtures, hits, learnwares, and what must be refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from learnware.errors import InvalidParameter, ModelFailure, NoLearnwares
from learnware.reuse import AveragingReuser
from learnware.reuse.labels import join_classes
from learnware.reuse.members import Members, peek_task

from .doubles import FakeHit, FakeLearnware, FakeMixture, FakeResult, Fixed, constants, fake_result

X = np.zeros((3, 2))


def test_a_result_counts_as_its_mixture() -> None:
    team = constants(1.0, 2.0, 3.0)
    result = fake_result(team, mixed={2: 0.75, 0: 0.25})
    members = Members.of(result)
    assert members.learnwares == (team[2], team[0])
    np.testing.assert_array_equal(members.weights, [0.75, 0.25])
    np.testing.assert_allclose(members.distances, [0.3, 0.1])


def test_all_of_a_result_is_its_hits_with_the_weights_of_the_mixture() -> None:
    team = constants(1.0, 2.0, 3.0, 4.0)
    result = fake_result(team, mixed={3: 0.6, 1: 0.4})
    result.hits = result.hits[:3]  # the mixture may hold what is not among the nearest
    members = Members.of(result, whole=True)
    assert members.learnwares == tuple(team)
    np.testing.assert_array_equal(members.weights, [0.0, 0.4, 0.0, 0.6])


def test_a_found_learnware_with_labels_of_another_kind_is_left_out() -> None:
    team = constants([0.9, 0.1], [0.8, 0.2], [0.3, 0.7], classes=[["a", "b"], ["a", "b"], [0, 1]])
    result = fake_result(team, mixed={0: 0.5, 2: 0.3, 1: 0.2})
    with pytest.warns(UserWarning, match="not named by text there"):
        members = Members.of(result, whole=True)
    assert members.learnwares == (team[0], team[1])
    np.testing.assert_allclose(members.weights, [5 / 7, 2 / 7])
    with pytest.raises(InvalidParameter, match="labels of one kind"):
        AveragingReuser(team).fit(X)


def test_each_learnware_is_fetched_once() -> None:
    result = fake_result(constants(1.0, 2.0), mixed={0: 0.5, 1: 0.5})
    Members.of(result, whole=True)
    assert [hit.n_fetched for hit in result.hits] == [1, 1]


def test_kind_is_told_without_fetching() -> None:
    result = fake_result(constants(1.0))
    assert peek_task(result) == "Regression"
    assert result.hits[0].n_fetched == 0


def test_a_mixture_a_list_of_hits_and_of_learnwares() -> None:
    team = constants(1.0, 2.0)
    hits = tuple(FakeHit(str(i), learnware) for i, learnware in enumerate(team))
    np.testing.assert_array_equal(Members.of(FakeMixture(hits, np.array([0.3, 0.7]))).weights, [0.3, 0.7])
    for source in (list(hits), team, tuple(team)):
        members = Members.of(source)
        assert members.learnwares == tuple(team)
        assert members.weights is None
        assert members.distances is None


@pytest.mark.parametrize(
    ("source", "words"),
    [([], "'learnwares' is empty"), (FakeResult((), None, "nothing fits"), "verdict 'nothing fits'")],
)
def test_nothing_to_reuse(source: Any, words: str) -> None:
    with pytest.raises(NoLearnwares, match=words):
        AveragingReuser(source).fit(X)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (None, "must be a search result"),
        ("market", "must be a search result"),
        ([1, 2], "hold hits or learnwares"),
        ([FakeLearnware(Fixed(1.0)), FakeLearnware(Fixed([0.5, 0.5], [0, 1]))], "'Classification', 'Regression'"),
        ([SimpleNamespace(predict=None, task="Segmentation")], "'Segmentation'"),
        (constants(1.0, [1.0, 2.0]), "same number of values.*1, 2"),
        (constants([1.0], [0.5, 0.5], classes=[["a"], [1, 2]]), r"labels of one kind.*\['a'\] \(text\)"),
    ],
)
def test_what_does_not_go_together(source: Any, words: str) -> None:
    with pytest.raises(InvalidParameter, match=words):
        AveragingReuser(source).fit(X)


def test_labels_of_another_kind_than_the_learnwares() -> None:
    with pytest.raises(InvalidParameter, match="Convert y"):
        AveragingReuser(constants([0.5, 0.5], classes=[0, 1])).fit(X, ["0", "1", "1"])


def test_classes_that_are_not_told() -> None:
    learnware = constants([0.5, 0.5], classes=[0, 1])[0]
    learnware.classes_ = None
    with pytest.raises(InvalidParameter, match="'fake 0' does not say which classes"):
        AveragingReuser([learnware]).fit(X)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda X: np.full((len(X), 3), 1 / 3), "one probability for each of its 2 classes"),
        (lambda X: np.tile([-1.0, 2.0], (len(X), 1)), "least value -1"),
        (lambda X: np.full((len(X), 2), np.nan), "NaN or infinity"),
        (lambda X: np.full((1, 2), 0.5), r"one answer a row, 3 here. Got shape \(1, 2\)"),
        (lambda X: "yes", "answer with numbers"),
    ],
)
def test_answers_that_cannot_be_used(answer: Any, words: str) -> None:
    learnware = constants([0.5, 0.5], classes=[0, 1])[0]
    fitted = AveragingReuser([learnware]).fit(X[:1])
    learnware.predict_proba = answer
    with pytest.raises(ModelFailure, match=words):
        fitted.predict(X)


def test_a_learnware_without_probabilities_votes() -> None:
    learnware = constants([0.1, 0.9], classes=["no", "yes"])[0]
    del learnware.predict_proba
    assert AveragingReuser([learnware]).fit(X).predict_proba(X).tolist() == [[0.0, 1.0]] * 3
    learnware.model.classes_ = np.array(["no", "perhaps"])
    with pytest.raises(ModelFailure, match="'perhaps', which is none of its classes"):
        AveragingReuser([learnware]).fit(X)


def test_classes_of_different_types_match_by_equality() -> None:
    joined = join_classes([np.array([0, 1]), np.array([1.0, 2.0]), np.array([True])])
    assert joined.tolist() == [0, 1, 2]
    texts = join_classes([np.array(["b"], dtype=object), np.array(["abc", "b"])])
    assert texts.tolist() == ["abc", "b"]


def test_each_learnware_is_asked_once_a_prediction() -> None:
    team = constants(1.0, 2.0)
    fitted = AveragingReuser(team).fit(X)
    before = [learnware.n_calls for learnware in team]
    fitted.predict(X)
    assert [learnware.n_calls - n for learnware, n in zip(team, before, strict=True)] == [1, 1]


def test_the_verdict_of_the_search_stays_with_them() -> None:
    members = Members.of(fake_result(constants(1.0, 2.0, 3.0), mixed={0: 1.0}), whole=True)
    for some in (members, members.only([0, 1]), members.subset([2]), members.all_foreign()):
        assert some.verdict == "match"
    assert Members.of(constants(1.0)).verdict is None
