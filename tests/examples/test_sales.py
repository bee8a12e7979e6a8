from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

Load = Callable[[str], ModuleType]

LABEL_FREE = [
    "mean in market",
    "best single (oracle)",
    "top-1 by distance",
    "published rules",
    "average of nearest 5",
    "average of nearest 10",
    "average of all",
    "median of all",
    "mixture average",
    "job selector",
    "consensus",
    "auto",
]


def test_lags_are_those_of_the_same_shop_and_department(example: Load, small_sales: Path) -> None:
    sales = example("walmart").load(small_sales / "walmart")
    assert sales.X.shape == (6 * 3 * 143, len(example("walmart").COLUMNS))
    y = sales.y.reshape(6, 3, 143)
    lagged = sales.X.reshape(6, 3, 143, -1)[..., -4:]
    for column, lag in enumerate((4, 5, 52, 53)):
        np.testing.assert_array_equal(lagged[:, :, lag:, column], y[:, :, :-lag])
        assert np.isnan(lagged[:, :, :lag, column]).all()


def test_columns_know_no_sales_of_the_last_four_weeks(example: Load, small_sales: Path) -> None:
    walmart = example("walmart")
    before = walmart.load(small_sales / "walmart")
    path = small_sales / "walmart" / "train.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    changed_on = "2012-06-01"
    rows = [[*row[:3], "1.0" if row[2] >= changed_on else row[3], row[4]] for row in rows]
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    after = walmart.load(small_sales / "walmart")
    soon = np.array([row[2] < "2012-06-29" for row in rows])
    assert not np.array_equal(before.y[soon], after.y[soon])
    np.testing.assert_array_equal(before.X[soon], after.X[soon])
    assert not np.array_equal(before.X[~soon], after.X[~soon], equal_nan=True)


def test_own_learnware_is_not_in_the_market_of_its_user(
    example: Load, small_sales: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sales = example("sales")
    found = {}
    ask = sales.errors_without_labels

    def spy(user: object) -> dict[str, float]:
        found[float(user.y.sum())] = {hit.name for hit in user.result.hits}  # type: ignore[attr-defined]
        return ask(user)

    monkeypatch.setattr(sales, "errors_without_labels", spy)
    sales.main(["--data", str(small_sales), "--labels", ""])
    rows = example("walmart").load(small_sales / "walmart")
    for shop in range(1, 7):
        others = {f"Weekly sales of shop {other}" for other in range(1, 7) if other != shop}
        assert found[float(rows.rows(shop, late=True)[1].sum())] == others


def test_tables_and_kept_learnwares(example: Load, small_sales: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = small_sales / "kept"
    arguments = ["--data", str(small_sales), "--users", "2", "--labels", "20", "--cache", str(kept)]
    example("sales").main(arguments)
    first = capsys.readouterr().out
    assert "| no labels | RMSE |" in first
    assert "| 20 labels | RMSE |" in first
    assert len(list(kept.glob("*.zip"))) == 6
    example("sales").main(arguments)
    assert capsys.readouterr().out == first


def test_real_data(example: Load, data_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not (data_path / "walmart" / "train.csv.gz").is_file():
        pytest.skip(f"needs the data set {data_path / 'walmart'}")
    example("sales").main(["--data", str(data_path), "--shops", "4", "--users", "1", "--labels", "100", "--json"])
    results = json.loads(capsys.readouterr().out)
    rmse = {row["way"]: row["rmse"] for row in results["no labels"]}
    assert list(rmse) == LABEL_FREE
    assert rmse["best single (oracle)"] <= rmse["mean in market"]
    assert rmse["auto"] < rmse["mean in market"]
    assert all(0.3 < value < 1.0 for value in rmse.values())


def test_published_rules_pick_the_planted_pair(example: Load) -> None:
    sales = example("sales")
    rng = np.random.default_rng(0)
    places = 6.0 * (np.arange(8)[:, None] >> np.arange(3) & 1)
    embeddings = [sales.RKME.from_data(rng.normal(loc=p, size=(400, 3)), 30, random_state=0) for p in places]
    halves = np.vstack([rng.normal(loc=places[i], size=(200, 3)) for i in (2, 3)])
    hits = [_Hit(_Specification(e)) for e in embeddings]
    user = sales.User(
        halves, halves[:, 0], _Specification(sales.RKME.from_data(halves, 60, random_state=0)), _Result(hits)
    )
    assert set(sales.published_rules(user)) == {2, 3}


class _Specification:
    def __init__(self, statistical: object) -> None:
        self.statistical = statistical


class _Hit:
    def __init__(self, specification: _Specification) -> None:
        self.specification = specification


class _Result:
    def __init__(self, hits: list[_Hit]) -> None:
        self.hits = hits
