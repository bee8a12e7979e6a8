"""The dock that the pages are tried with takes what the real one takes."""

from __future__ import annotations

import inspect

import pytest

from learnware.server.dock import Dock
from tests.server.pages.fake_dock import FakeDock

#: What tests put into it, and look at afterwards.
FOR_TESTS = {"put", "submitted", "session"}
METHODS = sorted(name for name, _ in inspect.getmembers(FakeDock, inspect.isfunction) if not name.startswith("_"))


@pytest.mark.parametrize("name", sorted(set(METHODS) - FOR_TESTS))
def test_it_takes_what_the_real_one_takes(name: str) -> None:
    fake, real = (inspect.signature(getattr(dock, name)).parameters for dock in (FakeDock, Dock))
    named = [p for p in fake.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    assert {p.name for p in named if p.kind is inspect.Parameter.KEYWORD_ONLY} <= set(real)
    positional = [p for p in named if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert len(positional) == len([p for p in real.values() if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD])
