"""What the methods of a market are over HTTP."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from learnware import Specification
from learnware.limits import LIMITS
from learnware.market.wire import error_of
from learnware.server.accounts.rates import Rates
from learnware.testing import make_learnware
from tests.server.conftest import Place


def test_a_learnware_comes_in_and_out(place: Place, client: TestClient) -> None:
    data = make_learnware().to_bytes()
    answer = client.post("/api/v1/learnwares", content=data, headers=place.bearer("ada"))
    submission = answer.json()
    assert (answer.status_code, submission["state"]) == (202, "pending")
    assert client.get(f"/api/v1/learnwares/{submission['learnware_id']}").status_code == 404
    place.verify()
    done = client.get(answer.headers["location"], headers=place.bearer("ada")).json()
    assert (done["state"], done["outcome"]["report"]["passed"]) == ("verified", True)
    path = f"/api/v1/learnwares/{submission['learnware_id']}"
    card = client.get(path).json()
    assert (card["owner"], card["visibility"], card["level"]) == ("ada", "public", "T0")
    assert card["digest"] == hashlib.sha256(data).hexdigest()
    bundle = client.get(f"{path}/bundle")
    assert (bundle.content, bundle.headers["etag"]) == (data, f'"{card["digest"]}"')
    told = client.get(f"{path}/specification").json()
    assert Specification.from_dict(told["specification"]) == make_learnware().specification
    assert client.delete(path, headers=place.bearer("ada")).status_code == 204
    gone = client.get(path)
    assert (gone.status_code, "removed" in gone.json()["detail"]) == (404, True)


def test_what_the_checks_refuse_is_told(place: Place, client: TestClient) -> None:
    data = make_learnware("long " * 40).to_bytes()
    submission = client.post("/api/v1/learnwares", content=data, headers=place.bearer("ada")).json()
    place.verify()
    done = client.get(f"/api/v1/submissions/{submission['id']}", headers=place.bearer("ada")).json()
    assert done["state"] == "failed"
    error: Any = error_of(done["outcome"]["problem"], 422)
    assert "name-too-long" in str(error.report)
    assert place.dock.browse(place.dock.actor(place.tokens["ada"])).total == 0


def test_updates_make_revisions(place: Place, client: TestClient) -> None:
    learnware_id = place.put(make_learnware())
    path = f"/api/v1/learnwares/{learnware_id}"
    second = make_learnware("Second", 5.0).to_bytes()
    assert client.put(path, content=second, headers=place.bearer("ada")).status_code == 202
    place.verify()
    first, last = client.get(f"{path}/revisions").json()["revisions"]
    assert client.get(f"{path}@{first['digest'][:12]}/bundle").content == make_learnware().to_bytes()
    assert client.get(f"{path}@{last['digest']}").json()["semantic"]["Name"]["Values"] == "Second"
    assert client.get(f"{path}@{'0' * 64}").status_code == 404


def test_the_same_key_is_the_same_submission(place: Place, client: TestClient) -> None:
    headers = {**place.bearer("ada"), "Idempotency-Key": "once"}
    data = make_learnware().to_bytes()
    one, two = (client.post("/api/v1/learnwares", content=data, headers=headers).json() for _ in range(2))
    assert one["id"] == two["id"]
    other = client.post("/api/v1/learnwares", content=data + b"x", headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "invalid-parameter")


def test_searches_answer_as_the_market_does(place: Place, client: TestClient) -> None:
    for i in range(3):
        place.put(make_learnware(f"Sales {i}", float(i)))
    wanted = make_learnware("x", 0.4).specification
    content = {"specification": json.loads(wanted.to_json()), "limit": 2}
    answer = client.post("/api/v1/search", json=content).json()
    expected = place.dock.market.search(wanted, limit=2)
    assert [hit["id"] for hit in answer["hits"]][:2] == [hit.id for hit in expected.hits]
    assert answer["verdict"] == expected.verdict
    assert [h["id"] for h in client.post("/api/v1/search", json={"text": "sales"}).json()["hits"]] != []


def test_lists_go_on_where_they_ended(place: Place, client: TestClient) -> None:
    ids = [place.put(make_learnware(f"Sales {i}")) for i in range(5)]
    hidden = place.put(make_learnware("Hidden"), visibility="private")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get("/api/v1/learnwares", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        assert page["total"] == 5
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if len(seen) == 2:
            # The one that the page ended with goes meanwhile.
            place.dock.remove(place.dock.actor(place.tokens["ada"]), ids[1])
            ids.pop(1)
            seen.pop()
            page["total"] -= 1
            break
    rest = client.get("/api/v1/learnwares", params={"limit": 500, "cursor": cursor}).json()
    assert [*seen, *(item["id"] for item in rest["items"])] == ids
    assert hidden not in str(rest)


def test_who_has_it_already_is_not_sent_it_again(place: Place, client: TestClient) -> None:
    learnware_id = place.put(make_learnware())
    for path in ("", "/specification"):
        first = client.get(f"/api/v1/learnwares/{learnware_id}{path}")
        again = client.get(f"/api/v1/learnwares/{learnware_id}{path}", headers={"If-None-Match": first.headers["etag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_a_file_can_be_fetched_in_parts(place: Place, client: TestClient) -> None:
    path, data = f"/api/v1/learnwares/{place.put(make_learnware())}/bundle", make_learnware().to_bytes()
    part = client.get(path, headers={"Range": "bytes=100-"})
    assert (part.status_code, part.content) == (206, data[100:])
    tag = part.headers["etag"]
    assert client.get(path, headers={"Range": "bytes=5-9", "If-Range": tag}).content == data[5:10]
    assert client.get(path, headers={"Range": "bytes=5-9", "If-Range": '"other"'}).content == data
    assert int(client.head(path).headers["content-length"]) == len(data)


def test_a_changed_file_is_never_served(place: Place, client: TestClient) -> None:
    learnware_id = place.put(make_learnware())
    path, _ = place.dock.store.file(learnware_id)
    assert client.get(f"/api/v1/learnwares/{learnware_id}/bundle").status_code == 200
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    answer = client.get(f"/api/v1/learnwares/{learnware_id}/bundle")
    assert (answer.status_code, answer.json()["code"]) == (500, "checksum-mismatch")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"limit": 0}',
        b'{"limit": "1"}',
        b'{"x": 1}',
        b'{"text": 3}',
        b'{"specification": {"format": "x"}}',
        b'{"text": NaN}',
        b'{"text": "a", "text": "b"}',
        b"[" * 5_000,
        b"\xff",
    ],
)
def test_wrong_bodies_are_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/api/v1/search", content=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_large_bodies_are_refused_while_they_come(place: Place, client: TestClient, monkeypatch: Any) -> None:
    answer = client.post("/api/v1/search", content=b" " * (LIMITS["search-bytes"] + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "limit-exceeded")
    monkeypatch.setattr("learnware.server.dock.intake.LIMITS", {**LIMITS, "upload-bytes": 1000})
    sent = []

    def endless() -> Any:
        while len(sent) < 50:
            sent.append(1)
            yield b"x" * 65_536

    answer = client.post("/api/v1/learnwares", content=endless(), headers=place.bearer("ada"))
    assert (answer.status_code, answer.json()["code"]) == (413, "limit-exceeded")
    assert list((place.dock.incoming.dock / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    "ref", ["..%2f..%2fmarket.sqlite", "%2e%2e", "..%252f", "a%00b", "a%5cb", "%ef%bc%8f", "'--", "0" * 32, "x" * 3000]
)
def test_no_path_leads_out(place: Place, client: TestClient, ref: str) -> None:
    for path in ("", "/bundle", "/specification", "/revisions"):
        answer = client.get(f"/api/v1/learnwares/{ref}{path}")
        assert answer.status_code in (404, 422), answer.text


def test_limits_are_listed(client: TestClient) -> None:
    told = {row["name"]: row["value"] for row in client.get("/api/v1/limits").json()["limits"]}
    assert told["upload-bytes"] == LIMITS["upload-bytes"]


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH"])
def test_a_revision_is_never_changed(place: Place, client: TestClient, method: str) -> None:
    learnware_id = place.put(make_learnware())
    path = f"/api/v1/learnwares/{learnware_id}@{make_learnware().digest}"
    sent: Any = {"json": {"visibility": "private"}} if method == "PATCH" else {}
    sent = {"content": make_learnware("Second").to_bytes()} if method == "PUT" else sent
    answer = client.request(method, path, headers=place.bearer("ada"), **sent)
    assert (answer.status_code, learnware_id in place.dock.market) == (404, True)
    assert place.dock.library.holding(learnware_id).visibility == "public"


def test_a_missing_file_is_the_servers_fault(place: Place, client: TestClient) -> None:
    learnware_id = place.put(make_learnware())
    place.dock.store.file(learnware_id)[0].unlink()
    answer = client.get(f"/api/v1/learnwares/{learnware_id}/bundle")
    assert (answer.status_code, answer.json()["code"]) == (503, "market-unavailable")


def test_other_names_are_not_answered_to(client: TestClient) -> None:
    assert client.get("/healthz", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/healthz", headers={"Host": "localhost:8000"}).status_code == 200


def test_who_has_searched_too_often_is_not_read(place: Place, client: TestClient) -> None:
    place.dock.rates = Rates({"search-unknown": "1/minute"})
    statuses = [client.post("/api/v1/search", content=b"[" * 100).status_code for _ in range(2)]
    assert statuses == [422, 429]
