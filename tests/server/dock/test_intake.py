"""What comes in, within what each account may have."""

from __future__ import annotations

from typing import Any

import pytest

from learnware.errors import InvalidParameter, NotAllowed, QuotaExceeded, TooManyRequests
from learnware.limits import LIMITS
from learnware.server.accounts.rates import Rates
from learnware.server.submissions.submission import Submission
from learnware.testing import make_learnware
from tests.server.conftest import Place


def send(place: Place, who: str = "ada", **more: Any) -> Submission:
    actor = place.dock.actor(place.tokens[who])
    with place.dock.receive(actor, more.get("learnware_id")) as upload:
        upload.write(make_learnware().to_bytes())
        return place.dock.accept(actor, upload, **more)


@pytest.mark.parametrize(
    ("limit", "value", "match"),
    [("waiting-per-user", 2, "wait"), ("learnwares-per-user", 2, "learnwares"), ("user-bytes", 1000, "MiB")],
)
def test_quotas_are_held(place: Place, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, match: str) -> None:
    monkeypatch.setattr("learnware.server.dock.intake.LIMITS", {**LIMITS, limit: value})
    for _ in range(2):
        send(place)
        if limit != "waiting-per-user":
            place.verify()
            if limit == "user-bytes":
                break
    with pytest.raises(QuotaExceeded, match=match):
        send(place)
    send(place, "bob")
    send(place, "root")


def test_uploads_are_counted(place: Place) -> None:
    place.dock.rates = Rates({"upload": "1/hour"})
    send(place)
    with pytest.raises(TooManyRequests):
        send(place)


def test_nothing_is_private_by_accident(place: Place) -> None:
    with pytest.raises(InvalidParameter, match="public"):
        send(place, visibility="hidden")
    assert place.dock.submissions(place.dock.actor(place.tokens["ada"])) == []


def test_a_new_learnware_is_hidden_from_its_first_moment(place: Place) -> None:
    submission = send(place, visibility="private")
    assert place.dock.library.holding(submission.learnware_id).visibility == "private"
    place.verify()
    assert place.dock.browse(place.dock.actor(None)).total == 0


def test_what_came_with_the_folder_is_the_admins(place: Place) -> None:
    learnware_id = place.dock.market.submit(make_learnware())
    ada, root = (place.dock.actor(place.tokens[who]) for who in ("ada", "root"))
    with pytest.raises(NotAllowed):
        place.dock.remove(ada, learnware_id)
    place.dock.set_visibility(root, learnware_id, "private")
    for nobody in (ada, place.dock.actor(None)):
        assert (place.dock.browse(nobody).total, place.dock.listing(nobody).items) == (0, [])
        assert place.dock.search(nobody, make_learnware().specification).hits == ()
    place.dock.remove(root, learnware_id)
    assert place.dock.browse(root).total == 0


def test_what_is_done_is_written_down(place: Place) -> None:
    learnware_id = place.put(make_learnware())
    ada, root = (place.dock.actor(place.tokens[who]) for who in ("ada", "root"))
    place.dock.set_visibility(ada, learnware_id, "unlisted")
    place.dock.remove(ada, learnware_id)
    log = [(entry.actor, entry.action, entry.resource) for entry in place.dock.audit(root)]
    assert log == [("ada", action, learnware_id) for action in ("remove", "visibility", "submit")]


def test_who_sends_again_what_was_accepted_is_not_counted_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("learnware.server.dock.intake.LIMITS", {**LIMITS, "waiting-per-user": 1})
    actor = place.dock.actor(place.tokens["ada"])
    sent = set()
    for _ in range(2):
        with place.dock.receive(actor, key="once") as upload:
            upload.write(make_learnware().to_bytes())
            sent.add(place.dock.accept(actor, upload, key="once").id)
    assert len(sent) == 1
    with pytest.raises(QuotaExceeded):
        place.dock.receive(actor, key="twice")


def test_all_revisions_are_counted(place: Place) -> None:
    learnware_id = place.put(make_learnware())
    actor = place.dock.actor(place.tokens["ada"])
    second = make_learnware("Second", 5.0).to_bytes()
    with place.dock.receive(actor, learnware_id) as upload:
        upload.write(second)
        place.dock.accept(actor, upload, learnware_id=learnware_id)
    assert place.dock.queue.open_of("ada") == (1, len(second))
    place.verify()
    assert place.dock.store.n_bytes([learnware_id]) == len(make_learnware().to_bytes()) + len(second)
    assert (place.dock.queue.open_of("ada"), place.dock.store.n_bytes([])) == ((0, 0), 0)


def test_what_a_disabled_account_sent_stays_out(place: Place) -> None:
    submission = send(place)
    place.dock.people.disable("ada")
    place.verify()
    assert place.dock.queue.get(submission.id).state == "failed"
    assert len(place.dock.market) == 0
