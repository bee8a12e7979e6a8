"""Who may do what: every route has a line here, and one without fails."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from learnware.server.api import PREFIX
from learnware.testing import make_learnware
from tests.server.conftest import PASSWORD, Place

#: Who asks, with the token of that name; Bob is somebody else, the learnware is Ada's.
WHO = (None, "bob", "ada reading", "ada", "root", "root without scope")
#: Tokens that are none.
INVALID = ("revoked", "expired", "forged")

# Status by who asks, in the order of WHO; 2 is any success.
EVERYBODY = (2, 2, 2, 2, 2, 2)
ONES_OWN_OR_404 = (404, 404, 2, 2, 2, 404)
ACCOUNT = (401, 2, 2, 2, 2, 2)
UPLOADER = (401, 2, 403, 2, 2, 2)
OWNER_UPLOADS = (401, 403, 403, 2, 2, 403)
OWNER_UPLOADS_HIDDEN = (404, 404, 403, 2, 2, 404)
ADMIN = (401, 403, 403, 403, 2, 403)
NOBODY_WITH_A_TOKEN = (401, 403, 403, 403, 403, 403)

ZIP = make_learnware("Second", 5.0).to_bytes()
SEARCH = {"specification": json.loads(make_learnware().specification.to_json())}
TOKEN = {"user": "ada", "password": PASSWORD, "title": "t"}
USER = {"name": "carl", "password": PASSWORD}

# Route: body, then who may where the learnware is public, and where it is private.
ROUTES = {
    ("GET", "/learnwares"): (None, EVERYBODY, EVERYBODY),
    ("POST", "/learnwares"): (ZIP, UPLOADER, UPLOADER),
    ("GET", "/learnwares/{reference}"): (None, EVERYBODY, ONES_OWN_OR_404),
    ("HEAD", "/learnwares/{reference}"): (None, EVERYBODY, ONES_OWN_OR_404),
    ("GET", "/learnwares/{reference}/specification"): (None, EVERYBODY, ONES_OWN_OR_404),
    ("GET", "/learnwares/{reference}/revisions"): (None, EVERYBODY, ONES_OWN_OR_404),
    ("GET", "/learnwares/{reference}/bundle"): (None, EVERYBODY, ONES_OWN_OR_404),
    ("HEAD", "/learnwares/{reference}/bundle"): (None, EVERYBODY, ONES_OWN_OR_404),
    ("PUT", "/learnwares/{learnware_id}"): (ZIP, OWNER_UPLOADS, OWNER_UPLOADS_HIDDEN),
    ("PATCH", "/learnwares/{learnware_id}"): ({"visibility": "unlisted"}, OWNER_UPLOADS, OWNER_UPLOADS_HIDDEN),
    ("DELETE", "/learnwares/{learnware_id}"): (None, OWNER_UPLOADS, OWNER_UPLOADS_HIDDEN),
    ("GET", "/limits"): (None, EVERYBODY, EVERYBODY),
    ("POST", "/search"): (SEARCH, EVERYBODY, EVERYBODY),
    ("GET", "/submissions"): (None, ACCOUNT, ACCOUNT),
    ("GET", "/submissions/{submission_id}"): (None, ONES_OWN_OR_404, ONES_OWN_OR_404),
    ("GET", "/me"): (None, EVERYBODY, EVERYBODY),
    ("GET", "/tokens"): (None, ACCOUNT, ACCOUNT),
    ("POST", "/tokens"): (TOKEN, EVERYBODY, EVERYBODY),
    ("DELETE", "/tokens/{token_id}"): (None, NOBODY_WITH_A_TOKEN, NOBODY_WITH_A_TOKEN),
    ("GET", "/users"): (None, ADMIN, ADMIN),
    ("POST", "/users"): (USER, ADMIN, ADMIN),
    ("PATCH", "/users/{name}"): ({"role": "admin"}, ADMIN, ADMIN),
    ("GET", "/audit"): (None, ADMIN, ADMIN),
    ("GET", "/overview"): (None, ADMIN, ADMIN),
}
OPERATIONS = {
    ("GET", "/healthz"): (None, EVERYBODY, EVERYBODY),
    ("GET", "/readyz"): (None, EVERYBODY, EVERYBODY),
    ("GET", "/metrics"): (None, ADMIN, ADMIN),
}
ALL = {(method, PREFIX + path): line for (method, path), line in ROUTES.items()} | OPERATIONS
#: Routes that look at no token.
BLIND = {("GET", f"{PREFIX}/limits"), ("POST", f"{PREFIX}/tokens"), ("GET", "/healthz"), ("GET", "/readyz")}


def api_routes(client: TestClient) -> Iterator[tuple[str, str]]:
    for path, methods in client.app.openapi()["paths"].items():  # type: ignore[attr-defined]
        yield from ((method.upper(), path) for method in methods)


def names(place: Place, learnware_id: str, path: str) -> str:
    """Return a path with what it names: Ada's learnware, its submission, another token of hers, and Bob."""
    return path.format(
        reference=learnware_id,
        learnware_id=learnware_id,
        submission_id=place.dock.queue.for_learnware(learnware_id)[0].id,
        token_id=next(token.id for token in place.dock.keys.of("ada") if token.title == "spare"),
        name="bob",
    )


def asked(place: Place, client: TestClient, route: tuple[str, str], learnware_id: str, who: str | None) -> int:
    """Return the status of an answer, 2 for any success."""
    (method, path), body = route, ALL[route][0]
    content = {"content": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
    answer = client.request(method, names(place, learnware_id, path), headers=place.bearer(who), **content)
    return 2 if answer.status_code < 300 else answer.status_code


def test_every_route_has_a_line(client: TestClient) -> None:
    assert set(api_routes(client)) == set(ALL)


@pytest.mark.parametrize("visibility", ["public", "private"])
@pytest.mark.parametrize("route", sorted(ALL), ids=" ".join)
def test_who_may(place: Place, client: TestClient, route: tuple[str, str], visibility: str) -> None:
    expected = ALL[route][1 if visibility == "public" else 2]
    place.dock.keys.issue("ada", title="spare", scopes=["read"])
    learnware_id, found = "", []
    for who in WHO:
        if not learnware_id or learnware_id not in place.dock.market:
            learnware_id = place.put(make_learnware(), visibility=visibility)
        # Whoever asked before may have been allowed to change it.
        place.dock.library.set_visibility(learnware_id, visibility)
        found.append(asked(place, client, route, learnware_id, who))
    assert found == list(expected)


@pytest.mark.parametrize("token", INVALID)
def test_a_token_that_is_none_is_refused_everywhere(place: Place, client: TestClient, token: str) -> None:
    place.dock.keys.issue("ada", title="spare", scopes=["read"])
    learnware_id = place.put(make_learnware())
    for route in sorted(set(ALL) - BLIND):
        assert asked(place, client, route, learnware_id, token) == 401, route


@pytest.mark.parametrize(
    "header", ["lw_x", "Basic YTpi", "Bearer", "Bearer ", "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer \xe9"]
)
def test_other_proofs_are_refused(client: TestClient, header: str) -> None:
    answer = client.get("/api/v1/me", headers={"Authorization": header.encode("latin-1")})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="learnware"')


def test_cookies_count_for_nothing_here(place: Place, client: TestClient) -> None:
    secret, _ = place.dock.login("ada", PASSWORD)
    client.cookies.set("dock_session", secret)
    assert client.get("/api/v1/me").json()["user"] is None
    # And a session is no token.
    assert client.get("/api/v1/submissions", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
