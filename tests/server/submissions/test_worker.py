"""The worker: every submission ends as verified or failed, whatever comes, and whatever died before."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from learnware.bundle import Learnware, Policy
from learnware.errors import IsolationUnavailable, LearnwareNotFound, MarketError, RejectedLearnware
from learnware.market import LocalMarket
from learnware.market.checker import CheckReport, Finding
from learnware.market.intake import Intake
from learnware.server.submissions import worker as module
from learnware.server.submissions.queue import Queue
from learnware.server.submissions.submission import Submission
from learnware.server.submissions.worker import Worker
from learnware.testing import make_learnware
from tests.market.forks import exit_status, in_child, needs_fork
from tests.server.submissions.place import POLICY, Place, open_place

pytestmark = needs_fork

FIRST, SECOND = make_learnware("First"), make_learnware("Second", 3.0)


@contextmanager
def market(place: Place) -> Iterator[LocalMarket]:
    with LocalMarket.in_folder(place.folder, policy=POLICY) as opened:
        yield opened


def digests(place: Place, learnware_id: str) -> list[str]:
    with market(place) as opened:
        return [revision.digest for revision in opened.revisions(learnware_id)]


def ids(place: Place) -> list[str]:
    with market(place) as opened:
        return list(opened)


def admitting(monkeypatch: pytest.MonkeyPatch, act: Callable[..., CheckReport]) -> None:
    """Let `act` stand in for `LocalMarket.admit`; it gets that as its first argument."""
    real = LocalMarket.admit
    monkeypatch.setattr(LocalMarket, "admit", lambda *arguments: act(real, *arguments))


def raising(error: BaseException) -> Callable[..., CheckReport]:
    def act(*arguments: Any) -> CheckReport:
        raise error

    return act


def die_at(monkeypatch: pytest.MonkeyPatch, place: Place, owner: type, name: str) -> None:
    """Let a worker work in a process that dies instead of calling a method."""
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, lambda *arguments, **options: os._exit(9))
        assert exit_status(in_child(place_of_its_own(place.folder))) == 9


def place_of_its_own(folder: Path) -> Callable[[], int]:
    def work() -> int:
        with open_place(folder) as own:
            return own.work()

    return work


class TestOutcomes:
    """What comes of what is sent."""

    def test_a_good_learnware_is_verified_and_stored(self, place: Place) -> None:
        sent = place.send(FIRST.to_bytes())
        assert place.work() == 1
        found = place.queue.get(sent.id)
        assert (found.state, found.attempts) == ("verified", 1)
        assert found.outcome is not None
        assert found.outcome["report"]["passed"]
        assert "license-missing" in {finding["code"] for finding in found.outcome["report"]["findings"]}
        assert digests(place, sent.learnware_id) == [FIRST.digest]
        assert place.held() == {sent.learnware_id: ("ada", "private")}
        assert place.files() == set()

    def test_an_update_is_the_next_revision(self, place: Place) -> None:
        sent = place.send(FIRST.to_bytes())
        update = place.send(SECOND.to_bytes(), update=sent.learnware_id)
        assert place.work() == 2
        assert place.queue.get(update.id).state == "verified"
        assert digests(place, sent.learnware_id) == [FIRST.digest, SECOND.digest]

    def test_what_the_checks_refuse_failed_with_the_report(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        report = CheckReport("First", [Finding("error", "task-missing", "Say the task.")])
        admitting(monkeypatch, raising(RejectedLearnware(report)))
        sent = place.send(FIRST.to_bytes())
        place.work()
        assert place.code(sent) == "rejected"
        outcome = place.queue.get(sent.id).outcome
        assert outcome is not None
        assert outcome["problem"]["report"] == report.to_dict()
        assert sent.learnware_id in place.held()
        assert ids(place) == []

    def test_what_is_no_learnware_failed(self, place: Place, capfd: pytest.CaptureFixture[str]) -> None:
        sent = place.send(b"no zip")
        damaged = place.send(FIRST.to_bytes()[:-10])
        place.work()
        assert {place.code(sent), place.code(damaged)} == {"malformed-archive"}
        assert sent.learnware_id in place.held()
        assert place.files() == set()
        # That is its developer's fault, and nothing for whoever runs the dock.
        assert capfd.readouterr().err == ""

    def test_every_file_inside_is_compared_with_the_manifest(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        verified = []
        monkeypatch.setattr(Learnware, "verify", lambda self: verified.append(self.digest))
        place.send(FIRST.to_bytes())
        place.work()
        assert verified == [FIRST.digest]

    def test_the_policy_reaches_the_models(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        seen = []
        monkeypatch.setattr(module.Learnware, "from_bytes", lambda data, **options: seen.append(options))
        sent = place.send(FIRST.to_bytes())
        with Worker(place.folder, Policy("process", "data")) as worker:
            worker.run(Event(), once=True)
        assert seen == [{"isolation": "process", "trust": "data", "limits": None}]
        assert place.code(sent) == "internal-error"

    def test_an_update_of_a_learnware_that_was_removed_failed(self, place: Place) -> None:
        sent = place.send(FIRST.to_bytes())
        place.work()
        with market(place) as opened:
            opened.remove(sent.learnware_id)
        removed = place.send(SECOND.to_bytes(), update=sent.learnware_id)
        never = place.send(SECOND.to_bytes(), update="a" * 32)
        place.work()
        assert (place.code(removed), place.code(never)) == ("learnware-not-found",) * 2
        assert ids(place) == []

    def test_a_lost_upload_failed(self, place: Place) -> None:
        sent = place.send(FIRST.to_bytes())
        place.incoming.discard(sent.id)
        place.work()
        assert place.code(sent) == "upload-lost"
        assert sent.learnware_id in place.held()

    def test_an_upload_that_has_changed_on_the_disk_failed(
        self, place: Place, capfd: pytest.CaptureFixture[str]
    ) -> None:
        sent = place.send(FIRST.to_bytes())
        place.incoming.path(sent.id).write_bytes(SECOND.to_bytes())
        place.work()
        assert place.code(sent) == "checksum-mismatch"
        assert "disk may be failing" in capfd.readouterr().err
        assert ids(place) == []

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (MarketError("Disk full: no space is left in /secret/place"), "market-unavailable"),
            (IsolationUnavailable("there is no bubblewrap in /secret/place"), "isolation-unavailable"),
            (OSError("/secret/place"), "internal-error"),
            (KeyError("/secret/place"), "internal-error"),
        ],
    )
    def test_a_fault_of_the_machine_is_told_to_who_runs_it(
        self,
        place: Place,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
        error: Exception,
        code: str,
    ) -> None:
        sent, other = place.send(FIRST.to_bytes()), place.send(SECOND.to_bytes())

        def act(real: Callable[..., CheckReport], market: LocalMarket, at: str, learnware: Learnware) -> CheckReport:
            if at == sent.learnware_id:
                raise error
            return real(market, at, learnware)

        admitting(monkeypatch, act)
        assert place.work() == 2
        assert place.code(sent) == code
        assert "secret" not in str(place.queue.get(sent.id).outcome)
        told = capfd.readouterr().err
        assert "/secret/place" in told
        assert sent.id in told
        assert ("Traceback" in told) == (code == "internal-error")
        assert place.queue.get(other.id).state == "verified"


class TestDeaths:
    """A worker died before; the next one does the same again, and nothing twice."""

    @pytest.mark.parametrize(
        ("owner", "name"),
        [(Learnware, "verify"), (LocalMarket, "admit"), (Intake, "_compare"), (Queue, "finish")],
    )
    def test_of_a_new_learnware(self, place: Place, monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
        sent = place.send(FIRST.to_bytes())
        die_at(monkeypatch, place, owner, name)
        assert place.queue.get(sent.id).state == "running"
        assert place.work() == 1
        assert (place.queue.get(sent.id).state, place.queue.get(sent.id).attempts) == ("verified", 2)
        assert digests(place, sent.learnware_id) == [FIRST.digest]
        assert place.held() == {sent.learnware_id: ("ada", "private")}
        assert place.files() == set()

    def test_of_an_update(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        sent = place.send(FIRST.to_bytes())
        place.work()
        update, back = (place.send(each.to_bytes(), update=sent.learnware_id) for each in (SECOND, FIRST))
        die_at(monkeypatch, place, Queue, "finish")
        place.work()
        assert {place.queue.get(each.id).state for each in (update, back)} == {"verified"}
        assert digests(place, sent.learnware_id) == [each.digest for each in (FIRST, SECOND, FIRST)]

    def test_after_the_row_and_before_the_file(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        sent = place.send(FIRST.to_bytes())
        die_at(monkeypatch, place, type(place.incoming), "discard")
        assert place.queue.get(sent.id).state == "verified"
        assert place.files() == {f"{sent.id}.zip"}
        assert place.work() == 0
        assert place.queue.sweep(0.0) == 1

    @pytest.mark.parametrize("kind", ["submit", "update"])
    def test_the_file_went_with_the_first(self, place: Place, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
        sent = place.send(FIRST.to_bytes())
        if kind == "update":
            place.work()
            sent = place.send(SECOND.to_bytes(), update=sent.learnware_id)
        die_at(monkeypatch, place, Queue, "finish")
        place.incoming.discard(sent.id)
        place.work()
        found = place.queue.get(sent.id)
        assert found.state == "verified"
        assert found.outcome is not None
        assert found.outcome["report"]["name"] == ("First" if kind == "submit" else "Second")
        assert place.held() == {sent.learnware_id: ("ada", "private")}

    def test_three_deaths_are_enough(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        deadly, other = place.send(FIRST.to_bytes()), place.send(SECOND.to_bytes())
        for _ in range(3):
            die_at(monkeypatch, place, LocalMarket, "admit")
        assert place.work() == 2
        assert place.code(deadly) == "worker-died"
        assert place.queue.get(other.id).state == "verified"
        assert {other.learnware_id} == set(ids(place))
        assert place.files() == set()

    def test_what_is_stored_has_not_failed_however_often_its_worker_died(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Were it nobody's, everybody would see a private learnware.
        # The bytes that are stored are others where they were converted, as those of a Beimingwu learnware are.
        monkeypatch.setattr(module.Learnware, "from_bytes", lambda data, **options: SECOND)
        sent = place.send(FIRST.to_bytes())
        for _ in range(3):
            die_at(monkeypatch, place, Queue, "finish")
        assert ids(place) == [sent.learnware_id]
        place.work()
        assert place.queue.get(sent.id).state == "verified"
        assert place.held() == {sent.learnware_id: ("ada", "private")}

    def test_a_fault_after_it_was_stored_is_no_failure(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        def act(real: Callable[..., CheckReport], *arguments: Any) -> CheckReport:
            real(*arguments)
            raise KeyError

        admitting(monkeypatch, act)
        sent = place.send(FIRST.to_bytes())
        place.work()
        assert place.queue.get(sent.id).state == "verified"
        assert place.held() == {sent.learnware_id: ("ada", "private")}


class TestRunning:
    """When a worker works and when it ends."""

    def test_once_ends_when_nothing_waits(self, place: Place) -> None:
        assert place.work() == 0
        assert not list((place.folder / "dock" / "workers").iterdir())

    def test_it_waits_for_more_until_it_is_stopped(self, place: Place) -> None:
        stop = Event()
        with Worker(place.folder, POLICY) as worker:
            thread = Thread(target=worker.run, args=(stop,))
            thread.start()
            try:
                assert place.queue.wait(place.send(b"no zip").id, 30.0).state == "failed"
                assert place.queue.wait(place.send(b"no zip").id, 30.0).state == "failed"
            finally:
                stop.set()
                thread.join(10.0)
            assert not thread.is_alive()

    def test_stopped_it_finishes_what_it_has_begun_and_no_more(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stop = Event()

        def act(real: Callable[..., CheckReport], *arguments: Any) -> CheckReport:
            stop.set()
            return real(*arguments)

        admitting(monkeypatch, act)
        first, second = place.send(FIRST.to_bytes()), place.send(SECOND.to_bytes())
        with Worker(place.folder, POLICY) as worker:
            assert worker.run(stop) == 1
        assert place.queue.get(first.id).state == "verified"
        assert place.queue.get(second.id).state == "pending"

    def test_interrupted_it_gives_back_what_it_has_begun(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        admitting(monkeypatch, raising(KeyboardInterrupt()))
        sent = place.send(FIRST.to_bytes())
        with pytest.raises(KeyboardInterrupt):
            place.work()
        assert place.queue.get(sent.id) == sent

    def test_it_ends_after_its_share(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MOST_SUBMISSIONS", 2)
        for _ in range(3):
            place.send(b"no zip")
        with Worker(place.folder, POLICY) as worker:
            assert worker.run(Event()) == 2
        assert place.queue.counts() == {"pending": 1, "running": 0, "verified": 0, "failed": 2}

    def test_it_sweeps_what_dead_processes_left(self, place: Place) -> None:
        with place.incoming.open(10) as upload:
            upload.keep("no-row")
        os.utime(place.incoming.path("no-row"), (0, 0))
        place.work()
        assert place.files() == set()

    def test_an_outcome_is_not_given_up_for_a_full_disk(
        self, place: Place, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        finish, failures = Queue.finish, iter([MarketError("Disk full")] * 3)

        def full(*arguments: Any) -> None:
            for error in failures:
                raise error
            finish(*arguments)

        monkeypatch.setattr(Queue, "finish", full)
        monkeypatch.setattr(module, "_RETRY_SECONDS", (0.01, 0.01))
        sent: Submission = place.send(FIRST.to_bytes())
        place.work()
        assert (place.queue.get(sent.id).state, place.queue.get(sent.id).attempts) == ("verified", 1)
        assert capfd.readouterr().err.count("Disk full") == 3

    def test_a_full_disk_does_not_keep_it_from_stopping(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        stop = Event()

        def full(*arguments: Any) -> None:
            stop.set()
            raise MarketError("Disk full")

        monkeypatch.setattr(Queue, "finish", full)
        place.send(FIRST.to_bytes())
        start = time.monotonic()
        with Worker(place.folder, POLICY) as worker, pytest.raises(MarketError, match="Disk full"):
            worker.run(stop)
        assert time.monotonic() - start < 10.0

    def test_a_folder_of_something_else_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(MarketError, match="no market"):
            Worker(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_store_refuses_what_was_removed(place: Place) -> None:
    # What `Worker` relies on: an id that was removed is never given again.
    sent = place.send(FIRST.to_bytes())
    place.work()
    with market(place) as opened:
        opened.remove(sent.learnware_id)
        with pytest.raises(LearnwareNotFound):
            opened.admit(sent.learnware_id, FIRST)
