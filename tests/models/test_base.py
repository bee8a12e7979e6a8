"""What every format must tell, and which files it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from learnware.errors import MalformedModel
from learnware.models import FORMATS, Level, ModelEntry, level_of, load, save

X = np.arange(12.0).reshape(6, 2)
FILES = {
    "lightgbm": ("model.txt",),
    "onnx": ("model.onnx",),
    "python": ("paths.json", "f0"),
    "torch": ("graph.json", "weights.safetensors"),
    "xgboost": ("model.json",),
}
ENTRY = ModelEntry("skops", ("model.skops",), "Others", (), "Regression", None, 2)


class Closed(Mapping[str, bytes]):
    """Files whose names are known and whose content must not be read."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def __getitem__(self, name: str) -> bytes:
        raise AssertionError(f"{name} is read")

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


@pytest.mark.parametrize("name", FILES)
def test_most_formats_tell_their_level_without_reading(name: str) -> None:
    entry = replace(ENTRY, format=name, files=FILES[name])
    expected = {"python": Level.CODE, "torch": Level.DATA}.get(name, Level.UNSAFE_MEMORY)
    assert level_of(entry, Closed(*FILES[name])) == expected


@pytest.mark.parametrize("name", ["skops", "lightgbm", "onnx", "torch", "xgboost"])
def test_files_of_another_format_are_refused(name: str, tmp_path: Path) -> None:
    entry = replace(ENTRY, format=name, files=("other.bin",))
    for refuse in (lambda: load(tmp_path, entry), lambda: level_of(entry, Closed("other.bin"))):
        with pytest.raises(MalformedModel, match="must have the files") as caught:
            refuse()
        assert caught.value.code == "model-files"
        assert str(tmp_path) not in str(caught.value)


def test_a_file_that_is_gone_is_named_without_its_place(tmp_path: Path) -> None:
    entry = save(LinearRegression().fit(X, X[:, 0]), tmp_path, sample=X)
    (tmp_path / "model.skops").unlink()
    with pytest.raises(MalformedModel, match="No such file") as caught:
        load(tmp_path, entry)
    assert str(tmp_path) not in str(caught.value)


class Silent:
    """A format of another package that does not tell what its models can do."""

    files = ("model.bin",)


class Unnamed:
    """A format of another package that does not name its files."""

    def level(self, files: Mapping[str, bytes]) -> Level:
        return Level.DATA


@pytest.mark.parametrize("chosen", [Silent, Unnamed])
def test_a_format_must_tell_its_files_and_the_level(chosen: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS._loaded, "foreign", chosen)
    entry = replace(ENTRY, format="foreign", files=("model.bin",))
    with pytest.raises(MalformedModel, match="must define 'files' and 'level'") as caught:
        level_of(entry, {"model.bin": b""})
    assert caught.value.code == "model-format"


def test_too_little_memory_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def starved(self: object, folder: object, entry: object) -> None:
        raise MemoryError("too little")

    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    entry = save(model, tmp_path, sample=np.zeros((1, 1)))
    monkeypatch.setattr("learnware.models.skops.SkopsFormat.load", starved)
    with pytest.raises(MemoryError):
        load(tmp_path, entry)
