"""Contracts as tests: whoever writes another store or market inherits one and runs pytest.

A contract class needs one method, which opens what is tested in a fresh folder:

::

    class TestMyStore(StoreContract):
        def open_store(self, folder):
            return MyStore(folder / "store.db")
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, TypeVar

import numpy as np

from learnware.bundle import Learnware
from learnware.errors import BundleError, InvalidParameter, LearnwareNotFound, RejectedLearnware
from learnware.market.base import Market
from learnware.market.store import Changes, Store
from learnware.reuse.contract import check_reuser
from learnware.specification import RKME, SemanticSpecification, Specification

__all__ = ["MarketContract", "StoreContract", "check_reuser", "make_learnware"]

_NOBODY = "0" * 32

Error = TypeVar("Error", bound=Exception)


@lru_cache(maxsize=64)
def make_learnware(name: str = "Above or below", center: float = 0.0) -> Learnware:
    """Return a small learnware: a classifier of 200 points around (center, center).

    Parameters
    ----------
    name : str, default="Above or below"
        Its name.
    center : float, default=0.0
        Where its data lies.
    """
    from sklearn.linear_model import LogisticRegression

    X = _points(center)
    y = np.where(X[:, 0] > X[:, 1], "above", "below")
    return Learnware.from_model(
        LogisticRegression().fit(X, y), X, y, name=name, task="classification", n_points=10, random_state=0
    )


class StoreContract(ABC):
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
            words, points = _specification("words", points=False), _specification("points")
            first, second = store.add(b"one", words), store.add(b"two", points)
            _expect((store.read(first), store.read(second)), (b"one", b"two"))
            _expect(store.specifications([second, _NOBODY, first]), {first: words, second: points})
            _expect(list(store), [first, second])
            _expect(len(store), 2)
            _expect([first in store, _NOBODY in store, 3 in store], [True, False, False])

    def test_replacing_keeps_the_id_and_the_order(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            first, second = store.add(b"one", _specification("one")), store.add(b"two", _specification("two"))
            store.replace(first, b"three", _specification("three"))
            _expect(store.read(first), b"three")
            _expect(store.specifications([first])[first], _specification("three"))
            _expect(list(store), [first, second])

    def test_ids_are_random_and_never_given_twice(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            seen: set[str] = set()
            for _ in range(20):
                learnware_id = store.add(b"same", _specification("same"))
                _expect(len(learnware_id) >= 32 and learnware_id not in seen, True)
                seen.add(learnware_id)
                store.remove(learnware_id)
            _expect(len(store), 0)

    def test_bytes_of_two_ids_outlive_one_of_them(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            gone, kept, other = (store.add(b"same", _specification("same")) for _ in range(3))
            store.remove(gone)
            store.replace(other, b"different", _specification("other"))
            _expect(store.read(kept), b"same")

    def test_an_unknown_id_is_named_with_those_like_it(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            learnware_id = store.add(b"one", _specification("one"))
            typed = learnware_id[:-1] + ("0" if learnware_id[-1] != "0" else "1")
            with _refused(LearnwareNotFound, learnware_id, typed):
                store.read(typed)
            with _refused(LearnwareNotFound, _NOBODY):
                store.remove(_NOBODY)
            with _refused(LearnwareNotFound, _NOBODY):
                store.replace(_NOBODY, b"", _specification("one"))
            _expect(list(store), [learnware_id])

    def test_changes_tell_what_a_reader_lacks(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            _expect(store.changes(0), Changes(0))
            first, second = store.add(b"one", _specification("one")), store.add(b"two", _specification("two"))
            start = store.changes(0)
            _expect((set(start.stored), start.removed), ({first, second}, ()))
            _expect(store.changes(start.generation), Changes(start.generation))
            store.replace(first, b"three", _specification("three"))
            store.remove(second)
            later = store.changes(start.generation)
            _expect((later.stored, later.removed), ((first,), (second,)))
            _expect(later.generation > start.generation, True)

    def test_changes_come_in_the_order_of_their_last(self, tmp_path: Path) -> None:
        with closing(self.open_store(tmp_path / "store")) as store:
            first, second, third, fourth = (store.add(b"same", _specification("same")) for _ in range(4))
            store.replace(first, b"other", _specification("other"))
            store.remove(fourth)
            store.remove(second)
            changes = store.changes(0)
            _expect((changes.stored, changes.removed), ((third, first), (fourth, second)))

    def test_what_was_stored_is_there_on_opening_again(self, tmp_path: Path) -> None:
        if not self.persistent:
            return
        with closing(self.open_store(tmp_path / "store")) as store:
            gone, kept = store.add(b"gone", _specification("gone")), store.add(b"kept", _specification("kept"))
            store.remove(gone)
            generation = store.changes(0).generation
        with closing(self.open_store(tmp_path / "store")) as store:
            _expect(list(store), [kept])
            _expect(store.read(kept), b"kept")
            _expect(store.specifications([kept])[kept], _specification("kept"))
            _expect(store.changes(0), Changes(generation, (kept,), (gone,)))

    def test_threads_may_share_it(self, tmp_path: Path) -> None:
        def work(number: int) -> str:
            learnware_id = store.add(b"bytes %d" % number, _specification(f"number {number}"))
            if number % 3:
                return learnware_id
            store.remove(learnware_id)
            return ""

        with closing(self.open_store(tmp_path / "store")) as store, ThreadPoolExecutor(4) as pool:
            kept = {number: i for number, i in enumerate(pool.map(work, range(30))) if i}
            _expect(set(store), set(kept.values()))
            _expect(all(store.read(i) == b"bytes %d" % number for number, i in kept.items()), True)


class MarketContract(ABC):
    """What every `Market` does."""

    @abstractmethod
    def open_market(self, folder: Path) -> Market:
        """Open the market of a folder."""

    def test_a_learnware_comes_back_as_it_was_submitted(self, tmp_path: Path) -> None:
        with self.open_market(tmp_path / "market") as market:
            learnware = make_learnware()
            learnware_id = market.submit(learnware)
            _expect((list(market), len(market), learnware_id in market), ([learnware_id], 1, True))
            _expect(market.describe(learnware_id), learnware.specification)
            fetched = market.fetch(learnware_id)
            _expect(fetched.id, learnware_id)
            X = _points(0.0)
            _expect(fetched.predict(X).tolist(), learnware.predict(X).tolist())

    def test_paths_and_lists_are_taken(self, tmp_path: Path) -> None:
        path = make_learnware("From a file").save(tmp_path / "one.zip")
        with self.open_market(tmp_path / "market") as market:
            alone = market.submit(path)
            several = market.submit([make_learnware(), str(path)], progress=False)
            _expect(list(market), [alone, *several])
            names = [market.describe(i).semantic.name for i in market]
            _expect(names, ["From a file", "Above or below", "From a file"])

    def test_what_the_checks_refuse_is_not_stored(self, tmp_path: Path) -> None:
        long_winded = make_learnware("long " * 40)
        with self.open_market(tmp_path / "market") as market:
            with _refused(RejectedLearnware, "name-too-long") as caught:
                market.submit(long_winded)
            _expect([error.report.passed for error in caught], [False])
            with _refused(RejectedLearnware, "name-too-long") as caught:
                market.submit([make_learnware(), long_winded, make_learnware()], progress=False)
            _expect([list(error.accepted) for error in caught], [list(market)])
            _expect(len(market), 1)

    def test_a_broken_file_is_not_stored(self, tmp_path: Path) -> None:
        path = make_learnware().save(tmp_path / "whole.zip")
        (tmp_path / "half.zip").write_bytes(path.read_bytes()[:500])
        with self.open_market(tmp_path / "market") as market:
            with _refused(BundleError):
                market.submit([path, tmp_path / "half.zip"], progress=False)
            _expect(len(market), 0)

    def test_an_update_keeps_the_id(self, tmp_path: Path) -> None:
        with self.open_market(tmp_path / "market") as market:
            learnware_id = market.submit(make_learnware())
            with _refused(RejectedLearnware, "name-too-long"):
                market.update(learnware_id, make_learnware("long " * 40))
            _expect(market.describe(learnware_id), make_learnware().specification)
            market.update(learnware_id, make_learnware("Second edition", 5.0))
            _expect((list(market), market.fetch(learnware_id).id), ([learnware_id], learnware_id))
            _expect(market.describe(learnware_id), make_learnware("Second edition", 5.0).specification)

    def test_an_unknown_id_is_refused_everywhere(self, tmp_path: Path) -> None:
        with self.open_market(tmp_path / "market") as market:
            gone = market.submit(make_learnware())
            market.remove(gone)
            _expect((len(market), gone in market), (0, False))
            for use in (market.describe, market.fetch, market.remove):
                for unknown in (gone, "", "../" + gone, None, [gone]):
                    with _refused(LearnwareNotFound, repr(unknown)):
                        use(unknown)  # type: ignore[arg-type]
            with _refused(LearnwareNotFound, gone):
                market.update(gone, make_learnware())

    def test_a_search_ranks_by_distance_and_follows_changes(self, tmp_path: Path) -> None:
        query = Specification(statistical=RKME.from_data(_points(4.0), 10, random_state=1))
        with self.open_market(tmp_path / "market") as market:
            _expect((market.search(query).hits, market.search(query).verdict), ((), "nothing fits"))
            far, near = market.submit([make_learnware(), make_learnware("Near", 3.0)], progress=False)
            result = market.search(query)
            _expect([hit.id for hit in result.hits], [near, far])
            nearer = market.submit(make_learnware("Nearer", 4.0))
            _expect([hit.id for hit in market.search(query, limit=2).hits], [nearer, near])
            market.update(near, make_learnware("Elsewhere", 50.0))
            _expect([hit.id for hit in market.search(query).hits], [nearer, far, near])
            market.remove(nearer)
            _expect([hit.id for hit in market.search(query).hits], [far, near])

    def test_hits_bring_their_learnwares_and_mixtures_their_weights(self, tmp_path: Path) -> None:
        with self.open_market(tmp_path / "market") as market:
            learnware_id = market.submit(make_learnware())
            result = market.search(make_learnware().specification)
            _expect((result.hits[0].learnware.id, result.verdict), (learnware_id, "match"))
            mixture = result.mixture
            _expect(mixture is not None and abs(float(mixture.weights.sum()) - 1.0) < 1e-9, True)

    def test_words_and_tags_are_searched(self, tmp_path: Path) -> None:
        with self.open_market(tmp_path / "market") as market:
            pharmacy, heart = market.submit(
                [make_learnware("Sales of a pharmacy"), make_learnware("Heart disease")], progress=False
            )
            _expect([hit.id for hit in market.search("heart").hits], [heart])
            query = make_learnware().specification
            _expect([hit.id for hit in market.search(query, text="farmacy sales").hits], [pharmacy])
            regression = Specification(semantic=SemanticSpecification(task="regression"))
            _expect(market.search(regression).hits, ())

    def test_wrong_arguments_are_refused(self, tmp_path: Path) -> None:
        with self.open_market(tmp_path / "market") as market:
            with _refused(InvalidParameter, "Specification"):
                market.search(_points(0.0))  # type: ignore[arg-type]
            with _refused(InvalidParameter, "limit"):
                market.search("words", limit=0)
            with _refused(InvalidParameter, "learnware"):
                market.submit(3)  # type: ignore[call-overload]

    def test_an_empty_market_is_still_a_market(self, tmp_path: Path) -> None:
        with self.open_market(tmp_path / "market") as market:
            _expect((bool(market), len(market), list(market)), (True, 0, []))
            _expect("0 learnwares" in market._repr_html_(), True)


def _points(center: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.random.default_rng(0).normal(center, 1.0, (200, 2))


def _specification(name: str, *, points: bool = True) -> Specification:
    # A third has no short decimal form, so that a store that rounds is found out.
    rkme = RKME(np.arange(6.0).reshape(3, 2) / 3, np.full(3, 1 / 3), n_samples=30) if points else None
    return Specification(SemanticSpecification(name=name, task="regression", scenarios=("Business",)), rkme)


def _expect(got: object, expected: object) -> None:
    if got != expected:
        raise AssertionError(f"Expected {expected!r}. Got {got!r} instead.")


@contextmanager
def _refused(kind: type[Error], *said: str) -> Iterator[list[Error]]:
    caught: list[Error] = []
    try:
        yield caught
    except kind as error:
        caught.append(error)
    if not caught:
        raise AssertionError(f"Expected {kind.__name__}, but nothing was raised.")
    silent = [text for text in said if text not in str(caught[0])]
    if silent:
        raise AssertionError(f"Expected the message to name {', '.join(silent)}. Got: {caught[0]}")
