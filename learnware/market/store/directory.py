"""A store in a folder: bundles as files, rows in SQLite, safe for several processes at once."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from learnware.errors import LearnwareError, MarketError
from learnware.market.store.base import GRACE_SECONDS, N_TELLING, Cell, Changes, Entry, Revision, Store
from learnware.market.store.blobs import Blobs
from learnware.market.store.cells import enter_cells, read_answerers, read_cells_of, read_last_cell
from learnware.market.store.columns import to_columns
from learnware.market.store.database import Database
from learnware.market.store.entering import Bundle, enter_learnware, enter_revision
from learnware.market.store.failures import of_system
from learnware.market.store.folder import DATABASE, FORMAT, prepare, refuse_lost_database, write_marker
from learnware.market.store.garbage import Garbage
from learnware.market.store.ledger import Ledger
from learnware.specification import Specification


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
    ``synchronous=FULL``). `add_many` takes each of these steps with all of its bundles before the next. Whatever moment
    a process dies at, an id that was returned is there afterwards, and a bundle without a row is deleted by the next
    who opens the folder. `remove` leaves the bundles until `collect_garbage`; opening a folder collects a little, if
    nobody is writing.

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
            found = prepare(self._folder)
            writable = all(os.access(p, os.W_OK) for p in (self._folder, self._folder / DATABASE) if p.exists())
            refuse_lost_database(self._folder, writable)
            self._blobs = Blobs(self._folder)
            self._database = Database(self._folder / DATABASE, writable=writable)
            self._ledger = Ledger(self._database, self._folder)
            self._garbage = Garbage(self._folder, self._blobs, self._database, self._ledger)
            if writable:
                self._put_in_order(found)

    def __reduce__(self) -> tuple[Any, ...]:
        # Copies and other processes open the folder by themselves.
        return type(self), (self._folder.absolute(),)

    def add_many(
        self, items: Sequence[tuple[bytes, Specification]], learnware_ids: Sequence[str] | None = None
    ) -> list[str]:
        if not items:
            return self.new_ids(0, learnware_ids)
        with self._storing(items) as (connection, bundles):
            ids = self.new_ids(len(items), learnware_ids)
            for learnware_id, bundle in zip(ids, bundles, strict=True):
                enter_learnware(connection, learnware_id, bundle)
        return ids

    def replace(self, learnware_id: str, bundle: bytes, specification: Specification) -> None:
        self._find(learnware_id)
        with self._storing([(bundle, specification)]) as (connection, (entered,)):
            self._find(learnware_id)
            enter_revision(connection, learnware_id, entered)

    def remove(self, learnware_id: str) -> None:
        with self._our_errors(), self._database.writing() as connection:
            number, _ = self._find(learnware_id)
            self._ledger.remove(connection, learnware_id, number)

    def read(self, learnware_id: str, digest: str | None = None) -> bytes:
        _, wanted = self._find(learnware_id, digest)
        with self._our_errors():
            try:
                return self._blobs.read(wanted)
            except FileNotFoundError as error:
                # It may have been removed and collected since; the row tells.
                self._find(learnware_id, digest)
                raise MarketError(
                    f"The file of learnware {learnware_id} is missing: {self._blobs.path(wanted)}. "
                    "Restore it from a copy, or submit the learnware again."
                ) from error

    def file(self, learnware_id: str, digest: str | None = None) -> tuple[Path, str]:
        """Return the file of a bundle, unread, and the sha256 that it must have; the current one by default."""
        _, wanted = self._find(learnware_id, digest)
        return self._blobs.path(wanted), wanted

    def ids_after(self, learnware_id: str | None, n_most: int) -> list[str]:
        """Return the next ids after one, which may have been removed meanwhile; the oldest ones after None."""
        return self._ledger.ids_after(learnware_id, n_most)

    def there(self, learnware_ids: Iterable[str]) -> set[str]:
        """Return those of some ids that are there."""
        return self._ledger.there(learnware_ids)

    def n_bytes(self, learnware_ids: Iterable[str] | None = None) -> int:
        """Return how many bytes the bundles of all revisions have together, of some learnwares or of all."""
        return self._ledger.n_bytes(learnware_ids)

    def describe(self, learnware_id: str, digest: str | None = None) -> Specification:
        number, _ = self._find(learnware_id, digest)
        try:
            return self._ledger.specification(learnware_id, number)
        except MarketError:
            self._find(learnware_id, digest)
            raise

    def revisions(self, learnware_id: str) -> tuple[Revision, ...]:
        self._find(learnware_id)
        return tuple(revision for _, revision in self._ledger.revisions(learnware_id))

    def entries(self, learnware_ids: Iterable[str]) -> dict[str, Entry]:
        return self._ledger.entries(learnware_ids)

    def removed(self, learnware_id: str) -> datetime | None:
        standing = self._ledger.standing(learnware_id)
        if standing is None or standing.removed is None:
            return None
        return datetime.fromtimestamp(standing.removed, timezone.utc)

    def generation(self) -> int:
        return self._ledger.generation()

    def changes(self, since: int, n_most: int | None = None) -> Changes:
        return self._ledger.changes(since, self.check_most(n_most))

    def numbered(self, numbers: Iterable[int]) -> dict[int, tuple[str, Entry]]:
        return self._ledger.numbered(numbers)

    def ids_of(self, numbers: Iterable[int]) -> dict[int, str]:
        return self._ledger.ids_of(numbers)

    def numbers_of(self, learnware_ids: Iterable[str]) -> dict[str, int]:
        return self._ledger.numbers_of(learnware_ids)

    def arrivals(self, learnware_ids: Iterable[str]) -> dict[str, int]:
        return self._ledger.arrivals(learnware_ids)

    def every_number_of(self, learnware_ids: Iterable[str]) -> list[int]:
        return self._ledger.every_number_of(learnware_ids)

    def holders(self, digests: Iterable[str]) -> dict[str, str]:
        return self._ledger.holders(digests)

    def add_cells(self, cells: Iterable[Cell]) -> None:
        with self._our_errors(), self._database.writing() as connection:
            enter_cells(connection, cells)

    def last_cell(self) -> int:
        return read_last_cell(self._database)

    def cells_of(self, answerers: Iterable[str]) -> list[Cell]:
        return read_cells_of(self._database, answerers)

    def answerers(self, since: int = 0) -> tuple[int, set[str]]:
        return read_answerers(self._database, since)

    def collect_garbage(self, grace_seconds: float = GRACE_SECONDS) -> int:
        with self._our_errors():
            return self._garbage.collect(grace_seconds)

    def alike(self, learnware_id: str, n_most: int) -> list[str]:
        """Return ids that begin like this one; those that only end like it could not be found without a search."""
        return self._ledger.alike(learnware_id[:N_TELLING], n_most)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ledger.ids())

    def __len__(self) -> int:
        return len(self._ledger)

    def __contains__(self, learnware_id: object) -> bool:
        standing = self._ledger.standing(learnware_id) if isinstance(learnware_id, str) else None
        return standing is not None and standing.removed is None

    def close(self) -> None:
        self._database.close()

    def _put_in_order(self, found: int) -> None:
        try:
            if found < FORMAT:
                write_marker(self._folder)
            self._garbage.sweep()
            self._garbage.collect_some(GRACE_SECONDS)
        except BaseException:
            self.close()
            raise

    def _find(self, learnware_id: str, digest: str | None = None) -> tuple[int, str]:
        """Return number and digest of a revision, the current one unless a digest is said."""
        standing = self._ledger.standing(learnware_id) if isinstance(learnware_id, str) else None
        if standing is None or standing.removed is not None:
            raise self.unknown(learnware_id)
        if digest is None or digest == standing.digest:
            return standing.revision, standing.digest
        revisions = self._ledger.revisions(learnware_id)
        meant = [number for number, revision in revisions if revision.digest == digest]
        if not meant:
            raise self.unknown_revision(learnware_id, digest, [revision.digest for _, revision in revisions])
        return meant[-1], digest

    @contextmanager
    def _storing(
        self, items: Sequence[tuple[bytes, Specification]]
    ) -> Iterator[tuple[sqlite3.Connection, list[Bundle]]]:
        """Put bundles in their places, and hold the write lock while their rows are written."""
        digests = [hashlib.sha256(content).hexdigest() for content, _ in items]
        bundles = [
            Bundle(digest, len(content), to_columns(specification))
            for digest, (content, specification) in zip(digests, items, strict=True)
        ]
        contents = {digest: content for digest, (content, _) in zip(digests, items, strict=True)}
        with self._our_errors(), self._garbage.claimed(*contents) as claim:
            claim.write(*contents.values())
            with self._database.writing() as connection:
                claim.publish()
                yield connection, bundles

    @contextmanager
    def _our_errors(self) -> Iterator[None]:
        try:
            yield
        except LearnwareError:
            raise
        except OSError as error:
            raise of_system(self._folder, error) from error
