"""Parts are found by name, loaded on first use, and may come from other packages."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest

from learnware import registry
from learnware.errors import InvalidParameter
from learnware.registry import Registry

GROUP = "learnware.tests"


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    """Return the entry points of installed packages, to be filled by a test."""
    entries: list[EntryPoint] = []

    def entry_points(*, group: str) -> EntryPoints:
        return EntryPoints(entry for entry in entries if entry.group == group)

    monkeypatch.setattr(registry, "entry_points", entry_points)
    return entries


def entry(name: str, value: str, group: str = GROUP) -> EntryPoint:
    return EntryPoint(name, value, group)


def test_lists_and_loads_built_in_parts(announced: list[Any]) -> None:
    parts = Registry(GROUP, {"second": "json:dumps", "first": "json:loads"})
    import json

    assert list(parts) == ["first", "second"]
    assert "first" in parts
    assert "third" not in parts
    assert parts["first"] is json.loads


def test_loads_nothing_before_it_is_asked_for(announced: list[Any]) -> None:
    sys.modules.pop("this", None)
    parts = Registry(GROUP, {"zen": "this:d"})
    assert "zen" in parts
    assert list(parts) == ["zen"]
    assert "this" not in sys.modules


def test_takes_parts_of_other_packages(announced: list[EntryPoint]) -> None:
    announced += [entry("tab", "csv:excel_tab"), entry("other", "csv:excel", group="somewhere.else")]
    import csv

    parts = Registry(GROUP, {"comma": "csv:excel"})
    assert list(parts) == ["comma", "tab"]
    assert parts["tab"] is csv.excel_tab


def test_a_name_claimed_twice_is_refused(announced: list[EntryPoint]) -> None:
    announced.append(entry("comma", "csv:excel_tab"))
    parts = Registry(GROUP, {"comma": "csv:excel"})
    with pytest.raises(InvalidParameter, match=r"csv:excel and csv:excel_tab\. Uninstall one"):
        parts["comma"]


def test_the_same_claim_twice_is_fine(announced: list[EntryPoint]) -> None:
    announced.append(entry("comma", "csv:excel"))
    assert list(Registry(GROUP, {"comma": "csv:excel"})) == ["comma"]


def test_an_unknown_name_lists_the_known_ones(announced: list[Any]) -> None:
    with pytest.raises(InvalidParameter, match=r"'tsv' is not known .* Known: comma, tab\."):
        Registry(GROUP, {"tab": "csv:excel_tab", "comma": "csv:excel"})["tsv"]
