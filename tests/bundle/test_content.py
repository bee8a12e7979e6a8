"""What is read of a learnware's file, and when."""

from __future__ import annotations

import pytest

from learnware.bundle.archive import Archive
from learnware.bundle.content import Content
from learnware.bundle.upstream import convert
from tests.bundle.corpus.bases import plain
from tests.bundle.upstream_zips import make_upstream_zip


@pytest.mark.parametrize(("make", "level", "read"), [
    (plain, "T0", ["model/model.skops"]),
    (lambda: convert(make_upstream_zip()), "T2", []),
])  # fmt: skip
def test_the_level_reads_no_more_than_it_needs(
    make: object, level: str, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = Content(make())  # type: ignore[operator]
    asked: list[str] = []
    original = Archive.read

    def watched(self: Archive, name: str, *, limit: int | None = None) -> bytes:
        asked.append(name)
        return original(self, name, limit=limit)

    monkeypatch.setattr(Archive, "read", watched)
    assert str(content.level) == level
    assert asked == read
