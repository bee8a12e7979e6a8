"""Shares, rejection and gates on mixtures of known proportions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score

from learnware.errors import IncomparableSpaces, InvalidParameter
from learnware.reuse import JobSelectorReuser
from learnware.specification import RKME

from .doubles import FakeLearnware, Fixed, constants, domains

N_ROWS = 1000


def market(n_features: int, seed: int, *, gap: float = 6.0) -> Any:
    """Return three learnwares that answer their own number, and a function that draws rows of four domains."""
    draw = domains(4, n_features, gap=gap, seed=seed)
    team = [FakeLearnware(Fixed(float(k)), draw(k, 2000), n_points=300) for k in range(3)]
    return team, draw


def rows_of(draw: Any, shares: list[float]) -> Any:
    counts = [round(share * N_ROWS) for share in shares]
    X = np.vstack([draw(k, n) for k, n in enumerate(counts)])
    return X, np.repeat(np.arange(4), counts)


@pytest.mark.parametrize("n_features", [2, 10])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_shares_are_recovered(n_features: int, seed: int) -> None:
    team, draw = market(n_features, seed)
    X, _ = rows_of(draw, [0.5, 0.3, 0.2, 0.0])
    fitted = JobSelectorReuser(team, random_state=0).fit(X)
    np.testing.assert_allclose(fitted.weights_, [0.5, 0.3, 0.2], atol=0.05)
    assert fitted.reject_share_ < 0.05
    assert fitted.weights_.sum() + fitted.reject_share_ == pytest.approx(1.0)


@pytest.mark.parametrize("n_features", [2, 10])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_an_unknown_domain_is_told(n_features: int, seed: int) -> None:
    team, draw = market(n_features, seed)
    X, origin = rows_of(draw, [0.5, 0.3, 0.0, 0.2])
    fitted = JobSelectorReuser(team, random_state=0).fit(X)
    np.testing.assert_allclose([*fitted.weights_, fitted.reject_share_], [0.5, 0.3, 0.0, 0.2], atol=0.05)
    unknown = fitted.responsibilities(X)[:, -1]
    assert roc_auc_score(origin == 3, unknown) >= 0.9
    assert np.mean(fitted.rejected(X) == (origin == 3)) >= 0.9


def test_rows_go_to_their_own_learnware() -> None:
    team, draw = market(5, 0)
    X, origin = rows_of(draw, [0.4, 0.3, 0.3, 0.0])
    hard = JobSelectorReuser(team, gate="hard", random_state=0).fit(X)
    assert np.mean(hard.predict(X).round(6) == origin) > 0.97
    soft = JobSelectorReuser(team, random_state=0).fit(X)
    assert np.abs(soft.predict(X) - origin).mean() < 0.1


def test_responsibilities_are_a_distribution_of_each_row() -> None:
    team, draw = market(3, 1, gap=1.5)
    X, _ = rows_of(draw, [0.25, 0.25, 0.25, 0.25])
    shares = JobSelectorReuser(team, random_state=0).fit(X).responsibilities(draw(1, 50))
    assert shares.shape == (50, 4)
    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)


def test_a_row_is_not_its_own_evidence() -> None:
    # A lone row far away: counted in, its own kernel would make it look like a domain that somebody knows.
    team, draw = market(2, 0)
    X, _ = rows_of(draw, [0.5, 0.3, 0.2, 0.0])
    X = np.vstack([X, [[50.0, 50.0]]])
    fitted = JobSelectorReuser(team, random_state=0).fit(X)
    assert fitted.rejected(X[-1:]).item()
    density = fitted._user_height(fitted._frame.apply(X[:5]))
    kernel = fitted._kernel(fitted._frame.apply(X[:5]), fitted._rows)
    expected = [(row.sum() - row[i]) / (len(X) - 1) for i, row in enumerate(kernel)]
    np.testing.assert_allclose(density, expected, rtol=1e-6)


def test_rows_unlike_all_learnwares_are_still_answered() -> None:
    team, _ = market(2, 0)
    far = np.full((30, 2), 1000.0) + np.random.default_rng(0).normal(size=(30, 2))
    fitted = JobSelectorReuser(team, random_state=0).fit(far)
    assert fitted.reject_share_ > 0.99
    assert np.isfinite(fitted.predict(far)).all()


def test_many_rows_are_sampled() -> None:
    team, draw = market(2, 0)
    X, _ = rows_of(draw, [0.5, 0.3, 0.2, 0.0])
    fitted = JobSelectorReuser(team, max_rows=200, random_state=0).fit(X)
    assert len(fitted._rows) == 200
    np.testing.assert_allclose(fitted.weights_, [0.5, 0.3, 0.2], atol=0.1)


def test_one_row() -> None:
    team, draw = market(2, 0)
    fitted = JobSelectorReuser(team).fit(draw(1, 1))
    assert fitted.weights_.argmax() == 1


def test_units_of_the_columns_do_not_matter() -> None:
    units = np.array([1e-6, 1e6])
    answers = []
    for factor in (np.ones(2), units):
        draw = domains(4, 2, seed=3)
        team = [FakeLearnware(Fixed(float(k)), draw(k, 500) * factor, n_points=200) for k in range(3)]
        X, _ = rows_of(draw, [0.5, 0.3, 0.1, 0.1])
        answers.append(JobSelectorReuser(team, random_state=0).fit(X * factor).weights_)
    np.testing.assert_allclose(*answers, atol=1e-6)


def test_missing_values_and_names() -> None:
    generator = np.random.default_rng(0)
    frames = [pd.DataFrame({"a": generator.normal(m, 1, 300), "b": generator.normal(m, 1, 300)}) for m in (-4, 4)]
    team = []
    for k, frame in enumerate(frames):
        learnware = FakeLearnware(Fixed(float(k)))
        learnware.specification.statistical = RKME.from_data(frame, 20, random_state=0)
        team.append(learnware)
    X = pd.concat([frames[0], frames[1].iloc[:100]])
    X.iloc[::7, 0] = np.nan
    fitted = JobSelectorReuser(team, random_state=0).fit(X[["b", "a"]])
    np.testing.assert_allclose(fitted.weights_, [0.75, 0.25], atol=0.1)


def test_classes_are_joined_row_by_row() -> None:
    draw = domains(2, 2, seed=0)
    team = constants([0.9, 0.1], [0.8, 0.2], classes=[["a", "b"], ["c", "d"]])
    for k, learnware in enumerate(team):
        points = draw(k, 200)
        learnware.specification.statistical = RKME(points, np.full(200, 1 / 200))
    X = np.vstack([draw(0, 50), draw(1, 50)])
    assert JobSelectorReuser(team, random_state=0).fit(X).predict(X).tolist() == ["a"] * 50 + ["c"] * 50


def test_specifications_are_needed_and_must_compare() -> None:
    X = np.zeros((5, 2))
    with pytest.raises(InvalidParameter, match="has no statistical specification"):
        JobSelectorReuser(constants(1.0)).fit(X)
    wide = FakeLearnware(LinearRegression(), np.zeros((10, 3)))
    with pytest.raises(IncomparableSpaces):
        JobSelectorReuser([FakeLearnware(Fixed(1.0), np.zeros((10, 2))), wide]).fit(X)


@pytest.mark.parametrize("parameter", [{"gate": "firm"}, {"max_rows": 1}, {"max_rows": 2.5}])
def test_parameters_refused(parameter: Any) -> None:
    with pytest.raises(InvalidParameter, match="of JobSelectorReuser must be"):
        JobSelectorReuser([FakeLearnware(Fixed(1.0), np.zeros((10, 2)))], **parameter).fit(np.zeros((5, 2)))
