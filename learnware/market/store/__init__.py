"""Where a market keeps its learnwares: bundles of bytes by id, in memory or in a folder.

A store knows ids, bundles and specifications, and counts its changes. It checks nothing about a learnware and searches
nothing. `learnware.testing.StoreContract` tests any other implementation.
"""

from learnware.market.store.backup import backup, restore
from learnware.market.store.base import GRACE_SECONDS, Cell, Changes, Entry, Revision, Store, is_id, new_id
from learnware.market.store.directory import DirectoryStore
from learnware.market.store.fsck import check_folder
from learnware.market.store.memory import MemoryStore
from learnware.market.store.report import FsckFinding, FsckReport

__all__ = [
    "GRACE_SECONDS",
    "Cell",
    "Changes",
    "DirectoryStore",
    "Entry",
    "FsckFinding",
    "FsckReport",
    "MemoryStore",
    "Revision",
    "Store",
    "backup",
    "check_folder",
    "is_id",
    "new_id",
    "restore",
]
