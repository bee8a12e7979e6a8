"""What may be compared with what."""

from __future__ import annotations

import numpy as np
import pytest

from learnware.errors import IncomparableSpaces, InvalidSpecification
from learnware.specification import Column, Space
from learnware.specification.space import CODE_LENGTH, unnamed_space

A, B, C = Column("a", "number"), Column("b", "category", "str", ("x", "y")), Column("c", "time", "datetime")


def test_named_columns_match_in_any_order():
    first, second = Space((A, B, C)), Space((C, A, B))
    points = np.arange(CODE_LENGTH + 2.0)  # of `second`: c, a, then the code of b
    index = first.coordinates_in(second)
    assert points[index].tolist() == [1.0, *np.arange(2.0, 2 + CODE_LENGTH), 0.0]
    assert first.key == second.key
    assert first.accepts(second)


def test_categories_and_dtypes_do_not_part_spaces():
    other = Space((A, Column("b", "category", "str", ("z",)), C))
    assert Space((A, B, C)).key == other.key
    assert Space((Column("a", "number", "int"),)).key == Space((Column("a", "number", "bool"),)).key


def test_columns_without_names_match_by_position():
    assert Space((A, Column("d", "number"))).accepts(unnamed_space(2))
    assert unnamed_space(2).accepts(Space((A, Column("d", "number"))))
    assert unnamed_space(2).key != Space((A, Column("d", "number"))).key


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (Space((A,)), "Only in the first: 'b'"),
        (Space((A, B, C)), "Only in the second: 'c'"),
        (Space((A, Column("b", "number"))), "Column 'b' holds a category in one table and a number in the other"),
        (unnamed_space(3), "have 2 and 3 columns"),
        (Space((A, B), encoder="table-2"), "table-2"),
    ],
)
def test_others_are_incomparable_and_the_error_names_the_difference(other, told):
    space = Space((A, B))
    assert not space.accepts(other)
    with pytest.raises(IncomparableSpaces, match=told):
        space.coordinates_in(other)


def test_starts_and_sizes():
    space = Space((A, B, C))
    assert space.starts == (0, 1, 1 + CODE_LENGTH)
    assert space.n_features == CODE_LENGTH + 2
    assert space.coded.tolist() == [False] + [True] * CODE_LENGTH + [False]


def test_writing_and_reading_gives_the_same():
    space = Space((A, Column("b", "category", "str", ("x",), 0.25), C))
    read = Space.from_dict(space.to_dict())
    assert read == space
    assert read.columns[1].categories == ("x",)
    assert read.columns[1].missing == 0.25


GOOD = Space((A,)).to_dict()


@pytest.mark.parametrize(
    "change",
    [
        {"columns": []},
        {"columns": GOOD["columns"] * 2},
        {"columns": [{"name": "a", "kind": "number"}]},
        {"columns": [{"name": "a", "kind": "number", "dtype": "float", "more": 1}]},
        {"columns": [{"name": "a", "kind": "number", "dtype": "complex"}]},
        {"columns": [{"name": "a", "kind": "colour", "dtype": "float"}]},
        {"columns": [{"name": 3, "kind": "number", "dtype": "float"}]},
        {"columns": [{"name": "a", "kind": "number", "dtype": "float", "missing": 2}]},
        {"columns": ["a"]},
        {"named": "yes"},
        {"data": "audio"},
        {"encoder": "table-9"},
        {"surplus": 1},
    ],
)
def test_other_forms_are_refused(change):
    with pytest.raises(InvalidSpecification):
        Space.from_dict({**GOOD, **change})
