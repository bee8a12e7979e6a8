"""Why a hit is near or far: which columns differ, and which part of the user's data it covers.

All of it is computed from two specifications in the user's own process; nothing is sent anywhere.
"""

from __future__ import annotations

from learnware.market.explanation.explaining import explain
from learnware.market.explanation.explanation import Explanation, Member, Uncovered
from learnware.market.explanation.features import Feature
from learnware.market.explanation.found import explain_hits

__all__ = ["Explanation", "Feature", "Member", "Uncovered", "explain", "explain_hits"]
