"""Folders of processes that were killed go away; those of living ones stay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from learnware.runtime.worker import abandoned
from learnware.runtime.worker.abandoned import new_folder

pytestmark = pytest.mark.skipif(os.name != "posix", reason="folders have no locks")

SCRIPT = "from learnware.runtime.worker.abandoned import new_folder; print(new_folder()[0], flush=True); input()"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(abandoned, "_swept", set())
    return tmp_path


def age(folder: Path) -> None:
    then = time.time() - 1000
    os.utime(folder, (then, then))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_only_what_a_dead_process_left_is_removed(number: int, temporary: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        theirs = Path(process.stdout.readline().strip())
        (theirs / "file").write_bytes(b"x")
        other, foreign = temporary / "learnware-else", temporary / "learnware-model-link"
        other.mkdir()
        foreign.symlink_to(other)
        for folder in (theirs, other):
            age(folder)
        mine, lock = new_folder()
        assert theirs.is_dir()
        assert mine.stat().st_mode & 0o777 == 0o700
        process.send_signal(number)
    new_folder_again(lock)
    assert not theirs.exists()
    assert mine.is_dir()
    assert other.is_dir()


def new_folder_again(lock: int | None) -> None:
    """Make another folder as the first one of its process, and give back both locks."""
    for folder in Path(abandoned.tempfile.gettempdir()).glob("learnware-model-*"):
        if not folder.is_symlink():
            age(folder)
    abandoned._swept.clear()
    _, second = new_folder()
    for file in (lock, second):
        assert file is not None
        os.close(file)


def test_a_young_folder_may_not_be_locked_yet(temporary: Path) -> None:
    young = temporary / "learnware-model-young"
    young.mkdir()
    _, lock = new_folder()
    assert young.is_dir()
    assert lock is not None
    os.close(lock)
