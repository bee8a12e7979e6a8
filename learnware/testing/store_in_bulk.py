"""What every store does with many learnwares at once."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from contextlib import closing
from pathlib import Path

from learnware.errors import InvalidParameter
from learnware.market.store import Cell, Changes, Entry, Store, new_id
from learnware.testing.examples import specification_of
from learnware.testing.expecting import expect, refused


class BulkContract(ABC):
    """Numbers instead of ids, batches instead of single bundles, parts of what there is instead of all."""

    @abstractmethod
    def open_store(self, folder: Path) -> Store:
        """Open the store of a folder."""

    def test_a_number_is_the_generation_of_its_revision(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            expect(store.generation(), 0)
            first, second, gone = store.add_many([(b"same", specification_of(name)) for name in "abc"])
            store.replace(first, b"other", specification_of("d"))
            store.remove(gone)
            expect(store.generation(), 5)
            expect(store.numbers_of([second, gone, first, new_id()]), {second: 2, first: 4})
            expect(list(store.numbers_of([second, first])), [second, first])
            came = store.arrivals([second, gone, first, new_id()])
            expect(sorted(came, key=came.__getitem__), [first, second])
            expect(sorted(store.every_number_of([second, first, new_id()])), [1, 2, 4])
            expect(store.every_number_of(frozenset([second])), [2])
            expect(list(store.ids_of([5, 4, 3, 2, 1, 0, 99]).items()), [(4, first), (2, second)])
            expect([entry.number for entry in store.entries([first, second]).values()], [4, 2])

    def test_entries_are_found_by_number(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            ids = store.add_many([(b"%d" % i, specification_of(str(i), points=i % 2 == 0)) for i in range(600)])
            store.replace(ids[7], b"new", specification_of("new"))
            store.remove(ids[8])
            found = store.numbered([601, 1, 8, 9, 0, 600, 10**9])
            expect(list(found), [601, 1, 600])
            expect([learnware_id for learnware_id, _ in found.values()], [ids[7], ids[0], ids[599]])
            expect(found[601][1], store.entries([ids[7]])[ids[7]])
            expect(len(store.numbered(range(1, 700))), 599)
            expect(store.numbered([]), {})

    def test_an_entry_says_all_that_was_given(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            given = [specification_of("points"), specification_of("words", points=False)]
            ids = store.add_many([(b"one", given[0]), (b"two", given[1])])
            for number, (learnware_id, entry) in store.numbered([1, 2]).items():
                (revision,) = store.revisions(learnware_id)
                expect((learnware_id, entry), (ids[number - 1], Entry(revision, given[number - 1], number)))

    def test_many_are_added_or_none(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            items = [(b"one", specification_of("one")), (b"one", specification_of("two")), (b"", specification_of(""))]
            expect(store.add_many([]), [])
            ids = store.add_many(items)
            expect((list(store), len(store), len(set(ids))), (ids, 3, 3))
            expect([(store.read(i), store.describe(i)) for i in ids], items)
            promised = [new_id(), new_id()]
            for wrong in ([promised[0], ids[0]], [promised[0]] * 2, promised[:1], [promised[0], ""], []):
                with refused(InvalidParameter):
                    store.add_many([(b"new", specification_of("new"))] * 2, wrong)
            expect((list(store), store.generation()), (ids, 3))
            expect(store.add_many(items[:2], promised), promised)
            expect(list(store), [*ids, *promised])

    def test_the_holder_of_a_bundle_has_it_now_and_longest(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            one, two = (hashlib.sha256(content).hexdigest() for content in (b"one", b"two"))
            gone, changed, kept, late = store.add_many([(b"one", specification_of("one"))] * 4)
            expect(store.holders([two, one, one]), {one: gone})
            store.remove(gone)
            store.replace(changed, b"two", specification_of("two"))
            expect(list(store.holders([two, one]).items()), [(two, changed), (one, kept)])
            store.replace(changed, b"one", specification_of("one"))
            expect(store.holders([one, two]), {one: kept})
            store.remove(kept)
            expect(store.holders([one]), {one: late})

    def test_changes_are_read_in_parts(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            first, second, third = store.add_many([(b"same", specification_of("same"))] * 3)
            store.replace(first, b"other", specification_of("other"))
            store.remove(second)
            expect(store.changes(0, 2), Changes(2, (first,), (second,)))
            expect(store.changes(2, 2), Changes(4, (third, first)))
            expect(store.changes(4, 2), Changes(5, (), (second,)))
            expect(store.changes(5, 2), Changes(5))
            expect(store.changes(0, 100), store.changes(0))
            expect(store.changes(0), Changes(5, (third, first), (second,)))
            with refused(InvalidParameter, "n_most"):
                store.changes(0, 0)

    def test_cells_are_read_by_who_answered(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            store.add_many([(content, specification_of("any")) for content in (b"one", b"two", b"three")])
            one, two, three = (hashlib.sha256(content).hexdigest() for content in (b"one", b"two", b"three"))
            expect((store.answerers(), store.cells_of([one])), ((0, set()), []))
            store.add_cells(
                [Cell(one, two, b"a"), Cell(two, one, b"b"), Cell(one, three, b"c"), Cell(three, one, b"d")]
            )
            reached, known = store.answerers()
            expect(known, {one, two, three})
            expect(
                store.cells_of([two, one, "0" * 64]),
                [Cell(one, two, b"a"), Cell(two, one, b"b"), Cell(one, three, b"c")],
            )
            expect(store.answerers(reached), (reached, set()))
            store.add_cells([Cell(two, one, b"e")])
            later, new = store.answerers(reached)
            expect((new, later > reached, store.cells_of([two])), ({two}, True, [Cell(two, one, b"e")]))
            expect(store.last_cell(), later)
