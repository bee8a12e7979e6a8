"""How much memory there is for this process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_UNKNOWN = 2**40
# Of version 2, alone or beside version 1, and of version 1: the name of the controller, its folder and its file.
_GROUPS = (
    ("", "", "memory.max"),
    ("", "unified", "memory.max"),
    ("memory", "memory", "memory.limit_in_bytes"),
)


def available_memory(system: Path = Path("/")) -> int:
    """Return the bytes of memory of this machine, or of the control group that this process is in, if they are fewer.

    Parameters
    ----------
    system : Path, default="/"
        Where ``proc`` and ``sys`` are.
    """
    return min([_of_machine(), *_of_groups(system)])


def _of_machine() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not told by every system
        return _UNKNOWN


def _of_groups(system: Path) -> Iterator[int]:
    try:
        lines = (system / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # no control groups here
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller, folder, name in _GROUPS:
            if controller in controllers.split(","):
                top = system / "sys/fs/cgroup" / folder
                # Those above bind too. A container may see its own group as the top, and not those of its path.
                for group in (PurePosixPath(path), *PurePosixPath(path).parents):
                    # Without a limit the file says "max", or is not there.
                    with contextlib.suppress(OSError, ValueError):
                        yield int((top / str(group).lstrip("/") / name).read_text())
