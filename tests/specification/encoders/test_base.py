"""How an encoder is found, what it must answer, and that points of different encoders never meet."""

from __future__ import annotations

import pickle
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import numpy as np
import pytest

from learnware import RKME, Specification, registry
from learnware.errors import IncomparableSpaces, InvalidData, InvalidParameter
from learnware.registry import Registry
from learnware.specification import Encoder, FunctionEncoder
from learnware.specification.encoders import base, encode, encoder_for, encoder_of
from learnware.specification.encoders.text import HashedText

TEXTS = ["a b", "c", "d e f", "g", "h i", "jj kk ll", "m"]


def lengths(texts: list[str]) -> list[list[float]]:
    return [[float(len(text)), float(text.count(" "))] for text in texts]


class Letters(Encoder):
    """Counts one letter, which the name says."""

    data = "text"

    def __init__(self, letter: str = "a") -> None:
        self.id = f"letters:{letter}"
        self._letter = letter

    def _encode(self, samples: Any, *, device: str | None, progress: bool | None) -> Any:
        return [[text.count(self._letter), 1.0] for text in samples]


READY = Letters("z")


@pytest.fixture(autouse=True)
def announced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that an installed package announces three encoders, and forget what is used in a test."""
    found = {
        "letters": f"{__name__}:Letters",
        "letters:z": f"{__name__}:READY",
        "lengths-1": f"{__name__}:lengths",
        "nothing-1": f"{__name__}:TEXTS",
    }
    entries = EntryPoints(EntryPoint(name, value, "learnware.encoders") for name, value in found.items())
    monkeypatch.setattr(registry, "entry_points", lambda *, group: entries.select(group=group))
    monkeypatch.setattr(base, "ENCODERS", Registry("learnware.encoders", base.ENCODERS._builtin))
    monkeypatch.setattr(base, "_used", {})


def test_default_and_own_encoders() -> None:
    assert isinstance(encoder_for("text"), HashedText)
    mine = FunctionEncoder("mine-1", "text", lengths)
    assert encoder_for("text", mine) is mine


def test_other_packages_announce_a_class_an_instance_or_a_function() -> None:
    assert encoder_for("text", "letters:q").encode(["qq"]).tolist() == [[2.0, 1.0]]
    assert encoder_for("text", "letters").id == "letters:a"
    plain = encoder_for("text", "lengths-1")
    assert (plain.id, plain.data) == ("lengths-1", "text")
    assert plain.encode(["a b"]).tolist() == [[3.0, 1.0]]


def test_an_announced_instance_is_found() -> None:
    base.ENCODERS._builtin["ready"] = f"{__name__}:READY"
    base.ENCODERS.__dict__.pop("_targets", None)
    assert encoder_for("text", "ready") is READY


def test_an_encoder_of_ones_own_is_found_again_by_its_id() -> None:
    mine = FunctionEncoder("mine-1", "text", lengths)
    spec = Specification.from_data(TEXTS, data="text", encoder=mine, random_state=0)
    assert encode(["x y z"], spec.statistical.space).tolist() == [[5.0, 2.0]]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        ("nope-1", r"no encoder 'nope-1' here\. Known: .*text-hash-1.* Pass the encoder itself"),
        ("text-hash-1:large", "takes nothing after a colon"),
        ("lengths-1:large", "takes nothing after a colon"),
        ("sentence-transformers", "needs a name after a colon"),
        (3, "must be an Encoder or the name of one"),
        (lengths, "must be an Encoder or the name of one"),
        (FunctionEncoder("pixels-1", "image", lambda X: X.mean(axis=(1, 2))), "takes image data. Got data='text'"),
        (FunctionEncoder("text-hash-1", "text", lengths), "id of another encoder, HashedText"),
    ],
)
def test_what_is_no_encoder_is_refused(encoder: Any, message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        encoder_for("text", encoder)


class Fetched(Letters):
    """Pretends to fetch what the name says."""

    def __init__(self, letter: str, *, cached: bool = False) -> None:
        super().__init__(letter)
        self.id, self.cached = f"fetched:{letter}", cached


def test_an_id_out_of_a_file_finds_what_is_here_and_fetches_nothing() -> None:
    base.ENCODERS._builtin["fetched"] = f"{__name__}:Fetched"
    base.ENCODERS.__dict__.pop("_targets", None)
    strange = encoder_of("text", "fetched:x")
    assert isinstance(strange, Fetched)
    assert strange.cached
    assert base._used == {}
    mine = encoder_for("text", "fetched:x")
    assert isinstance(mine, Fetched)
    assert not mine.cached
    assert encoder_of("text", "fetched:x") is mine
    hashed = encoder_of("text", "text-hash-1")
    assert encoder_of("text", "text-hash-1") is hashed
    assert encoder_of("text", "letters:q").id == "letters:q"


@pytest.mark.parametrize(
    ("data", "id", "message"),
    [
        ("text", "nope-1", r"no encoder 'nope-1' here"),
        ("image", "text-hash-1", r"takes text data. Got data='image'"),
        ("text", "letters", r"no encoder of the id 'letters' here: .* has the id 'letters:a'"),
    ],
)
def test_an_id_out_of_a_file_that_nobody_has(data: str, id: str, message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        encoder_of(data, id)


def function(scale: float) -> Any:
    return lambda texts: [[scale * len(text), 1.0] for text in texts]


def test_another_encoder_of_the_same_id_is_refused() -> None:
    first = FunctionEncoder("mine-1", "text", lengths)
    encoder_for("text", first)
    for other in (
        FunctionEncoder("mine-1", "text", lambda texts: [[float(len(text)), 7.0] for text in texts]),
        FunctionEncoder("mine-1", "text", function(2.0)),
        FunctionEncoder("mine-1", "text", READY.encode),
    ):
        assert other != first
        with pytest.raises(InvalidParameter, match=r"Another encoder of the id 'mine-1' .* an id of its own"):
            encoder_for("text", other)
    assert encoder_of("text", "mine-1") is first
    encoder_for("text", FunctionEncoder("scaled-1", "text", function(2.0)))
    with pytest.raises(InvalidParameter, match="Another encoder of the id 'scaled-1'"):
        encoder_for("text", FunctionEncoder("scaled-1", "text", function(3.0)))


def test_the_same_encoder_made_again_is_taken() -> None:
    cell = "\nencoder = FunctionEncoder('mine-1', 'text', lambda texts: [[len(t), 1] for t in texts])"
    made: list[Any] = []
    for text in (cell, "\n" + cell):  # as a notebook does that runs a cell again
        names: dict[str, Any] = {"FunctionEncoder": FunctionEncoder}
        exec(text, names)
        made.append(encoder_for("text", names["encoder"]))
    assert made[0] is not made[1]
    assert made[0] == made[1]
    assert hash(made[0]) == hash(made[1])
    assert encoder_for("text", Letters("b")) == encoder_for("text", Letters("b")) != Letters("c")
    assert HashedText() == HashedText() != 3


@pytest.mark.parametrize(
    "arguments",
    [("", "text", lengths), ("a b", "text", lengths), (3, "text", lengths), ("a", "table", lengths), ("a", "text", 3)],
)
def test_a_function_needs_a_name_and_a_kind_of_data(arguments: Any) -> None:
    with pytest.raises(InvalidParameter, match="of FunctionEncoder must be"):
        FunctionEncoder(*arguments)


@pytest.mark.parametrize(
    "answer",
    [
        [[1.0]] * (len(TEXTS) - 1),
        [1.0] * len(TEXTS),
        np.zeros((len(TEXTS), 0)),
        [[np.nan]] * len(TEXTS),
        [[np.inf, 0.0]] * len(TEXTS),
    ],
)
def test_answers_that_are_no_points_are_refused(answer: Any) -> None:
    with pytest.raises(InvalidData, match=r"'mine-1' must give an array of finite numbers with one row a sample"):
        FunctionEncoder("mine-1", "text", lambda texts: answer).encode(TEXTS)


@pytest.mark.parametrize("answer", [[["a"]] * len(TEXTS), [[1.0], [1.0, 2.0]] * 4, None])
def test_answers_that_are_no_numbers_are_refused(answer: Any) -> None:
    with pytest.raises(InvalidData, match="'mine-1' must give"):
        FunctionEncoder("mine-1", "text", lambda texts: answer).encode(TEXTS)


def test_points_of_different_encoders_never_compare() -> None:
    hashed = RKME.from_data(TEXTS, data="text", random_state=0)
    own = RKME.from_data(TEXTS, data="text", encoder=FunctionEncoder("mine-1", "text", lengths), random_state=0)
    table = RKME.from_data(lengths(TEXTS), random_state=0)
    for one, other in ((hashed, own), (own, table), (table, hashed)):
        with pytest.raises(IncomparableSpaces, match="Build both specifications with the same encoder"):
            one.distance(other)
        assert not one.space.accepts(other.space)
    assert own.distance(own) == pytest.approx(0.0, abs=1e-6)


def test_an_encoder_whose_points_changed_is_told() -> None:
    spec = RKME.from_data(TEXTS, data="text", encoder=FunctionEncoder("mine-1", "text", lengths), random_state=0)
    changed = FunctionEncoder("mine-1", "text", lambda texts: [[1.0, 2.0, 3.0]] * len(texts))
    with pytest.raises(IncomparableSpaces, match="points of 3 numbers here, where the specification has 2"):
        encode(TEXTS, spec.space, encoder=changed)


def test_points_cannot_be_turned_back() -> None:
    with pytest.raises(IncomparableSpaces, match="cannot be turned back into texts"):
        RKME.from_data(TEXTS, data="text", random_state=0).sample()


def test_specifications_of_texts_in_files(tmp_path: Any) -> None:
    y = ["long" if len(text) > 1 else "short" for text in TEXTS]
    spec = Specification.from_data(TEXTS, y, data="text", random_state=0)
    assert (spec.semantic.data, spec.semantic.inputs) == ("Text", None)
    read = Specification.load(spec.save(tmp_path / "texts.json"))
    assert read == spec
    assert read.statistical.space == spec.statistical.space  # type: ignore[union-attr]
    assert repr(read.statistical) == "RKME(1 points for 7 texts, labelled)"
    assert pickle.loads(pickle.dumps(spec)) == spec


@pytest.mark.parametrize("data", ["text", "image"])
def test_tables_have_no_encoder(data: str) -> None:
    with pytest.raises(InvalidData, match="Tables have no encoder"):
        RKME.from_data(lengths(TEXTS), encoder=f"{data}-1")
