"""The manifest and the plain YAML it is written in."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware.bundle.manifest import Manifest
from learnware.bundle.strict_yaml import dump, parse
from learnware.errors import BundleError, ChecksumMismatch, UnsupportedModel
from learnware.models import ModelEntry

ENTRY = ModelEntry(
    format="skops",
    files=("model.skops",),
    library="Scikit-learn",
    requirements=("numpy==2.0.0",),
    task="Classification",
    classes=("no", "yes"),
    n_features=3,
    probabilities=True,
)
MANIFEST = Manifest.of("Name", ENTRY, {"specification.json": b"{}", "model/model.skops": b"x"})

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
    | st.sampled_from(
        ["1e5", "1.0e5", "yes", "null", "~", "0x1", "1_000", "2001-01-01", "1:30", "<<", "*a", "&a", "!x"]
    ),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef", min_size=1, max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_what_is_written_is_read(content: object) -> None:
    read = parse(dump({"content": content}).encode())
    assert read == {"content": content}
    assert repr(read) == repr({"content": content})


@pytest.mark.parametrize(
    "text",
    [
        b"a: !!python/object/apply:os.system [echo]",
        b"a: !!str x",
        b"a: &x 1",
        b"a: &x [1]\nb: *x",
        b"a: 1\na: 2",
        b"<<: {a: 1}",
        b"1: a",
        b"[a]: b",
        b"a: 1\n---\nb: 2",
        b"",
        b"a: [1",
        b"a: \xff",
        b"a: " + b"[" * 100,
        b"a:\n" + b" - 1\n" * 6000,
        b"#" * 70_000,
        b"&x a: 1",
        b"!x a: 1",
    ],
)
def test_what_is_not_plain_is_refused(text: bytes) -> None:
    with pytest.raises(BundleError) as caught:
        parse(text)
    assert caught.value.code.startswith("yaml-")
    assert caught.value.file == "learnware.yaml"


def test_dates_and_words_are_text() -> None:
    assert parse(b"a: 2001-01-01\nb: yes\nc: 0x10\nd: 1_000\ne: .inf\n") == {
        "a": "2001-01-01",
        "b": "yes",
        "c": "0x10",
        "d": "1_000",
        "e": ".inf",
    }


def test_a_manifest_round_trips() -> None:
    assert Manifest.from_yaml(MANIFEST.to_yaml()) == MANIFEST


@pytest.mark.parametrize("classes", [(0, 1), (False, True), ("0", "1"), (0.5, 1.5), ("true", "null"), ("1e3", "é: [")])
def test_labels_keep_their_type(classes: tuple[object, ...]) -> None:
    manifest = replace(MANIFEST, model=replace(ENTRY, classes=classes))  # type: ignore[arg-type]
    read = Manifest.from_yaml(manifest.to_yaml()).model.classes
    assert read == classes
    assert [type(label) for label in read or ()] == [type(label) for label in classes]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"format: 2", b"format: 3", "format"),
        (b"format: 2", b"format: two", "manifest-field"),
        (b"format: 2", b"format: 2\nmodule_path: os", "manifest-unknown-field"),
        (b"task: Classification", b"task: Regression", "manifest-field"),
        (b"task: Classification", b"task: Clustering", "manifest-field"),
        (b"name: Name", b"name: [Name]", "manifest-field"),
        (b"columns: 3", b"columns: 0", "manifest-field"),
        (b"columns: 3", b"columns: true", "manifest-field"),
        (b"as: array", b"as: pickle", "manifest-field"),
        (b"- 'no'", b"- 1", "manifest-field"),
        (b"- 'no'", b"- 'yes'", "manifest-field"),
        (b"parameters: {}", b"parameters: {a: [1]}", "manifest-field"),
        (b"size: 2", b"size: -2", "manifest-field"),
        (b"requirements:", b"requirement:", "manifest-unknown-field"),
    ],
)
def test_other_manifests_are_refused(old: bytes, new: bytes, code: str) -> None:
    text = MANIFEST.to_yaml()
    assert old in text
    with pytest.raises(BundleError) as caught:
        Manifest.from_yaml(text.replace(old, new))
    assert caught.value.code == code


def test_a_newer_format_says_so() -> None:
    with pytest.raises(BundleError, match="newer version of learnware"):
        Manifest.from_yaml(MANIFEST.to_yaml().replace(b"format: 2", b"format: 3"))


def test_too_many_classes_are_refused_when_written() -> None:
    with pytest.raises(UnsupportedModel, match="could not be read back"):
        replace(MANIFEST, model=replace(ENTRY, classes=tuple(range(6000)))).to_yaml()


def test_checksums_name_the_file() -> None:
    with pytest.raises(ChecksumMismatch, match="specification.json"):
        MANIFEST.files["specification.json"].check("specification.json", b"[]")
