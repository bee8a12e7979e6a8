"""The relevance of learnwares to a question, computed as its formula is written: for every pair of words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from learnware.market.organizer.likeness import allowed_edits
from learnware.market.organizer.words import fold, is_unspaced, telling_words, words_of
from learnware.specification import SemanticSpecification


def relevance_by_hand(learnwares: Mapping[str, SemanticSpecification], question: str) -> dict[str, float]:
    """Return the relevance as the formula in the docstring says, learnware by learnware."""
    phrase = fold(question)
    asked = telling_words(words_of(phrase))
    if not asked:
        return {}
    read = {name: _Read(semantic) for name, semantic in learnwares.items()}
    vocabulary = {word for entry in read.values() for word in entry.words}
    lengths = [sum(entry.counts.values()) for entry in read.values() if entry.counts]
    average = max(1.0, sum(lengths) / max(1, len(lengths)))
    rarity = {}
    for word in asked:
        holders = sum(word in entry.words for entry in read.values())
        rarity[word] = math.log(1 + (len(read) - holders + 0.5) / (holders + 0.5))
    meant = {word: _meant(word, vocabulary) for word in asked}
    scores = {
        name: sum(
            rarity[word] * max((like * entry.worth(other, average) for other, like in meant[word].items()), default=0)
            for word in asked
        )
        for name, entry in read.items()
    }
    total = sum(rarity.values())
    least = max(0.1 * total, 0.35 * max(scores.values()))
    return {name: read[name].with_phrase(phrase, s / total) for name, s in scores.items() if s >= least}


class _Read:
    def __init__(self, semantic: SemanticSpecification) -> None:
        self.name, self.description = fold(semantic.name), fold(semantic.description)
        self.in_name = set(words_of(self.name))
        self.tags = {word for tag in (semantic.task, *semantic.scenarios) if tag for word in words_of(fold(tag))}
        self.counts = Counter(words_of(self.description))
        self.words = self.in_name | self.tags | set(self.counts)

    def worth(self, word: str, average: float) -> float:
        if word in self.in_name:
            return 0.85
        count = min(self.counts[word], 3)
        room = 0.5 * (0.25 + 0.75 * sum(self.counts.values()) / average)
        return max(0.6 * count / (count + room), 0.65 if word in self.tags else 0)

    def with_phrase(self, phrase: str, relevance: float) -> float:
        parts_count = any(map(is_unspaced, phrase))
        sought = phrase if parts_count else f" {phrase} "
        if sought in f" {self.name} ":
            return 0.95 + 0.05 * len(phrase) / len(self.name)
        if " " in phrase and sought in f" {self.description} ":
            return 0.9 + 0.05 * relevance
        return relevance


def _meant(word: str, vocabulary: set[str]) -> dict[str, float]:
    if is_unspaced(word):
        return {word: 1.0}
    meant = {}
    for other in vocabulary:
        if other == word:
            meant[other] = 1.0
        elif other.startswith(word) and len(word) >= 3 and len(word) >= 0.35 * len(other):
            meant[other] = 0.85 * math.sqrt(len(word) / len(other))
    if meant:
        return meant
    counts = {other: edits_by_hand(word, other) for other in vocabulary}
    return {other: 1 - count / len(word) for other, count in counts.items() if count <= allowed_edits(word)}


@lru_cache(maxsize=10_000)
def edits_by_hand(left: str, right: str) -> int:
    """Count edits by the recursion of optimal string alignment."""
    if not left or not right:
        return len(left) + len(right)
    if left[-1] == right[-1]:
        return edits_by_hand(left[:-1], right[:-1])
    choices = [(left[:-1], right), (left, right[:-1]), (left[:-1], right[:-1])]
    if len(left) > 1 and left[-2:] == right[-2:][::-1]:
        choices.append((left[:-2], right[:-2]))
    return 1 + min(_within_reach(*choice) for choice in choices)


def _within_reach(left: str, right: str) -> int:
    """Return 9 for words whose lengths alone make them differ by more than two edits."""
    return 9 if abs(len(left) - len(right)) > 2 else edits_by_hand(left, right)
