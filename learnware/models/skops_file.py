"""Files of the skops format: audited before skops reads them, and the same bytes for the same model.

A skops file is a zip of one JSON tree that names types and of arrays without pickles. What is allowed in it is decided
by us (`learnware.models.skops_audit`), before skops sees it. Files are rewritten on saving: skops names
arrays by memory addresses and random ids, which here become numbers in order of appearance.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from learnware.errors import BundleError, MalformedModel, UnsupportedModel
from learnware.limits import LIMITS
from learnware.models.bounds import check_bounds, parts_of
from learnware.models.skops_audit import FILE, SCHEMA, audit, nodes_of, untrusted_types
from learnware.models.vocabularies import refuse_files, refuse_functions, unpack_vocabularies, with_packed_vocabularies

# Nothing refers to these by identity, so their ids only record how Python happened to share them.
_WITHOUT_IDENTITY = {"FunctionNode", "JsonNode", "SliceNode", "TypeNode"}
# One process and one thread, whatever the developer's machine allowed.
_ALONE = {"n_jobs": None, "n_threads": 1, "_n_threads": 1}


def dumps(model: Any) -> bytes:
    """Return a skops file of `model`, the same bytes for the same model.

    Raises
    ------
    UnsupportedModel
        Some part of it is not on the trusted list, named in the message.
    """
    import skops.io

    refuse_functions(model)
    model = with_packed_vocabularies(model)
    try:
        raw = skops.io.dumps(model)
    except Exception as error:
        raise UnsupportedModel(
            f"{type(model).__name__} cannot be stored without pickle: {error} Use estimators of scikit-learn itself."
        ) from error
    schema, arrays = _unpacked(raw)
    untrusted = sorted(set(untrusted_types(nodes_of(schema))))
    if untrusted:
        raise UnsupportedModel(_refusal(model, untrusted))
    packed = _packed(schema, _canonical(schema, arrays))
    try:
        audit(packed)
    except BundleError as error:
        raise UnsupportedModel(f"{type(model).__name__} cannot be stored: {error}") from error
    return packed


def loads(data: bytes) -> Any:
    """Build the estimator of a skops file; it starts no processes or threads of its own.

    Raises
    ------
    MalformedModel
        The file is damaged, or holds a type that is not trusted.
    LimitExceeded
        It has too many parts.
    """
    import skops.io

    # Skops compares each node with this short list of types, all of them trusted.
    trusted = list(audit(data).types)
    try:
        model = skops.io.loads(data, trusted=trusted)
        check_bounds(model)
        refuse_files(model)
        _run_alone(model)
        # Last, since whoever walks through the parts would look at every word.
        unpack_vocabularies(model)
    except BundleError:
        raise
    except Exception as error:
        raise MalformedModel(
            f"The scikit-learn model cannot be read: {_brief(error)}. Fetch it again, or tell its developer.",
            code="model-damaged",
            file=FILE,
        ) from error
    return model


def _run_alone(model: Any) -> None:
    for part in parts_of(model):
        attributes = getattr(part, "__dict__", {})
        attributes.update({name: value for name, value in _ALONE.items() if name in attributes})


def rewritten(data: bytes) -> bytes:
    """Return a file that ``skops.io`` wrote in the form that `loads` takes; nothing is built or checked here.

    Raises
    ------
    MalformedModel
        It is no such file.
    """
    try:
        schema, arrays = _unpacked(data)
        return _packed(schema, _canonical(schema, arrays))
    except Exception as error:  # the file may hold anything
        raise MalformedModel(
            f"The file cannot be read as skops writes them: {_brief(error)}. Write it with skops.io.dump.",
            code="skops-archive",
        ) from error


def _unpacked(data: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        total = sum(entry.file_size for entry in archive.infolist())
        if total > LIMITS["archive-unpacked-bytes"]:
            raise ValueError(f"it unpacks to {total:,} bytes, more than {LIMITS['archive-unpacked-bytes']:,}")
        schema = json.loads(archive.read(SCHEMA))
        return schema, {name: archive.read(name) for name in archive.namelist() if name != SCHEMA}


def _canonical(schema: dict[str, Any], arrays: dict[str, bytes]) -> dict[str, bytes]:
    """Rewrite ids, file names and sets in place; return the arrays under their new names."""
    nodes = list(nodes_of(schema))
    for node in nodes:
        if node.get("__loader__") in _WITHOUT_IDENTITY:
            node.pop("__id__", None)
        if node.get("__loader__") == "ObjectNode" and isinstance(node["content"], dict):
            _write_alone(node["content"].get("content"))
        # A vectorizer keeps the address of its stop words, to warn about them once.
        forgotten = node["content"].get("_stop_words_id") if node.get("__loader__") == "DictNode" else None
        if forgotten is not None:
            forgotten["content"] = "0"
        if node.get("__loader__") == "SetNode":
            node["content"].sort(key=lambda item: json.dumps(item, sort_keys=True))
    numbers: dict[Any, int] = {}
    names: dict[str, str] = {}
    for node in nodes_of(schema):
        if "__id__" in node:
            node["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
        if "__loader__" in node and isinstance(node.get("file"), str):
            suffix = Path(node["file"]).suffix
            node["file"] = names.setdefault(node["file"], f"{len(names)}{suffix}")
    return {names[name]: _without_padding(content) for name, content in arrays.items() if name in names}


def _write_alone(attributes: Any) -> None:
    for name in _ALONE.keys() & set(attributes if isinstance(attributes, dict) else ()):
        single = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode"}
        attributes[name] = {**single, "content": json.dumps(_ALONE[name]), "is_json": True}


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
        for name, content in [(SCHEMA, text), *arrays.items()]:
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
