"""Any table as a matrix of scaled numbers, for models that the user trains."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from learnware.errors import InvalidData
from learnware.specification.encoders import RawTable, read_table

Array = npt.NDArray[np.float64]


class TableFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Impute and scale numbers and times, code categories by indicators.

    A missing number becomes the column's median, a missing category is one of its own, an unseen one a row of zeros.
    Constant columns become zero.

    Parameters
    ----------
    max_categories : int, default=20
        Indicators per column; the rarest categories share one.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, "a"], [3.0, "b"], [None, "a"]], dtype=object)
    >>> TableFeatures().fit_transform(X).round(2).tolist()
    [[-1.22, 1.0, 0.0], [1.22, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """

    def __init__(self, max_categories: int = 20) -> None:
        self.max_categories = max_categories

    def fit(self, X: Any, y: Any = None) -> TableFeatures:
        """Learn medians, scales and categories of a table; y is not used."""
        table = read_table(X)
        self.kinds_ = [_kind(table, i) for i in range(len(table.names))]
        self.names_ = table.names
        self.scaler_ = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
        self.encoder_ = OneHotEncoder(
            handle_unknown="ignore", max_categories=self.max_categories, sparse_output=False, dtype=np.float64
        )
        numbers, categories = self._split(table)
        if numbers.shape[1]:
            self.scaler_.fit(numbers)
        if categories.shape[1]:
            self.encoder_.fit(categories)
        return self

    def transform(self, X: Any) -> Array:
        """Return the matrix of shape (n_samples, n_columns_out)."""
        numbers, categories = self._split(read_table(X))
        parts = []
        if numbers.shape[1]:
            parts.append(self.scaler_.transform(numbers))
        if categories.shape[1]:
            parts.append(self.encoder_.transform(categories))
        return np.hstack(parts)

    def _split(self, table: RawTable) -> tuple[Array, npt.NDArray[Any]]:
        numbers = [self._number(table, i) for i, kind in enumerate(self.kinds_) if kind != "category"]
        texts = [table.column(i).values for i, kind in enumerate(self.kinds_) if kind == "category"]
        empty = np.empty((table.n_samples, 0))
        categories = np.array([["" if v is None else str(v) for v in values] for values in texts], dtype=object)
        return (
            np.column_stack(numbers) if numbers else empty,
            categories.T if texts else empty.astype(object),
        )

    def _number(self, table: RawTable, position: int) -> Array:
        column = table.column(position)
        if column.kind != "category":
            return column.values
        if any(value is not None for value in column.values):
            raise InvalidData(f"Column {self.names_[position]!r} held numbers in fit and holds text now. Convert it.")
        return np.full(table.n_samples, np.nan)


def _kind(table: RawTable, position: int) -> str:
    column = table.column(position)
    empty = column.kind == "category" and all(value is None for value in column.values)
    return "number" if empty else column.kind
