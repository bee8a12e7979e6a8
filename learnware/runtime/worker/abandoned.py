"""Temporary folders that a process which was killed leaves behind, and the next one removes."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path

_PREFIX = "learnware-model-"
# A folder is made before it is locked.
_YOUNG_SECONDS = 60.0
_swept: set[str] = set()


def new_folder() -> tuple[Path, int | None]:
    """Make a folder for this process, closed to other users.

    The first time, folders of processes that have ended are removed: no process holds their locks any more.

    Returns
    -------
    tuple
        The folder, and an open file that holds its lock until it is closed; None where folders have no locks.
    """
    home = tempfile.gettempdir()
    if home not in _swept:
        _swept.add(home)
        _sweep(home)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=home))
    return folder, _locked(folder)


def _sweep(home: str) -> None:
    # Somebody else may be removing them too, or the folder may be one that cannot be listed.
    with contextlib.suppress(OSError), os.scandir(home) as found:
        for entry in found:
            if entry.name.startswith(_PREFIX) and _is_old_and_ours(entry):
                lock = _locked(Path(entry.path))
                if lock is not None:
                    shutil.rmtree(entry.path, ignore_errors=True)
                    os.close(lock)


def _is_old_and_ours(entry: os.DirEntry[str]) -> bool:
    with contextlib.suppress(OSError):
        about = entry.stat(follow_symlinks=False)
        ours = hasattr(os, "geteuid") and about.st_uid == os.geteuid()
        return ours and entry.is_dir(follow_symlinks=False) and time.time() - about.st_mtime > _YOUNG_SECONDS
    return False


def _locked(folder: Path) -> int | None:
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held by a process that lives, or no file system for locks
        os.close(file)
        return None
    return file
