"""From a zip of Beimingwu to a learnware of ours: everything is kept, nothing is run."""

from __future__ import annotations

import json
import pickle
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learnware.bundle.archive import Archive, pack
from learnware.bundle.manifest import Manifest
from learnware.bundle.upstream import convert, is_upstream
from learnware.errors import BundleError, MalformedManifest, MalformedSpecification
from learnware.models.python import unpack_code
from learnware.specification import Fields, SemanticSpecification, Specification
from tests.bundle.measures import most_memory
from tests.bundle.upstream_zips import COEF, make_upstream_zip, manifest_dict, semantic_dict, stat_dict, zipped

WORDS = SemanticSpecification("Given", task="regression", scenarios="health")


def manifest_of(data: bytes) -> Manifest:
    return Manifest.from_yaml(Archive(data).read("learnware.yaml"))


def specification_of(data: bytes) -> Specification:
    return Specification.from_json(Archive(data).read("specification.json"))


def code_of(data: bytes) -> dict[str, bytes]:
    archive = Archive(data)
    stored = {name.removeprefix("model/"): archive.read(name) for name in archive.names if name.startswith("model/")}
    assert set(stored) == set(manifest_of(data).model.files)
    return unpack_code(stored)


def converted(**options: Any) -> bytes:
    return convert(make_upstream_zip(**options))


def test_every_part_has_its_place() -> None:
    data = converted(kwargs={"scale": 2.0}, requirements="scikit-learn>=1.5\nnumpy\nlearnware==0.3.2\n")
    manifest, specification = manifest_of(data), specification_of(data)
    entry = manifest.model
    assert manifest.name == specification.semantic.name == "Linear model of three columns"
    assert (entry.format, entry.library, entry.task, entry.classes) == ("python", "Others", "Regression", None)
    assert (entry.n_features, entry.n_outputs, entry.frame, entry.probabilities) == (3, 1, False, False)
    assert entry.requirements == ("numpy", "scikit-learn>=1.5")
    assert entry.parameters == {"class_name": "MyModel", "module_path": "__init__.py", "kwargs": '{"scale": 2.0}'}
    assert specification.semantic.inputs == Fields(3, {0: "first", 2: "third"})
    assert specification.semantic.license == "MIT"
    assert specification.statistical is not None
    assert specification.statistical.points.tolist() == stat_dict()["z"]
    assert set(code_of(data)) == {"__init__.py", "weights.npy"}
    for name, record in manifest.files.items():
        record.check(name, Archive(data).read(name))


def test_the_form_of_the_zip_does_not_matter() -> None:
    expected = converted()
    assert converted(top_folder="Some folder") == converted(compression=0) == expected
    assert converted(spec_class="RKMEStatSpecification", legacy=True) == expected
    assert converted(stat=stat_dict(gamma=0.0, num_points=10**9, cuda_idx=0, unknown=[1])) == expected
    assert (
        converted(files={"a.pyc": b"1", "x/__pycache__/b": b"1", "__MACOSX/._a": b"1", ".DS_Store": b"1"}) == expected
    )


def test_a_classifier_has_its_classes_numbered() -> None:
    entry = manifest_of(converted(task="Classification")).model
    assert (entry.task, entry.classes, entry.n_outputs) == ("Classification", (0, 1, 2, 3), 1)


@pytest.mark.parametrize(
    ("task", "said"),
    [("Feature Extraction", "Feature Extraction"), ("Segmentation", "Segmentation"), ("Text Generation", "Others")],
)
def test_other_tasks_answer_with_numbers(task: str, said: str) -> None:
    data = converted(task=task, semantic=semantic_dict(task, Output={"Dimension": 128}))
    assert specification_of(data).semantic.task == said
    entry = manifest_of(data).model
    assert (entry.task, entry.classes, entry.n_outputs) == ("Regression", None, 128)


@pytest.mark.parametrize(
    ("spec_class", "kind"), [("RKMEImageSpecification", "Image"), ("RKMETextSpecification", "Text")]
)
def test_images_and_texts_are_found_by_words(spec_class: str, kind: str) -> None:
    semantic = semantic_dict("Classification", Data=None, Input={}, Output={"Dimension": 10})
    data = converted(spec_class=spec_class, semantic=semantic, task="Classification")
    specification = specification_of(data)
    assert specification.statistical is None
    assert specification.semantic.data == kind
    assert manifest_of(data).model.n_features == 1
    assert json.loads(code_of(data)["stat.json"]) == stat_dict(spec_class)


