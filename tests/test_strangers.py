"""A learnware of a stranger, as Beimingwu packs them, from its zip to predictions; all of it in a sandbox."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from learnware import Learnware, Market, Reuser, Specification
from learnware.cli import main
from learnware.market import check_learnware
from learnware.runtime.environment.installed import cached_environments
from tests.bundle.upstream_zips import make_upstream_zip

pytestmark = pytest.mark.usefixtures("needs_sandbox")

X = np.random.default_rng(1).normal(size=(200, 3))


@pytest.fixture
def zip_file(tmp_path: Path) -> Iterator[Path]:
    """Return a zip whose code writes a file whenever it is imported where it can."""
    canary = tmp_path / "canary"
    source = f"""
try:
    open({str(canary)!r}, "w").close()
except OSError:
    pass
"""
    path = tmp_path / "upstream.zip"
    path.write_bytes(make_upstream_zip(prelude=source))
    yield path
    assert not canary.exists()


def test_it_is_checked_submitted_found_and_run(zip_file: Path, tmp_path: Path) -> None:
    assert check_learnware(zip_file).passed
    with Market.open(tmp_path / "market") as market:
        learnware_id = market.submit(zip_file)
        assert market.describe(learnware_id).level == "T2"
        result = market.search(Specification.from_data(X, task="regression", random_state=0))
        assert [hit.id for hit in result.hits] == [learnware_id]
        found = result.hits[0].learnware
        assert found.predict(X).shape == (200,)
        assert Reuser.auto(result).fit(X).predict(X).shape == (200,)


def test_it_sees_nothing_of_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "do not tell")
    (tmp_path / "secret").write_text("do not tell")
    code = f"""
import os, socket
def attempt(*calls):
    for call in calls:
        try:
            call()
        except OSError:
            continue
        return 1.0
    return 0.0
SEEN = [
    float("SECRET_TOKEN" in os.environ),
    attempt(lambda: open({str(tmp_path / "secret")!r}), lambda: open("/etc/shadow"), lambda: open("/etc/passwd")),
    attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)),
    float(os.getuid() == 0),
    float(len([name for name in os.listdir("/proc") if name.isdigit()]) > 3),
]
"""
    source = (
        "import numpy as np\nfrom learnware.model import BaseModel\n"
        + code
        + """
class MyModel(BaseModel):
    def __init__(self):
        super().__init__(input_shape=(3,), output_shape=(1,))
    def predict(self, X):
        return np.array([SEEN[int(row[0])] for row in X])
    def fit(self, X, y):
        pass
    def finetune(self, X, y):
        pass
"""
    )
    learnware = Learnware.from_bytes(make_upstream_zip(source=source))
    rows = np.zeros((5, 3))
    rows[:, 0] = range(5)
    assert learnware.predict(rows).tolist() == [0.0] * 5


@pytest.mark.slow  # installs packages from the index of this machine
def test_it_gets_packages_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEARNWARE_CACHE", str(tmp_path))
    source = """
import numpy as np
from learnware.model import BaseModel
class MyModel(BaseModel):
    def __init__(self):
        super().__init__(input_shape=(3,), output_shape=(1,))
    def predict(self, X):
        return np.full(len(X), float(".".join(np.__version__.split(".")[:2])))
    def fit(self, X, y):
        pass
    def finetune(self, X, y):
        pass
"""
    assert not np.__version__.startswith("2.2.")
    learnware = Learnware.from_bytes(make_upstream_zip(source=source, requirements="numpy==2.2.*\nlearnware==0.3.2\n"))
    assert learnware.predict(X).tolist() == [2.2] * len(X)
    assert [each.requirements for each in cached_environments()] == [("numpy==2.2.*",)]


def test_the_shell_tells_its_level(zip_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(zip_file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["level"] == "T2"
    assert main(["import", str(zip_file), "-o", str(zip_file.with_name("ours.zip"))]) == 0
    assert Learnware.load(zip_file.with_name("ours.zip")).digest == Learnware.load(zip_file).digest


def sandboxes() -> set[int]:
    """Return the processes that keep sandboxes of this process."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if name == "bwrap" and int(rest.split()[1]) == os.getpid():
            found.add(int(path.parent.name))
    return found


def test_its_sandbox_ends_when_nobody_holds_it(zip_file: Path) -> None:
    before = sandboxes()
    with Market.open() as market:
        found = market.fetch(market.submit(zip_file))
        found.predict(X)
        assert len(sandboxes() - before) == 1
    del found
    gc.collect()
    assert not sandboxes() - before
