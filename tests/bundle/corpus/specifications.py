"""Specifications that are no plain JSON, or say what cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from learnware.errors import (
    BundleError,
    LimitExceeded,
    MalformedSpecification,
)
from tests.bundle.corpus import Rejected
from tests.bundle.corpus.bases import (
    SPECIFICATION,
    changed_specification,
    changed_statistical,
    files_of,
    of_texts,
    plain,
    with_specification,
)

Case = tuple[str, Callable[[], bytes], type[BundleError], str]


def specification_with(old: str, new: str) -> bytes:
    text = files_of(plain())[SPECIFICATION].decode()
    assert old in text
    return with_specification(text.replace(old, new, 1).encode())


def _json_texts() -> Iterator[tuple[str, bytes, str]]:
    yield "empty", b"", "json-syntax"
    yield "a word", b"hello", "json-syntax"
    yield "not closed", b'{"format": ', "json-syntax"
    yield "a comma more", b'{"format": 1,}', "json-syntax"
    yield "a comment", b'{"format": 1} // hello', "json-syntax"
    yield "two in a row", b"{}{}", "json-syntax"
    yield "quotes of Python", b"{'format': 1}", "json-syntax"
    yield "not UTF-8", b'{"format": "\xff"}', "json-syntax"
    yield "a byte order mark", b"\xef\xbb\xbf{}", "json-syntax"
    yield "UTF-16", "{}".encode("utf-16"), "json-syntax"
    yield "half a letter", b'{"format": "\\ud800"}', "json-syntax"
    yield "a raw control character", b'{"format": "\x01"}', "json-syntax"
    yield "NaN", b'{"format": NaN}', "json-number"
    yield "infinity", b'{"format": -Infinity}', "json-number"
    yield "1e999", b'{"format": 1e999}', "json-number"
    yield "400 digits", b'{"format": ' + b"9" * 400 + b"}", "json-number"
    yield "5000 digits", b'{"format": ' + b"9" * 5000 + b"}", "json-number"
    yield "a key twice", b'{"format": 1, "format": 2}', "json-duplicate-key"
    yield "a key twice, escaped", b'{"format": 1, "form\\u0061t": 2}', "json-duplicate-key"
    yield "nine levels", b'{"a": ' * 9 + b"1" + b"}" * 9, "json-depth"
    yield "100,000 brackets", b"[" * 100_000, "json-depth"
    yield "100,000 pairs of brackets", b"[" * 100_000 + b"]" * 100_000, "json-depth"
    yield "100,000 braces", b'{"a":' * 100_000, "json-depth"
    yield "3,000,000 values", b"[" + b"1," * 3_000_000 + b"1]", "json-size"
    yield "2,000,000 empty mappings", b"[" + b"{}," * 2_000_000 + b"{}]", "json-size"
    yield "33 MiB", b" " * (33 * 2**20), "entry-size"


def _points(n: int, d: int) -> bytes:
    row = [0.0] * d
    return changed_statistical(points=[row] * n, weights=[1 / n] * n, location=row, scale=row)


def _column(**changes: Any) -> bytes:
    return changed_specification(lambda c: c["statistical"]["space"]["columns"][0].update(changes))


def _semantic(**changes: Any) -> bytes:
    return changed_specification(lambda c: c["semantic"].update(changes))


def _specifications() -> Iterator[Case]:
    wrong = MalformedSpecification
    for what, text, code in _json_texts():
        beyond = code in ("json-depth", "json-size", "entry-size")
        yield f"json: {what}", partial(with_specification, text), LimitExceeded if beyond else wrong, code
    yield (
        "a number beyond all points",
        partial(specification_with, '"points":[[', '"points":[[1e999,'),
        wrong,
        ("json-number"),
    )
    top: list[tuple[str, dict[str, Any], str]] = [
        ("another format", {"format": "other"}, "spec-format"),
        ("a newer version", {"version": 2}, "spec-format"),
        ("a true version", {"version": True}, "spec-format"),
        ("a kernel of its own", {"gamma": 0.0}, "spec-unknown-field"),
        ("a class of its own", {"class_name": "Popen"}, "spec-unknown-field"),
        ("no statistical part", {"statistical": None}, "spec-disagrees"),
        ("a list for words", {"semantic": []}, "spec-field"),
        ("a list for points", {"statistical": []}, "spec-field"),
    ]
    for what, changes, code in top:
        yield what, partial(changed_specification, lambda c, new=changes: c.update(new)), wrong, code
    yield "no words", partial(changed_specification, lambda c: c.pop("semantic")), wrong, "spec-field"
    yield "no weights", partial(changed_specification, lambda c: c["statistical"].pop("weights")), wrong, "spec-field"
    nan, points = float("nan"), [[0.0] * 3] * 5
    statistical: list[tuple[str, dict[str, Any], str]] = [
        ("gamma", {"gamma": 0.0}, "spec-unknown-field"),
        ("a negative gamma", {"gamma": -1e-3}, "spec-unknown-field"),
        ("a kernel", {"kernel": "constant"}, "spec-unknown-field"),
        ("another type", {"type": "Other"}, "spec-field"),
        ("a weight that is no number", {"weights": [nan, 0.25, 0.25, 0.25, 0.25]}, "json-number"),
        ("a negative weight", {"weights": [-0.5, 0.5, 0.5, 0.25, 0.25]}, "spec-weights"),
        ("weights that sum to 0.3", {"weights": [0.1, 0.1, 0.1, 0.0, 0.0]}, "spec-weights"),
        ("weights that sum to 10", {"weights": [2.0] * 5}, "spec-weights"),
        ("weights of 0", {"weights": [0.0] * 5}, "spec-weights"),
        ("a weight too few", {"weights": [0.25] * 4}, "spec-shape"),
        ("a weight too many", {"weights": [0.1] * 10}, "spec-shape"),
        ("weights in a mapping", {"weights": {"0": 1.0}}, "spec-shape"),
        ("weights in text", {"weights": ["1", "0", "0", "0", "0"]}, "spec-shape"),
        ("weights in truth values", {"weights": [True, False, False, False, False]}, "spec-shape"),
        ("weights in lists", {"weights": [[0.2]] * 5}, "spec-shape"),
        ("no points", {"points": []}, "spec-shape"),
        ("null for points", {"points": None}, "spec-shape"),
        ("points of no coordinates", {"points": [[]] * 5}, "spec-shape"),
        ("a coordinate too few", {"points": [*points[:4], [0.0, 0.0]]}, "spec-shape"),
        ("points of other columns", {"points": [[0.0] * 4] * 5}, "spec-shape"),
        ("points in text", {"points": [["a", "b", "c"]] * 5}, "spec-shape"),
        ("points in lists of lists", {"points": [[[0.0]] * 3] * 5}, "spec-shape"),
        ("null in a point", {"points": [[0.0, 0.0, None]] * 5}, "spec-shape"),
        ("a point of 1e300", {"points": [[1e300, 0.0, 0.0]] * 5}, "spec-too-large"),
        ("a point of 200 digits", {"points": [[1e200, 0, 0]] * 5}, "spec-too-large"),
        ("a location too few", {"location": [0.0]}, "spec-shape"),
        ("a negative scale", {"scale": [-1.0, 1.0, 1.0]}, "spec-scale"),
        ("a huge scale", {"scale": [1e200, 1.0, 1.0]}, "spec-too-large"),
        ("no rows", {"n_samples": 0}, "spec-field"),
        ("half a row", {"n_samples": 2.5}, "spec-field"),
        ("a true row", {"n_samples": True}, "spec-field"),
        ("rows beyond all", {"n_samples": 2**63}, "spec-field"),
        ("rows beyond 64 bits", {"n_samples": 10**30}, "json-number"),
        ("a negative error", {"squared_error": -1.0}, "spec-field"),
        ("an error beyond all", {"squared_error": 3.0}, "spec-field"),
        ("an error in words", {"squared_error": "small"}, "spec-field"),
        ("no space", {"space": None}, "spec-field"),
    ]
    for what, changes, code in statistical:
        yield f"spec: {what}", partial(changed_statistical, **changes), wrong, code
    told = {"values": [[0.5, 0.25, 0.25]] * 5, "classes": [0, 1, 2], "score": 0.5}
    labels: list[tuple[str, dict[str, Any], str]] = [
        ("of a point too few", {"values": [[0.5, 0.25, 0.25]] * 4}, "spec-labels"),
        ("of a class too few", {"values": [[0.5, 0.5]] * 5}, "spec-labels"),
        ("that sum to 2", {"values": [[1.0, 0.5, 0.5]] * 5}, "spec-labels"),
        ("below zero", {"values": [[1.5, -0.25, -0.25]] * 5}, "spec-labels"),
        ("in words", {"values": [["a", "b", "c"]] * 5}, "spec-shape"),
        ("of classes in a text", {"classes": "abc"}, "spec-labels"),
        ("of a class in a list", {"classes": [0, 1, [2]]}, "spec-labels"),
        ("of a class twice", {"classes": [0, 1, 1]}, "spec-labels"),
        ("with a score of 2", {"score": 2}, "spec-labels"),
        ("with a score in words", {"score": "best"}, "spec-labels"),
        ("with a field more", {"code": "x"}, "spec-unknown-field"),
        ("of other classes", {"classes": [0, 1, 3]}, "spec-disagrees"),
        ("of classes in another order", {"classes": [0, 2, 1]}, "spec-disagrees"),
        ("of classes of another type", {"classes": [0.0, 1.0, 2.0]}, "spec-disagrees"),
        ("of values instead of classes", {"classes": None}, "spec-disagrees"),
    ]
    for what, changes, code in labels:
        yield f"labels {what}", partial(changed_statistical, labels={**told, **changes}), wrong, code
    encoded = {"data": "text", "encoder": "lengths-1", "n_features": 2}
    spaces: list[tuple[str, dict[str, Any], str]] = [
        ("of images for texts", {"data": "image"}, "spec-disagrees"),
        ("of sounds", {"data": "sound"}, "spec-format"),
        ("of an encoder that is a path", {"encoder": "../x y"}, "spec-format"),
        ("of more numbers than points have", {"n_features": 3}, "spec-shape"),
        ("of no numbers", {"n_features": 0}, "spec-too-many"),
    ]
    for what, changes, code in spaces:
        beyond = LimitExceeded if code == "spec-too-many" else wrong
        yield f"points {what}", partial(_of_texts, space={**encoded, **changes}), beyond, code
    yield (
        "words of images for texts",
        lambda: changed_specification(
            lambda c: c["semantic"].update(Data={"Type": "Class", "Values": ["Image"]}), of_texts()
        ),
        wrong,
        "spec-disagrees",
    )
    yield "points of texts for a table", partial(_exchanged, of_texts, plain), wrong, "spec-disagrees"
    yield "points of a table for texts", partial(_exchanged, plain, of_texts), wrong, "spec-disagrees"
    yield (
        "no points of texts",
        lambda: changed_specification(lambda c: c.update(statistical=None), of_texts()),
        wrong,
        "spec-disagrees",
    )
    yield "1001 points", partial(_points, 1001, 3), LimitExceeded, "spec-too-many"
    yield "1,000,001 numbers", partial(_points, 3, 333_334), LimitExceeded, "spec-too-many"
    columns: list[tuple[str, dict[str, Any], str]] = [
        ("of another kind", {"kind": "picture"}, "spec-field"),
        ("of another dtype", {"dtype": "object"}, "spec-field"),
        ("of a kind in a list", {"kind": ["number"]}, "spec-field"),
        ("with a number for a name", {"name": 1}, "spec-field"),
        ("with the name of another", {"name": "1"}, "spec-field"),
        ("with a field more", {"encoder": "os.system"}, "spec-unknown-field"),
        ("with more missing than all", {"missing": 1.5}, "spec-field"),
        ("with a number for a category", {"categories": [1]}, "spec-field"),
    ]
    for what, changes, code in columns:
        yield f"a column {what}", partial(_column, **changes), wrong, code
    space = {"data": "table", "encoder": "table-1", "named": False, "columns": []}
    many = [{"name": str(i), "kind": "number", "dtype": "float"} for i in range(10_001)]
    yield (
        "10,001 columns",
        partial(changed_statistical, space={**space, "columns": many}),
        LimitExceeded,
        ("spec-too-many"),
    )
    yield "no columns", partial(changed_statistical, space=space), wrong, "spec-field"
    yield "columns in text", partial(changed_statistical, space={**space, "columns": "abc"}), wrong, "spec-field"
    yield (
        "a space of pictures",
        partial(changed_statistical, space={**space, "data": "image", "columns": many[:3]}),
        wrong,
        "spec-format",
    )
    words: list[tuple[str, dict[str, Any], str]] = [
        ("a field more", {"Kernel": {"Values": "rbf"}}, "spec-unknown-field"),
        ("another task", {"Task": {"Type": "Class", "Values": ["Clustering"]}}, "spec-field"),
        ("two tasks", {"Task": {"Values": ["Classification", "Regression"]}}, "spec-field"),
        ("a task that is not the model's", {"Task": {"Values": ["Regression"]}}, "spec-disagrees"),
        ("another name", {"Name": {"Type": "String", "Values": "Beer"}}, "spec-disagrees"),
        ("a list for a name", {"Name": {"Type": "String", "Values": ["A model"]}}, "spec-field"),
        ("a title that clears the screen", {"Name": {"Type": "String", "Values": "\x1b[2JA model"}}, "spec-field"),
        ("a title written backwards", {"Name": {"Type": "String", "Values": "A \u202eledom"}}, "spec-field"),
        ("a description that rings", {"Description": {"Type": "String", "Values": "\a"}}, "spec-field"),
        ("a field of a field", {"Name": {"Values": "A model", "script": "x"}}, "spec-unknown-field"),
        ("text for a field", {"Scenario": "Sea"}, "spec-field"),
        ("another scenario", {"Scenario": {"Values": ["Sea"]}}, "spec-field"),
        ("a number for a scenario", {"Scenario": {"Values": [1]}}, "spec-field"),
        ("no inputs", {"Input": {"Dimension": 0, "Description": {}}}, "spec-field"),
        ("inputs beyond all", {"Input": {"Dimension": 2**63, "Description": {}}}, "spec-field"),
        ("inputs without number", {"Input": {"Description": {}}}, "spec-field"),
        ("an input that is not there", {"Input": {"Dimension": 3, "Description": {"3": "x"}}}, "spec-field"),
        ("an input in words", {"Input": {"Dimension": 3, "Description": {"one": "x"}}}, "spec-field"),
        ("inputs in a list", {"Input": {"Dimension": 3, "Description": ["x"]}}, "spec-field"),
    ]
    for what, changes, code in words:
        yield f"words: {what}", partial(_semantic, **changes), wrong, code
    foreign = {"z": [[0.0] * 3], "beta": [0.3], "gamma": 0.1}
    yield (
        "a specification of Beimingwu",
        partial(with_specification, json.dumps(foreign).encode()),
        wrong,
        ("spec-weights"),
    )


def _of_texts(**changes: Any) -> bytes:
    return changed_specification(lambda content: content["statistical"].update(changes), of_texts())


def _exchanged(points: Callable[[], bytes], model: Callable[[], bytes]) -> bytes:
    statistical = json.loads(files_of(points())[SPECIFICATION])["statistical"]
    return changed_specification(lambda content: content.update(statistical=statistical), model())


def rejected() -> Iterator[Rejected]:
    """Yield packages whose specification must be refused."""
    for case in _specifications():
        yield Rejected(*case)
