"""Load an example as a module, and a small sales data set in the form of the real one."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import sys
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FIRST_WEEK = date(2010, 2, 5)


@pytest.fixture
def example(root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Return a function that loads a file of the folder examples/, with its neighbours importable."""
    monkeypatch.syspath_prepend(str(root / "examples"))

    def load(name: str) -> ModuleType:
        specification = importlib.util.spec_from_file_location(name, root / "examples" / f"{name}.py")
        assert specification is not None
        assert specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        monkeypatch.setitem(sys.modules, name, module)
        specification.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def small_sales(tmp_path: Path) -> Path:
    """Write six shops with three departments and 143 weeks; return the folder that holds walmart/."""
    rng = np.random.default_rng(0)
    shops, departments, weeks = range(1, 7), (1, 2, 5), range(143)
    days = [(FIRST_WEEK + timedelta(weeks=w)).isoformat() for w in weeks]
    folder = tmp_path / "walmart"
    folder.mkdir()
    _write(
        folder / "stores.csv.gz",
        ["Store", "Type", "Size"],
        [[s, "ABC"[s % 3], 50_000 + 9_000 * s] for s in shops],
    )
    _write(
        folder / "features.csv.gz",
        [
            "Store",
            "Date",
            "Temperature",
            "Fuel_Price",
            *(f"MarkDown{i}" for i in range(1, 6)),
            "CPI",
            "Unemployment",
        ],
        [[s, days[w], 50 + w % 30, 3.1, "", "", 7.5 * s, "", "", 200 + s, 8 - s / 9] for s in shops for w in weeks],
    )
    level = 8.0 + rng.normal(size=(7, 6))
    sold = [
        [
            s,
            d,
            days[w],
            round(float(np.exp(level[s, d] + np.sin(w / 8.3) + rng.normal(scale=0.2))), 2),
            int(w % 40 == 0),
        ]
        for s in shops
        for d in departments
        for w in weeks
    ]
    _write(folder / "train.csv.gz", ["Store", "Dept", "Date", "Weekly_Sales", "IsHoliday"], sold)
    return tmp_path


@pytest.fixture
def small_stores(tmp_path: Path) -> Path:
    """Write six stores with 940 days, of which Sundays are closed; return the folder that holds rossmann/."""
    rng = np.random.default_rng(1)
    folder = tmp_path / "rossmann"
    folder.mkdir()
    fields = "Store StoreType Assortment CompetitionDistance CompetitionOpenSinceMonth CompetitionOpenSinceYear"
    later = "Promo2 Promo2SinceWeek Promo2SinceYear PromoInterval"
    promoted = [1, 14, 2014, "Jan,Apr,Jul,Oct"]
    _write(
        folder / "store.csv.gz",
        [*fields.split(), *later.split()],
        [
            [s, "abcd"[s % 4], "ac"[s % 2], 500 * s if s > 1 else "", *([""] * 2 if s < 3 else [s, 2012])]
            + (promoted if s % 2 else [0, "", "", ""])
            for s in range(1, 7)
        ],
    )
    rows = []
    for s in range(1, 7):
        for n in range(940):
            day = date(2013, 1, 1) + timedelta(days=n)
            if day.isoweekday() < 7:
                sold = 4000 + 500 * s + 300 * day.isoweekday() + 800 * (n // 7 % 2) + rng.normal(scale=200)
                about = [day.isoweekday(), round(sold), 400, n // 7 % 2, "a" if day.month == day.day else "0", 0]
                rows.append([s, day.isoformat(), *about])
    header = ["Store", "Date", "DayOfWeek", "Sales", "Customers", "Promo", "StateHoliday", "SchoolHoliday"]
    _write(folder / "train.csv.gz", header, rows)
    return tmp_path


def _write(path: Path, header: list[str], rows: Iterable[list[object]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
