"""What a skops file may hold, decided by us before skops sees it.

The zip must be one row of stored entries, its tree plain JSON of bounded size, every node of a trusted type, and every
array of just the bytes that its header promises. Two nodes of one identity must be the same: skops takes the first for
both, so a short stand-in could otherwise pass for another type, or make its work grow without bound.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from learnware import _strict_json as strict_json
from learnware._zip import STORED, Entry, read_entries
from learnware.errors import BundleError, LimitExceeded, MalformedModel
from learnware.limits import LIMITS
from learnware.models.trusted import FOLLOWS_POSITIONS, TRUSTED

SCHEMA = "schema.json"
FILE = "model.skops"
# Older protocols read types from other places of the tree than the audit looks at.
PROTOCOL = 2

_NAME = re.compile(r"[0-9]{1,9}\.(bin|npy|npz)")
_READERS = {"NdArrayNode": ".npy", "SparseMatrixNode": ".npz", "BytesNode": ".bin"}
_SPARSE_PARTS = {f"{name}.npy" for name in ("data", "format", "indices", "indptr", "shape", "_is_array")}


@dataclass(frozen=True)
class Audit:
    """What was found in a sound file.

    Parameters
    ----------
    types : tuple of str
        Names of all types in it.
    follows_positions : bool
        Whether compiled code will follow positions, or trust sizes, that the file holds.
    """

    types: tuple[str, ...]
    follows_positions: bool


def audit(data: bytes) -> Audit:
    """Check a skops file without building anything from it.

    Raises
    ------
    MalformedModel
        It is damaged (code ``"skops-archive"``, ``"skops-schema"``, ``"model-damaged"`` or one of JSON), or holds a
        type that is not trusted (``"untrusted-type"``).
    LimitExceeded
        It has too many parts.
    """
    entries = {entry.name: entry for entry in _entries(data)}
    schema = _schema(_content(data, entries.pop(SCHEMA, None)))
    nodes = list(nodes_of(schema))
    untrusted = sorted(set(untrusted_types(nodes)))
    if untrusted:
        raise MalformedModel(
            f"The model holds types that are not trusted: {', '.join(untrusted[:5])}. Ask its developer for a model "
            "made of scikit-learn's own estimators, or run it as code, in a sandbox.",
            code="untrusted-type",
            file=FILE,
        )
    typed = [node for node in nodes if "__loader__" in node]
    # Again, since a key may be spelt with escapes.
    _check_number(len(typed))
    _check_values(typed)
    _check_identities(typed)
    _check_files(data, entries, typed)
    types = {type_name(node) for node in typed}
    followed = any(node["__loader__"] in ("SparseMatrixNode", "TreeNode") for node in typed)
    return Audit(tuple(sorted(types)), followed or not types.isdisjoint(FOLLOWS_POSITIONS))


def nodes_of(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping of the tree, children after parents, in order of appearance."""
    stack = [schema]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            yield value
            stack.extend(part for part in reversed(value.values()) if isinstance(part, dict | list))
        elif isinstance(value, list):
            stack.extend(reversed(value))


def type_name(node: dict[str, Any]) -> str:
    """Return the full name of the type that a node asks for."""
    return f"{node.get('__module__')}.{node.get('__class__')}"


