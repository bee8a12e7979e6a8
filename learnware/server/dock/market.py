"""The market of a dock: what everybody finds in a market, and what only a dock asks of one."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from learnware.bundle import Policy
from learnware.market.local import LocalMarket
from learnware.market.organizer import Snapshot
from learnware.market.searcher import Candidates, Question, Wishes
from learnware.market.searcher.semantic import n_by_task
from learnware.market.searcher.surroundings import Surroundings, surroundings
from learnware.market.store import DirectoryStore
from learnware.market.store.folder import INDEX
from learnware.specification import RKME, SemanticSpecification

if TYPE_CHECKING:
    from learnware.market.result import SearchResult


class DockMarket(LocalMarket):
    """The market in the folder of a dock, some of whose learnwares are not for everybody.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.store = DirectoryStore(folder)
        # No model of others ever runs in the server: the workers check, and users run.
        super().__init__(
            self.store,
            checks=(),
            place=f"at {folder}",
            policy=Policy("process"),
            index_folder=folder.absolute() / INDEX,
        )

    def search_visible(
        self, specification: Question, *, text: str | None = None, wishes: Wishes, hidden: Collection[str]
    ) -> SearchResult:
        """Find learnwares for a task, as if some were not there; see `Market.search`.

        Parameters
        ----------
        specification, text
            As there.
        wishes : Wishes
            How many hits, and which.
        hidden : collection of str
            Ids of learnwares that whoever asks must not learn of.
        """
        return self._found([specification], text, wishes, hidden)[0]

    def matching(
        self,
        wanted: SemanticSpecification,
        text: str = "",
        hidden: Collection[str] = (),
        *,
        by_name: bool = False,
    ) -> list[str]:
        """Return the ids of the learnwares with some tags and words.

        Parameters
        ----------
        wanted : SemanticSpecification
            A tag that is not said means any; its name and description are not looked for.
        text : str, default=""
            Words that a learnware must match.
        hidden : collection of str, optional
            Ids of learnwares that whoever asks must not learn of.
        by_name : bool, default=False
            Sort them by their names.

        Returns
        -------
        list of str
            Those whose words match best first; where no words were asked for, those changed last at the end.
        """

        def found(snapshot: Snapshot) -> list[str]:
            numbers = Candidates.of(snapshot, wanted, text, snapshot.numbers_of(hidden)).numbers().tolist()
            numbers = snapshot.texts.by_name(numbers) if by_name else numbers
            ids = self.store.ids_of(numbers)
            return [ids[number] for number in numbers if number in ids]

        return self._index.ask(found)

    def n_by_task(self) -> dict[str, int]:
        """Return how many learnwares there are for each task; those that do not say count as "Others"."""
        return self._index.ask(n_by_task)

    def surroundings(self, rkme: RKME, n_most: int, hidden: Collection[str] = ()) -> Surroundings | None:
        """Return where the learnwares around a specification lie, for a map of them.

        Parameters
        ----------
        rkme : RKME
        n_most : int
            So many learnwares at most, half of them the nearest.
        hidden : collection of str, optional
            Ids of learnwares that whoever asks must not learn of.

        Returns
        -------
        Surroundings or None
            None where no learnware has a comparable specification.
        """
        return self._index.ask(lambda snapshot: surroundings(snapshot, rkme, n_most, hidden))
