"""The index of a market, kept in step with its store."""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import TypeVar

from learnware._progress import progress_bar
from learnware.errors import MarketError
from learnware.market.organizer.pointer import NAME, point_to, pointed_to
from learnware.market.organizer.shelf import Moved, Unusable
from learnware.market.organizer.snapshot import Snapshot
from learnware.market.organizer.volume import Volume
from learnware.market.store import Store
from learnware.market.store.forks import renew_in_forks
from learnware.market.store.turns import Turns

T = TypeVar("T")

# So many changes are taken in at once; then others have their turn.
_AT_ONCE = 2048
# Who finds another process at work on the index waits so long, and then answers by what is there already.
_PATIENCE_SECONDS, _PATIENCE_WITHOUT_SECONDS = 2.0, 60.0
# Islands may move, or prove damaged, so often while a question is answered.
_TRIES = 8


class Index:
    """What searches need to know of a store's learnwares, on the disk or in memory.

    It is a cache: whoever searches first after a change takes that in, whichever process or thread made it, and what is
    damaged is made anew. In a folder every index has a folder of its own, and a file says which of them is used; so an
    index that is made anew is complete before anybody reads it. Versions of the library that keep it in different ways
    have different ones.

    Parameters
    ----------
    store : Store
        Whose learnwares they are.
    folder : Path, optional
        Where to keep it, made on first use. Without one it is held in memory, as it is where the folder cannot be
        written to and what is in it is not up to date.

    Attributes
    ----------
    folder : Path or None

    Notes
    -----
    Processes write one after the other. Each commit of the tables says how many rows of the columns are used and in
    which files, so that readers see those of one generation: see `Growth`.
    """

    def __init__(self, store: Store, folder: Path | None = None) -> None:
        self._store = store
        self.folder = folder
        self._volume: Volume | None = None
        self._snapshot: Snapshot | None = None
        self._refused: str | None = None
        self._waited_at = -_PATIENCE_SECONDS
        self._lock = RLock()
        renew_in_forks(self)

    def ask(self, question: Callable[[Snapshot], T]) -> T:
        """Return the answer to a question about the index as of now; if it proves damaged, ask a new one."""
        for _ in range(_TRIES):
            try:
                return question(self.snapshot())
            except Moved:
                with self._lock:
                    self._snapshot = None
            except (Unusable, MarketError) as error:
                self._mend(error)
        return question(self.snapshot())

    def snapshot(self) -> Snapshot:
        """Return the index as of now, after taking in what has changed."""
        with self._lock:
            if self._snapshot is None or self._snapshot.generation != self._store.generation():
                try:
                    self._snapshot = self._up_to_date()
                except (Unusable, MarketError) as error:
                    self._mend(error)
                    self._snapshot = self._up_to_date()
            return self._snapshot

    def behind(self) -> int:
        """Return how many changes of the store it has not taken in: all of them, if it proves damaged."""
        with self._lock:
            try:
                return self._store.generation() - self._opened().generation
            except Unusable:
                return self._store.generation()

    def ask_latest(self, question: Callable[[Snapshot], T], otherwise: T) -> T:
        """Return the answer to a question about the index as it is, without taking in what has changed.

        Whoever asks has no time to wait until a damaged one is made anew, and gets another answer then.
        """
        try:
            with self._lock:
                snapshot = self._snapshot or self._opened().snapshot()
            return question(snapshot)
        except Unusable:
            return otherwise

    def rebuild(self, progress: bool | None = None) -> None:
        """Make the index anew from the store.

        Parameters
        ----------
        progress : bool, optional
            Show a progress bar; default: in a terminal or notebook.
        """
        with self._lock:
            self._make_anew(progress)

    def close(self) -> None:
        """Let go of files."""
        with self._lock:
            if self._volume is not None:
                self._volume.close()
            self._let_go()

    def renew(self) -> None:
        """Begin anew in a fork, where another thread may have been in the midst of something."""
        self._lock = RLock()
        self._volume = self._snapshot = None

    def _mend(self, error: Exception) -> None:
        """Make the index anew after an error that shows it to be damaged; raise any other error."""
        with self._lock:
            if self._is_superseded():
                self._let_go()
            elif _is_damage(error):
                self._make_anew(instead_of=self._refused if self._volume is None else self._volume.name)
            else:
                raise error

    def _is_superseded(self) -> bool:
        """Tell whether another process has made the index anew; it has deleted the files of this one."""
        if self.folder is None or self._volume is None or self._volume.folder is None:
            return False
        return pointed_to(self.folder) not in (None, self._volume.name)

    def _make_anew(self, progress: bool | None = None, instead_of: str | None = None) -> None:
        self._let_go()
        if self.folder is None or not _writable(self.folder):
            # What cannot be mended is left where it is.
            self.folder = None
            return
        with self._turn(_PATIENCE_WITHOUT_SECONDS):
            if instead_of is not None and pointed_to(self.folder) not in (None, instead_of):
                # Somebody else has done so while we waited.
                return
            token = self._new_token()
            volume = Volume(self._store, self.folder / token)
            for _ in progress_bar(self._parts(volume), desc="organizing", shown=progress):
                pass
            point_to(Path(str(self.folder)), token)
            self._sweep(token)
            self._volume = volume

    def _let_go(self) -> None:
        # Not closed: another thread may be searching it.
        self._volume = self._snapshot = None

    def _up_to_date(self) -> Snapshot:
        volume = self._opened()
        if volume.generation != self._store.generation():
            volume = self._catch_up(volume)
        return volume.snapshot()

    def _catch_up(self, volume: Volume) -> Volume:
        """Take in what the store has beyond an index; if another process keeps its turn, leave it at that."""
        if self.folder is None or volume.folder is None:
            for _ in self._parts(volume):
                pass
            return volume
        if not volume.writable:
            self._let_go()
            self._volume = Volume(self._store)
            return self._catch_up(self._volume)
        # Of many that ask one after the other, one waits.
        has_waited = time.monotonic() < self._waited_at + _PATIENCE_SECONDS
        patience = (0.0 if has_waited else _PATIENCE_SECONDS) if volume.generation else _PATIENCE_WITHOUT_SECONDS
        while True:
            with ExitStack() as turn:
                try:
                    turn.enter_context(self._turn(patience))
                except MarketError:
                    if not volume.generation:
                        raise
                    self._waited_at = time.monotonic()
                    return volume
                volume = self._opened()
                if next(self._parts(volume), None) is None:
                    return volume

    def _parts(self, volume: Volume) -> Iterator[int]:
        """Take in changes, some at a time, and yield the generation come to."""
        generation, there = volume.generation, self._store.generation()
        # Specifications that were written anew by then are read as they are now from the first.
        known_anew = there if generation == 0 else 0
        if generation > there:
            raise Unusable("it knows of changes that the store does not have")
        while True:
            changes = self._store.changes(generation, _AT_ONCE)
            if changes.generation == generation:
                return
            last = self._changed_at(changes.generation)
            entries = self._store.entries(changes.stored)
            if changes.generation <= known_anew:
                known = {i for i, entry in entries.items() if entry.number <= generation}
                entries = {i: entry for i, entry in entries.items() if i not in known}
                changes = replace(changes, stored=tuple(i for i in changes.stored if i not in known))
            volume.take_in(changes, entries, last)
            generation = changes.generation
            yield generation

    def _changed_at(self, generation: int) -> str | None:
        """Return the id that a change of the store was about."""
        if generation <= 0:
            return None
        changes = self._store.changes(generation - 1, 1)
        return next(iter((*changes.stored, *changes.removed)), None)

    def _opened(self) -> Volume:
        """Return the index that is used now, which another process may have made anew."""
        token = None if self.folder is None else pointed_to(self.folder)
        if self._volume is not None and (token is None or self._volume.folder is None or self._volume.name == token):
            return self._volume
        self._let_go()
        if self.folder is None or (token is None and not _writable(self.folder)):
            self._volume = Volume(self._store)
        else:
            self._volume = self._found(self.folder, token or self._begun(self.folder))
        return self._volume

    def _found(self, folder: Path, token: str) -> Volume:
        """Open an index, or that which another process is just putting in its place."""
        while True:
            try:
                return self._believed(folder, token)
            except (Unusable, MarketError):
                newer = pointed_to(folder)
                if newer in (None, token):
                    self._refused = token
                    raise
                token = str(newer)

    def _believed(self, folder: Path, token: str) -> Volume:
        if not (folder / token).is_dir():
            raise Unusable(f"{token} is gone")
        try:
            volume = Volume(self._store, folder / token, _writable(folder))
        except FileNotFoundError as error:
            raise Unusable(f"{token} has just gone") from error
        generation, last = volume.reached()
        if last != self._changed_at(generation):
            volume.close()
            raise Unusable("it is that of another store")
        return volume

    def _begun(self, folder: Path) -> str:
        """Begin an empty index, unless another process has just done so; return its name."""
        folder.mkdir(exist_ok=True)
        with self._turn(_PATIENCE_WITHOUT_SECONDS):
            token = pointed_to(folder)
            if token is None:
                token = self._new_token()
                Volume(self._store, folder / token).close()
                point_to(Path(str(self.folder)), token)
        return token

    @contextmanager
    def _turn(self, patience: float) -> Iterator[None]:
        if self.folder is None:
            yield
            return
        self.folder.mkdir(exist_ok=True)
        with Turns(self.folder).taken(patience):
            yield

    def _new_token(self) -> str:
        """Make a folder for another index; the caller has the turn."""
        folder = Path(str(self.folder))
        self._sweep(pointed_to(folder))
        token = f"{NAME}-{secrets.token_hex(8)}"
        (folder / token).mkdir()
        return token

    def _sweep(self, used: str | None) -> None:
        """Delete what is not used (any more); whoever reads it keeps it open. The caller has the turn."""
        for path in Path(str(self.folder)).glob(f"{NAME}-*"):
            if path.name != used and path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.suffix == ".part":
                path.unlink(missing_ok=True)


def _writable(folder: Path) -> bool:
    return os.access(folder if folder.exists() else folder.parent, os.W_OK)


def _is_damage(error: Exception) -> bool:
    cause = error.__cause__
    damaged = isinstance(cause, sqlite3.DatabaseError) and not isinstance(cause, sqlite3.OperationalError)
    return isinstance(error, Unusable) or damaged
