"""Damaged bytes: either an error of the library, or the identical learnware."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier

from learnware import Learnware
from learnware.bundle.archive import Archive, pack
from learnware.bundle.content import Content
from learnware.bundle.manifest import FileRecord, Manifest
from learnware.errors import BundleError, MalformedModel, MalformedSpecification
from learnware.models import load
from learnware.models.skops_file import dumps, loads

X, Y = load_wine(return_X_y=True)
MODEL = RandomForestClassifier(2, max_depth=3, random_state=0).fit(X, Y)
DATA = Learnware.from_model(MODEL, X, name="Wine", random_state=0, n_points=5).to_bytes()
EXPECTED = MODEL.predict(X)


@settings(max_examples=300)
@given(st.integers(0, 8 * len(DATA) - 1))
def test_a_flipped_bit_is_noticed(bit: int) -> None:
    data = bytearray(DATA)
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BundleError):
        Learnware.from_bytes(bytes(data)).verify()


@settings(max_examples=100)
@given(st.integers(0, len(DATA) - 1), st.integers(0, 64), st.binary(max_size=64))
def test_replaced_bytes_are_noticed(start: int, length: int, replacement: bytes) -> None:
    data = DATA[:start] + replacement + DATA[start + length :]
    try:
        np.testing.assert_array_equal(Learnware.from_bytes(data).predict(X), EXPECTED)
        assert data == DATA
    except BundleError:
        pass


@given(st.binary(max_size=400))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BundleError):
        Learnware.from_bytes(data)


@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=8))
def test_a_manifest_of_other_bytes_is_refused_or_harmless(place: int, replacement: bytes) -> None:
    # Here the archive itself is sound, as somebody who wants to mislead would make it.
    archive = Archive(DATA)
    files = {name: archive.read(name) for name in archive.names}
    text = files["learnware.yaml"]
    start = place % len(text)
    files["learnware.yaml"] = text[:start] + replacement + text[start + len(replacement) :]
    try:
        read = Learnware.from_bytes(pack(files))
        assert read.task == "Classification"
        assert len(read.columns) == 13
    except BundleError:
        pass


def packed_again(manifest: Manifest, model_files: Mapping[str, bytes]) -> bytes:
    """Pack files under a manifest that lists them rightly, as somebody who wants to mislead would."""
    specification = Archive(DATA).read("specification.json")
    files = {"specification.json": specification, **{f"model/{name}": data for name, data in model_files.items()}}
    records = {name: FileRecord.of(data) for name, data in files.items()}
    entry = replace(manifest.model, files=tuple(model_files))
    return pack({"learnware.yaml": replace(manifest, files=records, model=entry).to_yaml(), **files})


def manifest_with(**changes: Any) -> Manifest:
    manifest = Manifest.from_yaml(Archive(DATA).read("learnware.yaml"))
    return replace(manifest, model=replace(manifest.model, **changes))


def loaded(data: bytes) -> None:
    """Load the model of a package as a runner does."""
    content = Content(data)
    with tempfile.TemporaryDirectory() as folder:
        for name, part in content.model_files().items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(part)
        load(folder, content.manifest.model)


@pytest.mark.parametrize("name", ["other.skops", "deep/er/model.skops"])
def test_a_model_file_of_another_name_is_refused(name: str) -> None:
    with pytest.raises(MalformedModel) as caught:
        loaded(packed_again(manifest_with(), {name: SKOPS}))
    assert caught.value.code == "model-files"


def test_a_library_that_raises_anything_on_loading_is_a_bundle_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def nested(self: object, folder: object, entry: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr("learnware.models.skops.SkopsFormat.load", nested)
    with pytest.raises(MalformedModel, match="too deep") as caught:
        loaded(DATA)
    assert caught.value.code == "model-damaged"
    assert isinstance(caught.value.__cause__, RecursionError)


def test_two_names_are_refused() -> None:
    manifest = replace(manifest_with(), name="Beer")
    files = {name: Archive(DATA).read(f"model/{name}") for name in manifest.model.files}
    with pytest.raises(MalformedSpecification, match="name") as caught:
        Learnware.from_bytes(packed_again(manifest, files))
    assert (caught.value.code, caught.value.file) == ("spec-disagrees", "specification.json")


SKOPS = dumps(MODEL)


@settings(max_examples=300)
@given(st.integers(0, 8 * len(SKOPS) - 1))
def test_a_model_file_of_other_bits_loads_or_is_refused(bit: int) -> None:
    # Without checksums: what is loaded may predict otherwise, but reading it never fails in another way.
    data = bytearray(SKOPS)
    data[bit // 8] ^= 1 << bit % 8
    with suppress(BundleError):
        loads(bytes(data))
