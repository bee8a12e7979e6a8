"""What tests of sandboxes share: whether one leaves anything behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from learnware.runtime.sandbox.launcher import SandboxLauncher, SandboxProcess


def inhabitants(namespace: int) -> list[str]:
    """Return the processes of a pid namespace, those that have ended only if it is for us to take note of that."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and (folder / "ns" / "pid").stat().st_ino == namespace:
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z" or parent == str(os.getpid()):
                    found.append(folder.name)
        except OSError:
            continue
    return found


@pytest.fixture
def nothing_left(needs_sandbox: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a check that nothing is left of the sandboxes started in this test; call it when they are closed."""
    seen: list[tuple[SandboxProcess, int]] = []
    start = SandboxLauncher.start

    def watched(self: SandboxLauncher, arguments: list[str], inherited: tuple[int, ...]) -> SandboxProcess:
        process = start(self, arguments, inherited)
        seen.append((process, (Path("/proc") / str(process._first) / "ns" / "pid").stat().st_ino))
        return process

    monkeypatch.setattr(SandboxLauncher, "start", watched)

    def check() -> None:
        assert seen, "no sandbox was started"
        for process, namespace in seen:
            assert namespace != Path("/proc/self/ns/pid").stat().st_ino
            assert inhabitants(namespace) == []
            assert process._process.returncode is not None
            assert process._group is None
            assert process._user is None or process._user._lock is None

    return check
