"""ONNX graphs answer as before, and a graph that is more than standard operators on its own tensors is refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

from learnware import Learnware
from learnware._files import read_model
from learnware.errors import BundleError, InvalidData, InvalidParameter, MalformedModel, UnsupportedModel
from learnware.models import ModelEntry, load, save, verify
from learnware.models.level import Level
from learnware.models.onnx import OnnxFormat
from learnware.models.onnx_graph import read_graph

X, Y = load_iris(return_X_y=True)
X32 = X.astype(np.float32)
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]
SHAPES = {TensorProto.FLOAT: [None, None], TensorProto.INT64: [None]}
FLOAT, INT64, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING


def converted(model: Any, **options: Any) -> onnx.ModelProto:
    """Return a scikit-learn model as its converter writes it."""
    found: onnx.ModelProto = to_onnx(model, X32[:1], options={id(model): options} if options else None)
    return found


def tensor(name: str, values: Any, dtype: Any = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def graph(
    nodes: list[onnx.NodeProto],
    stored: list[onnx.TensorProto] | None = None,
    *,
    outputs: list[tuple[str, int]] | None = None,
    inputs: list[tuple[str, int, list[Any]]] | None = None,
    version: int = 21,
) -> onnx.ModelProto:
    """Return a graph from an input x of shape (n, 4)."""
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "tests",
            [helper.make_tensor_value_info(*said) for said in inputs or [("x", FLOAT, [None, 4])]],
            [helper.make_tensor_value_info(name, kind, SHAPES[kind]) for name, kind in outputs or [("y", FLOAT)]],
            stored or [],
        ),
        opset_imports=[helper.make_opsetid("", version), helper.make_opsetid("ai.onnx.ml", 3)],
        ir_version=10,
    )
    return model


RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(4, 3)).astype(np.float32)


def linear(width: int = 3, last: str | None = None) -> onnx.ModelProto:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["s" if last else "y"])]
    if last:
        nodes.append(helper.make_node(last, ["s"], ["y"]))
    return graph(nodes, [tensor("w", WEIGHTS[:, :width])])


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("target", [Y, NAMES], ids=["numbers", "names"])
@pytest.mark.parametrize(
    "model", [LogisticRegression(max_iter=500), RandomForestClassifier(5, random_state=0)], ids=["linear", "forest"]
)
def test_a_converted_classifier_answers_as_before(model: Any, target: Any, zipmap: bool, tmp_path: Path) -> None:
    model.fit(X32, target)
    given = converted(model, zipmap=zipmap)
    entry = save(given, tmp_path, sample=X32)
    assert (entry.task, entry.classes, entry.probabilities) == ("Classification", tuple(model.classes_.tolist()), True)
    stored = load(tmp_path, entry)
    verify(given, stored, entry, X)
    np.testing.assert_array_equal(stored.predict(X32), model.predict(X32))
    np.testing.assert_allclose(stored.predict_proba(X32[:1]), model.predict_proba(X32[:1]), atol=1e-5)


def test_classes_come_from_y_where_the_graph_names_none(tmp_path: Path) -> None:
    model = MLPClassifier(20, max_iter=2000, random_state=0).fit(X32, NAMES)
    given = converted(model, zipmap=False)
    entry = save(given, tmp_path, sample=X32, classes=sorted(set(NAMES.tolist())))
    np.testing.assert_array_equal(load(tmp_path, entry).predict(X32), model.predict(X32))
    for wrong in (None, ["virginica", "setosa", "versicolor"], ["setosa", "versicolor"], ["a", "b", "c"]):
        with pytest.raises(InvalidParameter, match="classes"):
            save(given, tmp_path, sample=X32, classes=wrong)


def test_scores_that_are_no_probabilities_are_left_out(tmp_path: Path) -> None:
    model = LinearSVC(random_state=0).fit(X32, NAMES)
    given = converted(model)
    entry = save(given, tmp_path, sample=X32, classes=sorted(set(NAMES.tolist())))
    stored = load(tmp_path, entry)
    verify(given, stored, entry, X32)
    assert not entry.probabilities
    assert not hasattr(stored, "predict_proba")
    np.testing.assert_array_equal(stored.predict(X32), model.predict(X32))


def test_a_converted_regressor_answers_as_before(tmp_path: Path) -> None:
    for target in (X32[:, 0], X32[:, :2]):
        model = LinearRegression().fit(X32, target)
        given = converted(model)
        entry = save(given, tmp_path, sample=X32, task="Regression")
        stored = load(tmp_path, entry)
        verify(given, stored, entry, X32)
        assert entry.n_outputs == (1 if target.ndim == 1 else 2)
        np.testing.assert_allclose(stored.predict(X), model.predict(X32), atol=1e-4)


def test_logits_and_probabilities_of_a_network(tmp_path: Path) -> None:
    scores = X32 @ WEIGHTS
    expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    for last in (None, "Softmax"):
        entry = save(linear(last=last), tmp_path, sample=X32, task="Classification", classes=["a", "b", "c"])
        stored = load(tmp_path, entry)
        np.testing.assert_allclose(stored.predict_proba(X), expected, rtol=1e-4)
        np.testing.assert_array_equal(stored.predict(X), np.array(["a", "b", "c"])[scores.argmax(1)])


def test_one_number_is_for_the_second_of_two_classes(tmp_path: Path) -> None:
    for last in (None, "Sigmoid"):
        entry = save(linear(1, last), tmp_path, sample=X32, task="Classification", classes=["no", "yes"])
        stored = load(tmp_path, entry)
        np.testing.assert_array_equal(stored.predict(X32) == "yes", (X32 @ WEIGHTS)[:, 0] > 0)
        assert stored.predict_proba(X32).shape == (150, 2)


def test_labels_alone_are_enough(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["s"]),
        helper.make_node("ArgMax", ["s"], ["y"], axis=1, keepdims=0),
    ]
    given = graph(nodes, [tensor("w", WEIGHTS)], outputs=[("y", INT64)])
    entry = save(given, tmp_path, sample=X32, classes=[0, 1, 2])
    stored = load(tmp_path, entry)
    verify(given, stored, entry, X32)
    np.testing.assert_array_equal(stored.predict(X32), (X32 @ WEIGHTS).argmax(1))
    assert not hasattr(stored, "predict_proba")


def test_a_task_must_be_told_and_fit(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match="does not tell"):
        save(linear(), tmp_path, sample=X32)
    with pytest.raises(InvalidParameter, match="answers with labels"):
        save(converted(LogisticRegression().fit(X32, Y)), tmp_path, sample=X32, task="Regression")
    with pytest.raises(InvalidParameter, match="3 numbers per row"):
        save(linear(), tmp_path, sample=X32, task="Classification", classes=["a", "b"])


def test_rows_come_in_any_number_and_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = load(tmp_path, save(linear(), tmp_path, sample=X32, task="Regression"))
    whole = stored.predict(X32)
    monkeypatch.setattr("learnware.models.onnx_session._BATCH", 7)
    np.testing.assert_allclose(stored.predict(X32), whole, rtol=1e-6)
    np.testing.assert_allclose(stored.predict(X32[:1]), whole[:1], rtol=1e-6)


@pytest.mark.parametrize("kind", [TensorProto.DOUBLE, INT64, TensorProto.INT32, TensorProto.FLOAT16])
def test_rows_become_what_the_input_takes(kind: int, tmp_path: Path) -> None:
    nodes = [helper.make_node("Cast", ["x"], ["c"], to=FLOAT), helper.make_node("MatMul", ["c", "w"], ["y"])]
    given = graph(nodes, [tensor("w", WEIGHTS)], inputs=[("x", kind, [None, 4])])
    rows = np.arange(12.0).reshape(3, 4)
    stored = load(tmp_path, save(given, tmp_path, sample=rows, task="Regression"))
    np.testing.assert_allclose(stored.predict(rows), rows @ WEIGHTS, rtol=1e-5, atol=1e-5)
    if kind in (INT64, TensorProto.INT32):
        for wrong in (0.5, np.nan, np.inf):
            with pytest.raises(InvalidData, match="whole numbers"):
                stored.predict(rows + wrong)
    with pytest.raises(InvalidData, match="takes numbers"):
        stored.predict(rows.astype(str))


def test_the_same_model_gives_the_same_bytes_without_comments(tmp_path: Path) -> None:
    for name, comment in (("a", "File /home/someone/train.py"), ("b", "")):
        model = linear()
        model.doc_string = model.graph.node[0].doc_string = comment
        model.graph.initializer[0].doc_string = comment
        helper.set_model_props(model, {"trained by": comment} if comment else {})
        (tmp_path / name).mkdir()
        entry = save(model, tmp_path / name, sample=X32, task="Regression")
    first, second = ((tmp_path / name / entry.files[0]).read_bytes() for name in "ab")
    assert first == second


def test_from_model_to_predict_with_columns_by_name(tmp_path: Path) -> None:
    frame = load_iris(as_frame=True).data
    model = LogisticRegression(max_iter=500).fit(X32, NAMES)
    given = converted(model)
    helper.set_model_props(given, {"feature_names": str(list(frame.columns)).replace("'", '"')})
    learnware = Learnware.from_model(given, frame, NAMES, name="Kinds of iris", random_state=0)
    file = tmp_path / "iris.zip"
    learnware.save(file)
    stored = Learnware.load(file)
    np.testing.assert_array_equal(stored.predict(frame.iloc[:, ::-1]), model.predict(X32))
    assert list(stored.classes_) == list(model.classes_)
    again = Learnware.from_model(given, frame, NAMES, name="Kinds of iris", random_state=0)
    again.save(tmp_path / "again.zip")
    assert file.read_bytes() == (tmp_path / "again.zip").read_bytes()


def test_the_level_is_data_with_unsafe_memory() -> None:
    assert OnnxFormat().level({}) is Level.UNSAFE_MEMORY


def test_the_command_line_reads_files_with_weights_beside_them(tmp_path: Path) -> None:
    onnx.save(linear(), str(tmp_path / "m.onnx"), save_as_external_data=True, location="w.bin", size_threshold=0)
    assert (tmp_path / "w.bin").exists()
    stored = load(tmp_path, save(read_model(tmp_path / "m.onnx"), tmp_path, sample=X32, task="Regression"))
    np.testing.assert_allclose(stored.predict(X32), X32 @ WEIGHTS, rtol=1e-4)
    (tmp_path / "damaged.onnx").write_bytes(b"not a graph")
    with pytest.raises(BundleError, match="cannot be read as a model"):
        read_model(tmp_path / "damaged.onnx")


# What is refused, by its code.


def external(found: onnx.TensorProto) -> onnx.TensorProto:
    found.data_location = TensorProto.EXTERNAL
    found.ClearField("raw_data")
    entry = found.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    return found


def named_in_place(model: onnx.ModelProto) -> onnx.ModelProto:
    """Say where the data is without saying that it is elsewhere: readers differ in what they believe."""
    entry = model.graph.initializer[0].external_data.add()
    entry.key, entry.value = "location", "*/_ORT_MEM_ADDR_/*"
    return model


def constant(value: onnx.TensorProto) -> onnx.ModelProto:
    nodes = [helper.make_node("Constant", [], ["w"], value=value), helper.make_node("MatMul", ["x", "w"], ["y"])]
    return graph(nodes)


def branch(nodes: list[onnx.NodeProto], output: str) -> onnx.GraphProto:
    return helper.make_graph(nodes, "branch", [], [helper.make_tensor_value_info(output, FLOAT, None)])


def conditional(node: onnx.NodeProto) -> onnx.ModelProto:
    inner = branch([node], node.output[0])
    other = branch([helper.make_node("Identity", ["x"], ["e"])], "e")
    choice = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=other)
    return graph([choice], [tensor("c", True, bool)])


def looping(trips: int) -> onnx.ModelProto:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["a", "a"], ["b"])],
        "body",
        [
            helper.make_tensor_value_info("i", INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("a", FLOAT, None),
        ],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, []), helper.make_tensor_value_info("b", FLOAT, None)],
    )
    node = helper.make_node("Loop", ["n", "", "x"], ["y"], body=body)
    return graph([node], [tensor("n", trips, np.int64)])


def with_function() -> onnx.ModelProto:
    model = graph([helper.make_node("Twice", ["x"], ["y"], domain="own")])
    opset = [helper.make_opsetid("", 21)]
    body = [helper.make_node("Add", ["a", "a"], ["b"])]
    model.functions.append(helper.make_function("own", "Twice", ["a"], ["b"], body, opset))
    model.opset_import.append(helper.make_opsetid("own", 1))
    return model


def changed(change: Callable[[onnx.ModelProto], object], model: onnx.ModelProto | None = None) -> onnx.ModelProto:
    found = linear() if model is None else model
    change(found)
    return found


def huge_tensor(sizes: list[int]) -> onnx.ModelProto:
    return changed(lambda model: model.graph.initializer[0].dims.__setitem__(slice(None), sizes))


def sparse() -> onnx.ModelProto:
    model = linear()
    values, indices = tensor("w", [1.0]), tensor("", [0], np.int64)
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [2**40]))
    del model.graph.initializer[:]
    return model


def node(kind: str, **attributes: Any) -> onnx.ModelProto:
    return graph([helper.make_node(kind, ["x"], ["y"], **attributes)])


def inputs_of(*said: tuple[str, int, list[Any]]) -> onnx.ModelProto:
    return graph([helper.make_node("MatMul", ["x", "w"], ["y"])], [tensor("w", WEIGHTS)], inputs=list(said))


REFUSED: dict[str, tuple[str, Callable[[], onnx.ModelProto]]] = {
    "external weights": ("onnx-external-data", lambda: changed(lambda m: external(m.graph.initializer[0]))),
    "external weights in place": ("onnx-external-data", lambda: named_in_place(linear())),
    "external attribute": ("onnx-external-data", lambda: constant(external(tensor("w", WEIGHTS)))),
    "external in a branch": (
        "onnx-external-data",
        lambda: conditional(helper.make_node("Constant", [], ["t"], value=external(tensor("w", WEIGHTS)))),
    ),
    "custom domain": (
        "onnx-operator",
        lambda: changed(lambda m: m.opset_import.append(helper.make_opsetid("com.microsoft", 1))),
    ),
    "operator of no domain": ("onnx-operator", lambda: node("Gelu2")),
    "operator of an undeclared domain": (
        "onnx-operator",
        lambda: graph([helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft")]),
    ),
    "operator of a later version": (
        "onnx-operator",
        lambda: graph([helper.make_node("Gelu", ["x"], ["y"])], version=13),
    ),
    "operator in a branch": ("onnx-operator", lambda: conditional(helper.make_node("Evil", ["x"], ["t"]))),
    "two versions": ("onnx-operator", lambda: changed(lambda m: m.opset_import.append(helper.make_opsetid("", 9)))),
    "versions without end": (
        "onnx-size",
        lambda: changed(lambda m: m.opset_import.extend([helper.make_opsetid("", 21)] * 200)),
    ),
    "parts without end": (
        "onnx-size",
        lambda: changed(lambda m: m.graph.metadata_props.extend([onnx.StringStringEntryProto()] * 1_000_001)),
    ),
    "loop": ("onnx-operator", lambda: looping(2**62)),
    "random numbers": ("onnx-operator", lambda: node("RandomNormalLike")),
    "function": ("onnx-function", with_function),
    "reference to a function": (
        "onnx-function",
        lambda: changed(lambda m: setattr(m.graph.node[0].attribute.add(), "ref_attr_name", "alpha"), node("Elu")),
    ),
    "training": ("onnx-training", lambda: changed(lambda m: m.training_info.add())),
    "too few numbers": ("onnx-tensor", lambda: huge_tensor([2**20, 2**19])),
    "impossible size": ("onnx-tensor", lambda: huge_tensor([0, 2**62])),
    "negative size": ("onnx-tensor", lambda: huge_tensor([-4, -3])),
    "segment": ("onnx-tensor", lambda: changed(lambda m: setattr(m.graph.initializer[0].segment, "begin", 1))),
    "sparse": ("onnx-tensor", sparse),
    "no such value": ("onnx", lambda: graph([helper.make_node("Relu", ["absent"], ["y"])])),
    "wrong attribute": ("onnx", lambda: node("Relu", alpha=1.0)),
    "no graph": ("onnx", lambda: changed(lambda m: m.ClearField("graph"))),
    "two inputs": ("onnx-input", lambda: inputs_of(("x", FLOAT, [None, 4]), ("z", FLOAT, [None, 4]))),
    "fixed rows": ("onnx-input", lambda: inputs_of(("x", FLOAT, [1, 4]))),
    "open columns": ("onnx-input", lambda: inputs_of(("x", FLOAT, [None, None]))),
    "three dimensions": ("onnx-input", lambda: inputs_of(("x", FLOAT, [None, 4, 4]))),
    "text": ("onnx-input", lambda: inputs_of(("x", STRING, [None, 4]))),
    "three outputs": (
        "onnx-output",
        lambda: graph(
            [helper.make_node("Split", ["x"], list("abc"), num_outputs=3, axis=1)], outputs=[(n, FLOAT) for n in "abc"]
        ),
    ),
}


def stored_as(model: onnx.ModelProto, folder: Path, **changes: Any) -> ModelEntry:
    """Write a graph past `save`, as an attacker would."""
    said = {"task": "Regression", "classes": None, "n_features": 4, "parameters": {"outputs": "values"}, **changes}
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return ModelEntry(format="onnx", files=("model.onnx",), library="Others", requirements=(), **said)


@pytest.mark.parametrize("case", REFUSED)
def test_more_than_a_plain_graph_is_refused(case: str, tmp_path: Path) -> None:
    code, make = REFUSED[case]
    model = make()
    with pytest.raises(MalformedModel) as refused:
        load(tmp_path, stored_as(model, tmp_path))
    assert (refused.value.code, refused.value.file) == (code, "model.onnx")
    with pytest.raises(UnsupportedModel):
        save(model, tmp_path, sample=X32, task="Regression")


@pytest.mark.parametrize(
    "changes",
    [
        {"parameters": {}},
        {"parameters": {"outputs": "labels"}, "task": "Classification", "classes": (1, 2)},
        {"parameters": {"outputs": "labels and probabilities"}, "task": "Classification", "classes": (1, 2)},
        {"parameters": {"outputs": "logits"}},
        {"parameters": {"outputs": "values"}, "task": "Classification", "classes": (1, 2)},
        {"n_features": 5},
    ],
    ids=str,
)
def test_a_manifest_that_does_not_fit_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(MalformedModel):
        load(tmp_path, stored_as(linear(), tmp_path, **changes))


def test_unknown_fields_do_not_reach_onnxruntime() -> None:
    raw = linear().SerializeToString()
    # Field 2000 of the wire format, text of three bytes.
    hidden = raw + b"\x82\x7d\x03abc"
    assert onnx.ModelProto.FromString(hidden).SerializeToString() != raw
    assert read_graph(hidden).SerializeToString(deterministic=True) == linear().SerializeToString(deterministic=True)


@settings(max_examples=300)
@given(st.data())
def test_damaged_bytes_are_read_or_refused(data: st.DataObject) -> None:
    raw = bytearray(linear(last="Softmax").SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_graph(bytes(raw))
    except MalformedModel:
        return


PROGRAM = """
import sys, resource, numpy as np
resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30,) * 2)
from pathlib import Path
from learnware.models import ModelEntry, load
entry = ModelEntry("onnx", ("model.onnx",), "Others", (), "Regression", None, 4, parameters={"outputs": "values"})
try:
    load(Path(sys.argv[1]), entry).predict(np.ones((2, 4)))
