"""A torch module as data: the list of tensor operations that it performs.

``torch.export`` runs a module on symbolic rows and records ATen operators, so the author's source code is not needed
any more. Its own file format is not used, because reading it evaluates text and may unpickle; here the operations are
written as plain JSON and are carried out one after another by `Graph`, each looked up in a fixed list.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from learnware import _strict_json as strict_json
from learnware.errors import BundleError, LimitExceeded, MalformedModel, UnsupportedModel
from learnware.limits import LIMITS
from learnware.models.operators import PYTHON, find_operator

_FILE = "graph.json"
# Checks that the recorder adds; nothing depends on them.
_CHECKS = ("aten._assert", "aten.sym_constrain_range", "aten._functional_assert")
_NAMED_VALUES = ("dtype", "layout", "memory_format", "device")


class Graph:
    """Operations and weights, runnable on a batch of rows.

    Parameters
    ----------
    content : dict
        What `record` returned.
    tensors : mapping of str to Tensor
        The weights.

    Raises
    ------
    BundleError
        An operation is not allowed, or refers to what is not there.
    """

    def __init__(self, content: Any, tensors: Mapping[str, Any]) -> None:
        try:
            _check_form(content)
            self._rows, self._output = content["rows"], content["output"]
            self._start = {name: tensors[key] for name, key in content["weights"].items()}
            self._steps = [_step(step) for step in content["steps"]]
            self._check_references()
        except BundleError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _damaged(f"they are not of the known form ({error!r:.200})") from error
        self._last_use = {name: i for i, step in enumerate(self._steps) for name in step[3]}

    def _check_references(self) -> None:
        known = {self._rows, *self._start}
        for name, _, _, used in self._steps:
            if not used <= known or name in known:
                raise _damaged("one takes a value that none before it gives", "graph-reference")
            known.add(name)
        if self._output not in known:
            raise _damaged("their output is none of their values", "graph-reference")

    def __call__(self, rows: Any) -> Any:
        """Return the output tensor for a tensor of rows."""
        import torch

        values = {**self._start, self._rows: rows}
        with torch.no_grad():
            for i, (name, function, arguments, used) in enumerate(self._steps):
                args, kwargs = arguments(values)
                values[name] = function(*args, **kwargs)
                # Intermediate results are dropped when nothing needs them any more.
                for past in used:
                    if self._last_use[past] == i and past != self._output:
                        del values[past]
        return values[self._output]


def record(module: Any, rows: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the operations of a module, for any number of rows, and its weights.

    Raises
    ------
    UnsupportedModel
        The module branches on values, depends on the number of rows, or uses an operator that is not allowed.
    """
    exported = _exported(module, rows)
    signature = exported.graph_signature
    sources = {spec.arg.name: spec.target for spec in signature.input_specs if spec.target is not None}
    stored = {**exported.constants, **exported.state_dict}
    outputs = [spec.arg.name for spec in signature.output_specs if spec.kind.name == "USER_OUTPUT"]
    inputs = list(signature.user_inputs)
    if len(outputs) != 1 or len(inputs) != 1:
        raise UnsupportedModel(f"A module must turn one tensor into one tensor. Got {len(outputs)} outputs.")
    steps = [_encoded_node(node) for node in _kept(exported.graph_module.graph)]
    used = {name for step in steps for name in _references([step["args"], step["kwargs"]])} | {outputs[0]}
    weights = {name: key for name, key in sources.items() if name in used}
    content = {"rows": inputs[0], "weights": weights, "steps": steps, "output": outputs[0]}
    return content, {key: stored[key] for key in sorted(set(weights.values()))}


def last_operator(content: Mapping[str, Any]) -> str:
    """Return the name of the operator whose result is the output, such as ``"softmax"``."""
    return next((s["op"].split(".")[1] for s in content["steps"] if s["name"] == content["output"]), "")


def _exported(module: Any, rows: Any) -> Any:
    import torch

    try:
        with _silenced(), torch.no_grad():
            batch = torch.export.Dim("batch", min=1)
            exported = torch.export.export(module, (rows,), dynamic_shapes=({0: batch},))
            return exported.run_decompositions({})
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UnsupportedModel(
            f"{type(module).__name__} cannot be recorded as tensor operations for any number of rows: {reason} "
            "Its forward must work on tensors only, and neither branch on their values nor fix the number of rows."
        ) from error


@contextmanager
def _silenced() -> Iterator[None]:
    # The recorder warns of its own workings, and logs what is raised anyway.
    logger = logging.getLogger("torch.fx.experimental.symbolic_shapes")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _kept(graph: Any) -> Iterator[Any]:
    for node in graph.nodes:
        if node.op == "call_function" and not str(node.target).startswith(_CHECKS):
            yield node


