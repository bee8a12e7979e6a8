"""Manifests that are no plain YAML, or say what cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from learnware.bundle.archive import pack
from learnware.bundle.manifest import FileRecord, Manifest
from learnware.errors import (
    BundleError,
    LimitExceeded,
    MalformedArchive,
    MalformedManifest,
    MalformedModel,
)
from learnware.limits import LIMITS
from tests.bundle.corpus import Rejected
from tests.bundle.corpus.bases import (
    MANIFEST,
    changed_manifest,
    files_of,
    of_images,
    of_texts,
    plain,
    with_manifest,
)

Case = tuple[str, Callable[[], bytes], type[BundleError], str]


def manifest_plus(text: str) -> bytes:
    return with_manifest(files_of(plain())[MANIFEST] + text.encode())


def manifest_with(old: str, new: str) -> bytes:
    text = files_of(plain())[MANIFEST].decode()
    assert old in text
    return with_manifest(text.replace(old, new).encode())


_YAML: list[tuple[str, str | bytes, str]] = [
    ("empty", "", "yaml-documents"),
    ("a comment only", "# nothing\n", "yaml-documents"),
    ("two documents", "format: 2\n---\nformat: 2\n", "yaml-documents"),
    ("a directive", "%YAML 1.1\n---\nformat: 2\n", "yaml-documents"),
    ("a tag directive", "%TAG ! tag:yaml.org,2002:python/\n---\nformat: 2\n", "yaml-documents"),
    ("an object", "a: !!python/object/apply:os.system [echo]\n", "yaml-tag"),
    ("a name of Python", "a: !!python/name:os.system\n", "yaml-tag"),
    ("a tag of text", "a: !!str x\n", "yaml-tag"),
    ("a tag of its own", "a: !mine x\n", "yaml-tag"),
    ("a tag on a mapping", "!!python/dict\na: 1\n", "yaml-tag"),
    ("an anchor", "a: &x 1\n", "yaml-anchor"),
    ("an alias", "a: *x\n", "yaml-anchor"),
    ("billion laughs", "a: &a [l,l]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", "yaml-anchor"),
    ("a mapping within itself", "&a\na: *a\n", "yaml-anchor"),
    ("a key twice", "format: 2\nformat: 3\n", "yaml-duplicate-key"),
    ("a key twice, quoted", "format: 2\n'format': 3\n", "yaml-duplicate-key"),
    ("a merge", "<<: {format: 2}\n", "yaml-key"),
    ("a key that is a number", "1: a\n", "yaml-key"),
    ("a key that is a list", "? [a]\n: b\n", "yaml-key"),
    ("a key that is null", "~: b\n", "yaml-key"),
    ("17 levels", "a: " + "[" * 17 + "]" * 17 + "\n", "yaml-depth"),
    ("30,000 brackets", "[" * 30_000, "yaml-depth"),
    ("30,000 braces", "{a: " * 10_000, "yaml-depth"),
    ("10,000 dashes", "- " * 10_000 + "\n", "yaml-depth"),
    ("6000 items", "a:\n" + " - 1\n" * 6000, "yaml-items"),
    ("6000 keys", "".join(f"a{i}: 1\n" for i in range(6000)), "yaml-items"),
    ("not closed", "a: [1\n", "yaml-syntax"),
    ("a tab", "a:\n\t- b\n", "yaml-syntax"),
    ("a control character", "a: \x01\n", "yaml-syntax"),
    ("not UTF-8", b"a: \xff\xfe\n", "yaml-encoding"),
    ("UTF-16", "format: 2\n".encode("utf-16"), "yaml-encoding"),
    ("half a letter", 'a: "\\ud800"\n', "yaml-encoding"),
    ("a number beyond all", "a: 1.0e+999\n", "yaml-number"),
]


def renamed(name: str, *names: str) -> bytes:
    """Return a package of a format whose model has other files."""
    files = files_of(plain())
    content = files.pop("model/model.skops")
    files.update({f"model/{file}": content for file in names})
    manifest = Manifest.from_yaml(files.pop(MANIFEST))
    entry = replace(manifest.model, format=name, files=names)
    records = {path: FileRecord.of(part) for path, part in files.items()}
    return pack({MANIFEST: replace(manifest, files=records, model=entry).to_yaml(), **files})


_FILES: dict[str, Callable[[], bytes]] = {
    f"{name} with {' and '.join(names)}": partial(renamed, name, *names)
    for name, *names in (
        ("skops", "other.skops"), ("skops", "model.skops", "more.bin"), ("onnx", "model.bin"), ("torch", "graph.json"),
        ("lightgbm", "model.json"), ("xgboost", "model.txt"), ("python", "f0"), ("python", "paths.json", "f1"),
    )
}  # fmt: skip


_OF_TEXTS: list[tuple[str, dict[str, Any], str]] = [
    ("of two columns", {"columns": 2}, "manifest-field"),
    ("of a true column", {"columns": True}, "manifest-field"),
    ("with a shape", {"shape": []}, "manifest-unknown-field"),
    ("with categories", {"categorical": ["0"]}, "manifest-field"),
    ("as something else", {"as": "sounds"}, "manifest-field"),
    ("as a list", {"as": ["texts"]}, "manifest-field"),
]
_OF_IMAGES: list[tuple[str, dict[str, Any], str]] = [
    ("of another shape", {"shape": [3, 4, 6]}, "manifest-field"),
    ("of one size", {"shape": [60]}, "manifest-field"),
    ("of four sizes", {"shape": [1, 3, 4, 5]}, "manifest-field"),
    ("of negative sizes", {"shape": [-3, -4, 5]}, "manifest-field"),
    ("of sizes in words", {"shape": ["3", 4, 5]}, "manifest-field"),
    ("of true sizes", {"shape": [True, 12, 5]}, "manifest-field"),
    ("of sizes in a text", {"shape": "345"}, "manifest-field"),
    ("of complex pixels", {"pixels": "complex"}, "manifest-field"),
    ("of pixels in a list", {"pixels": ["int"]}, "manifest-field"),
    ("with categories", {"categorical": ["0"]}, "manifest-field"),
    ("as texts", {"as": "texts"}, "manifest-unknown-field"),
]


def _with_inputs(base: Callable[[], bytes], new: dict[str, Any]) -> bytes:
    return changed_manifest(lambda content: content["inputs"].update(new), base())


def _manifests() -> Iterator[Case]:
    wrong = MalformedManifest
    for what, text, code in _YAML:
        data = text if isinstance(text, bytes) else text.encode()
        error = LimitExceeded if code in ("yaml-depth", "yaml-items") else wrong
        yield f"yaml: {what}", partial(with_manifest, data), error, code
    yield "a newer format", partial(manifest_with, "format: 2", "format: 3"), wrong, "format"
    yield "an older format", partial(manifest_with, "format: 2", "format: 1"), wrong, "format"
    yield "a format in words", partial(manifest_with, "format: 2", "format: two"), wrong, "manifest-field"
    yield "a true format", partial(manifest_with, "format: 2", "format: true"), wrong, "manifest-field"
    yield "a list", partial(with_manifest, b"- a\n"), wrong, "manifest-field"
    yield "a text", partial(with_manifest, b"format: 2 and more\n"), wrong, "manifest-field"
    for line in ("module_path: subprocess", "stat_specifications: []", "code: x.py"):
        yield f"a field more, {line}", partial(manifest_plus, f"{line}\n"), wrong, "manifest-unknown-field"
    for base, kind, cases in ((of_texts, "texts", _OF_TEXTS), (of_images, "images", _OF_IMAGES)):
        for what, new, code in cases:
            yield f"{kind} {what}", partial(_with_inputs, base, new), wrong, code
    yield (
        "images without shape",
        lambda: changed_manifest(lambda c: c["inputs"].pop("shape"), of_images()),
        wrong,
        ("manifest-missing-field"),
    )
    changes: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
        ("no task", lambda c: c.pop("task"), "manifest-missing-field"),
        ("no format of the model", lambda c: c["model"].pop("format"), "manifest-missing-field"),
        ("no classes", lambda c: c["outputs"].pop("classes"), "manifest-missing-field"),
        ("a class of the model", lambda c: c["model"].update(class_name="Popen"), "manifest-unknown-field"),
        ("another task", lambda c: c.update(task="Clustering"), "manifest-field"),
        ("classes for regression", lambda c: c.update(task="Regression"), "manifest-field"),
        ("no classes for classification", lambda c: c["outputs"].update(classes=None), "manifest-field"),
        ("classes of two types", lambda c: c["outputs"].update(classes=[0, "1", 2]), "manifest-field"),
        ("a class twice", lambda c: c["outputs"].update(classes=[0, 0, 1]), "manifest-field"),
        ("no class", lambda c: c["outputs"].update(classes=[]), "manifest-field"),
        ("classes beyond 64 bits", lambda c: c["outputs"].update(classes=[0, 2**70]), "manifest-field"),
        ("a list for a class", lambda c: c["outputs"].update(classes=[[0], [1]]), "manifest-field"),
        ("a list for a name", lambda c: c.update(name=["A model"]), "manifest-field"),
        ("no column", lambda c: c["inputs"].update(columns=0), "manifest-field"),
        ("a true column", lambda c: c["inputs"].update(columns=True), "manifest-field"),
        ("columns beyond all", lambda c: c["inputs"].update(columns=10**30), "manifest-field"),
        ("outputs beyond all", lambda c: c["outputs"].update(columns=10**30), "manifest-field"),
        ("a pickle", lambda c: c["inputs"].update({"as": "pickle"}), "manifest-field"),
        ("a category twice", lambda c: c["inputs"].update(categorical=["0", "0"]), "manifest-field"),
        ("a file twice", lambda c: c["model"].update(files=["model.skops"] * 2), "manifest-field"),
        ("a list for a parameter", lambda c: c["model"].update(parameters={"a": [1]}), "manifest-field"),
        ("a negative size", lambda c: c["files"]["model/model.skops"].update(size=-1), "manifest-field"),
        ("a short sha256", lambda c: c["files"]["model/model.skops"].update(sha256="00"), "manifest-field"),
        ("a sha256 in capitals", lambda c: c["files"]["model/model.skops"].update(sha256="A" * 64), "manifest-field"),
        ("no sha256", lambda c: c["files"].update({"model/model.skops": {"size": 1}}), "manifest-field"),
        ("a category that is no column", lambda c: c["inputs"].update(categorical=["z"]), "manifest-disagrees"),
    ]
    for what, change, code in changes:
        yield what, partial(changed_manifest, change), wrong, code
    for line in (
        "http://x/y.whl",
        "x @ https://example.org/x.whl",
        "-r other.txt",
        "../evil",
        "",
        "a # b",
        "a\nb",
        "a b",
    ):
        yield (
            f"the requirement {line!r}",
            partial(changed_manifest, lambda c, line=line: c.update(requirements=["numpy", line])),
            wrong,
            "requirements",
        )
    needed = [f"package-{i}==1" for i in range(LIMITS["requirements-lines"] + 1)]
    yield (
        "too many requirements",
        partial(changed_manifest, lambda c: c.update(requirements=needed)),
        LimitExceeded,
        ("too-many-requirements"),
    )
    for known in ("pickle", "joblib", "os:system", ""):
        yield (
            f"a model stored as {known!r}",
            partial(changed_manifest, lambda c, name=known: c["model"].update(format=name)),
            MalformedModel,
            "model-format",
        )
    for what, change in _FILES.items():
        yield f"files of the model: {what}", change, MalformedModel, "model-files"
    lies: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
        ("a file of the model elsewhere", lambda c: c["model"].update(files=["../specification.json"])),
        ("no file of the model", lambda c: c["model"].update(files=[])),
        ("a file that is not there", lambda c: c["files"].update({"model/a": {"size": 0, "sha256": "0" * 64}})),
    ]
    for what, change in lies:
        yield what, partial(changed_manifest, change), MalformedArchive, "incomplete"


def rejected() -> Iterator[Rejected]:
    """Yield packages whose manifest must be refused."""
    for case in _manifests():
        yield Rejected(*case)
