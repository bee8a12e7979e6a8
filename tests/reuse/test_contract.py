"""The contract that third parties run, on our own reusers and on broken ones; and the whole way through a market."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

from learnware import Learnware, Market, Specification
from learnware.errors import ColumnMismatch
from learnware.reuse import (
    AutoReuser,
    AveragingReuser,
    ConsensusReuser,
    EnsembleSelectionReuser,
    FeatureAugmentReuser,
    JobSelectorReuser,
    Reuser,
    SingleBestReuser,
    StackingReuser,
)
from learnware.testing import check_reuser

ALL = (AveragingReuser, ConsensusReuser, FeatureAugmentReuser, JobSelectorReuser, SingleBestReuser)


@pytest.mark.parametrize("kind", ALL)
def test_the_contract_holds(kind: Any) -> None:
    check_reuser(kind)


@pytest.mark.parametrize("kind", [EnsembleSelectionReuser, StackingReuser])
def test_the_contract_holds_for_combinations(kind: Any) -> None:
    check_reuser(lambda learnwares: kind(learnwares, own_model=False, random_state=0))


def test_the_contract_holds_for_the_choice() -> None:
    check_reuser(lambda learnwares: AutoReuser(learnwares, own_model=False, cv=2, random_state=0))


class Copies(AveragingReuser):
    def __init__(self, learnwares: Any) -> None:
        super().__init__(list(learnwares))


class Blends(AveragingReuser):
    def _combine(self, X: Any, outputs: Any) -> Any:
        answer = super()._combine(X, outputs)
        return answer - answer.mean(axis=0) + outputs[0, 0]


class Unbalanced(AveragingReuser):
    def _combine(self, X: Any, outputs: Any) -> Any:
        return 2.0 * super()._combine(X, outputs)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Copies, "store learnwares as they are"),
        (Blends, "must not depend on the other rows"),
        (Unbalanced, "sum to one"),
    ],
)
def test_the_contract_finds(kind: Any, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_reuser(kind)


@pytest.fixture(scope="module")
def digits() -> Any:
    X, y = load_digits(return_X_y=True, as_frame=True)
    order = np.random.default_rng(0).permutation(len(X))
    return X.iloc[order].reset_index(drop=True), y.to_numpy()[order]


@pytest.fixture(scope="module")
def market(digits: Any) -> Any:
    """Return a market of models that know five digits each."""
    X, y = digits
    generator = np.random.default_rng(0)
    with Market.open() as market:
        for i in range(12):
            known = generator.choice(10, 5, replace=False)
            rows = np.flatnonzero(np.isin(y[:1000], known))[:200]
            model = RandomForestClassifier(20, random_state=i).fit(X.iloc[rows], y[rows])
            name = f"Digits {sorted(known.tolist())}"
            learnware = Learnware.from_model(
                model, X.iloc[rows], y[rows], name=name, task="classification", n_points=30, random_state=0
            )
            market.submit(learnware)
        yield market


@pytest.fixture(scope="module")
def user(digits: Any) -> Any:
    X, y = digits[0].iloc[1000:], digits[1][1000:]
    rows = np.isin(y, [1, 3, 5, 7, 8])
    return X[rows], y[rows]


def test_from_a_search_to_predictions(market: Any, user: Any) -> None:
    X, y = user
    result = market.search(Specification.from_data(X, task="classification", random_state=0), limit=12)
    top = result.hits[0].learnware
    fitted = Reuser.auto(result).fit(X)
    assert fitted.best_name_ == "consensus"
    assert fitted.score(X, y) > np.mean(top.predict(X) == y) + 0.1
    for kind in (AveragingReuser, ConsensusReuser):
        assert kind(result).fit(X).score(X, y) > np.mean(top.predict(X) == y)
    few = Reuser.auto(result, random_state=0).fit(X.iloc[:30], y[:30])
    assert few.score(X.iloc[30:], y[30:]) > fitted.score(X.iloc[30:], y[30:]) - 0.03
    assert clone(few).learnwares is result


def test_names_go_through(market: Any, user: Any) -> None:
    X, _ = user
    result = market.search(Specification.from_data(X, task="classification", random_state=0))
    fitted = JobSelectorReuser(result, random_state=0).fit(X)
    expected = fitted.predict_proba(X)
    np.testing.assert_allclose(fitted.predict_proba(X[list(X.columns)[::-1]].assign(extra=1.0)), expected)
    with pytest.raises(ColumnMismatch, match="pixel_0_0"):
        fitted.predict(X.drop(columns="pixel_0_0"))
    with pytest.raises(ColumnMismatch, match="pixel_0_0"):
        AveragingReuser(result).fit(X.drop(columns="pixel_0_0"))


def test_missing_values_are_the_learnwares_business(market: Any, user: Any) -> None:
    X = pd.DataFrame(user[0])
    X.iloc[0, 0] = np.nan
    result = market.search(Specification.from_data(X, task="classification", random_state=0))
    assert len(AveragingReuser(result).fit(X).predict(X)) == len(X)
