"""The points of a learnware carry what its model answers there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, Perceptron

from learnware import RKME, Learnware, Specification
from learnware.bundle.specifying import checked_score
from learnware.errors import InvalidParameter
from learnware.specification import PointLabels

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 2)).round(3)
Y = np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]


def made(model: Any, y: Any = Y, **options: Any) -> Learnware:
    return Learnware.from_model(model.fit(X, y), X, y, name="A", random_state=0, n_points=20, **options)


def labels_of(learnware: Learnware) -> PointLabels:
    rkme = Learnware.from_bytes(learnware.to_bytes()).specification.statistical
    assert rkme is not None
    assert rkme.labels is not None
    return rkme.labels


def test_points_carry_probabilities() -> None:
    learnware = made(LogisticRegression(), score=0.97)
    labels = labels_of(learnware)
    assert (labels.classes, labels.score) == (("no", "yes"), 0.97)
    points = learnware.specification.statistical.points
    shares = learnware.predict_proba(points)
    np.testing.assert_allclose(labels.values, shares, atol=0.2)
    assert np.corrcoef(labels.values[:, 1], shares[:, 1])[0, 1] > 0.97


def test_points_carry_shares_of_labels_where_no_probability_is_told() -> None:
    labels = labels_of(made(Perceptron()))
    assert labels.classes == ("no", "yes")
    assert labels.score is None
    assert {0.0, 1.0} <= set(labels.values[:, 1])


def test_points_carry_values() -> None:
    targets = np.column_stack([X[:, 0] + 100.0, -X[:, 1]])
    learnware = made(LinearRegression(), targets)
    labels = labels_of(learnware)
    assert labels.classes is None
    np.testing.assert_allclose(labels.values, learnware.predict(learnware.specification.statistical.points), atol=0.6)


def test_a_sample_of_a_long_table_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("learnware.bundle.specifying._ASKED_ROWS", 50)
    answer = LogisticRegression.predict_proba
    monkeypatch.setattr(
        LogisticRegression, "predict_proba", lambda self, rows: asked.append(len(rows)) or answer(self, rows)
    )
    learnware = made(LogisticRegression())
    assert (max(asked), asked[-1]) == (64, 50)
    shares = learnware.predict_proba(learnware.specification.statistical.points)
    assert np.corrcoef(labels_of(learnware).values[:, 1], shares[:, 1])[0, 1] > 0.8


def test_memory_does_not_grow_with_rows_that_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("learnware.bundle.specifying._ASKED_ROWS", 200)
    shapes = []
    fit = RKME.from_data.__func__  # type: ignore[attr-defined]

    def spy(cls: Any, given: Any, *arguments: Any, **options: Any) -> RKME:
        shapes.append((len(given), np.shape(options["outputs"])))
        return fit(cls, given, *arguments, **options)

    monkeypatch.setattr(RKME, "from_data", classmethod(spy))
    made(LogisticRegression())
    assert shapes == [(400, (200, 2))]


def test_own_labels_are_kept_in_the_order_of_the_model() -> None:
    own = Specification.from_data(X, Y, n_points=20, random_state=0)
    swapped = PointLabels(own.statistical.labels.values[:, ::-1], ("yes", "no"), 0.5)
    rkme = own.statistical
    other = RKME(rkme.points, rkme.weights, rkme.space, rkme.location, rkme.scale, n_samples=400, labels=swapped)
    for given in (own, Specification(own.semantic, other)):
        labels = labels_of(made(LogisticRegression(), specification=given))
        np.testing.assert_array_equal(labels.values, own.statistical.labels.values)
        assert labels.classes == ("no", "yes")
    without = made(LogisticRegression(), specification=Specification.from_data(X))
    assert without.specification.statistical.labels is None


@pytest.mark.parametrize("y", [np.where(Y == "no", "never", "yes"), X[:, 0], (X[:, 0] > 0).astype(int)])
def test_labels_of_another_task_are_refused(y: Any) -> None:
    own = Specification.from_data(X, y, n_points=20, random_state=0)
    with pytest.raises(InvalidParameter, match="labels of the specification must be"):
        made(LogisticRegression(), specification=own)


def test_the_numbers_of_values_must_agree() -> None:
    own = Specification.from_data(X, X, n_points=20, random_state=0)
    with pytest.raises(InvalidParameter, match="1 value"):
        made(LinearRegression(), X[:, 0], specification=own)


def test_scores() -> None:
    assert checked_score(None, "Regression") is None
    assert checked_score(np.float32(0.5), "Classification") == 0.5
    assert checked_score(-3, "Regression") == -3.0
    for task, wrong in [("Classification", -0.1), ("Regression", 1.1), ("Regression", -np.inf), ("Regression", "good")]:
        with pytest.raises(InvalidParameter, match="'score' parameter"):
            checked_score(wrong, task)
