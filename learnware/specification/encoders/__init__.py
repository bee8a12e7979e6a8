"""Raw samples to points: each encoder has a name and a version, and only points of the same encoder compare.

Tables have one rule, `table`. Texts and images have encoders: `text` and `image` need nothing but this library,
`sentences` takes a network of the sentence-transformers library, and other packages may announce theirs.
"""

from __future__ import annotations

from learnware.specification.encoders.any import encode, n_samples_of
from learnware.specification.encoders.base import ENCODERS, Encoder, FunctionEncoder, encoder_for, encoder_of
from learnware.specification.encoders.samples import read_samples
from learnware.specification.encoders.table import (
    RawTable,
    decode_points,
    encode_rows,
    infer_space,
    read_table,
)

__all__ = [
    "ENCODERS",
    "Encoder",
    "FunctionEncoder",
    "RawTable",
    "decode_points",
    "encode",
    "encode_rows",
    "encoder_for",
    "encoder_of",
    "infer_space",
    "n_samples_of",
    "read_samples",
    "read_table",
]