def _encoded_node(node: Any) -> dict[str, Any]:
    name = _operator_name(node.target)
    if find_operator(name) is None:
        raise UnsupportedModel(
            f"The module uses the operator {name}, which stored modules may not. Replace it by common torch functions; "
            "random numbers, custom operators and operations in place are not possible."
        )
    kwargs = {key: _encoded(value) for key, value in node.kwargs.items()}
    return {"name": node.name, "op": name, "args": [_encoded(value) for value in node.args], "kwargs": kwargs}


def _operator_name(target: Any) -> str:
    name = str(getattr(target, "__name__", target))
    return f"operator.{name}" if PYTHON.get(name) is target else str(target)


def _encoded(value: Any) -> Any:
    import torch
    from torch.fx import Node

    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return {"float": repr(value)}
    if isinstance(value, Node):
        return {"value": value.name}
    if isinstance(value, list | tuple):
        return [_encoded(item) for item in value]
    kinds = (torch.dtype, torch.layout, torch.memory_format, torch.device)
    for kind, cls in zip(_NAMED_VALUES, kinds, strict=True):
        if isinstance(value, cls):
            return {kind: str(value).removeprefix("torch.")}
    raise UnsupportedModel(f"The module passes a {type(value).__name__} to an operator, which cannot be stored.")


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"value"}:
            yield value["value"]
        else:
            for item in value.values():
                yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


Arguments = Callable[[Mapping[str, Any]], tuple[list[Any], dict[str, Any]]]


def _step(step: Mapping[str, Any]) -> tuple[str, Callable[..., Any], Arguments, frozenset[str]]:
    function = find_operator(step["op"])
    if function is None:
        raise MalformedModel(
            f"The torch module uses the operator {step['op']!r:.100}, which is not allowed. Ask its developer for "
            "one of common operators.",
            code="untrusted-operator",
            file=_FILE,
        )
    args, kwargs = (
        [_decoder(value) for value in step["args"]],
        {k: _decoder(v) for k, v in step["kwargs"].items()},
    )

    def arguments(values: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        return [decode(values) for decode in args], {key: decode(values) for key, decode in kwargs.items()}

    used = frozenset(_references([step["args"], step["kwargs"]]))
    return step["name"], function, arguments, used


def _decoder(value: Any) -> Callable[[Mapping[str, Any]], Any]:
    """Return what looks up or restores one argument."""
    if value is None or isinstance(value, bool | int | str):
        return lambda values: value
    if isinstance(value, list):
        items = [_decoder(item) for item in value]
        return lambda values: [decode(values) for decode in items]
    [(kind, name)] = value.items()
    if kind == "value":
        return lambda values: values[name]
    restored = float(name) if kind == "float" else _named_value(kind, name)
    return lambda values: restored


def _named_value(kind: str, name: str) -> Any:
    import torch

    if kind == "device":
        return torch.device("cpu")
    found = getattr(torch, name, None)
    if kind not in _NAMED_VALUES or not isinstance(found, getattr(torch, kind)):
        raise ValueError(f"{name!r} is no {kind}")
    return found


def to_json(content: Mapping[str, Any]) -> bytes:
    """Return the operations as JSON text."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode()


def from_json(text: bytes) -> Any:
    """Read the operations from JSON text; `MalformedModel` or `LimitExceeded` if that is not possible."""
    return strict_json.parse(text, _no_json, max_bytes=LIMITS["graph-bytes"], max_depth=LIMITS["graph-depth"])


def _check_form(content: Any) -> None:
    if set(content) != {"rows", "weights", "steps", "output"} or not isinstance(content["steps"], list):
        raise ValueError("a graph has rows, weights, steps and an output")
    if len(content["steps"]) > LIMITS["graph-steps"]:
        raise _beyond(f"there are {len(content['steps']):,} of them", "too-many-steps")
    names = [content["rows"], content["output"], *content["weights"], *(step["name"] for step in content["steps"])]
    if not set(map(type, names)) <= {str}:
        raise TypeError("names are text")
    for step in content["steps"]:
        if set(step) != {"name", "op", "args", "kwargs"}:
            raise ValueError("a step has a name, an operator and arguments")
        if not isinstance(step["args"], list) or not isinstance(step["kwargs"], dict):
            raise TypeError("arguments are a list and a mapping")


def _no_json(reason: str, code: str) -> BundleError:
    return _beyond(reason, code) if code in ("json-size", "json-depth") else _damaged(reason, code)


def _damaged(reason: str, code: str = "graph") -> BundleError:
    return MalformedModel(
        f"The operations of the torch module are damaged: {reason}. Fetch it again, or tell its developer.",
        code=code,
        file=_FILE,
    )


def _beyond(reason: str, code: str) -> BundleError:
    return LimitExceeded(
        f"The operations of the torch module are beyond the limits: {reason}. `learnware limits` lists them: use a "
        "smaller module.",
        code=code,
        file=_FILE,
    )
