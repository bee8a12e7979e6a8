"""A market on another machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from learnware._validation import check_option
from learnware.bundle import Learnware, Policy
from learnware.errors import InvalidParameter, InvalidSpecification, LearnwareNotFound, MarketError
from learnware.market.base import Market
from learnware.market.fetched import Fetched
from learnware.market.incoming import OneLearnware, as_learnware, specification_of
from learnware.market.remote.address import Address
from learnware.market.remote.cache import Cache
from learnware.market.remote.download import download
from learnware.market.remote.reference import Reference, Standing
from learnware.market.remote.session import Session
from learnware.market.remote.submission import send
from learnware.market.remote.variables import OFFLINE, is_on
from learnware.market.result import SearchResult
from learnware.market.searcher.wishes import Wishes
from learnware.market.store import Revision
from learnware.market.store.base import is_id
from learnware.market.store.forks import renew_in_forks
from learnware.market.wire import result_from_wire, revision_from_wire
from learnware.specification import RKME, SemanticSpecification, Specification

_VISIBILITIES = ("public", "unlisted", "private")
_LEVELS = (None, "T0", "T1", "T2")
_PAGE = 200


class RemoteMarket(Market):
    """A market that a dock offers over HTTP.

    Parameters
    ----------
    location : str
        Its URL; https, unless the host is this machine.
    token : str, optional
        Proves who you are; default: what LEARNWARE_TOKEN says. What is public can be searched and fetched without.
    policy : Policy, optional
        Where models run that are fetched, and files that are submitted; default: apart from this process.
    visibility : {"public", "unlisted", "private"}, default="public"
        Who can see what is submitted: everybody, everybody who has the id, or you.
    cache : Cache, optional
        Keeps what was fetched; default: that of this user.

    Notes
    -----
    A search sends a specification and nothing else. Threads may share one market; copies of it, in other processes too,
    take their token from LEARNWARE_TOKEN. With LEARNWARE_OFFLINE=1 learnwares that were fetched before can be fetched
    and described, and everything else is a `MarketUnreachable`.

    Examples
    --------
    >>> from learnware.market.remote import RemoteMarket
    >>> RemoteMarket("https://dock.example.org", token="lw_secret")
    RemoteMarket(https://dock.example.org)
    """

    def __init__(
        self,
        location: str,
        *,
        token: str | None = None,
        policy: Policy | None = None,
        visibility: str = "public",
        cache: Cache | None = None,
    ) -> None:
        self.policy = policy or Policy()
        self._visibility = check_option(visibility, _VISIBILITIES, "visibility", "RemoteMarket")
        self._session = Session(Address.read(location), token)
        self._cache = cache or Cache()
        self._fetched = Fetched(self.policy)
        self._total: int | None = None
        renew_in_forks(self)

    def update(self, learnware_id: str, learnware: OneLearnware) -> None:
        reference = self._known_id(learnware_id)
        # Asked first, so that nobody sends a large file for an id that is not there.
        self._standing(reference)
        data = as_learnware(learnware, self.policy).to_bytes()
        send(self._session, "PUT", f"/learnwares/{reference.id}", data, {})

    def remove(self, learnware_id: str) -> None:
        self._session.delete(f"/learnwares/{self._known_id(learnware_id).id}")
        self._total = None

    def revisions(self, learnware_id: str) -> tuple[Revision, ...]:
        content = self._session.ask("GET", f"/learnwares/{self._known_id(learnware_id).id}/revisions")
        return tuple(revision_from_wire(entry) for entry in _list_in(content, "revisions"))

    def describe(self, learnware_id: str) -> Specification:
        reference = self._known(learnware_id)
        if is_on(OFFLINE):
            return specification_of(self._kept(reference))
        content = self._session.ask("GET", f"/learnwares/{reference}/specification")
        level = content.get("level") if isinstance(content, dict) else ""
        if level not in _LEVELS:
            raise MarketError(f"The market answered something that cannot be read, when asked to describe {reference}.")
        try:
            specification = Specification.from_json(json.dumps(content.get("specification")))
        except InvalidSpecification as error:
            raise MarketError(f"The market describes {reference} in a way that cannot be read: {error}") from error
        return replace(specification, level=level)

    def fetch(self, learnware_id: str) -> Learnware:
        reference = self._known(learnware_id)
        if is_on(OFFLINE):
            return self._kept(reference)
        standing = self._standing(reference)
        data = download(self._session, self._cache, standing)
        if not reference.digits:
            self._cache.remember(self._session.url, reference.id, standing.digest)
        return self._fetched.get(standing.digest, data, reference.id)

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
        wanted, words = _question(specification, text)
        content = {
            "specification": None if wanted is None else json.loads(wanted.to_json()),
            "text": words,
            **vars(Wishes(limit, mixture_size, offset, duplicates)),
        }
        answer = self._session.ask("POST", "/search", content=content)
        points = None if wanted is None else wanted.statistical
        return result_from_wire(answer, describe=self.describe, fetch=self.fetch, query=points)

    def close(self) -> None:
        self._session.close()
        self._fetched.clear()

    def renew(self) -> None:
        """Take connections and locks of its own in a fork."""
        self._session.renew()
        self._fetched.renew()

    def __reduce__(self) -> tuple[Any, ...]:
        # The token stays here: a pickle is a file like any other.
        return _reopened, (self._session.url, self.policy, self._visibility, self._cache)

    def __iter__(self) -> Iterator[str]:
        cursor, seen = None, 0
        while True:
            page = self._page(_PAGE, cursor)
            entries = _list_in(page, "items")
            seen += len(entries)
            if (not entries and page.get("next") is not None) or seen > 2 * page["total"] + _PAGE:
                raise MarketError("The market answered with a list of learnwares that has no end.")
            for entry in entries:
                if not isinstance(entry, dict) or not is_id(entry.get("id")):
                    raise MarketError("The market answered with a list of learnwares that cannot be read.")
                yield entry["id"]
            following = page.get("next")
            if following is None:
                return
            if not isinstance(following, str) or following == cursor:
                raise MarketError("The market answered with a list of learnwares that has no end.")
            cursor = following

    def __len__(self) -> int:
        total: int = self._page(1)["total"]
        return total

    def __contains__(self, learnware_id: object) -> bool:
        self._session.check_open()
        if not is_id(learnware_id):
            return False
        try:
            self._standing(Reference.read(learnware_id))
        except LearnwareNotFound:
            return False
        return True

    def __repr__(self) -> str:
        # Of what was heard last: to show itself, nothing goes out to a network that may not be there.
        held = "" if self._total is None else f", {self._total} learnwares"
        if self._session.closed:
            held = ", closed"
        elif self._session.reached is False:
            held = ", unreachable"
        return f"RemoteMarket({self._session.url}{held})"

    def _submit(self, learnware: Learnware) -> str:
        self._session.check_open()
        data = learnware.to_bytes()
        self._total = None
        return send(self._session, "POST", "/learnwares", data, {"visibility": self._visibility})

    def _known(self, learnware_id: object) -> Reference:
        self._session.check_open()
        return Reference.read(learnware_id)

    def _known_id(self, learnware_id: object) -> Reference:
        self._session.check_open()
        return Reference.read_id(learnware_id)

    def _standing(self, reference: Reference) -> Standing:
        return Standing.read(self._session.ask("GET", f"/learnwares/{reference}"), reference)

    def _kept(self, reference: Reference) -> Learnware:
        """Return a learnware out of the cache; where it is not there, asking says that this process is offline."""
        if reference.digits:
            digest = self._cache.find(reference.digits)
        else:
            digest = self._cache.recall(self._session.url, reference.id)
        data = None if digest is None else self._cache.read(digest)
        if digest is None or data is None:
            self._standing(reference)
            raise MarketError(f"The connection came back while {reference} was looked for. Ask again.")
        return self._fetched.get(digest, data, reference.id)

    def _first(self, n_most: int) -> list[tuple[str, SemanticSpecification]]:
        entries = _list_in(self._page(n_most), "items")
        if not all(isinstance(entry, dict) and is_id(entry.get("id")) and "semantic" in entry for entry in entries):
            raise MarketError("The market answered with a list of learnwares that cannot be read.")
        return [(entry["id"], SemanticSpecification.from_dict(entry["semantic"])) for entry in entries]

    def _page(self, limit: int, cursor: str | None = None) -> dict[str, Any]:
        query = {"limit": limit} if cursor is None else {"limit": limit, "cursor": cursor}
        page = self._session.ask("GET", "/learnwares", query=query)
        if not isinstance(page, dict) or type(page.get("total")) is not int or page["total"] < 0:
            raise MarketError("The market answered with a list of learnwares that cannot be read.")
        self._total = page["total"]
        return page


def _reopened(location: str, policy: Policy, visibility: str, cache: Cache) -> RemoteMarket:
    return RemoteMarket(location, policy=policy, visibility=visibility, cache=cache)


def _question(query: object, text: object) -> tuple[Specification | None, str | None]:
    """Return what a search sends: a specification, words, or both; never anything that could be data."""
    if not isinstance(text, str | None):
        raise InvalidParameter(
            f"The 'text' parameter of Market.search must be text. Got {type(text).__name__} instead."
        )
    if isinstance(query, str):
        return None, f"{query} {text or ''}".strip()
    if isinstance(query, SemanticSpecification):
        query = Specification(query)
    if isinstance(query, RKME):
        query = Specification(statistical=query)
    if not isinstance(query, Specification):
        raise InvalidParameter(
            f"The 'specification' parameter of Market.search must be a Specification or text. Got "
            f"{type(query).__name__} instead: data stays with you, so build Specification.from_data(X) first."
        )
    return query, text


def _list_in(content: object, name: str) -> list[Any]:
    found = content.get(name) if isinstance(content, dict) else None
    if not isinstance(found, list):
        raise MarketError(f"The market answered with no list of {name}.")
    return found
