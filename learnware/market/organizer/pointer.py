"""Which of the indexes in a folder is used: a file says its name."""

from __future__ import annotations

import os
import secrets
import shutil
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


def new_folder(folder: Path) -> str:
    """Make the folder of another index, in place of what nobody uses; return its name. The caller has the turn."""
    sweep(folder, pointed_to(folder))
    name = f"{NAME}-{secrets.token_hex(8)}"
    (folder / name).mkdir()
    return name


def sweep(folder: Path, used: str | None) -> None:
    """Delete what is not used (any more); whoever reads it keeps it open. The caller has the turn."""
    for path in folder.glob(f"{NAME}-*"):
        if path.name != used and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix == ".part":
            path.unlink(missing_ok=True)


def point_to(folder: Path, name: str) -> None:
    """Let an index be the one that is used."""
    part = folder / f"{name}.part"
    part.write_text(name, encoding="ascii")
    os.replace(part, folder / NAME)
    sync_folder(folder)
