"""The loop of a worker: load models, call their methods, drop them."""

from __future__ import annotations

import errno
import mmap
from typing import Any

from . import code, stored
from .answers import NotAnArray, as_array
from .arrays import Packer
from .serve import Channel
from .tables import take_table

_LONGEST_MESSAGE = 2000
# A mapping of more than this is made for one answer and given up again.
_KEPT = 64 * 2**20
#: Errors of the package that keep their kind on the way to the parent.
_KNOWN = (
    "LimitExceeded",
    "MalformedModel",
    "ChecksumMismatch",
    "UnreachableFile",
    "BundleError",
    "MissingDependency",
)


class Memory:
    """Where arguments come from and answers go to: shared memory, or the channel itself where there is none."""

    def __init__(self, channel: Channel, settings: dict[str, Any]) -> None:
        self._channel = channel
        self._input, self._output = settings["input"], settings["output"]
        self._kept: Any = None

    def arguments(self, message: dict[str, Any], *, own: bool) -> list[Any]:
        """Return the tables of a message; in memory of their own if they may be kept."""
        n_bytes = message["nbytes"]
        memory: Any = b""
        if self._input is None:
            memory = bytearray(self._channel.receive(n_bytes))
        elif n_bytes:
            memory = mmap.mmap(self._input, n_bytes, flags=mmap.MAP_PRIVATE)
            memory = bytearray(memory) if own else memory
        return [take_table(header, memory) for header in message["arguments"]]

    def pack(self, answer: Any, limit: int) -> tuple[dict[str, Any], bytes]:
        """Put an answer where the parent finds it; return its header and what must follow the frame."""
        packer = Packer()
        header = packer.add(answer)
        if packer.nbytes > limit:
            raise NotAnArray(f"must answer with at most {limit} bytes; its answer has {packer.nbytes}")
        if self._output is None:
            payload = bytearray(packer.nbytes)
            packer.write(payload)
            return header, bytes(payload)
        if packer.nbytes:
            packer.write(self._mapped(packer.nbytes))
        return header, b""

    def _mapped(self, n_bytes: int) -> Any:
        if n_bytes > _KEPT:
            return mmap.mmap(self._output, n_bytes)
        if self._kept is None or len(self._kept) < n_bytes:
            self._kept = mmap.mmap(self._output, n_bytes)
        return self._kept


def answer_calls(channel: Channel, settings: dict[str, Any], message: dict[str, Any]) -> None:
    """Answer messages, this one first, until the parent is gone."""
    models: dict[str, Any] = {}
    memory = Memory(channel, settings)
    while True:
        for dropped in message["drop"]:
            models.pop(dropped, None)
        reply, payload = _reply(models, memory, message)
        reply["id"] = message["id"]
        channel.write(reply, payload)
        message = channel.read()


def _reply(models: dict[str, Any], memory: Memory, message: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    try:
        if message["op"] == "call":
            if message["model"] not in models:
                return {"error": {"kind": "absent", "message": ""}}, b""
            return _call(models[message["model"]], memory, message)
        models[message["model"]] = _load(message)
        return {"ok": None}, b""
    except BaseException as error:  # noqa: BLE001 - a model may raise anything, SystemExit too, and the parent is told
        is_code = message.get("kind") == "code" or isinstance(models.get(message["model"]), code.CodeModel)
        return {"error": _described(error, message["op"], is_code)}, b""


def _load(message: dict[str, Any]) -> Any:
    if message["kind"] == "code":
        return code.load(message["folder"], message["entry"])
    return stored.load(message["folder"], message["entry"], message["package"])


def _call(model: Any, memory: Memory, message: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    method = message["method"]
    # Code may keep what it is given, which shared memory would change under it.
    arguments = memory.arguments(message, own=isinstance(model, code.CodeModel))
    if not hasattr(model, method):
        raise NotAnArray(f"defines no {method}")
    answer = getattr(model, method)(*arguments)
    if method in ("fit", "finetune"):
        return {"ok": None}, b""
    header, payload = memory.pack(as_array(answer), message["limit"])
    return {"ok": header}, payload


def _described(error: BaseException, op: str, is_code: bool) -> dict[str, Any]:
    text = str(error)[:_LONGEST_MESSAGE]
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return {"kind": "memory", "message": text}
    if isinstance(error, NotAnArray):
        return {"kind": "answer", "message": text}
    if isinstance(error, code.Unreadable):
        return {"kind": "unreadable", "message": text}
    # Code may name its own errors as ours are.
    for kind in () if is_code else type(error).__mro__:
        if kind.__module__ == "learnware.errors" and kind.__name__ in _KNOWN:
            return {"kind": kind.__name__, "message": text, "code": getattr(error, "code", "model-damaged")}
    described = {"kind": "raised", "message": f"{type(error).__name__}: {text}"}
    if op == "load" and not is_code:
        described["kind"] = "unreadable"
    elif op == "load":
        described["kind"] = "import" if isinstance(error, ImportError) else "broken"
    return described
