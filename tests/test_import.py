"""`import learnware` does nothing but offer names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import learnware

HEAVY = ("cvxpy", "joblib", "pandas", "polars", "requests", "scipy", "sklearn", "skops", "torch")
PACKAGES = ("bundle", "kernels", "market", "models", "reuse", "runtime", "specification")


def in_new_process(code: str, folder: Path) -> Any:
    """Return what `code` prints as JSON in an interpreter that starts in an empty folder."""
    environment = {
        **os.environ,
        "HOME": str(folder),
        "PYTHONPATH": str(Path(learnware.__file__).parents[1]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_import_is_light_and_leaves_nothing(tmp_path: Path) -> None:
    seconds, loaded = in_new_process(
        """
        import json, sys, time
        start = time.perf_counter()
        import learnware
        print(json.dumps([time.perf_counter() - start, sorted({name.partition(".")[0] for name in sys.modules})]))
        """,
        tmp_path,
    )
    print(f"import learnware: {1000 * seconds:.1f} ms")
    assert not set(loaded) & set(HEAVY)
    assert list(tmp_path.iterdir()) == []


def test_import_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    before, after = in_new_process(
        """
        import json, logging, os, random, signal, warnings
        def state():
            return [
                dict(os.environ), os.getcwd(), len(logging.getLogger().handlers), len(warnings.filters),
                hash(random.getstate()), str(signal.getsignal(signal.SIGINT)),
            ]
        before = state()
        import learnware
        print(json.dumps([before, state()]))
        """,
        tmp_path,
    )
    assert before == after


def test_names_appear_on_first_use(tmp_path: Path) -> None:
    before, after = in_new_process(
        """
        import json, sys
        import learnware
        before = "learnware.specification" in sys.modules
        learnware.SemanticSpecification()
        print(json.dumps([before, "learnware.specification" in sys.modules]))
        """,
        tmp_path,
    )
    assert (before, after) == (False, True)


def test_dir_offers_the_public_names(tmp_path: Path) -> None:
    offered, promised, starred = in_new_process(
        """
        import json, learnware
        offered, starred = dir(learnware), {}
        exec("from learnware import *", starred)
        starred.pop("__builtins__")
        print(json.dumps([offered, learnware.__all__, list(starred)]))
        """,
        tmp_path,
    )
    assert sorted(starred) == sorted(promised)
    assert sorted(offered) == sorted(promised)


def test_every_public_name_resolves() -> None:
    assert set(learnware.__all__) == {*learnware._HOMES, "__version__"}
    for name in learnware.__all__:
        assert getattr(learnware, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Learnwear'"):
        learnware.Learnwear  # noqa: B018


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_offer_what_they_say(package: str) -> None:
    module = import_module(f"learnware.{package}")
    assert module.__doc__
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert getattr(module, name, None) is not None, f"learnware.{package}.{name}"
    public = {n for n, v in vars(module).items() if not n.startswith("_") and is_ours(v, module)}
    assert public <= set(module.__all__)


def is_ours(value: object, module: ModuleType) -> bool:
    """Return whether a thing in a package's namespace is defined in that package, and no module."""
    home = str(getattr(value, "__module__", ""))
    return not isinstance(value, ModuleType) and home.startswith(module.__name__)
