"""Labels of any library, some of which may be missing."""

from __future__ import annotations

import datetime as dt
import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from learnware.errors import InvalidData, InvalidSpecification
from learnware.limits import LIMITS
from learnware.specification import Fields, Specification
from learnware.specification.targets import Targets

WORDS = ["b", "a", "b"]
NUMBERS = [2, 0, 2]
FLOATS = [0.5, -1.0, 2.0]


def one_hot(rows: list[list[float]]) -> Any:
    return np.array(rows, dtype=float)


@pytest.mark.parametrize(
    "y",
    [
        WORDS,
        tuple(WORDS),
        np.array(WORDS),
        np.array(WORDS, dtype=object),
        np.array(WORDS)[:, None],
        pd.Series(WORDS, index=[5, 5, 1]),
        pd.Series(WORDS, dtype="category"),
        pd.Series(WORDS, dtype="string"),
        pd.DataFrame({"y": WORDS}),
        pl.Series(WORDS),
        pl.Series(WORDS, dtype=pl.Categorical),
        pl.DataFrame({"y": WORDS}),
    ],
    ids=lambda y: type(y).__name__,
)
def test_words_of_any_library(y: Any) -> None:
    read = Targets.read(y, 3)
    assert (read.task, read.classes) == ("Classification", ("a", "b"))
    np.testing.assert_array_equal(read.outputs, [[0, 1], [1, 0], [0, 1]])
    assert read.fields == Fields(2, {0: "a", 1: "b"})


@pytest.mark.parametrize(
    "y",
    [NUMBERS, np.array(NUMBERS, np.int8), pd.Series(NUMBERS, dtype="Int64"), pl.Series(NUMBERS), torch.tensor(NUMBERS)],
    ids=lambda y: type(y).__name__,
)
def test_whole_numbers_are_classes(y: Any) -> None:
    read = Targets.read(y, 3)
    assert (read.task, read.classes) == ("Classification", (0, 2))
    assert all(type(label) is int for label in read.classes)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "y",
    [
        FLOATS,
        np.array(FLOATS, np.float32),
        pd.Series(FLOATS),
        pd.Series(FLOATS, dtype="Float64"),
        pl.Series(FLOATS),
        torch.tensor(FLOATS),
        torch.tensor(FLOATS, requires_grad=True),
    ],
    ids=lambda y: type(y).__name__,
)
def test_floats_are_values(y: Any) -> None:
    read = Targets.read(y, 3)
    assert (read.task, read.classes, read.fields) == ("Regression", None, Fields(1))
    np.testing.assert_array_equal(read.outputs, np.array(FLOATS)[:, None])


@pytest.mark.parametrize("y", [[True, False, True], np.array([True, False, True]), torch.tensor([True, False, True])])
def test_truth_values_are_classes(y: Any) -> None:
    read = Targets.read(y, 3)
    assert read.classes == (False, True)
    assert all(type(label) is bool for label in read.classes)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (["a", None, "b"], ("a", "b")),
        (["a", float("nan"), "b"], ("a", "b")),
        (np.array(["a", None, "b"], dtype=object), ("a", "b")),
        (pd.Series(["a", None, "b"]), ("a", "b")),
        (pd.Series(["a", None, "b"], dtype="string"), ("a", "b")),
        (pd.Series(["a", None, "b"], dtype="category"), ("a", "b")),
        (pd.Series([1, None, 3], dtype="Int64"), (1, 3)),
        (pl.Series(["a", None, "b"]), ("a", "b")),
        (pl.Series([1, None, 3]), (1, 3)),
        ([1, None, 3], (1, 3)),
        ([True, None, False], (False, True)),
        ([np.int64(3), None, np.int64(1)], (1, 3)),
        ([np.bool_(True), pd.NA, np.bool_(False)], (False, True)),
    ],
)
def test_rows_without_a_label(y: Any, classes: tuple[Any, ...]) -> None:
    read = Targets.read(y, 3)
    assert (read.task, read.classes) == ("Classification", classes)
    assert [type(label) for label in read.classes] == [type(label) for label in classes]  # type: ignore[union-attr]
    assert np.isnan(read.outputs).all(axis=1).tolist() == [False, True, False]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "y",
    [
        [0.5, None, 1.0],
        [0.5, float("nan"), 1.0],
        [np.float64(0.5), pd.NaT, np.float32(1.0)],
        pd.Series([0.5, None, 1.0]),
        pd.Series([0.5, None, 1.0], dtype="Float64"),
        pl.Series([0.5, None, 1.0]),
        torch.tensor([0.5, float("nan"), 1.0]),
    ],
    ids=lambda y: type(y).__name__,
)
def test_rows_without_a_value(y: Any) -> None:
    np.testing.assert_array_equal(Targets.read(y, 3).outputs, [[0.5], [np.nan], [1.0]])


