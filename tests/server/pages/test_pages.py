"""Every page, in both languages: complete, well formed, light, and with the headers that keep it to itself."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from learnware import RKME, Specification
from learnware.server.accounts.actor import ANONYMOUS
from learnware.server.pages import SECURITY_HEADERS
from learnware.server.pages.rendering import STATIC
from learnware.specification import Fields, SemanticSpecification
from learnware.specification.semantic import VOCABULARY
from tests.server.pages.conftest import Visitor
from tests.server.pages.fake_dock import FakeDock, identity, specifications
from tests.server.pages.reading import Read

WINE = identity("wine")

FOR_ALL = {
    "/": "Wine cultivars from chemistry",
    "/?text=light&data=Table&sort=name": "Light wines",
    "/search": "learnware spec data.csv",
    f"/learnwares/{WINE}": "proanthocyanins",
    f"/learnwares/{WINE}@{'b' * 64}": "b" * 12,
    f"/learnwares/{identity('digits')}": "手写数字识别",
    f"/learnwares/{identity('words')}": "Feature names only",
    "/login": "",
}
FOR_USERS = {
    "/mine": "Strong wines",
    "/upload": "learnware submit http://dock.test",
    f"/upload?learnware_id={WINE}": f"learnware update http://dock.test {WINE}",
    f"/learnwares/{WINE}": "description-short",
    f"/learnwares/{WINE}/delete": "Wine cultivars from chemistry",
    "/submissions/done": "description-short",
    "/submissions/waiting": "",
    "/submissions/refused": "task-missing",
    "/submissions/broken": "The zip ends early.",
    "/tokens": "",
    "/account": "ada",
}
FOR_ADMINS = {"/admin": "4.8 GB", "/admin/users": "mallory", "/admin/audit": "from 127.0.0.1"}
EVERY = [(None, p) for p in FOR_ALL] + [("ada", p) for p in FOR_USERS] + [("grace", p) for p in FOR_ADMINS]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("user", "path"), EVERY)
def test_page_is_complete(visitor: Visitor, user: str | None, path: str, language: str) -> None:
    response = visitor(user, language).get(path)
    assert response.status_code == 200
    read = Read.page(response.text)
    assert read.acting == []
    assert read.all("html")[0].attributes["lang"] == {"en": "en", "zh": "zh-Hans"}[language]
    assert ("我的" in read.text or "浏览" in read.text) == (language == "zh")
    known = {None: FOR_ALL, "ada": FOR_USERS, "grace": FOR_ADMINS}[user][path]
    assert known in read.text


@pytest.mark.parametrize(("user", "path"), EVERY)
def test_page_can_be_used_without_seeing_it(visitor: Visitor, user: str | None, path: str) -> None:
    read = Read.page(visitor(user).get(path).text)
    assert len(read.all("h1")) == len(read.all("main")) == 1
    assert read.all("a")[0].attributes["href"] == "#" + read.all("main")[0].attributes["id"]
    ids = [element.attributes["id"] for element in read.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    named = {label.attributes.get("for") for label in read.all("label")}
    for control in read.all("input") + read.all("select"):
        attributes = control.attributes
        if attributes.get("type") in ("hidden", "radio", "checkbox"):
            continue
        assert attributes.get("id") in named or "aria-label" in attributes, attributes
    for element in read.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert element.attributes.get(name, ids[0]) in ids
    for picture in read.all("svg"):
        assert picture.attributes.get("aria-label") or picture.attributes.get("aria-hidden") == "true"


@pytest.mark.parametrize(("user", "path"), [*EVERY, (None, "/learnwares/none"), (None, "/mine")])
def test_page_carries_its_headers(visitor: Visitor, user: str | None, path: str) -> None:
    response = visitor(user).get(path)
    for name, value in SECURITY_HEADERS.items():
        assert response.headers[name] == value
    assert response.headers["Cache-Control"] == ("no-store" if user else "private, no-cache")


def test_policy_allows_no_inline_code() -> None:
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy


def test_static_files_are_kept_by_browsers(visitor: Visitor) -> None:
    client = visitor()
    read = Read.page(client.get("/").text)
    addresses = [e.attributes["src"] for e in read.all("script")] + [e.attributes["href"] for e in read.all("link")]
    assert len(addresses) == 4
    for address in addresses:
        response = client.get(address)
        assert (response.status_code, "?v=" in address) == (200, True)
        assert "immutable" in response.headers["cache-control"]
        assert response.headers["x-content-type-options"] == "nosniff"
    for outside in ("/static/../pages/account.py", "/static/%2e%2e/pages/account.py", "/static/..%2fdock.py"):
        assert client.get(outside).status_code == 404


def test_search_keeps_a_specification_and_answers_at_an_address(visitor: Visitor, dock: FakeDock) -> None:
    client = visitor()
    sent = {"specification": ("spec.json", specifications()["wine"].to_json(), "application/json")}
    response = client.post("/search", files=sent, data={"task": "Classification", "text": "wine"})
    assert response.status_code == 303
    address = response.headers["location"]
    assert address.endswith("?task=Classification&text=wine")
    page = visitor(language="zh").get(address)
    read = Read.page(page.text)
    assert read.acting == []
    assert "有学件适合您的数据" in read.text
    for shown in ("Wine cultivars from chemistry", "Light wines", "您的数据", "70%"):
        assert shown in read.text
    assert ("Classification", "wine") in dock.asked
    assert 'text="wine"' in read.text


def test_specification_of_a_search_can_be_fetched(visitor: Visitor, dock: FakeDock) -> None:
    known = dock.keep_query(ANONYMOUS, specifications()["wine"])
    response = visitor().get(f"/search/{known}/spec.json")
    assert Specification.from_json(response.text) == specifications()["wine"]
    assert "attachment" in response.headers["content-disposition"]


def test_search_that_finds_nothing_says_why(visitor: Visitor, dock: FakeDock) -> None:
    lonely = Specification.from_data(np.random.default_rng(0).normal(size=(30, 2)), n_points=3, random_state=0)
    known = dock.keep_query(ANONYMOUS, lonely)
    read = Read.page(visitor().get(f"/search/{known}").text)
    assert "Nothing fits your data" in read.text
    assert "No learnware takes a table with these columns." in read.text


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"format": "learnware-specification"}'])
def test_search_refuses_what_is_no_specification(visitor: Visitor, content: bytes) -> None:
    response = visitor().post("/search", files={"specification": ("spec.json", content, "application/json")})
    assert response.status_code == 422
    assert 'role="alert"' in response.text


def test_search_takes_8_mib_and_no_more(visitor: Visitor) -> None:
    client = visitor()
    large = client.post("/search", files={"specification": ("spec.json", b" " * (8 * 2**20 + 1))})
    assert large.status_code == 422
    assert "8,388,608 bytes" in large.text
    assert client.post("/search", files={"specification": ("spec.json", b" " * (9 * 2**20))}).status_code == 413


def test_search_without_a_file_or_a_form(visitor: Visitor) -> None:
    client = visitor()
    assert "Choose a specification file first." in client.post("/search", files={"other": ("a", b"")}).text
    assert client.post("/search", content=b"junk", headers={"content-type": "text/plain"}).status_code == 422


def test_filters_reach_the_dock_and_false_ones_do_not(visitor: Visitor, dock: FakeDock) -> None:
    path = "/?text=+wine+&data=Table&task=Nonsense&scenario=Business&scenario=Evil&license=MIT&sort=evil"
    response = visitor().get(path)
    said = {"text": "wine", "data": "Table", "license": "MIT", "scenarios": ("Business",), "sort": "newest"}
    assert dock.asked[-1] == {**said, "task": None, "library": None}
    assert "1 learnware" in Read.page(response.text).text


def test_list_goes_on(visitor: Visitor, dock: FakeDock) -> None:
    for i in range(45):
        dock.put(f"more{i}", SemanticSpecification(name=f"More {i}", task="Regression"))
    client, path, seen = visitor(), "/?task=Regression", []
    for _ in range(3):
        read = Read.page(client.get(path).text)
        seen += [e for e in read.all("li") if e.attributes.get("class") == "card"]
        following = [e.attributes["href"] for e in read.all("a") if e.attributes.get("rel") == "next"]
        path = "/" + following[0] if following else ""
    assert len(seen) == 45
    assert path == ""


def test_old_revision_says_so(visitor: Visitor) -> None:
    assert "This is an earlier revision." in visitor().get(f"/learnwares/{WINE}@{'b' * 64}").text
    assert "This is an earlier revision." not in visitor().get(f"/learnwares/{WINE}").text


def test_report_is_for_the_owner(visitor: Visitor) -> None:
    assert "description-short" in visitor("ada").get(f"/learnwares/{WINE}").text
    assert "description-short" not in visitor("mallory").get(f"/learnwares/{WINE}").text
    assert "description-short" not in visitor().get(f"/learnwares/{WINE}").text


def test_bundle_is_a_file(visitor: Visitor, dock: FakeDock) -> None:
    response = visitor().get(f"/learnwares/{WINE}/bundle")
    assert response.content == b"PK-" + dock.cards[WINE].digest.encode()
    assert response.headers["content-type"] == "application/zip"
    assert "attachment" in response.headers["content-disposition"]


@cache
def _widest(n_points: int = 1000) -> RKME:
    rng = np.random.default_rng(0)
    return RKME(rng.normal(size=(n_points, 24)), np.full(n_points, 1 / n_points))


@pytest.mark.parametrize("user", [None, "ada"])
def test_no_page_weighs_more_than_150_kb(visitor: Visitor, dock: FakeDock, user: str | None) -> None:
    """The pages of the longest texts, the widest tables, and the fullest lists."""
    name, description = "字" * 120, "&-字\n" * 3_000
    described = Fields(10_000, dict.fromkeys(range(10000), "meaning of a column " * 50))
    for i in range(30):
        known = dock.put(
            f"big{i}",
            SemanticSpecification(name, description, inputs=described, scenarios=VOCABULARY["scenarios"]),
            owner="ada",
        )
        dock.specs[known] = Specification(dock.cards[known].semantic, _widest(1000 if i == 0 else 5))
    query = dock.keep_query(ANONYMOUS, Specification(statistical=_widest()))
    for i in range(90):
        known = dock.put(f"near{i}", SemanticSpecification(name))
        dock.specs[known] = Specification(dock.cards[known].semantic, _widest(5))
    shared = sum((STATIC / name).stat().st_size for name in ("dock.css", "dock.js", "htmx.min.js"))
    client = visitor(user)
    for path in ("/", f"/learnwares/{identity('big0')}", f"/search/{query}", *(["/mine"] if user else [])):
        page = client.get(path)
        assert page.status_code == 200
        assert shared + len(page.content) <= 150_000, path
