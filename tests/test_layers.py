"""Imports go one way only: whoever reads a room needs to know the rooms below it, and no others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "learnware"

BASE = frozenset(
    (
        "errors limits registry _cache_folder _digests _names _once _optional _progress _strict_json _validation "
        "_writing _zip"
    ).split()
)
ALLOWED: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "limits": frozenset({"errors"}),
    "_names": frozenset({"errors", "limits"}),
    "_strict_json": frozenset({"errors", "limits"}),
    "_zip": frozenset({"errors", "limits"}),
    "_validation": frozenset({"errors"}),
    "_optional": frozenset({"errors"}),
    "_digests": frozenset(),
    "_progress": frozenset(),
    "_cache_folder": frozenset(),
    "_once": frozenset(),
    "_writing": frozenset(),
    "registry": frozenset({"errors", "_once"}),
    "kernels": BASE,
    "specification": BASE | {"kernels"},
    "models": BASE,
    "runtime": BASE | {"models"},
    "bundle": BASE | {"specification", "models", "runtime"},
    "market": BASE | {"bundle", "specification", "kernels"},
    "reuse": BASE | {"bundle", "specification", "kernels"},
    "_reuser_contract": BASE | {"reuse", "bundle", "specification"},
    "testing": BASE | {"_reuser_contract", "market", "reuse", "bundle", "specification"},
    "demo": BASE | {"market", "reuse", "bundle", "specification"},
    "_files": BASE | {"models"},
    "server": BASE | {"market", "bundle", "specification", "kernels"},
    "cli": BASE | {"demo", "_files", "server", "market", "bundle", "specification", "runtime"},
    "__main__": frozenset({"cli"}),
    "__init__": frozenset({"bundle", "limits", "market", "reuse", "specification"}),
}
KNOT = frozenset({"market", "reuse"})

# A module named in a string, as registries and import_module take it: "learnware.models.skops:SkopsFormat".
_TARGET = re.compile(r"learnware(?:\.\w+)+(?::\w+)?")


@dataclass(frozen=True)
class Import:
    """One module of ours that another one asks for."""

    source: str
    target: str
    line: int
    at_module_level: bool
    for_types_only: bool

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target}"


def module_name(path: Path) -> str:
    """Return the dotted name of a file of the package."""
    parts = ["learnware", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def homes() -> dict[str, str]:
    """Return the module behind each public name of the top package."""
    import learnware

    return {"__version__": "learnware._version_only", **learnware._HOMES}


class _Collector(ast.NodeVisitor):
    """Collects imports with the place where they stand."""

    def __init__(self, module: str) -> None:
        self.module = module
        is_package = MODULES.get(module, Path()).name == "__init__.py"
        self.package = module if is_package else module.rpartition(".")[0]
        self.found: list[Import] = []
        self._depth = 0
        self._types = 0

    def _add(self, target: str, line: int, *, at_module_level: bool | None = None) -> None:
        level = self._depth == 0 if at_module_level is None else at_module_level
        self.found.append(Import(self.module, target, line, level, self._types > 0))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.partition(".")[0] == "learnware":
                self._add(alias.name, node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        origin = node.module or ""
        if node.level:
            above = self.package.split(".")[: len(self.package.split(".")) - node.level + 1]
            origin = ".".join([*above, *([node.module] if node.module else [])])
        if origin.partition(".")[0] != "learnware":
            return
        for alias in node.names:
            whole = f"{origin}.{alias.name}"
            if whole in MODULES:
                self._add(whole, node.lineno)
            elif origin == "learnware":
                self._add(homes().get(alias.name, origin), node.lineno)
            else:
                self._add(origin, node.lineno)

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test).rpartition(".")[2] != "TYPE_CHECKING":
            self.generic_visit(node)
            return
        self._types += 1
        for child in node.body:
            self.visit(child)
        self._types -= 1
        for child in node.orelse:
            self.visit(child)

    def _inside(self, node: ast.AST) -> None:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _inside

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and _TARGET.fullmatch(node.value):
            self._add(node.value.partition(":")[0], node.lineno, at_module_level=False)


def imports_of(source: str, module: str) -> list[Import]:
    """Return every import of ours in a source text."""
    collector = _Collector(module)
    collector.visit(ast.parse(source))
    return collector.found


def all_imports() -> Iterator[Import]:
    """Return every import of ours in the package."""
    for module, path in MODULES.items():
        yield from imports_of(path.read_text(encoding="utf-8"), module)


def room(module: str) -> str:
    """Return the room a module lies in."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def broken_rule(found: Import) -> str | None:
    """Return what is wrong with an import, or None."""
    source, target = room(found.source), room(found.target)
    if source == target or target == "_version_only" or target not in ALLOWED:
        return None
    if found.for_types_only:
        return f"{found} (market and reuse do not know each other)" if {source, target} == KNOT else None
    if target in ALLOWED[source]:
        return None
    return f"{found}, but {source} may import only {', '.join(sorted(ALLOWED[source])) or 'nothing of ours'}"


def test_every_module_lies_in_a_known_room() -> None:
    assert {room(module) for module in MODULES} <= set(ALLOWED)


def test_imports_go_only_downwards() -> None:
    wrong = [rule for rule in map(broken_rule, all_imports()) if rule]
    assert not wrong, "\n".join(wrong)


def test_the_allowed_arrows_have_no_cycle() -> None:
    TopologicalSorter(ALLOWED).prepare()


def test_no_module_imports_itself_by_a_detour() -> None:
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for found in all_imports():
        if found.at_module_level and not found.for_types_only and found.target in MODULES:
            graph[found.source].add(found.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("modules import each other: " + " <- ".join(error.args[1]))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("learnware.kernels.gram", "from learnware.specification import RKME"),
        ("learnware.kernels.gram", "def f():\n    import learnware.market"),
        ("learnware.reuse.base", "from learnware import SearchResult"),
        ("learnware.reuse.base", "from learnware.market.result import SearchResult"),
        ("learnware.reuse.base", "import typing\nif typing.TYPE_CHECKING:\n    import learnware.market"),
        ("learnware.market.base", "import importlib\nx = importlib.import_module('learnware.reuse.auto')"),
        ("learnware.models.skops", "from ..bundle import Learnware"),
        ("learnware.errors", "from learnware import registry"),
        ("learnware.bundle.archive", "from learnware.market.store.base import Store"),
    ],
)
def test_a_wrong_arrow_is_noticed(module: str, source: str) -> None:
    assert any(map(broken_rule, imports_of(source, module)))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("learnware.market.base", "from learnware.bundle import Learnware"),
        ("learnware.errors", "import typing\nif typing.TYPE_CHECKING:\n    import learnware.market"),
        ("learnware.bundle.manifest", "from learnware import __version__"),
        ("learnware.reuse.auto", "from .base import Reuser"),
    ],
)
def test_a_right_arrow_passes(module: str, source: str) -> None:
    assert not any(map(broken_rule, imports_of(source, module)))
