"""Files of the skops format: audited before skops reads them, and the same bytes for the same model.

A skops file is a zip of one JSON tree that names types and of arrays without pickles. What is allowed in the tree is
decided by our own list (`learnware.models.trusted`), before skops sees it. Files are rewritten on saving: skops names
arrays by memory addresses and random ids, which here become numbers in order of appearance.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from learnware.errors import BundleError, UnsupportedModel
from learnware.models.bounds import check_bounds
from learnware.models.trusted import TRUSTED

_SCHEMA = "schema.json"
# Older protocols read types from other places of the tree than the audit looks at.
_PROTOCOL = 2
# Nothing refers to these by identity, so their ids only record how Python happened to share them.
_WITHOUT_IDENTITY = {"FunctionNode", "JsonNode", "SliceNode", "TypeNode"}


def dumps(model: Any) -> bytes:
    """Return a skops file of `model`, the same bytes for the same model.

    Raises
    ------
    UnsupportedModel
        Some part of it is not on the trusted list, named in the message.
    """
    import skops.io

    try:
        raw = skops.io.dumps(model)
    except Exception as error:
        raise UnsupportedModel(
            f"{type(model).__name__} cannot be stored without pickle: {error} Use estimators of scikit-learn itself."
        ) from error
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        schema = json.loads(archive.read(_SCHEMA))
        untrusted = sorted(set(_untrusted(schema)))
        if untrusted:
            raise UnsupportedModel(_refusal(model, untrusted))
        arrays = {name: archive.read(name) for name in archive.namelist() if name != _SCHEMA}
    return _packed(schema, _canonical(schema, arrays))


def loads(data: bytes) -> Any:
    """Build the estimator of a skops file.

    Raises
    ------
    BundleError
        The file is damaged, or holds a type that is not trusted.
    """
    import skops.io

    try:
        model = skops.io.loads(data, trusted=_audited(data))
        check_bounds(model)
    except BundleError:
        raise
    except Exception as error:
        raise BundleError(f"The scikit-learn model cannot be read: {_brief(error)}", code="model") from error
    return model


def _audited(data: bytes) -> list[str]:
    """Return the types of the file, all of them trusted; skops compares each node with this short list."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        # Stored entries of no more bytes than the file has leave nothing to inflate or to read twice.
        plain = all(e.compress_type == zipfile.ZIP_STORED for e in entries)
        if (
            not plain
            or len({e.filename for e in entries}) < len(entries)
            or sum(e.file_size for e in entries) > len(data)
        ):
            raise BundleError("The skops file was not written by this library.", code="model")
        schema = json.loads(archive.read(_SCHEMA))
    if not isinstance(schema, dict) or schema.get("protocol") != _PROTOCOL:
        raise BundleError("The skops file is of a protocol that this version does not read.", code="model")
    untrusted = sorted(set(_untrusted(schema)))
    if untrusted:
        raise BundleError(f"The model holds types that are not trusted: {', '.join(untrusted[:5])}.", code="untrusted")
    return sorted({_type_name(node) for node in _nodes(schema) if "__loader__" in node})


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping of the tree, children after parents, in order of appearance."""
    stack = [schema]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            yield value
            stack.extend(reversed(list(value.values())))
        elif isinstance(value, list):
            stack.extend(reversed(value))


def _type_name(node: dict[str, Any]) -> str:
    return f"{node.get('__module__')}.{node.get('__class__')}"


def _untrusted(schema: Any) -> Iterator[str]:
    for node in _nodes(schema):
        loader = node.get("__loader__")
        if loader is None:
            continue
        name = _type_name(node)
        trusted = isinstance(loader, str) and name in TRUSTED.get(loader, ())
        if trusted and loader == "PartialNode":
            trusted = node["content"]["func"].get("__loader__") == "FunctionNode"
        if not trusted:
            yield name


def _canonical(schema: dict[str, Any], arrays: dict[str, bytes]) -> dict[str, bytes]:
    """Rewrite ids, file names and sets in place; return the arrays under their new names."""
    nodes = list(_nodes(schema))
    for node in nodes:
        if node.get("__loader__") in _WITHOUT_IDENTITY:
            node.pop("__id__", None)
        # A vectorizer keeps the address of its stop words, to warn about them once.
        forgotten = node["content"].get("_stop_words_id") if node.get("__loader__") == "DictNode" else None
        if forgotten is not None:
            forgotten["content"] = "0"
        if node.get("__loader__") == "SetNode":
            node["content"].sort(key=lambda item: json.dumps(item, sort_keys=True))
    numbers: dict[Any, int] = {}
    names: dict[str, str] = {}
    for node in _nodes(schema):
        if "__id__" in node:
            node["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
        if "__loader__" in node and isinstance(node.get("file"), str):
            suffix = Path(node["file"]).suffix
            node["file"] = names.setdefault(node["file"], f"{len(names)}{suffix}")
    return {names[name]: _without_padding(content) for name, content in arrays.items() if name in names}


def _without_padding(content: bytes) -> bytes:
    """Zero what a compiled struct leaves undefined: gaps between fields, and a leaf's branch for missing values."""
    if not content.startswith(b"\x93NUMPY") or b"'descr': [" not in content[:64]:
        return content
    array = np.load(io.BytesIO(content), allow_pickle=False)
    clean = np.zeros(array.shape, dtype=array.dtype)
    for name in array.dtype.names:
        clean[name] = array[name]
    if "missing_go_to_left" in array.dtype.names and "left_child" in array.dtype.names:
        clean["missing_go_to_left"][array["left_child"] == -1] = 0
    buffer = io.BytesIO()
    np.save(buffer, clean, allow_pickle=False)
    return buffer.getvalue()


def _packed(schema: dict[str, Any], arrays: dict[str, bytes]) -> bytes:
    text = json.dumps(schema, separators=(",", ":"), ensure_ascii=False).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in [(_SCHEMA, text), *arrays.items()]:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()


def _refusal(model: Any, untrusted: list[str]) -> str:
    listed = ", ".join(untrusted[:8]) + (f" and {len(untrusted) - 8} more" if len(untrusted) > 8 else "")
    functions = any("lambda" in name or name.startswith("__main__.") for name in untrusted)
    advice = (
        "Code of your own cannot travel with a model: replace functions, lambdas and classes of your own by "
        "transformers of scikit-learn, or apply them to X before the pipeline."
        if functions
        else "Use classifiers, regressors and transformers of scikit-learn itself, without functions as parameters "
        "(a FunctionTransformer may hold element-wise numpy functions such as numpy.log1p)."
    )
    return f"{type(model).__name__} holds parts that cannot be stored safely: {listed}. {advice}"


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"
