"""One index, on the disk or in memory: its tables, and the columns of its islands."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numpy as np

from learnware.errors import LearnwareError
from learnware.kernels import GaussianKernel
from learnware.market.organizer.columns import Columns
from learnware.market.organizer.growth import Growth
from learnware.market.organizer.hearing import Hearing
from learnware.market.organizer.island import Island, Ruler
from learnware.market.organizer.lately import Lately
from learnware.market.organizer.measuring import features_of
from learnware.market.organizer.members import Members
from learnware.market.organizer.shelf import Moved, Shelf, Unusable, as_written
from learnware.market.organizer.snapshot import Snapshot
from learnware.market.organizer.tables import Tables, TablesInMemory, TablesOnDisk
from learnware.market.organizer.texts import TextIndex
from learnware.market.store import Changes, Entry, Store
from learnware.market.store.failures import of_system
from learnware.specification import Frame, SemanticSpecification, Space

_DATABASE = "index.sqlite"
_CHANGED = f"""SELECT s.generation, {", ".join(f"i.{name}" for name in Shelf._fields)}
    FROM state s LEFT JOIN islands i ON i.changed > ?"""

# So many files of columns are held open, and so many rows of them in single precision, of which each takes 1 kB.
_MOST_OPEN, _MOST_ROWS = 128, 2**18


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
        self.tables: Tables = TablesInMemory() if folder is None else TablesOnDisk(folder / _DATABASE, writable)
        self.members = Members(store)
        self._texts = TextIndex(self.tables.rows, self.tables.reading)
        self._hearing = Hearing(store)
        # In memory they are nowhere else.
        most, most_rows = (sys.maxsize, sys.maxsize) if folder is None else (_MOST_OPEN, _MOST_ROWS)
        self._opened: Lately[tuple[int, int], Columns] = Lately(most, lambda columns: columns.n_plain, most_rows)
        self._rulers: Lately[tuple[int, int], Ruler] = Lately(_MOST_OPEN)
        self._shelves: dict[int, Shelf] = {}
        self._shelved = -1
        self._is_tidy = False
        self._groups: dict[int, SemanticSpecification] = {}

    @property
    def name(self) -> str:
        """The name of its folder."""
        return "" if self.folder is None else self.folder.name

    @property
    def generation(self) -> int:
        """The generation of the store that it has come to."""
        return self.reached()[0]

    def reached(self) -> tuple[int, str | None]:
        """Return that generation, and the id that the store's change of it was about, which tells stores apart."""
        # Both as of one moment, since another process may be at work.
        with as_written("the generation"):
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
        opened, rulers = self._opened.known(), self._rulers.known()
        try:
            with self.tables.writing() as connection:
                growth = Growth(self, connection, changes)
                growth.take_in(entries, last)
        except BaseException as error:
            # Another process may give the numbers of what was not committed to other files and frames.
            self._opened.drop(self._opened.known() - opened)
            self._rulers.drop(self._rulers.known() - rulers)
            # The library's own errors are those of the system too, and say already what there is to say.
            if isinstance(error, OSError) and not isinstance(error, LearnwareError) and self.folder is not None:
                raise self._of_system(error, self.folder) from error
            raise
        growth.sweep()
        self._tidy()

    def snapshot(self) -> Snapshot:
        """Return the index as it is now."""
        while True:
            generation = self._hear_of_shelves()
            in_use = {number for number, _ in self._opened.known()}
            shelves = [shelf for shelf in self._shelves.values() if shelf.n_present]
            try:
                islands = tuple(self._island(shelf, generation, shelf.number in in_use) for shelf in shelves)
            except Moved:
                continue
            self._opened.drop(self._opened.known() - {(shelf.number, shelf.epoch) for shelf in shelves})
            return Snapshot(generation, islands, self._known_groups(), self._texts, self._hearing, self._store)

    def has_made(self, snapshot: Snapshot) -> bool:
        """Tell whether a snapshot is one of this index."""
        return snapshot.texts is self._texts

    def columns(self, shelf: Shelf) -> Columns:
        """Return the columns of an island; `Moved` if they are in another file meanwhile."""
        key = shelf.number, shelf.epoch
        known = self._opened.get([key])
        if not known:
            known[key] = self._open(shelf)
            self._opened.put(known)
        return known[key]

    def keep(self, shelf: Shelf, columns: Columns) -> None:
        """Let new columns be those of an island."""
        self._opened.put({(shelf.number, shelf.epoch): columns})

    def path(self, number: int, epoch: int) -> Path | None:
        """Return where the columns of an island are."""
        return None if self.folder is None else self.folder / f"{number}-{epoch}.columns"

    def space(self, shelf: Shelf) -> Space | None:
        """Return the space of an island."""
        with as_written(f"the space of island {shelf.number}"):
            return None if shelf.space is None else _space(shelf.space)

    def ruler(self, shelf: Shelf) -> Ruler | None:
        """Return what members of an island are measured with, if it has a frame."""
        if shelf.location is None or shelf.scale is None or shelf.gammas is None:
            return None
        key = shelf.number, shelf.framed
        known = self._rulers.get([key])
        if not known:
            with as_written(f"the frame of island {shelf.number}"):
                kernel = GaussianKernel(tuple(json.loads(shelf.gammas)))
                frame = Frame(np.frombuffer(shelf.location), np.frombuffer(shelf.scale), kernel)
                known[key] = Ruler(_space(str(shelf.space)), frame, features_of(frame))
            self._rulers.put(known)
        return known[key]

    def close(self) -> None:
        """Let go of files."""
        self.tables.close()
        self._opened.drop(self._opened.known())

    def _tidy(self) -> None:
        """Delete, once, what somebody who was interrupted has left behind; whoever takes in has the turn."""
        if self.folder is None or self._is_tidy:
            return
        self._is_tidy = True
        used = {self.path(*row) for row in self.tables.rows("SELECT number, epoch FROM islands")}
        for path in self.folder.glob("*.columns"):
            if path not in used:
                with suppress(OSError):
                    path.unlink()

    def _hear_of_shelves(self) -> int:
        """Read what has changed since, and return the generation."""
        rows = self.tables.rows(_CHANGED, (self._shelved,))
        with as_written("the generation"):
            self._shelved = int(rows[0][0])
        self._shelves.update((row[1], Shelf(*row[1:])) for row in rows if row[1] is not None)
        return self._shelved

    def _open(self, shelf: Shelf) -> Columns:
        path = self.path(shelf.number, shelf.epoch)
        try:
            if path is not None and Columns.fits(path, shelf.capacity):
                columns = Columns(shelf.capacity, path, "r+" if self.writable else "c")
                _check(columns, shelf)
                return columns
        except FileNotFoundError:
            pass
        except OSError as error:
            raise self._of_system(error, Path(str(self.folder))) from error
        if self.tables.rows("SELECT epoch FROM islands WHERE number = ?", (shelf.number,)) != [(shelf.epoch,)]:
            raise Moved(f"island {shelf.number} has moved")
        raise Unusable(f"{path} is not there, or has another size than {shelf.capacity} rows need")

    def _island(self, shelf: Shelf, generation: int, in_use: bool) -> Island:
        # Files of those that nobody has asked about lately are opened when somebody does.
        return Island(self, shelf, generation, self.columns(shelf) if in_use else None)

    def _of_system(self, error: OSError, folder: Path) -> Exception:
        return of_system(folder.parent.parent, error) if folder.is_dir() else Unusable(f"{folder} is gone")

    def _known_groups(self) -> Mapping[int, SemanticSpecification]:
        newest = max(self._groups, default=-1)
        new = self.tables.rows("SELECT number, tags FROM groups WHERE number > ?", (newest,))
        if new:
            with as_written("a group of tags"):
                told = {number: SemanticSpecification.from_dict(json.loads(tags)) for number, tags in new}
            # Another dictionary, since snapshots hold this one.
            self._groups = {**self._groups, **told}
        return self._groups


def _check(columns: Columns, shelf: Shelf) -> None:
    """Raise `Unusable` for rows that are not those of an island."""
    numbers, died = columns.numbers[: shelf.n_rows], columns.died[: shelf.n_rows]
    # Later deaths have been marked since, or by somebody who was interrupted.
    n_present = np.count_nonzero((died == 0) | (died > shelf.changed))
    sound = n_present == shelf.n_present and (numbers[:1] > 0).all() and (np.diff(numbers) > 0).all()
    if shelf.space is not None:
        # Squared norms of means under a kernel that is 1 at most, in single precision.
        own = columns.self_products[: shelf.n_rows]
        sound = sound and bool(((own > 0.0) & (own < 1.001)).all())
    if not sound:
        raise Unusable(f"the columns of island {shelf.number} are not those of {shelf.n_present} learnwares")


@lru_cache(maxsize=4096)
def _space(text: str) -> Space:
    return Space.from_dict(json.loads(text))
