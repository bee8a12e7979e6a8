"""Specifications as a whole, and their files."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware.errors import InvalidData, InvalidParameter, InvalidSpecification
from learnware.specification import RKME, Fields, SemanticSpecification, Specification


@pytest.fixture(scope="module")
def X():
    return pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), columns=["width", "height"])


def test_from_data_tells_columns_and_classes(X):
    spec = Specification.from_data(
        X, ["b", "a", "c"] * 20, task="classification", name="Shapes", scenarios="nature", inputs={"width": "in mm"}
    )
    assert spec.semantic.inputs == Fields(2, {0: "in mm", 1: "height"})
    assert spec.semantic.outputs == Fields(3, {0: "a", 1: "b", 2: "c"})
    assert (spec.semantic.data, spec.semantic.task, spec.semantic.scenarios) == ("Table", "Classification", ("Nature",))
    assert spec.statistical.n_samples == 60


def test_outputs_of_a_regression(X):
    assert Specification.from_data(X, np.ones(60), task="regression").semantic.outputs == Fields(1)
    assert Specification.from_data(X, np.ones((60, 3)), task="regression").semantic.outputs == Fields(3)
    assert Specification.from_data(X).semantic.outputs is None
    assert Specification.from_data(X.to_numpy()).semantic.inputs == Fields(2)


def test_wrong_arguments(X):
    with pytest.raises(
        InvalidParameter, match="'data' parameter of Specification.from_data must be one of 'image', 'table'"
    ):
        Specification.from_data(X, data="smell")
    with pytest.raises(InvalidSpecification, match="'task' must be one of"):
        Specification.from_data(X, task="guessing")
    with pytest.raises(InvalidSpecification, match="Not among them: 'depth'"):
        Specification.from_data(X, inputs={"depth": "in mm"})
    with pytest.raises(InvalidParameter, match="random_state"):
        Specification.from_data(X, random_state="seed")


def test_writing_and_reading_gives_the_same(X, tmp_path):
    spec = Specification.from_data(X, name="Größe", random_state=0)
    assert Specification.load(spec.save(tmp_path / "spec.json")) == spec
    assert [path.name for path in tmp_path.iterdir()] == ["spec.json"]
    words = Specification(SemanticSpecification(name="words only"))
    assert Specification.from_json(words.to_json()) == words


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(InvalidParameter, match="cannot be read"):
        Specification.load(tmp_path / "none.json")
    with pytest.raises(InvalidParameter, match="cannot be written"):
        Specification().save(tmp_path / "none" / "spec.json")


def test_labels_that_cannot_be_named(X):
    with pytest.raises(InvalidData, match="one type"):
        Specification.from_data(X, [1, "a"] * 30, task="classification")


def test_a_failed_write_leaves_nothing(X, tmp_path, monkeypatch):
    target = Specification.from_data(X, n_points=5).save(tmp_path / "spec.json")
    before = target.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(InvalidParameter, match="full"):
        Specification(SemanticSpecification(name="other")).save(target)
    assert target.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


WORDS = json.loads(Specification().to_json())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "nul",
        b"\xff\xfe",
        "[" * 100_000,
        json.dumps({**WORDS, "format": "other"}),
        json.dumps({**WORDS, "version": 2}),
        json.dumps({**WORDS, "surplus": 1}),
        json.dumps({**WORDS, "semantic": None}),
        json.dumps({**WORDS, "statistical": 3}),
        json.dumps({**WORDS, "statistical": {"type": "RKME"}}),
        '{"format": "learnware-specification", "format": "learnware-specification"}',
        '{"z": [[NaN]], "beta": [1.0]}',
    ],
)
def test_other_texts_are_refused(text):
    with pytest.raises(InvalidSpecification):
        Specification.from_json(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
PATHS = [
    ("semantic",),
    ("statistical",),
    ("statistical", "space"),
    ("statistical", "points"),
    ("statistical", "weights"),
]
WHOLE = Specification(SemanticSpecification(name="a", data="table"), RKME([[0.0, 1.0]], [1.0])).to_json()


@given(st.sampled_from(PATHS), json_values)
def test_a_file_with_any_value_anywhere_reads_or_is_refused_by_our_error(path, value):
    content = json.loads(WHOLE)
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with contextlib.suppress(InvalidSpecification):
        Specification.from_json(json.dumps(content))


def test_upstream_table_specifications_read(tmp_path):
    path = tmp_path / "stat.json"
    z, beta = [[0.0, 1.0], [2.0, 3.0]], [0.5000001, 0.4999998]
    path.write_text(json.dumps({"z": z, "beta": beta, "gamma": 0.1, "num_points": 2, "type": "RKMETableSpecification"}))
    spec = Specification.load(path)
    assert spec.statistical.points.tolist() == z
    assert spec.statistical.weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert spec.statistical.n_samples is None
    assert spec.semantic.data == "Table"
    legacy = Specification.from_json(json.dumps({"z": z, "beta": beta, "gamma": 0.1, "device": "cpu", "cuda_idx": -1}))
    assert legacy.statistical == spec.statistical


@pytest.mark.parametrize(
    "change",
    [
        {"type": "RKMEImageSpecification"},
        {"beta": [1.0]},
        {"beta": [2.0, -1.0]},
        {"beta": [0.1, 0.1]},
        {"beta": "ab"},
        {"beta": []},
        {"z": None},
        {"z": [["a", "b"], ["c", "d"]]},
    ],
)
def test_other_upstream_files_are_refused(change):
    good = {"z": [[0.0, 1.0], [2.0, 3.0]], "beta": [0.5, 0.5], "gamma": 0.1, "type": "RKMETableSpecification"}
    with pytest.raises(InvalidSpecification):
        Specification.from_json(json.dumps({**good, **change}))


def test_rich_form_escapes_what_people_wrote():
    html = Specification(SemanticSpecification(name="<script>"))._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
