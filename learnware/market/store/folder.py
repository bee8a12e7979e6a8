"""The folder of a market: its marker, which says what it is, and what else must be in it."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from learnware.errors import MarketError, NewerFormat
from learnware.market.store.blobs import sync_folder

#: Version of the folder's layout, as ``market.json`` names it.
FORMAT = 4

MARKER = "market.json"
DATABASE = "market.sqlite"
#: Where the index is kept, a cache that may be deleted.
INDEX = "index"


def prepare(folder: Path) -> int:
    """Make the folder a market if it is absent or empty, or check that it is one; return its format."""
    marker = folder / MARKER
    if not marker.exists():
        if folder.exists() and not folder.is_dir():
            raise MarketError(f"{folder} is a file. A market is a folder; choose another name.")
        others = folder.exists() and any(not path.name.startswith(MARKER) for path in folder.iterdir())
        # Looked for once more: another process may have made the market just now, and the marker comes first.
        if others and not marker.exists():
            raise MarketError(f"{folder} holds files but no market. Choose an empty or a new folder.")
        _create(folder, marker)
    return read_marker(folder)


def read_marker(folder: Path) -> int:
    """Return the format of a market folder.

    Raises
    ------
    NewerFormat
        This version of the library does not know it.
    MarketError
        The marker is absent or says nothing.
    """
    marker = folder / MARKER
    try:
        version = json.loads(marker.read_text(encoding="utf-8"))["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MarketError(f"{marker} cannot be read; it should say which format the market has.") from error
    if not isinstance(version, int) or version > FORMAT:
        raise NewerFormat(
            f"The market at {folder} has format {version!r}; this version of learnware reads up to {FORMAT}. "
            "Upgrade learnware to open it."
        )
    return version


def write_marker(folder: Path) -> None:
    """Write that a folder is a market of today's format."""
    marker = folder / MARKER
    part = folder / f"{MARKER}.{secrets.token_hex(8)}"
    try:
        with open(part, "x", encoding="utf-8") as file:
            json.dump({"format": FORMAT}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, marker)
    except FileNotFoundError:
        # Another process made the market meanwhile and swept what seemed left over.
        if not marker.exists():
            raise
    except OSError:
        part.unlink(missing_ok=True)
        raise
    sync_folder(folder)


def refuse_lost_database(folder: Path, writable: bool) -> None:
    """Raise MarketError if there are blobs but no database, which must not be made anew then."""
    if (folder / DATABASE).exists():
        return
    if not writable or any((folder / "blobs").glob("*")):
        raise MarketError(
            f"The market at {folder} has lost its database {DATABASE}. Restore it from a copy; without it the "
            "bundles have no ids."
        )


def _create(folder: Path, marker: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_marker(folder)
    for name in ("blobs", "pending"):
        (folder / name).mkdir(exist_ok=True)
    sync_folder(folder)
    sync_folder(folder.parent)
