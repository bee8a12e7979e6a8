"""Where a remote market is, and whether a token may travel there."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from learnware.errors import InvalidParameter
from learnware.market.remote.variables import INSECURE, is_on

# A backslash or a space means different things to those who read a URL one after the other.
_PLAIN = re.compile(r"[!-\[\]-~]+")


@dataclass(frozen=True)
class Address:
    """The base URL of a market.

    Parameters
    ----------
    url : str
        Without a slash at the end.
    is_local : bool
        Whether it never leaves this machine.
    """

    url: str
    is_local: bool

    @classmethod
    def read(cls, location: str) -> Address:
        """Check a URL that a user gave.

        Raises
        ------
        InvalidParameter
            It is none of a market, or would send tokens in the clear.

        Examples
        --------
        >>> Address.read("https://dock.example.org/")
        Address(url='https://dock.example.org', is_local=False)
        >>> Address.read("http://127.0.0.1:8000").is_local
        True
        """
        parts = _split(location)
        host = parts.hostname
        if parts.scheme not in ("http", "https") or not host:
            raise _refused("start with https:// and a host")
        if "@" in parts.netloc:
            # Nor is it shown: what stands there is a password.
            raise _refused("hold no name and password; give a token instead")
        if parts.query or parts.fragment:
            raise _refused("end before any '?' or '#'")
        local = _is_loopback(host)
        if parts.scheme == "http" and not local and not is_on(INSECURE):
            raise _refused(
                f"start with https://: over http, whoever is on the way reads your token. Got {location!r}. If the way "
                f"is safe, set {INSECURE}=1"
            )
        return cls(f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/"), local)


def _split(location: str) -> SplitResult:
    if not _PLAIN.fullmatch(location):
        raise _refused("be a URL of plain characters without spaces")
    try:
        parts = urlsplit(location)
        _ = parts.port  # read here, since it complains
    except ValueError:
        raise _refused("be a URL with a valid host and port") from None
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refused(expected: str) -> InvalidParameter:
    return InvalidParameter(f"The 'location' parameter of Market.open, where it is a URL, must {expected}.")
