"""Organizers keep what a search needs at hand: specification islands, their frames, and the index of words."""

from __future__ import annotations

from learnware.market.organizer.index import Index
from learnware.market.organizer.island import Island
from learnware.market.organizer.texts import TextIndex

__all__ = ["Index", "Island", "TextIndex"]
