"""Named tensors in the safetensors layout: a JSON header with type, shape and place of each, then their bytes.

The layout holds numbers only. Reading requires that the tensors fill the file exactly, so sizes are known to be right
before any memory is taken.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

from learnware import _strict_json as strict_json
from learnware.errors import BundleError, LimitExceeded, MalformedModel, UnsupportedModel
from learnware.limits import LIMITS

_FILE = "weights.safetensors"
_DEPTH = 4

_TYPES = {
    "F64": ("float64", 8),
    "I64": ("int64", 8),
    "F32": ("float32", 4),
    "I32": ("int32", 4),
    "BF16": ("bfloat16", 2),
    "F16": ("float16", 2),
    "I16": ("int16", 2),
    "BOOL": ("bool", 1),
    "I8": ("int8", 1),
    "U8": ("uint8", 1),
}


def pack_tensors(tensors: Mapping[str, Any]) -> bytes:
    """Return the file of torch tensors by name; equal tensors give equal bytes.

    Raises
    ------
    UnsupportedModel
        A tensor is sparse, quantized, complex, or of another type that is not plain numbers.
    """
    import torch

    codes = {getattr(torch, name): (code, size) for code, (name, size) in _TYPES.items()}
    for name, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.dtype not in codes:
            raise UnsupportedModel(
                f"The tensor {name!r} is {tensor.dtype} in layout {tensor.layout}. Only dense tensors of plain numbers "
                "can be stored: convert the module, for example with module.float()."
            )
    # Wide types first keep every tensor aligned without gaps.
    order = sorted(tensors, key=lambda name: (-codes[tensors[name].dtype][1], name))
    header, parts, position = {}, [], 0
    for name in order:
        tensor = tensors[name].detach().cpu().contiguous()
        data = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
        places = [position, position + len(data)]
        header[name] = {"dtype": codes[tensor.dtype][0], "shape": list(tensor.shape), "data_offsets": places}
        parts.append(data)
        position += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(parts)


def unpack_tensors(data: bytes) -> dict[str, Any]:
    """Return the torch tensors of a file.

    Raises
    ------
    MalformedModel
        The header and the bytes do not fit together.
    LimitExceeded
        It has too many tensors, or too long a header.
    """
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8:
        raise _damaged("it has no header")
    if length > LIMITS["tensor-header-bytes"]:
        raise _beyond(f"its header has {length:,} bytes", "tensor-header-size")
    if 8 + length > len(data):
        raise _damaged("its header is cut off")
    header = strict_json.parse(data[8 : 8 + length], _no_json, max_bytes=length, max_depth=_DEPTH)
    if isinstance(header, dict) and len(header) > LIMITS["tensors"]:
        raise _beyond(f"it has {len(header):,} tensors, more than {LIMITS['tensors']:,}", "too-many-tensors")
    try:
        entries = [(name, *_entry(entry)) for name, entry in header.items()]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _damaged("its header is not of the layout") from error
    return _views(bytearray(data[8 + length :]), entries)


def _entry(entry: dict[str, Any]) -> tuple[str, int, list[int], int, int]:
    if set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError("a tensor has a type, a shape and a place")
    name, size = _TYPES[entry["dtype"]]
    shape, (start, end) = entry["shape"], entry["data_offsets"]
    if not all(type(n) is int and 0 <= n < 2**40 for n in [*shape, start, end]) or len(shape) > 16:
        raise ValueError("sizes must be whole numbers")
    return name, size, shape, start, end


def _views(memory: bytearray, entries: list[tuple[str, str, int, list[int], int, int]]) -> dict[str, Any]:
    import torch

    tensors, position = {}, 0
    for name, dtype, size, shape, start, end in sorted(entries, key=lambda entry: entry[4:]):
        count = math.prod(shape)
        if start != position or end - start != count * size or end > len(memory):
            raise _damaged("its tensors do not fill it exactly")
        position = end
        kind = getattr(torch, dtype)
        flat = torch.frombuffer(memory, dtype=kind, count=count, offset=start) if count else torch.empty(0, dtype=kind)
        tensors[name] = flat.reshape(shape)
    if position != len(memory):
        raise _damaged("its tensors do not fill it exactly")
    return tensors


def _no_json(reason: str, code: str) -> BundleError:
    if code in ("json-size", "json-depth"):
        return _beyond(reason, code)
    return _damaged(f"in its header, {reason}", code)


def _damaged(reason: str, code: str = "tensors") -> BundleError:
    return MalformedModel(
        f"The file of weights is damaged: {reason}. Fetch it again, or tell its developer.", code=code, file=_FILE
    )


def _beyond(reason: str, code: str) -> BundleError:
    return LimitExceeded(
        f"The file of weights is beyond the limits: {reason}. `learnware limits` lists them: use a smaller model.",
        code=code,
        file=_FILE,
    )
