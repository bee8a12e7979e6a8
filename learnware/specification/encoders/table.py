"""Tables: a number or a time takes one coordinate, a category a fixed code of its text.

The rule needs no data, so tables of different owners meet in one space: the code of a category depends on its text
alone, and two tables with different sets of categories stay comparable.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._optional import import_optional
from learnware.errors import ColumnMismatch, InvalidData, MissingDependency
from learnware.specification.encoders.columns import RawColumn, read_columns
from learnware.specification.space import CODE_LENGTH, Column, Space

#: At most this many categories of a column are told by name; the points tell of the others by their codes.
MAX_CATEGORIES = 64


@dataclass(frozen=True)
class RawTable:
    """A table as read: names, and typed columns or one matrix of numbers."""

    names: tuple[str, ...]
    named: bool
    columns: list[RawColumn] | npt.NDArray[np.float64]

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        if isinstance(self.columns, np.ndarray):
            return int(self.columns.shape[0])
        return len(self.columns[0].values) if self.columns else 0

    def column(self, position: int) -> RawColumn:
        """Return one column."""
        if isinstance(self.columns, np.ndarray):
            return RawColumn("number", "float", self.columns[:, position])
        return self.columns[position]


def read_table(X: Any) -> RawTable:
    """Read numpy, pandas, polars, torch or a list of rows.

    Raises
    ------
    InvalidData
        X is no table, is empty, repeats a column name, or holds infinite values or values of a type that is not
        understood; the message names the column.
    """
    names, named, columns = read_columns(X)
    table = RawTable(tuple(names), named, columns)
    if not names or table.n_samples == 0:
        raise InvalidData(f"X must have at least one row and one column. Got shape ({table.n_samples}, {len(names)}).")
    _refuse_infinite(table)
    return table


def _refuse_infinite(table: RawTable) -> None:
    if isinstance(table.columns, np.ndarray):
        positions = np.flatnonzero(np.isinf(table.columns).any(axis=0)).tolist()
    else:
        positions = [i for i, c in enumerate(table.columns) if c.kind != "category" and np.isinf(c.values).any()]
    if positions:
        shown = ", ".join(repr(table.names[i]) for i in positions[:8])
        raise InvalidData(
            f"X has infinite values in column(s) {shown}. Replace them by numbers, or by NaN where missing."
        )


def infer_space(table: RawTable, *, min_rows: int) -> Space:
    """Describe the columns of a table; a category is told only if at least `min_rows` rows have it."""
    columns = []
    for position, name in enumerate(table.names):
        raw = table.column(position)
        categories: tuple[str, ...] = ()
        if raw.kind == "category":
            counts = Counter(value for value in raw.values if value is not None)
            missing = 1.0 - sum(counts.values()) / table.n_samples
            categories = tuple(sorted(v for v, n in counts.most_common(MAX_CATEGORIES) if n >= min_rows))
        else:
            missing = float(np.isnan(raw.values).mean())
        if missing == 1.0:
            raise InvalidData(f"Column {name!r} has no values at all. Drop it.")
        columns.append(Column(name, raw.kind, raw.dtype, categories, round(missing, 4)))
    return Space(tuple(columns), table.named)


def encode_rows(table: RawTable, space: Space) -> npt.NDArray[np.float64]:
    """Turn rows into points of `space`; a missing number is NaN, a missing category the zero code.

    Returns
    -------
    ndarray of float64 of shape (n_samples, space.n_features)
        The table's own memory when it is a matrix of floats in this order already; never write to it.

    Raises
    ------
    ColumnMismatch
        Columns of the space are absent, named in the error.
    InvalidData
        A column holds another kind of values than the space says.
    """
    places = _places(table, space)
    if isinstance(table.columns, np.ndarray) and all(column.kind == "number" for column in space.columns):
        return table.columns if places == list(range(len(table.names))) else table.columns[:, places]
    points = np.empty((table.n_samples, space.n_features))
    for column, start, place in zip(space.columns, space.starts, places, strict=True):
        raw = table.column(place)
        if raw.kind != column.kind:
            raise InvalidData(
                f"Column {column.name!r} must hold a {column.kind}. Got a {raw.kind} instead: convert the column."
            )
        if column.kind == "category":
            points[:, start : start + CODE_LENGTH] = _codes(raw.values)
        else:
            points[:, start] = raw.values
    return points


def _places(table: RawTable, space: Space) -> list[int]:
    if table.named and space.named:
        positions = {name: i for i, name in enumerate(table.names)}
        missing = [name for name in space.names if name not in positions]
        if missing:
            raise ColumnMismatch(
                f"X lacks the column(s) {', '.join(map(repr, missing))}. It has: {', '.join(map(repr, table.names))}.",
                missing=missing,
            )
        return [positions[name] for name in space.names]
    if len(table.names) != len(space.columns):
        raise ColumnMismatch(f"X must have {len(space.columns)} columns. Got {len(table.names)} instead.")
    return list(range(len(table.names)))


@lru_cache(maxsize=65536)
def category_code(text: str) -> npt.NDArray[np.float64]:
    """Return the code of a category: a direction drawn by the hash of its text, of length one.

    Two categories are at a squared distance of about 2, as two different indicator vectors are.
    """
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=2 * CODE_LENGTH).digest()
    centred = np.frombuffer(digest, dtype="<u2").astype(np.float64) - 32767.5
    code: npt.NDArray[np.float64] = centred / np.linalg.norm(centred)
    code.setflags(write=False)
    return code


def _codes(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    distinct: dict[Any, int] = {}
    positions = np.fromiter((distinct.setdefault(v, len(distinct)) for v in values), dtype=np.intp, count=len(values))
    zero = np.zeros(CODE_LENGTH)
    table = np.array([zero if value is None else category_code(value) for value in distinct])
    return np.asarray(table[positions])


def decode_points(points: npt.NDArray[np.float64], space: Space) -> Any:
    """Turn points into rows as a model would get them.

    Returns
    -------
    pandas.DataFrame or ndarray
        A data frame where columns have names or hold more than numbers and pandas is installed; else an array.
    """
    columns = [_decode(points[:, s : s + c.n_coordinates], c) for c, s in zip(space.columns, space.starts, strict=True)]
    if not space.named and all(column.kind == "number" for column in space.columns):
        return np.column_stack(columns)
    try:
        pandas = import_optional("pandas", extra=None, purpose="Drawing rows with column names")
    except MissingDependency:
        mixed = np.empty((*points.shape[:1], len(columns)), dtype=object)
        for i, values in enumerate(columns):
            mixed[:, i] = values
        return mixed
    names = list(space.names) if space.named else range(len(columns))
    return pandas.DataFrame(dict(zip(names, columns, strict=True)))


def _decode(block: npt.NDArray[np.float64], column: Column) -> npt.NDArray[Any]:
    if column.kind == "time":
        return np.round(block[:, 0] * 86_400e6).astype(np.int64).astype("datetime64[us]")
    if column.kind == "category":
        known = column.categories or ("",)
        nearest = np.argmax(block @ np.array([category_code(value) for value in known]).T, axis=1)
        return np.asarray(np.array(known, dtype=object)[nearest])
    if column.dtype == "bool":
        return block[:, 0] > 0.5
    if column.dtype == "int":
        return np.round(block[:, 0]).astype(np.int64)
    return block[:, 0]
