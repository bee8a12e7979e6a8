"""Control groups: how much memory and how many processes a worker may take, counted by the kernel over all of them.

A limit of one process, as ``setrlimit`` sets it, does not see what its children take. Whether a group can be made
depends on the machine: version 2 needs a part of the tree that was delegated to the user, version 1 needs root.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_PREFIX = "learnware"
_PROC = Path("/proc")
_REMOVE_SECONDS = 2.0
# Groups that could not be removed when their worker was ended.
_left: set[Path] = set()


@dataclass(frozen=True)
class Group:
    """The limits of one worker and of all that it starts.

    Parameters
    ----------
    folders : tuple of Path
        One folder of version 2, or one of each controller of version 1.
    """

    folders: tuple[Path, ...]

    def add(self, pids: Iterable[int]) -> None:
        """Put processes under the limits; what they start later is under them too."""
        for pid in pids:
            for folder in self.folders:
                # A process that is gone needs no limits, and its death is noticed elsewhere.
                with contextlib.suppress(ProcessLookupError):
                    (folder / "cgroup.procs").write_text(str(pid))

    def ran_out_of_memory(self) -> bool:
        """Tell whether the kernel has ended a process of the group for want of memory."""
        for folder in self.folders:
            for name in ("memory.events", "memory.oom_control"):
                with contextlib.suppress(FileNotFoundError):
                    counts = dict(line.split() for line in (folder / name).read_text().splitlines())
                    if int(counts.get("oom_kill", 0)) > 0:
                        return True
        return False

    def close(self) -> None:
        """Remove the group, once its processes have ended; later, where the system does not let us now."""
        for folder in self.folders:
            _remove(folder)


def new_group(memory: int, processes: int) -> Group | None:
    """Make a group with limits.

    Parameters
    ----------
    memory : int
        Bytes of memory, files in memory included.
    processes : int
        Processes and threads.

    Returns
    -------
    Group or None
        None where this process may make no group that counts memory or processes.
    """
    limits = {
        "memory": {"memory.limit_in_bytes": memory, "memory.memsw.limit_in_bytes": memory},
        "pids": {"pids.max": processes},
        "": {"memory.max": memory, "memory.swap.max": 0, "memory.oom.group": 1, "pids.max": processes},
    }
    name = f"{_PREFIX}-{os.getpid()}-{secrets.token_hex(4)}"
    folders = []
    for controller, parent in _places(_PROC).items():
        _sweep(parent)
        folder = parent / name
        try:
            folder.mkdir()
        except OSError:
            continue
        if _limited(folder, limits[controller]):
            folders.append(folder)
        else:
            _remove(folder)
    return Group(tuple(folders)) if folders else None


def _limited(folder: Path, limits: dict[str, int]) -> bool:
    """Write limits into a new group, the first of which must be there."""
    for position, (name, value) in enumerate(limits.items()):
        # Not every kernel counts swap, or ends a group as a whole; opening for reading and writing creates nothing.
        try:
            with open(folder / name, "r+") as file:
                file.write(str(value))
        except OSError:
            if position == 0:
                return False
    return True


def _places(proc: Path) -> dict[str, Path]:
    """Return the folder in which groups can be made, by controller; the empty name stands for version 2."""
    # Without this file of the kernel the processes of a sandbox cannot be found from outside.
    if not (proc / "self" / "task" / str(os.getpid()) / "children").exists():
        return {}
    places = {}
    for controller, own, top in _own_groups(proc):
        if controller == "":
            parent = next((folder for folder in _upwards(own, top) if _is_delegated(folder)), None)
        else:
            parent = own if os.access(own, os.W_OK) else None
        if parent is not None:
            places[controller] = parent
    return places


def _own_groups(proc: Path) -> Iterator[tuple[str, Path, Path]]:
    """Find the groups of this process: the controller, the group's folder, and the top of what is mounted."""
    mounts = list(_mounts(proc / "self" / "mountinfo"))
    for line in _lines(proc / "self" / "cgroup"):
        _, names, path = line.split(":", 2)
        controllers = set(names.split(",")) & {"memory", "pids"} if names else {""}
        for kind, root, point, options in mounts:
            if kind != ("cgroup" if names else "cgroup2") or not PurePosixPath(path).is_relative_to(root):
                continue
            own = point / PurePosixPath(path).relative_to(root)
            for controller in controllers:
                if controller in options or controller == "":
                    yield controller, own, point


def _mounts(file: Path) -> Iterator[tuple[str, str, Path, set[str]]]:
    """Read kind, root, mount point and options of what is mounted."""
    for line in _lines(file):
        left, _, right = line.partition(" - ")
        before, after = left.split(), right.split()
        yield after[0], before[3], Path(before[4]), set(after[-1].split(","))


def _lines(file: Path) -> list[str]:
    """Return the lines of a file of the kernel, none where there is no such file."""
    try:
        return file.read_text().splitlines()
    except OSError:
        return []


def _upwards(folder: Path, top: Path) -> Iterator[Path]:
    """Return a folder and those above it, up to `top`."""
    yield folder
    while folder not in (top, folder.parent):
        folder = folder.parent
        yield folder


def _is_delegated(folder: Path) -> bool:
    """Tell whether groups below a folder of version 2 can have limits, and processes of this one can move there."""
    enabled = " ".join(_lines(folder / "cgroup.subtree_control")).split()
    return {"memory", "pids"} <= set(enabled) and all(
        os.access(path, os.W_OK) for path in (folder, folder / "cgroup.procs")
    )


def _sweep(parent: Path) -> None:
    """Remove the groups that this process could not, or that others left when they were ended from outside."""
    dead = [folder for folder in parent.glob(f"{_PREFIX}-*-*") if _is_orphan(folder)]
    for folder in (*dead, *tuple(_left)):
        with contextlib.suppress(OSError):
            folder.rmdir()
        if not folder.exists():
            _left.discard(folder)


def _is_orphan(folder: Path) -> bool:
    owner = folder.name.split("-")[1]
    return owner.isdecimal() and not (_PROC / owner).exists()


def _remove(folder: Path) -> None:
    """Remove a group's folder; the kernel may need a moment after the last process has ended."""
    deadline = time.monotonic() + _REMOVE_SECONDS
    while True:
        try:
            folder.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            # Whoever ends a worker wants an answer, not a folder removed: the next sweep tries again.
            if time.monotonic() > deadline:
                _left.add(folder)
                return
            time.sleep(0.005)
