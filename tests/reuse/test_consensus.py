"""Agreement finds the bad ones without labels."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from learnware.errors import InvalidParameter
from learnware.reuse import AveragingReuser, ConsensusReuser

from .doubles import FakeLearnware, Fixed, constants


def noisy_market(n_good: int, n_bad: int, seed: int = 0) -> Any:
    """Return linear models that are off a little and some that are off a lot, rows, and the truth."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(200, 5))
    slopes = generator.normal(size=5)
    spreads = [0.3] * n_good + [4.0] * n_bad
    models = []
    for spread in spreads:
        model = LinearRegression()
        model.coef_, model.intercept_ = slopes + generator.normal(0, spread, 5), 0.0
        models.append(FakeLearnware(model))
    order = generator.permutation(len(models))
    return [models[i] for i in order], np.array(spreads)[order] > 1, X, X @ slopes


@pytest.mark.parametrize("seed", range(5))
def test_bad_learnwares_drop_out(seed: int) -> None:
    team, bad, X, y = noisy_market(10, 4, seed)
    fitted = ConsensusReuser(team, n_members=7).fit(X)
    assert not bad[fitted.chosen_].any()
    error = np.mean((fitted.predict(X) - y) ** 2)
    assert error < np.mean((AveragingReuser(team).fit(X).predict(X) - y) ** 2)
    singles = np.array([np.mean((learnware.predict(X) - y) ** 2) for learnware in team])
    assert error < 0.5 * singles[~bad].mean()


def test_two_thirds_are_kept_unless_told() -> None:
    team, _, X, _ = noisy_market(9, 0)
    assert len(ConsensusReuser(team).fit(X).chosen_) == 6
    assert len(ConsensusReuser(team, n_members=30).fit(X).chosen_) == 9


def test_only_the_chosen_are_asked_to_predict() -> None:
    team, _, X, _ = noisy_market(4, 2)
    fitted = ConsensusReuser(team).fit(X)
    before = [learnware.n_calls for learnware in team]
    fitted.predict(X)
    asked = [learnware.n_calls - n for learnware, n in zip(team, before, strict=True)]
    assert asked == [int(i in fitted.chosen_) for i in range(6)]


def test_a_learnware_of_one_class_tells_nothing() -> None:
    team = constants([0.9, 0.1], [0.8, 0.2], [1.0], classes=[["a", "b"], ["a", "b"], ["c"]])
    fitted = ConsensusReuser(team, n_members=2).fit(np.zeros((5, 1)))
    assert sorted(fitted.chosen_) == [0, 1]
    assert np.isinf(fitted.disagreement_[2])
    assert fitted.predict(np.zeros((1, 1))).tolist() == ["a"]


def test_who_alone_knows_a_class_stays_unless_told_how_many() -> None:
    team = constants([0.9, 0.1], [0.8, 0.2], [1.0], classes=[["a", "b"], ["a", "b"], ["c"]])
    assert set(ConsensusReuser(team).fit(np.zeros((5, 1))).chosen_) == {0, 1, 2}
    sets = [np.arange(4)] * 8 + [np.array([0, 1, 2, 4]), np.array([0, 1, 2])]
    team, X, _ = classifiers(5, sets, bad=(8, 9))
    fitted = ConsensusReuser(team).fit(X[X[:, 0] < 4])
    assert set(fitted.chosen_) == set(range(9))
    assert fitted.chosen_[-1] == 8, "the best first"


def test_next_to_copies_of_one_model_a_tiny_difference_is_no_outlier() -> None:
    for odd, kept in (([0.4 - 1e-7, 0.6 + 1e-7], True), ([0.1, 0.9], False)):
        team = constants(*[[0.5, 0.5]] * 2, *[[0.6, 0.4]] * 5, odd, classes=["a", "b"])
        fitted = ConsensusReuser(team, n_voters=2).fit(np.zeros((5, 1)))
        assert set(fitted.chosen_) == set(range(8 if kept else 7))


def classifiers(n_classes: int, sets: Any, *, bad: Any = (), seed: int = 0) -> Any:
    """Return models of some classes each, right and sure, the bad ones of the wrong class; rows, and the truth."""
    generator = np.random.default_rng(seed)
    X = generator.integers(n_classes, size=(150, 1)).astype(float)
    team = []
    for k, own in enumerate(sets):
        names = np.roll(own, 1) if k in bad else own

        def answer(rows: Any, names: Any = names, k: int = k) -> Any:
            noise = np.random.default_rng(k).random((len(rows), len(names)))
            scores = 0.3 + 0.3 * noise + 2.0 * (np.asarray(rows)[:, :1] == names)
            return scores / scores.sum(axis=1, keepdims=True)

        model = Fixed([1.0] * len(own), own)
        model.predict_proba = answer  # type: ignore[method-assign]
        team.append(FakeLearnware(model))
    return team, X, X[:, 0]


@pytest.mark.parametrize("seed", range(3))
def test_corrupted_classifiers_are_outliers_whatever_classes_they_know(seed: int) -> None:
    draw = np.random.default_rng(seed)
    sets = [np.sort(draw.permutation(6)[:4]) for _ in range(14)]
    team, X, y = classifiers(6, sets, bad=(1, 5, 8), seed=seed)
    fitted = ConsensusReuser(team).fit(X)
    assert not {1, 5, 8} & set(fitted.chosen_.tolist())
    assert len(fitted.chosen_) >= 9, "for classes all but outliers stay, since a class may be known to few"
    assert np.mean(fitted.predict(X) == y) == 1.0


def test_rows_are_sampled() -> None:
    team, _, X, _ = noisy_market(5, 0)
    seen = []

    def predict(rows: Any) -> Any:
        seen.append(len(rows))
        return np.zeros(len(rows))

    team[0].predict = predict
    ConsensusReuser(team, max_rows=50, random_state=0).fit(X)
    assert seen == [50]


@pytest.mark.parametrize("parameter", ["n_voters", "n_members", "max_rows"])
def test_parameters_refused(parameter: str) -> None:
    with pytest.raises(InvalidParameter, match=f"'{parameter}' parameter of ConsensusReuser must be a positive int"):
        ConsensusReuser(constants(1.0), **{parameter: 0}).fit(np.zeros((2, 1)))


class _Found:
    """What a search hands over: a learnware and its distance."""

    def __init__(self, learnware: Any, distance: float | None) -> None:
        self.learnware, self.distance = learnware, distance


def test_only_learnwares_within_reach_are_candidates() -> None:
    team, _, X, _ = noisy_market(12, 0)
    distances = [0.1 * 1.05**i for i in range(7)] + [0.5] * 5
    found = [_Found(learnware, distance) for learnware, distance in zip(team, distances, strict=True)]
    assert set(ConsensusReuser(found, n_members=12).fit(X).chosen_) == set(range(7))
    assert set(ConsensusReuser(found, n_members=12, reach=1.01).fit(X).chosen_) == set(range(5))
    for reach in (100.0, np.float32(100), np.int64(100), Fraction(100)):
        assert set(ConsensusReuser(found, n_members=12, reach=reach).fit(X).chosen_) == set(range(12))
    found[3].distance = None
    assert set(ConsensusReuser(found, n_members=12).fit(X).chosen_) == set(range(12))


@pytest.mark.parametrize("reach", [0.5, "far", True, np.True_, float("nan")])
def test_reach_refused(reach: Any) -> None:
    team, _, X, _ = noisy_market(5, 0)
    with pytest.raises(InvalidParameter, match="'reach' parameter of ConsensusReuser must be a number of at least 1"):
        ConsensusReuser(team, reach=reach).fit(X)
