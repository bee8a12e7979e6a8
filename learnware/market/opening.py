"""Which market a location stands for."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from learnware._validation import complain
from learnware.bundle import Policy
from learnware.errors import InvalidParameter
from learnware.limits import Limits

if TYPE_CHECKING:
    from learnware.market.base import Market

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")


def open_market(
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
