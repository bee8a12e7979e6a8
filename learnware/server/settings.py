"""How a dock is run, and what is refused because it would not be safe."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from learnware.errors import InvalidParameter
from learnware.limits import LIMITS

_ORIGIN = re.compile(r"(https?)://[a-zA-Z0-9.\-\[\]:]+")

#: How often whoever asks may do what, in the words of the `limits` library.
RATES: Mapping[str, str] = MappingProxyType(
    {
        "login-account": f"{LIMITS['logins-per-minute']}/minute",
        "login-address": f"{4 * LIMITS['logins-per-minute']}/minute",
        "search-unknown": f"{LIMITS['searches-per-minute']}/minute",
        "search": f"{10 * LIMITS['searches-per-minute']}/minute",
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
    >>> Settings().origin
    'http://127.0.0.1:8000'
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
        if self.public_url is not None and not self.https and not is_loopback(self._public_host):
            raise InvalidParameter(
                f"The 'public_url' parameter must begin with https://. Got {self.public_url!r}: passwords and tokens "
                "would travel in the clear."
            )

    @property
    def https(self) -> bool:
        """Whether users reach the dock over TLS."""
        return self.public_url is not None and self.public_url.startswith("https://")

    @property
    def origin(self) -> str:
        """Where users reach the dock."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

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
