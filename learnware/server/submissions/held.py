"""Files that are held by the process that made them: the kernel lets go of them whatever ends it."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from learnware.market.store.turns import CAN_LOCK, lock, unlock


def make_held(folder: Path, suffix: str) -> tuple[Path, int]:
    """Make a file under a random name and hold it; return its path and its descriptor, to be closed by `unlock`."""
    while True:
        path = folder / f"{secrets.token_hex(16)}{suffix}"
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        # Between creating and locking, somebody who tidies up may have taken it for the file of a dead process.
        if lock(descriptor) and os.fstat(descriptor).st_nlink > 0:
            return path, descriptor
        os.close(descriptor)


def delete_unless_held(path: Path) -> bool:
    """Delete a file that nobody holds any more; return whether it is gone."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    if not lock(descriptor):
        os.close(descriptor)
        return False
    try:
        if not CAN_LOCK:
            # Windows deletes nothing that is open, here or in the process that holds it: there that is the lock.
            unlock(descriptor)
        with suppress(FileNotFoundError):
            path.unlink()
    except PermissionError:
        return False
    finally:
        if CAN_LOCK:
            # Not before it is deleted: its maker may be waiting to lock it, and must find it gone.
            unlock(descriptor)
    return True
