"""Files of scikit-learn models with one thing changed."""

from __future__ import annotations

import copy
import functools
import io
import json
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import skops.io
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.svm import SVC

from learnware.models.skops_audit import nodes_of
from learnware.models.skops_file import rewritten
from tests.bundle.corpus.bases import X, Y, files_of, of_texts, packed, plain, with_files

FILE = "model/model.skops"
Files = dict[str, bytes]


def unzipped(data: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: Files | list[tuple[str, bytes]], **options: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Duplicate name")
        for name, content in files.items() if isinstance(files, dict) else files:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, options.get("compression"))
    return buffer.getvalue()


def with_model(data: bytes, base: bytes | None = None) -> bytes:
    """Return a package with other bytes for its model."""
    return with_files(base or plain(), {FILE: data})


def changed_files(change: Callable[[Files], Any], base: bytes | None = None) -> bytes:
    """Return a package whose skops file has other entries."""
    base = base or plain()
    files = unzipped(files_of(base)[FILE])
    change(files)
    return with_model(zipped(files), base)


def changed_schema(change: Callable[[dict[str, Any]], Any], base: bytes | None = None) -> bytes:
    """Return a package whose skops file describes another model."""

    def apply(files: Files) -> None:
        schema = json.loads(files["schema.json"])
        change(schema)
        files["schema.json"] = json.dumps(schema).encode()

    return changed_files(apply, base)


def with_extra(node: Any) -> bytes:
    """Return a package with a node more among the attributes of its model."""

    def apply(schema: dict[str, Any]) -> None:
        attributes = schema["content"]
        attributes["content"]["extra"] = node
        attributes["key_types"]["content"].append(copy.deepcopy(attributes["key_types"]["content"][0]))

    return changed_schema(apply)


def node(loader: str, name: str, **more: Any) -> dict[str, Any]:
    module, _, cls = name.rpartition(".")
    return {"__loader__": loader, "__module__": module, "__class__": cls, **more}


def listed(*items: Any) -> dict[str, Any]:
    return node("ListNode", "builtins.list", content=list(items))


def value(content: Any) -> dict[str, Any]:
    return node("JsonNode", "builtins.str", content=content, is_json=True)


@functools.cache
def base_of(kind: str) -> bytes:
    """Return a package of a model of some kind."""
    models: dict[str, Any] = {
        "forest": RandomForestClassifier(2, max_depth=3, random_state=0),
        "boosting": GradientBoostingClassifier(n_estimators=2, random_state=0),
        "histogram": HistGradientBoostingClassifier(max_iter=2, random_state=0),
        "kd_tree": KNeighborsClassifier(algorithm="kd_tree"),
        "ball_tree": KNeighborsClassifier(algorithm="ball_tree"),
        "vectors": SVC(),
        "function": make_pipeline(FunctionTransformer(np.cbrt), LogisticRegression()),
        "codes": make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()),
    }
    rows = X.round(0) if kind == "codes" else X
    return packed(models[kind].fit(rows, Y), rows)


def sparse() -> bytes:
    return packed(LogisticRegression().fit(X, Y).sparsify())


def with_arrays(kind: str, change: Callable[[Any], Any]) -> bytes:
    """Return a package with one change made to each of the arrays of its model."""

    def apply(files: Files) -> None:
        for name in [name for name in files if name.endswith(".npy")]:
            array = np.load(io.BytesIO(files[name]))
            changed = change(array)
            buffer = io.BytesIO()
            np.save(buffer, array if changed is None else changed)
            files[name] = buffer.getvalue()

    return changed_files(apply, base_of(kind))


def field(name: str, number: int, place: int = 0) -> Callable[[Any], None]:
    def change(array: Any) -> None:
        if array.dtype.names and name in array.dtype.names:
            array[name][place] = number

    return change


def first_array(change: Callable[[bytes], bytes]) -> bytes:
    return changed_files(lambda files: files.update({"0.npy": change(files["0.npy"])}))


def array_of(header: str, data: bytes = b"") -> bytes:
    text = header.encode() + b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def doubling(depth: int) -> dict[str, Any]:
    """Lists of a list twice, the second time by its identity only: small, but endless to walk."""
    inner = listed(value("1"))
    for i in range(depth):
        inner["__id__"] = 1000 + i
        short = node("ListNode", "builtins.list", content=[], __id__=1000 + i)
        inner = listed(inner, short)
    return inner


def sparse_changed(change: Callable[[dict[str, Any]], Any], **options: Any) -> bytes:
    """Return a package whose sparse matrix has other parts."""
    base = sparse()

    def apply(files: Files) -> None:
        name = next(name for name in files if name.endswith(".npz"))
        parts = dict(np.load(io.BytesIO(files[name])))
        change(parts)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **parts)
        files[name] = buffer.getvalue()

    return changed_files(apply, base)


def nested_zip(content: bytes) -> bytes:
    def apply(files: Files) -> None:
        name = next(name for name in files if name.endswith(".npz"))
        files[name] = content

    return changed_files(apply, sparse())


def another_array(parts: dict[str, Any], name: str, place: int, number: int) -> None:
    parts[name][place] = number


def rename_first(schema: dict[str, Any], loader: str, **changes: Any) -> None:
    next(node for node in nodes_of(schema) if node.get("__loader__") == loader).update(changes)


def with_vocabulary(content: Any) -> bytes:
    """Return a package of texts whose words are written as these bytes, or this array."""
    array = np.frombuffer(content, dtype=np.uint8) if isinstance(content, bytes) else content

    def apply(files: Files) -> None:
        name = next(name for name, data in files.items() if b"word1" in data and name.endswith(".npy"))
        buffer = io.BytesIO()
        np.save(buffer, array)
        files[name] = buffer.getvalue()

    return changed_files(apply, of_texts())


def with_mapped_words(columns: list[int]) -> bytes:
    """Return a package of texts whose words are mapped to these columns, as skops itself writes a mapping."""
    vectorizer = TfidfVectorizer().fit(["aa bb cc dd ee"])
    model = make_pipeline(vectorizer, MultinomialNB().fit(np.eye(5), range(5)))
    vectorizer.vocabulary_ = dict(zip(["aa", "bb", "cc", "dd", "ee"], columns, strict=True))
    return with_model(rewritten(skops.io.dumps(model)), of_texts())


def of_file_names() -> bytes:
    """Return a package of texts whose model takes them for names of files."""
    vectorizer = TfidfVectorizer().fit(["aa bb cc dd ee"])
    model = make_pipeline(vectorizer, MultinomialNB().fit(np.eye(5), range(5)))
    vectorizer.input = "filename"
    return with_model(rewritten(skops.io.dumps(model)), of_texts())


def escaped(n: int) -> bytes:
    """Return a package of so many further parts, which do not look like parts until their text is read."""
    base = with_extra(listed(*[listed()] * n))

    def apply(files: Files) -> None:
        files["schema.json"] = files["schema.json"].replace(b'"__loader__"', b'"__loader\\u005f_"')

    return changed_files(apply, base)


def deep(n: int) -> dict[str, Any]:
    inner = listed()
    for _ in range(n):
        inner = listed(inner)
    return inner
