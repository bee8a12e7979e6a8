"""The choice: by rule without labels, by cross-validation with them, never a bad one beyond noise."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

from learnware.errors import InvalidParameter
from learnware.reuse import AutoReuser, AveragingReuser, ConsensusReuser, JobSelectorReuser, Leaderboard, Reuser
from learnware.reuse.candidates import OwnModel

from .doubles import FakeLearnware, constants, fake_result


def sales(seed: int, n_labels: int, *, off: float) -> Any:
    """Return eight linear learnwares that are `off` the truth, labelled rows, and rows to test on."""
    generator = np.random.default_rng(seed)
    slopes = generator.normal(size=6)
    X = generator.normal(size=(n_labels + 400, 6))
    y = X @ slopes + generator.normal(0, 0.5, len(X))
    team = []
    for _ in range(8):
        model = LinearRegression()
        model.coef_, model.intercept_ = slopes + generator.normal(0, off, 6), 0.0
        team.append(FakeLearnware(model, X[:50]))
    return team, X[:n_labels], y[:n_labels], X[n_labels:], y[n_labels:]


class Noting(Ridge):
    """A model that notes, for itself and its clones, the values that it is fitted to."""

    def __init__(self, targets: list[Any]) -> None:
        super().__init__()
        self.targets = targets

    def __sklearn_clone__(self) -> Noting:
        return Noting(self.targets)

    def fit(self, X: Any, y: Any) -> Noting:
        self.targets.append(y)
        return super().fit(X, y)


def noting_rows(team: list[FakeLearnware]) -> list[int]:
    """Return a list that takes the numbers of rows that learnwares are asked for."""
    rows: list[int] = []
    for learnware in team:
        learnware.predict = lambda X, predict=learnware.predict: (rows.append(len(X)), predict(X))[1]
    return rows


def test_it_is_reached_through_the_facade() -> None:
    reuser = Reuser.auto(constants(1.0), cv=3)
    assert isinstance(reuser, AutoReuser)
    assert reuser.cv == 3


class TestWithoutLabels:
    def test_values_by_job_selector_where_the_rows_are_like_the_specifications(self) -> None:
        team, _, _, X, _ = sales(0, 0, off=0.3)
        fitted = AutoReuser(team).fit(X)
        assert isinstance(fitted.best_, JobSelectorReuser)
        assert fitted.best_.reject_share_ < 0.5

    def test_values_by_consensus_where_they_are_not(self) -> None:
        team, _, _, X, _ = sales(0, 0, off=0.3)
        X = X + 10.0
        fitted = AutoReuser(team).fit(X)
        assert isinstance(fitted.best_, ConsensusReuser)
        assert fitted.best_name_ == "consensus"
        np.testing.assert_array_equal(fitted.predict(X), ConsensusReuser(team).fit(X).predict(X))

    @pytest.mark.parametrize(
        ("verdict", "moved", "told", "expected"),
        [
            ("match", 10.0, True, JobSelectorReuser),
            ("weak", 10.0, True, JobSelectorReuser),
            ("nothing fits", 0.0, True, ConsensusReuser),
            ("match", 10.0, False, ConsensusReuser),
        ],
    )
    def test_values_as_the_search_said_if_it_compared_rows(
        self, verdict: str, moved: float, told: bool, expected: type
    ) -> None:
        team, _, _, X, _ = sales(0, 0, off=0.3)
        result = fake_result(team, mixed={0: 1.0})
        result.verdict = verdict
        for hit in result.hits:
            hit.distance = hit.distance if told else None
        assert isinstance(AutoReuser(result).fit(X + moved).best_, expected)

    def test_values_of_what_fits_but_cannot_be_compared_by_the_mixture(self) -> None:
        result = fake_result(constants(*range(6)), mixed={0: 0.5, 1: 0.5})
        assert AutoReuser(result).fit(np.zeros((3, 1))).predict([[0.0]]).item() == 0.5
        result.verdict = "nothing fits"
        assert AutoReuser(result).fit(np.zeros((3, 1))).best_name_ == "consensus"

    def test_classes_by_job_selector(self) -> None:
        X, y = make_classification(200, random_state=0)
        team = [FakeLearnware(LogisticRegression().fit(X[i::2], y[i::2]), X[i::2]) for i in range(2)]
        assert isinstance(AutoReuser(team).fit(X).best_, JobSelectorReuser)

    def test_few_learnwares_are_averaged_with_the_weights_of_the_mixture(self) -> None:
        result = fake_result(constants(0.0, 1.0, 5.0), mixed={2: 0.25, 1: 0.75})
        fitted = AutoReuser(result).fit(np.zeros((3, 1)))
        assert isinstance(fitted.best_, AveragingReuser)
        assert fitted.predict([[0.0]]).item() == 2.0

    def test_nothing_is_scored(self) -> None:
        board = AutoReuser(constants(0.0, 1.0)).fit(np.zeros((3, 1))).leaderboard_
        assert [(row["name"], row["score"], row["chosen"]) for row in board] == [("average", None, True)]


class TestWithLabels:
    def test_several_values_a_row(self) -> None:
        generator = np.random.default_rng(0)
        X, slopes = generator.normal(size=(120, 3)), generator.normal(size=(3, 2))
        y = X @ slopes
        team = [
            FakeLearnware(LinearRegression().fit(X, y + generator.normal(0, off, y.shape)), X[:50])
            for off in (0.5, 1.0)
        ]
        fitted = AutoReuser(team, random_state=0).fit(X[:40], y[:40])
        assert fitted.predict(X[40:]).shape == (80, 2)
        assert fitted.score(X[40:], y[40:]) > 0.99
        assert "stacking" in {row["name"] for row in fitted.leaderboard_}

    @pytest.mark.parametrize("n_labels", [5, 20, 80, 300])
    def test_never_worse_than_either_beyond_noise(self, n_labels: int) -> None:
        lost_to_prior, lost_to_own = [], []
        for seed in range(3):
            for off in (0.1, 2.0):
                team, X, y, X_test, y_test = sales(seed, n_labels, off=off)
                auto = AutoReuser(team, own_model=Ridge(), random_state=0).fit(X, y).score(X_test, y_test)
                lost_to_prior.append(AutoReuser(team).fit(X).score(X_test, y_test) - auto)
                lost_to_own.append(Ridge().fit(X, y).score(X_test, y_test) - auto)
        assert np.mean(lost_to_prior) < 0.01
        # With five labels nobody can know that training alone would have been better.
        assert n_labels == 5 or np.mean(lost_to_own) < 0.03

    def test_good_learnwares_win_at_few_labels_and_training_at_many(self) -> None:
        for n_labels, off, kinds in ((10, 0.1, ("label-free", "labels")), (300, 3.0, ("labels", "own model"))):
            team, X, y, _, _ = sales(1, n_labels, off=off)
            board = AutoReuser(team, random_state=0).fit(X, y).leaderboard_
            shares = {kind: sum(row["weight"] or 0.0 for row in board if row["kind"] == kind) for kind in kinds}
            assert sum(shares.values()) > 0.8

    @pytest.mark.parametrize("n_labels", [1, 2, 3, 5])
    @pytest.mark.parametrize("one_class", [True, False])
    def test_a_handful_of_labels(self, n_labels: int, one_class: bool) -> None:
        X, y = make_classification(200, random_state=0)
        team = [FakeLearnware(LogisticRegression().fit(X[i::2], y[i::2]), X[i::2]) for i in range(2)]
        order = np.argsort(y, kind="stable") if one_class else np.arange(200)
        fitted = AutoReuser(team, random_state=0).fit(X[order][:n_labels], y[order][:n_labels])
        assert fitted.score(X, y) > 0.8
        if n_labels == 1:
            assert fitted.best_name_ == "job selector"

    def test_a_class_that_no_learnware_knows(self) -> None:
        X, y = make_classification(400, n_classes=3, n_informative=6, class_sep=2.0, random_state=0)
        two = y != 2
        team = [FakeLearnware(LogisticRegression().fit(X[two][i::2], y[two][i::2])) for i in range(2)]
        fitted = AutoReuser(team, own_model=LogisticRegression(), random_state=0).fit(X[:150], y[:150])
        assert fitted.classes_.tolist() == [0, 1, 2]
        assert fitted.predict_proba(X).shape == (400, 3)
        assert fitted.score(X[150:], y[150:]) > 0.75
        prior = next(row for row in fitted.leaderboard_ if row["name"] == "average")
        assert prior["score"] <= np.mean(y[:150] != 2)

    def test_ones_own_model_gets_the_rows_as_they_are(self) -> None:
        seen = []

        class Spy(DummyClassifier):
            def fit(self, X: Any, y: Any) -> Any:
                seen.append(type(X))
                return super().fit(X, y)

        X = pd.DataFrame({"a": range(10), "b": list("xyxyxyxyxy")})
        team = constants([0.5, 0.5], classes=[0, 1])
        board = AutoReuser(team, own_model=Spy(), random_state=0).fit(X, [0, 1] * 5).leaderboard_
        assert set(seen) == {pd.DataFrame}
        assert "best single" in [row["name"] for row in board]
        assert "own model" in [row["name"] for row in board]
        board = AutoReuser(team, own_model=False, random_state=0).fit(X, [0, 1] * 5).leaderboard_
        assert "own model" not in [row["kind"] for row in board]

    def test_learnwares_are_asked_once_for_the_labelled_rows(self) -> None:
        team, X, y, _, _ = sales(0, 30, off=0.1)
        asked = noting_rows(team)
        AutoReuser(team, own_model=False, random_state=0).fit(X, y)
        assert asked.count(30) == len(team)

    def test_many_rows_are_sampled_for_the_choice(self) -> None:
        team, X, y, X_test, y_test = sales(0, 12_000, off=0.5)
        asked = noting_rows(team)
        own = Noting([])
        fitted = AutoReuser(team, own_model=own, random_state=0).fit(X, y)
        assert asked == [10_000] * len(team)
        assert [len(target) for target in own.targets] == [10_000, *[8_000] * 5, 12_000]
        assert fitted.score(X_test, y_test) > Ridge().fit(X, y).score(X_test, y_test) - 0.01

    def test_of_many_rows_no_label_far_off_passes_the_bounds(self) -> None:
        team, X, y, _, _ = sales(0, 12_000, off=0.5)
        far = np.random.default_rng(0).choice(len(y), 40, replace=False)
        y[far] -= 100.0
        own = Noting([])
        AutoReuser(team, own_model=own, random_state=0).fit(X, y)
        last = own.targets[-1]
        assert len(last) == len(y)
        assert np.abs(last).max() < 40.0
        near = np.setdiff1d(np.arange(len(y)), far)
        np.testing.assert_array_equal(last[near], y[near])

    def test_the_same_seed_gives_the_same_choice(self) -> None:
        team, X, y, _, _ = sales(0, 30, off=0.5)
        boards = [AutoReuser(team, random_state=7).fit(X, y).leaderboard_ for _ in range(2)]
        assert boards[0] == boards[1]

    def test_the_best_can_be_used_alone(self) -> None:
        team, X, y, X_test, _ = sales(0, 30, off=0.5)
        fitted = AutoReuser(team, random_state=0).fit(X, y)
        np.testing.assert_allclose(fitted.best_.predict(X_test), fitted.predict(X_test))
        np.testing.assert_allclose(deepcopy(fitted.best_).predict(X_test), fitted.predict(X_test))

    def test_a_clone_of_the_blend_says_that_it_cannot_be_fitted(self) -> None:
        team, X, y, X_test, _ = sales(0, 30, off=0.5)
        fitted = AutoReuser(team, random_state=0).fit(X, y)
        assert fitted.best_name_ == "blend"
        copy = clone(fitted.best_)
        with pytest.raises(NotFittedError):
            copy.predict(X_test)
        with pytest.raises(InvalidParameter, match="Fit Reuser.auto"):
            copy.fit(X, y)

    def test_a_clone_of_a_single_best_can_be_fitted(self) -> None:
        X = np.random.default_rng(0).normal(size=(1000, 2))
        y = X[:, 0] * 3.0
        fitted = AutoReuser(constants(50.0), own_model=LinearRegression(), random_state=0).fit(X, y)
        assert isinstance(fitted.best_, OwnModel)
        assert clone(fitted.best_).fit(X, y).score(X, y) > 0.99

    def test_parameters_refused(self) -> None:
        with pytest.raises(InvalidParameter, match="'cv' parameter of AutoReuser must be an int of at least 2"):
            AutoReuser(constants(1.0), cv=1).fit(np.zeros((3, 1)))

    def test_rows_without_labels_make_the_prior_better(self) -> None:
        gains = []
        for seed in range(8):
            team, X, y, X_test, y_test = sales(seed, 6, off=0.3)
            for broken in team[:3]:
                broken.model.coef_ = -broken.model.coef_
            few, more = (
                AutoReuser(team, own_model=False, random_state=0).fit(X, y, unlabelled=rows).score(X_test, y_test)
                for rows in (None, X_test)
            )
            gains.append(more - few)
        assert np.mean(gains) > 0.1

    def test_the_table(self) -> None:
        team, X, y, _, _ = sales(0, 40, off=1.0)
        board = AutoReuser(team, random_state=0).fit(X, y).leaderboard_
        assert isinstance(board, Leaderboard)
        scores = [row["score"] for row in board]
        assert scores == sorted(scores, reverse=True)
        assert sum(row["weight"] or 0.0 for row in board) == pytest.approx(1.0)
        assert {"stacking", "selection", "residual trees", "blend"} <= {row["name"] for row in board}
        assert "best single" not in {row["name"] for row in board}
        assert "gain over the prior" in str(board)
        assert "<b" not in str(board)
        assert "<td" in board._repr_html_()
        assert list(board.to_frame()["name"]) == [row["name"] for row in board]
        board[0]["name"] = "<script>"
        assert "<script>" not in board._repr_html_()


def test_a_few_values_leave_the_prior() -> None:
    team, X, y, X_test, _ = sales(0, 300, off=1.0)
    prior = AutoReuser(team).fit(X).predict(X_test)
    for n_labels in (1, 2, 4):
        fitted = AutoReuser(team, random_state=0).fit(X[:n_labels], y[:n_labels], unlabelled=X[n_labels:])
        np.testing.assert_allclose(fitted.predict(X_test), prior)
