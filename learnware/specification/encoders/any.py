"""Samples of any kind as points of a space."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.errors import IncomparableSpaces
from learnware.specification.encoders.base import Encoder, encoder_of
from learnware.specification.encoders.samples import read_samples
from learnware.specification.encoders.table import encode_rows, read_table
from learnware.specification.space import Space


def encode(
    X: Any,
    space: Space,
    *,
    encoder: Encoder | None = None,
    device: str | None = None,
    progress: bool | None = None,
) -> npt.NDArray[np.float64]:
    """Return samples as points of `space`, NaN where a number of a table is missing.

    Parameters
    ----------
    X : table, list of str, or array of images
        As ``space.data`` says. Never modified.
    space : Space
        Names the encoder of texts or images.
    encoder : Encoder, optional
        The encoder of that name, where it is known to nobody but the caller.
    device, progress : optional
        See `Encoder.encode`.

    Returns
    -------
    ndarray of float64 of shape (n_samples, space.n_features)
        May be X's own memory; never write to it.

    Raises
    ------
    InvalidData, ColumnMismatch
        X holds something else.
    InvalidParameter
        There is no encoder of that name here, and none is downloaded because a specification names it.
    IncomparableSpaces
        The encoder gives points of another length than the space has.
    """
    if space.decodable:
        return encode_rows(read_table(X), space)
    points = (encoder or encoder_of(space.data, space.encoder)).encode(X, device=device, progress=progress)
    if points.shape[1] != space.n_features:
        raise IncomparableSpaces(
            f"The encoder {space.encoder!r} gives points of {points.shape[1]} numbers here, where the specification "
            f"has {space.n_features}. Install the version that the specification was made with."
        )
    return points


def n_samples_of(X: Any, data: str = "table") -> int:
    """Return how many samples X holds; `data` as in `Specification.from_data`."""
    return read_table(X).n_samples if data == "table" else len(read_samples(X, data))
