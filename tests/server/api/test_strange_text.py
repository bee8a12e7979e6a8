"""Text that means something to a browser, a database or a shell is text here, and comes out as it went in."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from learnware.specification import SemanticSpecification, Specification
from learnware.testing import make_learnware
from tests.server.conftest import PASSWORD, Place

STRANGE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE holdings; --",
    "' OR '1'='1' /*",
    "1 UNION SELECT digest FROM tokens",
    "\" OR name MATCH 'a*' --",
    "NEAR(a b, 3) AND NOT * ^col:x",
    '"',
    "*",
    "{{7*7}} ${7*7} %s %n",
    "../../etc/passwd",
    "𝕏 é ﷽ 一二三 \U0001f9ea",
]
#: Characters that some layer may stumble over; not all of them are text that others take.
RAW = ["\x00", "a\x00b", "\x7f\x1b[31m", "\u202egnp.exe", "\ufeff\u200b", "\ud800", "a" * 1_900, "\U0010ffff"]


def words_of(text: str) -> Specification:
    return Specification(SemanticSpecification(text, text, data="table", task="classification"))


@pytest.mark.parametrize("text", STRANGE)
def test_what_learnwares_say_is_text(place: Place, client: TestClient, text: str) -> None:
    learnware_id = place.dock.store.add(make_learnware().to_bytes(), words_of(text))
    card = client.get(f"/api/v1/learnwares/{learnware_id}")
    assert card.headers["content-type"] == "application/json"
    assert card.json()["semantic"]["Name"]["Values"] == text
    found = client.post("/api/v1/search", json={"text": f"{text} words"})
    assert found.status_code == 200, found.text
    assert client.get("/api/v1/learnwares").json()["items"][0]["semantic"]["Description"]["Values"] == text
    assert place.dock.people.get("ada").name == "ada"


@pytest.mark.parametrize("text", STRANGE)
def test_titles_and_keys_are_text(place: Place, client: TestClient, text: str) -> None:
    content = {"user": "ada", "password": PASSWORD, "title": text, "days": 1}
    made = client.post("/api/v1/tokens", json=content)
    assert (made.status_code, made.json()["title"]) == (201, text)
    assert text in {
        token["title"] for token in client.get("/api/v1/tokens", headers=place.bearer("ada")).json()["items"]
    }
    key = {"Idempotency-Key": text.encode("utf-8"), "Authorization": place.bearer("ada")["Authorization"].encode()}
    one, two = (client.post("/api/v1/learnwares", content=b"x", headers=key).json()["id"] for _ in range(2))
    assert one == two
    audit = client.get("/api/v1/audit", headers=place.bearer("root")).json()["items"]
    assert text in {entry["detail"] for entry in audit}


@pytest.mark.parametrize("text", STRANGE + RAW)
def test_no_text_is_too_strange(place: Place, client: TestClient, text: str) -> None:
    admin = place.bearer("root")
    for path, content in (
        ("/search", {"text": text}),
        ("/search", {"specification": {"format": text}}),
        ("/search", {text: 1}),
        ("/tokens", {"user": text, "password": text, "title": text, "scopes": [text]}),
        ("/tokens", {"user": "ada", "password": text, "title": "x"}),
        ("/tokens", {"user": "ada", "password": PASSWORD, "title": text}),
        ("/users", {"name": text, "password": PASSWORD}),
        ("/users", {"name": "carl", "password": text}),
    ):
        answer = client.post(f"/api/v1{path}", content=json.dumps(content).encode(), headers=admin)
        assert answer.status_code in (200, 201, 401, 422), (path, content, answer.text)
        if "\ud800" in text:
            assert answer.status_code == 422, (path, content, answer.text)


@pytest.mark.parametrize("text", STRANGE + RAW)
def test_no_address_is_too_strange(place: Place, client: TestClient, text: str) -> None:
    admin, part = place.bearer("root"), quote(text.encode("utf-8", "surrogatepass"), safe="")
    visible = {"visibility": "private"}
    for method, path, content in (
        ("GET", f"/learnwares/{part}", None),
        ("GET", f"/learnwares/{part}@{part}", None),
        ("GET", f"/learnwares/{'0' * 32}@{part}/bundle", None),
        ("PATCH", f"/learnwares/{part}", visible),
        ("PUT", f"/learnwares/{part}", {}),
        ("DELETE", f"/learnwares/{part}", None),
        ("GET", f"/learnwares?cursor={part}", None),
        ("POST", f"/learnwares?visibility={part}", {}),
        ("GET", f"/submissions?before={part}", None),
        ("GET", f"/submissions/{part}", None),
        ("GET", f"/submissions/{part}?wait={part}", None),
        ("DELETE", f"/tokens/{part}", None),
        ("PATCH", f"/users/{part}", {"role": "user"}),
        ("GET", f"/audit?before={part}&limit={part}", None),
        ("GET", f"/{part}/{part}?{part}={part}", None),
    ):
        answer = client.request(method, f"/api/v1{path}", json=content, headers=admin)
        assert answer.status_code in (200, 403, 404, 405, 422), (method, path, answer.text)


def places_in(content: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every mapping or list in JSON with each of its keys or positions, some of the long ones."""
    if isinstance(content, dict):
        for key in content:
            yield content, key
            yield from places_in(content[key])
    elif isinstance(content, list):
        for position in range(min(len(content), 3)):
            yield content, position
            yield from places_in(content[position])


WRONG = [None, True, -1, 0, 1e308, 2**63, "", "x" * 500, "\x00", [], [[]], {}, {"a": {"a": 1}}, [1, "a", None], 1e-320]


def test_specifications_with_something_wrong_are_refused(place: Place, client: TestClient) -> None:
    place.put(make_learnware())
    text, rng, statuses = make_learnware("Wanted", 0.5).specification.to_json(), random.Random(0), set()
    for _ in range(400):
        content = json.loads(text)
        for _ in range(rng.randint(1, 2)):
            inside, key = rng.choice(list(places_in(content)))
            if rng.random() < 0.2:
                del inside[key]
            else:
                inside[key] = rng.choice(WRONG)
        answer = client.post("/api/v1/search", json={"specification": content, "limit": rng.choice([1, 10, 500])})
        assert answer.status_code in (200, 422), (content, answer.text)
        statuses.add(answer.status_code)
    assert statuses == {200, 422}
