"""Arrays in a piece of memory that both sides see: a header in a frame, the numbers in the memory.

A header says ``dtype``, ``shape``, ``order``, ``offset`` and ``nbytes``. Nothing is taken that does not add up.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from .frames import WireError

#: Arrays start at multiples of this, so that every type is aligned.
ALIGNMENT = 64
MAX_DIMENSIONS = 8
_LARGEST = 2**46
_NUMBERS = tuple(map(np.dtype, "?bhilqBHILQefdg"))
_PLAIN = frozenset(
    [dtype.newbyteorder("<").str for dtype in _NUMBERS] + [dtype.newbyteorder(">").str for dtype in _NUMBERS]
)
_TEXT = re.compile(r"[<>]U[1-9][0-9]{0,8}")
_TIME = re.compile(r"[<>][Mm]8\[(?:[1-9][0-9]{0,5})?(?:Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\]")
_KEYS = {"dtype", "shape", "order", "offset", "nbytes"}


class Packer:
    """Collects arrays, says where each will lie, and writes all of them into a piece of memory."""

    def __init__(self) -> None:
        self.nbytes = 0
        self._arrays: list[tuple[int, Any]] = []

    def add(self, array: Any) -> dict[str, Any]:
        """Return the header of an array; `WireError` for a type that has none."""
        dtype_of(array.dtype.str)
        fortran = array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous
        offset = -(-self.nbytes // ALIGNMENT) * ALIGNMENT
        self._arrays.append((offset, array.T if fortran else array))
        self.nbytes = offset + array.nbytes
        return {
            "dtype": array.dtype.str,
            "shape": list(array.shape),
            # Kept, since sums over columns round differently by the order in memory.
            "order": "F" if fortran else "C",
            "offset": offset,
            "nbytes": array.nbytes,
        }

    def write(self, memory: Any) -> None:
        """Copy the arrays into a writable buffer of at least `nbytes`."""
        for offset, array in self._arrays:
            if array.nbytes:
                _view(memory, array.dtype, array.shape, offset)[...] = array


def dtype_of(name: object) -> np.dtype[Any]:
    """Return the type of a header; `WireError` unless it is plain numbers, times or text."""
    if isinstance(name, str) and (name in _PLAIN or _TEXT.fullmatch(name) or _TIME.fullmatch(name)):
        return np.dtype(name)
    raise WireError(f"arrays of type {str(name)[:40]!r} cannot cross")


def take(header: Any, memory: Any, kinds: str = "biufUMm") -> Any:
    """Return the array of a header as a view of the memory.

    Parameters
    ----------
    header : dict
        What the other side says.
    memory : buffer
        Where the array lies.
    kinds : str
        The kinds of types that may come.

    Raises
    ------
    WireError
        The header is not of an array, or the array does not lie inside the memory.
    """
    dtype, shape = check(header, kinds)
    if header["offset"] + header["nbytes"] > len(memory):
        raise WireError(f"an array must lie inside of the {len(memory)} bytes of memory; this one ends outside")
    if not header["nbytes"]:
        return np.empty(shape, dtype)
    if header["order"] == "F":
        return _view(memory, dtype, shape[::-1], header["offset"]).T
    return _view(memory, dtype, shape, header["offset"])


def check(header: Any, kinds: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return type and shape of a header whose numbers add up."""
    if not isinstance(header, dict) or set(header) != _KEYS:
        raise WireError("an array must be described by dtype, shape, order, offset and nbytes")
    dtype, shape, offset, nbytes = dtype_of(header["dtype"]), header["shape"], header["offset"], header["nbytes"]
    if dtype.kind not in kinds:
        raise WireError(f"arrays of type {dtype} cannot come from there")
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS or not all(map(_is_size, shape)):
        raise WireError(f"a shape must be at most {MAX_DIMENSIONS} sizes; got {str(shape)[:80]}")
    if not _is_size(offset) or not _is_size(nbytes) or offset % ALIGNMENT or header["order"] not in ("C", "F"):
        raise WireError("an array must have an order, and an aligned place in the memory")
    if math.prod(max(size, 1) for size in shape) * dtype.itemsize > _LARGEST:
        raise WireError(f"no array of shape {str(shape)[:80]} can exist")
    if math.prod(shape) * dtype.itemsize != nbytes:
        raise WireError(f"an array of shape {str(shape)[:80]} and type {dtype} does not have {nbytes} bytes")
    return dtype, tuple(shape)


def check_values(array: Any) -> None:
    """Check that every value is one of its type: truth values 0 or 1, text of characters that exist."""
    if array.dtype.kind == "b" and array.size and array.view(np.uint8).max() > 1:
        raise WireError("truth values must be 0 or 1")
    if array.dtype.kind == "U" and array.size:
        native = array.astype(array.dtype.newbyteorder("="), copy=False)
        if np.ascontiguousarray(native).reshape(-1).view(np.uint32).max() > 0x10FFFF:
            raise WireError("text must consist of characters that exist")


def _view(memory: Any, dtype: np.dtype[Any], shape: tuple[int, ...], offset: int) -> Any:
    return np.frombuffer(memory, dtype, math.prod(shape), offset).reshape(shape)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST
