"""What went wrong with a market folder, in words that say what to do."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path

from learnware.errors import MarketError, MarketNotWritable

#: A writer waits so long for its turn.
PATIENCE_SECONDS = 10.0

_NO_PERMISSION = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
#: With less than this left, an input or output error of SQLite comes from a full disk.
_HARDLY_ANY = 2**16


def not_writable(folder: Path) -> MarketNotWritable:
    """Return the error for writing to a folder without permission."""
    return MarketNotWritable(
        f"The market at {folder} cannot be written to. Check the permissions of the folder and its files, or open a "
        "market elsewhere."
    )


def disk_full(folder: Path) -> MarketError:
    """Return the error for a disk without space."""
    return MarketError(
        f"Disk full: no space is left for the market at {folder}. Nothing was changed. Free some space on that "
        "disk and try again."
    )


def busy(folder: Path, seconds: float) -> MarketError:
    """Return the error for a turn that did not come."""
    return MarketError(
        f"The market at {folder} was busy for {seconds:.0f} seconds: another process is writing. Try again."
    )


def damaged(folder: Path, what: str) -> MarketError:
    """Return the error for a row that is not as it was written."""
    return MarketError(
        f"In the database of the market at {folder}, {what} has changed since it was written. `learnware market fsck "
        f"{folder}` says what is left and mends what it can; else restore a backup."
    )


def of_system(folder: Path, error: OSError) -> MarketError:
    """Return our error for one of the operating system."""
    if error.errno in _NO_PERMISSION:
        return not_writable(folder)
    if error.errno in _NO_SPACE:
        return disk_full(folder)
    return MarketError(f"The market at {folder} cannot be used: {error}. Nothing was changed.")


def of_database(folder: Path, error: sqlite3.Error | UnicodeDecodeError) -> MarketError:
    """Return our error for one of SQLite."""
    text = str(error)
    if "readonly" in text:
        return not_writable(folder)
    if "locked" in text:
        return busy(folder, PATIENCE_SECONDS)
    if is_full(folder, error):
        return disk_full(folder)
    return MarketError(f"The database of the market at {folder} cannot be used: {text}.")


def is_full(folder: Path, error: Exception) -> bool:
    """Tell whether an error of SQLite comes from the disk of a folder having no space."""
    text = str(error)
    try:
        return "is full" in text or ("I/O" in text and shutil.disk_usage(folder).free < _HARDLY_ANY)
    except OSError:
        return False
