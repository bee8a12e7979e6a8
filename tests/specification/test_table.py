"""Tables of every library to points and back."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from learnware.errors import ColumnMismatch, InvalidData
from learnware.specification.encoders import decode_points, encode_rows, infer_space, read_table
from learnware.specification.encoders.table import category_code
from learnware.specification.space import CODE_LENGTH

DAY = datetime.date(2020, 1, 2)
MIXED = pd.DataFrame(
    {
        "number": [1.5, np.nan, -2.0, 0.0, 4.0, 5.0],
        "whole": [1, 2, 3, 4, 5, 6],
        "truth": [True, False, True, True, False, True],
        "text": ["x", "y", None, "x", "y", "x"],
        "category": pd.Categorical(["low", "high", "low", "low", "high", "low"]),
        "when": pd.to_datetime(["2020-01-01", "2020-01-02", None, "2020-01-04", "2020-01-05", "2020-01-06"]),
    }
)


def encode(X, **options):
    table = read_table(X)
    space = infer_space(table, min_rows=options.get("min_rows", 1))
    return space, encode_rows(table, space)


def test_kinds_of_pandas_columns():
    space, points = encode(MIXED)
    assert [(c.kind, c.dtype) for c in space.columns] == [
        ("number", "float"),
        ("number", "int"),
        ("number", "bool"),
        ("category", "str"),
        ("category", "str"),
        ("time", "datetime"),
    ]
    assert [round(c.missing, 2) for c in space.columns] == [0.17, 0, 0, 0.17, 0, 0.17]
    assert np.isnan(points[1, 0])
    assert points[:, 2].tolist() == [1, 0, 1, 1, 0, 1]
    assert not points[2, 3 : 3 + CODE_LENGTH].any()
    assert points[0, -1] == (datetime.date(2020, 1, 1) - datetime.date(1970, 1, 1)).days


def test_polars_gives_the_same_points_as_pandas():
    space, points = encode(pl.from_pandas(MIXED))
    other, expected = encode(MIXED)
    assert space == other
    np.testing.assert_allclose(points, expected)


@pytest.mark.parametrize(
    "frame",
    [
        MIXED.convert_dtypes(),
        MIXED.astype({"whole": "int8", "number": "float32"}),
        MIXED.assign(text=MIXED["text"].astype(object), truth=MIXED["truth"].astype(object)),
        MIXED.assign(when=MIXED["when"].dt.tz_localize("UTC")),
        MIXED.assign(when=[None if pd.isna(day) else day.to_pydatetime() for day in MIXED["when"]]),
        MIXED[MIXED.columns[::-1]],
    ],
)
def test_other_dtypes_of_the_same_values_give_the_same_points(frame):
    space, _ = encode(MIXED)
    np.testing.assert_allclose(encode_rows(read_table(frame), space), encode(MIXED)[1], rtol=1e-6)


@pytest.mark.parametrize(
    "X",
    [
        np.eye(3),
        torch.eye(3),
        torch.eye(3, requires_grad=True),
        np.eye(3).tolist(),
        np.eye(3, dtype=np.float32),
        np.eye(3, dtype=int),
        np.eye(3, dtype=bool),
        np.eye(3).astype(object),
        np.asfortranarray(np.eye(3)),
    ],
)
def test_plain_arrays_have_columns_by_position(X):
    space, points = encode(X)
    assert not space.named
    assert space.names == ("0", "1", "2")
    np.testing.assert_array_equal(points, np.eye(3))


def test_a_float_matrix_is_not_copied():
    X = np.eye(3)
    assert np.shares_memory(encode(X)[1], X)


def test_numpy_objects_may_hold_text_and_numbers():
    space, points = encode(np.array([[1, "a"], [2.5, "b"], [None, "a"]], dtype=object))
    assert [c.kind for c in space.columns] == ["number", "category"]
    assert np.isnan(points[2, 0])


@pytest.mark.parametrize(
    ("X", "told"),
    [
        (np.zeros((0, 3)), "at least one row"),
        (np.zeros((3, 0)), "at least one row and one column"),
        (pd.DataFrame(), "at least one row"),
        (pd.DataFrame({"a": []}), "at least one row"),
        (np.zeros(3), "reshape"),
        (np.zeros((2, 2, 2)), "shape \\(2, 2, 2\\)"),
        (3.0, "must be a table"),
        ([[1, 2], [3]], "table"),
        (np.array([[1.0, np.inf], [0.0, 1.0]]), "infinite values in column\\(s\\) '1'"),
        (np.array([[-np.inf, np.inf], [0.0, 1.0]]), "'0', '1'"),
        (pd.DataFrame({"a": [1.0, np.inf]}), "column\\(s\\) 'a'"),
        (pd.DataFrame({"a": [1, 2], "b": [None, None]}), "'b' has no values"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "more than once: 'a'"),
        (pd.DataFrame({"a": [1j, 2j]}), "complex"),
        (pd.DataFrame({"a": [[1], [2]]}), "type list"),
        (pd.DataFrame({"a": [10**400, 1]}, dtype=object), "too large"),
        (np.array([[1j]]), "complex128"),
        (pl.LazyFrame({"a": [1]}), "collect"),
    ],
)
def test_what_cannot_be_read_says_why(X, told):
    with pytest.raises(InvalidData, match=told):
        encode(X)


def test_sparse_matrices_are_refused_with_a_hint():
    scipy_sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(InvalidData, match="toarray"):
        encode(scipy_sparse.eye(3).tocsr())


def test_missing_columns_are_named():
    space, _ = encode(MIXED)
    with pytest.raises(ColumnMismatch, match="'truth', 'when'") as caught:
        encode_rows(read_table(MIXED.drop(columns=["truth", "when"])), space)
    assert caught.value.missing == ("truth", "when")


def test_extra_columns_are_passed_over_and_a_wrong_number_is_refused():
    space, points = encode(MIXED)
    np.testing.assert_array_equal(encode_rows(read_table(MIXED.assign(more=1)), space), points)
    with pytest.raises(ColumnMismatch, match="must have 3 columns. Got 4"):
        encode_rows(read_table(np.ones((2, 4))), encode(np.eye(3))[0])


def test_another_kind_of_values_is_refused():
    with pytest.raises(InvalidData, match="'whole' must hold a number. Got a category"):
        encode_rows(read_table(MIXED.assign(whole=["a"] * 6)), encode(MIXED)[0])


def test_rare_categories_are_not_told():
    frame = pd.DataFrame({"a": ["often"] * 20 + ["seldom"] * 2})
    assert infer_space(read_table(frame), min_rows=5).columns[0].categories == ("often",)


@given(st.text(), st.text())
def test_codes_have_length_one_and_tell_texts_apart(first, second):
    assert category_code(first) @ category_code(first) == pytest.approx(1.0)
    if first != second:
        assert category_code(first) @ category_code(second) < 0.999


def test_codes_of_different_categories_are_nearly_orthogonal_on_average():
    codes = np.array([category_code(f"category {i}") for i in range(400)])
    products = (codes @ codes.T)[np.triu_indices(400, 1)]
    assert abs(products.mean()) < 0.02
    assert products.std() == pytest.approx(1 / np.sqrt(CODE_LENGTH), rel=0.1)


def test_codes_never_change():
    # Specifications that are already out there were made with these numbers.
    np.testing.assert_allclose(category_code("learnware")[:4], EXPECTED, atol=1e-12)


EXPECTED = [0.388598913612, -0.307742392772, -0.115142305689, 0.200976851754]


def test_points_become_rows_again():
    complete = MIXED.dropna().reset_index(drop=True)
    space, points = encode(complete)
    rows = decode_points(points, space)
    assert list(rows.columns) == list(complete.columns)
    for name in ("number", "whole", "truth", "text"):
        assert rows[name].tolist() == complete[name].tolist()
    assert rows["category"].tolist() == complete["category"].tolist()
    assert (rows["when"].to_numpy() == complete["when"].to_numpy()).all()


def test_rows_of_numbers_without_names_are_an_array():
    space, points = encode(np.eye(3))
    assert isinstance(decode_points(points, space), np.ndarray)
