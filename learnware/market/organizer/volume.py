"""One index, on the disk or in memory: its tables, and the columns of its islands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from learnware.kernels import GaussianKernel, RandomFeatures
from learnware.market.organizer.columns import Columns
from learnware.market.organizer.growth import Growth
from learnware.market.organizer.hearing import Hearing
from learnware.market.organizer.island import Island
from learnware.market.organizer.measuring import features_of
from learnware.market.organizer.members import Members
from learnware.market.organizer.shelf import Shelf, Unusable
from learnware.market.organizer.snapshot import Snapshot
from learnware.market.organizer.tables import INDEX_SCHEMA, Tables, TablesInMemory
from learnware.market.organizer.texts import TextIndex
from learnware.market.store import Changes, Entry, Store
from learnware.market.store.database import Database
from learnware.market.store.failures import of_system
from learnware.specification import Frame, SemanticSpecification, Space

_DATABASE = "index.sqlite"
_SHELVES = f"SELECT s.generation, {', '.join(f'i.{name}' for name in Shelf._fields)} FROM state s LEFT JOIN islands i"


class _Ruler(NamedTuple):
    framed: int
    space: Space | None
    frame: Frame | None
    features: RandomFeatures | None


class Volume:
    """An index of a store.

    Parameters
    ----------
    store : Store
        Whose index it is.
    folder : Path, optional
        Where it is kept; without one it is held in memory.
    writable : bool, default=True

    Raises
    ------
    Unusable
        What is in the folder is no whole index.
    """

    def __init__(self, store: Store, folder: Path | None = None, writable: bool = True) -> None:
        self.folder, self.writable = folder, writable
        self._store = store
        self.tables: Tables = (
            TablesInMemory() if folder is None else Database(folder / _DATABASE, writable=writable, schema=INDEX_SCHEMA)
        )
        self.members = Members(store)
        self._texts = TextIndex(self.tables.rows)
        self._hearing = Hearing(store)
        self._columns: dict[int, tuple[int, Columns]] = {}
        self._rulers: dict[int, _Ruler] = {}
        self._groups: dict[int, SemanticSpecification] = {}

    @property
    def name(self) -> str:
        """The name of its folder."""
        return "" if self.folder is None else self.folder.name

    @property
    def generation(self) -> int:
        """The generation of the store that it has come to."""
        return int(self.tables.rows("SELECT generation FROM state")[0][0])

    def reached(self) -> tuple[int, str | None]:
        """Return that generation, and the id that the store's change of it was about, which tells stores apart."""
        # Both as of one moment, since another process may be at work.
        generation, last = self.tables.rows("SELECT generation, last FROM state")[0]
        return int(generation), last

    def take_in(self, changes: Changes, entries: Mapping[str, Entry], last: str | None = None) -> None:
        """Take in the next changes of the store.

        Parameters
        ----------
        changes : Changes
        entries : mapping of str to Entry
            Of what was stored.
        last : str, optional
            The id that the last of these changes was about.

        Raises
        ------
        MarketError
            The disk is full, or refuses. The index is as it was.
        """
        columns, rulers = dict(self._columns), dict(self._rulers)
        try:
            with self.tables.writing() as connection:
                growth = Growth(self, connection, changes)
                growth.take_in(entries, last)
        except BaseException as error:
            # Another process may give the numbers of what was not committed to other files and frames.
            self._columns, self._rulers = columns, rulers
            if isinstance(error, OSError) and self.folder is not None:
                raise self._of_system(error, self.folder) from error
            raise
        growth.sweep()

    def snapshot(self) -> Snapshot:
        """Return the index as it is now."""
        while True:
            rows = self.tables.rows(_SHELVES)
            generation, shelves = int(rows[0][0]), [Shelf(*row[1:]) for row in rows if row[1] is not None]
            try:
                islands = tuple(self._island(shelf, generation) for shelf in shelves)
            except Unusable:
                # Whoever has moved an island meanwhile has deleted the file that the rows spoke of.
                if self.tables.rows(_SHELVES) == rows:
                    raise
                continue
            self._forget({shelf.number for shelf in shelves})
            return Snapshot(generation, islands, self._known_groups(), self._texts, self._hearing, self._store)

    def columns(self, shelf: Shelf) -> Columns:
        """Return the columns of an island."""
        known = self._columns.get(shelf.number)
        if known is not None and known[0] == shelf.epoch:
            return known[1]
        path = self.path(shelf.number, shelf.epoch)
        if path is None or not Columns.fits(path, shelf.capacity):
            raise Unusable(f"{path} is not there, or has another size than {shelf.capacity} rows need")
        try:
            columns = Columns(shelf.capacity, path, "r+" if self.writable else "c")
        except FileNotFoundError as error:
            raise Unusable(f"{path} has just gone") from error
        self._columns[shelf.number] = shelf.epoch, columns
        return columns

    def keep(self, shelf: Shelf, columns: Columns) -> None:
        """Let new columns be those of an island."""
        self._columns[shelf.number] = shelf.epoch, columns

    def path(self, number: int, epoch: int) -> Path | None:
        """Return where the columns of an island are."""
        return None if self.folder is None else self.folder / f"{number}-{epoch}.columns"

    def ruler(self, shelf: Shelf) -> _Ruler:
        """Return the space and the frame of an island."""
        known = self._rulers.get(shelf.number)
        if known is None or known.framed != shelf.framed:
            known = self._rulers[shelf.number] = _ruler(shelf)
        return known

    def close(self) -> None:
        """Let go of files."""
        self.tables.close()
        self._columns.clear()

    def _island(self, shelf: Shelf, generation: int) -> Island:
        _, space, frame, features = self.ruler(shelf)
        return Island(space, frame, features, self.columns(shelf), shelf.n_rows, generation, self.members)

    def _of_system(self, error: OSError, folder: Path) -> Exception:
        return of_system(folder.parent.parent, error) if folder.is_dir() else Unusable(f"{folder} is gone")

    def _forget(self, there: set[int]) -> None:
        for number in set(self._columns) - there:
            del self._columns[number]

    def _known_groups(self) -> Mapping[int, SemanticSpecification]:
        newest = max(self._groups, default=-1)
        new = self.tables.rows("SELECT number, tags FROM groups WHERE number > ?", (newest,))
        if new:
            told = {number: SemanticSpecification.from_dict(json.loads(tags)) for number, tags in new}
            # Another dictionary, since snapshots hold this one.
            self._groups = {**self._groups, **told}
        return self._groups


def _ruler(shelf: Shelf) -> _Ruler:
    space = None if shelf.space is None else _space(shelf.space)
    if shelf.location is None or shelf.scale is None or shelf.gammas is None:
        return _Ruler(shelf.framed, space, None, None)
    kernel = GaussianKernel(tuple(json.loads(shelf.gammas)))
    frame = Frame(np.frombuffer(shelf.location), np.frombuffer(shelf.scale), kernel)
    return _Ruler(shelf.framed, space, frame, features_of(frame))


@lru_cache(maxsize=256)
def _space(text: str) -> Space:
    return Space.from_dict(json.loads(text))
