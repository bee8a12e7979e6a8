"""What the coordinates of a point mean, and which points may be compared."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._once import once
from learnware.errors import IncomparableSpaces, InvalidSpecification
from learnware.limits import LIMITS
from learnware.specification.fields import require_fields

KINDS = ("number", "category", "time")
DATA = ("table", "text", "image")
DTYPES = ("float", "int", "bool", "str", "datetime")

#: What an encoder may be called.
ENCODER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:-]{0,99}")

#: Coordinates that a categorical column takes; a number or a time takes one.
CODE_LENGTH = 16


@dataclass(frozen=True)
class Column:
    """One column of a table, as a specification tells it.

    Parameters
    ----------
    name : str
        Its name, or its position for a table without names.
    kind : {"number", "category", "time"}
        How its values become coordinates. Truth values are numbers 0 and 1.
    dtype : {"float", "int", "bool", "str", "datetime"}
        What a value is turned back into when rows are drawn from the specification.
    categories : tuple of str, default=()
        Values frequent enough to be told without pointing at single rows.
    missing : float, default=0.0
        Share of rows without a value.
    """

    name: str
    kind: str
    dtype: str = "float"
    categories: tuple[str, ...] = field(default=(), compare=False)
    missing: float = field(default=0.0, compare=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.dtype not in DTYPES:
            raise InvalidSpecification(
                f"Column {self.name!r} must have a kind of {', '.join(KINDS)} and a dtype of {', '.join(DTYPES)}. "
                f"Got {self.kind!r} and {self.dtype!r}."
            )

    @property
    def n_coordinates(self) -> int:
        """Number of coordinates that the column takes in a point."""
        return CODE_LENGTH if self.kind == "category" else 1


@dataclass(frozen=True)
class Space:
    """The meaning of the coordinates of a point.

    Two specifications are comparable when their spaces agree: the same encoder, and the same columns, matched by
    name where both have names (in any order), else by position.

    Parameters
    ----------
    columns : tuple of Column
        The columns of the table.
    named : bool, default=True
        Whether the columns have names of their own.
    data : {"table", "text", "image"}, default="table"
        What the raw samples are.
    encoder : str, default="table-1"
        Name and version of the rule that turned samples into points; points of different encoders are never compared.
    """

    columns: tuple[Column, ...]
    named: bool = True
    data: str = "table"
    encoder: str = "table-1"

    @classmethod
    def encoded(cls, data: str, encoder: str, n_features: int) -> Space:
        """Return the space of texts or images, as points of an encoder.

        Parameters
        ----------
        data : {"text", "image"}
        encoder : str
            Name and version of the encoder.
        n_features : int
            Numbers in a point.
        """
        return cls(unnamed_space(n_features).columns, False, data, encoder)

    @property
    def decodable(self) -> bool:
        """Whether a point can be turned back into a sample, as those of tables can."""
        return self.data == "table"

    @once
    def n_features(self) -> int:
        """Number of coordinates of a point."""
        return sum(column.n_coordinates for column in self.columns)

    @once
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    @once
    def key(self) -> str:
        """Short digest; spaces with equal keys are comparable.

        Categories, dtypes and the order of named columns do not enter it.
        """
        parts = [(column.name if self.named else "", column.kind) for column in self.columns]
        ordered = sorted(parts) if self.named else parts
        text = json.dumps([self.data, self.encoder, self.named, ordered])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @once
    def starts(self) -> tuple[int, ...]:
        """First coordinate of each column."""
        sizes = [column.n_coordinates for column in self.columns]
        return tuple(int(start) for start in np.concatenate([[0], np.cumsum(sizes)[:-1]]))

    @once
    def coded(self) -> npt.NDArray[np.bool_]:
        """Mask of the coordinates that code categories; they have no unit and are never rescaled."""
        return np.repeat([c.kind == "category" for c in self.columns], [c.n_coordinates for c in self.columns])

    def coordinates_in(self, other: Space, *, surplus: bool = False) -> npt.NDArray[np.intp]:
        """Return where this space's coordinates lie in the points of `other`.

        Parameters
        ----------
        other : Space
        surplus : bool, default=False
            Let `other` have further named columns, which are passed over.

        Returns
        -------
        ndarray of int of shape (n_features,)
            ``points_of_other[:, index]`` is in this space's order.

        Raises
        ------
        IncomparableSpaces
            Names the columns that differ.
        """
        if (self.data, self.encoder) != (other.data, other.encoder):
            raise IncomparableSpaces(
                f"Points of {self.data} data by encoder {self.encoder!r} cannot be compared with points of "
                f"{other.data} data by encoder {other.encoder!r}. Build both specifications with the same encoder."
            )
        places = self._columns_in(other, surplus)
        spans = [np.arange(other.starts[i], other.starts[i] + other.columns[i].n_coordinates) for i in places]
        return np.concatenate(spans)

    def accepts(self, other: Space, *, surplus: bool = False) -> bool:
        """Tell whether points of `other` can be compared with points of this space; see `coordinates_in`."""
        try:
            self.coordinates_in(other, surplus=surplus)
        except IncomparableSpaces:
            return False
        return True

    def _columns_in(self, other: Space, surplus: bool) -> list[int]:
        if self.named and other.named:
            absent = [name for name in self.names if name not in set(other.names)]
            further = [name for name in other.names if name not in set(self.names)]
            if absent or (further and not surplus):
                raise IncomparableSpaces(
                    "The two tables have different columns. "
                    + _listing("Only in the first: ", absent)
                    + _listing("Only in the second: ", further)
                    + "Keep the columns that both have."
                )
            places = [other.names.index(name) for name in self.names]
        elif len(self.columns) == len(other.columns):
            places = list(range(len(self.columns)))
        else:
            raise IncomparableSpaces(
                f"The two tables have {len(self.columns)} and {len(other.columns)} columns; they must have the same."
            )
        for mine, place in zip(self.columns, places, strict=True):
            if mine.kind != other.columns[place].kind:
                raise IncomparableSpaces(
                    f"Column {mine.name!r} holds a {mine.kind} in one table and a {other.columns[place].kind} in the "
                    "other. Convert one of them."
                )
        return places

    def to_dict(self) -> dict[str, Any]:
        """Return the form of the file."""
        if not self.decodable:
            return {"data": self.data, "encoder": self.encoder, "n_features": self.n_features}
        return {
            "data": self.data,
            "encoder": self.encoder,
            "named": self.named,
            "columns": [_column_to_dict(column) for column in self.columns],
        }

    @classmethod
    def from_dict(cls, content: Any) -> Space:
        """Read the form of the file; `InvalidSpecification` when it is another."""
        if isinstance(content, Mapping) and "n_features" in content:
            return _encoded_from_dict(content)
        require_fields(content, ("data", "encoder", "named", "columns"), "A space")
        if not isinstance(content["columns"], list):
            raise InvalidSpecification("The columns of a space must be a list.")
        if len(content["columns"]) > LIMITS["columns"]:
            raise InvalidSpecification(
                f"A space must have at most {LIMITS['columns']:,} columns. Got {len(content['columns']):,}: leave "
                "some out.",
                code="spec-too-many",
            )
        columns = tuple(_column_from_dict(column) for column in content["columns"])
        names = [column.name for column in columns]
        if not names or len(set(names)) != len(names):
            raise InvalidSpecification("A space must have at least one column, and every name once.")
        if not isinstance(content["named"], bool) or content["data"] != "table" or content["encoder"] != "table-1":
            raise InvalidSpecification(
                f"This version reads spaces of table data by the encoder 'table-1'. Got {content['data']!r} and "
                f"{content['encoder']!r:.60}. A newer version of learnware may read it.",
                code="spec-format",
            )
        return cls(columns, content["named"], content["data"], content["encoder"])


def unnamed_space(n_columns: int) -> Space:
    """Return the space of a plain array of `n_columns` numbers a row."""
    return Space(tuple(Column(str(i), "number") for i in range(n_columns)), named=False)


def _encoded_from_dict(content: Mapping[str, Any]) -> Space:
    require_fields(content, ("data", "encoder", "n_features"), "A space of texts or images")
    data, encoder, n_features = content["data"], content["encoder"], content["n_features"]
    if data not in ("text", "image") or not isinstance(encoder, str) or not ENCODER_NAME.fullmatch(encoder):
        raise InvalidSpecification(
            "A space without columns must be of text or image data, by an encoder named in letters, digits and . _ - "
            f"/ : only. Got {data!r:.60} and {encoder!r:.60}. A newer version of learnware may read it.",
            code="spec-format",
        )
    if type(n_features) is not int or not 1 <= n_features <= LIMITS["columns"]:
        raise InvalidSpecification(
            f"The n_features of a space must be an int from 1 to {LIMITS['columns']:,}. Got {n_features!r:.60}.",
            code="spec-too-many",
        )
    return Space.encoded(data, encoder, n_features)


def _listing(lead: str, names: list[str]) -> str:
    if not names:
        return ""
    shown = ", ".join(map(repr, names[:8])) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return f"{lead}{shown}. "


def _column_to_dict(column: Column) -> dict[str, Any]:
    content: dict[str, Any] = {"name": column.name, "kind": column.kind, "dtype": column.dtype}
    if column.categories:
        content["categories"] = list(column.categories)
    if column.missing:
        content["missing"] = column.missing
    return content


def _column_from_dict(content: Any) -> Column:
    require_fields(content, ("name", "kind", "dtype"), "A column", optional=("categories", "missing"))
    categories, missing = content.get("categories", []), content.get("missing", 0.0)
    named = [content[key] for key in ("name", "kind", "dtype")]
    texts = isinstance(categories, list) and all(isinstance(value, str) for value in [*categories, *named])
    if not texts or isinstance(missing, bool) or not isinstance(missing, int | float) or not 0 <= missing <= 1:
        raise InvalidSpecification(
            f"Column {content['name']!r:.60}: name and categories must be text and missing a share between 0 and 1."
        )
    return Column(content["name"], content["kind"], content["dtype"], tuple(categories), float(missing))
