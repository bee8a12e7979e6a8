"""Tables as arrays: data frames and object arrays are sent column by column, and rebuilt with the types they had."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import numpy as np

from .arrays import Packer, take
from .frames import WireError

_NULLABLE = frozenset("Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float32 Float64 boolean".split())
_TEXTS = ("string", "str")
_REBUILT = (*_TEXTS, "string[python]")
# What JSON has no word for, by its mark.
_MARKED = {1: math.nan, 2: math.inf, 3: -math.inf}
_NA = 4


class NotPlain(ValueError):
    """A table holds something that is no number, text, truth value, category or point in time."""


def pack_table(X: Any, packer: Packer) -> dict[str, Any]:
    """Return the header of a table, its arrays added to `packer`; `NotPlain` names the column that cannot cross."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(X, pandas.DataFrame):
        return _pack_frame(X, packer)
    if pandas is not None and isinstance(X, pandas.Series):
        X = X.to_numpy()
    X = np.asarray(X)
    if X.dtype.kind != "O":
        return {"kind": "array", "data": _plain(X, "X", packer)}
    if X.ndim not in (1, 2):
        raise NotPlain(f"an array of objects must have one or two axes; this one has {X.ndim}")
    if X.ndim == 1 and all(isinstance(value, str) for value in X):
        return {"kind": "texts", **_pack_strings(X.tolist(), packer)}
    columns = [X] if X.ndim == 1 else list(X.T)
    packed = [_pack_objects(column, f"column {i}", packer) for i, column in enumerate(columns)]
    return {"kind": "objects", "shape": list(X.shape), "columns": packed}


def take_table(header: Any, memory: Any) -> Any:
    """Return the table of a header."""
    if header["kind"] == "array":
        return take(header["data"], memory)
    if header["kind"] == "objects":
        table = np.empty(tuple(header["shape"]), dtype=object)
        for i, column in enumerate(header["columns"]):
            table[(slice(None), i) if table.ndim == 2 else slice(None)] = _take_objects(column, memory)
        return table
    if header["kind"] == "texts":
        texts = _take_strings(header, memory)
        table = np.empty(len(texts), dtype=object)
        table[:] = texts
        return table
    if header["kind"] == "frame":
        return _take_frame(header, memory)
    raise WireError(f"no table is of the kind {header['kind']!r}")


def _plain(array: Any, name: str, packer: Packer) -> dict[str, Any]:
    try:
        return packer.add(array)
    except WireError as error:
        raise NotPlain(f"{name} is of type {array.dtype}, which cannot be sent to a model's process") from error


def _pack_frame(X: Any, packer: Packer) -> dict[str, Any]:
    names = [_name(name) for name in X.columns]
    dtypes = set(X.dtypes)
    header = {"kind": "frame", "rows": len(X), "names": names}
    if len(dtypes) == 1 and isinstance(X.dtypes.iloc[0], np.dtype) and X.dtypes.iloc[0].kind in "biufMm":
        return {**header, "block": packer.add(X.to_numpy())}
    packed = [_pack_column(X.iloc[:, i], f"column {name!r}", packer) for i, name in enumerate(names)]
    return {**header, "columns": packed}


def _name(name: Any) -> Any:
    if isinstance(name, str):
        return str(name)
    if isinstance(name, (int, np.integer)) and not isinstance(name, bool):
        return int(name)
    raise NotPlain(f"columns must be named by text or numbers; got {name!r}")


def _pack_column(column: Any, name: str, packer: Packer) -> dict[str, Any]:
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        if dtype.kind == "O":
            return _pack_objects(column.to_numpy(), name, packer)
        return {"kind": "plain", "data": _plain(column.to_numpy(), name, packer)}
    if str(dtype) in _TEXTS:
        return _pack_text(column, packer)
    if str(dtype) in _NULLABLE:
        values = column.to_numpy(dtype=dtype.numpy_dtype, na_value=0)
        mask = column.isna().to_numpy()
        return {"kind": "nullable", "dtype": str(dtype), "data": packer.add(values), "mask": packer.add(mask)}
    if str(dtype) == "category":
        categories = _pack_column(dtype.categories.to_series(), name, packer)
        codes = packer.add(column.cat.codes.to_numpy())
        return {"kind": "category", "data": codes, "categories": categories, "ordered": bool(dtype.ordered)}
    if getattr(dtype, "tz", None) is not None and hasattr(dtype, "unit"):
        instants = column.dt.tz_convert(None).to_numpy()
        return {"kind": "zoned", "zone": str(dtype.tz), "data": packer.add(instants)}
    raise NotPlain(f"{name} is of type {dtype}, which cannot be sent to a model's process")


