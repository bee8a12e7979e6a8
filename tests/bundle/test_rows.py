"""A user's X becomes the rows that a model takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from learnware.bundle.rows import Layout
from learnware.errors import ColumnMismatch, InvalidData

pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")
torch = pytest.importorskip("torch")

NAMED = Layout(("a", "b"), named=True, numeric=True, frame=False)
UNNAMED = Layout(("0", "1"), named=False, numeric=True, frame=False)
MIXED = Layout(("a", "t"), named=True, numeric=False, frame=True)
VALUES = np.array([[1.0, 2.0], [3.0, np.nan]])
FRAME = pandas.DataFrame(VALUES, columns=["a", "b"])


@pytest.mark.parametrize(
    "X",
    [
        VALUES,
        VALUES.tolist(),
        torch.as_tensor(VALUES),
        torch.as_tensor(VALUES, dtype=torch.float32).requires_grad_(),
        FRAME,
        FRAME[["b", "a"]].assign(c="ignored"),
        FRAME.astype("Float64"),
        FRAME.astype({"a": int}),
        polars.DataFrame({"b": [2.0, None], "c": ["x", "y"], "a": [1, 3]}),
        polars.LazyFrame({"a": [1, 3], "b": [2.0, None]}),
        VALUES.astype(object),
    ],
    ids=lambda X: type(X).__name__,
)
def test_named_columns(X: Any) -> None:
    np.testing.assert_array_equal(NAMED.arrange(X), VALUES)


def test_integers_and_bools_stay_what_they_are() -> None:
    assert UNNAMED.arrange(np.array([[1, 2]])).dtype.kind == "i"
    assert UNNAMED.arrange(pandas.DataFrame({"x": [True], "y": [False]})).dtype.kind == "b"


def test_unnamed_columns_go_by_position() -> None:
    np.testing.assert_array_equal(UNNAMED.arrange(FRAME[["b", "a"]]), VALUES[:, ::-1])


def test_missing_columns_are_named() -> None:
    with pytest.raises(ColumnMismatch, match="'b'") as caught:
        NAMED.arrange(FRAME.drop(columns="b"))
    assert caught.value.missing == ("b",)


@pytest.mark.parametrize("layout", [NAMED, UNNAMED])
@pytest.mark.parametrize("n_columns", [1, 3])
def test_a_wrong_number_of_columns(layout: Layout, n_columns: int) -> None:
    with pytest.raises(ColumnMismatch, match=f"must have 2 columns.*Got {n_columns}"):
        layout.arrange(np.ones((4, n_columns)))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones(3), "reshape"),
        (np.ones((2, 2, 2)), "shape"),
        (np.ones((0, 2)), "at least one row"),
        (FRAME.iloc[:0], "at least one row"),
        ([[1, 2], [3]], "equal length"),
        ([["x", 1], ["y", 2]], "numbers in every column"),
        (FRAME.assign(a="x"), "numbers in every column"),
        (3, "shape"),
        (None, "shape"),
    ],
)
def test_what_is_no_table_of_numbers(X: Any, message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        NAMED.arrange(X)


def test_sparse_matrices_are_refused() -> None:
    from scipy.sparse import csr_matrix

    with pytest.raises(InvalidData, match="toarray"):
        UNNAMED.arrange(csr_matrix(np.eye(2)))


@pytest.mark.parametrize(
    "X",
    [
        pandas.DataFrame({"t": ["u", None], "a": [1.0, 2.0]}),
        polars.DataFrame({"a": [1.0, 2.0], "t": ["u", None]}),
        np.array([[1.0, "u"], [2.0, None]], dtype=object),
    ],
    ids=lambda X: type(X).__name__,
)
def test_frames_for_models_that_take_them(X: Any) -> None:
    frame = MIXED.arrange(X)
    assert list(frame.columns) == ["a", "t"]
    assert frame["a"].dtype.kind == "f"
    assert frame["t"].iloc[0] == "u"
    assert pandas.isna(frame["t"].iloc[1])


def test_category_columns_become_categories_again() -> None:
    layout = Layout(("a", "t"), named=True, numeric=False, frame=True, categorical=("t",))
    assert str(layout.arrange(pandas.DataFrame({"t": ["u", "v"], "a": [1, 2]}))["t"].dtype) == "category"


@pytest.mark.parametrize("layout", [NAMED, MIXED])
def test_the_rows_share_no_memory_with_x(layout: Layout) -> None:
    for X in (VALUES.copy(), pandas.DataFrame(VALUES.copy(), columns=list(layout.names))):
        rows = layout.arrange(X)
        if hasattr(rows, "iloc"):
            rows.iloc[0, 0] = 99.0
        else:
            rows[0, 0] = 99.0
        assert np.asarray(X)[0, 0] == 1.0
