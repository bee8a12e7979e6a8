"""What models answered, as a search hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from learnware.market.organizer import hearing as module
from learnware.market.organizer.hearing import Hearing
from learnware.market.store import Cell, DirectoryStore, MemoryStore, Store
from learnware.specification import PointLabels, SemanticSpecification, Specification

LABELS = PointLabels(np.eye(3), (0, 1, 2))


@pytest.fixture(params=[MemoryStore, DirectoryStore])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = request.param() if request.param is MemoryStore else request.param(tmp_path)
    with closing(opened) as made:
        yield made


def digests(store: Store, n: int) -> list[str]:
    ids = store.add_many([(b"%d" % i, Specification(SemanticSpecification(str(i)))) for i in range(n)])
    return [store.revisions(i)[0].digest for i in ids]


def cell(answerer: str, asked: str, *classes: int) -> Cell:
    return Cell(answerer, asked, np.array(classes, np.uint16).tobytes())


def test_answers_that_come_later_are_heard(store: Store) -> None:
    one, two, three = digests(store, 3)
    hearing = Hearing(store)
    assert hearing.among([one, two]).at(one, two, LABELS, 3) is None
    for classes in ((0, 1, 2), (2, 1, 0)):
        store.add_cells([cell(one, two, *classes), cell(three, one, *classes)])
        told = hearing.among([one, two, three])
        assert told.at(one, two, LABELS, 3).tolist() == list(classes)  # type: ignore[union-attr]
        assert told.at(three, one, LABELS, 3).tolist() == list(classes)  # type: ignore[union-attr]


def test_nothing_is_read_again_while_nothing_comes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = digests(store, 2)
    store.add_cells([cell(one, two, 0)])
    hearing, read = Hearing(store), []
    real = type(store).cells_of
    monkeypatch.setattr(type(store), "cells_of", lambda self, those: (read.append(those), real(self, those))[1])
    for _ in range(3):
        assert hearing.among([one, two]).at(one, two, LABELS, 1) is not None
    assert len(read) == 1


def test_long_answers_are_not_all_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 100)
    one, two, three = digests(store, 3)
    store.add_cells([cell(answerer, one, *[0] * 30) for answerer in (one, two, three)])
    hearing = Hearing(store)
    told = hearing.among([one, two, three])
    assert all(told.at(answerer, one, LABELS, 30) is not None for answerer in (one, two, three))
    assert len(hearing._kept.known()) == 1
