"""The market of a dock: what everybody finds in a market, and what only a dock asks of one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from learnware.bundle import Policy
from learnware.market.local import LocalMarket
from learnware.market.organizer import Snapshot
from learnware.market.searcher import Candidates, Question, Wishes, search
from learnware.market.searcher.semantic import n_by_task
from learnware.market.searcher.surroundings import Surroundings, surroundings
from learnware.market.store import DirectoryStore
from learnware.market.store.folder import INDEX
from learnware.specification import RKME, SemanticSpecification

if TYPE_CHECKING:
    from learnware.market.result import SearchResult


# Asked once the index is up to date: what comes with a snapshot is known to be hidden by then, since that is written
# before a learnware is stored.
Hidden: TypeAlias = Callable[[], Collection[str]]


class Matching(NamedTuple):
    """A part of the learnwares that were asked for: their ids, in order, and how many there are in all."""

    ids: list[str]
    total: int


class DockMarket(LocalMarket):
    """The market in the folder of a dock, some of whose learnwares are not for everybody.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.store = DirectoryStore(folder)
        # A search is many short steps: threads that take them side by side wait for the interpreter at each, and all
        # of them together are slower than one after the other.
        self._turn = Lock()
        # No model of others ever runs in the server: the workers check, and users run.
        super().__init__(
            self.store,
            checks=(),
            place=f"at {folder}",
            policy=Policy("process"),
            index_folder=folder.absolute() / INDEX,
        )

    def search_visible(
        self, specification: Question, *, text: str | None = None, wishes: Wishes, hidden: Hidden
    ) -> SearchResult:
        """Find learnwares for a task, as if some were not there; see `Market.search`.

        Parameters
        ----------
        specification, text
            As there.
        wishes : Wishes
            How many hits, and which.
        hidden : callable
            Returns the ids of learnwares that whoever asks must not learn of.
        """

        def found(snapshot: Snapshot) -> SearchResult:
            with self._turn:
                return search(snapshot, specification, text=text, wishes=wishes, fetch=self.fetch, hidden=hidden())

        return self._index.ask(found)

    def matching(
        self,
        wanted: SemanticSpecification,
        text: str = "",
        hidden: Hidden = tuple,
        *,
        sort: str = "newest",
        among: Collection[str] | None = None,
        start: int = 0,
        limit: int | None = None,
    ) -> Matching:
        """Return some of the learnwares with some tags and words.

        Parameters
        ----------
        wanted : SemanticSpecification
            A tag that is not said means any; its name and description are not looked for.
        text : str, default=""
            Words that a learnware must match. Those whose words match best come first then, however they are sorted.
        hidden : callable, optional
            Returns the ids of learnwares that whoever asks must not learn of.
        sort : {"newest", "name"}, default="newest"
            Those changed last first, or by their names.
        among : collection of str, optional
            Ids of learnwares of which those are wanted; default: of all.
        start : int, default=0
            So many are passed over.
        limit : int, optional
            At most so many; default: all.

        Returns
        -------
        Matching
        """
        end = None if limit is None else start + limit

        def found(snapshot: Snapshot) -> Matching:
            numbers = Candidates.of(snapshot, wanted, text, snapshot.numbers_of(hidden())).numbers()
            if among is not None:
                numbers = numbers[np.isin(numbers, snapshot.numbers_of(among))]
            if not text:
                numbers = snapshot.texts.by_name(numbers) if sort == "name" else numbers[::-1]
            return Matching(list(self.store.ids_of(numbers[start:end]).values()), len(numbers))

        return self._index.ask(found)

    def n_by_task(self) -> dict[str, int]:
        """Return how many learnwares there are for each task; those that do not say count as "Others"."""
        return self._index.ask(n_by_task)

    def surroundings(self, rkme: RKME, n_most: int, hidden: Hidden = tuple) -> Surroundings | None:
        """Return where the learnwares around a specification lie, for a map of them.

        Parameters
        ----------
        rkme : RKME
        n_most : int
            So many learnwares at most, half of them the nearest.
        hidden : callable, optional
            Returns the ids of learnwares that whoever asks must not learn of.

        Returns
        -------
        Surroundings or None
            None where no learnware has a comparable specification.
        """
        return self._index.ask(lambda snapshot: surroundings(snapshot, rkme, n_most, hidden()))
