"""The index of a market, kept in step with its store."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import RLock
from typing import TypeVar

from learnware._progress import progress_bar
from learnware.errors import MarketError
from learnware.market.organizer.catching_up import changed_at, taken_in
from learnware.market.organizer.pointer import new_folder, point_to, pointed_to, sweep
from learnware.market.organizer.shelf import Moved, Unusable
from learnware.market.organizer.snapshot import Snapshot
from learnware.market.organizer.volume import Volume
from learnware.market.store import Store
from learnware.market.store.forks import renew_in_forks
from learnware.market.store.turns import Turns

T = TypeVar("T")

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
            snapshot = self.snapshot()
            try:
                return question(snapshot)
            except Moved:
                with self._lock:
                    self._snapshot = None
            except (Unusable, MarketError) as error:
                self._mend(error, snapshot)
        raise MarketError(
            f"The index of the market changed or proved damaged {_TRIES} times during one search. Try again; if it "
            "stays so, check the disk, and the market with `learnware market fsck`."
        )

    def snapshot(self) -> Snapshot:
        """Return the index as of now, after taking in what has changed."""
        generation, before = self._store.generation(), self._snapshot
        if before is not None and before.generation == generation:
            return before
        # Whoever finds another thread at work waits no longer than for another process.
        if not self._lock.acquire(timeout=-1 if before is None else _PATIENCE_SECONDS):
            return before or self.snapshot()
        try:
            if self._snapshot is None or self._snapshot.generation != self._store.generation():
                self._snapshot = self._mended()
            return self._snapshot
        finally:
            self._lock.release()

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

    def _mended(self) -> Snapshot:
        """Return the index as of now, made anew if it proves damaged."""
        try:
            return self._up_to_date()
        except (Unusable, MarketError) as error:
            self._mend(error)
        try:
            return self._up_to_date()
        except Unusable as error:
            raise MarketError(f"The index of the market was made anew and is damaged again: {error}.") from error

    def _mend(self, error: Exception, snapshot: Snapshot | None = None) -> None:
        """Make an index anew after an error that shows it to be damaged; raise any other error."""
        with self._lock:
            if self._is_superseded():
                self._let_go()
            elif not isinstance(error, Unusable):
                raise error
            elif snapshot is None or self._volume is None or self._volume.has_made(snapshot):
                # Else another thread has done so meanwhile.
                self._make_anew(instead_of=self._refused if self._volume is None else self._volume.name)

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
            folder = self.folder
            token = new_folder(folder)
            volume = Volume(self._store, folder / token)
            for _ in progress_bar(taken_in(volume, self._store), desc="organizing", shown=progress):
                pass
            point_to(folder, token)
            sweep(folder, token)
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
            for _ in taken_in(volume, self._store):
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
                if next(taken_in(volume, self._store), None) is None:
                    return volume

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
            volume = Volume(self._store, folder / token, _writable(folder / token))
        except FileNotFoundError as error:
            raise Unusable(f"{token} has just gone") from error
        generation, last = volume.reached()
        if last != changed_at(self._store, generation):
            volume.close()
            raise Unusable("it is that of another store")
        return volume

    def _begun(self, folder: Path) -> str:
        """Begin an empty index, unless another process has just done so; return its name."""
        folder.mkdir(exist_ok=True)
        with self._turn(_PATIENCE_WITHOUT_SECONDS):
            token = pointed_to(folder)
            if token is None:
                token = new_folder(folder)
                Volume(self._store, folder / token).close()
                point_to(folder, token)
        return token

    @contextmanager
    def _turn(self, patience: float) -> Iterator[None]:
        if self.folder is None:
            yield
            return
        self.folder.mkdir(exist_ok=True)
        with Turns(self.folder).taken(patience):
            yield


def _writable(folder: Path) -> bool:
    return os.access(folder if folder.exists() else folder.parent, os.W_OK)
