"""Requests to one market: with a token, a time limit, and further tries where a request may be repeated."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from learnware.errors import LearnwareNotFound, MarketError, MarketUnreachable
from learnware.market.remote.address import Address
from learnware.market.remote.answers import check_status, json_of
from learnware.market.remote.bearer import Bearer
from learnware.market.remote.connections import Connections
from learnware.market.remote.patience import Passing, persevere
from learnware.market.remote.variables import OFFLINE, is_on

if TYPE_CHECKING:
    import requests

_API = "/api/v1"
# How urllib3 begins its messages.
_WHERE = re.compile(r"^\w+\(host=[^)]*\): ")
_CONNECT_SECONDS, _READ_SECONDS = 5.0, 30.0


@dataclass(frozen=True)
class Call:
    """A request that can be sent as often as needed.

    Parameters
    ----------
    method, path : str
        The path is below that of the API and holds nothing that a stranger chose.
    query : mapping, optional
    headers : mapping, optional
    content : object, optional
        Goes as JSON.
    reader : callable, optional
        Opens the bytes to send, at their beginning.
    wait : float, default=0
        Seconds that the market may take on top of the usual.
    """

    method: str
    path: str
    query: Mapping[str, str | int] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: object = None
    reader: Callable[[], io.BytesIO] | None = None
    wait: float = 0.0


class Session:
    """Speaks to a market.

    Every call may be repeated: it only reads, or sets what it sets however often, or carries an Idempotency-Key.

    Parameters
    ----------
    address : Address
    token : str, optional
        See `Bearer`.
    """

    def __init__(self, address: Address, token: str | None = None) -> None:
        self.url = address.url
        self.reached: bool | None = None
        self._closed = False
        self._bearer = Bearer(token, address.url)
        # A proxy would take what never leaves this machine to another one.
        self._connections = Connections(self._bearer, through_proxies=not address.is_local)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def check_open(self) -> None:
        """Raise if `close` was called."""
        if self._closed:
            raise MarketError(f"The market at {self.url} has been closed. Open it again to use it.")

    def close(self) -> None:
        """Let go of the connections."""
        self._closed = True
        self._connections.close()

    def renew(self) -> None:
        """Begin anew in a fork."""
        self._connections.renew()

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """Send a `Call` until it is answered, and return the JSON of the answer."""
        return self.answer(Call(method, path, **options))

    def answer(self, call: Call) -> Any:
        """Return the JSON that answers a call."""

        def attempt() -> Any:
            with self.exchange(call) as response:
                return json_of(response)

        return persevere(attempt)

    def delete(self, path: str) -> None:
        """Delete something, which may be gone already if an earlier try was heard and only its answer lost."""
        n_tries = 0

        def attempt() -> None:
            nonlocal n_tries
            n_tries += 1
            try:
                with self.exchange(Call("DELETE", path)) as response:
                    json_of(response)
            except LearnwareNotFound:
                if n_tries == 1:
                    raise

        persevere(attempt)

    @contextmanager
    def exchange(self, call: Call) -> Iterator[requests.Response]:
        """Send a call once, and hold the answer, whose body is still to be read, if it tells of success.

        Raises
        ------
        Passing
            The market could not be reached or not be heard to the end, or wants to be asked again.
        """
        import requests
        from urllib3.exceptions import HTTPError

        self.check_open()
        if is_on(OFFLINE):
            raise MarketUnreachable(
                f"This process is offline, as {OFFLINE} says, and the market at {self.url} was to be asked. Unset it; "
                "without a connection only learnwares that were fetched before can be used."
            )
        try:
            with closing(self._send(call)) as response:
                self.reached = True
                check_status(response, self._bearer)
                yield response
        except requests.exceptions.SSLError as error:
            self.reached = False
            raise MarketUnreachable(
                f"The market at {self.url} does not prove that it is that market: {_innermost(error)}."
            ) from error
        except (requests.ConnectionError, requests.Timeout, HTTPError) as error:
            self.reached = False
            raise Passing(self._unreachable(error)) from error
        except requests.RequestException as error:
            raise MarketError(f"The market at {self.url} cannot be asked: {_innermost(error)}.") from error

    def _send(self, call: Call) -> requests.Response:
        # While bytes are sent the limit for connecting holds, and a disk at the other end may need a moment.
        connect = _READ_SECONDS if call.reader else _CONNECT_SECONDS
        return self._connections.own().request(
            call.method,
            f"{self.url}{_API}{call.path}",
            params=dict(call.query),
            headers={"Accept": "application/json", **call.headers},
            json=call.content,
            data=call.reader() if call.reader else None,
            timeout=(connect, _READ_SECONDS + call.wait),
            stream=True,
            allow_redirects=False,
        )

    def _unreachable(self, error: Exception) -> MarketUnreachable:
        return MarketUnreachable(
            f"The market at {self.url} does not answer: {_innermost(error)}. Check the address and your connection."
        )


def _innermost(error: BaseException) -> str:
    """Return what the system said; what libraries wrap around it is long, and tells no user anything."""
    while inner := [e for e in (getattr(error, "reason", None), *error.args) if isinstance(e, BaseException)]:
        error = inner[0]
    said = " ".join(_WHERE.sub("", str(error)).split())
    return said[:200].rstrip(". ") or type(error).__name__
