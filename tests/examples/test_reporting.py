from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

Load = Callable[[str], ModuleType]


@pytest.fixture
def reporting(example: Load) -> ModuleType:
    return example("reporting")


def test_options(reporting: ModuleType) -> None:
    parser = reporting.arguments("First line.\n\nMore.", data_help="the data", labels="10,20")
    options = parser.parse_args(["--data", "here"])
    assert parser.description == "First line."
    assert (options.seed, options.labels, options.figure, options.json) == ([0, 1, 2], [10, 20], None, False)
    options = parser.parse_args(["--data", "here", "--seed", "7", "--labels", "", "--figure", "a.png"])
    assert (options.seed, options.labels, options.figure) == ([7], [], Path("a.png"))


@pytest.mark.parametrize("text", ["", "x", "-1"])
def test_seeds_that_are_none(reporting: ModuleType, text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected"):
        reporting.seeds(text)


def test_counts_rise(reporting: ModuleType) -> None:
    assert reporting.counts("500,100,100") == [100, 500]
    with pytest.raises(argparse.ArgumentTypeError, match="at least 1"):
        reporting.counts("0,100")


def test_interval_holds_the_mean_of_paired_differences(reporting: ModuleType) -> None:
    rng = np.random.default_rng(0)
    level = rng.normal(scale=10.0, size=60)
    errors = [{"a": x, "b": x + 0.5 + 0.1 * z} for x, z in zip(level, rng.normal(size=60), strict=True)]
    a, b = reporting.summarise(errors, "a", seed=0)
    assert (a["difference"], a["low"], a["high"]) == (0.0, 0.0, 0.0)
    assert 0.4 < b["low"] < b["difference"] < b["high"] < 0.6


def test_over_seeds_averages_user_by_user(reporting: ModuleType) -> None:
    runs = [[{"a": 1.0}, {"a": 5.0}], [{"a": 3.0}, {"a": 7.0}]]
    assert reporting.over_seeds(runs) == [{"a": 2.0}, {"a": 6.0}]


def test_table(reporting: ModuleType) -> None:
    errors = [{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}]
    rows = reporting.summarise(errors, "a", 0) + reporting.published({"theirs": 2.5})
    assert reporting.table("no labels", "a", rows, measure="RMSE", digits=2).splitlines() == [
        "| no labels | RMSE | difference to a (95 % interval) |",
        "|---|---|---|",
        "| a | 2.00 |  |",
        "| b | 3.00 | +1.00 (+1.00 .. +1.00) |",
        "| theirs (published) | 2.50 |  |",
    ]


def test_figure(reporting: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "figures" / "curves.png"
    curves = {"own model": {100: [0.7, 0.8, 0.75], 500: [0.6, 0.62, 0.61]}}
    reporting.plot_curves(path, curves, ylabel="RMSE", flat={"no labels": [0.5]})
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size < 60_000
