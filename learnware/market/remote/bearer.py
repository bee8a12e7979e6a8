"""The token: sent with every request, shown nowhere."""

from __future__ import annotations

import os
import re
from typing import Any

from learnware.errors import InvalidParameter
from learnware.market.remote.variables import TOKEN

_TOKEN = re.compile(r"[!-~]{1,512}")


class Bearer:
    """Proves who asks, as requests takes it.

    Parameters
    ----------
    token : str, optional
        Default: what LEARNWARE_TOKEN says, if anything.
    market : str, optional
        The URL of the market. LEARNWARE_TOKEN may name the one that its token is for, as in
        ``https://dock.example.org=lw_...``; no other gets it then.

    Raises
    ------
    InvalidParameter
        It cannot be a token.

    Examples
    --------
    >>> Bearer("lw_secret")
    Bearer(...)
    """

    __slots__ = ("_token",)

    def __init__(self, token: str | None = None, market: str = "") -> None:
        said = _from_environment(market) if token is None else token
        if said is not None and (not isinstance(said, str) or not _TOKEN.fullmatch(said)):
            # Not even the wrong one is shown: it may be a token with a line end.
            raise InvalidParameter(
                f"The 'token' parameter of Market.open, or {TOKEN}, must be text without spaces, as the market gave it."
            )
        self._token = said

    def __call__(self, request: Any) -> Any:
        """Add the token to a request; without one, keep requests from looking for passwords in ~/.netrc."""
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def hidden(self, text: bytes) -> bytes:
        """Return text of a server without the token, should it repeat it."""
        return text if self._token is None else text.replace(self._token.encode(), b"[token]")

    def __repr__(self) -> str:
        return "Bearer(...)" if self._token is not None else "Bearer(None)"

    def __reduce__(self) -> tuple[Any, ...]:
        return Bearer, ()


def _from_environment(market: str) -> str | None:
    said = os.environ.get(TOKEN, "").strip()
    if "://" not in said:
        return said or None
    meant, _, token = said.rpartition("=")
    # With the slash, so that https://dock.example is not taken for the beginning of https://dock.example.evil.
    return token if f"{market.rstrip('/')}/".startswith(f"{meant.rstrip('/')}/") else None
