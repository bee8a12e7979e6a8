"""The file in a market folder that holds what only its dock knows."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path
from threading import Lock
from typing import overload

from learnware.errors import MarketError
from learnware.market.store.blobs import sync_folder
from learnware.market.store.database import Database
from learnware.market.store.failures import of_system
from learnware.market.store.folder import MARKER, read_marker
from learnware.server.tables import SCHEMA

#: The folder inside a market folder that belongs to its dock.
DOCK = "dock"

#: An empty file beside it, which says that there was one.
HAD_DOCK = "market.dock"

#: The file in it.
DATABASE = "dock.sqlite"

_making = Lock()


def open_database(folder: Path) -> Database:
    """Open the database of the dock of a market folder; make it on first use.

    Parameters
    ----------
    folder : Path
        Holds a market.

    Returns
    -------
    Database
        Of ``folder/dock/dock.sqlite``. Only the account that runs the dock can read it, or anything of the market,
        where private learnwares lie.

    Raises
    ------
    MarketError
        The folder holds no market, cannot be written to, or had a dock whose database is lost.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from learnware import Market
    >>> from learnware.server.database import open_database
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Market.open(folder).close()
    ...     database = open_database(Path(folder))
    ...     database.rows("SELECT count(*) FROM users")
    ...     database.close()
    [(0,)]
    """
    if not (folder / MARKER).exists():
        raise MarketError(f"There is no market at {folder}. `learnware submit` makes one.")
    read_marker(folder)
    file = folder / DOCK / DATABASE
    if (folder / HAD_DOCK).exists() and not file.exists():
        raise MarketError(
            f"The dock of the market at {folder} has lost its database {DOCK}/{DATABASE}. Restore it from a backup: "
            "without it nobody has an account, and what was private would be public. To begin anew all the same, "
            f"delete {folder / HAD_DOCK}."
        )
    try:
        _make(file)
        _keep_private(folder, 0o700)
        (folder / HAD_DOCK).touch()
    except OSError as error:
        raise of_system(folder, error) from error
    return Database(file, writable=True, schema=SCHEMA)


def _make(file: Path) -> None:
    folder = file.parent
    if not folder.exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)
    _keep_private(folder, 0o700)
    # One thread at a time and only if absent: to close a file that SQLite has open would end the locks it holds.
    with _making:
        try:
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            sync_folder(folder)
        except FileExistsError:
            _keep_private(file, 0o600)


def _keep_private(path: Path, mode: int) -> None:
    """Take from others what they may do, as after copying a folder."""
    if path.stat().st_mode & 0o077:
        path.chmod(mode)


@overload
def moment(seconds: float) -> datetime: ...
@overload
def moment(seconds: None) -> None: ...
@overload
def moment(seconds: float | None) -> datetime | None: ...
def moment(seconds: float | None) -> datetime | None:
    """Return the time that a column holds as seconds since 1970."""
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)