def test_what_a_market_made_for_itself_is_dropped() -> None:
    spec = manifest_dict()["stat_specifications"][0]
    hetero = {**spec, "class_name": "HeteroMapTableSpecification", "file_name": "hetero.json"}
    manifest = {**manifest_dict(), "stat_specifications": [hetero, spec]}
    assert converted(manifest=manifest, files={"hetero.json": "no JSON"}) == converted()
    manifest["stat_specifications"][0] = {**hetero, "file_name": "__init__.py"}
    assert converted(manifest=manifest) == converted()


def test_points_that_are_not_named_have_a_usual_name() -> None:
    manifest = {"model": {"class_name": "MyModel"}}
    stat = json.dumps(stat_dict())
    data = converted(manifest=manifest, files={"stat_spec.json": stat}, without=("stat.json",))
    assert data == converted()


def test_words_that_are_given() -> None:
    with pytest.raises(MalformedSpecification, match="learnware import FILE") as caught:
        convert(make_upstream_zip(semantic=None))
    assert caught.value.code == "semantic-missing"
    semantic = specification_of(convert(make_upstream_zip(semantic=None), semantic=WORDS)).semantic
    assert (semantic.name, semantic.task, semantic.data) == ("Given", "Regression", "Table")
    both = specification_of(convert(make_upstream_zip(), semantic=WORDS)).semantic
    assert (both.name, both.scenarios, both.license) == ("Given", ("Health",), "MIT")
    named = make_upstream_zip(semantic=None, manifest={**manifest_dict(told=False), "name": "From the manifest"})
    assert manifest_of(convert(named, semantic=SemanticSpecification(task="Regression"))).name == "From the manifest"


def test_words_beyond_our_vocabulary() -> None:
    tag = {"Type": "Class", "Values": ["JAX"]}
    scenario = {"Type": "Tag", "Values": ["business", "Space travel"]}
    words = semantic_dict(Library=tag, License=None, Scenario=scenario, Model=tag, learnware_id=tag)
    words["Input"] = json.dumps(words["Input"])
    semantic = specification_of(convert(make_upstream_zip(semantic=words))).semantic
    assert (semantic.library, semantic.license, semantic.scenarios) == ("Others", None, ("Business", "Others"))
    assert semantic.inputs == Fields(3, {0: "first", 2: "third"})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"requirements": "numpy>=1.20\n"}, ("numpy>=1.20",)),
        ({"requirements": None}, ()),
        ({"environment": "dependencies: [python=3.8, pytorch=1.13, pip: [skops]]"}, ("skops", "torch==1.13.*")),
        ({"files": {"requirements.txt": "numpy\r\n".encode("utf-16")}}, ("numpy",)),
        ({"files": {"requirements.txt": b"\xef\xbb\xbfnumpy\n"}}, ("numpy",)),
    ],
)
def test_requirements(options: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert manifest_of(converted(**options)).model.requirements == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{a: True, b: No, c: ~, d: [1, 2.5, x]}", {"a": True, "b": False, "c": None, "d": [1, 2.5, "x"]}),
        ("{a: 1_000, b: 0x10, c: 1.0e+3, d: '1'}", {"a": 1000, "b": 16, "c": 1000.0, "d": "1"}),
        ("{}", {}),
        ("", {}),
        ("{text: 模型, deep: {er: {s: []}}}", {"text": "模型", "deep": {"er": {"s": []}}}),
    ],
)
def test_arguments_mean_what_they_mean_there(written: str, expected: dict[str, Any]) -> None:
    manifest = f"model:\n  class_name: MyModel\n  kwargs: {written}\n"
    data = converted(manifest=manifest, files={"stat_spec.json": json.dumps(stat_dict())})
    kwargs = manifest_of(data).model.parameters["kwargs"]
    assert json.loads(str(kwargs)) == expected


@pytest.mark.parametrize(
    ("path", "file"),
    [("model.py", "model.py"), ("./model.py", "model.py"), ("src.model", "src/model.py"), ("src", "src/__init__.py")],
)
def test_modules(path: str, file: str) -> None:
    entry = manifest_of(converted(module_path=path, files={file: "class MyModel: ..."})).model
    assert entry.parameters["module_path"] == file


def test_a_zip_that_inflates_much_takes_little_more_than_it_inflates_to() -> None:
    data = zipped({**SMALL, **{f"{i}.bin": bytes(2**20) for i in range(60)}})
    assert most_memory(convert, data) < 256 * 2**20


def test_our_own_learnwares_are_not_converted() -> None:
    own = converted()
    assert not is_upstream(own)
    archive = Archive(own)
    repacked = zipped({name: archive.read(name) for name in archive.names})
    assert not is_upstream(repacked)
    with pytest.raises(MalformedManifest, match="open it with"):
        convert(own)
    assert not is_upstream(b"")
    assert not is_upstream(b"text")
    # What is neither ours nor sound is left to `convert`, which says what is wrong with it.
    assert is_upstream(make_upstream_zip()[:-1])
    assert is_upstream(pack({"a": b""}))


