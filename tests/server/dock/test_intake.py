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
    assert place.dock.browse(ada).total == 0
    place.dock.remove(root, learnware_id)
    assert place.dock.browse(root).total == 0


def test_what_is_done_is_written_down(place: Place) -> None:
    learnware_id = place.put(make_learnware())
    ada, root = (place.dock.actor(place.tokens[who]) for who in ("ada", "root"))
    place.dock.set_visibility(ada, learnware_id, "unlisted")
    place.dock.remove(ada, learnware_id)
    log = [(entry.actor, entry.action, entry.resource) for entry in place.dock.audit(root)]
    assert log == [("ada", action, learnware_id) for action in ("remove", "visibility", "submit")]
