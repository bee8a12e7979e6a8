"""Rows and further rows become one, or it is told why not."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from learnware.errors import InvalidData
from learnware.reuse import AveragingReuser
from learnware.reuse.rows import join, refuse_missing

from .doubles import constants


@pytest.mark.parametrize(
    ("X", "further", "expected"),
    [
        (["a"], ["b"], ["a", "b"]),
        (np.zeros((1, 2)), np.ones((1, 2)), [[0.0, 0.0], [1.0, 1.0]]),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1.5]}), [[1.0], [1.5]]),
        (pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [1.5]}), [[1.0], [1.5]]),
        (pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [None]}), [[1.0], [np.nan]]),
        (pl.DataFrame({"a": ["x"]}), pl.DataFrame({"a": [None]}), [["x"], [None]]),
        (pl.DataFrame({"a": ["x"]}, schema={"a": pl.Categorical}), pl.DataFrame({"a": ["y"]}), [["x"], ["y"]]),
    ],
)
def test_joined(X: Any, further: Any, expected: Any) -> None:
    joined = join(X, further)
    assert type(joined) is type(X)
    np.testing.assert_array_equal(np.asarray(joined), expected)


@pytest.mark.parametrize(
    ("X", "further", "words"),
    [
        (pd.DataFrame({"a": [1]}), pl.DataFrame({"a": [1]}), "same library as X, pandas. Got one of polars"),
        (pl.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}), "same library as X, polars. Got one of pandas"),
        (pd.DataFrame({"a": [1]}), np.ones((1, 1)), "both data frames, or both arrays"),
        (pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [[1]]}), "Got other ones: .* Cast them"),
        (pl.DataFrame({"a": [1]}), pl.DataFrame({"a": ["x"]}), "Got String instead of Int64 in 'a'. Cast it"),
        (pl.DataFrame({"a": ["x"]}), pl.DataFrame({"a": [date(2020, 1, 1)]}), "Got Date instead of String in 'a'"),
        (np.zeros((1, 8, 8)), np.zeros((1, 4, 4)), r"samples of shape \(8, 8\). Got \(4, 4\)"),
    ],
)
def test_not_joined(X: Any, further: Any, words: str) -> None:
    with pytest.raises(InvalidData, match=words):
        join(X, further)


def test_unlabelled_rows_of_another_library() -> None:
    with pytest.raises(InvalidData, match="same library"):
        AveragingReuser(constants(1.0)).fit(pd.DataFrame({"a": [1.0]}), unlabelled=pl.DataFrame({"a": [1.0]}))


@pytest.mark.parametrize("y", [["a", None, "b"], [1.0, np.nan, 2.0], np.array(["a", np.nan, "b"], dtype=object)])
def test_rows_without_a_label_are_sent_where_they_belong(y: Any) -> None:
    with pytest.raises(InvalidData, match=r"1 of 3.*unlabelled=rows"):
        refuse_missing(y)
