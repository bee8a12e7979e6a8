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

    def __init__(self, token: str | None = None) -> None:
        said = (os.environ.get(TOKEN, "").strip() or None) if token is None else token
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
