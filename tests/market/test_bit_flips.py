"""A bit that changes on the disk is noticed: nobody ever gets a learnware that is not the one they asked for."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from learnware.errors import ChecksumMismatch, LearnwareError
from learnware.market import Market
from learnware.market.store import DirectoryStore
from learnware.specification import Specification
from learnware.testing import make_learnware

N_FLIPS = 200


def flip(path: Path, rng: random.Random) -> None:
    with open(path, "rb+") as file:
        position = rng.randrange(path.stat().st_size)
        file.seek(position)
        (byte,) = file.read(1)
        file.seek(position)
        file.write(bytes([byte ^ 1 << rng.randrange(8)]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Market.open(tmp_path / "market") as market:
        ids = market.submit([make_learnware(f"number {i}", float(i)) for i in range(5)], progress=False)
        market.update(ids[0], make_learnware("number 0 again", 0.5))
        market.remove(ids[4])
    return tmp_path / "market"


def test_every_flip_in_a_stored_bundle_is_detected(folder: Path) -> None:
    rng, detected = random.Random(0), 0
    with Market.open(folder) as market:
        references = [f"{i}@{revision.digest}" for i in market for revision in market.revisions(i)]
        for _ in range(N_FLIPS):
            reference = rng.choice(references)
            digest = reference.partition("@")[2]
            path = folder / "blobs" / digest[:2] / digest
            content = path.read_bytes()
            flip(path, rng)
            assert path.read_bytes() != content
            try:
                market.fetch(reference)
            except ChecksumMismatch:
                detected += 1
            path.write_bytes(content)
            market.fetch(reference)
    assert detected == N_FLIPS


def told(store: DirectoryStore, ids: list[str]) -> dict[tuple[str, str], tuple[bytes, Specification]]:
    """Return bytes and specification of each revision and each current state that the store gives out."""
    answers = {}
    for learnware_id in ids:
        asked: list[str | None] = [None]
        try:
            asked += [revision.digest for revision in store.revisions(learnware_id)]
        except LearnwareError:
            asked = [None]
        for digest in asked:
            try:
                answer = store.read(learnware_id, digest), store.describe(learnware_id, digest)
            except LearnwareError:
                continue
            answers[learnware_id, digest or "current"] = answer
    return answers


def test_no_flip_in_the_database_gives_a_wrong_learnware(folder: Path, tmp_path: Path) -> None:
    rng, flipped, n_refused = random.Random(0), tmp_path / "flipped", 0
    with_all = DirectoryStore(folder)
    ids = [*with_all, *with_all.changes(0).removed]
    true = told(with_all, ids)
    with_all.close()
    assert len(true) == 4 + 5
    for _ in range(N_FLIPS):
        shutil.copytree(folder, flipped)
        flip(flipped / "market.sqlite", rng)
        try:
            store = DirectoryStore(flipped)
        except LearnwareError:
            n_refused += 1
        else:
            answers = told(store, ids)
            assert [key for key, answer in answers.items() if answer != true.get(key)] == []
            n_refused += len(answers) < len(true)
            store.close()
        shutil.rmtree(flipped)
    assert n_refused
