"""Whatever is public is explained, and the examples in docstrings run."""

from __future__ import annotations

import doctest
import inspect
import os
import pkgutil
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

import learnware

MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(learnware.__path__, "learnware.")
    if not info.name.endswith("__main__")  # importing it runs the command line
)


def public_things() -> Iterator[tuple[str, Any]]:
    """Return the classes and functions behind every `__all__`, by full name."""
    seen: set[int] = set()
    for module_name in ["learnware", *MODULES]:
        module = import_module(module_name)
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if (inspect.isclass(value) or inspect.isfunction(value)) and id(value) not in seen:
                seen.add(id(value))
                yield f"{module_name}.{name}", value


PUBLIC = dict(public_things())


@pytest.mark.parametrize("name", MODULES)
def test_modules_say_what_they_hold(name: str) -> None:
    module = import_module(name)
    summary = (module.__doc__ or "").strip().partition("\n\n")[0]
    assert summary, f"{name} has no docstring"
    assert summary[-1] in ".:", f"the first paragraph of {name} is no sentence: {summary!r}"


@pytest.mark.parametrize("name", PUBLIC)
def test_public_things_are_explained(name: str) -> None:
    value = PUBLIC[name]
    assert is_explained(value), f"{name} has no docstring"
    if inspect.isclass(value):
        silent = [member for member in own_members(value) if not inspect.getdoc(getattr(value, member))]
        assert not silent, f"{name} does not explain {', '.join(silent)}"


def own_members(cls: type) -> list[str]:
    """Return the public methods and properties that a class defines itself; they may inherit their docstrings.

    The tests of a contract say in their names what they test.
    """
    kinds = (FunctionType, classmethod, staticmethod, property, cached_property)
    own = [name for name, member in vars(cls).items() if isinstance(member, kinds)]
    return [name for name in own if not name.startswith(("_", "test_"))]


def is_explained(value: Any) -> bool:
    """Return whether a thing has a docstring of its own, not one that Python made up for it."""
    text = (value.__doc__ or "").strip()
    made_up = inspect.isclass(value) and text.startswith(f"{value.__name__}(")
    return bool(text) and not made_up


@pytest.mark.parametrize("name", ["learnware", *MODULES])
def test_examples_in_docstrings_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module(name)
    tests = [test for test in doctest.DocTestFinder(exclude_empty=True).find(module) if test.examples]
    if tests:
        monkeypatch.chdir(tmp_path)
        failures = run(module, tests)
        assert not failures, "\n".join(failures)


def run(module: ModuleType, tests: list[doctest.DocTest]) -> list[str]:
    """Return what goes wrong in the examples of a module."""
    failures: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for test in tests:
        runner.run(test, out=failures.append)
    assert Path.cwd() != Path(os.path.dirname(module.__file__ or "")), "examples run in a folder of their own"
    return failures


def test_the_main_names_have_an_example() -> None:
    for name in ("Specification", "Learnware", "Market", "Reuser", "RKME"):
        assert ">>> " in (getattr(learnware, name).__doc__ or ""), f"{name} shows no example"
