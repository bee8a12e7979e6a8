"""Daily sales of 1,115 drug stores as a forecasting task, in the form of `walmart`.

The columns of a row are known four weeks before the day it is about, or are calendar, promotions and the store: of
sales only those of the same weekday 4, 5, 52 and 53 weeks earlier, and the mean of the open days in the four weeks
that end four weeks before. Missing ones stay missing; a competitor of whom nothing is known counts as far away and
there for long. Days on which a store was closed are no rows.
"""

from __future__ import annotations

import csv
import gzip
from itertools import groupby
from pathlib import Path

import numpy as np
from walmart import Sales

COLUMNS = (
    "weekday",
    "week of year",
    "day of month",
    "promotion",
    "state holiday",
    "school holiday",
    "store type",
    "assortment",
    "competitor's distance (log)",
    "months since the competitor opened",
    "takes part in the longer promotion",
    "sales 4 weeks before (log)",
    "sales 5 weeks before (log)",
    "sales 52 weeks before (log)",
    "sales 53 weeks before (log)",
    "mean sales 4 to 8 weeks before (log)",
)
LAGS = (28, 35, 364, 371)
#: So that a store's 13 later months leave rows to test on beside the labelled ones.
LATE = np.datetime64("2014-07-01")
FAR, LONG = 100_000.0, 120.0


def load(folder: Path, stores: int | None = 60) -> Sales:
    """Read `train.csv.gz` and `store.csv.gz` from a folder.

    Parameters
    ----------
    folder : Path
    stores : int, default=60
        So many stores, drawn at random, always the same ones. None: all.
    """
    about = _about_stores(folder / "store.csv.gz")
    order = np.random.default_rng(0).permutation(sorted(about))
    return load_stores(folder, np.sort(order[:stores]).tolist())


def load_stores(folder: Path, stores: list[int]) -> Sales:
    """Read the rows of some stores, by their numbers."""
    about, wanted = _about_stores(folder / "store.csv.gz"), set(stores)
    parts = []
    with gzip.open(folder / "train.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for store, rows in groupby(csv.DictReader(file), key=lambda row: int(row["Store"])):
            if store in wanted:
                parts.append(_store(store, list(rows), about[store]))
    X, y, shop, late = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Sales(X, y, shop, late)


def _store(store: int, rows: list[dict[str, str]], about: dict[str, str]) -> tuple[np.ndarray, ...]:
    day = np.array([row["Date"] for row in rows], dtype="datetime64[D]")
    y = np.log1p([float(row["Sales"]) for row in rows])
    year, month = day.astype("datetime64[Y]"), day.astype("datetime64[M]")
    opened = _number(about["CompetitionOpenSinceYear"]) * 12.0 + _number(about["CompetitionOpenSinceMonth"]) - 1.0
    columns = [
        _column(rows, "DayOfWeek"),
        (day - year).astype(int) // 7,
        (day - month).astype(int) + 1,
        _column(rows, "Promo"),
        ["0abc".index(row["StateHoliday"]) for row in rows],
        _column(rows, "SchoolHoliday"),
        _same(rows, "abcd".index(about["StoreType"])),
        _same(rows, "abc".index(about["Assortment"])),
        _same(rows, np.log1p(np.fmin(_number(about["CompetitionDistance"]), FAR))),
        np.fmin(np.maximum(month.astype(int) + 1970 * 12 - opened, 0.0), LONG),
        _longer_promotion(day, about),
        *_lagged((day - day[0]).astype(int), y),
    ]
    return np.column_stack(columns), y, np.full(len(y), store), day >= LATE


def _lagged(at: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """Return the columns of earlier sales, for rows `at` days after the first."""
    before = max(LAGS)
    history = np.full(before + at[-1] + 1, np.nan)
    history[before + at] = y
    lagged = [history[before + at - lag] for lag in LAGS]
    window = history[(before + at - 28)[:, None] - np.arange(28)]
    known = np.isfinite(window)
    total = np.where(known, window, 0.0).sum(axis=1)
    return [*lagged, np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)]


def _longer_promotion(day: np.ndarray, about: dict[str, str]) -> np.ndarray:
    if about["Promo2"] == "0":
        return np.zeros(len(day))
    weeks = int(_number(about["Promo2SinceWeek"])) - 1
    since = np.datetime64(f"{int(_number(about['Promo2SinceYear']))}-01-01") + np.timedelta64(7 * weeks, "D")
    return (day >= since).astype(float)


def _about_stores(path: Path) -> dict[int, dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return {int(row["Store"]): row for row in csv.DictReader(file)}


def _column(rows: list[dict[str, str]], name: str) -> list[float]:
    return [_number(row[name]) for row in rows]


def _same(rows: list[dict[str, str]], value: float) -> list[float]:
    return [value] * len(rows)


def _number(text: str) -> float:
    return float(text) if text else np.nan
