"""The index of a market: what each learnware says of itself, and the islands that their points form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from learnware.market.organizer.capability import Answers
from learnware.market.organizer.island import Island
from learnware.market.organizer.tags import TagGroups
from learnware.market.organizer.texts import TextIndex
from learnware.specification import RKME, SemanticSpecification, Space, Specification


class Index:
    """Specifications by id, their words, and their islands.

    An index holds nothing of its own: it is made from what a store knows, and made again when that changes.

    Attributes
    ----------
    texts : TextIndex
        The words of names and descriptions.
    tags : TagGroups
        Which learnwares have the same tags.
    answers : Answers
        What models answered at the points of others.
    """

    def __init__(self) -> None:
        self.texts = TextIndex()
        self.tags = TagGroups()
        self.answers = Answers()
        self._specifications: dict[str, Specification] = {}
        self._digests: dict[str, str | None] = {}
        self._islands: dict[str, Island] = {}

    def __len__(self) -> int:
        return len(self._specifications)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the ids, those taken in last at the end."""
        return iter(self._specifications)

    def __contains__(self, learnware_id: object) -> bool:
        return learnware_id in self._specifications

    def __getitem__(self, learnware_id: str) -> Specification:
        return self._specifications[learnware_id]

    def digest(self, learnware_id: str) -> str | None:
        """Return the sha256 of the bundle that the specification of a learnware belongs to, if it was said."""
        return self._digests[learnware_id]

    def add(self, learnware_id: str, specification: Specification, digest: str | None = None) -> None:
        """Take in the specification of a learnware, and the sha256 of its bundle."""
        self._specifications[learnware_id] = specification
        self._digests[learnware_id] = digest
        if digest is not None:
            self.answers.expect(digest)
        self.texts.add(learnware_id, specification.semantic)
        group = self.tags.add(learnware_id, specification.semantic)
        if specification.statistical is not None:
            space = specification.statistical.space
            self._islands.setdefault(space.key, Island(space)).add(learnware_id, specification.statistical, group)

    def remove(self, learnware_ids: Iterable[str]) -> None:
        """Forget learnwares; an id that is not there is passed over."""
        gone: dict[str, list[str]] = {}
        digests: set[str | None] = set()
        for learnware_id in learnware_ids:
            specification = self._specifications.pop(learnware_id, None)
            if specification is None:
                continue
            digests.add(self._digests.pop(learnware_id))
            self.texts.remove(learnware_id)
            self.tags.remove(learnware_id)
            if specification.statistical is not None:
                gone.setdefault(specification.statistical.space.key, []).append(learnware_id)
        for key, members in gone.items():
            self._islands[key].remove(members)
            if not len(self._islands[key]):
                del self._islands[key]
        # The same bundle may be there under another id.
        unused = {digest for digest in digests.difference(self._digests.values()) if digest is not None}
        if unused:
            self.answers.drop(unused)

    def semantic(self) -> Iterable[tuple[str, SemanticSpecification]]:
        """Yield the id and the words of every learnware."""
        return ((i, specification.semantic) for i, specification in self._specifications.items())

    def islands_for(self, space: Space) -> list[Island]:
        """Return the islands that points of `space` can be measured on, its further columns left aside."""
        return [island for island in self._islands.values() if island.space.accepts(space, surplus=True)]

    def alike(self, rkme: RKME, n_most: int) -> list[tuple[str, RKME]]:
        """Return learnwares of the same space with labels, as digests and points, those of similar data first."""
        island = self._islands.get(rkme.space.key)
        if island is None:
            return []
        rows = island.alike(rkme)
        found = ((self._digests[island.ids[row]], island.member(row)) for row in rows.tolist())
        labelled = ((digest, other) for digest, other in found if digest is not None and other.labels is not None)
        return list(islice(labelled, n_most))

    def islands(self) -> list[Island]:
        """Return all islands."""
        return list(self._islands.values())
