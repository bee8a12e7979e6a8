"""Labels far off the prior: what bounds them, and when they are learned from as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from learnware.reuse import AutoReuser
from learnware.reuse.blend import BlendReuser
from learnware.reuse.heavy_tails import bounded, reach

from .doubles import FakeLearnware

SLOPES = np.array([1.0, -1.0, 0.5, 0.0])


def team(X: Any) -> list[FakeLearnware]:
    """Return six linear learnwares, each off the common slopes a little."""
    generator, learnwares = np.random.default_rng(5), []
    for _ in range(6):
        model = LinearRegression()
        model.coef_, model.intercept_ = SLOPES + generator.normal(0, 0.2, 4), 0.0
        learnwares.append(FakeLearnware(model, X[:50]))
    return learnwares


def sales(seed: int, n_rows: int = 500) -> tuple[Any, Any, Any]:
    """Return columns, values as the common slopes say, and whether a row is one of the few far below."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n_rows, 4))
    return X, X @ SLOPES + generator.normal(0, 0.3, n_rows), generator.random(n_rows) < 0.04


class TestBounded:
    def test_the_bound(self) -> None:
        truth = np.append(np.tile([-1.0, 1.0], 25), [40.0, -40.0])[:, None] + 7.0
        tau = 1.4826 * np.sqrt(52 / np.log(52))
        expected = np.append(np.tile([-1.0, 1.0], 25), [tau, -tau])[:, None] + 7.0
        np.testing.assert_allclose(bounded(truth, np.full((52, 1), 7.0)), expected)

    def test_near_labels_stay_to_the_bit(self) -> None:
        truth, prior = np.random.default_rng(0).normal(size=(2, 300, 2))
        np.testing.assert_array_equal(bounded(truth, prior), truth)

    def test_each_output_has_its_own_bound(self) -> None:
        truth = np.random.default_rng(0).normal(size=(100, 1)) * [1.0, 100.0]
        truth[0] = 200.0
        near = bounded(truth, np.zeros((100, 2)))
        assert near[0, 0] < 10.0
        assert near[0, 1] == 200.0

    def test_no_scale_no_bound(self) -> None:
        truth = np.append(np.zeros(9), 5.0)[:, None]
        np.testing.assert_array_equal(bounded(truth, np.zeros((10, 1))), truth)


class TestReach:
    def test_three_times_the_usual(self) -> None:
        corrections = np.tile([0.2, -0.2], 25)[:, None]
        np.testing.assert_allclose(reach(corrections), [0.6])

    def test_with_many_rows_what_returns_is_not_cut(self) -> None:
        often = int(np.ceil(2.0 * np.log(1000)))
        corrections = np.zeros((1000, 1))
        corrections[:often] = -7.0
        assert 7.0 <= reach(corrections)[0] < 7.3
        corrections[1:often] = 0.0
        assert reach(corrections)[0] < 2.0

    def test_each_output_has_its_own(self) -> None:
        np.testing.assert_allclose(reach(np.tile([1.0, -100.0], (3, 1))), [3.0, 300.0])


def test_rows_unlike_the_labelled_ones_are_corrected_no_farther_than_held_out_ones() -> None:
    X, y, _ = sales(0)
    X[:, 3] = np.clip(X[:, 3], -1.0, 1.0)
    y = y + 0.3 * X[:, 3]
    beyond = X[100:].copy()
    beyond[:, 3] = 50.0
    prior = AutoReuser(team(X)).fit(X)
    fitted = AutoReuser(team(X), random_state=0).fit(X[:100], y[:100], unlabelled=X[100:])
    usual, far = (fitted.predict(rows) - prior.predict(rows) for rows in (X[100:], beyond))
    assert isinstance(fitted.best_, BlendReuser)
    assert 0.0 < np.abs(far).max() < 2.0 * np.abs(usual).max()
    assert fitted.score(X[100:], y[100:]) > prior.score(X[100:], y[100:])


def test_where_the_prior_has_no_share_nothing_is_cut() -> None:
    X, y, _ = sales(0)
    y = y + 20.0 + 10.0 * X[:, 1] + 10.0 * (X[:, 0] > 0)
    fitted = AutoReuser(team(X), random_state=0).fit(X[:100], y[:100], unlabelled=X[100:])
    shares = {row["name"]: row["weight"] for row in fitted.leaderboard_}
    assert isinstance(fitted.best_, BlendReuser)
    assert fitted.best_.reach is None
    assert shares["consensus"] < 1e-3
    beyond = X[100:].copy()
    beyond[:, 1] = 50.0
    prior = AutoReuser(team(X)).fit(X).predict(beyond)
    assert np.abs(fitted.predict(beyond) - prior).max() > 200.0


def test_a_few_labels_far_off_do_not_make_it_worse_than_the_prior() -> None:
    losses = []
    for seed in range(4):
        X, y, far = sales(seed)
        y = y - 15.0 * far
        learnwares = team(X)
        blend = AutoReuser(learnwares, random_state=0).fit(X[:80], y[:80], unlabelled=X[80:])
        prior = AutoReuser(learnwares).fit(X)
        usual = ~far[80:]
        losses.append([((r.predict(X[80:]) - y[80:])[usual] ** 2).mean() for r in (blend, prior)])
    with_labels, without = np.mean(losses, axis=0)
    assert with_labels < without


def test_labels_far_off_that_return_are_learned() -> None:
    X, y, _ = sales(0)
    y = y - 15.0 * (X[:, 0] > 1.3)
    fitted = AutoReuser(team(X), random_state=0).fit(X[:150], y[:150], unlabelled=X[150:])
    assert fitted.score(X[150:], y[150:]) > 0.6


def test_the_leaderboard_tells_of_the_labels_as_they_are() -> None:
    X, y, far = sales(1)
    y = y - 15.0 * far
    fitted = AutoReuser(team(X), own_model=False, random_state=0).fit(X[:80], y[:80])
    prior = fitted.leaderboard_[[row["gain"] for row in fitted.leaderboard_].index(0.0)]
    answers = AutoReuser(team(X)).fit(X[:80]).predict(X[:80])
    assert prior["score"] == pytest.approx(1.0 - ((answers - y[:80]) ** 2).mean() / y[:80].var())
