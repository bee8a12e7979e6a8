"""A copy of a dock tells of one moment, whatever goes on meanwhile, and shows nobody what is private."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from learnware import market
from learnware.bundle import Learnware
from learnware.cli import main
from learnware.errors import ChecksumMismatch, LearnwareNotFound, MarketError, NotAuthenticated
from learnware.market import LocalMarket
from learnware.server.accounts.actor import ANONYMOUS, Actor
from learnware.server.backup import Copied, backup, restore
from learnware.server.database import open_database
from learnware.server.dock import Dock
from learnware.server.settings import Settings
from learnware.server.submissions.submission import Submission
from learnware.server.submissions.worker import Worker
from learnware.testing import make_learnware
from tests.server.conftest import PASSWORD, Place

Meanwhile = Callable[[Callable[[], object]], None]


def send(place: Place, data: bytes, *, update: str | None = None, visibility: str = "private") -> Submission:
    """Send a file as Ada, and leave it waiting."""
    actor = place.dock.actor(place.tokens["ada"])
    with place.dock.receive(actor, update) as upload:
        upload.write(data)
        return place.dock.accept(actor, upload, learnware_id=update, visibility=visibility)


@contextmanager
def restored(folder: Path) -> Iterator[Place]:
    """Open the dock of a folder; its tokens are not known."""
    with Dock(folder, Settings(rates={}, n_workers=0)) as dock:
        yield Place(dock, {})


def copied(place: Place, tmp_path: Path) -> Path:
    """Back a dock up, restore it, and return the folder."""
    backup(place.dock.folder, tmp_path / "copy")
    restore(tmp_path / "copy", tmp_path / "again")
    return tmp_path / "again"


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Return a function that says what happens when the market has been copied, and its dock has not."""

    def happens(what: Callable[[], object]) -> None:
        real = market.backup

        def backup_market(*args: object, **options: object) -> int:
            n = real(*args, **options)  # type: ignore[arg-type]
            what()
            return n

        monkeypatch.setattr(market, "backup", backup_market)

    return happens


def test_a_private_learnware_stays_private(place: Place, tmp_path: Path) -> None:
    secret = place.put(make_learnware("Secret"), visibility="private")
    known = place.put(make_learnware("Known", center=2.0))
    with restored(copied(place, tmp_path)) as again:
        ada = again.dock.actor(place.tokens["ada"])
        assert [card.id for card in again.dock.listing(ANONYMOUS).items] == [known]
        assert [card.id for card in again.dock.listing(ada).items] == [secret, known]
        assert again.dock.card(ada, secret).owner == "ada"
        with pytest.raises(LearnwareNotFound):
            again.dock.card(again.dock.actor(place.tokens["bob"]), secret)


def test_accounts_and_tokens_stay_and_sessions_end(place: Place, tmp_path: Path) -> None:
    session, _ = place.dock.login("ada", PASSWORD)
    place.dock.log.note(Actor("root", "admin"), "tidy up")
    with restored(copied(place, tmp_path)) as again:
        assert again.dock.actor(place.tokens["ada"]).user == "ada"
        with pytest.raises(NotAuthenticated):
            again.dock.actor(session)
        with pytest.raises(NotAuthenticated):
            again.dock.actor(place.tokens["revoked"])
        assert again.dock.people.authenticate("ada", PASSWORD).name == "ada"
        assert "tidy up" in [entry.action for entry in again.dock.log.entries()]
    assert place.dock.actor(session).user == "ada", "the dock that was copied goes on"


