"""Where the library keeps what can be made again."""

from __future__ import annotations

from pathlib import Path

import pytest

from learnware._cache_folder import cache_folder


def test_the_cache_is_where_it_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEARNWARE_HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home"
    monkeypatch.setenv("LEARNWARE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    for name in ("LEARNWARE_CACHE", "LEARNWARE_HOME"):
        monkeypatch.delenv(name)
    assert cache_folder().name == "learnware"
    assert cache_folder().is_absolute()