def untrusted_types(nodes: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the types of nodes that are not on the trusted list."""
    for node in nodes:
        loader = node.get("__loader__")
        if loader is None:
            continue
        name = type_name(node)
        trusted = isinstance(loader, str) and name in TRUSTED.get(loader, ())
        if trusted and loader == "PartialNode":
            trusted = _partial_function(node) == "FunctionNode"
        if not trusted:
            yield name[:200]


def _partial_function(node: dict[str, Any]) -> Any:
    content = node.get("content")
    function = content.get("func") if isinstance(content, dict) else None
    return function.get("__loader__") if isinstance(function, dict) else None


def _entries(data: bytes) -> list[Entry]:
    def refuse(reason: str, code: str, file: str) -> BundleError:
        if code == "too-many-files":
            return _beyond(reason, "skops-entries")
        return _damaged(f"its zip is not one that this library writes: {reason}", "skops-archive")

    entries = read_entries(data, refuse, max_entries=LIMITS["skops-entries"], max_directory=len(data))
    names = [entry.name for entry in entries]
    odd = [name for name in names if name != SCHEMA and not _NAME.fullmatch(name)]
    if odd or len(set(names)) < len(names) or any(entry.method != STORED for entry in entries):
        raise refuse("names are odd or repeated, or an entry is compressed", "names", "")
    return entries


def _content(data: bytes, entry: Entry | None) -> bytes:
    if entry is None:
        raise _damaged("it lacks its description of the model", "skops-archive")
    return data[entry.start : entry.start + entry.size]


def _schema(text: bytes) -> dict[str, Any]:
    # Counted in the text, since building the tree is what takes time.
    _check_number(text.count(b'"__loader__"'))
    schema = strict_json.parse(
        text,
        _no_json,
        max_bytes=LIMITS["skops-schema-bytes"],
        max_depth=LIMITS["skops-depth"],
        max_values=LIMITS["skops-values"],
    )
    if not isinstance(schema, dict) or type(schema.get("protocol")) is not int or schema["protocol"] != PROTOCOL:
        raise _damaged("it is of a protocol that this version does not read", "skops-schema")
    return schema


def _check_number(n_parts: int) -> None:
    if n_parts > LIMITS["skops-nodes"]:
        raise _beyond(f"it has {n_parts:,} parts, more than {LIMITS['skops-nodes']:,}", "skops-nodes")


def _no_json(reason: str, code: str) -> BundleError:
    return _beyond(reason, code) if code in ("json-size", "json-depth") else _damaged(reason, code)


def _check_values(nodes: list[dict[str, Any]]) -> None:
    for node in nodes:
        content = node.get("content")
        # Lists and mappings have nodes of their own; these are single values.
        if node["__loader__"] == "JsonNode" and (not isinstance(content, str) or content.lstrip()[:1] in ("[", "{")):
            raise _damaged("a value is not written as a single one", "skops-schema")
        # They are numbered on saving. Others could be chosen such that mappings by identity become slow.
        identity = node.get("__id__", 0)
        if type(identity) is not int or not 0 <= identity <= LIMITS["skops-nodes"]:
            raise _damaged("an identity is no number of a part", "skops-schema")


def _check_identities(nodes: list[dict[str, Any]]) -> None:
    counts = Counter(node["__id__"] for node in nodes if "__id__" in node)
    shapes = _Shapes()
    first: dict[int, str] = {}
    for node in nodes:
        identity = node.get("__id__", 0)
        if counts[identity] > 1 and first.setdefault(identity, shapes.of(node)) != shapes.of(node):
            raise _damaged("two different parts have one identity", "skops-identity")


class _Shapes:
    """Texts that are equal for equal parts of the tree, each part looked at once.

    They are texts since nobody can foresee their hashes: of numbers, one could choose thousands of one hash.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}
        self._known: dict[int, str] = {}

    def of(self, value: Any) -> str:
        if not isinstance(value, dict | list):
            return repr(value)
        if id(value) not in self._known:
            if isinstance(value, list):
                text = "[" + ",".join([self.of(part) for part in value])
            else:
                # A state made anew each time it is asked for has arrays of its own.
                left_out = ("__id__", "file")
                parts = [f"{name!r}:{self.of(part)}" for name, part in value.items() if name not in left_out]
                text = "{" + ",".join(sorted(parts))
            self._known[id(value)] = self._numbers.setdefault(text, f"#{len(self._numbers)}")
        return self._known[id(value)]


def _check_files(data: bytes, entries: dict[str, Entry], nodes: list[dict[str, Any]]) -> None:
    wanted = {node["file"]: node["__loader__"] for node in nodes if "file" in node and isinstance(node["file"], str)}
    if set(wanted) != set(entries):
        raise _damaged("its arrays are not those that its description names", "skops-archive")
    for name, loader in wanted.items():
        if not name.endswith(_READERS.get(loader, "none")):
            raise _damaged("an array is stored in the wrong form", "skops-schema")
        content = _content(data, entries[name])
        if loader == "NdArrayNode":
            check_array(content)
        elif loader == "SparseMatrixNode":
            _check_sparse(content)


def check_array(content: bytes) -> None:
    """Check that a ``.npy`` file holds just the bytes of plain values that its header promises.

    Raises
    ------
    MalformedModel
        It does not; code ``"model-damaged"``.
    """
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, _, dtype = read(file, max_header_size=10_000)
    except Exception as error:
        raise _damaged("the header of an array cannot be read", "model-damaged") from error
    count = 1
    for size in shape:
        count *= size
    sized = all(size >= 0 for size in shape) and count * dtype.itemsize == len(content) - file.tell()
    if dtype.hasobject or not sized or (count and not dtype.itemsize):
        raise _damaged("an array is not of the size that its header says", "model-damaged")


def _check_sparse(content: bytes) -> None:
    # Scipy packs the few arrays of a matrix into a zip of its own, which is compressed.
    if content.count(b"PK\x01\x02") > 16:
        raise _damaged("a sparse matrix has too many parts", "model-damaged")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            names = [part.filename for part in parts]
            unpacked = sum(part.file_size for part in parts)
            sound = set(names) <= _SPARSE_PARTS and len(set(names)) == len(names)
            if not sound or unpacked > max(_MIB, LIMITS["entry-ratio"] * len(content)):
                raise _damaged("a sparse matrix is not one that scipy writes", "model-damaged")
            for name in names:
                check_array(archive.read(name))
    except BundleError:
        raise
    except Exception as error:
        raise _damaged("a sparse matrix cannot be read", "model-damaged") from error


_MIB = LIMITS["entry-ratio-free-bytes"]


def _damaged(reason: str, code: str) -> BundleError:
    return MalformedModel(
        f"The scikit-learn model cannot be read: {reason}. Fetch it again, or tell its developer.", code=code, file=FILE
    )


def _beyond(reason: str, code: str) -> BundleError:
    return LimitExceeded(
        f"The scikit-learn model is beyond the limits: {reason}. `learnware limits` lists them: use a smaller model.",
        code=code,
        file=FILE,
    )
