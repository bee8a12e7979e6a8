"""scikit-learn's own checks on every reuser, as a classifier and as a regressor."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import check_estimator

from learnware.errors import ColumnMismatch, InvalidData
from learnware.reuse import (
    AutoReuser,
    AveragingReuser,
    ConsensusReuser,
    EnsembleSelectionReuser,
    FeatureAugmentReuser,
    JobSelectorReuser,
    LabelBridgeReuser,
    SingleBestReuser,
    StackingReuser,
)

from .doubles import AnyWidthJobSelector, FakeLearnware, any_width

LABEL_FREE = (AveragingReuser, ConsensusReuser, AnyWidthJobSelector)
TASKS = ("Classification", "Regression")

#: Premises of scikit-learn's checks that do not hold, and why.
OTHER_LABELS = "labels of text cannot be matched with the learnwares' labels 0 and 1"
OUTVOTED = "ten labels of one class do not prove the learnwares wrong who see two"
NOT_LEARNED = "it answers what the learnwares say, however the labels would be learned best"


def expected_failures(reuser: Any) -> dict[str, str]:
    classify = is_classifier(reuser)
    failures = {"check_classifiers_classes": OTHER_LABELS} if classify else {}
    if isinstance(reuser, (*LABEL_FREE, SingleBestReuser)):
        names = ("check_classifiers_train", "check_classifiers_one_label") if classify else ("check_regressors_train",)
        failures |= dict.fromkeys(names, NOT_LEARNED)
    if isinstance(reuser, EnsembleSelectionReuser | StackingReuser):
        train = "check_classifiers_train" if classify else "check_regressors_train"
        if classify or isinstance(reuser, EnsembleSelectionReuser):
            failures[train] = NOT_LEARNED
    if isinstance(reuser, AutoReuser) and classify:
        failures["check_classifiers_one_label"] = OUTVOTED
    return failures


def reusers() -> Any:
    for task in TASKS:
        learnwares = any_width(task)
        for kind in LABEL_FREE:
            yield kind(learnwares)
        yield AnyWidthJobSelector(learnwares, gate="hard")
        yield SingleBestReuser(learnwares)
        yield FeatureAugmentReuser(learnwares)
        unspecified = any_width(task, specified=False)
        yield EnsembleSelectionReuser(unspecified, own_model=False, n_bags=2, random_state=0)
        yield StackingReuser(unspecified, own_model=False, random_state=0)
        own = DecisionTreeClassifier if task == "Classification" else DecisionTreeRegressor
        # Without specifications, as those of a single column do not belong to tables of all widths.
        yield AutoReuser(any_width(task, specified=False), own_model=own(random_state=0), cv=2, random_state=0)


@pytest.mark.filterwarnings("ignore")  # the checks themselves warn
@pytest.mark.parametrize("reuser", list(reusers()), ids=lambda r: f"{type(r).__name__}-{r.learnwares[0].task}")
def test_check_estimator(reuser: Any) -> None:
    expected = expected_failures(reuser)
    results = check_estimator(reuser, expected_failed_checks=expected, on_fail=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert not failed
    assert {r["check_name"] for r in results if r["status"] == "xfail"} == set(expected)
    assert sum(r["status"] == "passed" for r in results) >= 45


@pytest.fixture
def table() -> tuple[pd.DataFrame, np.ndarray]:
    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.normal(size=(60, 3)), columns=["a", "b", "c"])
    return X, np.where(X["a"] + X["b"] > 0, "yes", "no")


@pytest.fixture
def team(table: Any) -> list[FakeLearnware]:
    X, y = table
    return [FakeLearnware(LogisticRegression(C=C).fit(X, y), X) for C in (0.1, 1.0)]


ALL = (
    AutoReuser,
    AveragingReuser,
    ConsensusReuser,
    EnsembleSelectionReuser,
    FeatureAugmentReuser,
    JobSelectorReuser,
    LabelBridgeReuser,
    SingleBestReuser,
    StackingReuser,
)


@pytest.mark.parametrize("kind", ALL)
def test_pickled_and_cloned_predict_the_same(kind: Any, table: Any, team: Any) -> None:
    X, y = table
    reuser = kind(team)
    if "random_state" in reuser.get_params(deep=False):
        reuser.set_params(random_state=0)
    fitted = reuser.fit(X, y)
    expected = fitted.predict_proba(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), expected)
    if kind is not AutoReuser:
        np.testing.assert_allclose(clone(fitted).fit(X, y).predict_proba(X), expected)
    assert clone(fitted).learnwares[0] is team[0]


@pytest.mark.parametrize("kind", ALL)
def test_columns_in_another_order_and_further_columns(kind: Any, table: Any, team: Any) -> None:
    X, y = table
    fitted = kind(team).fit(X, y)
    assert list(fitted.feature_names_in_) == ["a", "b", "c"]
    shuffled = X.assign(d=1.0)[["c", "d", "a", "b"]]
    np.testing.assert_array_equal(fitted.predict_proba(shuffled), fitted.predict_proba(X))
    with pytest.raises(ColumnMismatch, match="'b'") as caught:
        fitted.predict(X[["a", "c"]])
    assert caught.value.missing == ("b",)


def test_wrong_number_of_columns(team: Any, table: Any) -> None:
    X, _ = table
    bare = [FakeLearnware(LogisticRegression().fit(X.to_numpy(), table[1]))]
    with pytest.raises(ColumnMismatch, match="expecting 3 features"):
        AveragingReuser(bare).fit(X.to_numpy()).predict(np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.full((4, 3), np.inf), "infinity"),
        (np.empty((0, 3)), "minimum of 1"),
        (np.zeros(3), "1D array"),
        (pd.DataFrame({"a": [1.0, np.inf], "b": [0.0, 0.0]}), "infinite.*'a'"),
        (pd.DataFrame({"a": []}), "at least one row"),
    ],
)
def test_tables_that_cannot_be_used(X: Any, words: str, team: Any) -> None:
    with pytest.raises(InvalidData, match=words):
        AveragingReuser(team).fit(X)


@pytest.mark.parametrize(("y", "words"), [([1.0, np.nan, 2.0], "NaN"), ([1.0, 2.0], "inconsistent|lengths")])
def test_targets_that_cannot_be_used(y: Any, words: str) -> None:
    learnwares = any_width("Regression", specified=False)
    with pytest.raises(InvalidData, match=words):
        FeatureAugmentReuser(learnwares).fit(np.zeros((3, 2)), y)


def test_predict_before_fit(team: Any, table: Any) -> None:
    with pytest.raises(NotFittedError):
        AveragingReuser(team).predict(table[0])


def test_kind_of_estimator_is_known_before_fit(team: Any) -> None:
    assert is_classifier(AveragingReuser(team))
    regressor = AveragingReuser(any_width("Regression"))
    assert is_regressor(regressor)
    assert not hasattr(regressor, "predict_proba")
    assert not is_classifier(AveragingReuser([]))


def test_in_a_pipeline_and_a_search(team: Any, table: Any) -> None:
    X, y = table
    scaled = StandardScaler().set_output(transform="pandas").fit(X)
    learnwares = [FakeLearnware(LogisticRegression().fit(scaled.transform(X), y))]
    pipeline = make_pipeline(StandardScaler().set_output(transform="pandas"), FeatureAugmentReuser(learnwares))
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.8
    search = GridSearchCV(AveragingReuser(team), {"method": ["vote", "probability"]}, cv=3).fit(X, y)
    assert search.best_score_ > 0.8


def test_polars_and_tensors(table: Any) -> None:
    torch = pytest.importorskip("torch")
    X, _ = table
    y = X.to_numpy() @ [1.0, 2.0, 3.0]

    class ByArray:
        def predict(self, rows: Any) -> Any:
            return model.predict(np.asarray(rows))

    model = LinearRegression().fit(X.to_numpy(), y)
    learnwares = [FakeLearnware(ByArray())]
    for form in (pl.from_pandas(X), torch.tensor(X.to_numpy()), X.to_numpy().tolist()):
        fitted = FeatureAugmentReuser(learnwares).fit(form, y)
        np.testing.assert_allclose(fitted.predict(form), y, atol=0.2)
