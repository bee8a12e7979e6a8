"""Copies of a market folder, made while others use it, whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from learnware._progress import progress_bar
from learnware.errors import ChecksumMismatch, LearnwareError, MarketError
from learnware.market.store.blobs import Blobs, sync_folder
from learnware.market.store.database import Database
from learnware.market.store.failures import damaged, of_system
from learnware.market.store.folder import DATABASE, FORMAT, read_marker, refuse_lost_database, write_marker
from learnware.market.store.garbage import Garbage
from learnware.market.store.ledger import Ledger
from learnware.market.store.turns import LOCKS

# So often a copy begins anew because learnwares were removed and collected before their turn.
_ATTEMPTS = 10
_AT_ONCE = 500


def backup(
    path: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    leave_out_damaged: bool = False,
    progress: bool | None = None,
) -> int:
    """Copy a market as it is at one moment, while others may go on using it.

    The copy is a market folder itself. It holds every learnware that is there with all its revisions, each compared
    with its sha256, and of removed learnwares no more than that their ids were given.

    Parameters
    ----------
    path : str or Path
        The market.
    target : str or Path
        The folder to make; absent or empty. It appears when it is complete.
    leave_out_damaged : bool, default=False
        Go on when a bundle is missing or has changed; the copy lacks it then, too.
    progress : bool, optional
        Show a progress bar; default: in a terminal or notebook.

    Returns
    -------
    int
        How many learnwares the copy has.

    Raises
    ------
    MarketError
        `path` is no market or is damaged, `target` holds files, or there is no space for it.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from learnware.market import Market, backup
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Market.open(Path(folder) / "market").close()
    ...     backup(Path(folder) / "market", Path(folder) / "copy")
    0
    """
    return _copy(Path(path), Path(target), leave_out_damaged, "backing up", progress)


def restore(source: str | os.PathLike[str], path: str | os.PathLike[str], *, progress: bool | None = None) -> int:
    """Make a market folder out of a backup, which stays as it is.

    Parameters
    ----------
    source : str or Path
        What `backup` made.
    path : str or Path
        The market to make; absent or empty. It appears when the sha256 of every bundle has been compared.
    progress : bool, optional
        Show a progress bar; default: in a terminal or notebook.

    Returns
    -------
    int
        How many learnwares the market has.

    Raises
    ------
    ChecksumMismatch
        A bundle of the backup has changed.
    MarketError
        `source` is no market or is damaged, `path` holds files, or there is no space for it.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from learnware.market import Market, backup, restore
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = Path(name)
    ...     Market.open(folder / "market").close()
    ...     _ = backup(folder / "market", folder / "copy")
    ...     restore(folder / "copy", folder / "again")
    0
    """
    return _copy(Path(source), Path(path), False, "restoring", progress)


def _copy(source: Path, target: Path, leave_out_damaged: bool, doing: str, progress: bool | None) -> int:
    _check_source(source)
    check_target(source, target)
    part = target.parent / f".{target.name}.{secrets.token_hex(8)}"
    with _our_errors(target):
        try:
            part.mkdir(parents=True)
            # A connection that may write, though it does not, leaves none of SQLite's side files behind.
            writable = os.access(source, os.W_OK) and os.access(source / DATABASE, os.W_OK)
            with closing(Database(source / DATABASE, writable=writable, upgrade=False)) as database:
                n_learnwares = _Copy(source, database, part, leave_out_damaged, doing, progress).make()
            put_in_place(part, target)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return n_learnwares


def _check_source(source: Path) -> None:
    if not source.is_dir():
        raise MarketError(f"There is no market at {source}.")
    if read_marker(source) < FORMAT:
        raise MarketError(
            f"The market at {source} was written by an earlier version of learnware. Open it, or a copy of it, once "
            "with write permission, which brings it up to date."
        )
    refuse_lost_database(source, writable=False)


def check_target(source: Path, target: Path) -> None:
    """Raise MarketError unless a copy of a market can be made at `target`."""
    if target.exists() and not target.is_dir():
        raise MarketError(f"{target} is a file. A market is a folder; choose another name.")
    if target.exists() and any(target.iterdir()):
        raise MarketError(f"{target} is not empty. Choose an empty or a new folder; nothing is overwritten.")
    if target.resolve().is_relative_to(source.resolve()):
        raise MarketError(f"{target} lies inside the market at {source}. Choose a folder outside of it.")


def put_in_place(part: Path, target: Path) -> None:
    """Wait until the disk has a complete copy, and give it its name."""
    for path in sorted(part.rglob("*"), reverse=True):
        if path.is_dir():
            sync_folder(path)
    sync_folder(part)
    if target.exists():
        # Some systems rename over an empty folder, others do not; and if it has been filled, this fails.
        target.rmdir()
    os.rename(part, target)
    sync_folder(target.parent)


class _Copy:
    """One copy on its way.

    Nothing keeps the source from changing meanwhile. Bundles never change, so all that can happen to those of a
    snapshot is that their learnware is removed and they are collected. Then a later snapshot is taken, and what has
    been copied is not copied again.
    """

    def __init__(
        self, source: Path, database: Database, part: Path, leave_out_damaged: bool, doing: str, progress: bool | None
    ) -> None:
        self._source = source
        self._database = database
        self._ledger = Ledger(database, source)
        self._from, self._to = Blobs(source), Blobs(part)
        self._part = part
        self._leave_out_damaged = leave_out_damaged
        self._doing = doing
        self._progress = progress

    def make(self) -> int:
        """Make the copy and return how many learnwares it has."""
        for name in ("blobs", "pending"):
            (self._part / name).mkdir()
        for _ in range(_ATTEMPTS):
            digests, n_learnwares = self._snapshot()
            if self._copy_bundles(digests):
                self._finish(set(digests))
                return n_learnwares
        raise MarketError(f"Too many learnwares are being removed from the market at {self._source}. Try again.")

    def _snapshot(self) -> tuple[dict[str, str], int]:
        """Copy the rows, and return the digests that they name, each with an id, and the number of learnwares."""
        copied = self._part / DATABASE
        copied.unlink(missing_ok=True)
        self._database.copy_to(copied)
        with closing(Database(copied, writable=True)) as database:
            if database.rows("PRAGMA quick_check") != [("ok",)]:
                raise damaged(self._source, "something")
            ledger = Ledger(database, self._part)
            # Removed learnwares have no place in a copy, whatever their grace.
            Garbage(self._part, self._to, database, ledger).collect(-float("inf"))
            ids = ledger.ids()
            for start in range(0, len(ids), _AT_ONCE):
                ledger.entries(ids[start : start + _AT_ONCE])
            return ledger.digests(), len(ids)

    def _copy_bundles(self, digests: dict[str, str]) -> bool:
        """Copy what is not copied yet; tell whether everything was there."""
        wanted = [item for item in digests.items() if not self._to.path(item[0]).exists()]
        for digest, learnware_id in progress_bar(wanted, desc=self._doing, shown=self._progress):
            try:
                content = self._from.read(digest)
            except FileNotFoundError as error:
                standing = self._ledger.standing(learnware_id)
                if standing is None or standing.removed is not None:
                    return False
                if not self._leave_out_damaged:
                    raise MarketError(
                        f"The bundle {digest} of learnware {learnware_id} is missing from the market at "
                        f"{self._source}. Submit the same file again, or remove the learnware."
                    ) from error
            except ChecksumMismatch:
                if not self._leave_out_damaged:
                    raise
            else:
                path = self._to.path(digest)
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
        return True

    def _finish(self, named: set[str]) -> None:
        """Delete what only an earlier snapshot named, and wait until the disk has the rest."""
        for digest in self._to.digests() - named:
            self._to.discard(digest)
        for name in LOCKS:
            (self._part / name).unlink(missing_ok=True)
        for path in [self._part / DATABASE, *(self._to.path(digest) for digest in self._to.digests())]:
            with open(path, "rb+") as file:
                os.fsync(file.fileno())
        write_marker(self._part)


@contextmanager
def _our_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except LearnwareError:
        raise
    except OSError as error:
        raise of_system(target, error) from error
