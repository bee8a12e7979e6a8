"""Readers get sound input with damage done to it, and whatever else: they answer, or raise an error of the library.

Each reader gets `EXAMPLES` inputs; ``LEARNWARE_FUZZ=1000000`` gives each that many, by new random choices.
"""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from learnware import Specification
from learnware._zip import CENTRAL, END, LOCAL
from learnware.bundle.archive import Archive, pack
from learnware.bundle.manifest import Manifest
from learnware.bundle.strict_yaml import parse
from learnware.errors import BundleError, InvalidSpecification, LearnwareError
from tests.bundle.corpus.bases import MANIFEST, SPECIFICATION, files_of, plain
from tests.bundle.corpus.raw import Zip, one, two
from tests.bundle.corpus.samples import JSON_SAMPLES, YAML_SAMPLES

EXAMPLES = int(os.environ.get("LEARNWARE_FUZZ", "4000"))

fuzzed = settings(
    max_examples=EXAMPLES,
    derandomize="LEARNWARE_FUZZ" not in os.environ,
    # What fails is small already; making it smaller takes long.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)

FILES = {"a.txt": b"one " * 20, "b/c.bin": bytes(range(64)), "empty": b""}
ZIPS = [pack(FILES), pack({}), pack({"a": b""}), one(), two(), Zip().add("a", b"x" * 99, deflate=True).bytes()]
MANIFESTS = [files_of(plain())[MANIFEST], *YAML_SAMPLES]
SPECIFICATIONS = [files_of(plain())[SPECIFICATION], *JSON_SAMPLES]

#: Places where records of a zip begin and what stands in them is decided.
_EDGES = [0, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF, LOCAL.size, CENTRAL.size, END.size]


def damaged(samples: Sequence[bytes], words: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Return sound inputs with a few changes: bits, splices, cuts, repeats, numbers and words put in."""
    seeds = st.integers(0, 2**63)
    return st.builds(lambda seed: _damage(random.Random(seed), samples, words), seeds) | st.binary(max_size=200)


def _damage(rng: random.Random, samples: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    data = bytearray(rng.choice(samples))
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        place, length = rng.randint(0, len(data)), rng.choice([0, 1, 2, 4, 8, 40])
        kind = rng.randrange(6)
        if kind == 0 and data:
            data[place % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[place : place + length] = rng.choice(words)
        elif kind == 2:
            data[place : place + 4] = rng.choice(_EDGES).to_bytes(4, "little")
        elif kind == 3:
            other = rng.choice(samples)
            start = rng.randint(0, len(other))
            data[place : place + length] = other[start : start + rng.choice([1, 8, 64])]
        elif kind == 4:
            data[place:place] = bytes(data[place : place + rng.choice([1, 10, 100])]) * rng.choice([1, 2, 30])
        else:
            del data[place : place + rng.choice([1, 4, 50, len(data)])]
    return bytes(data)


def stays_in_the_tree(read: Callable[[], Any], error: type[LearnwareError]) -> Any:
    """Return what is read, or None for an error of the class, which must say what is wrong."""
    try:
        return read()
    except error as caught:
        told = bool(str(caught)) and bool(getattr(caught, "code", None))
    assert told, "an error says what is wrong, and has a code"
    return None


@fuzzed
@given(damaged(ZIPS, [b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x07", b"../", b"\x00", b"\xff\xff"]))
def test_zip(data: bytes) -> None:
    archive = stays_in_the_tree(lambda: Archive(data), BundleError)
    if archive is None:
        return
    contents = {name: stays_in_the_tree(lambda name=name: archive.read(name), BundleError) for name in archive.names}
    if None not in contents.values():
        # Whatever is taken is what the writer writes, but for the choice of packing.
        assert Archive(pack(contents)).names == archive.names


_YAML_WORDS = [
    b"- ",
    b": ",
    b"? ",
    b"[",
    b"{",
    b"]",
    b"}",
    b"&a",
    b"*a",
    b"!!",
    b"<<",
    b"---\n",
    b"|",
    b">",
    b'"',
    b"'",
]


@fuzzed
@given(damaged(MANIFESTS, [*_YAML_WORDS, b"\n  ", b"\t", b"\\ud800", b"1.0e+999", b"%YAML", b"#", b"\xef\xbb\xbf"]))
def test_yaml(text: bytes) -> None:
    content = stays_in_the_tree(lambda: parse(text), BundleError)
    stays_in_the_tree(lambda: Manifest.from_yaml(text), BundleError)
    if isinstance(content, dict):
        assert all(isinstance(key, str) for key in content)


_JSON_WORDS = [b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b"\\ud800", b"NaN", b"-Infinity", b"1e999", b"9" * 400]


@fuzzed
@given(damaged(SPECIFICATIONS, [*_JSON_WORDS, b"null", b"true", b"-", b"1.5", b"\x00", b"[" * 2000, b"\xff"]))
def test_json(text: bytes) -> None:
    read = stays_in_the_tree(lambda: Specification.from_json(text), InvalidSpecification)
    if read is not None:
        assert Specification.from_json(read.to_json()) == read


_VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2.5, 1e300, 10**30, -0.0, 1e-320, "", "0", "number", "category", "é", [], [[]], {},
    [0.0], [[0.0]], [1.0], ["a"], {"a": 1}, {"Values": []}, {"Dimension": 3}, [None], [True], [[1, 2], [3]], "x" * 5000,
]  # fmt: skip


def _changed(seed: int) -> bytes:
    """Return a specification with values changed, moved, dropped or doubled somewhere in its tree."""
    rng = random.Random(seed)
    content = json.loads(rng.choice(SPECIFICATIONS[:1] + JSON_SAMPLES))
    for _ in range(rng.choice([1, 1, 2, 4])):
        holder = content
        while isinstance(holder, dict | list) and holder:
            key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
            if not isinstance(holder[key], dict | list) or rng.random() < 0.35:
                _change(rng, holder, key)
                break
            holder = holder[key]
    return json.dumps(content).encode()


def _change(rng: random.Random, holder: Any, key: Any) -> None:
    kind = rng.randrange(4)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[rng.choice(["gamma", "type", "Values", "0", "é", "name"])] = copy.deepcopy(holder[key])
    elif kind == 1:
        holder.insert(0, copy.deepcopy(holder[key]))
    else:
        holder[key] = copy.deepcopy(rng.choice(_VALUES))


@fuzzed
@given(st.integers(0, 2**63))
def test_specification(seed: int) -> None:
    read = stays_in_the_tree(lambda: Specification.from_json(_changed(seed)), InvalidSpecification)
    if read is None:
        return
    assert Specification.from_json(read.to_json()) == read
    if read.statistical is not None:
        assert abs(read.statistical.distance(read.statistical)) < 1e-3


def test_the_samples_are_sound() -> None:
    for text in MANIFESTS:
        assert parse(text) == yaml.safe_load(text)
    for text in SPECIFICATIONS:
        assert Specification.from_json(text)
    for data in ZIPS:
        Archive(data)


@pytest.mark.parametrize("samples", [ZIPS, MANIFESTS, SPECIFICATIONS], ids=["zip", "yaml", "json"])
def test_damage_is_various(samples: list[bytes]) -> None:
    made = {_damage(random.Random(seed), samples, [b"x"]) for seed in range(500)}
    assert len(made) > 400
