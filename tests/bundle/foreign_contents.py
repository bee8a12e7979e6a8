"""Sound zips whose manifest, specifications or requirements must be refused, and unusual ones that must be taken."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from learnware.errors import LimitExceeded, MalformedArchive, MalformedManifest, MalformedSpecification
from tests.bundle.foreign_forms import Build, Row, rows
from tests.bundle.raw_zip import written
from tests.bundle.upstream_zips import make_upstream_zip, manifest_dict, semantic_dict, stat_dict, zipped

_POPEN = {"module_path": "subprocess", "class_name": "Popen", "kwargs": {"args": ["true"]}}
_CODE = "class MyModel: ..."


def made(**options: Any) -> Build:
    """Return a builder of a zip with these options."""
    return partial(make_upstream_zip, **options)


def manifest(**changes: Any) -> Build:
    """Return a builder of a zip whose manifest has other fields; None leaves one out."""
    content = {**manifest_dict(), **changes}
    return made(manifest={key: value for key, value in content.items() if value is not None})


def model(**changes: Any) -> Build:
    """Return a builder of a zip whose manifest has another model."""
    return manifest(model={**manifest_dict()["model"], **changes})


def statistic(**changes: Any) -> Build:
    """Return a builder of a zip whose manifest has another statistical specification."""
    return manifest(stat_specifications=[{**manifest_dict()["stat_specifications"][0], **changes}])


def text(content: str) -> Build:
    """Return a builder of a zip whose manifest is this text."""
    return made(manifest=content)


def points(**changes: Any) -> Build:
    """Return a builder of a zip with other points."""
    return made(stat=stat_dict(**changes))


def words(**changes: Any) -> Build:
    """Return a builder of a zip with other words."""
    return made(semantic=semantic_dict(**changes))


def classes(output: Any) -> Build:
    """Return a builder of a classifier with these outputs."""
    return words(Task=values("Classification"), Output=output)


def values(*given: str) -> dict[str, Any]:
    """Return a tag."""
    return {"Type": "Class", "Values": list(given)}


REJECTED_MANIFESTS: list[Row] = [
    *rows(MalformedArchive, "incomplete", {
        "no manifest": made(without=("learnware.yaml",)),
        "empty zip": partial(written, []),
        "two top folders": partial(zipped, {"a/learnware.yaml": "", "b/x": ""}),
        "manifest too deep": made(top_folder="a/b"),
    }),
    *rows(MalformedManifest, "format", {"a learnware of ours": text("format: 2\n")}),
    *rows(MalformedManifest, "manifest", {
        "manifest is a list": text("- model\n"),
        "model is text": manifest(model="MyModel"),
        "specifications are a mapping": manifest(stat_specifications={"a": 1}),
        "specification is text": manifest(stat_specifications=["a"]),
    }),
    *rows(MalformedManifest, "yaml-tag", {
        "manifest makes an object": text("model: !!python/object/apply:os.system ['true']\n"),
        "manifest names an object": text("model: {class_name: !!python/name:os.system }\n"),
    }),
    *rows(MalformedManifest, "yaml-anchor", {"manifest refers to itself": text("model: &a {kwargs: {b: *a}}\n")}),
    *rows(MalformedManifest, "yaml-duplicate-key", {"two models": text("model: {}\nmodel: {}\n")}),
    *rows(MalformedManifest, "yaml-value", {"date that is none": text("{model: {kwargs: {a: 2024-99-99}}}")}),
    *rows(LimitExceeded, "yaml-depth", {"manifest too deep inside": text("model: " + "[" * 40 + "]" * 40)}),
    *rows(LimitExceeded, "too-large", {"huge manifest": text("model: {}\n#" + "x" * 2**16)}),
    *rows(MalformedManifest, "class-name", {
        "class is a path": model(class_name="os.system"),
        "class is a call": model(class_name="__import__('os')"),
        "class is a number": model(class_name=1),
    }),
    *rows(MalformedManifest, "module-path", {
        "module outside": model(module_path="../evil.py"),
        "module anywhere": model(module_path="/tmp/evil.py"),
        "module absent": model(module_path="other.py"),
        "module of Python": model(module_path="os"),
        "module of nothing": model(module_path=""),
        "module is a number": model(module_path=1),
    }),
    *rows(MalformedManifest, "kwargs", {
        "arguments are a list": model(kwargs=[1]),
        "arguments with a date": text("model: {kwargs: {a: 2024-01-31}}"),
        "arguments not finite": text("model: {kwargs: {a: .inf}}"),
        "argument without a name": text("model: {kwargs: {yes: 1}}"),
    }),
    *rows(MalformedManifest, "spec-module", {
        "specification starts a program": manifest(stat_specifications=[_POPEN]),
        "specification of another module": statistic(module_path="os.path"),
        "specification of a similar module": statistic(module_path="learnware.specification_x"),
    }),
    *rows(MalformedManifest, "spec-class", {
        "specification of another class": statistic(class_name="Popen"),
        "specification of a hidden class": statistic(class_name="__builtins__"),
        "specification without class": statistic(class_name=None),
    }),
    *rows(MalformedManifest, "spec-twice", {
        "two tables": manifest(stat_specifications=manifest_dict()["stat_specifications"] * 2),
    }),
    *rows(MalformedManifest, "file-name", {
        "points anywhere": statistic(file_name="/etc/passwd"),
        "points outside": statistic(file_name="../stat.json"),
        "points are a number": statistic(file_name=7),
        "words anywhere": manifest(semantic_specification={"file_name": "/etc/passwd"}),
    }),
    *rows(MalformedManifest, "incomplete", {
        "points absent": statistic(file_name="other.json"),
        "words absent": manifest(semantic_specification={"file_name": "other.json"}),
    }),
    *rows(MalformedManifest, "requirements", {
        "package from an address": made(requirements="x @ https://example.org/x.whl"),
        "package from another index": made(requirements="--index-url https://example.org"),
        "package from a path": made(requirements="../evil"),
        "environment is a list": made(environment="- numpy"),
        "packages in no alphabet": made(files={"requirements.txt": b"\xe9"}),
    }),
]  # fmt: skip

REJECTED_SPECIFICATIONS: list[Row] = [
    *rows(MalformedSpecification, "json-syntax", {
        "points are no JSON": made(stat="z: 1"),
        "words are no JSON": made(semantic="Name: x"),
        "words that are no text": words(Name={"Values": "\ud800"}),
        "inputs of broken JSON": words(Input='{"Dimension": 3,}'),
    }),
    *rows(MalformedSpecification, "json-number", {
        "points not finite": made(stat='{"z":[[NaN]],"beta":[1]}'),
        "points beyond floats": made(stat='{"z":[[1e999]],"beta":[1]}'),
    }),
    *rows(MalformedSpecification, "json-duplicate-key", {"two": made(stat='{"z":[[1]],"z":[[2]],"beta":[1]}')}),
    *rows(LimitExceeded, "json-depth", {"points too deep": made(stat="[" * 5000 + "]" * 5000)}),
    *rows(MalformedSpecification, "spec-format", {
        "points are a list": made(stat="[]"),
        "points without weights": made(stat='{"z":[[1]]}'),
        "points of another type": points(type="RKMEImageSpecification"),
        "words are a list": made(semantic=[1]),
    }),
    *rows(MalformedSpecification, "spec-shape", {
        "points as text": points(z=[["1"] * 3] * 20),
        "points as truth values": points(z=[[True] * 3] * 20),
        "points of several lengths": points(z=[[1.0] * 3] * 19 + [[1.0]]),
        "points of images": points(z=[[[1.0]]] * 20),
        "no points": points(z=[], beta=[]),
        "fewer weights": points(beta=[0.1] * 10),
    }),
    *rows(MalformedSpecification, "spec-too-large", {"points too far": points(z=[[1e200] * 3] * 20)}),
    *rows(MalformedSpecification, "spec-weights", {
        "negative weights": points(beta=[-1.0] + [2.0 / 19] * 19),
        "weights of another sum": points(beta=[0.015] * 20),
        "weights of nothing": points(beta=[0.0] * 20),
    }),
    *rows(LimitExceeded, "spec-too-many", {"too many points": points(z=[[0.0]] * 1001, beta=[1 / 1001] * 1001)}),
    *rows(MalformedSpecification, "stat-missing", {
        "no points of a table": manifest(stat_specifications=[]),
        "a table with points of images": made(spec_class="RKMEImageSpecification"),
        "a table with points of a market": made(spec_class="HeteroMapTableSpecification"),
    }),
    *rows(MalformedSpecification, "spec-field", {
        "words of two tasks": words(Task=values("Regression", "Classification")),
        "words of unknown data": words(Data=values("Smell")),
        "words that are numbers": words(Name={"Values": 7}),
        "inputs of text": words(Input={"Dimension": "3"}),
        "inputs described beyond their number": words(Input={"Dimension": 3, "Description": {"3": "x"}}),
        "endless classes": classes({"Dimension": 10**9}),
    }),
    *rows(MalformedSpecification, "semantic-missing", {"no words": made(semantic=None)}),
    *rows(MalformedSpecification, "semantic-incomplete", {
        "no name": words(Name=None),
        "blank name": words(Name={"Values": " \n"}),
        "no task": words(Task=None),
        "no classes": classes(None),
        "one class": classes({"Dimension": 1}),
    }),
    *rows(LimitExceeded, "too-large", {
        "very many classes": classes({"Dimension": 10**6}),
        "many classes": classes({"Dimension": 4999}),
    }),
    *rows(MalformedSpecification, "dimension", {"other columns": words(Input={"Dimension": 4})}),
]  # fmt: skip

ACCEPTED_CONTENTS: dict[str, Build] = {
    "top folder": made(top_folder="My learnware"),
    "Chinese top folder": made(top_folder="学件"),
    "classifier": made(task="Classification"),
    "another task": made(task="Feature Extraction"),
    "task of a later version": made(task="Text Generation"),
    "old points": made(spec_class="RKMEStatSpecification", legacy=True),
    "old module": statistic(module_path="learnware.specification.regular.table.rkme"),
    "module of a specification left out": statistic(module_path=None),
    "images": made(spec_class="RKMEImageSpecification", semantic=semantic_dict(Data=values("Image"), Input={})),
    "texts": made(spec_class="RKMETextSpecification", semantic=semantic_dict(Data=values("Text"), Input={})),
    "forged kernel width": points(gamma=0.0),
    "unknown keys in points": points(note="new"),
    "weights nearly a distribution": points(beta=[0.0500001] * 20),
    "whole numbers": points(z=[[1, 2, 3]] * 20),
    "conda": made(requirements=None, environment="name: x\ndependencies: [python=3.8, pip, pip: [numpy]]"),
    "both environments": made(environment="dependencies: [numpy]"),
    "no environment": made(requirements=None),
    "requirements from PowerShell": made(files={"requirements.txt": "numpy\r\n".encode("utf-16")}),
    "pickle": made(weights="pickle"),
    "joblib": made(weights="joblib"),
    "arguments": made(kwargs={"scale": 2.0}),
    "arguments are nothing": model(kwargs=None),
    "module not named": made(module_path=None),
    "module in a folder": made(module_path="src/model.py", files={"src/model.py": _CODE}),
    "module from here": made(module_path="./model.py", files={"model.py": _CODE}),
    "module with dots": made(module_path="src.model", files={"src/model.py": _CODE}),
    "module is a package": made(module_path="src", files={"src/__init__.py": _CODE}),
    "name in the manifest": made(manifest={**manifest_dict(), "name": "Mine"}, semantic=semantic_dict(Name=None)),
    "inputs as text": words(Input=json.dumps({"Dimension": 3, "Description": {}}), Output=""),
    "words of a later version": words(Model=values("Base Model")),
    "no licence": words(License=None),
    "unknown library": words(Library=values("JAX")),
    "inputs left open": words(Input={}, Output={}),
    "compiled files": made(files={"__pycache__/a.pyc": b"\0", "b.pyc": b"\0"}),
    "files in folders": made(files={"Data/sub/Größe.txt": b"1", "empty": b"", "x/": b""}),
}
