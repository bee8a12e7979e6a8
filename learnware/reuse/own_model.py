"""Models that the user trains on a few labelled rows, built to survive one label, one class or one column."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from sklearn.model_selection import KFold

from learnware.errors import InvalidData
from learnware.reuse.labels import places
from learnware.reuse.members import CLASSIFICATION
from learnware.reuse.rows import take

Array = npt.NDArray[np.float64]

_FLOOR = 1e-4
_ENOUGH_FOR_STRENGTH = 2000


class FewLabelRidge(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Ridge regression whose strength is chosen by leaving each row out, down to a single row.

    Parameters
    ----------
    alphas : tuple of float
        Strengths to choose among.
    """

    def __init__(self, alphas: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0)) -> None:
        self.alphas = alphas

    def fit(self, X: Array, y: Array) -> FewLabelRidge:
        """Fit on scaled features of shape (n_samples, n_features)."""
        # Leaving one of two rows out leaves a constant, which cannot tell strengths apart.
        self.model_ = RidgeCV(self.alphas) if len(y) > 2 else Ridge(alpha=1.0)
        self.model_.fit(X, y)
        return self

    def predict(self, X: Array) -> Array:
        """Predict values."""
        return np.asarray(self.model_.predict(X))


class FewLabelLogistic(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression whose strength is chosen by cross-validated log loss, even with single-row classes.

    Parameters
    ----------
    Cs : tuple of float
        Inverse strengths to choose among, the strongest first; ties go to the stronger.
    """

    def __init__(self, Cs: tuple[float, ...] = (0.001, 0.01, 0.1, 1.0)) -> None:
        self.Cs = Cs

    def fit(self, X: Array, y: npt.NDArray[Any]) -> FewLabelLogistic:
        """Fit on scaled features of shape (n_samples, n_features)."""
        self.classes_ = np.unique(y)
        self.model_ = None
        if len(self.classes_) > 1:
            with _any_stop():
                self.model_ = _logistic(self._strength(X, y)).fit(X, y)
        return self

    def predict_proba(self, X: Array) -> Array:
        """Predict probabilities of ``classes_``."""
        return np.ones((len(X), 1)) if self.model_ is None else np.asarray(self.model_.predict_proba(X))

    def predict(self, X: Array) -> npt.NDArray[Any]:
        """Predict labels."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def _strength(self, X: Array, y: npt.NDArray[Any]) -> float:
        if len(y) < 5:
            return self.Cs[len(self.Cs) // 2]
        if len(y) > _ENOUGH_FOR_STRENGTH:
            chosen = np.random.default_rng(0).choice(len(y), _ENOUGH_FOR_STRENGTH, replace=False)
            X, y = X[chosen], y[chosen]
        folds = KFold(3, shuffle=True, random_state=0).split(X)
        losses = sum(self._losses(X[train], y[train], X[test], y[test]) for train, test in folds)
        return self.Cs[int(np.argmin(losses))]

    def _losses(self, X: Array, y: npt.NDArray[Any], X_test: Array, y_test: npt.NDArray[Any]) -> Array:
        """Return the log loss on the test rows for each strength; unseen classes count as the floor."""
        seen = np.unique(y)
        if len(seen) == 1:
            return np.zeros(len(self.Cs))
        place, losses = places(y_test, seen), np.empty(len(self.Cs))
        model = _logistic(self.Cs[0])
        for i, C in enumerate(self.Cs):
            with _any_stop():
                probabilities = model.set_params(C=C).fit(X, y).predict_proba(X_test)
            own = np.where(place >= 0, probabilities[np.arange(len(place)), np.maximum(place, 0)], 0.0)
            losses[i] = -np.log(np.maximum(own, _FLOOR)).sum()
        return losses


def _logistic(C: float) -> Any:
    # Each strength of a fold starts from the coefficients of the stronger one before.
    return LogisticRegression(C=C, max_iter=300, warm_start=True)


@contextmanager
def _any_stop() -> Iterator[None]:
    """Let a fit stop early: cross-validation judges the model as it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def linear_model(task: str) -> Any:
    """Return the linear model for a task."""
    return FewLabelLogistic() if task == CLASSIFICATION else FewLabelRidge()


class Trained:
    """A model fitted on the user's labels that answers in the classes of a reuser.

    Parameters
    ----------
    model : scikit-learn estimator
        Cloned, then fitted.
    X, y
        Labelled rows. A single class needs no model: it is the answer.
    classes : ndarray of shape (n_classes,), default=None
        For classification: the columns of the answer.
    """

    def __init__(self, model: Any, X: Any, y: npt.NDArray[Any], classes: npt.NDArray[Any] | None) -> None:
        self.estimator, self.classes = model, classes
        self.only = y[0] if classes is not None and len(np.unique(y)) == 1 else None
        self.model = None if self.only is not None else clone(model).fit(X, y)

    def answer(self, X: Any) -> Array:
        """Return probabilities of shape (n_samples, n_classes), or values of shape (n_samples, n_outputs)."""
        if self.classes is None:
            values = np.asarray(self.model.predict(X), dtype=np.float64)  # type: ignore[union-attr]
            return values[:, None] if values.ndim == 1 else values
        if self.model is None:
            own, probabilities = np.array([self.only]), np.ones((len(X), 1))
        elif hasattr(self.model, "predict_proba"):
            own, probabilities = self.model.classes_, self.model.predict_proba(X)
        else:
            own = self.classes
            probabilities = np.eye(len(own))[self._places(np.asarray(self.model.predict(X)))]
        aligned = np.zeros((len(X), len(self.classes)))
        aligned[:, self._places(own)] = probabilities
        return aligned

    def _places(self, labels: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
        place = places(labels, np.asarray(self.classes))
        if (place < 0).any():
            odd = np.ravel(labels)[place < 0].tolist()[0]
            raise InvalidData(
                f"{type(self.estimator).__name__}, fitted on y, must answer with classes of y or of the learnwares, "
                f"{np.asarray(self.classes).tolist()[:10]}. Got {odd!r}: give a model that answers as y is."
            )
        return place


def out_of_fold(
    model: Any, X: Any, y: npt.NDArray[Any], classes: npt.NDArray[Any] | None, *, cv: int = 5, seed: int = 0
) -> Array:
    """Return answers to labelled rows by models that did not see them: shape (n_samples, n_outputs).

    A model's answers to its own training rows look better than they are, and a second model that learns from them
    would trust it too much.
    """
    answers: Array | None = None
    for train, test in KFold(min(cv, len(y)), shuffle=True, random_state=seed).split(y):
        fold = Trained(model, take(X, train), y[train], classes).answer(take(X, test))
        answers = np.empty((len(y), fold.shape[1])) if answers is None else answers
        answers[test] = fold
    return answers if answers is not None else np.empty((0, 0))
