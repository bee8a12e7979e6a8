"""Where a market keeps its learnwares: bundles of bytes by id, in memory or in a folder.

A store knows ids, bundles and specifications, and counts its changes. It checks nothing about a learnware and searches
nothing. `learnware.testing.StoreContract` tests any other implementation.
"""

from learnware.market.store.base import Changes, Store
from learnware.market.store.directory import DirectoryStore
from learnware.market.store.memory import MemoryStore

__all__ = ["Changes", "DirectoryStore", "MemoryStore", "Store"]
