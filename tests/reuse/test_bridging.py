"""Learnwares that name other classes than the user."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from learnware.errors import InvalidData, InvalidParameter
from learnware.reuse import (
    AutoReuser,
    AveragingReuser,
    EnsembleSelectionReuser,
    LabelBridgeReuser,
    StackingReuser,
)
from learnware.reuse.bridging import BridgeHead, mixture_weights

from .doubles import FakeLearnware, constants, fake_result


@pytest.fixture(scope="module")
def digits() -> Any:
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    return X[order] / 16.0, y[order]


@pytest.fixture(scope="module")
def team(digits: Any) -> Any:
    """Return learnwares that know all digits, or half of them, as letters."""
    X, y = digits
    letters = np.array(list("abcdefghij"))[y]
    team = []
    for known, rows in (("abcdefghij", slice(0, 400)), ("abcde", slice(0, 600)), ("fghij", slice(0, 600))):
        own = np.isin(letters[rows], list(known))
        team.append(FakeLearnware(LogisticRegression(max_iter=300).fit(X[rows][own], letters[rows][own])))
    return team


@pytest.fixture(scope="module")
def parity(digits: Any) -> Any:
    X, y = digits
    return X[800:], np.where(y[800:] % 2 == 0, "even", "odd")


def test_a_table_is_read_off_the_labels() -> None:
    generator = np.random.default_rng(0)
    answers, target = generator.dirichlet(np.ones(3), 20), generator.integers(0, 2, 20)
    head = BridgeHead(answers, target, 2)
    share = np.bincount(target, minlength=2) / 20
    for z in range(3):
        for y in range(2):
            expected = (answers[target == y, z].sum() + share[y]) / (answers[:, z].sum() + 1.0)
            assert head.table[z, y] == pytest.approx(expected)
    np.testing.assert_allclose(head.answer(answers).sum(axis=1), 1.0)


def test_ones_own_row_has_no_part_in_the_sums_of_ones_table() -> None:
    generator = np.random.default_rng(0)
    answers, target = generator.dirichlet(np.ones(3), 12), generator.integers(0, 2, 12)
    left_out = BridgeHead(answers, target, 2).left_out()
    share = np.bincount(target, minlength=2) / 12
    for i in range(12):
        rest = np.arange(12) != i
        table = answers[rest].T @ np.eye(2)[target[rest]] + share
        table /= answers[rest].sum(axis=0)[:, None] + 1.0
        np.testing.assert_allclose(left_out[i], answers[i] @ table)


def test_weights_maximise_the_likelihood() -> None:
    chances = np.random.default_rng(0).random((3, 40))
    others = np.random.default_rng(1).dirichlet(np.ones(3), 4000)

    def likelihood(w: Any) -> float:
        return float(np.log(w @ chances).sum() + np.log(w).mean())

    assert likelihood(mixture_weights(chances)) >= max(map(likelihood, others)) - 1e-2


@pytest.mark.parametrize("n_labels", [20, 100])
def test_translated_learnwares_beat_training_alone(n_labels: int, team: Any, parity: Any) -> None:
    X, y = parity
    fitted = LabelBridgeReuser(team).fit(X[:n_labels], y[:n_labels])
    assert fitted.classes_.tolist() == ["even", "odd"]
    own = LogisticRegression(max_iter=300).fit(X[:n_labels], y[:n_labels]).score(X[300:], y[300:])
    assert fitted.score(X[300:], y[300:]) > own
    assert fitted.leep_.argmax() == 0
    assert fitted.weights_.argmax() == 0


@pytest.mark.parametrize("kind", [AutoReuser, EnsembleSelectionReuser, StackingReuser])
def test_foreign_learnwares_are_candidates(kind: Any, team: Any, parity: Any) -> None:
    X, y = parity
    native = constants([0.6, 0.4], classes=["even", "odd"])
    fitted = kind([*team, *native], own_model=False, random_state=0).fit(X[:100], y[:100])
    assert fitted.classes_.tolist() == ["even", "odd"]
    assert fitted.score(X[300:], y[300:]) > 0.85


@pytest.mark.parametrize("kind", [AutoReuser, EnsembleSelectionReuser, StackingReuser])
def test_where_all_are_foreign(kind: Any, team: Any, parity: Any) -> None:
    X, y = parity
    fitted = kind(team, own_model=False, random_state=0).fit(X[:100], y[:100])
    assert fitted.score(X[300:], y[300:]) > 0.85


def test_a_class_of_a_single_label_keeps_a_chance() -> None:
    answers, target = np.random.default_rng(0).dirichlet(np.ones(3), 12), np.array([1] + [0] * 11)
    assert BridgeHead(answers, target, 2).left_out()[0, 1] > 0.01


def test_where_too_few_labels_speak_for_any(team: Any, parity: Any) -> None:
    X, y = parity
    fitted = StackingReuser(team, own_model=False, random_state=0).fit(X[:3], y[:3])
    assert not fitted.weights_.any()
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1.0)


def test_labels_of_another_type(team: Any, parity: Any) -> None:
    X, y = parity
    numbers = (y == "odd").astype(int)
    result = fake_result([*constants([0.5, 0.5], classes=[0, 1]), *team])
    fitted = AutoReuser(result, own_model=False, random_state=0).fit(X[:100], numbers[:100])
    assert fitted.classes_.tolist() == [0, 1]
    assert fitted.score(X[300:], numbers[300:]) > 0.85


def test_without_labels_they_are_left_out_with_a_warning(team: Any, parity: Any) -> None:
    result = fake_result([*constants([0.3, 0.7], classes=[0, 1]), *team])
    with pytest.warns(UserWarning, match="not named by numbers there"):
        fitted = AutoReuser(result).fit(parity[0])
    assert fitted.classes_.tolist() == [0, 1]
    with pytest.warns(UserWarning, match="not named by numbers there"):
        AveragingReuser(result).fit(parity[0])


def test_learnwares_that_share_a_class_by_way_of_others_are_not_foreign() -> None:
    team = constants([0.5, 0.5], [0.5, 0.5], [0.5, 0.5], classes=[["a", "b"], ["b", "c"], ["x", "z"]])
    fitted = AutoReuser(team, own_model=False).fit(np.zeros((4, 1)), ["a", "b", "a", "b"])
    assert fitted.classes_.tolist() == ["a", "b", "c"]
    assert fitted._members.foreign == (2,)


def test_what_cannot_be_bridged() -> None:
    with pytest.raises(InvalidParameter, match="predict values"):
        LabelBridgeReuser(constants(1.0)).fit(np.zeros((2, 1)), [1.0, 2.0])
    with pytest.raises(InvalidData, match="requires y"):
        LabelBridgeReuser(constants([0.5, 0.5], classes=[0, 1])).fit(np.zeros((2, 1)))
    with pytest.raises(InvalidData, match="At least two labels"):
        AutoReuser(constants([0.5, 0.5], classes=[0, 1])).fit(np.zeros((1, 1)), ["a"])
