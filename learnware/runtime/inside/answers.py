"""What a model answers, as an array of plain values."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np


class NotAnArray(ValueError):
    """An answer is no array of numbers, truth values or text."""


def as_array(answer: Any) -> Any:
    """Return an answer as an array of numbers, truth values or text.

    Raises
    ------
    NotAnArray
        It is something else; the message goes on from "the model".
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(answer, torch.Tensor):
        answer = answer.detach().cpu().numpy()
    if answer is None:
        raise NotAnArray("answered with nothing; it must return an array")
    if hasattr(answer, "toarray"):
        raise NotAnArray("answered with a sparse matrix; it must return a dense array")
    try:
        values = np.asarray(answer)
    except ValueError as error:
        raise NotAnArray(f"must answer with an array: {error}") from error
    if values.dtype.kind == "O":
        values = _of_one_type(values)
    if values.dtype.kind not in "biufU":
        raise NotAnArray(f"must answer with numbers, truth values or text; got an array of type {values.dtype}")
    # Text without a single character has no size, which no other array has.
    return values.astype("U1") if values.dtype.itemsize == 0 else values


def _of_one_type(values: Any) -> Any:
    flat = values.ravel().tolist()
    for kinds in (str, bool, int, float, (int, float)):
        if all(isinstance(value, kinds) for value in flat):
            return np.array(flat).reshape(values.shape)
    odd = next((value for value in flat if not isinstance(value, (str, bool, int, float))), flat[0])
    raise NotAnArray(f"must answer with values of one plain type; got objects, {type(odd).__name__} among them")
