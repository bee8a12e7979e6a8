"""Searchers rank learnwares for a user: by tags and words, by distance, and as a mixture."""

from __future__ import annotations

from learnware.market.searcher.candidates import Candidates
from learnware.market.searcher.search import search
from learnware.market.searcher.semantic import matches_tags

__all__ = ["Candidates", "matches_tags", "search"]
