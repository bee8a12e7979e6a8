"""Copies of a market folder with its dock: the learnwares, and whose they are.

The market is copied first. A learnware without a row in the dock is public, so the rows must not be older than the
learnwares, and what was removed between the two copies, rows and all, must not stay in the first one. What was verified
between them waits in the copy to be verified once more.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from learnware import market
from learnware.errors import LearnwareError, LearnwareNotFound, MarketError
from learnware.market.store import DirectoryStore
from learnware.market.store.backup import check_target, put_in_place
from learnware.market.store.database import Database
from learnware.market.store.failures import damaged, of_system
from learnware.market.store.turns import LOCKS
from learnware.server.database import DATABASE, DOCK
from learnware.server.submissions.incoming import Incoming
from learnware.server.tables import SCHEMA

_AT_ONCE = 500
_OPEN = "SELECT id FROM submissions WHERE state IN ('pending', 'running') ORDER BY number"
_UNFINISHED_AT = (
    "SELECT id, kind, learnware_id, digest FROM submissions "
    "WHERE state IN ('pending', 'running') OR (state = 'verified' AND finished >= ?) ORDER BY number"
)


@dataclass(frozen=True)
class Copied:
    """What a copy of a dock has.

    Parameters
    ----------
    n_learnwares : int
    n_waiting : int
        Submissions that are still to be verified.
    """

    n_learnwares: int
    n_waiting: int


def backup(path: str | os.PathLike[str], target: str | os.PathLike[str], *, progress: bool | None = None) -> Copied:
    """Copy a market with its dock while others may go on using both.

    Parameters
    ----------
    path : str or Path
        The market folder.
    target : str or Path
        The folder to make; absent or empty. It appears when it is complete, and only its owner can read it.
    progress : bool, optional
        Show a progress bar; default: in a terminal or notebook.

    Returns
    -------
    Copied

    Raises
    ------
    MarketError
        There is no market or no dock at `path`, one of them is damaged, `target` holds files, or there is no space.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from learnware import Market
    >>> from learnware.server.backup import backup
    >>> from learnware.server.database import open_database
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = Path(name)
    ...     Market.open(folder / "market").close()
    ...     open_database(folder / "market").close()
    ...     backup(folder / "market", folder / "copy")
    Copied(n_learnwares=0, n_waiting=0)
    """
    source, began = Path(path), time.time()
    with _made(source, Path(target)) as part:
        market.backup(source, part, progress=progress)
        part.chmod(0o700)
        _copy_rows(source, part)
        with _opened(part) as rows:
            _copy_waiting(source, part, rows)
            n_learnwares = _bring_together(source, part, rows, began)
            n_waiting = len(rows.rows(_OPEN))
    return Copied(n_learnwares, n_waiting)


def restore(source: str | os.PathLike[str], path: str | os.PathLike[str], *, progress: bool | None = None) -> Copied:
    """Make a market folder with its dock out of a backup, which stays as it is.

    Whoever was logged in on the web page logs in again; tokens stay.

    Parameters
    ----------
    source : str or Path
        What `backup` made.
    path : str or Path
        The folder to make; absent or empty. It appears when it is complete and the sha256 of every bundle was compared.
    progress : bool, optional
        Show a progress bar; default: in a terminal or notebook.

    Returns
    -------
    Copied

    Raises
    ------
    ChecksumMismatch
        A bundle of the backup has changed.
    MarketError
        There is no market or no dock at `source`, one of them is damaged, `path` holds files, or there is no space.
    """
    origin = Path(source)
    with _made(origin, Path(path)) as part:
        n_learnwares = market.restore(origin, part, progress=progress)
        part.chmod(0o700)
        _copy_rows(origin, part)
        with _opened(part) as rows:
            with rows.writing() as connection:
                connection.execute("DELETE FROM tokens WHERE kind = 'session'")
            _copy_waiting(origin, part, rows)
            n_waiting = len(rows.rows(_OPEN))
    return Copied(n_learnwares, n_waiting)


@contextmanager
def _made(source: Path, target: Path) -> Iterator[Path]:
    """Give the folder that is to become `target`, and put it in its place if all goes well."""
    check_target(source, target)
    if source.is_dir() and not (source / DOCK / DATABASE).is_file():
        raise MarketError(
            f"There is no dock at {source}, so nothing says whose its learnwares are and who may see them. Use "
            "`learnware market backup` or `learnware market restore` if everybody may."
        )
    part = target.parent / f".{target.name}.{secrets.token_hex(8)}"
    try:
        yield part
        for name in LOCKS:
            (part / DOCK / name).unlink(missing_ok=True)
        put_in_place(part, target)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        if isinstance(error, OSError) and not isinstance(error, LearnwareError):
            raise of_system(target, error) from error
        raise


@contextmanager
def _opened(folder: Path) -> Iterator[Database]:
    """Open the rows of a copy, and wait in the end until the disk has them."""
    file = folder / DOCK / DATABASE
    with closing(Database(file, writable=True, schema=SCHEMA)) as rows:
        yield rows
    _sync(file)


def _copy_rows(source: Path, part: Path) -> None:
    (part / DOCK).mkdir(mode=0o700)
    file, copied = source / DOCK / DATABASE, part / DOCK / DATABASE
    # Made before SQLite does, for whom it would be everybody's to read.
    os.close(os.open(copied, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    writable = os.access(file.parent, os.W_OK) and os.access(file, os.W_OK)
    with closing(Database(file, writable=writable, upgrade=False, schema=SCHEMA)) as database:
        database.copy_to(copied)
    with _opened(part) as rows:
        if rows.rows("PRAGMA quick_check") != [("ok",)]:
            raise damaged(source, "something about its dock")


def _copy_waiting(source: Path, part: Path, rows: Database) -> None:
    """Copy the files of the submissions that wait, and let those that are being verified wait again."""
    incoming, copied = Incoming(source), Incoming(part)
    copied.folder.mkdir(mode=0o700)
    for (submission_id,) in rows.rows(_OPEN):
        # Of one that was finished meanwhile the file is gone.
        with suppress(FileNotFoundError):
            _copy_file(incoming.path(submission_id), copied.path(submission_id))
    with rows.writing() as connection:
        # What is begun again in another place was no attempt here.
        connection.execute(
            "UPDATE submissions SET state = 'pending', worker = NULL, attempts = attempts - 1 WHERE state = 'running'"
        )


def _bring_together(source: Path, part: Path, rows: Database, began: float) -> int:
    """Make the learnwares and the rows of a copy tell of the same moment, and return how many learnwares it has."""
    with closing(DirectoryStore(source)) as there, closing(DirectoryStore(part)) as copy:
        _leave_out_removed(there, copy)
        incoming = Incoming(part)
        for submission_id, kind, learnware_id, digest in rows.rows(_UNFINISHED_AT, (began,)):
            path = incoming.path(submission_id)
            if not path.exists():
                stored = _stored_meanwhile(there, copy, kind, learnware_id, digest)
                if stored is not None:
                    _copy_file(stored[0], path)
                    _let_wait(rows, submission_id, stored[1], path.stat().st_size)
        _forget_absent(copy, rows)
        n_learnwares = len(copy)
    for name in LOCKS:
        (part / name).unlink(missing_ok=True)
    return n_learnwares


def _leave_out_removed(there: DirectoryStore, copy: DirectoryStore) -> None:
    """Remove what was removed from the market while it was copied: whose it was is not known any more."""
    for some in _portions(list(copy)):
        for learnware_id in set(some) - there.there(some):
            copy.remove(learnware_id)
    copy.collect_garbage(-float("inf"))


def _stored_meanwhile(
    there: DirectoryStore, copy: DirectoryStore, kind: str, learnware_id: str, digest: str
) -> tuple[Path, str] | None:
    """Return file and digest of what a submission brought into the market after that was copied, else None."""
    with suppress(LearnwareNotFound):
        if kind == "submit" and learnware_id not in copy:
            # Not by its own digest, which differs if it had to be converted.
            return there.file(learnware_id, there.revisions(learnware_id)[0].digest)
        if kind == "update" and digest not in (known := _digests(copy, learnware_id)):
            new = [each.digest for each in there.revisions(learnware_id) if each.digest not in known]
            return there.file(learnware_id, digest if digest in new else new[-1]) if new else None
    return None


def _digests(store: DirectoryStore, learnware_id: str) -> set[str]:
    return {revision.digest for revision in store.revisions(learnware_id)} if learnware_id in store else set()


def _let_wait(rows: Database, submission_id: str, digest: str, size: int) -> None:
    with rows.writing() as connection:
        connection.execute(
            "UPDATE submissions SET state = 'pending', worker = NULL, attempts = 0, outcome = NULL, finished = NULL, "
            "digest = ?, size = ? WHERE id = ?",
            (digest, size, submission_id),
        )


def _forget_absent(copy: DirectoryStore, rows: Database) -> None:
    """Forget whose those learnwares are that the copy neither has nor will have."""
    coming = {row[0] for row in rows.rows("SELECT learnware_id FROM submissions WHERE state = 'pending'")}
    held = [row[0] for row in rows.rows("SELECT id FROM holdings") if row[0] not in coming]
    for some in _portions(held):
        absent = set(some) - copy.there(some)
        with rows.writing() as connection:
            connection.executemany("DELETE FROM holdings WHERE id = ?", [(learnware_id,) for learnware_id in absent])


def _portions(ids: list[str]) -> Iterator[list[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _copy_file(source: Path, target: Path) -> None:
    with open(source, "rb") as file:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as copy:
            shutil.copyfileobj(file, copy)
            copy.flush()
            os.fsync(copy.fileno())


def _sync(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
