"""Read a table, of whatever library, as one typed column after another."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._optional import loaded
from learnware.errors import InvalidData


@dataclass(frozen=True)
class RawColumn:
    """The values of one column.

    `values` are float64 with NaN for missing (kind "number"; days since 1970 for kind "time") or an object array of
    str with None for missing (kind "category").
    """

    kind: str
    dtype: str
    values: npt.NDArray[Any]


def read_columns(X: Any) -> tuple[list[str], bool, list[RawColumn] | npt.NDArray[np.float64]]:
    """Return the names of the columns of X, whether they are names of its own, and the columns.

    An array of numbers comes back as one float64 matrix instead of a list of columns, without a copy if it is one
    already.
    """
    pandas, polars, torch = loaded("pandas"), loaded("polars"), loaded("torch")
    if pandas is not None and isinstance(X, pandas.DataFrame):
        return _own_names(X.columns), True, [_from_pandas(X.iloc[:, i], pandas) for i in range(X.shape[1])]
    if polars is not None and isinstance(X, polars.LazyFrame):
        raise InvalidData("X is a polars LazyFrame. Call .collect() on it first.")
    if polars is not None and isinstance(X, polars.DataFrame):
        return _own_names(X.columns), True, [_from_polars(X[name], polars) for name in X.columns]
    if torch is not None and isinstance(X, torch.Tensor):
        X = X.detach().cpu().numpy()
    if hasattr(X, "toarray"):
        raise InvalidData("X is a sparse matrix. Specifications are built from dense tables: pass X.toarray().")
    return _from_array(X)


def _own_names(names: Any) -> list[str]:
    texts = [str(name) for name in names]
    twice = sorted({text for text in texts if texts.count(text) > 1}) if len(set(texts)) < len(texts) else []
    if twice:
        raise InvalidData(f"Column names must be unique. These occur more than once: {', '.join(map(repr, twice))}.")
    return texts


def _hint(array: npt.NDArray[Any]) -> str:
    if array.ndim == 1 and array.size and all(isinstance(value, str) for value in array[:10]):
        return ' Of texts, say data="text"; of a table with one column, use X.reshape(-1, 1).'
    if array.ndim == 1 and array.size:
        return " Use X.reshape(-1, 1) for a single column."
    return ' Of images, say data="image".' if array.ndim in (3, 4) else ""


def _from_array(X: Any) -> tuple[list[str], bool, list[RawColumn] | npt.NDArray[np.float64]]:
    try:
        array = np.asarray(X)
    except (TypeError, ValueError) as error:
        raise InvalidData(f"X must be a table: {error}. Rows of equal length are needed.") from error
    if array.ndim != 2:
        shape = f"an array of shape {array.shape}" if array.ndim else f"{type(X).__name__}"
        hint = _hint(array)
        raise InvalidData(f"X must be a table of shape (n_samples, n_features). Got {shape}.{hint}")
    names = [str(i) for i in range(array.shape[1])]
    if array.dtype.kind in "fiub":
        dtype = {"f": "float", "i": "int", "u": "int", "b": "bool"}[array.dtype.kind]
        if dtype == "float":
            return names, False, array.astype(np.float64, copy=False)
        return (
            names,
            False,
            [RawColumn("number", dtype, array[:, i].astype(np.float64)) for i in range(len(names))],
        )
    if array.dtype.kind in "OUSM":
        return names, False, [_from_values(array[:, i], names[i]) for i in range(len(names))]
    raise InvalidData(f"X holds values of type {array.dtype}. Numbers, text, truth values and dates are understood.")


def _from_pandas(series: Any, pandas: Any) -> RawColumn:
    types = pandas.api.types
    dtype = series.dtype
    if types.is_bool_dtype(dtype) and not isinstance(dtype, pandas.CategoricalDtype):
        return RawColumn("number", "bool", series.astype("Float64").to_numpy(np.float64, na_value=np.nan))
    if types.is_complex_dtype(dtype):
        raise InvalidData(f"Column {series.name!r} holds complex numbers. Split it into real and imaginary parts.")
    if types.is_numeric_dtype(dtype):
        kind = "int" if types.is_integer_dtype(dtype) else "float"
        return RawColumn("number", kind, series.to_numpy(np.float64, na_value=np.nan))
    if types.is_datetime64_any_dtype(dtype):
        moments = (
            series.dt.tz_convert("UTC").dt.tz_localize(None)
            if dtype.__class__.__name__ == "DatetimeTZDtype"
            else series
        )
        return RawColumn("time", "datetime", _days(moments.to_numpy()))
    if types.is_timedelta64_dtype(dtype):
        return RawColumn("number", "float", (series / pandas.Timedelta(days=1)).to_numpy(np.float64))
    if isinstance(dtype, pandas.CategoricalDtype):
        series = series.astype(object)
    return _from_values(series.to_numpy(dtype=object, na_value=None), series.name)


def _from_polars(series: Any, polars: Any) -> RawColumn:
    dtype = series.dtype
    if dtype == polars.Boolean:
        return RawColumn("number", "bool", _polars_floats(series, polars))
    if dtype.is_numeric():
        return RawColumn("number", "int" if dtype.is_integer() else "float", _polars_floats(series, polars))
    if dtype in (polars.Date, polars.Datetime):
        if getattr(dtype, "time_zone", None) is not None:
            series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return RawColumn("time", "datetime", _days(series.cast(polars.Datetime("us")).to_numpy()))
    if dtype == polars.Duration:
        return RawColumn("number", "float", _polars_floats(series.dt.total_seconds(), polars) / 86400.0)
    return _from_values(np.array(series.to_list(), dtype=object), series.name)


def _polars_floats(series: Any, polars: Any) -> npt.NDArray[np.float64]:
    return np.array(series.cast(polars.Float64).to_numpy(), dtype=np.float64)


def _from_values(values: npt.NDArray[Any], name: object) -> RawColumn:
    """Tell by its values what a column without a type of its own holds."""
    if values.dtype.kind == "M":
        return RawColumn("time", "datetime", _days(values))
    plain = [None if _is_missing(value) else value for value in values.tolist()]
    given = [value for value in plain if value is not None]
    if given and all(isinstance(value, bool | np.bool_) for value in given):
        return RawColumn("number", "bool", np.array(plain, dtype=np.float64))
    if given and all(isinstance(value, int | float | np.number | Decimal) for value in given):
        whole = all(isinstance(value, int | np.integer) for value in given)
        try:
            return RawColumn("number", "int" if whole else "float", np.array(plain, dtype=np.float64))
        except OverflowError as error:
            raise InvalidData(f"Column {name!r} holds a number too large for a float. Give it another unit.") from error
    if given and all(hasattr(value, "isoformat") and hasattr(value, "year") for value in given):
        return RawColumn("time", "datetime", _days(np.array(plain, dtype="datetime64[us]")))
    odd = next((value for value in given if isinstance(value, list | dict | tuple | set | np.ndarray)), None)
    if odd is not None:
        raise InvalidData(
            f"Column {name!r} holds values of type {type(odd).__name__}. Numbers, text, truth values, categories "
            "and dates are understood: convert or drop the column."
        )
    texts = np.empty(len(plain), dtype=object)
    texts[:] = [None if value is None else _as_text(value) for value in plain]
    return RawColumn("category", "str", texts)


def _is_missing(value: object) -> bool:
    # NaN, NaT and pandas.NA are the values that are not equal to themselves, or will not say.
    if value is None:
        return True
    if isinstance(value, float):
        return value != value
    return type(value).__name__ in ("NAType", "NaTType")


def _as_text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _days(moments: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    micros = moments.astype("datetime64[us]")
    days = micros.astype(np.int64) / 86_400e6
    return np.where(np.isnat(micros), np.nan, days)
