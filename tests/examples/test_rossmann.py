from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np

Load = Callable[[str], ModuleType]


def test_lags_are_those_of_the_same_weekday(example: Load, small_stores: Path) -> None:
    rossmann = example("rossmann")
    sales = rossmann.load(small_stores / "rossmann")
    assert sales.X.shape == (6 * (940 - 134), len(rossmann.COLUMNS))
    assert np.isfinite(sales.X[:, :11]).all()
    X, y = (part[sales.shop == 3] for part in (sales.X, sales.y))
    weekly = 6
    for column, lag in zip(range(11, 15), (4, 5, 52, 53), strict=True):
        np.testing.assert_array_equal(X[weekly * lag :, column], y[: -weekly * lag])
        assert np.isnan(X[: weekly * lag, column]).all()
    last = np.flatnonzero(np.arange(len(y)) == 300)[0]
    np.testing.assert_allclose(X[last, 15], y[last - 47 : last - 23].mean())


def test_columns_know_no_sales_of_the_last_four_weeks(example: Load, small_stores: Path) -> None:
    rossmann = example("rossmann")
    before = rossmann.load(small_stores / "rossmann")
    path = small_stores / "rossmann" / "train.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    rows = [[*row[:3], "1" if row[1] >= "2015-03-01" else row[3], *row[4:]] for row in rows]
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    after = rossmann.load(small_stores / "rossmann")
    soon = np.array([row[1] < "2015-03-29" for row in rows])
    assert not np.array_equal(before.y[soon], after.y[soon])
    np.testing.assert_array_equal(before.X[soon], after.X[soon])
    assert not np.array_equal(before.X[~soon], after.X[~soon], equal_nan=True)


def test_a_sample_of_stores_is_always_the_same(example: Load, small_stores: Path) -> None:
    rossmann = example("rossmann")
    stores = [np.unique(rossmann.load(small_stores / "rossmann", n).shop).tolist() for n in (3, 3, None)]
    assert stores[0] == stores[1]
    assert len(stores[0]) == 3
    assert stores[2] == list(range(1, 7))


def test_later_rows_and_longer_promotion(example: Load, small_stores: Path) -> None:
    rossmann = example("rossmann")
    sales = rossmann.load(small_stores / "rossmann")
    X, _ = sales.rows(1, late=False)
    since = rossmann.COLUMNS.index("takes part in the longer promotion")
    # Store 1 takes part from week 14 of 2014 on, the others with even numbers never.
    assert X[:, since].sum() == sum(day % 7 != 5 for day in range(456, 546))
    assert sales.rows(2, late=True)[0][:, since].sum() == 0
