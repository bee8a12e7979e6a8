from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from tests.server.running import RunningDock

WAYS = [
    "mean in market",
    "single best",
    "top-1",
    "average",
    "job selector",
    "auto",
    "auto, 20 labels",
    "self-trained, 20 labels",
    "oracle",
]


@pytest.fixture
def remote(example: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the example with four developers and a smaller user."""
    monkeypatch.setenv("LEARNWARE_CACHE", str(tmp_path / "cache"))
    module = example("remote")
    monkeypatch.setattr(module, "DIGITS", replace(module.DIGITS, n_developers=4, user_rows=120))
    return module


def test_a_dock_is_started_filled_searched_and_ended(
    remote: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started = []
    real = remote.subprocess.Popen
    monkeypatch.setattr(remote.subprocess, "Popen", lambda *a, **o: started.append(real(*a, **o)) or started[-1])
    remote.main(["--json"])
    scores = json.loads(capsys.readouterr().out)
    assert list(scores) == WAYS
    assert all(0.0 <= score <= 1.0 for score in scores.values())
    assert scores["mean in market"] <= scores["single best"]
    assert scores["auto"] > scores["mean in market"]
    (served,) = (process for process in started if "serve" in process.args)
    assert served.poll() is not None


def test_a_running_dock_is_left_as_it_was(
    remote: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with RunningDock(tmp_path / "market") as running:
        remote.main(["--url", running.url, "--token", running.token()])
        assert len(running.dock.store) == 0
        assert running.dock.queue.counts()["verified"] == 4
    printed = capsys.readouterr().out
    assert all(f"| {way}" in printed for way in WAYS)
    assert "120 rows" in printed


def test_what_goes_wrong_leaves_nothing_at_a_running_dock(
    remote: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("interrupted")

    monkeypatch.setattr(remote, "use", fail)
    with RunningDock(tmp_path / "market") as running:
        with pytest.raises(RuntimeError, match="interrupted"):
            remote.on_a_running_dock(running.url, running.token(), seed=0)
        assert len(running.dock.store) == 0
