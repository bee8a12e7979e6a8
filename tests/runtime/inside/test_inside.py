"""What runs in a worker must run in an environment that was made for one model: an old Python with numpy alone."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

import pytest

from learnware.runtime.base import INSIDE
from learnware.runtime.inside import base_model, confinement, skops_lists

FILES = sorted(INSIDE.glob("*.py"))
# Used where the model has brought them along.
LAZY = {"pandas", "learnware"}


def imports(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).partition(".")[0])
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_old_python_reads_it(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
    assert any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body) or (
        path.name == "__init__.py"
    )
    assert imports(tree) - LAZY <= {*sys.stdlib_module_names, "numpy"}
    at_start = imports(ast.Module([node for node in tree.body if not isinstance(node, ast.FunctionDef)], []))
    assert not at_start & LAZY


@pytest.mark.parametrize("name", ["frames.py", "serve.py", "confinement.py"])
def test_nothing_foreign_is_imported_before_the_limits_bind(name: str) -> None:
    tree = ast.parse((INSIDE / name).read_text(encoding="utf-8"))
    assert "numpy" not in imports(tree)


def test_the_class_that_code_inherits_from(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "learnware"}
    try:
        base_model.provide()
        from learnware.model import BaseModel  # type: ignore[import-not-found]
        from learnware.model.base import BaseModel as Same  # type: ignore[import-not-found]

        assert BaseModel is Same
        model = BaseModel((3,), (1,))
        assert (model.input_shape, model.output_shape) == ((3,), (1,))
        for call in (lambda: model.predict(0), lambda: model.fit(0, 0), lambda: model.finetune(0, 0)):
            with pytest.raises(NotImplementedError):
                call()
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "learnware"]:
            del sys.modules[name]
        sys.modules.update(before)


def test_a_limit_is_never_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    asked = {}
    monkeypatch.setattr(resource, "getrlimit", lambda which: (50, 100) if which == resource.RLIMIT_NOFILE else (-1, -1))
    monkeypatch.setattr(resource, "setrlimit", lambda which, pair: asked.update({which: pair}))
    confinement._set_limits({"nofile": 200, "fsize": 200, "unknown": 1})
    assert asked == {resource.RLIMIT_NOFILE: (100, 100), resource.RLIMIT_FSIZE: (200, 200)}


def test_the_stand_in_is_only_for_known_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    name = skops_lists._NAME
    for version, expected in (("0.16.3", True), ("0.17.0", False), ("1.0", False)):
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.setattr(skops_lists, "version", lambda package, version=version: version)
        skops_lists.provide()
        assert (name in sys.modules) is expected
    monkeypatch.delitem(sys.modules, name, raising=False)
    assert skops_lists._Lists(name).ANY_NAMES == []
    assert not hasattr(skops_lists._Lists(name), "__path__")


def test_the_stand_in_holds_the_list_that_it_must() -> None:
    from skops.io import _trusted_types

    assert sorted(skops_lists._Lists.NUMPY_RANDOM_BIT_GENERATOR_TYPE_NAMES) == sorted(
        _trusted_types.NUMPY_RANDOM_BIT_GENERATOR_TYPE_NAMES
    )


def test_the_folder_holds_nothing_else() -> None:
    assert {path.suffix for path in INSIDE.iterdir() if path.name != "__pycache__"} == {".py"}
    assert os.path.basename(INSIDE) == "inside"
