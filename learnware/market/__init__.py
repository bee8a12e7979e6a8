"""Markets: learnwares are submitted, checked, stored, searched and fetched here.

`Market` is the contract and `Market.open` the door. Behind it stand a store (where bundles are kept), checks (what a
learnware must pass), an organizer (which specifications can be compared) and searchers (what fits a user).
"""

from __future__ import annotations

from learnware.market.base import Market
from learnware.market.checker import CheckReport, Finding, check_learnware
from learnware.market.explanation import Explanation
from learnware.market.local import LocalMarket
from learnware.market.result import Evidence, Hit, Mixture, SearchResult
from learnware.market.store import FsckFinding, FsckReport, Revision, backup, restore
from learnware.market.upkeep import fsck

__all__ = [
    "CheckReport",
    "Evidence",
    "Explanation",
    "Finding",
    "FsckFinding",
    "FsckReport",
    "Hit",
    "LocalMarket",
    "Market",
    "Mixture",
    "Revision",
    "SearchResult",
    "backup",
    "check_learnware",
    "fsck",
    "restore",
]
