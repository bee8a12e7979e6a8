"""Tables on their way to a worker: what comes out equals what went in, types and all."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from learnware.runtime.inside import frames
from learnware.runtime.inside.arrays import Packer
from learnware.runtime.inside.frames import WireError
from learnware.runtime.inside.tables import NotPlain, pack_table, take_table

N = 6
COLUMNS: dict[str, Any] = {
    "float64": pd.Series([0.5, np.nan, np.inf, -np.inf, 0.0, -0.0]),
    "float32": pd.Series(np.arange(N, dtype="f4")),
    "int8": pd.Series(np.arange(N, dtype="i1")),
    "uint64": pd.Series(np.arange(N, dtype="u8") + 2**63),
    "bool": pd.Series([True, False] * 3),
    "Int64": pd.Series([1, None, 2**62, -5, 0, 7], dtype="Int64"),
    "UInt8": pd.Series([1, None, 255, 5, 0, 7], dtype="UInt8"),
    "Float32": pd.Series([1, None, 2.5, 5, 0, 7], dtype="Float32"),
    "boolean": pd.Series([True, None, False, True, True, None], dtype="boolean"),
    "string": pd.Series(["a", None, "ä€😀", "", "x\x00y", "\ud800"], dtype="string[python]"),
    "text": pd.Series(["a", None, "ä€😀", "", "x\x00y", "b"]),
    "object": pd.Series(["a", None, 1, 2.5, True, float("nan")], dtype=object),
    "infinite": pd.Series([np.inf, -np.inf, pd.NA, np.float32(0.5), np.int64(3), np.bool_(True)], dtype=object),
    "category": pd.Series(["b", "a", None, "c", "a", "b"], dtype="category"),
    "ordered": pd.Series(pd.Categorical([3, 1, None, 1, 2, 3], categories=[3, 2, 1], ordered=True)),
    "mixed": pd.Series(pd.Categorical(["x", 1, None, 2.5, True, "x"])),
    "dates": pd.Series(np.array(["2020-01-01", "NaT", "1970-01-01", "2100-06-05T12:00", "2020", "2021"], "M8[ns]")),
    "seconds": pd.Series(np.array(["2020-01-01"] * N, "M8[s]")),
    "zoned": pd.Series(np.array(["2020-07-01", "NaT", "1970-01-01", "2100", "2020", "2021"], "M8[us]"))
    .dt.tz_localize("UTC")
    .dt.tz_convert("Europe/Vienna"),
    "offset": pd.Series(pd.date_range("2020", periods=N, tz="UTC+02:00")),
    "durations": pd.Series(pd.to_timedelta([1, 2, None, 4, 5, 6], unit="s")),
}


def there_and_back(table: Any) -> Any:
    packer = Packer()
    header = pack_table(table, packer)
    memory = bytearray(packer.nbytes)
    packer.write(memory)
    return take_table(frames.parse(frames.pack(header, 2**20)[4:]), memory)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_comes_back(name: str) -> None:
    frame = pd.DataFrame({"first": range(N), "column": COLUMNS[name], "last": ["x"] * N})
    back = there_and_back(frame)
    assert_frame_equal(back, frame)


def test_a_frame_of_one_type_comes_back() -> None:
    for order in "CF":
        frame = pd.DataFrame(np.arange(12.0).reshape(3, 4, order=order), columns=list("abcd"))
        assert_frame_equal(there_and_back(frame), frame)


def test_names_that_occur_twice_or_are_numbers() -> None:
    frame = pd.DataFrame([[1, "x", 2.5]], columns=["a", "a", "b"])
    assert_frame_equal(there_and_back(frame), frame)
    frame = pd.DataFrame([[1, "x", 2.5]])
    assert_frame_equal(there_and_back(frame), frame, check_column_type=False)


def test_rows_are_numbered_anew() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=["r", "s"])
    assert list(there_and_back(frame).index) == [0, 1]


def test_a_frame_without_rows() -> None:
    frame = pd.DataFrame(COLUMNS).head(0)
    assert_frame_equal(there_and_back(frame), frame)


@pytest.mark.parametrize(
    "table",
    [
        np.arange(6.0).reshape(3, 2),
        np.array([["a", 1.5], [None, True]], dtype=object),
        np.array(["a", 2, None], dtype=object),
        np.array(["yes", "no"]),
        np.array(["2020-01-01"], dtype="M8[D]"),
        np.empty((0, 3), dtype=object),
    ],
)
def test_arrays_come_back(table: Any) -> None:
    back = there_and_back(table)
    assert back.dtype == table.dtype
    assert back.shape == table.shape
    assert back.tolist() == table.tolist()


def test_lists_and_series_go_as_arrays() -> None:
    assert there_and_back([1, 2]).tolist() == [1, 2]
    assert there_and_back(pd.Series(["x", "y"])).tolist() == ["x", "y"]


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (pd.DataFrame({"a": [1], "when": [Decimal(1)]}), "column 'when' holds Decimal"),
        (pd.DataFrame({"a": [1], "when": [dt.date(2020, 1, 1)]}), "column 'when' holds date"),
        (pd.DataFrame({"a": [1], "b": [2**70]}, dtype=object), "column 'b' holds int"),
        (pd.DataFrame({"a": ["x"], "b": [[1, 2]]}), "column 'b' holds list"),
        (pd.DataFrame({"a": ["x"], "b": [1j]}), "column 'b' is of type complex128"),
        (pd.DataFrame({"a": [1.0]}, dtype=complex), "column 'a' is of type complex128"),
        (pd.DataFrame({"a": pd.period_range("2020", periods=1)}), "column 'a' is of type period"),
        (pd.DataFrame({"a": pd.arrays.SparseArray([0, 1])}), "column 'a' is of type Sparse"),
        (pd.DataFrame({(1, 2): [1]}), "named by text"),
        (np.array([[1, object()]], dtype=object), "column 1 holds object"),
        (np.array([1j]), "X is of type complex128"),
        (np.zeros((1, 1, 1), dtype=object), "one or two axes"),
    ],
)
def test_what_cannot_cross_is_named(table: Any, why: str) -> None:
    with pytest.raises(NotPlain, match=why):
        pack_table(table, Packer())


def test_tables_are_left_as_they_were() -> None:
    frame = pd.DataFrame(COLUMNS)
    before = frame.copy(deep=True)
    there_and_back(frame)
    assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    "header",
    [
        {"kind": "pickle"},
        {
            "kind": "frame",
            "rows": 1,
            "names": ["a"],
            "columns": [{"kind": "?", "data": {"dtype": "<f8", "shape": [1], "order": "C", "offset": 0, "nbytes": 8}}],
        },
    ],
)
def test_unknown_kinds_are_refused(header: Any) -> None:
    with pytest.raises(WireError, match="of the kind"):
        take_table(header, bytes(64))


PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text()


@settings(max_examples=200)
@given(st.lists(st.tuples(PLAIN, st.text(), st.floats()), min_size=1, max_size=8))
def test_any_plain_frame_comes_back(rows: list[tuple[Any, str, float]]) -> None:
    frame = pd.DataFrame(
        {
            "any": pd.Series([row[0] for row in rows], dtype=object),
            "text": pd.Series([row[1] for row in rows], dtype="string[python]"),
            "number": [row[2] for row in rows],
        }
    )
    assert_frame_equal(there_and_back(frame), frame)


def test_texts_come_back_and_take_no_more_room_than_they_need() -> None:
    texts = np.array(["", "ä€😀", "x\x00y\n", "\ud800", "z" * 100_000, *["short"] * 2000], dtype=object)
    packer = Packer()
    assert pack_table(texts, packer)["kind"] == "texts"
    assert packer.nbytes < 200_000
    back = there_and_back(texts)
    assert back.dtype == object
    assert back.tolist() == texts.tolist()


@pytest.mark.parametrize("values", [[], [""], ["a", None], ["a", 1]])
def test_arrays_of_objects_come_back(values: list[Any]) -> None:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    back = there_and_back(array)
    assert (back.dtype, back.shape, back.tolist()) == (object, array.shape, values)
