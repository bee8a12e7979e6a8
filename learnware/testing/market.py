"""What every market does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from learnware.errors import BundleError, InvalidParameter, LearnwareNotFound, MarketError, RejectedLearnware
from learnware.market.base import Market
from learnware.specification import RKME, SemanticSpecification, Specification
from learnware.testing.examples import make_learnware, points_around
from learnware.testing.expecting import expect, refused


class MarketContract(ABC):
    """What every `Market` does."""

    @abstractmethod
    def open_market(self, folder: Path) -> Market:
        """Open the market of a folder."""

    def test_a_learnware_comes_back_as_it_was_submitted(self, tmp_path: Path) -> None:
        with self.open_market(tmp_path / "market") as market:
            learnware = make_learnware()
            learnware_id = market.submit(learnware)
            expect((list(market), len(market), learnware_id in market), ([learnware_id], 1, True))
            expect(market.describe(learnware_id), learnware.specification)
            fetched = market.fetch(learnware_id)
            expect(fetched.id, learnware_id)
            X = points_around(0.0)
            expect(fetched.predict(X).tolist(), learnware.predict(X).tolist())

    def test_paths_and_lists_are_taken(self, tmp_path: Path) -> None:
        path = make_learnware("From a file").save(tmp_path / "one.zip")
        with self.open_market(tmp_path / "market") as market:
            alone = market.submit(path)
            several = market.submit([make_learnware(), str(path)], progress=False)
            expect(list(market), [alone, *several])
            names = [market.describe(i).semantic.name for i in market]
            expect(names, ["From a file", "Above or below", "From a file"])

    def test_what_the_checks_refuse_is_not_stored(self, tmp_path: Path) -> None:
        long_winded = make_learnware("long " * 40)
        with self.open_market(tmp_path / "market") as market:
            with refused(RejectedLearnware, "name-too-long") as caught:
                market.submit(long_winded)
            expect([error.report.passed for error in caught], [False])
            with refused(RejectedLearnware, "name-too-long") as caught:
                market.submit([make_learnware(), long_winded, make_learnware()], progress=False)
            expect([list(error.accepted) for error in caught], [list(market)])
            expect(len(market), 1)

    def test_a_broken_file_is_not_stored(self, tmp_path: Path) -> None:
        path = make_learnware().save(tmp_path / "whole.zip")
        (tmp_path / "half.zip").write_bytes(path.read_bytes()[:500])
        with self.open_market(tmp_path / "market") as market:
            with refused(BundleError):
                market.submit([path, tmp_path / "half.zip"], progress=False)
            expect(len(market), 0)

    def test_an_update_keeps_the_id(self, tmp_path: Path) -> None:
        with self.open_market(tmp_path / "market") as market:
            learnware_id = market.submit(make_learnware())
            with refused(RejectedLearnware, "name-too-long"):
                market.update(learnware_id, make_learnware("long " * 40))
            expect(market.describe(learnware_id), make_learnware().specification)
            market.update(learnware_id, make_learnware("Second edition", 5.0))
            expect((list(market), market.fetch(learnware_id).id), ([learnware_id], learnware_id))
            expect(market.describe(learnware_id), make_learnware("Second edition", 5.0).specification)

    def test_earlier_revisions_can_be_fetched(self, tmp_path: Path) -> None:
        with self.open_market(tmp_path / "market") as market:
            learnware_id = market.submit(make_learnware())
            market.update(learnware_id, make_learnware("Second edition", 5.0))
            first, second = (revision.digest for revision in market.revisions(learnware_id))
            old = market.fetch(f"{learnware_id}@{first}")
            expect((old.id, old), (learnware_id, make_learnware()))
            expect(market.describe(f"{learnware_id}@{first[:12]}"), make_learnware().specification)
            expect(market.fetch(f"{learnware_id}@{second}"), market.fetch(learnware_id))
            expect((f"{learnware_id}@{first}" in market, list(market)), (False, [learnware_id]))
            with refused(LearnwareNotFound, "id alone", first):
                market.revisions(f"{learnware_id}@{first}")
            with refused(LearnwareNotFound, "0" * 64):
                market.fetch(f"{learnware_id}@{'0' * 64}")
            market.remove(learnware_id)
            for use in (market.fetch, market.describe):
                with refused(LearnwareNotFound, learnware_id, "removed"):
                    use(f"{learnware_id}@{first}")

    def test_a_hit_is_the_revision_that_was_found(self, tmp_path: Path) -> None:
        with self.open_market(tmp_path / "market") as market:
            learnware_id = market.submit(make_learnware())
            found = market.search(make_learnware().specification).hits[0]
            market.update(learnware_id, make_learnware("Second edition", 5.0))
            expect((found.learnware.id, found.learnware), (learnware_id, make_learnware()))
            again = market.search(make_learnware().specification).hits[0]
            expect(again.learnware, make_learnware("Second edition", 5.0))

    def test_an_unknown_id_is_refused_everywhere(self, tmp_path: Path) -> None:
        with self.open_market(tmp_path / "market") as market:
            gone = market.submit(make_learnware())
            market.remove(gone)
            expect((len(market), gone in market), (0, False))
            for use in (market.describe, market.fetch, market.remove, market.revisions):
                for unknown in (gone, "", "../" + gone, None, [gone]):
                    with refused(LearnwareNotFound, repr(unknown)):
                        use(unknown)  # type: ignore[arg-type]
            with refused(LearnwareNotFound, gone):
                market.update(gone, make_learnware())

    def test_a_search_finds_what_fits_and_follows_changes(self, tmp_path: Path) -> None:
        query = Specification(statistical=RKME.from_data(points_around(4.0), 10, random_state=1))
        with self.open_market(tmp_path / "market") as market:
            expect((market.search(query).hits, market.search(query).verdict), ((), "nothing fits"))
            far, near = market.submit([make_learnware(), make_learnware("Near", 3.0)], progress=False)
            result = market.search(query)
            expect([hit.id for hit in result.hits], [near, far])
            nearer = market.submit(make_learnware("Nearer", 4.0))
            expect([hit.id for hit in market.search(query, limit=2).hits], [nearer, near])
            market.update(near, make_learnware("Elsewhere", 50.0))
            expect([hit.id for hit in market.search(query).hits], [nearer, far, near])
            market.remove(nearer)
            expect([hit.id for hit in market.search(query).hits], [far, near])

    def test_a_search_with_labels_ranks_by_estimated_loss(self, tmp_path: Path) -> None:
        X = points_around(0.0)
        query = Specification.from_data(X, ["above" if a > b else "below" for a, b in X], random_state=1)
        with self.open_market(tmp_path / "market") as market:
            ids = market.submit([make_learnware(), make_learnware("Near", 0.5)], progress=False)
            losses = [hit.loss for hit in market.search(query).hits]
            expect(all(loss is not None and 0.0 <= loss < 0.5 for loss in losses), True)
            expect(losses, sorted(losses, key=lambda loss: loss or 0.0))
            expect({hit.id for hit in market.search(query).hits}, set(ids))

    def test_hits_bring_their_learnwares_and_mixtures_their_weights(self, tmp_path: Path) -> None:
        with self.open_market(tmp_path / "market") as market:
            learnware_id = market.submit(make_learnware())
            result = market.search(make_learnware().specification)
            expect((result.hits[0].learnware.id, result.verdict), (learnware_id, "match"))
            mixture = result.mixture
            expect(mixture is not None and abs(float(mixture.weights.sum()) - 1.0) < 1e-9, True)

    def test_words_and_tags_are_searched(self, tmp_path: Path) -> None:
        with self.open_market(tmp_path / "market") as market:
            pharmacy, heart = market.submit(
                [make_learnware("Sales of a pharmacy"), make_learnware("Heart disease")], progress=False
            )
            expect([hit.id for hit in market.search("heart").hits], [heart])
            query = make_learnware().specification
            expect([hit.id for hit in market.search(query, text="farmacy sales").hits], [pharmacy])
            regression = Specification(semantic=SemanticSpecification(task="regression"))
            expect(market.search(regression).hits, ())

    def test_hits_come_in_pages(self, tmp_path: Path) -> None:
        query = Specification(statistical=RKME.from_data(points_around(2.0), 10, random_state=1))
        with self.open_market(tmp_path / "market") as market:
            market.submit([make_learnware(f"At {i}", float(i)) for i in range(5)], progress=False)
            for asked in (query, "at"):
                whole = [hit.id for hit in market.search(asked).hits]
                pages = [[hit.id for hit in market.search(asked, limit=2, offset=at).hits] for at in (0, 2, 4, 6)]
                expect((len(whole), pages), (5, [whole[:2], whole[2:4], whole[4:], []]))
            expect(len(market.search(query, limit=1, offset=3).mixture or ()) > 0, True)

    def test_one_of_several_near_duplicates_stands_for_them(self, tmp_path: Path) -> None:
        with self.open_market(tmp_path / "market") as market:
            first = market.submit(make_learnware())
            second, far = market.submit([make_learnware("Under another name"), make_learnware("Far", 3.0)])
            query = make_learnware().specification
            expect([(hit.id, hit.covers) for hit in market.search(query)], [(first, (second,)), (far, ())])
            everything = market.search(query, duplicates=True)
            told = [(hit.id, hit.covered_by) for hit in everything]
            expect(told, [(first, None), (second, first), (far, None)])

    def test_many_are_searched_for_at_once(self, tmp_path: Path) -> None:
        queries = [Specification(statistical=RKME.from_data(points_around(c), 10, random_state=1)) for c in (0.0, 3.0)]
        with self.open_market(tmp_path / "market") as market:
            market.submit([make_learnware(f"At {i}", float(i)) for i in range(4)], progress=False)
            every: tuple[dict[str, Any], ...] = ({}, {"limit": 2, "text": "at"})
            for options in every:
                found = market.search_many([*queries, "3"], progress=False, **options)
                alone = [market.search(query, **options) for query in [*queries, "3"]]  # type: ignore[arg-type]
                expect([[hit.id for hit in one] for one in found], [[hit.id for hit in one] for one in alone])
            expect(market.search_many([], progress=False), [])

    def test_wrong_arguments_are_refused(self, tmp_path: Path) -> None:
        with self.open_market(tmp_path / "market") as market:
            with refused(InvalidParameter, "Specification"):
                market.search(points_around(0.0))  # type: ignore[arg-type]
            with refused(InvalidParameter, "limit"):
                market.search("words", limit=0)
            with refused(InvalidParameter, "offset"):
                market.search("words", offset=-1)
            with refused(InvalidParameter, "duplicates"):
                market.search("words", duplicates="yes")  # type: ignore[arg-type]
            with refused(InvalidParameter, "learnware"):
                market.submit(3)  # type: ignore[call-overload]

    def test_a_closed_market_says_so(self, tmp_path: Path) -> None:
        with self.open_market(tmp_path / "market") as market:
            learnware_id = market.submit(make_learnware())
        market.close()
        for use in (market.fetch, market.describe, market.revisions, market.remove, market.search, market.__contains__):
            with refused(MarketError, "closed"):
                use(learnware_id)
        for look in (market.__len__, lambda: list(market), lambda: market.submit(make_learnware())):
            with refused(MarketError, "closed"):
                look()
        with refused(MarketError, "closed"):
            market.update(learnware_id, make_learnware())
        expect("closed" in repr(market), True)

    def test_an_empty_market_is_still_a_market(self, tmp_path: Path) -> None:
        with self.open_market(tmp_path / "market") as market:
            expect((bool(market), len(market), list(market)), (True, 0, []))
            expect("0 learnwares" in market._repr_html_(), True)
