"""Weekly sales of 45 shops as a forecasting task: one table, and the shop and the period of each row.

The columns of a row are known four weeks before the week it is about, or are calendar and weather: of sales only
those of 4, 5, 52 and 53 weeks earlier in the same shop and department. Missing ones stay missing.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np

COLUMNS = (
    "department",
    "week of year",
    "holiday",
    "temperature",
    "fuel price",
    "consumer prices",
    "unemployment",
    "markdowns (log)",
    "shop size",
    "shop type",
    "sales 4 weeks before (log)",
    "sales 5 weeks before (log)",
    "sales 52 weeks before (log)",
    "sales 53 weeks before (log)",
)
LAGS = (4, 5, 52, 53)


@dataclass(frozen=True)
class Sales:
    """All rows: X of shape (n, n_columns), y = log(1 + sales, at least 0), the shop, and whether it is a later row."""

    X: np.ndarray
    y: np.ndarray
    shop: np.ndarray
    late: np.ndarray

    def rows(self, shop: int, late: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return the earlier or the later X and y of one shop."""
        chosen = (self.shop == shop) & (self.late == late)
        return self.X[chosen], self.y[chosen]


def load(folder: Path, n_shops: int | None = None) -> Sales:
    """Read `train.csv.gz`, `features.csv.gz` and `stores.csv.gz` from a folder: the first shops, or all.

    Rows from 2012 on are the later ones.
    """
    sales, weekly, shops = (_read(folder / f"{name}.csv.gz") for name in ("train", "features", "stores"))
    day = np.array(sales["Date"], dtype="datetime64[D]")
    week = _weeks_since(day.min(), sales["Date"])
    shop, department = _whole(sales["Store"]), _whole(sales["Dept"])
    y = np.log1p(np.maximum(_numbers(sales["Weekly_Sales"]), 0.0))

    place = (_whole(weekly["Store"]), _weeks_since(day.min(), weekly["Date"]))
    about_week = {
        name: _scattered(place, _numbers(weekly[name]))[shop, week]
        for name in ("Temperature", "Fuel_Price", "CPI", "Unemployment")
    }
    markdowns = [_numbers(weekly[f"MarkDown{i}"]) for i in range(1, 6)]
    spent = np.log1p(np.nansum(np.maximum(markdowns, 0.0), axis=0))
    size = _scattered((_whole(shops["Store"]),), _numbers(shops["Size"]))[shop]
    kind = _scattered((_whole(shops["Store"]),), np.array(["ABC".index(t) for t in shops["Type"]], float))[shop]

    # Lags reach before the first week; there the padding of NaN answers.
    before = max(LAGS)
    history = _scattered((shop, department, week + before), y)
    lagged = [history[shop, department, week + before - lag] for lag in LAGS]
    week_of_year = (day - day.astype("datetime64[Y]")).astype(int) // 7
    columns = [department, week_of_year, _numbers(sales["IsHoliday"]), *about_week.values()]
    X = np.column_stack([*columns, _scattered(place, spent)[shop, week], size, kind, *lagged])
    wanted = np.isin(shop, np.unique(shop)[:n_shops])
    return Sales(X[wanted], y[wanted], shop[wanted], day[wanted] >= np.datetime64("2012-01-01"))


def _read(path: Path) -> dict[str, tuple[str, ...]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return dict(zip(header, zip(*rows, strict=True), strict=True))


def _numbers(texts: tuple[str, ...]) -> np.ndarray:
    return np.array([float(text) if text else np.nan for text in texts])


def _whole(texts: tuple[str, ...]) -> np.ndarray:
    return np.array(texts, dtype=int)


def _weeks_since(start: np.datetime64, dates: tuple[str, ...]) -> np.ndarray:
    return (np.array(dates, dtype="datetime64[D]") - start).astype(int) // 7


def _scattered(place: tuple[np.ndarray, ...], values: np.ndarray) -> np.ndarray:
    table = np.full([index.max() + 1 for index in place], np.nan)
    table[place] = values
    return table
