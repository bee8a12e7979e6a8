"""Models of the user's own: what they answer must be a class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from learnware.errors import InvalidData
from learnware.reuse import AutoReuser
from learnware.reuse.own_model import Trained

from .doubles import constants

X, Y = np.zeros((8, 1)), np.array(["a", "b"] * 4)


class Sayer(ClassifierMixin, BaseEstimator):
    """A classifier without probabilities that says the same of every row."""

    def __init__(self, word: str = "a") -> None:
        self.word = word

    def fit(self, X: Any, y: Any) -> Sayer:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.word)


class Prober(Sayer):
    """One with probabilities, of a class that it has from elsewhere."""

    def fit(self, X: Any, y: Any) -> Prober:
        self.classes_ = np.array(["a", self.word])
        return self

    def predict_proba(self, X: Any) -> Any:
        return np.full((len(X), 2), 0.5)


def test_a_class_counts_as_itself() -> None:
    for word, column in (("a", 0), ("b", 1)):
        answer = Trained(Sayer(word), X, Y, np.array(["a", "b", "c"])).answer(X)
        assert (answer.argmax(axis=1) == column).all()


@pytest.mark.parametrize("kind", [Sayer, Prober])
def test_a_label_that_is_no_class_is_named(kind: Any) -> None:
    with pytest.raises(InvalidData, match=f"{kind.__name__}, fitted on y, must answer with .*'c'.*Got 'odd'"):
        Trained(kind("odd"), X, Y, np.array(["a", "b", "c"])).answer(X)
    with pytest.raises(InvalidData, match="Got 'odd'"):
        AutoReuser(constants([0.5, 0.5], classes=["a", "b"]), own_model=kind("odd")).fit(X, Y)
