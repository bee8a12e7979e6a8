"""Averages of values and of probabilities, and their weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from learnware.errors import InvalidParameter
from learnware.reuse import AveragingReuser, base

from .doubles import constants, fake_result

X = np.zeros((4, 2))


def answer(reuser: AveragingReuser) -> Any:
    return reuser.fit(X).predict(X)[0]


def test_weights_of_the_mixture_are_taken_up() -> None:
    result = fake_result(constants(0.0, 1.0, 5.0), mixed={1: 0.75, 2: 0.25})
    reuser = AveragingReuser(result)
    assert answer(reuser) == 2.0
    assert reuser.weights_.tolist() == [0.75, 0.25]


def test_all_hits_count_without_a_mixture_or_by_request() -> None:
    team = constants(0.0, 1.0, 5.0)
    assert answer(AveragingReuser(fake_result(team))) == pytest.approx(2.0)
    assert answer(AveragingReuser(fake_result(team, mixed={0: 1.0}), weights="uniform")) == pytest.approx(2.0)


def test_weights_by_distance() -> None:
    # at distances .1, .2: inverse squares 4 : 1
    assert answer(AveragingReuser(fake_result(constants(0.0, 5.0)), weights="distance")) == pytest.approx(1.0)
    with pytest.raises(InvalidParameter, match="needs the distances"):
        answer(AveragingReuser(constants(0.0), weights="distance"))


def test_weights_given() -> None:
    assert answer(AveragingReuser(constants(0.0, 4.0), weights=[3, 1])) == 1.0


@pytest.mark.parametrize("weights", [[1.0], [-1.0, 2.0], [0.0, 0.0], [np.nan, 1.0], "equal", None, [[1.0, 1.0]]])
def test_weights_refused(weights: Any) -> None:
    with pytest.raises(InvalidParameter, match="'weights' parameter of AveragingReuser must be"):
        answer(AveragingReuser(constants(0.0, 4.0), weights=weights))


def test_median_ignores_a_corrupted_learnware() -> None:
    team = constants(1.0, 1.1, 0.9, 1.0, 1e9)
    assert answer(AveragingReuser(team, method="median")) == 1.0
    assert answer(AveragingReuser(team)) > 1e8


def test_several_values_a_row() -> None:
    fitted = AveragingReuser(constants([0.0, 2.0], [2.0, 4.0])).fit(X)
    assert fitted.predict(X).tolist() == [[1.0, 3.0]] * 4


@pytest.mark.parametrize(
    ("method", "task"), [("median", "Classification"), ("vote", "Regression"), ("x", "Regression")]
)
def test_methods_refused(method: str, task: str) -> None:
    team = constants(1.0) if task == "Regression" else constants([1.0, 0.0], classes=[0, 1])
    with pytest.raises(InvalidParameter, match=f"AveragingReuser for {task.lower()} must be one of"):
        AveragingReuser(team, method=method).fit(X)


def test_probabilities_and_votes_differ() -> None:
    team = constants([0.51, 0.49], [0.51, 0.49], [0.0, 1.0], classes=["a", "b"])
    assert answer(AveragingReuser(team)) == "b"
    assert answer(AveragingReuser(team, method="mean")) == "b"
    assert answer(AveragingReuser(team, method="vote")) == "a"


def test_classes_are_the_sorted_union() -> None:
    team = constants([0.5, 0.5], [0.5, 0.5], classes=[["dog", "cat"], ["ant", "dog"]])
    fitted = AveragingReuser(team).fit(X)
    assert fitted.classes_.tolist() == ["ant", "cat", "dog"]
    np.testing.assert_allclose(fitted.predict_proba(X), 1 / 3, atol=0.02)


def test_the_many_who_lack_a_class_do_not_outvote_those_who_have_it() -> None:
    # A row of class 2: eight learnwares know only 0 and 1, two know 2 and are sure.
    team = constants(*[[0.9, 0.1]] * 8, [0.1, 0.9], [0.1, 0.9], classes=[[0, 1]] * 8 + [[0, 2], [1, 2]])
    assert answer(AveragingReuser(team)) == 2


def test_many_rows_are_answered_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    team = constants(0.0, 1.0)
    fitted = AveragingReuser(team).fit(X)
    monkeypatch.setattr(base, "_NUMBERS_PER_BLOCK", 20)
    before = team[0].n_calls
    assert fitted.predict(np.zeros((25, 2))).tolist() == [0.5] * 25
    assert team[0].n_calls - before == 3


def test_a_learnware_that_cannot_read_the_rows_is_found_in_fit() -> None:
    team = constants(0.0)

    def fail(X: Any) -> Any:
        raise InvalidParameter("too narrow")

    team[0].predict = fail
    with pytest.raises(InvalidParameter, match="too narrow"):
        AveragingReuser(team).fit(X)


def test_score_is_accuracy_or_the_coefficient_of_determination() -> None:
    assert AveragingReuser(constants([0.4, 0.6], classes=[0, 1])).fit(X).score(X, [1, 1, 1, 0]) == 0.75
    assert AveragingReuser(constants(2.5)).fit(X).score(X, [1.0, 2.0, 3.0, 4.0]) == 0.0
