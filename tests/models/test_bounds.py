"""A file with positions out of range is refused before compiled code follows them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from learnware.errors import BundleError
from learnware.models.skops_file import dumps, loads

X, Y = make_classification(80, 5, random_state=0)


def with_arrays(data: bytes, change: Callable[[np.ndarray], None]) -> bytes:
    """Return a skops file with one change made to each of its structured arrays."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith(".npy"):
                array = np.load(io.BytesIO(content))
                change(array)
                file = io.BytesIO()
                np.save(file, array)
                content = file.getvalue()
            new.writestr(name, content)
    return buffer.getvalue()


def field(name: str, value: int) -> Callable[[np.ndarray], None]:
    def change(array: np.ndarray) -> None:
        if array.dtype.names and name in array.dtype.names:
            array[name][0] = value

    return change


TREES = [DecisionTreeClassifier(max_depth=3), RandomForestClassifier(2), GradientBoostingClassifier(n_estimators=2)]


@pytest.mark.parametrize("model", TREES, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize(
    ("name", "value"),
    [("left_child", 2**40), ("right_child", 2**40), ("left_child", 0), ("right_child", -7), ("feature", 10**9)],
)
def test_a_tampered_tree_is_refused(model: DecisionTreeClassifier, name: str, value: int) -> None:
    data = with_arrays(dumps(model.fit(X, Y)), field(name, value))
    with pytest.raises(BundleError) as caught:
        loads(data)
    assert caught.value.code == "model-bounds"


@pytest.mark.parametrize(("name", "value"), [("left", 10**6), ("right", 0), ("feature_idx", 77), ("is_categorical", 1)])
def test_a_tampered_histogram_tree_is_refused(name: str, value: int) -> None:
    data = with_arrays(dumps(HistGradientBoostingClassifier(max_iter=2).fit(X, Y)), field(name, value))
    with pytest.raises(BundleError):
        loads(data)


@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree"])
@pytest.mark.parametrize(("name", "value"), [("idx_start", -5), ("idx_end", 10**6), ("is_leaf", 0)])
def test_a_tampered_neighbour_index_is_refused(algorithm: str, name: str, value: int) -> None:
    model = KNeighborsClassifier(algorithm=algorithm).fit(X, Y)

    def change(array: np.ndarray) -> None:
        if array.dtype.names and name in array.dtype.names:
            array[name][-1] = value

    with pytest.raises(BundleError):
        loads(with_arrays(dumps(model), change))


def test_missing_support_coefficients_are_refused() -> None:
    model = SVC().fit(X, Y)
    model._dual_coef_ = model._dual_coef_[:, :-1].copy()
    with pytest.raises(BundleError):
        loads(dumps(model))


@pytest.mark.parametrize("names", [("_probA",), ("_probA", "_probB")])
def test_probability_coefficients_of_another_number_are_refused(names: tuple[str, ...]) -> None:
    model = SVC().fit(X, Y)
    for name in names:
        setattr(model, name, np.ones(2))
    with pytest.raises(BundleError, match="do not fit together"):
        loads(dumps(model))


@pytest.mark.parametrize(("name", "value"), [("indices", 2**28), ("indices", -1), ("indptr", 2**28)])
def test_a_tampered_sparse_matrix_is_refused(name: str, value: int) -> None:
    model = LogisticRegression().fit(X, Y).sparsify()
    getattr(model.coef_, name)[0] = value
    with pytest.raises(BundleError) as caught:
        loads(dumps(model))
    # What scipy sees itself when it makes the matrix never gets to our check.
    assert caught.value.code in ("model-bounds", "model-damaged")


def test_sound_models_pass() -> None:
    for model in (*TREES, HistGradientBoostingClassifier(max_iter=2), KNeighborsClassifier(), SVC()):
        assert (loads(dumps(model.fit(X, Y))).predict(X) == model.predict(X)).all()
    sparse = LogisticRegression().fit(X, Y).sparsify()
    assert (loads(dumps(sparse)).predict(X) == sparse.predict(X)).all()
