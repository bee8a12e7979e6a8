"""Searchers rank learnwares for a user: by tags and words, by distance, and as a mixture."""

from __future__ import annotations

from learnware.market.searcher.candidates import Candidates
from learnware.market.searcher.search import Question, search, search_many
from learnware.market.searcher.semantic import matches_tags
from learnware.market.searcher.wishes import Wishes

__all__ = ["Candidates", "Question", "Wishes", "matches_tags", "search", "search_many"]