def test_what_waits_is_verified_where_it_is_restored(place: Place, tmp_path: Path) -> None:
    waiting = send(place, make_learnware().to_bytes())
    running = send(place, make_learnware(center=2.0).to_bytes())
    with place.dock.queue.begin_life() as life:
        for _ in range(2):
            assert place.dock.queue.claim(life.name)
        assert backup(place.dock.folder, tmp_path / "copy") == Copied(n_learnwares=0, n_waiting=2)
    assert restore(tmp_path / "copy", tmp_path / "again") == Copied(n_learnwares=0, n_waiting=2)
    with restored(tmp_path / "again") as again:
        for each in (waiting, running):
            assert again.dock.queue.get(each.id).state == "pending"
            assert again.dock.queue.get(each.id).attempts == 0
        again.verify()
        for each in (waiting, running):
            assert again.dock.queue.get(each.id).state == "verified"
            assert each.learnware_id in again.dock.store
        assert again.dock.listing(ANONYMOUS).total == 0


@pytest.mark.skipif(sys.platform == "win32", reason="has no such modes")
def test_only_the_owner_can_read_a_copy(place: Place, tmp_path: Path) -> None:
    send(place, b"no zip")
    again = copied(place, tmp_path)
    for folder in (tmp_path / "copy", again):
        assert folder.stat().st_mode & 0o777 == 0o700
        held = [folder / "dock", *(folder / "dock").rglob("*")]
        assert {path.name for path in held} >= {"dock.sqlite", "incoming"}
        assert not any(path.name.endswith(("-wal", "-shm", ".lock", ".queue")) for path in folder.rglob("*"))
        for path in held:
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_what_was_removed_meanwhile_does_not_come_back(place: Place, tmp_path: Path, meanwhile: Meanwhile) -> None:
    secret = place.put(make_learnware(), visibility="private")
    root = place.dock.actor(place.tokens["root"])
    meanwhile(lambda: place.dock.remove(root, secret))
    again = copied(place, tmp_path)
    with closing(LocalMarket.in_folder(again)) as found:
        assert list(found) == []
    assert not [path for path in (again / "blobs").rglob("*") if path.is_file()]


def test_what_was_verified_meanwhile_is_not_lost(place: Place, tmp_path: Path, meanwhile: Meanwhile) -> None:
    old = place.put(make_learnware("Old"), visibility="private")
    better = make_learnware("Better", center=0.1)
    sent = [send(place, make_learnware("New", center=2.0).to_bytes()), send(place, better.to_bytes(), update=old)]
    meanwhile(place.verify)
    with restored(copied(place, tmp_path)) as again:
        assert [again.dock.queue.get(each.id).state for each in sent] == ["pending", "pending"]
        again.verify()
        assert [again.dock.queue.get(each.id).state for each in sent] == ["verified", "verified"]
        assert again.dock.library.holding(sent[0].learnware_id).visibility == "private"
        assert again.dock.store.revisions(sent[0].learnware_id) != ()
        assert again.dock.store.revisions(old)[-1].digest == better.digest
        assert len(again.dock.store.revisions(old)) == 2


@pytest.mark.parametrize("kind", ["submit", "update"])
def test_what_had_to_be_converted_meanwhile_is_not_lost(
    kind: str, place: Place, tmp_path: Path, meanwhile: Meanwhile, learnware: Learnware
) -> None:
    old = place.put(make_learnware("Old", center=4.0)) if kind == "update" else None
    sent = send(place, b"a zip of another make", update=old)

    def convert() -> None:
        with place.dock.queue.begin_life() as life:
            submission = place.dock.queue.claim(life.name)
            assert submission is not None
            place.dock.market.admit(submission.learnware_id, learnware)
            place.dock.queue.finish(submission, "verified", {"report": {}})

    meanwhile(convert)
    with restored(copied(place, tmp_path)) as again:
        again.verify()
        assert again.dock.queue.get(sent.id).state == "verified"
        assert again.dock.store.revisions(sent.learnware_id)[-1].digest == learnware.digest