_WATCHED = ("subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "pickle.find_class", "exec", "import")


@contextmanager
def watched() -> Iterator[list[str]]:
    """Return what could run somebody's code in this process, as it happens."""
    convert(make_upstream_zip())  # whatever the library itself imports is imported before
    seen: list[str] = []
    active = [True]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if active[0] and event in _WATCHED:
            seen.append(f"{event} {arguments!r}")

    sys.addaudithook(hook)
    yield seen
    active[0] = False


def test_nothing_of_the_zip_runs(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    prelude = f"open({str(canary)!r}, 'w').close()\n"
    code = {"setup.py": prelude, "conftest.py": prelude, "sitecustomize.py": prelude}
    kept = [make_upstream_zip(prelude=prelude, weights=way, files=code) for way in ("npy", "pickle", "joblib")]
    spec = manifest_dict()["stat_specifications"][0]
    evil = {"module_path": "subprocess", "class_name": "Popen", "kwargs": {"args": ["touch", str(canary)]}}
    known = {**evil, "module_path": "learnware.specification", "file_name": "stat.json"}
    wrong = [
        make_upstream_zip(manifest={**manifest_dict(), "stat_specifications": [entry]})
        for entry in (evil, known, {**spec, **evil})
    ]
    modules = set(sys.modules)
    with watched() as seen:
        for data in kept:
            convert(data)
        for data in wrong:
            with pytest.raises(MalformedManifest) as caught:
                convert(data)
            assert caught.value.code in ("spec-module", "spec-class")
    assert not canary.exists()
    assert set(sys.modules) == modules
    assert seen == []


def test_the_watch_sees_what_runs() -> None:
    with watched() as seen:
        exec("1")
        pickle.loads(pickle.dumps(Path))
    assert [event.partition(" ")[0] for event in seen] == ["exec", "pickle.find_class"]


SMALL = {
    "learnware.yaml": json.dumps(manifest_dict()).encode(),
    "semantic_specification.json": json.dumps(semantic_dict()).encode(),
    "stat.json": json.dumps(stat_dict()).encode(),
    "requirements.txt": b"numpy>=1.20\nscipy\n",
    "__init__.py": b"class MyModel: ...",
}


@settings(max_examples=150)
@given(st.data())
def test_changed_files_are_refused_or_read(draw: st.DataObject) -> None:
    # The zip is sound here, as somebody who wants to mislead would make it.
    files = dict(SMALL)
    name = draw.draw(st.sampled_from(sorted(files)[1:]))
    start = draw.draw(st.integers(0, len(files[name])))
    length = draw.draw(st.integers(0, 12))
    files[name] = files[name][:start] + draw.draw(st.binary(max_size=12)) + files[name][start + length :]
    with suppress(BundleError):
        data = convert(zipped(files))
        assert manifest_of(data).name == specification_of(data).semantic.name
        assert code_of(data)["__init__.py"] == files["__init__.py"]


@settings(max_examples=50)
@given(
    st.text(st.characters(exclude_categories=("C",)) | st.sampled_from("\n\r\t"), min_size=1).filter(str.strip),
    st.text(st.characters(exclude_categories=("C",)) | st.sampled_from("\n\r\t\u202e")),
)
def test_any_words_are_kept(name: str, description: str) -> None:
    tags = {"Name": {"Values": name}, "Description": {"Values": description}}
    data = convert(zipped({**SMALL, "semantic_specification.json": json.dumps(semantic_dict("Regression", **tags))}))
    assert manifest_of(data).name == specification_of(data).semantic.name == " ".join(name.split())
    assert specification_of(data).semantic.description == "\n".join(re.split("\r\n|\r", description))


@pytest.mark.parametrize("given", [None, SemanticSpecification(description="In short.")])
def test_a_hidden_character_in_the_title_of_a_manifest(given: SemanticSpecification | None) -> None:
    manifest = json.loads(SMALL["learnware.yaml"]) | {"name": "A \u202e title"}
    words = semantic_dict("Regression", Name={"Values": ""})
    files = {**SMALL, "learnware.yaml": json.dumps(manifest), "semantic_specification.json": json.dumps(words)}
    with pytest.raises(MalformedSpecification, match="'name' must hold no control"):
        convert(zipped(files), semantic=given)


def test_the_zips_of_these_tests_are_what_they_seem() -> None:
    data = make_upstream_zip()
    assert data == make_upstream_zip()
    weights = code_of(convert(data))["weights.npy"]
    assert np.frombuffer(weights[-32:], dtype=np.float64)[:3].tolist() == COEF[0].tolist()
