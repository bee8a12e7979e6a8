"""What all tests share: which of them run by default, reproducible properties, and what a machine
may lack: the real data, a sandbox."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

# A property that fails must fail again on the next run and on the next machine. To look for new counterexamples:
# pytest --hypothesis-profile=explore
settings.register_profile("reproducible", deadline=None, derandomize=True, database=None)
settings.register_profile("explore", deadline=None, max_examples=500)
settings.load_profile("reproducible")

_ON_REQUEST = ("slow", "benchmark")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out slow tests and benchmarks unless the command line chooses by marker."""
    if config.option.markexpr:
        return
    left_out = [item for item in items if any(item.get_closest_marker(name) for name in _ON_REQUEST)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture(autouse=True)
def encoders_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start every test without encoders passed before, whose ids would refuse others of the same id."""
    from learnware.specification.encoders import base

    monkeypatch.setattr(base, "_used", {})


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the root of the source tree."""
    return ROOT


@pytest.fixture(scope="session")
def data_path() -> Path:
    """Return the folder of real data sets, or skip: they are not part of the source tree."""
    path = Path(os.environ.get("LEARNWARE_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"needs the data sets in {path}, or in the folder that LEARNWARE_DATA names")
    return path


@pytest.fixture(scope="session")
def needs_sandbox() -> None:
    """Skip where no sandbox can be made; fail where LEARNWARE_REQUIRE_SANDBOX=1 says that it must."""
    from learnware.errors import IsolationUnavailable
    from learnware.runtime.sandbox.bubblewrap import bubblewrap

    try:
        bubblewrap()
    except IsolationUnavailable as error:
        if os.environ.get("LEARNWARE_REQUIRE_SANDBOX") == "1":
            pytest.fail(f"LEARNWARE_REQUIRE_SANDBOX=1, but there is no sandbox: {error}")
        pytest.skip(str(error))