def test_what_came_and_went_meanwhile_leaves_nothing(place: Place, tmp_path: Path, meanwhile: Meanwhile) -> None:
    sent = send(place, make_learnware().to_bytes())

    def verify_and_remove() -> None:
        place.verify()
        place.dock.market.remove(sent.learnware_id)  # and dies before it forgets whose it was

    meanwhile(verify_and_remove)
    with restored(copied(place, tmp_path)) as again:
        again.verify()
        assert again.dock.library.of("ada") == []
        assert len(again.dock.store) == 0


def test_what_the_market_got_meanwhile_stays_out(place: Place, tmp_path: Path, meanwhile: Meanwhile) -> None:
    meanwhile(lambda: place.put(make_learnware(), visibility="private") and place.put(make_learnware(center=3.0)))
    made = backup(place.dock.folder, tmp_path / "copy")
    assert made == Copied(n_learnwares=0, n_waiting=2), "or rather waits in the copy"


def test_a_copy_while_submissions_run_has_all_of_them(place: Place, tmp_path: Path) -> None:
    stop, sent = Event(), []
    thread = Thread(target=lambda: Worker(place.dock.folder).run(stop))
    thread.start()
    try:
        for center in range(12):
            sent.append(send(place, make_learnware(center=float(center)).to_bytes()))
        backup(place.dock.folder, tmp_path / "copy")
    finally:
        stop.set()
        thread.join()
    restore(tmp_path / "copy", tmp_path / "again")
    with restored(tmp_path / "again") as again:
        again.verify()
        assert {again.dock.queue.get(each.id).state for each in sent} == {"verified"}
        assert set(again.dock.store) == {each.learnware_id for each in sent}
        assert again.dock.listing(ANONYMOUS).total == 0


def test_a_folder_without_a_dock_is_refused(place: Place, tmp_path: Path) -> None:
    LocalMarket.in_folder(tmp_path / "plain").close()
    with pytest.raises(MarketError, match="no dock"):
        backup(tmp_path / "plain", tmp_path / "copy")
    # A copy of the market alone would make everything public.
    market.backup(place.dock.folder, tmp_path / "copy")
    with pytest.raises(MarketError, match="no dock"):
        restore(tmp_path / "copy", tmp_path / "again")
    with pytest.raises(MarketError, match="no market"):
        backup(tmp_path / "absent", tmp_path / "copy-2")
    assert {path.name for path in tmp_path.iterdir()} == {"market", "plain", "copy"}


def test_nothing_is_overwritten(place: Place, tmp_path: Path) -> None:
    backup(place.dock.folder, tmp_path / "copy")
    for folder in (tmp_path / "copy", place.dock.folder, place.dock.folder / "inside"):
        with pytest.raises(MarketError):
            backup(place.dock.folder, folder)
        with pytest.raises(MarketError):
            restore(tmp_path / "copy", tmp_path / "copy" / "inside")


def test_a_damaged_copy_is_refused_and_leaves_nothing(place: Place, tmp_path: Path) -> None:
    place.put(make_learnware())
    backup(place.dock.folder, tmp_path / "copy")
    (blob,) = (path for path in (tmp_path / "copy" / "blobs").rglob("*") if path.is_file())
    blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    with pytest.raises(ChecksumMismatch):
        restore(tmp_path / "copy", tmp_path / "again")
    assert {path.name for path in tmp_path.iterdir()} == {"market", "copy"}


def test_the_commands(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place.put(make_learnware())
    copy, again = str(tmp_path / "copy"), str(tmp_path / "again")
    assert main(["dock", "backup", str(place.dock.folder), copy, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"folder": copy, "n_learnwares": 1, "n_waiting": 0}
    assert main(["dock", "restore", copy, again]) == 0
    assert capsys.readouterr().out == f"{again}: 1 learnwares, 0 submissions waiting\n"
    with closing(open_database(Path(again))) as database:
        assert database.rows("SELECT name FROM users ORDER BY name") == [("ada",), ("bob",), ("root",)]
    assert main(["dock", "backup", str(tmp_path / "absent"), copy]) == 2
    assert "There is no market folder" in capsys.readouterr().err
