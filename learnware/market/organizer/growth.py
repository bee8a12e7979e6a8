"""How an index takes in what has changed in its store."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from learnware.kernels.blockwise import blocks
from learnware.market.organizer.columns import Columns
from learnware.market.organizer.frames import ALL_VOTE, alike, milestones, voters
from learnware.market.organizer.measuring import features_of, measure
from learnware.market.organizer.shelf import Shelf, Unusable
from learnware.market.organizer.tags import tags_of
from learnware.market.organizer.texts import TextIndex
from learnware.market.store import Changes, Entry
from learnware.specification import RKME, Frame, Space

if TYPE_CHECKING:
    from learnware.market.organizer.volume import Volume

_LEAST_CAPACITY = 64
_AT_ONCE = 1024

_KNOWN = "SELECT id, number, island FROM members WHERE id IN (SELECT value FROM json_each(?))"
_FORGET = "DELETE FROM members WHERE id IN (SELECT value FROM json_each(?))"
_WRITE = f"INSERT OR REPLACE INTO islands ({', '.join(Shelf._fields)}) VALUES ({', '.join('?' * len(Shelf._fields))})"

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _New:
    """A revision that is to get a row."""

    id: str
    entry: Entry
    group: int

    @property
    def number(self) -> int:
        return self.entry.number


class Growth:
    """One transaction of an index.

    New rows are written behind those that are used, or to a new file; only the commit tells of them. A row that dies
    is marked with the generation of its death, so that whoever reads an earlier one still sees it. Files that are not
    used any more are deleted after the commit.

    Parameters
    ----------
    volume : Volume
    connection : sqlite3.Connection
        In a transaction.
    changes : Changes
        What has changed in the store.
    """

    def __init__(self, volume: Volume, connection: sqlite3.Connection, changes: Changes) -> None:
        self._volume = volume
        self._connection = connection
        self._changes = changes
        self._before = volume.generation
        self._left: list[Path] = []

    def take_in(self, entries: Mapping[str, Entry], last: str | None) -> None:
        """Enter the changes, of which `entries` are those that were stored, and what the last one was about."""
        if any(entry.number <= self._before for entry in entries.values()):
            raise Unusable("a specification was written anew")
        # What came after these changes comes with the next.
        stored = {i: entry for i, entry in entries.items() if entry.number <= self._changes.generation}
        # Of what was changed once more since, the earlier revision is gone too.
        touched = self._bury([*self._changes.removed, *self._changes.stored])
        arrived = self._sorted(stored)
        for number in sorted({*touched, *arrived}):
            self._grow(self._shelf(number), arrived.get(number, []))
        self._connection.execute("UPDATE state SET generation = ?, last = ?", (self._changes.generation, last))

    def sweep(self) -> None:
        """Delete files that nobody will open any more; call it after the commit, before others have their turn."""
        for path in self._left:
            # Some systems do not delete a file that somebody reads; it is left to whoever makes the index anew.
            with suppress(OSError):
                path.unlink()

    def _bury(self, ids: Sequence[str]) -> set[int]:
        asked = json.dumps(list(ids))
        known = self._connection.execute(_KNOWN, (asked,)).fetchall()
        touched = {island for _, _, island in known}
        for island in touched:
            shelf = self._shelf(island)
            if not shelf.n_rows:
                continue
            columns = self._volume.columns(shelf)
            # Those that had gone from the store when their island was measured were left out of it.
            gone = np.array(sorted(number for _, number, where in known if where == island), np.int64)
            rows = np.flatnonzero(np.isin(columns.numbers[: shelf.n_rows], gone))
            # Whoever was interrupted may have left marks of generations that the index never came to.
            rows = rows[(columns.died[rows] == 0) | (columns.died[rows] > self._before)]
            columns.died[rows] = self._changes.generation
            columns.flush()
            self._write(shelf._replace(n_present=shelf.n_present - len(rows)))
        TextIndex.forget(self._connection, [number for _, number, _ in known])
        self._connection.execute(_FORGET, (asked,))
        return touched

    def _sorted(self, stored: Mapping[str, Entry]) -> dict[int, list[_New]]:
        """Return new revisions by the number of their island, those of least number first."""
        arrived: dict[int, list[_New]] = {}
        members = []
        for learnware_id, entry in sorted(stored.items(), key=lambda pair: pair[1].number):
            island = self._island_of(entry.specification.statistical)
            arrived.setdefault(island, []).append(_New(learnware_id, entry, self._group_of(entry)))
            members.append((learnware_id, entry.number, island))
        self._connection.executemany("INSERT OR REPLACE INTO members VALUES (?, ?, ?)", members)
        words = sorted((entry.number, entry.specification.semantic) for entry in stored.values())
        TextIndex.enter(self._connection, words)
        return arrived

    def _island_of(self, rkme: RKME | None) -> int:
        key = "" if rkme is None else rkme.space.key
        rows = self._connection.execute("SELECT number FROM islands WHERE space_key = ?", (key,)).fetchall()
        if rows:
            return int(rows[0][0])
        space = None if rkme is None else json.dumps(rkme.space.to_dict(), ensure_ascii=False)
        number = self._connection.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM islands").fetchone()[0]
        self._write(Shelf(number, key, space))
        return int(number)

    def _group_of(self, entry: Entry) -> int:
        tags = json.dumps(tags_of(entry.specification.semantic).to_dict(), ensure_ascii=False, sort_keys=True)
        self._connection.execute("INSERT OR IGNORE INTO groups (tags) VALUES (?)", (tags,))
        return int(self._connection.execute("SELECT number FROM groups WHERE tags = ?", (tags,)).fetchone()[0])

    def _shelf(self, number: int) -> Shelf:
        statement = f"SELECT {', '.join(Shelf._fields)} FROM islands WHERE number = ?"
        return Shelf(*self._connection.execute(statement, (number,)).fetchone())

    def _write(self, shelf: Shelf) -> None:
        self._connection.execute(_WRITE, shelf._replace(changed=self._changes.generation))

    def _grow(self, shelf: Shelf, new: list[_New]) -> None:
        n_after = shelf.n_present + len(new)
        if n_after == 0:
            self._leave(shelf)
            self._write(shelf._replace(epoch=shelf.epoch + 1, capacity=0, n_rows=0))
        elif shelf.space is None:
            self._append(shelf, new)
        elif n_after <= ALL_VOTE:
            told = self._told(shelf, new, np.arange(n_after))
            # All may have gone from the store just now, of which later changes tell.
            if told:
                self._measure_all(shelf, new, Frame.pool(told))
        else:
            frame, changed = self._frame(shelf, new)
            if changed:
                self._measure_all(shelf, new, frame)
            else:
                self._append(shelf, new)

    def _frame(self, shelf: Shelf, new: list[_New]) -> tuple[Frame, bool]:
        """Return the frame that an island has come to, and whether that is another one."""
        frame = known = self._frame_of(shelf)
        before = shelf.n_present if shelf.n_present > ALL_VOTE else ALL_VOTE - 1
        for size in milestones(before, shelf.n_present + len(new)):
            estimate = Frame.pool(self._told(shelf, new, voters(size)))
            if frame is None or size == ALL_VOTE or not alike(frame, estimate):
                frame = estimate
        if frame is None:
            raise Unusable(f"island {shelf.number} has no frame")
        return frame, frame is not known

    def _frame_of(self, shelf: Shelf) -> Frame | None:
        ruler = self._volume.ruler(shelf)
        return None if ruler is None else ruler.frame

    def _told(self, shelf: Shelf, new: list[_New], positions: npt.NDArray[np.intp]) -> list[RKME]:
        """Return the points of some members, of those that were there and then the new ones."""
        numbers = self._present(shelf)[1]
        old = positions[positions < len(numbers)]
        told = [rkme for _, rkmes in self._read(shelf, numbers[old]) for rkme in rkmes]
        space = self._space(shelf)
        return told + [_aligned(new[p - len(numbers)].entry, space) for p in positions[len(old) :].tolist()]

    def _present(self, shelf: Shelf) -> tuple[npt.NDArray[np.intp], Numbers]:
        """Return rows and numbers of those that are there."""
        if not shelf.n_rows:
            return np.empty(0, np.intp), np.empty(0, np.int64)
        columns = self._volume.columns(shelf)
        rows = np.flatnonzero(columns.died[: shelf.n_rows] == 0)
        if len(rows) != shelf.n_present:
            raise Unusable(f"island {shelf.number} has {len(rows)} members in place of {shelf.n_present}")
        return rows, columns.numbers[rows]

    def _made(self, shelf: Shelf, epoch: int, n_rows: int) -> Columns:
        """Make a file for so many rows and some more."""
        columns = Columns(_capacity(n_rows), self._volume.path(shelf.number, epoch))
        columns.make_room(0, n_rows)
        return columns

    def _read(self, shelf: Shelf, numbers: Numbers) -> Iterator[tuple[list[int], list[RKME]]]:
        """Yield the points of revisions by the hundreds, without those that have gone from the store meanwhile."""
        members = self._volume.members
        read = members.get if len(numbers) <= ALL_VOTE else members.read
        for here in blocks(len(numbers), _AT_ONCE):
            found = read(numbers[here].tolist(), self._space(shelf))
            yield list(found), [member.embedding for member in found.values()]

    def _space(self, shelf: Shelf) -> Space:
        space = self._volume.space(shelf)
        if space is None:
            raise Unusable(f"island {shelf.number} has no space")
        return space

    def _measure_all(self, shelf: Shelf, new: list[_New], frame: Frame) -> None:
        """Write all members that are there, and new ones, to a new file, measured in a frame."""
        numbers, epoch = self._present(shelf)[1], shelf.epoch + 1
        columns = self._made(shelf, epoch, len(numbers) + len(new))
        groups = self._groups(shelf)
        features, n_rows = features_of(frame), 0
        for read, rkmes in self._read(shelf, numbers):
            end = n_rows + len(read)
            columns.sketches.half[n_rows:end], columns.self_products[n_rows:end] = measure(rkmes, frame, features)
            columns.numbers[n_rows:end] = read
            columns.groups[n_rows:end] = [groups[number] for number in read]
            n_rows = end
        self._leave(shelf)
        framed = shelf._replace(
            location=frame.location.tobytes(),
            scale=frame.scale.tobytes(),
            gammas=json.dumps(frame.kernel.gammas),
            framed=epoch,
            epoch=epoch,
            capacity=columns.capacity,
            n_rows=n_rows,
            n_present=n_rows,
        )
        self._fill(framed, columns, new, frame)

    def _groups(self, shelf: Shelf) -> dict[int, int]:
        if not shelf.n_rows:
            return {}
        columns = self._volume.columns(shelf)
        return dict(zip(columns.numbers[: shelf.n_rows].tolist(), columns.groups[: shelf.n_rows].tolist(), strict=True))

    def _append(self, shelf: Shelf, new: list[_New]) -> None:
        """Write new rows behind the others, in a larger file if there is no room for them."""
        frame = self._frame_of(shelf)
        if shelf.n_rows + len(new) <= shelf.capacity and shelf.n_rows <= 2 * max(ALL_VOTE, shelf.n_present):
            if new:
                columns = self._volume.columns(shelf)
                columns.make_room(shelf.n_rows, shelf.n_rows + len(new))
                self._fill(shelf, columns, new, frame)
            return
        columns = self._made(shelf, shelf.epoch + 1, shelf.n_present + len(new))
        if shelf.n_rows:
            columns.copy_rows(self._volume.columns(shelf), self._present(shelf)[0])
        self._leave(shelf)
        moved = shelf._replace(epoch=shelf.epoch + 1, capacity=columns.capacity, n_rows=shelf.n_present)
        self._fill(moved, columns, new, frame)

    def _fill(self, shelf: Shelf, columns: Columns, new: list[_New], frame: Frame | None) -> None:
        """Write new rows into columns that have room, and enter how many there are."""
        start, end = shelf.n_rows, shelf.n_rows + len(new)
        columns.numbers[start:end] = [one.number for one in new]
        columns.died[start:end] = 0
        columns.groups[start:end] = [one.group for one in new]
        if frame is not None and new:
            rkmes = [_aligned(one.entry, self._space(shelf)) for one in new]
            sketches, own = measure(rkmes, frame, features_of(frame))
            columns.sketches.half[start:end], columns.self_products[start:end] = sketches, own
        columns.flush()
        self._volume.keep(shelf, columns)
        self._write(shelf._replace(n_rows=end, n_present=shelf.n_present + len(new)))

    def _leave(self, shelf: Shelf) -> None:
        path = self._volume.path(shelf.number, shelf.epoch)
        if path is not None and shelf.capacity:
            self._left.append(path)


def _aligned(entry: Entry, space: Space) -> RKME:
    rkme = entry.specification.statistical
    if rkme is None:
        raise Unusable("a learnware without points came to an island")
    return rkme.aligned_to(space)


def _capacity(n_rows: int) -> int:
    return max(_LEAST_CAPACITY, 1 << max(0, n_rows - 1).bit_length())
