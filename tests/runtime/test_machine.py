"""How much memory there is, as the machine and its control groups say."""

from __future__ import annotations

from pathlib import Path

import pytest

from learnware.runtime import choice
from learnware.runtime.machine import available_memory


def groups(system: Path, own: str, files: dict[str, str]) -> Path:
    """Write what the kernel says of control groups."""
    for name, content in {"proc/self/cgroup": own, **files}.items():
        path = system / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return system


@pytest.mark.parametrize(
    ("own", "files"),
    [
        ("0::/a/b\n", {"sys/fs/cgroup/a/b/memory.max": "4096\n"}),
        ("0::/a/b\n", {"sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "4096\n"}),
        ("0::/\n", {"sys/fs/cgroup/memory.max": "4096\n"}),
        ("4:memory:/a\n0::/\n", {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "4096\n"}),
        ("4:cpu,memory:/of/host\n", {"sys/fs/cgroup/memory/memory.limit_in_bytes": "4096\n"}),
        ("1:name=systemd:/a:b\n0::/a\n", {"sys/fs/cgroup/unified/a/memory.max": "4096\n"}),
    ],
)
def test_the_group_of_this_process_binds(own: str, files: dict[str, str], tmp_path: Path) -> None:
    assert available_memory(groups(tmp_path, own, files)) == 4096


@pytest.mark.parametrize(
    ("own", "files"),
    [
        ("0::/a\n", {"sys/fs/cgroup/a/memory.max": "max\n", "sys/fs/cgroup/b/memory.max": "4096\n"}),
        ("4:memory:/a\n", {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9223372036854771712\n"}),
        ("4:cpu:/a\n", {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "4096\n"}),
    ],
)
def test_else_the_machine_does(own: str, files: dict[str, str], tmp_path: Path) -> None:
    assert available_memory(groups(tmp_path, own, files)) == available_memory(tmp_path / "absent") > 2**20


def test_the_shared_worker_gets_three_quarters(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(choice, "available_memory", lambda: 4000)
    monkeypatch.setattr(choice, "Worker", lambda *arguments, **options: seen.append(arguments[2].memory))
    choice._start_shared("a model")
    assert seen == [3000]
