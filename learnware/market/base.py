"""The contract of a market, wherever it is."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, overload

from learnware._progress import progress_bar
from learnware._validation import complain
from learnware.bundle import Learnware, Policy
from learnware.errors import MarketError
from learnware.market.incoming import OneLearnware, all_opened, as_learnware, telling
from learnware.market.opening import open_market
from learnware.market.overview import as_html

if TYPE_CHECKING:
    from typing import Self

    from learnware.market.result import SearchResult
    from learnware.market.store import Revision
    from learnware.specification import RKME, SemanticSpecification, Specification

_SHOWN = 10


class Market(ABC):
    """Learnwares that others submitted, to be found by a specification.

    `Market.open` gives one. Every market behaves the same, whether it lives in memory or in a folder;
    `learnware.testing.MarketContract` says how.

    Examples
    --------
    >>> from learnware import Market
    >>> with Market.open() as market:
    ...     len(market)
    0
    """

    #: Where models run that the market checks and fetches.
    policy = Policy()

    open = staticmethod(open_market)

    @overload
    def submit(  # type: ignore[overload-overlap]  # a str is one path, though it can be iterated over
        self, learnware: OneLearnware, *, progress: bool | None = None
    ) -> str: ...

    @overload
    def submit(self, learnware: Iterable[OneLearnware], *, progress: bool | None = None) -> list[str]: ...

    def submit(
        self, learnware: OneLearnware | Iterable[OneLearnware], *, progress: bool | None = None
    ) -> str | list[str]:
        """Check a learnware and take it in; when this returns, it is stored for good.

        Parameters
        ----------
        learnware : Learnware, str, Path, or an iterable of these
            The learnware, or the file that holds it.
        progress : bool, optional
            Show a progress bar for an iterable; default: in a terminal or notebook.

        Returns
        -------
        str or list of str
            The id, or one for each.

        Raises
        ------
        RejectedLearnware
            A check found an error; ``.report`` says how to mend it and, of several learnwares, ``.accepted`` which
            are stored.
        BundleError
            A file is no learnware. Of several learnwares, none is stored then.
        MarketNotWritable, MarketError
            It cannot be stored; nothing is half stored.
        IsolationUnavailable, MissingDependency, UntrustedModel
            Its model cannot be run here, or not in the way that the market was opened with, and so not be checked.
        """
        if isinstance(learnware, Learnware | str | os.PathLike):
            return self._submit(as_learnware(learnware, self.policy))
        if not isinstance(learnware, Iterable):
            expected = "a Learnware, a path, or an iterable of them"
            raise complain("learnware", "Market.submit", expected, learnware)
        waiting = all_opened(learnware, self.policy)
        accepted: list[str] = []
        with telling(accepted):
            for _ in progress_bar(range(len(waiting)), desc="submitting", shown=progress):
                # Out of the list, so that the process of its model ends when it has been checked.
                accepted.append(self._submit(as_learnware(waiting.popleft(), self.policy)))
        return accepted

    @abstractmethod
    def _submit(self, learnware: Learnware) -> str:
        """Check one learnware, store it and return its id; see `submit`."""

    @abstractmethod
    def update(self, learnware_id: str, learnware: OneLearnware) -> None:
        """Give an id a new revision; earlier ones stay and can be fetched by their digest.

        Parameters
        ----------
        learnware_id : str
            The id that `submit` returned.
        learnware : Learnware, str or Path
            Checked as by `submit`.

        Raises
        ------
        LearnwareNotFound
            There is no such id.
        RejectedLearnware
            A check found an error; what was there stays the current revision.
        """

    @abstractmethod
    def revisions(self, learnware_id: str) -> tuple[Revision, ...]:
        """Return what an id has stood for.

        Parameters
        ----------
        learnware_id : str
            The id that `submit` returned, without the ``@`` and the sha256 of one of its revisions.

        Returns
        -------
        tuple of Revision
            Each with ``digest``, ``created`` and ``size``, oldest first; the last is the current one.

        Raises
        ------
        LearnwareNotFound
            There is no such id.
        """

    @abstractmethod
    def remove(self, learnware_id: str) -> None:
        """Take a learnware with all its revisions out of the market; its id is never given again.

        Raises
        ------
        LearnwareNotFound
            There is no such id.
        """

    @abstractmethod
    def describe(self, learnware_id: str) -> Specification:
        """Return the specification of a learnware, without reading its model.

        Parameters
        ----------
        learnware_id : str
            An id, or ``"id@sha256"`` for one of its revisions, as in `fetch`.

        Raises
        ------
        LearnwareNotFound
            There is no such id, or no such revision.
        """

    @abstractmethod
    def fetch(self, learnware_id: str) -> Learnware:
        """Return a learnware, after checking that its bytes are those that were stored.

        Parameters
        ----------
        learnware_id : str
            An id, which means its current revision; or an id, ``@``, and the sha256 of one of its revisions, of which
            the first 12 digits will do.

        Raises
        ------
        LearnwareNotFound
            There is no such id, or no such revision.
        ChecksumMismatch
            The stored bytes have changed.
        """

    @abstractmethod
    def search(
        self,
        specification: Specification | SemanticSpecification | RKME | str,
        *,
        text: str | None = None,
        limit: int = 10,
        mixture_size: int = 5,
        offset: int = 0,
        duplicates: bool = False,
    ) -> SearchResult:
        """Find learnwares for a task.

        Parameters
        ----------
        specification : Specification, one of its parts, or str
            What the task is like; or words alone.
        text : str, optional
            Words that a learnware must match besides.
        limit : int, default=10
            At most this many hits.
        mixture_size : int, default=5
            At most this many learnwares in the mixture.
        offset : int, default=0
            Pass over so many hits: ``offset=10`` gives the second page of ten.
        duplicates : bool, default=False
            List near-duplicates too: learnwares that are all but the same as an earlier one, by their points and by
            what they answer there. Otherwise that one stands for them, and `Hit.covers` names them.

        Returns
        -------
        SearchResult
            The hits, those of the least estimated loss first, the best mixture, and a verdict on whether anything fits.

        Notes
        -----
        Where learnwares of tables say what they answer at their points, `Hit.loss` estimates how wrong they would be
        for the user. A specification with labels, ``Specification.from_data(X, y)``, is compared with these answers,
        of texts and images too.
        """

    def search_many(
        self,
        specifications: Iterable[Specification | SemanticSpecification | RKME | str],
        *,
        text: str | None = None,
        limit: int = 10,
        mixture_size: int = 5,
        offset: int = 0,
        duplicates: bool = False,
        progress: bool | None = None,
    ) -> list[SearchResult]:
        """Find learnwares for several tasks; a local market compares them with its learnwares all at once.

        Parameters
        ----------
        specifications : iterable of Specification, one of its parts, or str
            What each task is like.
        text, limit, mixture_size, offset, duplicates
            As in `search`, for all of them.
        progress : bool, optional
            Show a progress bar; default: in a terminal or notebook.

        Returns
        -------
        list of SearchResult
            In the order of `specifications`.
        """
        return [
            self.search(one, text=text, limit=limit, mixture_size=mixture_size, offset=offset, duplicates=duplicates)
            for one in progress_bar(list(specifications), desc="searching", shown=progress)
        ]

    @abstractmethod
    def __iter__(self) -> Iterator[str]:
        """Iterate over the ids, oldest first, as they are at this moment."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __contains__(self, learnware_id: object) -> bool:
        """Tell whether an id is there; ``"id@sha256"`` names a revision and is no id, so it never is."""

    @abstractmethod
    def close(self) -> None:
        """Let go of files and connections; what is stored in a folder stays.

        Whatever is asked of the market afterwards is a `MarketError`.
        """

    def __bool__(self) -> bool:
        # An empty market is still a market.
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _repr_html_(self) -> str:
        try:
            shown, n_learnwares = self._first(_SHOWN), len(self)
        except MarketError:
            # A notebook shows what it has at hand, of a market that is closed or far away too.
            return as_html(repr(self), [], 0)
        return as_html(repr(self), shown, n_learnwares)

    def _first(self, n_most: int) -> list[tuple[str, SemanticSpecification]]:
        """Return the oldest learnwares by their ids and words."""
        return [(learnware_id, self.describe(learnware_id).semantic) for learnware_id in islice(self, n_most)]
