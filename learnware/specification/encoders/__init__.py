"""Raw samples to points: each encoder has a name and a version, and only points of the same encoder compare."""

from __future__ import annotations

from learnware.specification.encoders.table import (
    RawTable,
    decode_points,
    encode_rows,
    infer_space,
    read_table,
)

__all__ = ["RawTable", "decode_points", "encode_rows", "infer_space", "read_table"]