def test_what_is_said_comes_before_what_y_looks_like() -> None:
    assert Targets.read([1, 2, 1], 3, "regression").classes is None
    assert Targets.read([1.0, 2.0, 1.0], 3, "classification").classes == (1.0, 2.0)
    several = Targets.read(np.ones((3, 2)), 3)
    assert (several.task, several.fields) == ("Regression", Fields(2))
    other = Targets.read([1.0, 2.0, 3.0], 3, "feature extraction")
    assert (other.outputs, other.fields) == (None, None)


@pytest.mark.parametrize(
    ("y", "task", "message"),
    [
        (["a", "b"], None, r"one label for each of the 3 samples\. Got shape \(2,\)"),
        (3, None, "one label for each"),
        (np.zeros((3, 2, 2)), None, "one label for each"),
        ([None] * 3, None, "at least one label"),
        ([float("nan")] * 3, "regression", "at least one"),
        ([1.0, float("inf"), 2.0], None, "finite"),
        ([1.0, float("inf"), 2.0], "classification", "finite numbers or truth values"),
        (np.array([0, 1, 0, 1, 1, 0]).reshape(3, 2), None, r"one column of classes. Got shape \(3, 2\)"),
        (np.array([["a", "b"]] * 3), None, "one column of classes"),
        (np.ones((3, 2)), "classification", "one column of classes"),
        (["a", 1, "b"], None, "labels of one type"),
        ([True, 1, 0], None, "labels of one type"),
        (["a", "b", "c"], "regression", "must hold numbers for regression"),
        ([[1, 2], [3], [4]], None, "Got list: convert"),
        ([dt.date(2020, 1, 1)] * 3, None, "text, numbers or truth values"),
        ([1 + 2j, 1.0, 2.0], None, "text, numbers or truth values"),
        ([b"a", b"b", b"a"], None, "text, numbers or truth values"),
        (np.array(["2020-01-01"] * 3, dtype="M8[ns]"), None, "text, numbers or truth values"),
    ],
)
def test_what_are_no_labels(y: Any, task: str | None, message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        Targets.read(y, 3, task)


@pytest.mark.parametrize(
    "y", [[1.0, None, 2.0], np.array([1.0, np.nan, 2.0]), pd.Series([1, None, 2]), torch.tensor([0.0, float("nan"), 1])]
)
def test_whole_floats_with_gaps_need_a_task(y: Any) -> None:
    with pytest.raises(InvalidData, match=r"say task='classification' or task='regression'"):
        Targets.read(y, 3)
    assert len(Targets.read(y, 3, "classification").classes) == 2  # type: ignore[arg-type]
    assert Targets.read(y, 3, "regression").classes is None
    several = np.array([[1.0, 2.0], [np.nan, 2.0], [3.0, 4.0]])
    assert Targets.read(several, 3).task == "Regression"


def test_too_many_classes_are_refused() -> None:
    most = LIMITS["columns"]
    with pytest.raises(InvalidData, match=r"at most 10,000 classes. Got 10,001: .* task='regression'"):
        Targets.read(np.arange(most + 1), most + 1)
    values = Targets.read(np.arange(most + 1), most + 1, "regression").outputs
    assert values.shape == (most + 1, 1)  # type: ignore[union-attr]


def test_memory_of_classes_is_that_of_the_outputs() -> None:
    tracemalloc.start()
    outputs = Targets.read(np.arange(2000) % 1000, 2000).outputs
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1.2 * outputs.nbytes  # type: ignore[union-attr]


def test_an_unknown_task() -> None:
    with pytest.raises(InvalidSpecification, match="'task' must be one of"):
        Targets.read(WORDS, 3, "guessing")


def test_a_specification_says_what_y_told() -> None:
    X = np.random.default_rng(0).normal(size=(40, 2))
    y = np.where(X[:, 0] > 0, "up", "down").astype(object)
    y[::4] = None
    spec = Specification.from_data(X, y, random_state=0)
    assert (spec.semantic.task, spec.semantic.outputs) == ("Classification", Fields(2, {0: "down", 1: "up"}))
    assert spec.statistical.labels.classes == ("down", "up")  # type: ignore[union-attr]
    values = Specification.from_data(X, X[:, 0], random_state=0)
    assert (values.semantic.task, values.statistical.labels.classes) == ("Regression", None)  # type: ignore[union-attr]
