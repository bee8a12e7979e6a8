"""Few labels, odd labels, odd columns, and the honesty of one's own model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier

from learnware.errors import InvalidData
from learnware.reuse import AveragingReuser, FeatureAugmentReuser, SingleBestReuser
from learnware.reuse.features import TableFeatures

from .doubles import FakeLearnware, constants


@pytest.fixture(scope="module")
def iris() -> Any:
    X, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    return X[order], np.array(["a", "b", "c"])[y[order]]


@pytest.fixture
def team(iris: Any) -> list[FakeLearnware]:
    """Return learnwares that are right about two columns each."""
    X, y = iris
    pairs = [("a", "b"), ("b", "c"), ("a", "c")]
    return [FakeLearnware(LogisticRegression().fit(X[np.isin(y, p)][:20], y[np.isin(y, p)][:20])) for p in pairs]


@pytest.mark.parametrize("n_labels", [1, 2, 3, 5, 20])
def test_few_labels(n_labels: int, iris: Any, team: Any) -> None:
    X, y = iris
    fitted = FeatureAugmentReuser(team).fit(X[:n_labels], y[:n_labels])
    assert fitted.classes_.tolist() == ["a", "b", "c"]
    answer = fitted.predict_proba(X)
    np.testing.assert_allclose(answer.sum(axis=1), 1.0)
    assert not answer[:, ~np.isin(fitted.classes_, y[:n_labels])].any()
    if n_labels == 20:
        assert fitted.score(X[20:], y[20:]) > 0.9


def test_a_class_of_one_row_and_a_class_that_nobody_knows(iris: Any, team: Any) -> None:
    X, y = iris[0], iris[1].astype("<U3")
    y[0] = "new"
    fitted = FeatureAugmentReuser(team).fit(X[:30], y[:30])
    assert fitted.classes_.tolist() == ["a", "b", "c", "new"]
    assert fitted.score(X[30:], y[30:]) > 0.9


@pytest.mark.parametrize("n_labels", [1, 2, 3, 10])
def test_few_values(n_labels: int) -> None:
    X = np.random.default_rng(0).normal(size=(50, 3))
    y = X @ [1.0, 2.0, 3.0]
    learnwares = [FakeLearnware(LinearRegression().fit(X, y + X[:, k])) for k in range(3)]
    assert np.isfinite(FeatureAugmentReuser(learnwares).fit(X[:n_labels], y[:n_labels]).predict(X)).all()


def test_it_learns_what_the_learnwares_get_wrong() -> None:
    X = np.random.default_rng(0).normal(size=(200, 3))
    y = X @ [1.0, 2.0, 3.0]
    off = [FakeLearnware(LinearRegression().fit(X, -y))]
    assert AveragingReuser(off).fit(X).score(X, y) < -2
    assert FeatureAugmentReuser(off).fit(X[:30], y[:30]).score(X[30:], y[30:]) > 0.99


def test_units_of_the_columns_do_not_matter() -> None:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(60, 3))
    y = X @ [1.0, 2.0, 3.0] + generator.normal(0, 0.5, 60)
    answers = []
    for units in (np.ones(3), np.array([1e-3, 1.0, 1e3])):
        learnwares = [FakeLearnware(LinearRegression().fit(X * units, X[:, 0] + X[:, 1]))]
        answers.append(FeatureAugmentReuser(learnwares).fit(X[:20] * units, y[:20]).predict(X * units))
    np.testing.assert_allclose(*answers, rtol=1e-6)


def test_columns_of_text_dates_and_missing_values() -> None:
    generator = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "number": generator.normal(size=80),
            "shop": generator.choice(["north", "south", None], 80),
            "day": pd.date_range("2026-01-01", periods=80),
            "open": generator.random(80) < 0.5,
        }
    )
    y = np.where(X["shop"] == "north", 5.0, 0.0) + X["number"]
    X.loc[::9, "number"] = np.nan
    fitted = FeatureAugmentReuser(constants(1.0)).fit(X[:60], y[:60])
    rest = X[60:].copy()
    assert fitted.score(rest, y[60:]) > 0.8
    rest.iloc[0, 1] = "west"
    assert np.isfinite(fitted.predict(rest)).all()


def test_ones_own_model_is_trusted_as_far_as_it_deserves() -> None:
    # A nearest neighbour knows all training rows by heart and little else. Fitted on its answers to its own training
    # rows, the linear model would follow it blindly.
    generator = np.random.default_rng(0)
    X = generator.normal(size=(300, 8))
    y = X @ np.ones(8) + generator.normal(0, 1.0, 300)
    learnwares = [FakeLearnware(LinearRegression().fit(X, X @ np.ones(8)))]
    memory = KNeighborsRegressor(1)
    honest = FeatureAugmentReuser(learnwares, own_model=memory).fit(X[:100], y[:100])
    plain = FeatureAugmentReuser(learnwares).fit(X[:100], y[:100])
    assert honest.score(X[100:], y[100:]) > plain.score(X[100:], y[100:]) - 0.02
    assert memory.fit(X[:100], y[:100]).score(X[100:], y[100:]) < honest.score(X[100:], y[100:]) - 0.2


def test_any_estimator_can_learn_the_combination(iris: Any, team: Any) -> None:
    X, y = iris
    fitted = FeatureAugmentReuser(team, estimator=DecisionTreeClassifier(random_state=0)).fit(X[:40], y[:40])
    assert isinstance(fitted.estimator_, DecisionTreeClassifier)
    assert fitted.score(X[40:], y[40:]) > 0.85


def test_labels_are_needed(team: Any, iris: Any) -> None:
    with pytest.raises(InvalidData, match="requires y to be passed"):
        FeatureAugmentReuser(team).fit(iris[0])


def test_the_single_best_is_found(iris: Any) -> None:
    X, y = iris
    good = FakeLearnware(LogisticRegression(max_iter=500).fit(X, y))
    bad = constants([0.0, 0.0, 1.0], [1.0, 0.0, 0.0], classes=["a", "b", "c"])
    fitted = SingleBestReuser([*bad, good]).fit(X[:10], y[:10])
    assert fitted.best_index_ == 2
    np.testing.assert_array_equal(fitted.predict(X), good.predict(X))
    assert fitted.losses_.argmin() == 2


class TestTableFeatures:
    def test_unseen_and_missing_values(self) -> None:
        features = TableFeatures().fit(pd.DataFrame({"a": [1.0, 2.0, None], "b": ["x", None, "y"]}))
        new = features.transform(pd.DataFrame({"a": [None, 1.5], "b": ["z", None]}))
        np.testing.assert_allclose(new, [[0, 0, 0, 0], [0, 1, 0, 0]], atol=1e-12)

    def test_rare_categories_share_an_indicator(self) -> None:
        values = np.array([[f"v{i % 40}"] for i in range(80)], dtype=object)
        assert TableFeatures(max_categories=5).fit_transform(values).shape == (80, 5)

    def test_a_column_without_values(self) -> None:
        features = TableFeatures().fit(pd.DataFrame({"a": [1.0, 2.0], "b": [None, None]}))
        assert features.transform(pd.DataFrame({"a": [1.5], "b": [None]})).tolist() == [[0.0, 0.0]]

    def test_numbers_that_became_text(self) -> None:
        features = TableFeatures().fit(pd.DataFrame({"a": [1.0, 2.0]}))
        with pytest.raises(InvalidData, match="'a' held numbers in fit and holds text now"):
            features.transform(pd.DataFrame({"a": ["one"]}))


def test_a_few_labels_that_say_nothing_leave_the_mean_of_the_learnwares() -> None:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(400, 20))
    truth = 10.0 * X[:, 0]
    team = [FakeLearnware(LinearRegression().fit(X, truth + generator.normal(0, s, 400))) for s in (1.0, 2.0)]
    few, rest = slice(0, 6), slice(6, None)
    noisy = truth[few] + generator.normal(0.0, 0.5, 6)
    error = np.mean((FeatureAugmentReuser(team).fit(X[few], noisy).predict(X[rest]) - truth[rest]) ** 2)
    assert error < 0.05 * truth.var()
