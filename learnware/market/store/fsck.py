"""A check of a whole market folder, which mends what can be mended without loss."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from learnware._progress import progress_bar
from learnware.errors import LearnwareError, MarketError, NewerFormat
from learnware.market.store.blobs import Blobs
from learnware.market.store.columns import to_columns
from learnware.market.store.database import Database
from learnware.market.store.failures import not_writable, of_system
from learnware.market.store.folder import DATABASE, FORMAT, MARKER, read_marker, write_marker
from learnware.market.store.garbage import Garbage
from learnware.market.store.ledger import Ledger, Standing
from learnware.market.store.report import FsckFinding, FsckReport
from learnware.market.store.seals import seal
from learnware.market.store.tables import COUNT, count_anew
from learnware.specification import Specification

SpecificationOf = Callable[[bytes], Specification]


def check_folder(
    path: str | os.PathLike[str],
    *,
    specification_of: SpecificationOf | None = None,
    repair: bool = True,
    progress: bool | None = None,
) -> FsckReport:
    """Check a market folder; see `learnware.market.fsck` for the other parameters, the answer and the errors.

    Parameters
    ----------
    specification_of : callable, optional
        Reads the specification out of a bundle, to compare the database with; default: the database is believed.
    """
    folder = Path(path)
    if not any((folder / name).exists() for name in (MARKER, DATABASE, "blobs")):
        raise MarketError(f"{folder} holds no market.")
    if repair and not all(os.access(p, os.W_OK) for p in (folder, folder / DATABASE) if p.exists()):
        raise not_writable(folder)
    try:
        return _Check(folder, specification_of, repair, progress).report()
    except MarketError:
        raise
    except OSError as error:
        raise of_system(folder, error) from error


class _Check:
    """One run of a check."""

    def __init__(
        self, folder: Path, specification_of: SpecificationOf | None, repair: bool, progress: bool | None
    ) -> None:
        self._folder = folder
        self._specification_of = specification_of
        self._repair = repair
        self._progress = progress
        self._blobs = Blobs(folder)
        self._findings: list[FsckFinding] = []
        self._n_learnwares = 0
        #: Each bundle that has been read and is whole, with the seal of the specification inside if that is known.
        self._whole: dict[str, bytes | None] = {}
        self._broken: set[str] = set()

    def report(self) -> FsckReport:
        self._check_marker()
        if not (self._folder / DATABASE).exists():
            self._note("lost-database", "The database is gone, and with it all ids. Restore a backup.")
            self._check_loose_bundles()
        else:
            self._check_with_database()
        return FsckReport(self._folder, self._n_learnwares, len(self._whole), tuple(self._findings))

    def _note(
        self, code: str, message: str, mended: bool = False, learnware_id: str | None = None, digest: str | None = None
    ) -> None:
        self._findings.append(FsckFinding(code, message, mended, learnware_id, digest))

    def _check_marker(self) -> None:
        try:
            self._format = read_marker(self._folder)
        except NewerFormat:
            raise
        except MarketError as error:
            self._format = FORMAT
            if self._repair:
                write_marker(self._folder)
            self._note("marker", str(error), self._repair)
        if self._format < FORMAT and not self._repair:
            raise MarketError(
                f"The market at {self._folder} was written by an earlier version of learnware. Open it once, or let it "
                "be repaired, which brings it up to date."
            )

    def _check_with_database(self) -> None:
        try:
            # A connection that may write, though it does not, leaves none of SQLite's side files behind.
            writable = os.access(self._folder, os.W_OK) and os.access(self._folder / DATABASE, os.W_OK)
            database = Database(self._folder / DATABASE, writable=writable, upgrade=self._repair)
        except NewerFormat:
            raise
        except MarketError as error:
            self._note("database", f"{error} Restore a backup.")
            self._check_loose_bundles()
            return
        with closing(database):
            if self._format < FORMAT and self._repair:
                write_marker(self._folder)
            self._database = database
            self._ledger = Ledger(database, self._folder)
            if self._is_database_whole():
                self._check_rows()
                self._check_tally()
                self._check_leftovers()
                self._check_orphans()
            else:
                self._check_loose_bundles()

    def _is_database_whole(self) -> bool:
        try:
            faults = self._faults()
            if faults and self._repair:
                # An index is drawn from its table; if that was all, nothing is lost.
                with self._database.writing() as connection:
                    connection.execute("REINDEX")
                still = self._faults()
                self._note("database-index", "; ".join(faults[:3]), mended=not still)
                faults = still
        except MarketError as error:
            faults = [str(error)]
        if faults:
            self._note("database", f"SQLite finds: {'; '.join(faults[:5])}. Restore a backup.")
        return not faults

    def _faults(self) -> list[str]:
        found = [row[0] for row in self._database.rows("PRAGMA integrity_check") if row[0] != "ok"]
        loose = self._database.rows("PRAGMA foreign_key_check")
        return [*found, *(f"row {row[1]} of {row[0]} belongs to nothing in {row[2]}" for row in loose)]

    def _check_rows(self) -> None:
        for learnware_id in progress_bar(self._ledger.every_id(), desc="checking", shown=self._progress):
            try:
                standing = self._ledger.standing(learnware_id)
                if standing is not None and standing.removed is None:
                    self._n_learnwares += 1
                    self._check_learnware(learnware_id)
            except MarketError as error:
                self._note("row", f"{error} If it stays so, restore a backup.", learnware_id=learnware_id)

    def _check_tally(self) -> None:
        # One query, since others may be writing.
        counted, there = self._database.rows(f"SELECT (SELECT n_there FROM tally), ({COUNT})")[0]
        if counted == there:
            return
        if self._repair:
            with self._database.writing() as connection:
                count_anew(connection)
        self._note("tally", f"The database counted {counted} learnwares where {there} are there.", self._repair)

    def _check_learnware(self, learnware_id: str) -> None:
        for number, revision in self._ledger.revisions(learnware_id):
            if self._is_bundle_whole(learnware_id, revision.digest):
                self._check_specification(learnware_id, number, revision.digest)

    def _is_bundle_whole(self, learnware_id: str, digest: str) -> bool:
        if digest in self._whole:
            return True
        if digest not in self._broken and self._examine(digest, learnware_id):
            return True
        self._broken.add(digest)
        return False

    def _examine(self, digest: str, learnware_id: str | None = None) -> bool:
        """Read one bundle and compare its sha256; note what is wrong with it."""
        whose = f"learnware {learnware_id}" if learnware_id else "no known learnware"
        try:
            content = self._blobs.path(digest).read_bytes()
        except FileNotFoundError:
            if learnware_id is None or self._is_there(learnware_id):
                message = f"The bundle {digest} of {whose} is missing. Restore it, or submit the same file again."
                self._note("missing-bundle", message, False, learnware_id, digest)
            return False
        except OSError as error:
            message = f"The bundle {digest} of {whose} cannot be read: {error}."
            self._note("unreadable-bundle", message, False, learnware_id, digest)
            return False
        if hashlib.sha256(content).hexdigest() != digest:
            where = self._quarantine(digest)
            message = f"The bundle {digest} of {whose} has changed{where}. Restore it, or submit the same file again."
            self._note("corrupt-bundle", message, False, learnware_id, digest)
            return False
        self._whole[digest] = self._read(content, digest, learnware_id)
        return True

    def _is_there(self, learnware_id: str) -> bool:
        standing: Standing | None = self._ledger.standing(learnware_id)
        return standing is not None and standing.removed is None

    def _quarantine(self, digest: str) -> str:
        """Move a corrupt bundle aside, unless somebody has just stored it anew; return words for the report."""
        if not self._repair or not hasattr(self, "_database"):
            return ""
        with self._database.writing():
            try:
                self._blobs.read(digest)
            except FileNotFoundError:
                return " and is gone now"
            except LearnwareError:
                return f" and was moved to {self._blobs.set_aside(digest)}"
        return " but was stored anew meanwhile"

    def _read(self, content: bytes, digest: str, learnware_id: str | None) -> bytes | None:
        if self._specification_of is None or learnware_id is None:
            return None
        try:
            return seal(*to_columns(self._specification_of(content)))
        except LearnwareError as error:
            self._note("strange-bundle", f"The bundle {digest} is no learnware: {error}", False, learnware_id, digest)
            return None

    def _check_specification(self, learnware_id: str, number: int, digest: str) -> None:
        true = self._whole[digest]
        if true is None:
            self._ledger.specification(learnware_id, number)
            return
        try:
            if seal(*to_columns(self._ledger.specification(learnware_id, number))) == true:
                return
        except LearnwareError:
            # Whatever the row says, the bundle knows better.
            pass
        if self._repair and self._specification_of is not None:
            specification = self._specification_of(self._blobs.read(digest))
            with self._database.writing() as connection:
                self._ledger.describe_anew(connection, learnware_id, number, specification)
        message = f"The database said something else of learnware {learnware_id} than its bundle {digest}."
        self._note("specification", message, self._repair, learnware_id, digest)

    def _check_leftovers(self) -> None:
        garbage = Garbage(self._folder, self._blobs, self._database, self._ledger)
        found = [*self._folder.glob(f"{MARKER}.*"), *self._blobs.strays()]
        for path in found:
            if self._repair:
                path.unlink(missing_ok=True)
        for claim in self._blobs.abandoned():
            found.append(claim.path)
            if self._repair:
                garbage.settle(claim)
            else:
                claim.release()
        for path in found:
            self._note("leftover", f"A process died and left {path.name}.", self._repair)

    def _check_orphans(self) -> None:
        for digest in sorted(self._blobs.digests() - set(self._ledger.digests()) - self._blobs.claimed()):
            if not self._repair:
                self._note("orphan", f"No learnware has the bundle {digest}.", False, None, digest)
                continue
            with self._database.writing():
                orphan = not self._ledger.names(digest) and self._blobs.path(digest).exists()
                where = self._blobs.set_aside(digest) if orphan else None
            if where is not None:
                message = f"No learnware has the bundle {digest}; it was moved to {where}. Delete it if none is missed."
                self._note("orphan", message, True, None, digest)

    def _check_loose_bundles(self) -> None:
        """Without rows, all that a bundle can be compared with is its name."""
        for digest in sorted(self._blobs.digests()):
            self._examine(digest)
