"""What every store does."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from learnware.errors import InvalidParameter, LearnwareNotFound
from learnware.market.store import Cell, Changes, Store, new_id
from learnware.testing.examples import specification_of
from learnware.testing.expecting import expect, refused
from learnware.testing.store_in_bulk import BulkContract

_NOBODY = "0" * 32


class StoreContract(BulkContract):
    """What every `Store` does.

    Attributes
    ----------
    persistent : bool, default=True
        Whether what is stored is there when the same folder is opened again.
    """

    persistent: ClassVar[bool] = True

    @abstractmethod
    def open_store(self, folder: Path) -> Store:
        """Open the store of a folder."""

    def test_it_returns_what_it_was_given(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            words, points = specification_of("words", points=False), specification_of("points")
            first, second = store.add(b"one", words), store.add(b"two", points)
            expect((store.read(first), store.read(second)), (b"one", b"two"))
            expect(store.specifications([second, _NOBODY, first]), {first: words, second: points})
            expect(list(store), [first, second])
            expect(len(store), 2)
            expect([first in store, _NOBODY in store, 3 in store], [True, False, False])

    def test_replacing_keeps_the_id_and_the_order(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            first, second = store.add(b"one", specification_of("one")), store.add(b"two", specification_of("two"))
            store.replace(first, b"three", specification_of("three"))
            expect(store.read(first), b"three")
            expect(store.specifications([first])[first], specification_of("three"))
            expect(list(store), [first, second])

    def test_replacing_leaves_the_earlier_revisions(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            learnware_id = store.add(b"one", specification_of("one"))
            store.replace(learnware_id, b"two", specification_of("two"))
            store.replace(learnware_id, b"one", specification_of("one again"))
            first, second = hashlib.sha256(b"one").hexdigest(), hashlib.sha256(b"two").hexdigest()
            revisions = store.revisions(learnware_id)
            expect([revision.digest for revision in revisions], [first, second, first])
            expect([revision.size for revision in revisions], [3, 3, 3])
            created = [revision.created for revision in revisions]
            expect((sorted(created), [str(time.tzinfo) for time in created]), (created, ["UTC"] * 3))
            expect((store.read(learnware_id, second), store.read(learnware_id, first)), (b"two", b"one"))
            expect(store.describe(learnware_id, second), specification_of("two"))
            expect(store.describe(learnware_id, first), specification_of("one again"))
            expect(store.describe(learnware_id), specification_of("one again"))
            expect(store.entries([learnware_id])[learnware_id].digest, first)

    def test_a_revision_is_named_by_the_first_digits_of_its_sha256(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            learnware_id = store.add(b"one", specification_of("one"))
            digest = hashlib.sha256(b"one").hexdigest()
            expect(store.resolve(learnware_id), (learnware_id, None))
            for said in (digest, digest[:12], digest[:40]):
                expect(store.resolve(f"{learnware_id}@{said}"), (learnware_id, digest))
            for said in ("", digest[:11], digest + "0", digest[1:], digest.upper(), "0" * 64, f"{digest}@{digest}"):
                with refused(LearnwareNotFound, repr(said)):
                    store.resolve(f"{learnware_id}@{said}")
            with refused(LearnwareNotFound, _NOBODY):
                store.resolve(f"{_NOBODY}@{digest}")
            with refused(LearnwareNotFound, "0" * 64):
                store.read(learnware_id, "0" * 64)
            for change in (store.remove, lambda i: store.replace(i, b"two", specification_of("two"))):
                with refused(LearnwareNotFound, "id alone"):
                    change(f"{learnware_id}@{digest}")
            expect(list(store), [learnware_id])

    def test_a_removed_learnware_is_known_as_removed(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            learnware_id = store.add(b"one", specification_of("one"))
            expect((store.removed(learnware_id), store.removed(_NOBODY)), (None, None))
            store.remove(learnware_id)
            expect(store.removed(learnware_id) is not None, True)
            for use in (store.read, store.describe, store.revisions, store.remove, store.resolve):
                asked = f"{learnware_id}@{'0' * 64}" if use == store.resolve else learnware_id
                with refused(LearnwareNotFound, learnware_id, "removed"):
                    use(asked)
            expect((store.entries([learnware_id]), learnware_id in store), ({}, False))

    def test_garbage_is_what_only_removed_learnwares_have(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            gone, kept = store.add(b"one", specification_of("one")), store.add(b"two", specification_of("two"))
            store.replace(gone, b"two", specification_of("two"))
            store.replace(kept, b"three", specification_of("three"))
            store.remove(gone)
            expect(store.collect_garbage(), 0)
            store.collect_garbage(0)
            expect(store.collect_garbage(0), 0)
            digests = [revision.digest for revision in store.revisions(kept)]
            expect([store.read(kept, digest) for digest in digests], [b"two", b"three"])
            with refused(LearnwareNotFound, gone, "removed"):
                store.read(gone)
            expect(store.read(store.add(b"one", specification_of("one"))), b"one")

    def test_a_later_cell_takes_the_place_of_an_earlier_one(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            for content in (b"one", b"two"):
                store.add(content, specification_of("any"))
            one, two, nobody = (hashlib.sha256(content).hexdigest() for content in (b"one", b"two", b"three"))
            expect((store.last_cell(), store.cells_of([one, two])), (0, []))
            store.add_cells([Cell(one, two, b"first"), Cell(two, one, b"second"), Cell(one, nobody, b"dropped")])
            expect([cell.content for cell in store.cells_of([one, two])], [b"first", b"second"])
            reached = store.last_cell()
            expect(store.answerers(reached), (reached, set()))
            store.add_cells([Cell(one, two, b"third")])
            expect(store.last_cell() > reached, True)
            expect([cell.content for cell in store.cells_of([one, two])], [b"second", b"third"])

    def test_cells_go_with_their_bundles(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            gone, kept = store.add(b"one", specification_of("one")), store.add(b"two", specification_of("two"))
            one, two = (hashlib.sha256(content).hexdigest() for content in (b"one", b"two"))
            store.add_cells(
                [Cell(one, one, b"own"), Cell(one, two, b"said"), Cell(two, one, b"told"), Cell(two, two, b"")]
            )
            generation = store.changes(0).generation
            store.remove(gone)
            store.collect_garbage(0)
            expect((store.cells_of([one, two]), kept in store), ([Cell(two, two, b"")], True))
            expect(store.changes(0).generation, generation + 1)

    def test_ids_are_random_and_never_given_twice(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            seen: set[str] = set()
            for _ in range(20):
                learnware_id = store.add(b"same", specification_of("same"))
                expect(len(learnware_id) >= 32 and learnware_id not in seen, True)
                seen.add(learnware_id)
                store.remove(learnware_id)
            expect(len(store), 0)

    def test_an_id_promised_beforehand_is_given_once(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            promised = new_id()
            expect(store.add(b"first", specification_of("first"), promised), promised)
            expect((store.read(promised), list(store)), (b"first", [promised]))
            with refused(InvalidParameter, promised, "given before"):
                store.add(b"second", specification_of("second"), promised)
            store.remove(promised)
            for taken in (promised, "", "../a", promised.upper(), promised[:-1]):
                with refused(InvalidParameter):
                    store.add(b"second", specification_of("second"), taken)
            expect((len(store), store.changes(0).stored), (0, ()))

    def test_entries_come_in_the_order_asked_for(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            ids = [store.add(b"%d" % number, specification_of(str(number))) for number in range(8)]
            for asked in (ids, ids[::-1], [ids[3], new_id(), ids[1]]):
                expect(list(store.entries(asked)), [learnware_id for learnware_id in asked if learnware_id in ids])

    def test_bytes_of_two_ids_outlive_one_of_them(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            gone, kept, other = (store.add(b"same", specification_of("same")) for _ in range(3))
            store.remove(gone)
            store.replace(other, b"different", specification_of("other"))
            expect(store.read(kept), b"same")

    def test_an_unknown_id_is_named_with_those_like_it(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            learnware_id = store.add(b"one", specification_of("one"))
            typed = learnware_id[:-1] + ("0" if learnware_id[-1] != "0" else "1")
            with refused(LearnwareNotFound, learnware_id, typed):
                store.read(typed)
            with refused(LearnwareNotFound, _NOBODY):
                store.remove(_NOBODY)
            with refused(LearnwareNotFound, _NOBODY):
                store.replace(_NOBODY, b"", specification_of("one"))
            expect(list(store), [learnware_id])

    def test_changes_tell_what_a_reader_lacks(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            expect(store.changes(0), Changes(0))
            first, second = store.add(b"one", specification_of("one")), store.add(b"two", specification_of("two"))
            start = store.changes(0)
            expect((set(start.stored), start.removed), ({first, second}, ()))
            expect(store.changes(start.generation), Changes(start.generation))
            store.replace(first, b"three", specification_of("three"))
            store.remove(second)
            later = store.changes(start.generation)
            expect((later.stored, later.removed), ((first,), (second,)))
            expect(later.generation > start.generation, True)

    def test_changes_come_in_the_order_of_their_last(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            first, second, third, fourth = (store.add(b"same", specification_of("same")) for _ in range(4))
            store.replace(first, b"other", specification_of("other"))
            store.remove(fourth)
            store.remove(second)
            changes = store.changes(0)
            expect((changes.stored, changes.removed), ((third, first), (fourth, second)))

    def test_what_was_stored_is_there_on_opening_again(self, tmp_path: Path) -> None:
        if not self.persistent:
            return
        with closing(self.open_store(tmp_path / "store")) as store:
            gone, kept = store.add(b"gone", specification_of("gone")), store.add(b"kept", specification_of("kept"))
            store.remove(gone)
            generation = store.changes(0).generation
        with closing(self.open_store(tmp_path / "store")) as store:
            expect(list(store), [kept])
            expect(store.read(kept), b"kept")
            expect(store.specifications([kept])[kept], specification_of("kept"))
            expect(store.changes(0), Changes(generation, (kept,), (gone,)))

    def test_threads_may_share_it(self, tmp_path: Path) -> None:
        def work(number: int) -> str:
            learnware_id = store.add(b"bytes %d" % number, specification_of(f"number {number}"))
            if number % 3:
                return learnware_id
            store.remove(learnware_id)
            return ""

        with closing(self.open_store(tmp_path / "store")) as store, ThreadPoolExecutor(4) as pool:
            kept = {number: i for number, i in enumerate(pool.map(work, range(30))) if i}
            expect(set(store), set(kept.values()))
            expect(all(store.read(i) == b"bytes %d" % number for number, i in kept.items()), True)
