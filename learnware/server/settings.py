"""How a dock is run, and what is refused because it would not be safe."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from learnware._validation import check_int
from learnware.errors import InvalidParameter
from learnware.limits import LIMITS

_ORIGIN = re.compile(r"(https?)://[a-zA-Z0-9.\-\[\]:]+")

#: How often whoever asks may do what, in the words of the `limits` library.
RATES: Mapping[str, str] = MappingProxyType(
    {
        "login-pair": f"{LIMITS['logins-per-minute']}/minute",
        "login-account": f"{20 * LIMITS['logins-per-minute']}/hour",
        "login-address": f"{4 * LIMITS['logins-per-minute']}/minute",
        "search-unknown": f"{LIMITS['searches-per-minute']}/minute",
        "search": f"{10 * LIMITS['searches-per-minute']}/minute",
        "look": f"{10 * LIMITS['searches-per-minute']}/minute",
        "upload": f"{LIMITS['uploads-per-hour']}/hour",
    }
)


@dataclass(frozen=True)
class Settings:
    """How a dock is run.

    Parameters
    ----------
    host : str, default="127.0.0.1"
        The address to listen at.
    port : int, default=8000
        0 takes a free one.
    public_url : str, optional
        Where users reach the dock, such as ``"https://dock.example.org"``; default: at `host`. Whoever listens at
        another address than this machine's own must say it, and it must begin with https: passwords and tokens would
        travel in the clear.
    n_workers : int, default=1
        Processes that verify submissions; 0 where `learnware worker` runs elsewhere.
    isolation : str, default="auto"
        Where the models of submissions run; see `Learnware.load`.
    rates : mapping of str to str, default=RATES
        How often who may do what; an empty mapping means as often as they like.

    Raises
    ------
    InvalidParameter
        The settings are wrong, or not safe.

    Examples
    --------
    >>> Settings(host="0.0.0.0", public_url="https://dock.example.org").https
    True
    >>> Settings(host="0.0.0.0")
    Traceback (most recent call last):
    ...
    learnware.errors.InvalidParameter: A dock that listens at 0.0.0.0 is reached from elsewhere, ...
    """

    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str | None = None
    n_workers: int = 1
    isolation: str = "auto"
    rates: Mapping[str, str] = field(default_factory=lambda: RATES)

    def __post_init__(self) -> None:
        check_int(self.n_workers, "n_workers", "Settings", minimum=0)
        if check_int(self.port, "port", "Settings", minimum=0) > 65_535:
            raise InvalidParameter(f"The 'port' parameter of Settings must be at most 65535. Got {self.port} instead.")
        if self.public_url is not None and not _ORIGIN.fullmatch(self.public_url):
            raise InvalidParameter(
                "The 'public_url' parameter must be a scheme, a host and perhaps a port, such as "
                f"'https://dock.example.org'. Got {self.public_url!r} instead."
            )
        if self.public_url is None and not is_loopback(self.host):
            raise InvalidParameter(
                f"A dock that listens at {self.host} is reached from elsewhere, where passwords and tokens must not "
                "travel in the clear. Put a proxy with TLS in front of it and say --public-url https://..., or listen "
                "at 127.0.0.1."
            )
        reached = self.public_url is not None and not self.https
        if reached and not (is_loopback(self._public_host) and is_loopback(self.host)):
            raise InvalidParameter(
                f"The 'public_url' parameter must begin with https://. Got {self.public_url!r}: passwords and tokens "
                "would travel in the clear."
            )

    @property
    def https(self) -> bool:
        """Whether users reach the dock over TLS."""
        return self.public_url is not None and self.public_url.startswith("https://")

    @property
    def hosts(self) -> list[str]:
        """The names that users may call the dock by: a page elsewhere that gives itself our address is refused."""
        own = [self._public_host] if self.public_url is not None else [self.host]
        return [*own, "localhost", "127.0.0.1", "[::1]", "::1"]

    @property
    def _public_host(self) -> str:
        rest = (self.public_url or "").partition("://")[2]
        return rest[1:].partition("]")[0] if rest.startswith("[") else rest.partition(":")[0]


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address means this machine and no other can reach it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
