"""Every zip of the corpus is taken or refused as it says there."""

from __future__ import annotations

import pytest

from learnware.bundle.archive import Archive
from learnware.bundle.foreign_archive import ForeignArchive
from learnware.bundle.manifest import Manifest
from learnware.bundle.upstream import convert, is_upstream
from learnware.errors import BundleError
from tests.bundle.foreign_corpus import ACCEPTED, REJECTED
from tests.bundle.foreign_forms import Build
from tests.bundle.measures import MEMORY, SECONDS, most_memory, quickest


def test_the_corpus_is_large_enough() -> None:
    assert len({name for name, *_ in REJECTED}) == len(REJECTED) >= 150
    assert len({name for name, _ in ACCEPTED}) == len(ACCEPTED) >= 40


@pytest.mark.parametrize(("build", "error", "code"), [row[1:] for row in REJECTED], ids=[row[0] for row in REJECTED])
def test_refused(build: Build, error: type[BundleError], code: str) -> None:
    data = build()
    with pytest.raises(BundleError) as caught:
        convert(data)
    assert (type(caught.value), caught.value.code) == (error, code)
    assert str(caught.value).isprintable()
    assert quickest(convert, data) < SECONDS
    assert most_memory(convert, data) < MEMORY


@pytest.mark.parametrize("build", [row[1] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED])
def test_accepted(build: Build) -> None:
    data = build()
    assert is_upstream(data)
    converted = convert(data)
    assert converted == convert(data)
    assert not is_upstream(converted)
    archive = Archive(converted)
    assert Manifest.from_yaml(archive.read("learnware.yaml")).model.format == "python"
    assert ForeignArchive(converted).names == archive.names
