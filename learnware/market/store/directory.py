"""A store in a folder: bundles as files, rows in SQLite, safe for several processes at once."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from learnware.errors import LearnwareError, MarketError, NewerFormat
from learnware.market.store.base import Changes, Store
from learnware.market.store.blobs import Blobs, Claim, sync_folder
from learnware.market.store.columns import COLUMNS, from_columns, to_columns
from learnware.market.store.database import Database, not_writable
from learnware.specification import Specification

#: Version of the folder's layout, as ``market.json`` names it.
FORMAT = 1

_MARKER = "market.json"
_DATABASE = "market.sqlite"
_AT_ONCE = 500  # older builds of SQLite take no more than 999 arguments


class DirectoryStore(Store):
    """Keeps bundles in a folder, which is made on first use.

    Parameters
    ----------
    folder : str or Path
        Absent, empty, or made by this class before.

    Raises
    ------
    MarketError
        The folder holds something else, or its files are broken.
    NewerFormat
        A newer version of the library made it.
    MarketNotWritable
        It is absent and cannot be made.

    Notes
    -----
    `add` writes the bundle to a file of its own, waits for the disk, renames it to its sha256, waits again, and only
    then writes the row; the id is returned after SQLite has waited for the disk too (write-ahead log,
    ``synchronous=FULL``). Whatever moment a process dies at, an id that was returned is there afterwards, and a bundle
    without a row is deleted by the next who opens the folder.

    A folder without write permission can be read. Threads may share one store, and the process may fork.

    Examples
    --------
    >>> import tempfile
    >>> from learnware.market.store import DirectoryStore
    >>> from learnware.specification import SemanticSpecification, Specification
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = DirectoryStore(folder)
    ...     learnware_id = store.add(b"bytes", Specification(semantic=SemanticSpecification(name="Sales")))
    ...     store.close()
    ...     again = DirectoryStore(folder)
    ...     again.read(learnware_id)
    ...     again.close()
    b'bytes'
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        with self._our_errors():
            _prepare(self._folder)
            writable = all(os.access(p, os.W_OK) for p in (self._folder, self._folder / _DATABASE) if p.exists())
            _refuse_lost_database(self._folder, writable)
            self._blobs = Blobs(self._folder)
            self._database = Database(self._folder / _DATABASE, writable=writable)
            if writable:
                self._sweep()

    def add(self, bundle: bytes, specification: Specification) -> str:
        learnware_id = secrets.token_hex(16)
        with self._our_errors(), self._claimed(_sha256(bundle)) as claim:
            claim.write(bundle)
            with self._database.writing() as connection:
                claim.publish()
                position = _count(connection, learnware_id)
                connection.execute(
                    "INSERT INTO learnwares VALUES (?, ?, ?, ?, ?)",
                    (position, learnware_id, claim.digest, len(bundle), time.time()),
                )
                _describe(connection, learnware_id, specification)
        return learnware_id

    def replace(self, learnware_id: str, bundle: bytes, specification: Specification) -> None:
        self._digest(learnware_id)
        with self._our_errors(), ExitStack() as after, self._claimed(_sha256(bundle)) as claim:
            claim.write(bundle)
            with self._database.writing() as connection:
                after.enter_context(self._claimed(self._digest(learnware_id)))
                claim.publish()
                _count(connection, learnware_id)
                connection.execute(
                    "UPDATE learnwares SET digest = ?, size = ? WHERE id = ?",
                    (claim.digest, len(bundle), learnware_id),
                )
                _describe(connection, learnware_id, specification)

    def remove(self, learnware_id: str) -> None:
        with self._our_errors(), ExitStack() as after, self._database.writing() as connection:
            after.enter_context(self._claimed(self._digest(learnware_id)))
            _count(connection, learnware_id)
            connection.execute("DELETE FROM learnwares WHERE id = ?", (learnware_id,))

    def read(self, learnware_id: str) -> bytes:
        digest = self._digest(learnware_id)
        with self._our_errors():
            while True:
                try:
                    return self._blobs.read(digest)
                except FileNotFoundError as error:
                    # It may have been replaced or removed since; the row tells.
                    before, digest = digest, self._digest(learnware_id)
                    if before == digest:
                        raise MarketError(
                            f"The file of learnware {learnware_id} is missing: {self._blobs.path(digest)}. "
                            "Restore it from a copy, or submit the learnware again."
                        ) from error

    def specifications(self, learnware_ids: Iterable[str]) -> dict[str, Specification]:
        wanted, found = list(learnware_ids), {}
        for start in range(0, len(wanted), _AT_ONCE):
            part = tuple(wanted[start : start + _AT_ONCE])
            marks = ", ".join("?" * len(part))
            rows = self._database.rows(f"SELECT id, {COLUMNS} FROM specifications WHERE id IN ({marks})", part)
            found.update({row[0]: from_columns(row[1:]) for row in rows})
        return found

    def changes(self, since: int) -> Changes:
        rows = self._database.rows(
            "SELECT c.id, l.id IS NOT NULL, MAX(c.generation) FROM changes c LEFT JOIN learnwares l ON l.id = c.id "
            "WHERE c.generation > ? GROUP BY c.id ORDER BY MAX(c.generation)",
            (since,),
        )
        stored = tuple(row[0] for row in rows if row[1])
        removed = tuple(row[0] for row in rows if not row[1])
        return Changes(rows[-1][2] if rows else since, stored, removed)

    def __iter__(self) -> Iterator[str]:
        return iter([row[0] for row in self._database.rows("SELECT id FROM learnwares ORDER BY position")])

    def __len__(self) -> int:
        return int(self._database.rows("SELECT COUNT(*) FROM learnwares")[0][0])

    def __contains__(self, learnware_id: object) -> bool:
        return isinstance(learnware_id, str) and self._find(learnware_id) is not None

    def close(self) -> None:
        self._database.close()

    def _find(self, learnware_id: str) -> str | None:
        rows = self._database.rows("SELECT digest FROM learnwares WHERE id = ?", (learnware_id,))
        return rows[0][0] if rows else None

    def _digest(self, learnware_id: str) -> str:
        digest = self._find(learnware_id) if isinstance(learnware_id, str) else None
        if digest is None:
            raise self.unknown(learnware_id)
        return digest

    @contextmanager
    def _claimed(self, digest: str) -> Iterator[Claim]:
        """Hold a claim on a blob; at the end the blob stays if it has a row, and goes if it has none."""
        claim = self._blobs.claim(digest)
        try:
            yield claim
        finally:
            self._settle(claim)

    def _sweep(self) -> None:
        """Delete what processes left that died while they made the market or wrote to it."""
        for part in self._folder.glob(f"{_MARKER}.*"):
            part.unlink(missing_ok=True)
        for claim in self._blobs.abandoned():
            self._settle(claim)

    def _settle(self, claim: Claim) -> None:
        needed, arguments = "SELECT 1 FROM learnwares WHERE digest = ? LIMIT 1", (claim.digest,)
        try:
            if not self._database.rows(needed, arguments):
                # Asked again under the write lock: someone may be storing the same bytes right now.
                with self._database.writing() as connection:
                    if not connection.execute(needed, arguments).fetchone():
                        self._blobs.discard(claim.digest)
            claim.clear()
        except OSError:
            # What was asked for is done or undone; only the tidying is left to the next who opens the folder.
            claim.release()

    @contextmanager
    def _our_errors(self) -> Iterator[None]:
        try:
            yield
        except LearnwareError:
            raise
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise not_writable(self._folder) from error
            raise MarketError(f"The market at {self._folder} cannot be used: {error}. Nothing was changed.") from error


