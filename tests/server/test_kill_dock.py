"""Kill -9 of a whole dock, or of its worker, while others send: what was acknowledged comes to its end."""

from __future__ import annotations

import hashlib
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from os import kill
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import requests

from learnware import Market
from learnware.market.store.fsck import check_folder
from learnware.server.dock import Dock
from learnware.server.settings import Settings
from learnware.server.submissions.worker import MOST_ATTEMPTS
from learnware.testing import make_learnware

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")

GARBAGE = b"no zip" * 500_000
PATIENCE = 120.0


@dataclass
class Sender:
    """Sends learnwares to a dock until it is told to stop, and remembers what was acknowledged.

    Parameters
    ----------
    token : str
    bundles : list of bytes
    """

    token: str
    bundles: list[bytes]
    acknowledged: dict[str, str] = field(default_factory=dict)
    n_sent: int = 0

    def send(self, url: str, stop: Event, rng: random.Random) -> None:
        """Send until `stop` is set; a dock that is gone is none of its business."""
        with requests.Session() as session:
            session.trust_env = False
            while not stop.is_set():
                data = rng.choice(self.bundles)
                headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": secrets.token_hex(8)}
                self.n_sent += 1
                with suppress(requests.RequestException):
                    answer = session.post(f"{url}/api/v1/learnwares", data=data, headers=headers, timeout=5)
                    if answer.status_code == 429:
                        return
                    assert answer.status_code == 202, answer.text
                    self.acknowledged[answer.json()["id"]] = hashlib.sha256(data).hexdigest()
                stop.wait(rng.uniform(0.05, 0.3))


@contextmanager
def served(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `learnware serve` in a process of its own, and kill it in the end if it is still there."""
    command = [sys.executable, "-m", "learnware", "serve", str(folder), "--port", "0", "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = process.stdout.readline()
        try:
            assert " at http" in told, process.stderr.read() if process.stderr else ""
            yield process, told.rpartition(" at ")[2].strip()
        finally:
            process.kill()


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(path.parent.name))
    return found


def kill_somebody(process: subprocess.Popen[str], rng: random.Random) -> None:
    """Kill the worker, the server, or both in either order."""
    workers, whom = children(process.pid), rng.choice(["worker", "server", "both", "both the other way round"])
    if whom in ("server", "both the other way round"):
        process.kill()
    if whom != "server":
        for worker in workers:
            with suppress(ProcessLookupError):
                kill(worker, signal.SIGKILL)
    if whom == "worker":
        time.sleep(rng.uniform(0.0, 0.5))
    process.kill()


def round_of(folder: Path, sender: Sender, rng: random.Random, longest: float) -> None:
    with served(folder) as (process, url):
        stop = Event()
        threads = [Thread(target=sender.send, args=(url, stop, random.Random(rng.random()))) for _ in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(rng.uniform(0.1, longest))
        kill_somebody(process, rng)
        stop.set()
        for thread in threads:
            thread.join()


def finished(url: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    """Return all submissions once none waits."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        page: list[dict[str, Any]] = []
        while more := requests.get(
            f"{url}/api/v1/submissions",
            params={"limit": 500, **({"before": page[-1]["id"]} if page else {})},
            headers=headers,
            timeout=10,
        ).json()["items"]:
            page += more
        if all(each["state"] in ("verified", "failed") for each in page):
            return page
        time.sleep(0.2)
    raise AssertionError("the queue does not get on")


def inspect(url: str, sender: Sender, n_rounds: int) -> None:
    """Check over HTTP that all that was acknowledged came to its end."""
    headers = {"Authorization": f"Bearer {sender.token}"}
    found = {each["id"]: each for each in finished(url, headers)}
    assert not sender.acknowledged.keys() - found.keys(), "acknowledged but lost"
    assert all(found[i]["digest"] == digest for i, digest in sender.acknowledged.items())
    # Of each round, at most what the two were just sending; and the last one of all.
    assert len(found) - len(sender.acknowledged) <= 2 * n_rounds + 1
    garbage = hashlib.sha256(GARBAGE).hexdigest()
    for each in found.values():
        if each["state"] == "failed":
            code = each["outcome"]["problem"]["code"]
            assert (code, each["digest"]) == ("malformed-archive", garbage) or code == "worker-died", each
        else:
            bundle = requests.get(f"{url}/api/v1/learnwares/{each['learnware_id']}/bundle", headers=headers, timeout=10)
            assert hashlib.sha256(bundle.content).hexdigest() == each["digest"]
    listed = requests.get(f"{url}/api/v1/learnwares", params={"limit": 1}, headers=headers, timeout=10).json()
    assert listed["total"] == sum(each["state"] == "verified" for each in found.values())


def inspect_folder(folder: Path) -> int:
    """Check that nothing is left behind, and return how many submissions outlived a worker."""
    assert check_folder(folder).ok
    with Dock(folder, Settings(n_workers=0)) as dock:
        dock.queue.sweep(0.0)
        assert not list((folder / "dock" / "incoming").iterdir())
        assert not list((folder / "dock" / "workers").iterdir())
        every = dock.queue.of(limit=10**6)
        for each in every:
            if each.outcome and each.outcome.get("problem", {}).get("code") == "worker-died":
                assert each.attempts > MOST_ATTEMPTS
        assert dock.database.rows("PRAGMA integrity_check") == [("ok",)]
        return sum(each.attempts > 1 for each in every)


def kill_again_and_again(folder: Path, n_rounds: int, longest: float) -> int:
    """Kill so often, let a new dock do the rest, look, and return how many submissions outlived a worker."""
    rng = random.Random(n_rounds)
    with Dock(folder, Settings(n_workers=0)) as dock:
        dock.people.add("root", "correct horse battery", "admin")
        token, _ = dock.keys.issue("root", title="kill", scopes=("read", "upload", "delete", "admin"))
    sender = Sender(token, [*(make_learnware(f"Number {i}").to_bytes() for i in range(3)), GARBAGE])
    for _ in range(n_rounds):
        round_of(folder, sender, rng, longest)
    assert sender.acknowledged
    with served(folder) as (process, url):
        with closing(Market.open(url, token=token)) as market:
            learnware_id = market.submit(make_learnware("The last"))
            assert market.fetch(learnware_id).name == "The last"
        inspect(url, sender, n_rounds)
        process.terminate()
        assert process.wait(PATIENCE) in (0, -signal.SIGTERM)
    return inspect_folder(folder)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEARNWARE_CACHE", str(tmp_path / "cache"))


def test_what_is_acknowledged_outlives_the_dock(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path / "market", 2, 0.8)


@pytest.mark.slow
def test_fifty_times(tmp_path: Path) -> None:
    # The kills must have hit what they are meant to hit.
    assert kill_again_and_again(tmp_path / "market", 50, 6.0) >= 3
