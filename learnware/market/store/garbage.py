"""Deleting bundles that nobody can ask for any more: of removed learnwares, and of writers that died."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from learnware.market.store.blobs import Blobs, Claim
from learnware.market.store.database import Database
from learnware.market.store.folder import MARKER
from learnware.market.store.ledger import Ledger

# So many learnwares are collected in one turn of writing, and at most so many when a folder is opened.
_AT_ONCE = 32


class Garbage:
    """What in a market folder may go.

    Parameters
    ----------
    folder : Path
        The market.
    blobs : Blobs
        Its bundles.
    database, ledger : Database, Ledger
        Its rows.

    Notes
    -----
    A blob is published and deleted only by the holder of the write lock, who looks at the rows first. So one that is
    stored again while its last learnware is being collected either keeps its file or gets a new one.
    """

    def __init__(self, folder: Path, blobs: Blobs, database: Database, ledger: Ledger) -> None:
        self._folder = folder
        self._blobs = blobs
        self._database = database
        self._ledger = ledger

    @contextmanager
    def claimed(self, *digests: str) -> Iterator[Claim]:
        """Hold a claim on blobs; at the end each stays if a row names it, and goes if none does."""
        claim = self._blobs.claim(*digests)
        try:
            yield claim
        finally:
            self.settle(claim)

    def sweep(self) -> None:
        """Delete what processes left that died while they made the market or wrote to it."""
        for part in self._folder.glob(f"{MARKER}.*"):
            part.unlink(missing_ok=True)
        for claim in self._blobs.abandoned():
            self.settle(claim)

    def collect(self, grace_seconds: float) -> int:
        """Delete the bundles of learnwares removed longer ago; return the number of files."""
        before, deleted = time.time() - grace_seconds, 0
        while ids := self._ledger.collectable(before, _AT_ONCE):
            with self._database.writing() as connection:
                deleted += sum(self._discard(self._ledger.forget(connection, i)) for i in ids)
        return deleted

    def collect_some(self, grace_seconds: float) -> None:
        """Do a little of what `collect` does, and nothing if somebody is writing."""
        try:
            ids = self._ledger.collectable(time.time() - grace_seconds, _AT_ONCE)
            if not ids:
                return
            with self._database.writing(patience=0.0) as connection:
                for learnware_id in ids:
                    self._discard(self._ledger.forget(connection, learnware_id))
        except OSError:
            # Whoever opens the market wants to use it; garbage can wait for the next.
            return

    def settle(self, claim: Claim) -> None:
        """End a claim: delete those of its blobs that no row names, and leave no trace of the claim."""
        try:
            if claim.published and not all(map(self._ledger.names, claim.digests)):
                # Asked again under the write lock: someone may be storing the same bytes right now.
                with self._database.writing():
                    for digest in claim.digests:
                        if not self._ledger.names(digest):
                            self._blobs.discard(digest)
            claim.clear()
        except OSError:
            # What was asked for is done or undone; only the tidying is left to the next who opens the folder.
            claim.release()

    def _discard(self, digests: set[str]) -> int:
        # Before the commit: were it the other way round, a crash would leave files that no row names.
        for digest in digests:
            self._blobs.discard(digest)
        return len(digests)
