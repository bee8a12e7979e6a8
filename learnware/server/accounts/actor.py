"""Who asks for something, as far as a dock knows."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Literal, get_args

Role = Literal["user", "admin"]
Scope = Literal["read", "upload", "delete", "admin", "account"]

#: What a token may be issued for. Whoever has logged in on the web page also has "account", which no token has: a
#: token that could make tokens could never be revoked.
SCOPES: tuple[Scope, ...] = ("read", "upload", "delete", "admin")

ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Actor:
    """Whoever makes a request.

    Parameters
    ----------
    user : str, optional
        The account; None for somebody unknown.
    role : {"user", "admin"}, optional
        The role of that account.
    scopes : frozenset of str
        What the token or the session was issued for.
    token_id : str, optional
        Which token or session that was.
    address : str, optional
        The network address that the request came from.
    """

    user: str | None = None
    role: Role | None = None
    scopes: frozenset[str] = frozenset()
    token_id: str | None = None
    address: str | None = field(default=None, compare=False)

    @property
    def key(self) -> str:
        """Whom to count requests for: the account, or the address of somebody unknown."""
        return f"user {self.user}" if self.user is not None else f"address {network_of(self.address)}"

    @property
    def is_admin(self) -> bool:
        """Whether this is an admin who uses a token or a session that may act as one."""
        return self.role == "admin" and "admin" in self.scopes


def network_of(address: str | None) -> str:
    """Return whom an address belongs to: one of IPv6 is one of 2^64 that whoever has it may use.

    Examples
    --------
    >>> network_of("192.0.2.7"), network_of("2001:db8::7")
    ('192.0.2.7', '2001:db8::/64')
    """
    try:
        known = ipaddress.ip_address(str(address))
    except ValueError:
        return str(address)
    return str(known) if known.version == 4 else str(ipaddress.ip_network((known, 64), strict=False))


#: Somebody of whom nothing is known; they may look at what is public.
ANONYMOUS = Actor(scopes=frozenset({"read"}))
