"""Control groups, on trees that look like those of other machines, and on this machine's where it lets us."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from learnware.runtime.sandbox import cgroup
from learnware.runtime.sandbox.cgroup import Group, new_group
from tests.runtime.sandbox.conftest import no_groups, writable_hierarchy

MIB = 2**20


def machine(tmp_path: Path, groups: str, mounts: list[tuple[str, str, Path, str]]) -> Path:
    """Write what /proc shows of a machine."""
    proc = tmp_path / "proc"
    task = proc / "self" / "task" / str(os.getpid())
    task.mkdir(parents=True)
    (task / "children").write_text("")
    (proc / "self" / "cgroup").write_text(groups)
    lines = [f"30 20 0:26 {root} {point} rw - {kind} {kind} rw,{options}" for kind, root, point, options in mounts]
    (proc / "self" / "mountinfo").write_text("\n".join(["1 0 8:1 / / rw - ext4 /dev/sda rw", *lines]) + "\n")
    return proc


def unified(tmp_path: Path, own: str, enabled: dict[str, str]) -> Path:
    """Write a tree of version 2."""
    top = tmp_path / "cgroup"
    (top / own).mkdir(parents=True)
    for folder in [top / own, *(top / own).parents]:
        if folder.is_relative_to(top):
            (folder / "cgroup.procs").write_text("")
            relative = folder.relative_to(top).as_posix()
            (folder / "cgroup.subtree_control").write_text(enabled.get(relative, ""))
    return top


@pytest.fixture
def writable_below(monkeypatch):
    """Make a part of a tree the only one that may be written to, whoever runs the tests."""

    def only(folder: Path) -> None:
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path).is_relative_to(folder))

    return only


def test_version_2_uses_the_delegated_part(tmp_path, writable_below):
    service = "user.slice/user-1000.slice/user@1000.service"
    enabled = {
        "": "cpu memory pids",
        "user.slice": "memory pids",
        service: "memory pids",
        f"{service}/app.slice": "memory pids",
    }
    top = unified(tmp_path, f"{service}/app.slice/term.scope", enabled)
    writable_below(top / service)
    proc = machine(tmp_path, f"0::/{service}/app.slice/term.scope\n", [("cgroup2", "/", top, "")])
    assert cgroup._places(proc) == {"": top / service / "app.slice"}


def test_version_2_without_delegation(tmp_path, writable_below):
    top = unified(tmp_path, "user.slice/session.scope", {"": "memory pids", "user.slice": "memory pids"})
    writable_below(tmp_path / "elsewhere")
    proc = machine(tmp_path, "0::/user.slice/session.scope\n", [("cgroup2", "/", top, "")])
    assert cgroup._places(proc) == {}


def test_version_2_needs_both_controllers(tmp_path, writable_below):
    top = unified(tmp_path, "a/b", {"": "cpu memory", "a": "pids"})
    writable_below(tmp_path)
    proc = machine(tmp_path, "0::/a/b\n", [("cgroup2", "/", top, "")])
    assert cgroup._places(proc) == {}


def test_version_1(tmp_path):
    memory, pids = tmp_path / "memory", tmp_path / "pids"
    (memory / "box").mkdir(parents=True)
    pids.mkdir()
    mounts = [("cgroup", "/", memory, "memory"), ("cgroup", "/", pids, "pids"), ("cgroup2", "/", tmp_path / "none", "")]
    proc = machine(tmp_path, "4:memory:/box\n8:pids:/\n1:cpu:/\n0::/\n", mounts)
    assert cgroup._places(proc) == {"memory": memory / "box", "pids": pids}


def test_a_container_sees_its_part_of_the_tree(tmp_path):
    memory = tmp_path / "memory"
    memory.mkdir()
    proc = machine(tmp_path, "4:memory:/docker/abc\n", [("cgroup", "/docker/abc", memory, "memory")])
    assert cgroup._places(proc) == {"memory": memory}


def test_a_part_that_is_not_mounted(tmp_path):
    memory = tmp_path / "memory"
    memory.mkdir()
    proc = machine(tmp_path, "4:memory:/other\n", [("cgroup", "/docker/abc", memory, "memory")])
    assert cgroup._places(proc) == {}


def test_no_groups_at_all(tmp_path):
    assert cgroup._places(tmp_path) == {}
    assert cgroup._places(machine(tmp_path, "", [])) == {}


def test_none_where_none_can_be_made(tmp_path, monkeypatch):
    monkeypatch.setattr(cgroup, "_PROC", tmp_path)
    assert new_group(64 * MIB, 20) is None


def test_limits_that_cannot_be_set_make_no_group(tmp_path, monkeypatch):
    """A folder that is no group has none of the files that a kernel puts there."""
    monkeypatch.setattr(cgroup, "_places", lambda proc: {"pids": tmp_path})
    assert new_group(64 * MIB, 20) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("version", "file"), [(2, "memory.events"), (1, "memory.oom_control")])
def test_counts_of_memory(tmp_path, version, file):
    group = Group((tmp_path,))
    assert not group.ran_out_of_memory()
    (tmp_path / file).write_text("low 0\nunder_oom 0\noom_kill 0\n")
    assert not group.ran_out_of_memory()
    (tmp_path / file).write_text("low 0\nunder_oom 0\noom_kill 2\n")
    assert group.ran_out_of_memory()


def test_groups_of_dead_processes_are_swept(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for name in (f"learnware-{dead.pid}-0abc", f"learnware-{os.getpid()}-0abc", "learnware-notes-x", "other"):
        (tmp_path / name).mkdir()
    cgroup._sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [f"learnware-{os.getpid()}-0abc", "learnware-notes-x", "other"]
    )


def test_a_group_in_use_is_left_to_the_next_sweep(tmp_path, monkeypatch):
    """Whoever ends a worker gets its answer, whatever becomes of the folder."""
    folder = tmp_path / f"learnware-{os.getpid()}-0abc"
    (folder / "process").mkdir(parents=True)
    monkeypatch.setattr(cgroup, "_REMOVE_SECONDS", 0.0)
    Group((folder,)).close()
    cgroup._sweep(tmp_path)
    assert folder.exists()
    (folder / "process").rmdir()
    cgroup._sweep(tmp_path)
    assert not folder.exists()
    assert folder not in cgroup._left


@pytest.mark.parametrize(("required", "user", "outcome"), [("1", 0, "fail"), ("0", 0, "skip"), ("1", 1000, "skip")])
def test_missing_groups_are_a_failure_where_root_could_make_them(tmp_path, monkeypatch, required, user, outcome):
    text = f"tmpfs /run tmpfs rw 0 0\ncgroup {tmp_path} cgroup rw,memory 0 0\n"
    monkeypatch.setattr(Path, "read_text", lambda path: text)
    monkeypatch.setenv("LEARNWARE_REQUIRE_SANDBOX", required)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    with pytest.raises(getattr(pytest, outcome).Exception, match="no groups here"):
        no_groups("no groups here")


def test_hierarchies_that_can_be_written(tmp_path):
    assert writable_hierarchy(f"cgroup {tmp_path} cgroup rw,memory 0 0") == str(tmp_path)
    assert writable_hierarchy(f"cgroup {tmp_path} cgroup rw,cpu 0 0") is None
    assert writable_hierarchy("cgroup /does/not/exist cgroup rw,memory 0 0") is None
    assert writable_hierarchy(f"cgroup2 {tmp_path} cgroup2 rw 0 0") is None
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory pids\n")
    assert writable_hierarchy(f"cgroup2 {tmp_path} cgroup2 rw 0 0") == str(tmp_path)


@pytest.fixture
def group(counted):
    made = new_group(64 * MIB, 20)
    assert made is not None
    yield made
    made.close()
    assert not any(folder.exists() for folder in made.folders)


def started(program: str, group: Group) -> subprocess.Popen[bytes]:
    """Start a program that waits until it is in the group."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", f"input()\n{program}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    group.add([process.pid])
    return process


def test_memory_is_bound(group):
    if not any((folder / name).exists() for folder in group.folders for name in ("memory.max", "memory.oom_control")):
        no_groups("needs a group that counts memory")
    process = started(f"x = bytearray({200 * MIB}); x[::4096] = b'1' * len(x[::4096])", group)
    process.communicate(b"\n")
    assert process.returncode == -9
    assert group.ran_out_of_memory()


def test_processes_are_bound(group):
    if not any((folder / "pids.max").exists() for folder in group.folders):
        no_groups("needs a group that counts processes")
    program = """
import os, time
n = 0
try:
    while n < 100:
        if not os.fork():
            time.sleep(60)
        n += 1
except OSError:
    pass
print(n, flush=True)
time.sleep(60)
"""
    process = started(program, group)
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"\n")
    process.stdin.flush()
    assert int(process.stdout.readline()) == 19
    for folder in group.folders:
        for pid in (folder / "cgroup.procs").read_text().split():
            if int(pid) != process.pid:
                os.kill(int(pid), 9)
    process.kill()
    process.communicate()


def test_dead_processes_are_passed_over(group):
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", ""])
    process.wait()
    group.add([process.pid])