def _prepare(folder: Path) -> None:
    """Make the folder a market if it is absent or empty, or check that it is one."""
    marker = folder / _MARKER
    if not marker.exists():
        if folder.exists() and not folder.is_dir():
            raise MarketError(f"{folder} is a file. A market is a folder; choose another name.")
        others = folder.exists() and any(not path.name.startswith(_MARKER) for path in folder.iterdir())
        # Looked for once more: another process may have made the market just now, and the marker comes first.
        if others and not marker.exists():
            raise MarketError(f"{folder} holds files but no market. Choose an empty or a new folder.")
        _create(folder, marker)
    try:
        version = json.loads(marker.read_text(encoding="utf-8"))["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise MarketError(f"{marker} cannot be read; it should say which format the market has.") from error
    if not isinstance(version, int) or version > FORMAT:
        raise NewerFormat(
            f"The market at {folder} has format {version!r}; this version of learnware reads up to {FORMAT}. "
            "Upgrade learnware to open it."
        )


def _create(folder: Path, marker: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{_MARKER}.{secrets.token_hex(8)}"
    with open(part, "x", encoding="utf-8") as file:
        json.dump({"format": FORMAT}, file)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.replace(part, marker)
    except FileNotFoundError:
        # Another process made the market meanwhile and swept what seemed left over.
        if not marker.exists():
            raise
    for name in ("blobs", "pending"):
        (folder / name).mkdir(exist_ok=True)
    sync_folder(folder)
    sync_folder(folder.parent)


def _refuse_lost_database(folder: Path, writable: bool) -> None:
    if (folder / _DATABASE).exists():
        return
    if not writable or any((folder / "blobs").glob("*")):
        raise MarketError(
            f"The market at {folder} has lost its database {_DATABASE}. Restore it from a copy; without it the "
            "bundles have no ids."
        )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _count(connection: sqlite3.Connection, learnware_id: str) -> int:
    cursor = connection.execute("INSERT INTO changes (id) VALUES (?)", (learnware_id,))
    return int(cursor.lastrowid or 0)


def _describe(connection: sqlite3.Connection, learnware_id: str, specification: Specification) -> None:
    values = (learnware_id, *to_columns(specification))
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT OR REPLACE INTO specifications (id, {COLUMNS}) VALUES ({marks})", values)
