"""Which of the indexes in a folder is used: a file says its name."""

from __future__ import annotations

import os
from pathlib import Path

from learnware.market.organizer.tables import INDEX_VERSION
from learnware.market.store.blobs import sync_folder

#: The name of that file, which the names of indexes begin with.
NAME = f"v{INDEX_VERSION}"


def pointed_to(folder: Path) -> str | None:
    """Return the name of the index that is used, if there is one."""
    try:
        return (folder / NAME).read_text(encoding="ascii")
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def point_to(folder: Path, name: str) -> None:
    """Let an index be the one that is used."""
    part = folder / f"{name}.part"
    part.write_text(name, encoding="ascii")
    os.replace(part, folder / NAME)
    sync_folder(folder)
