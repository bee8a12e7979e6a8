"""Code as data: stored under names of our own, given back as it was, and never run here."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware.errors import LimitExceeded, MalformedArchive, MalformedModel, UnsupportedModel, UntrustedModel
from learnware.limits import LIMITS
from learnware.models import FORMATS, ModelEntry, load
from learnware.models.level import Level
from learnware.models.python import PythonFormat, pack_code, unpack_code

FILES = {"__init__.py": b"raise SystemExit", "Weights/模型.pkl": bytes(range(256)), "empty.py": b""}
ENTRY = ModelEntry("python", tuple(pack_code(FILES)), "Others", (), "Regression", None, 3)


@given(
    st.dictionaries(st.from_regex(r"[A-Z][a-z]{1,4}[0-9](/[A-Z][a-z]{1,4}é?)?", fullmatch=True), st.binary(max_size=9))
)
def test_what_is_packed_is_unpacked(files: dict[str, bytes]) -> None:
    try:
        packed = pack_code(files)
    except MalformedArchive as error:
        assert error.code in ("name", "name-collision")  # noqa: PT017
        return
    assert unpack_code(packed) == files
    assert list(unpack_code(packed)) == sorted(files)
    assert pack_code(dict(reversed(files.items()))) == packed
    assert all(name == "paths.json" or (name[0] == "f" and name[1:].isdigit()) for name in packed)


@pytest.mark.parametrize("names", [["../a"], ["a", "A"], ["a", "a/b"], ["con"], ["a\\b"]])
def test_unsafe_names_are_not_packed(names: list[str]) -> None:
    with pytest.raises(MalformedArchive):
        pack_code(dict.fromkeys(names, b""))


def table(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({}, "incomplete"),
        ({"f0": b""}, "incomplete"),
        ({"paths.json": table({"a": "f0"})}, "incomplete"),
        ({"paths.json": table({}), "f0": b""}, "incomplete"),
        ({"paths.json": table({"a": "f0"}), "f0": b"", "f1": b""}, "incomplete"),
        ({"paths.json": b'{"a":"f0","a":"f1"}', "f0": b"", "f1": b""}, "json-duplicate-key"),
        ({"paths.json": b"\xff"}, "json-syntax"),
        ({"paths.json": b"[" * 9}, "json-depth"),
        ({"paths.json": table(["a"]), "f0": b""}, "model-damaged"),
        ({"paths.json": table({"a": 0}), "f0": b""}, "model-damaged"),
        ({"paths.json": table({"a": "f1"}), "f1": b""}, "model-damaged"),
        ({"paths.json": table({"a": "../f0"}), "../f0": b""}, "model-damaged"),
        ({"paths.json": table({"a": "f1", "b": "f0"}), "f0": b"", "f1": b""}, "model-damaged"),
        ({"paths.json": table({"b": "f0", "a": "f0"}), "f0": b""}, "model-damaged"),
        ({"paths.json": b'{"a": "f0"}', "f0": b""}, "model-damaged"),
        ({"paths.json": table({"../a": "f0"}), "f0": b""}, "name"),
        ({"paths.json": table({"/a": "f0"}), "f0": b""}, "name"),
        ({"paths.json": table({"A": "f0", "a": "f1"}), "f0": b"", "f1": b""}, "name-collision"),
        ({"paths.json": b" " * 10**6}, "json-size"),
    ],
)
def test_files_that_nothing_packed_are_refused(files: dict[str, bytes], code: str) -> None:
    with pytest.raises(MalformedModel) as caught:
        unpack_code(files)
    assert caught.value.code == code


@given(st.integers(0, 8 * len(pack_code(FILES)["paths.json"]) - 1))
def test_a_table_of_other_bits_is_refused_or_names_other_safe_files(bit: int) -> None:
    files = pack_code(FILES)
    changed = bytearray(files["paths.json"])
    changed[bit // 8] ^= 1 << bit % 8
    try:
        unpacked = unpack_code({**files, "paths.json": bytes(changed)})
    except MalformedModel:
        return
    assert list(unpacked.values()) == list(unpack_code(files).values())


def test_too_many_files_are_refused() -> None:
    with pytest.raises(LimitExceeded) as caught:
        unpack_code(pack_code({f"n{i}": b"" for i in range(LIMITS["archive-entries"])}))
    assert caught.value.code == "too-large"


def test_it_is_code_and_does_not_run_here(tmp_path: Path) -> None:
    form = FORMATS["python"]()
    assert isinstance(form, PythonFormat)
    assert form.level(pack_code(FILES)) is Level.CODE
    for name, content in pack_code(FILES).items():
        (tmp_path / name).write_bytes(content)
    before = set(sys.modules)
    with pytest.raises(UntrustedModel, match="sandbox"):
        load(tmp_path, ENTRY)
    assert set(sys.modules) == before


def test_it_takes_no_model() -> None:
    form = PythonFormat()
    assert not form.accepts(form)
    assert form.feature_names(form) is None
    assert form.given(form, ENTRY) is form
    with pytest.raises(UnsupportedModel, match="learnware import"):
        form.save(form, Path(), None, None, None)
