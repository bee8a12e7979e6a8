"""The command line on a remote market, and the command that writes a specification."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from learnware import Specification
from learnware.cli import main
from learnware.testing import make_learnware
from learnware.testing.examples import points_around
from tests.market.remote.fake_dock import FakeDock


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, Any]:
    code = main([*argv, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_every_command_takes_a_url(
    dock: FakeDock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dock.token = "lw_right"
    make_learnware().save("one.zip")
    code, content = run(capsys, "submit", dock.url, "one.zip")
    assert (code, "unknown" in content["submitted"][0]["reason"]) == (1, True)
    code, content = run(capsys, "submit", dock.url, "one.zip", "--token", "lw_right")
    learnware_id = content["submitted"][0]["id"]
    assert (code, list(dock.market)) == (0, [learnware_id])
    monkeypatch.setenv("LEARNWARE_TOKEN", "lw_right")
    assert run(capsys, "list", dock.url)[1]["learnwares"][0]["id"] == learnware_id
    assert run(capsys, "search", dock.url, "--text", "above")[1]["hits"][0]["id"] == learnware_id
    make_learnware("Second edition").save("two.zip")
    assert run(capsys, "update", dock.url, learnware_id, "two.zip")[0] == 0
    revisions = run(capsys, "market", "revisions", dock.url, learnware_id)[1]["revisions"]
    assert run(capsys, "fetch", dock.url, f"{learnware_id}@{revisions[0]['digest']}", "-o", "back.zip")[0] == 0
    assert Path("back.zip").read_bytes() == Path("one.zip").read_bytes()
    assert run(capsys, "remove", dock.url, learnware_id) == (0, {"removed": learnware_id})
    assert run(capsys, "fetch", dock.url, learnware_id)[0] == 1
    assert not Path("http:").exists()


def test_a_specification_is_written_and_searched_with(dock: FakeDock, capsys: pytest.CaptureFixture[str]) -> None:
    dock.market.submit(make_learnware())
    np.save("mine.npy", points_around(0.0))
    code, content = run(capsys, "spec", "mine.npy", "-o", "spec.json", "--points", "20", "--task", "classification")
    assert (code, content["file"], content["bytes"]) == (0, "spec.json", Path("spec.json").stat().st_size)
    written = Specification.load("spec.json")
    expected = Specification.from_data(points_around(0.0), task="classification", n_points=20, random_state=0)
    assert (written, content["n_points"]) == (expected, len(expected.statistical.points))  # type: ignore[union-attr]
    assert run(capsys, "search", dock.url, "--spec", "spec.json")[0] == 0
    assert run(capsys, "spec", "mine.npy")[1]["file"] == "mine.json"
    assert run(capsys, "spec", "mine.npy", "-o", "mine.npy")[0] == 2
    assert np.load("mine.npy").shape == (200, 2)


def test_labels_of_a_table_become_part_of_its_specification(capsys: pytest.CaptureFixture[str]) -> None:
    X = points_around(0.0)
    rows = [f"{a},{b},{'above' if a > b else 'below'}" for a, b in X]
    Path("mine.csv").write_text("\n".join(["a,b,where", *rows]))
    assert run(capsys, "spec", "mine.csv", "--target", "where")[0] == 0
    written = Specification.load("mine.json")
    assert written.semantic.task == "Classification"
    assert written.statistical is not None
    assert written.statistical.labels is not None
