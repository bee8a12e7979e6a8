"""Shares of classes without labels: what is absent is held back, what is as in training stays as it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from learnware.reuse import ConsensusReuser, JobSelectorReuser
from learnware.reuse.class_shares import ClassShift, training_shares
from learnware.reuse.members import Members
from learnware.specification import RKME, PointLabels

from .doubles import FakeLearnware, constants


def told(learnware: Any, X: Any, labels: Any, classes: Any) -> Any:
    """Give a learnware a specification of some rows with labels at its points."""
    weights = np.full(len(X), 1.0 / len(X))
    learnware.specification = SimpleNamespace(
        semantic=SimpleNamespace(name="told", task="Classification"),
        statistical=RKME(X, weights, labels=PointLabels(labels, tuple(classes))),
    )
    return learnware


def doubtful(n: int, n_classes: int, present: list[int], seed: int = 0) -> Any:
    """Return labels among some classes and cautious probabilities of all, right more often than not."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(present, n)
    scores = generator.normal(size=(n, n_classes)) + 2.0 * np.eye(n_classes)[labels]
    probabilities = np.exp(0.6 * scores)
    return probabilities / probabilities.sum(axis=1, keepdims=True), labels


@pytest.mark.parametrize("seed", range(4))
def test_absent_classes_are_held_back(seed: int) -> None:
    answers, labels = doubtful(600, 9, [0, 3, 4], seed)
    shift = ClassShift.estimate(answers, np.full(9, 1 / 9))
    adapted = shift.apply(answers)
    np.testing.assert_allclose(adapted.sum(axis=1), 1.0)
    assert shift.shares[[0, 3, 4]].min() > 3 * shift.shares[[1, 2, 5, 6, 7, 8]].max()
    before, after = (np.mean(p.argmax(axis=1) == labels) for p in (answers, adapted))
    restricted = np.mean(np.array([0, 3, 4])[answers[:, [0, 3, 4]].argmax(axis=1)] == labels)
    assert after > before + 0.5 * (restricted - before)


def test_all_classes_present_stay_as_they_are() -> None:
    answers, _ = doubtful(600, 5, [0, 1, 2, 3, 4])
    adapted = ClassShift.estimate(answers, np.full(5, 0.2)).apply(answers)
    np.testing.assert_allclose(adapted, answers, atol=1e-12)


def test_a_class_that_was_rare_in_training_too_is_not_held_back() -> None:
    answers = np.array([[0.97, 0.03]] * 190 + [[0.3, 0.7]] * 10)
    as_trained = ClassShift.estimate(answers, np.array([0.95, 0.05]))
    np.testing.assert_allclose(as_trained.apply(answers), answers, atol=1e-12)
    as_if_even = ClassShift.estimate(answers, np.array([0.5, 0.5]))
    assert as_if_even.apply(answers)[-1, 1] < 0.5


def test_a_single_row_changes_nothing() -> None:
    answers = np.array([[0.5, 0.3, 0.1, 0.1]])
    np.testing.assert_allclose(ClassShift.estimate(answers, np.full(4, 0.25)).apply(answers), answers)


def test_training_shares_are_coupled_over_class_sets() -> None:
    team = constants([0.5, 0.5], [0.5, 0.5], classes=[["a", "b"], ["b", "c"]])
    X = np.zeros((4, 1))
    told(team[0], X, [[1, 0], [1, 0], [1, 0], [0, 1]], ["a", "b"])
    told(team[1], X, [[0.25, 0.75]] * 4, ["b", "c"])
    shares = training_shares(Members.of(team), np.array(["a", "b", "c"]))
    np.testing.assert_allclose(shares, np.array([3, 1, 3]) / 7, atol=0.02)


def test_without_labels_nothing_is_told() -> None:
    team = constants([0.5, 0.5], [0.5, 0.5], classes=[["a", "b"], ["b", "c"]])
    classes = np.array(["a", "b", "c"])
    assert training_shares(Members.of(team), classes) is None
    told(team[0], np.zeros((2, 1)), [[0.5, 0.5]] * 2, ["a", "b"])
    assert training_shares(Members.of(team), classes) is None, "nobody tells of c"
    told(team[1], np.zeros((2, 1)), [[0.5, 0.5]] * 2, ["b", "c"])
    assert training_shares(Members.of(team), classes) is not None


def partial_experts(seed: int) -> Any:
    """Return learnwares of five digits each, all ten among them, and the rows of a user with four."""
    X, y = load_digits(return_X_y=True)
    X = X / 16.0
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(y))
    team = []
    for k in range(10):
        own = np.sort((k + generator.permutation(9)[:4] + 1) % 10)
        rows = [i for i in order[:1000] if y[i] in {*own, k}][k::3]
        model = LogisticRegression(C=0.05, max_iter=200).fit(X[rows], y[rows])
        team.append(told(FakeLearnware(model), X[rows], model.predict_proba(X[rows]), model.classes_.tolist()))
    user = [i for i in order[1000:] if y[i] < 4]
    return team, X[user], y[user]


@pytest.mark.parametrize("reuser", [ConsensusReuser, JobSelectorReuser])
def test_reusers_hold_back_what_the_user_does_not_have(reuser: Any) -> None:
    team, X, y = partial_experts(0)
    adapted = reuser(team, random_state=0).fit(X)
    assert adapted.shift_.shares[:4].sum() > 0.85
    right = np.mean(adapted.predict(X) == y)
    for learnware in team:
        statistical = learnware.specification.statistical
        learnware.specification.statistical = RKME(statistical.points, statistical.weights)
    plain = reuser(team, random_state=0).fit(X)
    assert plain.shift_ is None
    assert right > np.mean(plain.predict(X) == y) + 0.02
