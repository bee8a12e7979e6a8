"""What networks, proxies and servers do wrong, and what becomes of it."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from learnware.errors import (
    ChecksumMismatch,
    LearnwareNotFound,
    LimitExceeded,
    MarketError,
    MarketUnreachable,
    NotAuthenticated,
    RejectedLearnware,
    TooManyRequests,
)
from learnware.market.remote import RemoteMarket, answers, submission
from learnware.testing import make_learnware
from tests.market.remote.fake_dock import FakeDock, Handler, drop, flip, status


def test_a_server_that_is_down_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with RemoteMarket(url) as market:
        with pytest.raises(MarketUnreachable, match=rf"{url} does not answer: .*[Rr]efused"):
            len(market)
        assert "unreachable" in repr(market)


def test_a_connection_that_breaks_off_is_made_again(dock: FakeDock, market: RemoteMarket) -> None:
    learnware_id = market.submit(make_learnware())
    dock.faults = [drop(), drop("/learnwares", after=40)]
    assert list(market) == [learnware_id]
    dock.faults = [drop("POST"), drop("POST")]
    assert market.search("above").hits[0].id == learnware_id
    dock.faults = [drop() for _ in range(9)]
    with pytest.raises(MarketUnreachable):
        market.describe(learnware_id)
    assert len(dock.faults) == 4


def test_a_download_goes_on_where_it_broke_off(dock: FakeDock, market: RemoteMarket) -> None:
    learnware_id = market.submit(make_learnware())
    dock.faults = [drop("/bundle", after=1000), drop("/bundle", after=500)]
    assert market.fetch(learnware_id) == make_learnware()
    ranges = [headers.get("Range") for headers in dock.headers if headers.get("Accept") == "application/zip"]
    assert ranges == [None, "bytes=1000-", "bytes=1500-"]
    assert {headers["If-Range"] for headers in dock.headers if "Range" in headers} == {f'"{make_learnware().digest}"'}


def test_the_next_process_goes_on_too(dock: FakeDock, market: RemoteMarket, tmp_path: Path) -> None:
    learnware_id = market.submit(make_learnware())
    dock.faults = [drop("/bundle", after=1000), *(drop("/bundle") for _ in range(4))]
    with pytest.raises(MarketUnreachable):
        market.fetch(learnware_id)
    (part,) = (tmp_path / "cache" / "learnwares" / "parts").iterdir()
    assert part.read_bytes() == make_learnware().to_bytes()[:1000]
    with RemoteMarket(dock.url) as again:
        assert again.fetch(learnware_id) == make_learnware()
    assert dock.headers[-1]["Range"] == "bytes=1000-"
    assert not part.exists()


def test_a_server_without_ranges_begins_again(dock: FakeDock, market: RemoteMarket) -> None:
    learnware_id = market.submit(make_learnware())

    def whole(handler: Handler) -> bool:
        if "Range" not in handler.headers:
            return False
        handler.reply(make_learnware().to_bytes(), 200, "application/zip")
        return True

    dock.faults = [drop("/bundle", after=1000), whole]
    assert market.fetch(learnware_id) == make_learnware()
    assert dock.faults == []


def test_wrong_bytes_are_not_taken(dock: FakeDock, market: RemoteMarket, tmp_path: Path) -> None:
    learnware_id = market.submit(make_learnware())
    dock.faults = [flip()]
    with pytest.raises(ChecksumMismatch, match=learnware_id):
        market.fetch(learnware_id)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert market.fetch(learnware_id) == make_learnware()


@pytest.mark.parametrize("headers", [{"ETag": '"0"'}, {}])
def test_more_or_other_bytes_than_promised_are_not_heard(
    dock: FakeDock, market: RemoteMarket, headers: dict[str, str]
) -> None:
    learnware_id = market.submit(make_learnware())
    dock.faults = [status(200, content=b"x" * 10**6, type="application/zip", at="/bundle", headers=headers)]
    with pytest.raises(ChecksumMismatch):
        market.fetch(learnware_id)


def test_another_range_than_asked_for_is_refused(dock: FakeDock, market: RemoteMarket) -> None:
    learnware_id = market.submit(make_learnware())
    shifted = status(206, content=b"x", type="application/zip", at="/bundle", headers={"Content-Range": "bytes 5-5/9"})
    dock.faults = [drop("/bundle", after=1000), shifted]
    with pytest.raises(ChecksumMismatch, match="another part"):
        market.fetch(learnware_id)


def test_503_is_tried_again(dock: FakeDock, market: RemoteMarket) -> None:
    dock.faults = [status(503), status(502)]
    assert len(market) == 0
    dock.faults = [status(503, at="POST"), status(504, at="POST")]
    learnware_id = market.submit(make_learnware())
    assert list(market) == [learnware_id]
    dock.faults = [status(503) for _ in range(9)]
    with pytest.raises(MarketUnreachable, match="503 with a web page .*'Sorry'"):
        len(market)
    assert len(dock.faults) == 4


def test_429_is_obeyed_within_bounds(dock: FakeDock, market: RemoteMarket) -> None:
    dock.faults = [status(429, headers={"Retry-After": "1"})]
    began = time.monotonic()
    assert len(market) == 0
    assert time.monotonic() - began >= 1.0
    for headers, seconds in (({"Retry-After": "3600"}, 3600.0), ({}, None)):
        dock.faults = [status(429, headers=headers)]
        with pytest.raises(TooManyRequests) as caught:
            len(market)
        assert caught.value.retry_after == seconds


def test_redirects_are_not_followed(dock: FakeDock) -> None:
    with FakeDock() as other, RemoteMarket(dock.url, token="lw_secret") as market:
        dock.faults = [status(307, headers={"Location": f"{other.url}/api/v1/learnwares"})]
        with pytest.raises(MarketError, match=f"redirect to {other.url}"):
            len(market)
        assert other.received == b""


@pytest.mark.parametrize("code", [200, 403, 404, 500])
def test_a_web_page_is_no_answer(dock: FakeDock, market: RemoteMarket, code: int) -> None:
    page = b"<html><head><title>Sign in to \x1b[2J the caf\xc3\xa9</title>"
    dock.faults = [status(code, content=page)]
    with pytest.raises(MarketError, match=rf"{code} with a web page .*'Sign in to \[2J the café'.*proxy"):
        len(market)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not JSON"),
        (b'{"total": NaN}', "NaN"),
        (b"[" * 50 + b"]" * 50, "within each other"),
        (b'{"total": -1, "items": []}', "cannot be read"),
        (b'{"total": 1, "items": [{"id": "../x"}], "next": null}', "cannot be read"),
        (b'{"total": 1, "items": [], "next": 3}', "no end"),
        (b"[]", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused(dock: FakeDock, market: RemoteMarket, content: bytes, said: str) -> None:
    dock.faults = [status(200, content=content, type="application/json")]
    with pytest.raises(MarketError, match=said):
        # Not list(market), which asks for the length before.
        _ = [*iter(market)]


def endless(handler: Handler) -> bool:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" " * 2**16)
    except OSError:
        handler.close_connection = True
    return True


def dripping(handler: Handler) -> bool:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    try:
        for _ in range(1000):
            handler.wfile.write(b" ")
            time.sleep(0.01)
    except OSError:
        handler.close_connection = True
    return True


def test_an_endless_answer_ends(dock: FakeDock, market: RemoteMarket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST_BYTES", 2**20)
    dock.faults = [endless]
    with pytest.raises(MarketError, match="more than 1,048,576 bytes"):
        len(market)
    monkeypatch.setattr(answers, "BODY_SECONDS", 0.2)
    dock.faults = [dripping]
    with pytest.raises(MarketUnreachable, match="so slowly"):
        len(market)


def test_a_compressed_answer_was_not_asked_for(dock: FakeDock, market: RemoteMarket) -> None:
    dock.faults = [status(200, type="application/json", headers={"Content-Encoding": "gzip"})]
    with pytest.raises(MarketError, match="compressed"):
        len(market)


def test_a_token_that_is_wrong_or_expired(dock: FakeDock) -> None:
    dock.token = "lw_right"
    with RemoteMarket(dock.url, token="lw_wrong") as market, pytest.raises(NotAuthenticated, match="expired"):
        len(market)
    with RemoteMarket(dock.url, token="lw_right") as market:
        assert len(market) == 0


def test_a_learnware_may_not_be_larger_than_any(dock: FakeDock, market: RemoteMarket) -> None:
    learnware_id = "0" * 32
    told = b'{"id": "%s", "digest": "%s", "size": %d}'
    dock.faults = [status(200, content=told % (b"0" * 32, b"1" * 64, 2**40), type="application/json")]
    with pytest.raises(LimitExceeded, match="2,147,483,647"):
        market.fetch(learnware_id)
    for about, digest in ((b"2" * 32, b"1" * 64), (b"0" * 32, b"../" * 9)):
        dock.faults = [status(200, content=told % (about, digest, 9), type="application/json")]
        with pytest.raises(MarketError, match="when asked about"):
            market.fetch(learnware_id)
    assert not dock.asked("/bundle")


def test_a_submission_is_followed_until_it_is_verified(dock: FakeDock, market: RemoteMarket) -> None:
    dock.polls = 3
    submission._PAUSE_SECONDS, before = 0.01, submission._PAUSE_SECONDS
    try:
        learnware_id = market.submit(make_learnware())
        with pytest.raises(RejectedLearnware, match="name-too-long"):
            market.submit(make_learnware("long " * 40))
    finally:
        submission._PAUSE_SECONDS = before
    assert list(market) == [learnware_id]
    assert len(dock.asked(r"GET .*/submissions/\w+\?wait=20")) == 6
    dock.faults = [drop("GET") for _ in range(5)]
    with pytest.raises(MarketUnreachable, match="look for it before you send it again"):
        market.submit(make_learnware())


def test_an_answer_that_got_lost_submits_nothing_twice(dock: FakeDock, market: RemoteMarket) -> None:
    def lose(handler: Handler) -> bool:
        if handler.command != "POST":
            return False
        content = make_learnware().to_bytes()
        handler._submit((), {}, content)
        handler.connection.shutdown(2)
        handler.close_connection = True
        return True

    dock.faults = [lose]
    learnware_id = market.submit(make_learnware())
    assert (list(dock.market), dock.faults) == ([learnware_id], [])
    keys = {headers["Idempotency-Key"] for headers in dock.headers if "Idempotency-Key" in headers}
    market.submit(make_learnware())
    again = {headers["Idempotency-Key"] for headers in dock.headers if "Idempotency-Key" in headers}
    assert (len(keys), len(again)) == (1, 2)


def test_a_removal_whose_answer_got_lost_is_one(dock: FakeDock, market: RemoteMarket) -> None:
    learnware_id = market.submit(make_learnware())

    def lose(handler: Handler) -> bool:
        dock.market.remove(learnware_id)
        handler.connection.shutdown(2)
        handler.close_connection = True
        return True

    dock.faults = [lose]
    market.remove(learnware_id)
    with pytest.raises(LearnwareNotFound, match="removed"):
        market.remove(learnware_id)
