"""Who visits, and what other sites cannot make them do."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from learnware.server.pages import _PARTS
from learnware.server.pages.session import COOKIE, local_path
from tests.server.pages.conftest import HOST, Visitor, application
from tests.server.pages.fake_dock import PASSWORD, FakeDock, identity
from tests.server.pages.reading import Read

WINE = identity("wine")

LOCAL = ["/", "/mine", "/tokens?said=revoked", "/search/abc?task=Object+Detection", "/?text=%E5%AD%97"]
ELSEWHERE = [
    None,
    "",
    "mine",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%5cevil.example\\",
    "https://evil.example",
    "HTTPS:/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/..//evil.example",
    "/.//evil.example",
    "/x/..//evil.example",
    "/mine\r\nSet-Cookie: a=b",
    "/\x00/evil.example",
    "/字",
    "/" + "a" * 1000,
]
CHANGES = [
    ("/login", {"name": "ada", "password": PASSWORD}),
    ("/logout", {}),
    ("/search", {}),
    ("/upload", {}),
    ("/tokens", {"title": "x", "scopes": "read"}),
    ("/tokens/t0/revoke", {}),
    ("/account", {"old": PASSWORD, "new": "y" * 12, "again": "y" * 12}),
    (f"/learnwares/{WINE}/visibility", {"visibility": "private"}),
    (f"/learnwares/{WINE}/delete", {}),
    ("/admin/users", {"name": "eve", "password": "z" * 12, "role": "admin"}),
    ("/admin/users/ada/role", {"role": "admin"}),
    ("/admin/users/ada/disabled", {"disabled": "yes"}),
]


@pytest.mark.parametrize("path", LOCAL)
def test_login_leads_to_a_page_of_the_dock(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize("path", ELSEWHERE)
def test_login_leads_nowhere_else(path: str | None) -> None:
    assert local_path(path) == "/"


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https://evil.example"])
def test_no_redirect_leads_elsewhere(visitor: Visitor, path: str) -> None:
    client = visitor()
    assert client.get("/language/zh", params={"next": path}).headers["location"] == "/"
    response = client.post("/login", data={"name": "ada", "password": PASSWORD, "next": path})
    assert response.headers["location"] == "/"
    assert visitor("ada").get("/login", params={"next": path}).headers["location"] == "/"


def test_login_gives_a_cookie_that_only_the_dock_can_use(dock: FakeDock, visitor: Visitor) -> None:
    client = visitor()
    response = client.post("/login", data={"name": "ada", "password": PASSWORD, "next": "/mine"})
    assert (response.status_code, response.headers["location"]) == (303, "/mine")
    cookie = SimpleCookie(response.headers["set-cookie"])[COOKIE]
    assert cookie.value in dock.sessions
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/")
    assert not cookie["secure"]
    assert client.get("/mine").status_code == 200


def test_cookie_is_secure_behind_https() -> None:
    app = application(FakeDock(public_url="https://dock.example.org"))
    client = TestClient(app, base_url="http://127.0.0.1:8000", follow_redirects=False)
    client.headers["origin"] = "https://dock.example.org"
    assert 'Market.open("https://dock.example.org")' in Read.page(client.get(f"/learnwares/{WINE}").text).text
    response = client.post("/login", data={"name": "ada", "password": PASSWORD})
    assert SimpleCookie(response.headers["set-cookie"])[COOKIE]["secure"]


@pytest.mark.parametrize("name", ["ada", "nobody", "mallory", ""])
def test_refused_login_says_the_same_to_all(visitor: Visitor, name: str) -> None:
    response = visitor().post("/login", data={"name": name, "password": "wrong", "next": "/mine"})
    assert response.status_code == 401
    assert "Name or password is wrong, or the account is disabled." in response.text
    assert 'name="next" value="/mine"' in response.text
    assert "wrong" not in response.text.split('id="password"')[1].split(">")[0]
    assert "set-cookie" not in response.headers


def test_too_many_logins_are_told_to_wait(visitor: Visitor) -> None:
    client = visitor()
    for _ in range(20):
        client.post("/login", data={"name": "ada", "password": "wrong"})
    response = client.post("/login", data={"name": "ada", "password": PASSWORD})
    assert (response.status_code, response.headers["retry-after"]) == (429, "17")
    assert "Wait a little" in response.text


def test_dock_learns_where_requests_come_from(visitor: Visitor, dock: FakeDock) -> None:
    visitor().get("/")
    assert dock.addresses == {"testclient"}


def test_logout_ends_the_session_here_and_there(visitor: Visitor, dock: FakeDock) -> None:
    client = visitor("ada")
    assert client.post("/logout").status_code == 303
    assert dock.sessions == {}
    assert client.get("/mine").headers["location"] == "/login?next=%2Fmine"


def test_cookie_of_nobody_is_cleared(visitor: Visitor) -> None:
    client = visitor()
    client.cookies.set(COOKIE, "lw_forged")
    response = client.get("/")
    assert response.status_code == 200
    assert 'href="/login"' in response.text
    cookie = SimpleCookie(response.headers["set-cookie"])[COOKIE]
    assert (cookie.value, cookie["max-age"]) == ("", "0")


@pytest.mark.parametrize(
    "path", ["/mine", "/upload", "/tokens", "/account", "/admin", "/submissions/done", f"/learnwares/{WINE}/delete"]
)
def test_pages_of_users_lead_to_the_login(visitor: Visitor, path: str) -> None:
    response = visitor().get(path)
    if path == "/submissions/done":
        assert response.status_code == 404
        return
    assert response.status_code == 303
    assert response.headers["location"] == f"/login?next={path.replace('/', '%2F')}"


def test_a_script_is_led_to_the_login_as_well(visitor: Visitor) -> None:
    response = visitor().get("/mine", headers={"HX-Request": "true"})
    assert (response.status_code, response.headers["HX-Redirect"]) == (204, "/login?next=%2Fmine")


@pytest.mark.parametrize("path", ["/admin", "/admin/users", "/admin/audit"])
def test_pages_of_admins_are_for_admins(visitor: Visitor, path: str) -> None:
    assert visitor("ada").get(path).status_code == 403


@pytest.mark.parametrize(
    "origin", [None, "null", "https://evil.example", "http://dock.test.evil.example", "http://[", ""]
)
@pytest.mark.parametrize(("path", "form"), CHANGES)
def test_other_sites_change_nothing(
    visitor: Visitor, dock: FakeDock, path: str, form: dict[str, str], origin: str | None
) -> None:
    before = (dict(dock.cards), dict(dock.accounts), dict(dock.issued), len(dock.sent), len(dock.queries))
    client = visitor("grace", origin=None)
    headers = {} if origin is None else {"origin": origin, "referer": f"{HOST}/mine"} if origin else {"origin": ""}
    response = client.post(path, data=form, headers=headers)
    assert response.status_code == 403
    assert "You may not do this" in response.text
    assert before == (dict(dock.cards), dict(dock.accounts), dict(dock.issued), len(dock.sent), len(dock.queries))
    assert len(dock.sessions) == 1


def test_referer_stands_in_for_an_origin(visitor: Visitor) -> None:
    client = visitor(origin=None)
    assert client.post("/logout", headers={"referer": f"{HOST}/mine"}).status_code == 303
    assert client.post("/logout", headers={"referer": "https://evil.example/dock.test"}).status_code == 403


def test_every_route_that_changes_something_was_tried() -> None:
    routes = [route for part in _PARTS for route in part.router.routes if isinstance(route, APIRoute)]
    unsafe = [route for route in routes if route.methods - {"GET", "HEAD"}]
    tried = {next((r.path for r in unsafe if r.path_regex.match(path)), None) for path, _ in CHANGES}
    assert {route.path for route in unsafe} == tried
    assert len(tried) == len(CHANGES)
