"""Markets on other machines, spoken to over HTTP.

`RemoteMarket` is the market; `session` sends and retries, `download` brings files, `cache` keeps them. Only
specifications leave this machine: no function here takes data.
"""

from __future__ import annotations

from learnware.market.remote.remote import RemoteMarket

__all__ = ["RemoteMarket"]