except Exception as error:
    print(type(error).__name__, str(error)[:200])
else:
    print("answered")
"""


def in_small_memory(model: onnx.ModelProto, folder: Path) -> str:
    """Return what loading and running a graph comes to, in a process of 4 GiB."""
    stored_as(model, folder)
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_graph_that_wants_400_gigabytes_is_an_error_not_a_crash(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("ConstantOfShape", ["s"], ["big"]),
        helper.make_node("ReduceSum", ["big"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    said = in_small_memory(graph(nodes, [tensor("s", [10**11], np.int64)]), tmp_path)
    assert "lloc" in said, said


@pytest.mark.parametrize("attribute", ["nodes_truenodeids", "nodes_featureids", "class_ids", "class_nodeids"])
@pytest.mark.parametrize("value", [2**40, -1, 0])
def test_trees_with_positions_out_of_range_do_not_crash(attribute: str, value: int, tmp_path: Path) -> None:
    forest = RandomForestClassifier(1, max_depth=2, random_state=0).fit(X32, Y)
    model = converted(forest, zipmap=False)
    (found,) = (a for node in model.graph.node for a in node.attribute if a.name == attribute)
    found.ints[0] = value
    del model.graph.output[0]
    said = in_small_memory(model, tmp_path)
    assert said.startswith(("MalformedModel", "Fail", "answered")), said
