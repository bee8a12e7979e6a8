"""The contract of a store: bundles by id, and a number that grows with every change."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from learnware.errors import LearnwareNotFound
from learnware.specification import Specification

#: So many random hexadecimal digits tell one id from another; a copy with a slip keeps them at one end or the other.
_TELLING = 6


@dataclass(frozen=True)
class Changes:
    """What happened in a store since some generation.

    Parameters
    ----------
    generation : int
        The generation that these changes lead to.
    stored : tuple of str
        Ids added or given a new bundle, and still there.
    removed : tuple of str
        Ids that are gone; some may have come and gone since, unseen by the reader.
    """

    generation: int
    stored: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class Store(ABC):
    """Keeps bundles and their specifications by id.

    A store takes bundles as they are: checking them is the market's affair. Every id is random, given once and
    never again, so that an id somebody has kept can never point at another learnware. Every change adds one to the
    generation; a cache that remembers the generation it was built from asks `changes` for what it lacks.
    """

    @abstractmethod
    def add(self, bundle: bytes, specification: Specification) -> str:
        """Keep `bundle` under a new id and return the id; when it returns, the bundle survives a crash."""

    @abstractmethod
    def replace(self, learnware_id: str, bundle: bytes, specification: Specification) -> None:
        """Keep `bundle` under an id that exists, in place of the one before."""

    @abstractmethod
    def remove(self, learnware_id: str) -> None:
        """Forget an id and its bundle."""

    @abstractmethod
    def read(self, learnware_id: str) -> bytes:
        """Return the bundle of an id, the very bytes that were given."""

    @abstractmethod
    def specifications(self, learnware_ids: Iterable[str]) -> dict[str, Specification]:
        """Return the specifications of those of `learnware_ids` that are there."""

    @abstractmethod
    def changes(self, since: int) -> Changes:
        """Return what happened after generation `since`; 0 is before anything did.

        Each id occurs once, and the ids come in the order of their last change, the latest at the end.
        """

    @abstractmethod
    def __iter__(self) -> Iterator[str]:
        """Iterate over the ids, oldest first, as they are at this moment."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __contains__(self, learnware_id: object) -> bool: ...

    def close(self) -> None:  # noqa: B027  (a store that holds nothing open has nothing to close)
        """Let go of files and connections."""

    def unknown(self, learnware_id: object) -> LearnwareNotFound:
        """Return the error for an id that is not there, naming those that look like it."""
        asked = str(learnware_id)
        ends = {asked[:_TELLING], asked[-_TELLING:]} if len(asked) >= _TELLING else set()
        like = [known for known in self if known[:_TELLING] in ends or known[-_TELLING:] in ends][:3]
        hint = f"Did you mean {' or '.join(map(repr, like))}?" if like else "Its ids are list(market)."
        return LearnwareNotFound(f"This market has no learnware of id {learnware_id!r}. {hint}")
