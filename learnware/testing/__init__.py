"""Contracts as tests: whoever writes another store or market inherits one and runs pytest.

A contract class needs one method, which opens what is tested in a fresh folder:

::

    class TestMyStore(StoreContract):
        def open_store(self, folder):
            return MyStore(folder / "store.db")
"""

from __future__ import annotations

from learnware.reuse.contract import check_reuser
from learnware.testing.encoder import check_encoder
from learnware.testing.examples import make_learnware
from learnware.testing.market import MarketContract
from learnware.testing.store import StoreContract

__all__ = ["MarketContract", "StoreContract", "check_encoder", "check_reuser", "make_learnware"]
