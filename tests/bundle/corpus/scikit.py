"""scikit-learn models that ask for what is not trusted, or whose positions lead elsewhere."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from learnware.errors import BundleError, LimitExceeded, MalformedModel
from tests.bundle.corpus import Rejected
from tests.bundle.corpus.bases import files_of, plain
from tests.bundle.corpus.skops_files import (
    FILE,
    another_array,
    array_of,
    base_of,
    changed_files,
    changed_schema,
    deep,
    doubling,
    escaped,
    field,
    first_array,
    listed,
    nested_zip,
    node,
    of_file_names,
    rename_first,
    sparse_changed,
    unzipped,
    value,
    with_arrays,
    with_extra,
    with_mapped_words,
    with_model,
    with_vocabulary,
    zipped,
)

_UNTRUSTED: list[tuple[str, Any]] = [
    ("a process", node("ObjectNode", "subprocess.Popen", content=None)),
    ("a shell", node("FunctionNode", "os.system")),
    ("eval", node("TypeNode", "builtins.eval")),
    ("a constructor", node("ConstructorFromReduceNode", "builtins.str", content=None)),
    ("an operator", node("OperatorFuncNode", "operator.methodcaller", attrs=listed())),
    ("a getter", node("OperatorFuncNode", "operator.attrgetter", attrs=listed())),
    ("a method", node("MethodNode", "builtins.str", content={"func": "format", "obj": value("1")})),
    ("a type that skops trusts", node("TypeNode", "builtins.map")),
    ("an estimator that we do not know", node("ObjectNode", "sklearn.cluster._dbscan.DBSCAN", content=None)),
    ("a default dictionary", node("DefaultDictNode", "collections.defaultdict", content={})),
    ("bytes that change", node("BytearrayNode", "builtins.bytearray", file="0.npy")),
    ("a loader of its own", node("EvalNode", "builtins.str", content="1")),
    ("a cached node", node("CachedNode", "builtins.str", __id__=1)),
    ("a loader that is no text", {"__loader__": ["ObjectNode"], "__module__": "os", "__class__": "system"}),
    ("a class that is no text", {"__loader__": "ObjectNode", "__module__": "os", "__class__": ["system"]}),
    ("a part of a name", node("ObjectNode", "sklearn.linear_model._logistic.LogisticRegression.fit")),
    ("a function under another loader", node("ObjectNode", "numpy.exp")),
    ("a type under another loader", node("FunctionNode", "sklearn.linear_model._logistic.LogisticRegression")),
    (
        "a partial shell",
        node("PartialNode", "functools.partial", content={"func": node("FunctionNode", "os.system")}),
    ),
    (
        "a partial estimator",
        node("PartialNode", "functools.partial", content={"func": node("ObjectNode", "sklearn.svm._classes.SVC")}),
    ),
    ("a partial of nothing", node("PartialNode", "functools.partial", content=[])),
    ("a loss of pickle", node("LossNode", "pickle.loads", content=None)),
]

_DAMAGED: list[tuple[str, Callable[[], bytes], str]] = [
    ("another protocol", partial(changed_schema, lambda s: s.update(protocol=0)), "skops-schema"),
    ("a newer protocol", partial(changed_schema, lambda s: s.update(protocol=99)), "skops-schema"),
    ("a true protocol", partial(changed_schema, lambda s: s.update(protocol=True)), "skops-schema"),
    ("a value in a list", partial(with_extra, value("[1]")), "skops-schema"),
    ("a deep value", partial(with_extra, value("[" * 10_000)), "skops-schema"),
    ("a value that is no text", partial(with_extra, value(1)), "skops-schema"),
    ("an identity beyond all parts", partial(with_extra, {**value("1"), "__id__": 65_001}), "skops-schema"),
    ("an identity below zero", partial(with_extra, {**value("1"), "__id__": -1}), "skops-schema"),
    ("an identity in words", partial(with_extra, {**value("1"), "__id__": "a"}), "skops-schema"),
    ("a value that is no JSON", partial(with_extra, value("hello")), "model-damaged"),
    ("an array in the wrong form", partial(with_extra, node("BytesNode", "builtins.bytes", file="0.npy")), (
        "skops-schema"
    )),
    ("an array that is not there", partial(with_extra, node("NdArrayNode", "numpy.ndarray", file="99.npy")), (
        "skops-archive"
    )),
    ("an array that nothing names", lambda: changed_files(lambda f: f.update({"99.npy": f["0.npy"]})), "skops-archive"),
    ("two parts of one identity", lambda: with_extra(listed(
        {**listed(value("1")), "__id__": 900}, {**listed(value("2")), "__id__": 900}
    )), "skops-identity"),
    ("a part within itself", partial(with_extra, {**listed({**listed(), "__id__": 900}), "__id__": 900}), (
        "skops-identity"
    )),
    ("doubling 60 times", lambda: with_extra(doubling(60)), "skops-identity"),
    ("a key twice", lambda: changed_files(lambda f: f.update(
        {"schema.json": f["schema.json"].replace(b'"protocol"', b'"protocol":2,"protocol"')}
    )), "json-duplicate-key"),
    ("no JSON", lambda: changed_files(lambda f: f.update({"schema.json": b"hello"})), "json-syntax"),
    ("JSON with NaN", lambda: changed_files(lambda f: f.update({"schema.json": b"[NaN]"})), "json-number"),
    ("a list", lambda: changed_files(lambda f: f.update({"schema.json": b"[]"})), "skops-schema"),
    ("no description", lambda: changed_files(lambda f: f.pop("schema.json")), "skops-archive"),
    ("a compressed description", lambda: with_model(
        zipped(unzipped(files_of(plain())[FILE]), compression=zipfile.ZIP_DEFLATED)
    ), "skops-archive"),
    ("a description twice", lambda: with_model(zipped(
        [("schema.json", b"{}"), *unzipped(files_of(plain())[FILE]).items()]
    )), "skops-archive"),
    ("a name of its own", lambda: changed_files(lambda f: f.update({"../a.npy": b""})), "skops-archive"),
    ("a script before it", lambda: with_model(b"#!/bin/sh\n" + files_of(plain())[FILE]), "skops-archive"),
    ("a script after it", lambda: with_model(files_of(plain())[FILE] + b"#!/bin/sh\n"), "skops-archive"),
    ("cut", lambda: with_model(files_of(plain())[FILE][:-10]), "skops-archive"),
    ("no zip", lambda: with_model(b"hello"), "skops-archive"),
    ("a pickle", lambda: with_model(b"\x80\x04cos\nsystem\n."), "skops-archive"),
    ("nothing", lambda: with_model(b""), "skops-archive"),
    ("an array that is cut", partial(first_array, lambda a: a[:-1]), "model-damaged"),
    ("an array with more", partial(first_array, lambda a: a + b"x"), "model-damaged"),
    ("an array without header", partial(first_array, lambda a: b"hello"), "model-damaged"),
    ("an array of 8 TB", partial(first_array, lambda a: array_of(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776,)}"
    )), "model-damaged"),
    ("an array of nothing, 10**12 times", partial(first_array, lambda a: array_of(
        "{'descr': '|S0', 'fortran_order': False, 'shape': (1000000000000,)}"
    )), "model-damaged"),
    ("an array of objects", partial(first_array, lambda a: array_of(
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"\x80\x04N."
    )), "model-damaged"),
    ("an array of negative size", partial(first_array, lambda a: array_of(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1)}", bytes(8)
    )), "model-damaged"),
    ("a header of nested brackets", partial(first_array, lambda a: array_of("(" * 9000)), "model-damaged"),
    ("a header that calls", partial(first_array, lambda a: array_of("__import__('os').system('echo')")), (
        "model-damaged"
    )),
    ("a matrix that is no zip", partial(nested_zip, b"hello"), "model-damaged"),
    ("a matrix that inflates", lambda: nested_zip(
        zipped({"data.npy": bytes(2**24)}, compression=zipfile.ZIP_DEFLATED)
    ), "model-damaged"),
    ("a matrix with a part more", lambda: sparse_changed(lambda p: p.update(more=np.zeros(1))), "model-damaged"),
    ("a matrix of 1000 parts", lambda: nested_zip(zipped({f"{i}.npy": b"" for i in range(1000)})), "model-damaged"),
    ("a matrix of another form", lambda: sparse_changed(lambda p: p.update(format=np.array(b"xyz"))), "model-damaged"),
    ("rows of a matrix out of range", partial(
        sparse_changed, lambda p: another_array(p, "indptr", 1, 2**28)
    ), "model-bounds"),
    ("columns of a matrix out of range", partial(
        sparse_changed, lambda p: another_array(p, "indices", 0, 2**28)
    ), "model-bounds"),
    ("columns of a matrix below zero", partial(
        sparse_changed, lambda p: another_array(p, "indices", 0, -1)
    ), "model-bounds"),
    ("a transformer for a model", lambda: changed_schema(lambda s: s.update(
        __module__="sklearn.preprocessing._data", __class__="StandardScaler"
    )), "model-damaged"),
    ("a function that is not allowed", lambda: changed_schema(
        lambda s: rename_first(s, "FunctionNode", __module__="os", __class__="system"), base_of("function")
    ), "untrusted-type"),
]  # fmt: skip

_WORDS: list[tuple[str, Any]] = [
    ("no JSON", b"word1"),
    ("in a mapping", b'{"word1":1}'),
    ("in lists", b'[["word1"]]'),
    ("that are numbers", b'["word1",2]'),
    ("that come twice", b'["word1","word1"]'),
    ("in Latin letters", b'["word1","\xe9"]'),
    ("of half letters", b'["word1","\\ud800"]'),
    ("in numbers of two bytes", np.frombuffer(b'["word1"]+', dtype=np.uint16)),
    ("in a table", np.frombuffer(b'["word1"]+', dtype=np.uint8).reshape(2, 5)),
]

_POSITIONS = [
    ("forest", "left_child", 2**40), ("forest", "right_child", 2**40), ("forest", "left_child", 0),
    ("forest", "right_child", -7), ("forest", "feature", 10**9), ("forest", "feature", -5),
    ("boosting", "left_child", 2**40), ("boosting", "left_child", 0), ("boosting", "feature", 10**9),
    ("histogram", "left", 10**6), ("histogram", "right", 0), ("histogram", "feature_idx", 77),
    ("histogram", "is_categorical", 1), ("kd_tree", "idx_start", -5), ("kd_tree", "idx_end", 10**6),
    ("ball_tree", "idx_start", -5), ("ball_tree", "idx_end", 10**6),
]  # fmt: skip


def rejected() -> Iterator[Rejected]:
    """Yield packages of scikit-learn models that must be refused."""
    for what, extra in _UNTRUSTED:
        yield Rejected(f"skops: {what}", partial(with_extra, extra), MalformedModel, "untrusted-type")
    for what, make, code in _DAMAGED:
        yield Rejected(f"skops: {what}", make, MalformedModel, code)
    for kind, name, number in _POSITIONS:
        make = partial(with_arrays, kind, field(name, number))
        yield Rejected(f"skops: {kind} with {name} {number}", make, MalformedModel, "model-bounds")
    for kind in ("kd_tree", "ball_tree"):
        make = partial(with_arrays, kind, field("is_leaf", 0, -1))
        yield Rejected(f"skops: {kind} with children of a leaf", make, MalformedModel, "model-bounds")
    for what, words in _WORDS:
        yield Rejected(f"skops: words {what}", partial(with_vocabulary, words), MalformedModel, "vocabulary")
    yield Rejected("skops: texts as names of files", of_file_names, MalformedModel, "file-names")
    for columns in ([0, 1, 2, 3, 2**40], [0, 1, 2, 3, -1], [0, 1, 2, 3, 3]):
        make = partial(with_mapped_words, columns)
        yield Rejected(f"skops: a word in column {columns[-1]}", make, MalformedModel, "vocabulary")
    large: list[tuple[str, Callable[[], bytes], type[BundleError], str]] = [
        ("a description of 201 levels", lambda: with_extra(deep(201)), LimitExceeded, "json-depth"),
        ("65,001 parts", lambda: with_extra(listed(*[value("1")] * 65_001)), LimitExceeded, "skops-nodes"),
        ("65,001 parts in escapes", partial(escaped, 65_001), LimitExceeded, "skops-nodes"),
        ("500,001 words", lambda: with_vocabulary(
            b"[" + b",".join(b'"%d"' % i for i in range(500_001)) + b"]"
        ), LimitExceeded, "vocabulary-size"),
        ("33 MiB of words", lambda: with_vocabulary(b'["' + b"x" * (33 * 2**20) + b'"]'), (
            LimitExceeded
        ), "vocabulary-size"),
        ("650,001 values", lambda: with_extra(listed([1] * 650_001)), LimitExceeded, "json-size"),
        ("64,900 parts of 32,450 identities", lambda: with_extra(listed(
            *({**listed(), "__id__": 100 + i // 2} for i in range(64_900)), {**listed(value("1")), "__id__": 100}
        )), MalformedModel, "skops-identity"),
        ("identities of one hash", lambda: with_extra(listed(
            *({**listed(), "__id__": i * (2**61 - 1)} for i in range(9_000))
        )), MalformedModel, "json-number"),
    ]  # fmt: skip
    for case in large:
        yield Rejected(f"skops: {case[0]}", *case[1:])
