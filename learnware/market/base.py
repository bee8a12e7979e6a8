"""The contract of a market, wherever it is."""

from __future__ import annotations

import html
import os
import re
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from learnware._progress import progress_bar
from learnware._validation import complain
from learnware.bundle import Learnware, Policy
from learnware.errors import InvalidParameter, LearnwareError, MarketError, RejectedLearnware
from learnware.limits import Limits

if TYPE_CHECKING:
    from typing import Self

    from learnware.market.result import SearchResult
    from learnware.market.store import Revision
    from learnware.specification import RKME, SemanticSpecification, Specification

OneLearnware: TypeAlias = "Learnware | str | os.PathLike[str]"

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
_SHOWN = 10
# Of files that are submitted together, so many bytes stay open until their turn; the others are read again.
_OPENED_BYTES = 256 * 2**20


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

    @staticmethod
    def open(
        location: str | os.PathLike[str] | None = None,
        *,
        token: str | None = None,
        isolation: str = "auto",
        trust: str | None = None,
        limits: Limits | None = None,
    ) -> Market:
        """Open a market.

        Parameters
        ----------
        location : str or Path, optional
            A folder, made on first use; several processes may have it open at once. Or the URL of a market on another
            machine, https unless it is this one. Default: a market in memory, which ends with the process.
        token : str, optional
            Proves who you are to a remote market; for a URL only. Default: what LEARNWARE_TOKEN says.
        isolation : {"auto", "process", "sandbox", "none"}, default="auto"
            Where the models of learnwares run that this market checks and fetches; see `Learnware.load`.
        trust : {"data", "code"}, optional
            What you vouch for in all of them.
        limits : Limits, optional
            What each of them may use.

        Returns
        -------
        Market

        Raises
        ------
        InvalidParameter
            `location` is a URL of another kind, or would send a token unencrypted.
        MarketError
            The folder holds something else, is broken, or a newer version of the library wrote it.
        """
        from learnware.market.local import LocalMarket

        policy = Policy(isolation, trust, limits)
        if isinstance(location, str) and _URL.match(location):
            from learnware.market.remote import RemoteMarket

            return RemoteMarket(location, token=token, policy=policy)
        if token is not None:
            raise InvalidParameter("The 'token' parameter of Market.open is for remote markets only. Leave it out.")
        if location is None:
            return LocalMarket.in_memory(policy=policy)
        if not isinstance(location, str | os.PathLike) or not os.fspath(location):
            raise complain("location", "Market.open", "a folder, a URL or None", location)
        return LocalMarket.in_folder(location, policy=policy)

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
        waiting = self._opened(learnware)
        accepted: list[str] = []
        for _ in progress_bar(range(len(waiting)), desc="submitting", shown=progress):
            try:
                # Out of the list, so that the process of its model ends when it has been checked.
                accepted.append(self._submit(as_learnware(waiting.popleft(), self.policy)))
            except RejectedLearnware as error:
                raise RejectedLearnware(error.report, accepted=accepted) from error
            except LearnwareError as error:
                error.accepted = tuple(accepted)
                raise
        return accepted

    def _opened(self, several: Iterable[OneLearnware]) -> deque[OneLearnware]:
        """Open all files, since one that is broken must not leave the others half submitted; keep what has room."""
        waiting: deque[OneLearnware] = deque()
        n_bytes = 0
        for one in several:
            learnware = as_learnware(one, self.policy)
            if learnware is not one:
                n_bytes += len(learnware.to_bytes())
            waiting.append(learnware if n_bytes <= _OPENED_BYTES else one)
        return waiting

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
        progress: bool | None = None,
        **wishes: Any,
    ) -> list[SearchResult]:
        """Find learnwares for several tasks; a local market compares them with its learnwares all at once.

        Parameters
        ----------
        specifications : iterable of Specification, one of its parts, or str
            What each task is like.
        progress : bool, optional
            Show a progress bar; default: in a terminal or notebook.
        **wishes
            The options of `search`, for all of them.

        Returns
        -------
        list of SearchResult
            In the order of `specifications`.
        """
        asked = progress_bar(list(specifications), desc="searching", shown=progress)
        return [self.search(specification, **wishes) for specification in asked]

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
            return f"<p>{html.escape(repr(self))}</p>"
        rows = "".join(
            f"<tr><td style='text-align:left'>{html.escape(semantic.name)}</td><td>{html.escape(semantic.task or '')}"
            f"</td><td><code>{html.escape(i)}</code></td></tr>"
            for i, semantic in shown
        )
        more = f"<p>and {n_learnwares - len(shown)} more</p>" if n_learnwares > len(shown) else ""
        head = "<tr><th>name</th><th>task</th><th>id</th></tr>"
        table = f"<table>{head}{rows}</table>" if shown else ""
        return f"<p>{html.escape(repr(self))}</p>{table}{more}"

    def _first(self, n_most: int) -> list[tuple[str, SemanticSpecification]]:
        """Return the oldest learnwares by their ids and words."""
        return [(learnware_id, self.describe(learnware_id).semantic) for learnware_id in islice(self, n_most)]


def as_learnware(learnware: OneLearnware, policy: Policy) -> Learnware:
    """Return a learnware as it is, or read its file, every part of which must be what was written."""
    if isinstance(learnware, Learnware):
        return learnware
    if isinstance(learnware, str | os.PathLike):
        opened = Learnware.load(learnware, **vars(policy))
        opened.verify()
        return opened
    raise complain("learnware", "Market.submit", "a Learnware or a path", learnware)