def _pack_text(column: Any, packer: Packer) -> dict[str, Any]:
    mask = column.isna().to_numpy()
    texts = ["" if mask[i] else column.iat[i] for i in range(len(column))]
    # In Python's own objects, text may hold half characters that other storage refuses.
    in_python = str(column.dtype) == "string" and getattr(column.dtype, "storage", "") == "python"
    return {
        "kind": "text",
        "dtype": "string[python]" if in_python else str(column.dtype),
        **_pack_strings(texts, packer),
        "mask": packer.add(mask),
    }


def _pack_strings(texts: list[str], packer: Packer) -> dict[str, Any]:
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
    return {"data": packer.add(np.frombuffer(b"".join(encoded), dtype=np.uint8)), "ends": packer.add(ends)}


def _take_strings(header: Any, memory: Any) -> list[str]:
    joined, ends = take(header["data"], memory).tobytes(), take(header["ends"], memory).tolist()
    starts = [0, *ends]
    return [joined[starts[i] : end].decode("utf-8", "surrogatepass") for i, end in enumerate(ends)]


def _pack_objects(values: Any, name: str, packer: Packer) -> dict[str, Any]:
    plain: list[Any] = []
    marks = np.zeros(len(values), dtype=np.uint8)
    for i, value in enumerate(values):
        kept, marks[i] = _plain_value(value, name)
        plain.append(kept)
    text = json.dumps(plain, allow_nan=False, separators=(",", ":")).encode("ascii")
    data = packer.add(np.frombuffer(text, dtype=np.uint8))
    return {"kind": "objects", "data": data, "marks": packer.add(marks)}


def _plain_value(value: Any, name: str) -> tuple[Any, int]:
    value = value.item() if isinstance(value, (np.number, np.bool_, np.str_)) else value
    if value is None or isinstance(value, (str, bool)) or (isinstance(value, int) and value.bit_length() <= 64):
        return value, 0
    if isinstance(value, float):
        if math.isfinite(value):
            return value, 0
        return None, 1 if math.isnan(value) else 2 if value > 0 else 3
    if value is getattr(sys.modules.get("pandas"), "NA", _NA):
        return None, _NA
    raise NotPlain(
        f"{name} holds {type(value).__name__}: it must hold text, numbers and truth values, or be a column of dates or "
        "categories"
    )


def _take_frame(header: Any, memory: Any) -> Any:
    import pandas

    if "block" in header:
        return pandas.DataFrame(take(header["block"], memory), columns=header["names"])
    columns = [_take_column(column, memory) for column in header["columns"]]
    frame = pandas.DataFrame(dict(enumerate(columns)), index=range(header["rows"]))
    frame.columns = pandas.Index(header["names"])
    return frame


def _take_column(header: Any, memory: Any) -> Any:
    import pandas

    kind = header["kind"]
    if kind == "objects":
        return pandas.Series(_take_objects(header, memory), dtype=object)
    if kind == "text":
        return _take_text(header, memory)
    values = take(header["data"], memory)
    if kind == "plain":
        return pandas.Series(values)
    if kind == "nullable" and header["dtype"] in _NULLABLE:
        column = pandas.Series(values).astype(header["dtype"])
        return column.mask(take(header["mask"], memory))
    if kind == "category":
        categories = pandas.Index(_take_column(header["categories"], memory))
        return pandas.Series(pandas.Categorical.from_codes(values, categories, ordered=header["ordered"]))
    if kind == "zoned":
        return pandas.Series(values).dt.tz_localize("UTC").dt.tz_convert(header["zone"])
    raise WireError(f"no column is of the kind {kind!r}")


def _take_text(header: Any, memory: Any) -> Any:
    import pandas

    found, mask = _take_strings(header, memory), take(header["mask"], memory)
    # Pandas before its third version has no type "str": there, text is objects, and NaN where it is missing.
    known = header["dtype"] != "str" or int(pandas.__version__.partition(".")[0]) >= 3
    missing = None if known else math.nan
    texts = [missing if mask[i] else text for i, text in enumerate(found)]
    return pandas.Series(texts, dtype=header["dtype"] if known and header["dtype"] in _REBUILT else object)


def _take_objects(header: Any, memory: Any) -> Any:
    marks = take(header["marks"], memory)
    values = np.empty(len(marks), dtype=object)
    values[:] = json.loads(take(header["data"], memory).tobytes())
    for mark, value in _MARKED.items():
        values[marks == mark] = value
    if (marks == _NA).any():
        import pandas

        values[marks == _NA] = pandas.NA
    return values
