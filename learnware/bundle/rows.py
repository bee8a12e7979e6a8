"""Put a user's X into the form that a model takes: its columns, in its order, as array or data frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._optional import import_optional, loaded
from learnware.errors import ColumnMismatch, InvalidData
from learnware.specification import Space


@dataclass(frozen=True)
class Layout:
    """The columns that a model takes, and how.

    Parameters
    ----------
    names : tuple of str
        Their names, or positions.
    named : bool
        Whether the names are the columns' own, so that X is matched by them.
    numeric : bool
        Whether all columns are numbers.
    frame : bool
        Whether the model takes a data frame.
    categorical : tuple of str, default=()
        Columns of the data frame that must be of the category type.
    """

    names: tuple[str, ...]
    named: bool
    numeric: bool
    frame: bool
    categorical: tuple[str, ...] = ()

    @classmethod
    def of(cls, space: Space, *, frame: bool, categorical: tuple[str, ...] = ()) -> Layout:
        """Return the layout of tables of `space`."""
        numeric = all(column.kind == "number" for column in space.columns)
        return cls(space.names, space.named, numeric, frame, categorical)

    def arrange(self, X: Any) -> Any:
        """Return the rows of X as the model takes them, in memory of their own.

        Columns are matched by name where both sides have names: their order does not matter and further columns are
        ignored. Otherwise their number must be right.

        Parameters
        ----------
        X : ndarray, data frame (pandas or polars), torch tensor, or list of rows

        Returns
        -------
        ndarray or pandas.DataFrame of shape (n, n_columns)

        Raises
        ------
        ColumnMismatch
            Columns are absent, or their number is wrong.
        InvalidData
            X is no table, has no rows, or holds text where the model takes numbers.
        """
        table = _as_table(X)
        if table.shape[0] == 0:
            raise InvalidData("X must have at least one row. Got none.")
        if hasattr(table, "columns"):
            table = self._selected(table)
        elif table.shape[1] != len(self.names):
            raise self._wrong_number(table.shape[1])
        return self._as_frame(table) if self.frame else self._as_array(table)

    def _selected(self, table: Any) -> Any:
        own = [str(name) for name in table.columns]
        if not self.named:
            if len(own) != len(self.names):
                raise self._wrong_number(len(own))
            return table
        places = {name: i for i, name in enumerate(own)}
        missing = [name for name in self.names if name not in places]
        if missing:
            listed = ", ".join(map(repr, missing[:8])) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
            raise ColumnMismatch(f"X lacks columns that the model needs: {listed}.", missing=missing)
        chosen = [places[name] for name in self.names]
        return table.iloc[:, chosen] if hasattr(table, "iloc") else table[:, chosen]

    def _wrong_number(self, n_columns: int) -> ColumnMismatch:
        listed = ", ".join(self.names[:8]) + (", ..." if len(self.names) > 8 else "") if self.named else ""
        return ColumnMismatch(
            f"X must have {len(self.names)} columns{': ' + listed if listed else ''}. Got {n_columns} instead."
        )

    def _as_array(self, table: Any) -> npt.NDArray[Any]:
        try:
            return _plain_array(table, numeric=self.numeric)
        except (TypeError, ValueError) as error:
            raise InvalidData(f"X must hold numbers in every column: {error}. Encode text and dates first.") from error

    def _as_frame(self, table: Any) -> Any:
        pandas = import_optional("pandas", extra=None, purpose="A model that was fitted on a data frame")
        names = list(self.names)
        if hasattr(table, "iloc"):
            frame = table.set_axis(names, axis=1).copy()
        elif hasattr(table, "columns"):
            columns = [_polars_values(table[name]) for name in table.columns]
            frame = pandas.DataFrame(dict(zip(names, columns, strict=True)))
        else:
            frame = pandas.DataFrame(table.copy(), columns=names).infer_objects()
        return frame.astype(dict.fromkeys(self.categorical, "category"))


def _as_table(X: Any) -> Any:
    pandas, polars, torch = loaded("pandas"), loaded("polars"), loaded("torch")
    if pandas is not None and isinstance(X, pandas.DataFrame):
        return X
    if polars is not None and isinstance(X, polars.LazyFrame | polars.DataFrame):
        return X.lazy().collect()
    if torch is not None and isinstance(X, torch.Tensor):
        X = X.detach().cpu().numpy()
    if hasattr(X, "toarray"):
        raise InvalidData("X must be a dense table. Got a sparse matrix: pass X.toarray().")
    try:
        array = np.asarray(X)
    except ValueError as error:
        raise InvalidData(f"X must be a table with rows of equal length: {error}.") from error
    if array.ndim != 2:
        hint = " Use X.reshape(1, -1) for one row, X.reshape(-1, 1) for one column." if array.ndim == 1 else ""
        raise InvalidData(f"X must be a table of shape (n_samples, n_features). Got shape {array.shape}.{hint}")
    return array


def _plain_array(table: Any, *, numeric: bool) -> npt.NDArray[Any]:
    if hasattr(table, "iloc"):
        kinds = {getattr(dtype, "kind", "O") for dtype in table.dtypes}
        if not numeric:
            return np.array(table.to_numpy(dtype=object))
        plain = kinds <= set("biuf") and all(isinstance(dtype, np.dtype) for dtype in table.dtypes)
        return np.array(table.to_numpy() if plain else table.to_numpy(dtype=np.float64, na_value=np.nan))
    if hasattr(table, "columns"):
        columns = [_polars_values(table[name]) for name in table.columns]
        table = np.column_stack(columns) if numeric else np.array([list(c) for c in columns], dtype=object).T
    if table.dtype.kind in "biuf" or not numeric:
        return np.array(table)
    return np.array(table, dtype=np.float64)


def _polars_values(series: Any) -> npt.NDArray[Any]:
    """Return a column with NaN for nulls, as pandas has it."""
    if series.dtype.is_numeric() or series.dtype.is_temporal() or not series.null_count():
        values = series.to_numpy()
        return values if values.dtype.kind in "biufmM" else np.array(series.to_list(), dtype=object)
    return np.array([np.nan if value is None else value for value in series.to_list()], dtype=object)
