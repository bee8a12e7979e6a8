"""Who may see and do what on the web pages: every route has a line here, and one without fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from learnware.server import pages
from learnware.server.app import create_app
from learnware.testing import make_learnware
from tests.server.conftest import PASSWORD, Place

#: Who asks; Bob is somebody else, the learnware is Ada's.
WHO = (None, "bob", "ada", "root")

# What is answered to whom, in the order of WHO; somebody unknown is sent to the login (303) where they may not be.
EVERYBODY = (200, 200, 200, 200)
ONWARD = (303, 303, 303, 303)
ONES_OWN = (404, 404, 200, 200)
ACCOUNT = (303, 200, 200, 200)
ACCOUNT_HIDDEN = (303, 404, 200, 200)
ACCOUNT_SENDS = (303, 202, 202, 202)
OWNER = (303, 403, 303, 303)
OWNER_HIDDEN = (404, 404, 303, 303)
ADMIN = (303, 403, 403, 200)
ADMIN_ON = (303, 403, 403, 303)

FILE = make_learnware("Second", 5.0).to_bytes()
SPECIFICATION = make_learnware().specification.to_json()
PLEASE = {"title": "x", "scopes": "read", "days": "30"}

# Route: what is sent, then who may where the learnware is public, and where it is private.
ROUTES: dict[tuple[str, str], tuple[dict[str, str] | bytes | None, tuple[int, ...], tuple[int, ...]]] = {
    ("GET", "/"): (None, EVERYBODY, EVERYBODY),
    ("GET", "/search"): (None, EVERYBODY, EVERYBODY),
    ("POST", "/search"): (b"", ONWARD, ONWARD),
    ("GET", "/search/{query_id}"): (None, EVERYBODY, EVERYBODY),
    ("GET", "/search/{query_id}/spec.json"): (None, EVERYBODY, EVERYBODY),
    ("GET", "/learnwares/{ref}"): (None, EVERYBODY, ONES_OWN),
    ("GET", "/learnwares/{ref}/bundle"): (None, EVERYBODY, ONES_OWN),
    ("POST", "/learnwares/{learnware_id}/visibility"): ({"visibility": "unlisted"}, OWNER, OWNER_HIDDEN),
    ("GET", "/learnwares/{learnware_id}/delete"): (None, ACCOUNT, ACCOUNT_HIDDEN),
    ("POST", "/learnwares/{learnware_id}/delete"): (None, OWNER, OWNER_HIDDEN),
    ("GET", "/upload"): (None, ACCOUNT, ACCOUNT),
    ("POST", "/upload"): (FILE, ACCOUNT_SENDS, ACCOUNT_SENDS),
    ("GET", "/submissions/{submission_id}"): (None, ONES_OWN, ONES_OWN),
    ("GET", "/submissions/{submission_id}/state"): (None, ONES_OWN, ONES_OWN),
    ("GET", "/mine"): (None, ACCOUNT, ACCOUNT),
    ("GET", "/tokens"): (None, ACCOUNT, ACCOUNT),
    ("POST", "/tokens"): (PLEASE, ACCOUNT, ACCOUNT),
    ("POST", "/tokens/{token_id}/revoke"): (None, (303, 422, 303, 422), (303, 422, 303, 422)),
    ("GET", "/login"): (None, (200, 303, 303, 303), (200, 303, 303, 303)),
    ("POST", "/login"): ({"name": "bob", "password": PASSWORD}, ONWARD, ONWARD),
    ("POST", "/logout"): (None, ONWARD, ONWARD),
    ("GET", "/account"): (None, ACCOUNT, ACCOUNT),
    ("POST", "/account"): ({}, (303, 422, 422, 422), (303, 422, 422, 422)),
    ("GET", "/language/{code}"): (None, ONWARD, ONWARD),
    ("GET", "/admin"): (None, ADMIN, ADMIN),
    ("GET", "/admin/users"): (None, ADMIN, ADMIN),
    ("POST", "/admin/users"): ({"name": "carl", "password": PASSWORD, "role": "user"}, ADMIN_ON, ADMIN_ON),
    ("POST", "/admin/users/{name}/role"): ({"role": "user"}, ADMIN_ON, ADMIN_ON),
    ("POST", "/admin/users/{name}/disabled"): ({"disabled": "no"}, ADMIN_ON, ADMIN_ON),
    ("GET", "/admin/audit"): (None, ADMIN, ADMIN),
}


def routes() -> Iterator[tuple[str, str]]:
    for part in pages._PARTS:
        for route in part.router.routes:
            yield from ((method, route.path) for method in route.methods)  # type: ignore[attr-defined]


@pytest.fixture
def clients(place: Place) -> dict[str | None, TestClient]:
    """Return a browser for each of `WHO`, logged in."""
    app = create_app(place.dock)
    made: dict[str | None, TestClient] = {}
    for who in WHO:
        made[who] = TestClient(app, base_url="http://127.0.0.1", follow_redirects=False, raise_server_exceptions=False)
        made[who].headers["Origin"] = "http://127.0.0.1"
        if who is not None:
            made[who].cookies.set("dock_session", place.dock.login(who, PASSWORD)[0])
    return made


def asked(place: Place, client: TestClient, route: tuple[str, str], learnware_id: str) -> int:
    (method, path), form = route, ROUTES[route][0]
    named = path.format(
        ref=learnware_id,
        learnware_id=learnware_id,
        submission_id=place.dock.queue.for_learnware(learnware_id)[0].id,
        query_id=place.dock.keep_query(place.dock.actor(None), make_learnware().specification),
        token_id=next(token.id for token in place.dock.keys.of("ada") if token.title == "spare"),
        name="bob",
        code="zh",
    )
    if route == ("POST", "/search"):
        return client.post(named, files={"specification": ("spec.json", SPECIFICATION)}).status_code
    sent = {"content": form} if isinstance(form, bytes) else {"data": form} if form is not None else {}
    return client.request(method, named, **sent).status_code


def test_every_page_has_a_line() -> None:
    assert set(routes()) == set(ROUTES)


@pytest.mark.parametrize("visibility", ["public", "private"])
@pytest.mark.parametrize("route", sorted(ROUTES), ids=" ".join)
def test_who_may(place: Place, clients: dict[str | None, TestClient], route: tuple[str, str], visibility: str) -> None:
    learnware_id, found = "", []
    for who in WHO:
        # What somebody asked before may have changed.
        place.dock.keys.issue("ada", title="spare", scopes=["read"])
        if not learnware_id or learnware_id not in place.dock.market:
            learnware_id = place.put(make_learnware(), visibility=visibility)
        place.dock.library.set_visibility(learnware_id, visibility)
        found.append(asked(place, clients[who], route, learnware_id))
    assert found == list(ROUTES[route][1 if visibility == "public" else 2])


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null", "http://127.0.0.1.evil.example"])
@pytest.mark.parametrize("route", sorted(route for route in ROUTES if route[0] == "POST"), ids=" ".join)
def test_no_other_site_can_change_anything(
    place: Place, clients: dict[str | None, TestClient], route: tuple[str, str], origin: str | None
) -> None:
    place.dock.keys.issue("ada", title="spare", scopes=["read"])
    learnware_id, client = place.put(make_learnware()), clients["root"]
    del client.headers["Origin"]
    if origin is not None:
        client.headers["Origin"] = origin
    n_done = len(place.dock.log.entries())
    assert asked(place, client, route, learnware_id) == 403
    assert len(place.dock.log.entries()) == n_done
