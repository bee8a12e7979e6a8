"""Indexes of words in memory, and learnwares to fill them with."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

from hypothesis import strategies as st

from learnware.market.organizer import TextIndex
from learnware.specification import SemanticSpecification

#: Words that equal, continue or misspell each other, and some of other scripts.
RELATED = (
    "shop shops shopping shoe sales slaes salesman of a heart haert heat diabetes diabtees diabetic 12 123 x "
    "regression table 糖尿病 糖尿 病 预测糖尿病 가격 수도가격"
).split()
PHRASES = st.lists(st.sampled_from(RELATED), max_size=7).map(" ".join)
SEMANTICS = st.builds(
    SemanticSpecification,
    name=PHRASES,
    description=PHRASES,
    task=st.sampled_from([None, "regression"]),
    scenarios=st.sampled_from([(), ("Health", "Nature")]),
)


class Words:
    """An index of words in memory, by names instead of numbers; later ones get higher numbers."""

    def __init__(self, learnwares: Mapping[str, SemanticSpecification], first: int = 1) -> None:
        self.connection = sqlite3.connect(":memory:")
        TextIndex.create_tables(self.connection)
        self.index = TextIndex(lambda query, values: self.connection.execute(query, values).fetchall())
        self.names: dict[int, str] = {}
        self._next = first
        self.enter(learnwares)

    def enter(self, learnwares: Mapping[str, SemanticSpecification]) -> None:
        numbered = dict(enumerate(learnwares, self._next))
        self._next += len(numbered)
        self.names |= numbered
        TextIndex.enter(self.connection, ((number, learnwares[name]) for number, name in numbered.items()))

    def forget(self, *names: str) -> None:
        TextIndex.forget(self.connection, [number for number, name in self.names.items() if name in names])

    def rank(self, text: str) -> dict[str, float]:
        """Return relevance by name, best first."""
        ranking = self.index.rank(text)
        assert ranking.numbers.tolist() == sorted(set(ranking.numbers.tolist()))
        relevance = dict(zip(ranking.numbers.tolist(), ranking.relevance.tolist(), strict=True))
        return {self.names[number]: relevance[number] for number in ranking.best_first().tolist()}


@contextmanager
def filled(learnwares: Mapping[str, SemanticSpecification], first: int = 1) -> Iterator[Words]:
    words = Words(learnwares, first)
    with closing(words.connection):
        yield words
