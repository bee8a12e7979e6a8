"""torch models whose operations or weights are not what a stored module has."""

from __future__ import annotations

import functools
import json
import struct
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch

from learnware.errors import BundleError, LimitExceeded, MalformedModel
from tests.bundle.corpus import Rejected
from tests.bundle.corpus.bases import X, Y, files_of, packed, with_files

GRAPH, WEIGHTS = "model/graph.json", "model/weights.safetensors"


@functools.cache
def base() -> bytes:
    """Return a package of a small network."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 4))
    return packed(net, X, Y, task="classification", classes=[0, 1, 2, 3])


def changed_graph(change: Callable[[dict[str, Any]], Any]) -> bytes:
    content = json.loads(files_of(base())[GRAPH])
    change(content)
    return with_files(base(), {GRAPH: json.dumps(content).encode()})


def changed_step(**changes: Any) -> bytes:
    return changed_graph(lambda content: content["steps"][0].update(changes))


def graph_text(text: bytes) -> bytes:
    return with_files(base(), {GRAPH: text})


def changed_header(change: Callable[[dict[str, Any]], Any]) -> bytes:
    data = files_of(base())[WEIGHTS]
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    changed = change(header)
    return weights(json.dumps(header if changed is None else changed).encode(), data[8 + length :])


def weights(header: bytes, data: bytes = b"") -> bytes:
    return with_files(base(), {WEIGHTS: struct.pack("<Q", len(header)) + header + data})


def first(header: dict[str, Any], **changes: Any) -> None:
    min(header.values(), key=lambda entry: entry["data_offsets"]).update(changes)


def shifted(header: dict[str, Any]) -> None:
    for entry in header.values():
        entry["data_offsets"] = [place + 4 for place in entry["data_offsets"]]


def many(n: int) -> bytes:
    entry = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    return ("{" + ",".join(f'"{i}":{entry}' for i in range(n)) + "}").encode()


def steps(n: int) -> bytes:
    def change(content: dict[str, Any]) -> None:
        content["steps"] = [{**content["steps"][0], "name": f"s{i}"} for i in range(n)]

    return changed_graph(change)


def nested(n: int) -> Any:
    value: Any = 1
    for _ in range(n):
        value = [value]
    return value


def parameters(**changes: Any) -> bytes:
    return with_files(base(), {}, entry={"parameters": {"dtype": "float32", "outputs": "logits", **changes}})


_OPERATORS = [
    "aten.from_file.default", "aten.rand.default", "aten.add_.Tensor", "aten.add.out", "aten.as_strided.default",
    "prim.device.default", "operator.attrgetter", "os.system", "aten.linear", "aten.linear.default.__class__",
    "aten.set_.source_Storage", "quantized.linear.default", "", "aten..default",
]  # fmt: skip

_GRAPHS: list[tuple[str, Callable[[], bytes], str]] = [
    ("a value that is not there", partial(changed_step, args=[{"value": "nothing"}]), "graph-reference"),
    ("a value of itself", lambda: changed_graph(
        lambda c: c["steps"][0].update(args=[{"value": c["steps"][0]["name"]}])
    ), "graph-reference"),
    ("a value of a later step", lambda: changed_graph(
        lambda c: c["steps"][0].update(args=[{"value": c["steps"][-1]["name"]}])
    ), "graph-reference"),
    ("a name twice", lambda: changed_graph(
        lambda c: c["steps"][1].update(name=c["steps"][0]["name"])
    ), "graph-reference"),
    ("an output that is not there", lambda: changed_graph(lambda c: c.update(output="nothing")), "graph-reference"),
    ("a type that is a function", partial(changed_step, args=[{"dtype": "load"}]), "graph"),
    ("a value of another kind", partial(changed_step, args=[{"module": "os"}]), "graph"),
    ("two kinds of a value", partial(changed_step, args=[{"value": "a", "float": "1"}]), "graph"),
    ("no kind of a value", partial(changed_step, args=[{}]), "graph"),
    ("a value in a list", partial(changed_step, args=[{"value": ["a"]}]), "graph"),
    ("a float in words", partial(changed_step, args=[{"float": "many"}]), "graph"),
    ("a raw float", partial(changed_step, args=[1.5]), "graph"),
    ("arguments in a mapping", partial(changed_step, args={"a": 1}), "graph"),
    ("a name in a list", partial(changed_step, name=["a"]), "graph"),
    ("a field more", partial(changed_step, code="import os"), "graph"),
    ("an operator in a list", partial(changed_step, op=["aten.add.Tensor"]), "graph"),
    ("a weight that is not there", lambda: changed_graph(lambda c: c.update(weights={"p": "nothing"})), "graph"),
    ("weights in a list", lambda: changed_graph(lambda c: c.update(weights=["a"])), "graph"),
    ("no steps", lambda: changed_graph(lambda c: c.pop("steps")), "graph"),
    ("a number of steps", lambda: changed_graph(lambda c: c.update(steps=3)), "graph"),
    ("a step in words", lambda: changed_graph(lambda c: c.update(steps=["add"])), "graph"),
    ("a module more", lambda: changed_graph(lambda c: c.update(module="os")), "graph"),
    ("a list", partial(graph_text, b"[]"), "graph"),
    ("a number", partial(graph_text, b"1"), "graph"),
    ("no JSON", partial(graph_text, b"hello"), "json-syntax"),
    ("NaN", partial(graph_text, b"[NaN]"), "json-number"),
    ("a key twice", partial(graph_text, b'{"rows": "a", "rows": "b"}'), "json-duplicate-key"),
    ("a file of torch", partial(graph_text, b"PK\x03\x04" + bytes(100)), "json-syntax"),
    ("another type of rows", partial(parameters, dtype="complex64"), "model-parameters"),
    ("another kind of outputs", partial(parameters, outputs="text"), "model-parameters"),
]  # fmt: skip

_TENSORS: list[tuple[str, Callable[[], bytes], str]] = [
    ("nothing", lambda: with_files(base(), {WEIGHTS: b""}), "tensors"),
    ("no header", lambda: with_files(base(), {WEIGHTS: bytes(3)}), "tensors"),
    ("a header that is cut", lambda: with_files(base(), {WEIGHTS: files_of(base())[WEIGHTS][:40]}), "tensors"),
    ("data that are cut", lambda: with_files(base(), {WEIGHTS: files_of(base())[WEIGHTS][:-4]}), "tensors"),
    ("data more", lambda: with_files(base(), {WEIGHTS: files_of(base())[WEIGHTS] + bytes(4)}), "tensors"),
    ("a list", partial(weights, b"[]"), "tensors"),
    ("no JSON", partial(weights, b"hello"), "json-syntax"),
    ("a name twice", partial(weights, b'{"a": {}, "a": {}}'), "json-duplicate-key"),
    ("another type", partial(changed_header, partial(first, dtype="O")), "tensors"),
    ("a type in a list", partial(changed_header, partial(first, dtype=["F32"])), "tensors"),
    ("a shape of another size", partial(changed_header, partial(first, shape=[7])), "tensors"),
    ("a shape that overflows", partial(changed_header, partial(first, shape=[2**39, 2**39])), "tensors"),
    ("a shape beyond all", partial(changed_header, partial(first, shape=[2**62, 2**62])), "tensors"),
    ("a negative shape", partial(changed_header, partial(first, shape=[-1, -4])), "tensors"),
    ("a true shape", partial(changed_header, partial(first, shape=[True])), "tensors"),
    ("a shape of 17 sizes", partial(changed_header, partial(first, shape=[1] * 17)), "tensors"),
    ("places in words", partial(changed_header, partial(first, data_offsets=["0", "4"])), "tensors"),
    ("three places", partial(changed_header, partial(first, data_offsets=[0, 4, 8])), "tensors"),
    ("an overlap", partial(changed_header, partial(first, data_offsets=[4, 8])), "tensors"),
    ("a hole", partial(changed_header, shifted), "tensors"),
    ("places beyond the end", partial(changed_header, partial(first, data_offsets=[0, 2**39])), "tensors"),
    ("a field more", partial(changed_header, partial(first, code="import os")), "tensors"),
    ("metadata", partial(changed_header, lambda h: h.update(__metadata__={"format": "pt"})), "tensors"),
]  # fmt: skip

_LIMITS: list[tuple[str, Callable[[], bytes], str]] = [
    ("20,001 steps", partial(steps, 20_001), "too-many-steps"),
    ("a pickle", lambda: with_files(base(), {WEIGHTS: b"\x80\x02}q\x00." + bytes(20)}), "tensor-header-size"),
    ("arguments of 20 levels", lambda: changed_step(args=[nested(20)]), "json-depth"),
    ("a deep graph", partial(graph_text, b"[" * 100_000), "json-depth"),
    ("a header of 2**40 bytes", lambda: with_files(base(), {WEIGHTS: struct.pack("<Q", 2**40)}), "tensor-header-size"),
    ("a header of 1.1 MiB", lambda: weights(b" " * 1_150_000), "tensor-header-size"),
    ("10,001 tensors", lambda: weights(many(10_001)), "too-many-tensors"),
    ("1,000,000 tensors", lambda: weights(many(1_000_000)), "tensor-header-size"),
    ("a deep header", partial(weights, b"[" * 10_000), "json-depth"),
]


def rejected() -> Iterator[Rejected]:
    """Yield packages of torch models that must be refused."""
    for operator in _OPERATORS:
        make = partial(changed_step, op=operator)
        yield Rejected(f"operator {operator!r}", make, MalformedModel, "untrusted-operator")
    tables: list[tuple[type[BundleError], list[tuple[str, Callable[[], bytes], str]]]] = [
        (MalformedModel, _GRAPHS),
        (MalformedModel, _TENSORS),
        (LimitExceeded, _LIMITS),
    ]
    for error, table in tables:
        part = "weights" if table is _TENSORS else "graph"
        for what, make, code in table:
            yield Rejected(f"{part}: {what}", make, error, code)
