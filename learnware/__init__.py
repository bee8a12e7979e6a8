"""Reuse other people's models without either side showing its data.

A *learnware* is a trained model plus a specification of what it is for. Developers submit learnwares to a
market; a user describes their own data by a specification built locally, searches, and reuses what fits.

Importing this package loads none of the heavy libraries: every name below is resolved on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOMES = {
    "AutoReuser": "learnware.reuse",
    "AveragingReuser": "learnware.reuse",
    "CheckReport": "learnware.market",
    "ConsensusReuser": "learnware.reuse",
    "EnsembleSelectionReuser": "learnware.reuse",
    "FeatureAugmentReuser": "learnware.reuse",
    "Hit": "learnware.market",
    "JobSelectorReuser": "learnware.reuse",
    "LabelBridgeReuser": "learnware.reuse",
    "Learnware": "learnware.bundle",
    "Limits": "learnware.limits",
    "Market": "learnware.market",
    "Mixture": "learnware.market",
    "RKME": "learnware.specification",
    "Reuser": "learnware.reuse",
    "SearchResult": "learnware.market",
    "SemanticSpecification": "learnware.specification",
    "SingleBestReuser": "learnware.reuse",
    "Specification": "learnware.specification",
    "StackingReuser": "learnware.reuse",
}

__all__ = [
    "RKME",
    "AutoReuser",
    "AveragingReuser",
    "CheckReport",
    "ConsensusReuser",
    "EnsembleSelectionReuser",
    "FeatureAugmentReuser",
    "Hit",
    "JobSelectorReuser",
    "LabelBridgeReuser",
    "Learnware",
    "Limits",
    "Market",
    "Mixture",
    "Reuser",
    "SearchResult",
    "SemanticSpecification",
    "SingleBestReuser",
    "Specification",
    "StackingReuser",
    "__version__",
]

if TYPE_CHECKING:
    from learnware.bundle import Learnware
    from learnware.limits import Limits
    from learnware.market import CheckReport, Hit, Market, Mixture, SearchResult
    from learnware.reuse import (
        AutoReuser,
        AveragingReuser,
        ConsensusReuser,
        EnsembleSelectionReuser,
        FeatureAugmentReuser,
        JobSelectorReuser,
        LabelBridgeReuser,
        Reuser,
        SingleBestReuser,
        StackingReuser,
    )
    from learnware.specification import RKME, SemanticSpecification, Specification


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'learnware' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
