"""The queue: what is acknowledged stays, in order, and is given to one worker at a time."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from learnware.errors import InvalidParameter, LearnwareNotFound, MarketError
from learnware.server.submissions.submission import Submission
from tests.market.forks import exit_status, in_child, needs_fork
from tests.server.submissions.place import HOUR, Place, open_place

pytestmark = needs_fork


def claim_all(place: Place, worker: str) -> list[Submission]:
    return list(iter(lambda: place.queue.claim(worker), None))


def claim_and_die(place: Place) -> None:
    """Claim the next submission in a process that dies."""

    def work() -> None:
        with open_place(place.folder) as own:
            life = own.queue.begin_life()
            os._exit(0 if own.queue.claim(life.name) else 1)

    assert exit_status(in_child(work)) == 0


class TestAccepting:
    """What `accept` promises."""

    def test_a_submission_waits_with_its_file_and_holding(self, place: Place) -> None:
        before = datetime.now(timezone.utc)
        sent = place.send(b"bytes", visibility="unlisted", learnware_id="a" * 32)
        assert sent == place.queue.get(sent.id)
        assert (sent.kind, sent.learnware_id, sent.owner, sent.state) == ("submit", "a" * 32, "ada", "pending")
        assert (sent.digest, sent.size) == (hashlib.sha256(b"bytes").hexdigest(), 5)
        assert (sent.outcome, sent.finished, sent.attempts, sent.is_finished) == (None, None, 0, False)
        assert timedelta() <= sent.created - before < timedelta(seconds=10)
        assert place.incoming.path(sent.id).read_bytes() == b"bytes"
        assert place.held() == {"a" * 32: ("ada", "unlisted")}

    def test_a_new_learnware_is_private_unless_told_otherwise(self, place: Place) -> None:
        sent = place.send()
        assert place.held() == {sent.learnware_id: ("ada", "private")}

    def test_an_update_holds_nothing(self, place: Place) -> None:
        assert place.send(update="a" * 32).kind == "update"
        assert place.held() == {}

    def test_file_row_and_holding_come_together_or_not_at_all(self, place: Place) -> None:
        sent = place.send()
        with pytest.raises(MarketError):
            place.send(learnware_id=sent.learnware_id)  # that id is held
        with pytest.raises(MarketError):
            place.send(owner="nobody")
        assert place.files() == {f"{sent.id}.zip"}
        assert [each.id for each in place.queue.of()] == [sent.id]

    def test_the_file_is_there_before_the_row(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        seen = []
        writing = place.database.writing
        monkeypatch.setattr(place.database, "writing", lambda: (seen.append(place.files()), writing())[1])
        sent = place.send()
        assert seen == [{f"{sent.id}.zip"}]


class TestKeys:
    """The same upload, sent twice by somebody who heard no answer."""

    def test_the_same_key_is_the_same_submission(self, place: Place) -> None:
        first, again = place.send(key="once"), place.send(key="once")
        assert again == first
        assert place.files() == {f"{first.id}.zip"}
        assert place.held() == {first.learnware_id: ("ada", "private")}
        assert place.send(key="twice").id != first.id

    def test_keys_are_their_owners(self, place: Place) -> None:
        assert place.send(key="once").id != place.send(key="once", owner="bob").id

    def test_no_key_is_not_the_same_as_no_key(self, place: Place) -> None:
        assert place.send().id != place.send().id

    @pytest.mark.parametrize("other", [{"data": b"others"}, {"update": "a" * 32}])
    def test_the_same_key_for_something_else_is_refused(self, place: Place, other: dict[str, Any]) -> None:
        first = place.send(key="once")
        with pytest.raises(InvalidParameter, match=first.id):
            place.send(key="once", **other)
        assert place.files() == {f"{first.id}.zip"}

    def test_an_update_of_another_learnware_is_something_else(self, place: Place) -> None:
        first = place.send(update="a" * 32, key="once")
        assert place.send(update="a" * 32, key="once") == first
        with pytest.raises(InvalidParameter):
            place.send(update="b" * 32, key="once")

    def test_a_finished_submission_answers_too(self, place: Place) -> None:
        first = place.send(key="once")
        with place.queue.begin_life() as life:
            place.queue.finish(claim_all(place, life.name)[0], "failed", {"problem": {}})
        assert place.send(key="once").state == "failed"
        assert place.files() == set()
        assert place.queue.get(first.id).state == "failed"

    def test_two_at_once_are_one(self, place: Place) -> None:
        def send(number: int) -> str:
            with open_place(place.folder) as own:
                return own.send(key="once").id

        with ThreadPoolExecutor(8) as pool:
            ids = set(pool.map(send, range(16)))
        assert len(ids) == 1
        assert place.files() == {f"{ids.pop()}.zip"}
        assert len(place.held()) == 1


class TestLooking:
    """What became of submissions."""

    def test_an_unknown_id_is_not_found(self, place: Place) -> None:
        with pytest.raises(LearnwareNotFound, match="'unknown'"):
            place.queue.get("unknown")

    def test_pages_come_latest_first(self, place: Place) -> None:
        sent = [place.send(owner=owner).id for owner in ("ada", "bob", "ada", "ada")]
        assert [each.id for each in place.queue.of("ada")] == [sent[3], sent[2], sent[0]]
        assert [each.id for each in place.queue.of("ada", limit=2)] == [sent[3], sent[2]]
        assert [each.id for each in place.queue.of("ada", limit=2, before=sent[2])] == [sent[0]]
        assert [each.id for each in place.queue.of()] == sent[::-1]

    def test_submissions_of_one_learnware(self, place: Place) -> None:
        first = place.send()
        place.send()
        second = place.send(update=first.learnware_id)
        assert place.queue.for_learnware(first.learnware_id) == [second, first]

    def test_counts(self, place: Place) -> None:
        assert place.queue.counts() == {"pending": 0, "running": 0, "verified": 0, "failed": 0}
        for _ in range(4):
            place.send()
        with place.queue.begin_life() as life:
            claimed = [place.queue.claim(life.name) for _ in range(3)]
            place.queue.finish(claimed[0], "verified", {"report": {}})
            place.queue.finish(claimed[1], "failed", {"problem": {}})
            assert place.queue.counts() == {"pending": 1, "running": 1, "verified": 1, "failed": 1}


class TestWaiting:
    """Waiting until something is finished."""

    def test_time_is_up(self, place: Place) -> None:
        sent, start = place.send(), time.monotonic()
        assert place.queue.wait(sent.id, 0.2) == sent
        assert 0.2 <= time.monotonic() - start < 2.0
        assert place.queue.wait(sent.id, 0.0) == sent

    def test_what_is_finished_is_told_soon(self, place: Place) -> None:
        sent = place.send()
        with place.queue.begin_life() as life, ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(place.queue.wait, sent.id, 30.0)
            claimed = place.queue.claim(life.name)
            assert claimed is not None
            place.queue.finish(claimed, "verified", {"report": {}})
            start = time.monotonic()
            assert waiting.result().state == "verified"
            assert time.monotonic() - start < 5.0

    def test_an_unknown_id_is_not_waited_for(self, place: Place) -> None:
        with pytest.raises(LearnwareNotFound):
            place.queue.wait("unknown", 30.0)


class TestClaiming:
    """Who gets what."""

    def test_the_oldest_comes_first_and_once(self, place: Place) -> None:
        sent = [place.send().id for _ in range(3)]
        with place.queue.begin_life() as life:
            claimed = claim_all(place, life.name)
        assert [each.id for each in claimed] == sent
        assert {(each.state, each.worker, each.attempts) for each in claimed} == {("running", life.name, 1)}

    def test_workers_share(self, place: Place) -> None:
        sent = {place.send().id for _ in range(40)}

        def claim(number: int) -> list[str]:
            with open_place(place.folder) as own, own.queue.begin_life() as life:
                return [(each.id, own.queue.finish(each, "verified", {}))[0] for each in claim_all(own, life.name)]

        with ThreadPoolExecutor(4) as pool:
            claimed = [each for ids in pool.map(claim, range(4)) for each in ids]
        assert len(claimed) == len(set(claimed)) == 40
        assert set(claimed) == sent

    def test_a_dead_workers_submission_is_taken_over(self, place: Place) -> None:
        first, second = place.send(), place.send()
        claim_and_die(place)
        with place.queue.begin_life() as life:
            assert [(each.id, each.attempts) for each in claim_all(place, life.name)] == [(first.id, 2), (second.id, 1)]
            assert [path.stem for path in (place.folder / "dock" / "workers").iterdir()] == [life.name]

    def test_attempts_count_deaths(self, place: Place) -> None:
        sent = place.send()
        for _ in range(3):
            claim_and_die(place)
        with place.queue.begin_life() as life:
            claimed = place.queue.claim(life.name)
        assert claimed is not None
        assert (claimed.id, claimed.attempts) == (sent.id, 4)

    def test_a_live_workers_submission_is_not(self, place: Place) -> None:
        place.send()
        with place.queue.begin_life() as mine, place.queue.begin_life() as other:
            assert place.queue.claim(mine.name) is not None
            place.queue.sweep()
            assert place.queue.claim(other.name) is None
            assert place.queue.claim(mine.name) is None

    def test_updates_of_one_learnware_wait_for_each_other(self, place: Place) -> None:
        first, other = place.send(), place.send()
        update, last = (place.send(update=first.learnware_id) for _ in range(2))
        with place.queue.begin_life() as life:
            for ready in ([first, other], [update], [last]):
                claimed = claim_all(place, life.name)
                assert [each.id for each in claimed] == [each.id for each in ready]
                for each in claimed:
                    place.queue.finish(each, "verified", {})

    def test_what_is_given_back_was_no_attempt(self, place: Place) -> None:
        sent = place.send()
        with place.queue.begin_life() as life:
            claimed = place.queue.claim(life.name)
            assert claimed is not None
            place.queue.give_back(claimed)
        assert place.queue.get(sent.id) == sent

    def test_many_that_wait_do_not_slow_it_down(self, place: Place) -> None:
        with place.database.writing() as connection:
            connection.executemany(
                "INSERT INTO submissions (id, kind, learnware_id, owner, digest, size, state, created) "
                "VALUES (?, 'submit', ?, 'ada', '', 0, ?, 0)",
                [(f"{n}", secrets.token_hex(16), "pending" if n % 2 else "verified") for n in range(20_000)],
            )
        start = time.perf_counter()
        with place.queue.begin_life() as life:
            assert [each.id for _ in range(5) if (each := place.queue.claim(life.name))] == ["1", "3", "5", "7", "9"]
        assert time.perf_counter() - start < 1.0

    def test_who_sends_much_keeps_nobody_waiting_for_all_of_it(self, place: Place) -> None:
        sent = [place.send(), place.send(), place.send(owner="bob"), place.send()]
        order = []
        with place.queue.begin_life() as life:
            while (claimed := place.queue.claim(life.name)) is not None:
                order.append([each.id for each in sent].index(claimed.id))
                place.queue.finish(claimed, "verified", {})
        assert order == [0, 2, 1, 3]


class TestFinishing:
    """What is written down at the end."""

    @pytest.fixture
    def claimed(self, place: Place) -> Iterator[Callable[..., Submission]]:
        def claimed(**options: Any) -> Submission:
            sent = place.send(**options)
            stack.enter_context(life := place.queue.begin_life())
            found = place.queue.claim(life.name)
            assert found is not None
            assert found.id == sent.id
            return found

        with ExitStack() as stack:
            yield claimed

    def test_verified(self, place: Place, claimed: Callable[..., Submission]) -> None:
        submission = claimed()
        place.queue.finish(submission, "verified", {"report": {"passed": True}})
        found = place.queue.get(submission.id)
        assert (found.state, found.outcome, found.is_finished) == ("verified", {"report": {"passed": True}}, True)
        assert found.finished is not None
        assert found.finished >= found.created
        assert place.held() == {submission.learnware_id: ("ada", "private")}
        assert place.files() == set()

    def test_whose_a_failed_learnware_was_stays_written(self, place: Place, claimed: Callable[..., Submission]) -> None:
        submission = claimed()
        place.queue.finish(submission, "failed", {"problem": {"code": "rejected"}})
        assert place.queue.get(submission.id).outcome == {"problem": {"code": "rejected"}}
        assert place.held() == {submission.learnware_id: ("ada", "private")}
        assert place.files() == set()

    def test_an_update_that_failed_leaves_the_holding(self, place: Place, claimed: Callable[..., Submission]) -> None:
        place.queue.finish(claimed(learnware_id="a" * 32), "verified", {})
        place.queue.finish(claimed(update="a" * 32), "failed", {"problem": {}})
        assert place.held() == {"a" * 32: ("ada", "private")}

    def test_only_its_worker_finishes_it(self, place: Place) -> None:
        place.send()
        with place.queue.begin_life() as life:
            late = place.queue.claim(life.name)
        with place.queue.begin_life() as life:
            taken = place.queue.claim(life.name)
            assert late is not None
            assert taken is not None
            place.queue.finish(late, "failed", {"problem": {}})
            assert place.queue.get(taken.id) == taken
            assert place.files() == {f"{taken.id}.zip"}
            assert place.held()
            place.queue.finish(taken, "verified", {"report": {}})
        assert place.queue.get(taken.id).state == "verified"


def test_a_sweep_keeps_what_waits(place: Place) -> None:
    sent = place.send()
    old = time.time() - 2 * HOUR
    os.utime(place.incoming.path(sent.id), (old, old))
    with place.incoming.open(10) as upload:
        upload.keep("no-row")
    claim_and_die(place)
    assert place.queue.sweep(0.0) == 1
    assert place.files() == {f"{sent.id}.zip"}
    assert not list((place.folder / "dock" / "workers").iterdir())
