"""Organizers keep what a search needs at hand: specification islands, their frames, what models answer at each
other's points, and the index of words."""

from __future__ import annotations

from learnware.market.organizer.capability import Answers
from learnware.market.organizer.capability_asking import ask_around
from learnware.market.organizer.index import Index
from learnware.market.organizer.island import Island
from learnware.market.organizer.snapshot import Snapshot
from learnware.market.organizer.texts import TextIndex

__all__ = ["Answers", "Index", "Island", "Snapshot", "TextIndex", "ask_around"]
