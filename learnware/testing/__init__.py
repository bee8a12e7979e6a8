"""Contracts as tests: whoever writes another store or market inherits one and runs pytest. Markets of known truth.

A contract class needs one method, which opens what is tested in a fresh folder:

::

    class TestMyStore(StoreContract):
        def open_store(self, folder):
            return MyStore(folder / "store.db")

`synthetic_market` draws learnwares and users whose relations are known, up to millions of them.
"""

from __future__ import annotations

from learnware.reuse.contract import check_reuser
from learnware.testing.encoder import check_encoder
from learnware.testing.examples import make_learnware
from learnware.testing.market import MarketContract
from learnware.testing.store import StoreContract
from learnware.testing.synthetic import synthetic_market
from learnware.testing.synthetic_learnwares import SyntheticMarket
from learnware.testing.synthetic_tasks import Truth
from learnware.testing.synthetic_users import SyntheticUser

__all__ = [
    "MarketContract",
    "StoreContract",
    "SyntheticMarket",
    "SyntheticUser",
    "Truth",
    "check_encoder",
    "check_reuser",
    "make_learnware",
    "synthetic_market",
]
