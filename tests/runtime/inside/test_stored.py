"""Models of data, as a worker calls them."""

from __future__ import annotations

import sys

import joblib
import pytest

from learnware.runtime.inside.stored import DataModel


class Parallel:
    """A model that would start so many processes as joblib lets it."""

    def predict(self, X: list[int]) -> list[int]:
        return [joblib.effective_n_jobs(n) for n in X]


def test_calls_start_no_processes() -> None:
    assert Parallel().predict([1, 2, 12]) == [1, 2, 12]
    assert DataModel(Parallel()).predict([1, 2, 12, -1]) == [1, 1, 1, 1]


def test_joblib_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "joblib")
    assert DataModel(Parallel()).predict([2]) == [2]


def test_it_has_the_methods_of_the_model() -> None:
    assert hasattr(DataModel(Parallel()), "predict")
    assert not hasattr(DataModel(Parallel()), "predict_proba")
