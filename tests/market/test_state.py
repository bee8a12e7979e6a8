"""Random walks: a folder store and a dictionary agree after every step, through reopening and dead writers."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from learnware.errors import LearnwareNotFound
from learnware.market.store import DirectoryStore
from learnware.specification import RKME, SemanticSpecification, Specification

contents = st.sampled_from([b"", b"a", b"b", b"c" * 10_000])

#: What a title may hold.
READABLE = st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp"))


@st.composite
def specifications(draw: st.DrawFn) -> Specification:
    words = SemanticSpecification(
        name=draw(st.text(READABLE, max_size=5)), task=draw(st.sampled_from([None, "regression"]))
    )
    n_points = draw(st.integers(0, 3))
    if n_points == 0:
        return Specification(words)
    numbers = st.floats(-1e6, 1e6, allow_subnormal=False)
    points = draw(st.lists(numbers, min_size=2 * n_points, max_size=2 * n_points))
    return Specification(words, RKME(np.reshape(points, (n_points, 2)), np.full(n_points, 1 / n_points)))


class StoreAgainstDictionary(RuleBasedStateMachine):
    """Two readers of one folder, a dictionary of what should be there, and a cache fed by changes alone."""

    ids = Bundle("ids")

    @initialize()
    def make(self) -> None:
        self.parent = Path(tempfile.mkdtemp())
        self.folder = self.parent / "market"
        self.stores = [DirectoryStore(self.folder), DirectoryStore(self.folder)]
        self.expected: dict[str, tuple[bytes, Specification]] = {}
        self.revisions: dict[str, list[bytes]] = {}
        self.removed: dict[str, list[bytes]] = {}
        self.ever: set[str] = set()
        self.cache: dict[str, Specification] = {}
        self.generation = 0

    @rule(target=ids, who=st.integers(0, 1), content=contents, specification=specifications())
    def add(self, who: int, content: bytes, specification: Specification) -> str:
        learnware_id = self.stores[who].add(content, specification)
        assert learnware_id not in self.ever
        self.ever.add(learnware_id)
        self.expected[learnware_id] = (content, specification)
        self.revisions[learnware_id] = [content]
        return learnware_id

    @rule(target=ids, who=st.integers(0, 1), items=st.lists(st.tuples(contents, specifications()), max_size=3))
    def add_many(self, who: int, items: list[tuple[bytes, Specification]]) -> MultipleResults[str]:
        added = self.stores[who].add_many(items)
        assert self.ever.isdisjoint(added)
        self.ever.update(added)
        self.expected.update(zip(added, items, strict=True))
        self.revisions.update({i: [content] for i, (content, _) in zip(added, items, strict=True)})
        return multiple(*added)

    @rule(who=st.integers(0, 1), learnware_id=ids, content=contents, specification=specifications())
    def replace(self, who: int, learnware_id: str, content: bytes, specification: Specification) -> None:
        self.stores[who].replace(learnware_id, content, specification)
        self.expected[learnware_id] = (content, specification)
        self.revisions[learnware_id].append(content)

    @rule(who=st.integers(0, 1), learnware_id=consumes(ids))
    def remove(self, who: int, learnware_id: str) -> None:
        self.stores[who].remove(learnware_id)
        del self.expected[learnware_id]
        self.removed[learnware_id] = self.revisions.pop(learnware_id)
        for use in (self.stores[1 - who].read, self.stores[1 - who].remove):
            with pytest.raises(LearnwareNotFound, match="removed"):
                use(learnware_id)

    @rule(who=st.integers(0, 1))
    def collect(self, who: int) -> None:
        kept, gone = ({c for some in of.values() for c in some} for of in (self.revisions, self.removed))
        assert self.stores[who].collect_garbage(0) == len(gone - kept)
        self.removed.clear()

    @rule(who=st.integers(0, 1))
    def reopen(self, who: int) -> None:
        self.stores[who].close()
        self.stores[who] = DirectoryStore(self.folder)

    @rule(several=st.sets(contents), published=st.booleans())
    def die_while_writing(self, several: set[bytes], published: bool) -> None:
        claim = self.stores[0]._blobs.claim(*(hashlib.sha256(content).hexdigest() for content in several))
        claim.write(*several)
        if published:
            claim.publish()
        claim.release()
        self.reopen(1)

    @rule(n_most=st.none() | st.integers(1, 4))
    def follow_changes(self, n_most: int | None) -> None:
        while (changes := self.stores[0].changes(self.generation, n_most)).generation > self.generation:
            for learnware_id in (*changes.removed, *changes.stored):
                self.cache.pop(learnware_id, None)
            self.cache.update(self.stores[0].specifications(changes.stored))
            self.generation = changes.generation
        assert self.generation == self.stores[1].generation()
        assert self.cache == {i: specification for i, (_, specification) in self.expected.items()}

    @invariant()
    @precondition(lambda self: hasattr(self, "expected"))
    def they_agree(self) -> None:
        for store in self.stores:
            assert list(store) == list(self.expected)
            assert len(store) == len(self.expected)
            assert {i: store.read(i) for i in store} == {i: content for i, (content, _) in self.expected.items()}
            told = {i: specification for i, (_, specification) in self.expected.items()}
            assert store.specifications(self.expected) == told
            numbers = store.numbers_of(self.expected)
            assert list(numbers) == list(self.expected)
            found = store.numbered(numbers.values())
            assert [(i, entry.specification) for i, entry in found.values()] == list(told.items())
            assert [entry.number for _, entry in found.values()] == list(numbers.values())

    @invariant()
    @precondition(lambda self: hasattr(self, "expected"))
    def every_file_has_a_row(self) -> None:
        known = [content for of in (self.revisions, self.removed) for some in of.values() for content in some]
        needed = {hashlib.sha256(content).hexdigest() for content in known}
        assert {path.name for path in (self.folder / "blobs").rglob("*") if path.is_file()} == needed
        assert not list((self.folder / "pending").iterdir())

    @invariant()
    @precondition(lambda self: hasattr(self, "expected"))
    def every_revision_is_there(self) -> None:
        for learnware_id, contents in self.revisions.items():
            digests = [hashlib.sha256(content).hexdigest() for content in contents]
            assert [revision.digest for revision in self.stores[0].revisions(learnware_id)] == digests
            assert [self.stores[1].read(learnware_id, digest) for digest in digests] == contents

    def teardown(self) -> None:
        if hasattr(self, "parent"):
            for store in self.stores:
                store.close()
            shutil.rmtree(self.parent)


TestStoreAgainstDictionary = StoreAgainstDictionary.TestCase
TestStoreAgainstDictionary.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
