"""What an ONNX graph may consist of, checked before any compiled code reads it.

An ONNX file is data: tensors and names of operators. But it may also name other files (external data), operators that
the reader must bring (custom domains), functions, and loops without an end. Only standard operators on tensors inside
of the file pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from learnware._optional import import_optional
from learnware.errors import MalformedModel
from learnware.limits import LIMITS

FILE = "model.onnx"
#: The standard's own domains; the first two are one.
_DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
_MODEL_FIELDS = frozenset(
    "ir_version opset_import producer_name producer_version domain model_version doc_string graph "
    "metadata_props".split()
)
_CODES = {"functions": "onnx-function", "training_info": "onnx-training"}
_NO_END = "Loop"
_RANDOM = frozenset("Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike".split())
_EXTERNAL = 1
_MAX_DIMENSION = 2**40
# Operator, attributes, and tensors or descriptions of values.
_PARTS_PER_STEP = 10
# Converters name the same few again and again.
_MAX_OPSETS = 100


def read_graph(raw: bytes) -> Any:
    """Return the ``onnx.ModelProto`` in `raw`, checked and without fields that this version of onnx does not know.

    Raises
    ------
    MalformedModel
        It is no ONNX model, or holds what `check_graph` refuses.
    """
    onnx = import_onnx()
    if len(raw) > LIMITS["entry-unpacked-bytes"]:
        raise refused(f"it has {len(raw):,} bytes, more than {LIMITS['entry-unpacked-bytes']:,}", "onnx-size")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(raw)
    except Exception as error:
        raise refused(f"it cannot be parsed: {error}", "onnx") from error
    # Another reader may know those fields, and find in them what was not checked here.
    model.DiscardUnknownFields()
    check_graph(model)
    return model


def check_graph(model: Any) -> None:
    """Refuse a model that is more than standard operators on tensors of its own.

    Raises
    ------
    MalformedModel
        With a code that says what: ``"onnx-external-data"``, ``"onnx-operator"``, ``"onnx-function"``,
        ``"onnx-training"``, ``"onnx-tensor"``, ``"onnx-size"``, or ``"onnx"``.
    """
    onnx = import_onnx()
    for field, _ in model.ListFields():
        if field.name not in _MODEL_FIELDS:
            raise refused(f"it has {field.name}, which is not needed to predict", _CODES.get(field.name, "onnx"))
    versions = _versions(model)
    for part in parts(model):
        _check_part(part, versions)
    try:
        onnx.checker.check_model(model)
    except Exception as error:
        raise refused(" ".join(str(error).split())[:500], "onnx") from error


def parts(message: Any) -> Iterator[Any]:
    """Return every message within a protobuf message, at any depth, without recursion.

    Raises
    ------
    MalformedModel
        There are too many; code ``"onnx-size"``.
    """
    waiting, count = [message], 0
    while waiting:
        part = waiting.pop()
        yield part
        for field, value in part.ListFields():
            if field.message_type is not None:
                found = value if _is_list(value) else [value]
                count += len(found)
                if count > _PARTS_PER_STEP * LIMITS["graph-steps"]:
                    raise refused("it has too many parts", "onnx-size")
                waiting.extend(found)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _versions(model: Any) -> dict[str, int]:
    """Return the version of each domain of operators."""
    if len(model.opset_import) > _MAX_OPSETS:
        raise refused(f"it imports more than {_MAX_OPSETS} sets of operators", "onnx-size")
    versions: dict[str, int] = {}
    for opset in model.opset_import:
        domain = "" if opset.domain == "ai.onnx" else opset.domain
        if domain not in _DOMAINS:
            raise refused(f"it uses operators of the domain {domain!r}", "onnx-operator")
        if versions.setdefault(domain, opset.version) != opset.version:
            raise refused(f"it uses two versions of the domain {domain!r}", "onnx-operator")
    return versions


def _check_part(part: Any, versions: dict[str, int]) -> None:
    for field, value in part.ListFields():
        texts = value if _is_list(value) else [value]
        if field.type == field.TYPE_STRING and any(isinstance(text, bytes) for text in texts):
            raise refused(f"it has a {field.name} that is not UTF-8", "onnx")
    kind = part.DESCRIPTOR.name
    if kind == "NodeProto":
        _check_node(part, versions)
    elif kind == "TensorProto":
        _check_tensor(part)
    elif kind == "SparseTensorProto":
        raise refused("it has a sparse tensor, which may unpack to any size", "onnx-tensor")
    elif kind == "AttributeProto" and part.ref_attr_name:
        raise refused("it has an attribute that refers to a function's", "onnx-function")


def _check_node(node: Any, versions: dict[str, int]) -> None:
    onnx = import_onnx()
    domain = "" if node.domain == "ai.onnx" else node.domain
    name = f"{domain}.{node.op_type}".lstrip(".")
    if domain not in versions or not onnx.defs.has(node.op_type, versions[domain], domain):
        raise refused(
            f"the operator {name!r} is none of the ONNX standard, in the version that it uses", "onnx-operator"
        )
    if node.op_type == _NO_END:
        raise refused("the operator 'Loop' may run without an end; unroll it, or use Scan", "onnx-operator")
    if node.op_type in _RANDOM:
        raise refused(f"the operator {name!r} draws random numbers, so no answer could be compared", "onnx-operator")


def _check_tensor(tensor: Any) -> None:
    if tensor.data_location == _EXTERNAL or tensor.external_data:
        raise refused(f"the tensor {tensor.name!r} is in another file", "onnx-external-data")
    if tensor.HasField("segment") or any(not 0 <= size < _MAX_DIMENSION for size in tensor.dims):
        raise refused(f"the tensor {tensor.name!r} has impossible sizes", "onnx-tensor")
    # The densest elements take two bits.
    if math.prod(tensor.dims) > 4 * tensor.ByteSize():
        raise refused(f"the tensor {tensor.name!r} has fewer numbers than its sizes say", "onnx-tensor")


def import_onnx() -> Any:
    """Return the package onnx, or say how to get it."""
    return import_optional("onnx", extra="onnx", purpose="An ONNX model")


def refused(reason: str, code: str) -> MalformedModel:
    """Return the error for a graph that is not taken."""
    return MalformedModel(f"The ONNX model is not taken: {reason}.", code=code, file=FILE)
