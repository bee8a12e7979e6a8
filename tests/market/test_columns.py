"""What is written of a specification comes back to the last bit, in as few bytes as that allows."""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from learnware.market.store import DirectoryStore
from learnware.market.store.columns import COLUMNS, SPACE, from_columns, to_columns
from learnware.market.store.seals import seal
from learnware.market.store.spaces import Spaces
from learnware.specification import RKME, VOCABULARY, Fields, PointLabels, SemanticSpecification, Specification

N_POINTS, N_FEATURES = 4, 3
WEIGHTS = np.array([0.5, 0.25, 0.125, 0.125])
DTYPE = COLUMNS.split(", ").index("dtype")


def numbers(width: int) -> st.SearchStrategy[float]:
    return st.floats(allow_nan=False, allow_infinity=False, width=width)  # type: ignore[arg-type]


def is_single(number: float) -> bool:
    try:
        return struct.unpack("<f", struct.pack("<f", number))[0] == number
    except OverflowError:
        return False


def back(specification: Specification) -> tuple[Specification, str]:
    """Return what comes back, and the precision in which it was written."""
    values = to_columns(specification)
    space = None if specification.statistical is None else specification.statistical.space
    return from_columns(values, space), values[DTYPE]


def assert_same(one: object, other: object) -> None:
    """Compare two values field by field and array by array, bit by bit."""
    for field in fields(one):  # type: ignore[arg-type]
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        assert type(mine) is type(theirs)
        if isinstance(mine, np.ndarray):
            assert (mine.shape, mine.dtype, mine.tobytes()) == (theirs.shape, theirs.dtype, theirs.tobytes())
            assert not theirs.flags.writeable
        elif isinstance(mine, RKME | PointLabels):
            assert_same(mine, theirs)
        else:
            assert mine == theirs


@pytest.mark.parametrize("width", [32, 64])
@given(data=st.data())
def test_arrays_come_back_to_the_last_bit(width: int, data: st.DataObject) -> None:
    content = data.draw(arrays(np.float64, N_POINTS * N_FEATURES, elements=numbers(width)))
    scale = np.abs(data.draw(arrays(np.float64, N_FEATURES, elements=numbers(width))))
    outputs = data.draw(st.none() | arrays(np.float64, (N_POINTS, 2), elements=numbers(width)))
    labels = None if outputs is None else PointLabels(outputs, score=data.draw(st.none() | st.floats(-1, 1)))
    points = content.reshape(N_POINTS, N_FEATURES)
    specification = Specification(statistical=RKME(points, WEIGHTS, None, points[0], scale, 7, 0.5, labels))
    again, dtype = back(specification)
    assert_same(specification, again)
    parts = [points, scale, *([] if outputs is None else [outputs])]
    assert dtype == ("<f4" if all(is_single(float(x)) for part in parts for x in part.flat) else "<f8")


def some(tag: str) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from(VOCABULARY[tag])


texts = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), max_size=8)
described = st.builds(Fields, st.just(9), st.dictionaries(st.integers(0, 8), texts, max_size=3))
semantics = st.builds(
    SemanticSpecification,
    name=texts,
    description=texts,
    data=some("data"),
    task=some("task"),
    library=some("library"),
    scenarios=st.lists(st.sampled_from(VOCABULARY["scenarios"]), max_size=3).map(tuple),
    license=some("license"),
    inputs=st.none() | described,
    outputs=st.none() | described,
)


@given(semantics, st.sampled_from([None, "T0", "T2"]))
def test_words_come_back(semantic: SemanticSpecification, level: str | None) -> None:
    again, dtype = back(Specification(semantic, level=level))
    assert (again.semantic, again.level, again.statistical, dtype) == (semantic, level, None, None)
    assert_same(semantic, again.semantic)
    assert hash(again.semantic) == hash(semantic)


@pytest.mark.parametrize("classes", [("b", "a"), (1, 2), (True, False), (0.5, 2.5)])
def test_classes_keep_order_and_kind(classes: tuple[str | float | bool, ...]) -> None:
    labels = PointLabels(np.full((N_POINTS, 2), 0.5), classes)
    known = RKME(np.ones((N_POINTS, 2)), WEIGHTS, labels=labels)
    again, _ = back(Specification(statistical=known))
    assert again.statistical is not None
    assert again.statistical.labels is not None
    assert repr(again.statistical.labels.classes) == repr(classes)


def test_a_space_is_read_once_and_never_from_changed_text() -> None:
    spaces, known = Spaces(), RKME(np.ones((N_POINTS, 2)), WEIGHTS)
    content = to_columns(Specification(statistical=known))[SPACE]
    assert spaces.read(seal("something else"), content) is None
    first = spaces.read(seal(content), content)
    assert first == known.space
    assert spaces.read(seal(content), content) is first


def learnware_of(rng: np.random.Generator) -> Specification:
    """Return a specification of 100 points in 20 dimensions with labels of two classes, all of single precision."""
    points = rng.normal(size=(100, 20)).astype(np.float32)
    shares = np.round(rng.uniform(size=100) * 2**16) / 2**16
    labels = PointLabels(np.stack([shares, 1 - shares], axis=1), ("no", "yes"), 0.9)
    weights = rng.dirichlet(np.full(100, 5.0)).astype(np.float32)
    words = SemanticSpecification("Sales of a shop", "A week ahead.", data="table", task="classification")
    return Specification(words, RKME(points, weights, None, points[0], np.abs(points[1]), 2000, labels=labels), "T0")


def test_a_learnware_takes_few_bytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with closing(DirectoryStore(tmp_path / "market")) as store:
        store.add_many([(b"%d" % number, learnware_of(rng)) for number in range(300)])
    with closing(sqlite3.connect(tmp_path / "market" / "market.sqlite")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert (tmp_path / "market" / "market.sqlite").stat().st_size / 300 < 10_900
