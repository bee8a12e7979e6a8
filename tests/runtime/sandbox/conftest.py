"""What tests of limits share: whether this machine counts what several processes take together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

from learnware.runtime.sandbox import launcher
from learnware.runtime.sandbox.cgroup import new_group

MIB = 2**20


def writable_hierarchy(mounts: str) -> str | None:
    """Return where root can make groups that count memory, of what ``/proc/mounts`` lists."""
    for line in mounts.splitlines():
        _, point, kind, options = line.split()[:4]
        if kind == "cgroup" and "memory" in options.split(","):
            counts = True
        else:
            enabled = Path(point, "cgroup.subtree_control")
            counts = kind == "cgroup2" and enabled.exists() and {"memory", "pids"} <= set(enabled.read_text().split())
        if counts and os.access(point, os.W_OK):
            return point
    return None


def no_groups(reason: str) -> NoReturn:
    """Skip, or fail where LEARNWARE_REQUIRE_SANDBOX=1 and root could have made a group."""
    point = writable_hierarchy(Path("/proc/mounts").read_text())
    if os.environ.get("LEARNWARE_REQUIRE_SANDBOX") == "1" and os.geteuid() == 0 and point:
        pytest.fail(f"LEARNWARE_REQUIRE_SANDBOX=1, and {point} can be written, but: {reason}")
    pytest.skip(reason)


@pytest.fixture
def counted() -> None:
    """Skip where this user may not make control groups, so that only limits of single processes bind."""
    group = new_group(MIB, 4)
    if group is None:
        no_groups("needs control groups that this user may make")
    group.close()


@pytest.fixture
def uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as where this user may not make control groups."""
    monkeypatch.setattr(launcher, "new_group", lambda memory, processes: None)
