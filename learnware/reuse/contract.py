"""What every reuser does, as one function that third parties run on theirs."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from learnware.errors import InvalidParameter, NoLearnwares

if TYPE_CHECKING:
    from learnware.bundle import Learnware
    from learnware.reuse.base import Reuser


def check_reuser(make: Callable[[Any], Reuser]) -> None:
    """Check that a reuser keeps the contract of `learnware.reuse.Reuser`.

    Small learnwares of both tasks are packed, and the reuser is fitted on some rows with labels, so that it may learn
    from them or ignore them. scikit-learn's own ``check_estimator`` covers what is not particular to learnwares.

    Parameters
    ----------
    make : callable
        Takes what a user hands over (here a list of learnwares) and returns an unfitted reuser; the class itself, if
        it needs nothing else.

    Raises
    ------
    AssertionError
        Says what was expected.

    Examples
    --------
    >>> from learnware.reuse import AveragingReuser
    >>> from learnware.testing import check_reuser
    >>> check_reuser(AveragingReuser)
    """
    rows = np.random.default_rng(0).normal(size=(90, 3))
    teams = {task: _team(task, rows) for task in ("classification", "regression")}
    for task, (learnwares, X, y) in teams.items():
        fitted = _check_fit(make, learnwares, X, y)
        _check_answers(fitted, X, task)
        _check_state(make, fitted, learnwares, X, y)
    _check_refusals(make, teams["classification"], teams["regression"])


def _team(task: str, rows: Any) -> tuple[list[Learnware], Any, Any]:
    """Return three learnwares, for classes each of other ones, with rows and labels of all classes."""
    from sklearn.linear_model import LinearRegression, LogisticRegression

    from learnware.bundle import Learnware

    height = rows @ [1.0, 2.0, -1.0]
    y = np.digitize(height, [-1.0, 1.0]).astype(str) if task == "classification" else height
    team = []
    for i, pair in enumerate((("0", "1"), ("1", "2"), ("0", "2"))):
        own = np.isin(y, pair) if task == "classification" else np.arange(len(y)) % 3 != i
        model = (LogisticRegression if task == "classification" else LinearRegression)().fit(rows[own], y[own])
        name = f"{task} {i}"
        team.append(Learnware.from_model(model, rows[own], y[own], name=name, task=task, n_points=10, random_state=0))
    return team, rows, y


def _check_fit(make: Callable[[Any], Reuser], learnwares: list[Learnware], X: Any, y: Any) -> Reuser:
    reuser, before = make(learnwares), X.copy()
    _must(reuser.learnwares is learnwares, "__init__ must store learnwares as they are")
    _must(reuser.fit(X, y) is reuser, "fit must return the reuser itself")
    _must(np.array_equal(X, before), "fit must not modify X")
    _must(tuple(reuser.members_) == tuple(learnwares), "members_ must be the learnwares, in the order given")
    return reuser


def _check_answers(fitted: Reuser, X: Any, task: str) -> None:
    from sklearn.base import is_classifier, is_regressor

    answer = fitted.predict(X)
    _must(answer.shape == (len(X),), f"predict must give one answer a row, got shape {answer.shape}")
    _must(
        np.array_equal(fitted.predict(X[10:20]), answer[10:20])
        if task == "classification"
        else np.allclose(fitted.predict(X[10:20]), answer[10:20]),
        "the answer to a row must not depend on the other rows",
    )
    _must(is_classifier(fitted) == (task == "classification"), "it must be a classifier if the learnwares are")
    _must(is_regressor(fitted) == (task == "regression"), "it must be a regressor if the learnwares are")
    _must(hasattr(fitted, "predict_proba") == (task == "classification"), "predict_proba is for classes only")
    if task == "classification":
        probabilities = fitted.predict_proba(X)
        _must(fitted.classes_.tolist() == ["0", "1", "2"], "classes_ must be the sorted union of all classes")
        _must(probabilities.shape == (len(X), 3), "predict_proba must have one column a class")
        _must(np.allclose(probabilities.sum(axis=1), 1.0), "probabilities must sum to one")
        _must(bool((probabilities >= 0).all()), "probabilities must not be negative")


def _check_state(make: Callable[[Any], Reuser], fitted: Reuser, learnwares: list[Learnware], X: Any, y: Any) -> None:
    from sklearn.base import clone

    answer = fitted.predict(X)
    _must(np.array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), answer), "it must survive pickling")
    copy = clone(fitted)
    _must(copy.learnwares[0] is learnwares[0], "clone must share the learnwares")
    _must(not hasattr(copy, "members_"), "clone must not be fitted")
    few = make(learnwares[:1]).fit(X[:2], y[:2]).predict(X)
    _must(few.shape == (len(X),), "one learnware and two labelled rows must do")


def _check_refusals(make: Callable[[Any], Reuser], classifiers: Any, regressors: Any) -> None:
    from sklearn.exceptions import NotFittedError

    (classifier, *_), X, y = classifiers
    (regressor, *_), _, _ = regressors
    _must_raise(NoLearnwares, lambda: make([]).fit(X, y), "fit on no learnwares")
    _must_raise(InvalidParameter, lambda: make([classifier, regressor]).fit(X, y), "fit on mixed tasks")
    _must_raise(NotFittedError, lambda: make([classifier]).predict(X), "predict before fit")
    _must_raise(ValueError, lambda: make([classifier]).fit(X, y).predict(X[:, :2]), "predict with a column less")


def _must(condition: bool, sentence: str) -> None:
    if not condition:
        raise AssertionError(f"A reuser broke its contract: {sentence}.")


def _must_raise(kind: type[Exception], call: Callable[[], object], what: str) -> None:
    try:
        call()
    except kind:
        return
    raise AssertionError(f"A reuser broke its contract: {what} must raise {kind.__name__}.")
