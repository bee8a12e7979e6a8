"""What users and admins change by the forms of the pages."""

from __future__ import annotations

import pytest

from learnware.errors import LearnwareNotFound, MarketError, QuotaExceeded
from tests.server.pages.conftest import Visitor
from tests.server.pages.fake_dock import NOW, PASSWORD, FakeDock, identity, row
from tests.server.pages.reading import Read

WINE = identity("wine")


def test_owner_hides_a_learnware(visitor: Visitor, dock: FakeDock) -> None:
    client = visitor("ada")
    response = client.post(f"/learnwares/{WINE}/visibility", data={"visibility": "private", "back": "mine"})
    assert response.headers["location"] == "/mine?said=visibility"
    assert dock.cards[WINE].visibility == "private"
    assert "The visibility is changed." in client.get("/mine?said=visibility").text
    assert visitor().get(f"/learnwares/{WINE}").status_code == 404
    back = client.post(f"/learnwares/{WINE}/visibility", data={"visibility": "unlisted"})
    assert back.headers["location"] == f"/learnwares/{WINE}"


def test_strangers_change_nothing(visitor: Visitor, dock: FakeDock) -> None:
    dock.accounts["eve"] = row(name="eve", role="user", created=NOW, disabled=None)
    client = visitor("eve")
    assert client.post(f"/learnwares/{WINE}/visibility", data={"visibility": "private"}).status_code == 403
    assert client.post(f"/learnwares/{WINE}/delete").status_code == 403
    assert visitor().post(f"/learnwares/{WINE}/delete").headers["location"] == "/login"
    assert dock.cards[WINE].visibility == "public"


def test_visibility_that_is_none(visitor: Visitor) -> None:
    response = visitor("ada").post(f"/learnwares/{WINE}/visibility", data={"visibility": "everywhere"})
    assert response.status_code == 422
    assert "Got &#39;everywhere&#39;" in response.text


def test_delete_asks_first(visitor: Visitor, dock: FakeDock) -> None:
    client = visitor("ada")
    asked = Read.page(client.get(f"/learnwares/{WINE}/delete").text)
    forms = [form.attributes["action"] for form in asked.all("form")]
    assert f"/learnwares/{WINE}/delete" in forms
    assert WINE in dock.cards
    assert client.post(f"/learnwares/{WINE}/delete").headers["location"] == "/mine?said=removed"
    assert WINE not in dock.cards


def test_own_list_has_own_learnwares_only(visitor: Visitor) -> None:
    text = Read.page(visitor("ada").get("/mine").text).text
    assert "Strong wines" in text
    assert "Light wines" not in text


def test_token_is_shown_once(visitor: Visitor, dock: FakeDock) -> None:
    client = visitor("ada")
    made = client.post("/tokens", data={"title": "laptop", "scopes": ["read", "upload"], "days": "30"})
    secret = "lw_t0" + "s" * 41
    assert made.status_code == 200
    assert made.headers["cache-control"] == "no-store"
    assert secret in made.text
    assert secret not in client.get("/tokens").text
    token = dock.issued["t0"]
    assert (token.title, token.scopes, (token.expires - NOW).days) == ("laptop", {"read", "upload"}, 30)


@pytest.mark.parametrize("days", ["", "-1", "nan", "1e9", "999999999", "²"])
def test_token_is_valid_for_a_sane_time(visitor: Visitor, dock: FakeDock, days: str) -> None:
    visitor("ada").post("/tokens", data={"title": "x", "scopes": "read", "days": days})
    assert (dock.issued["t0"].expires - NOW).days == 90


def test_token_is_revoked_by_its_user_only(visitor: Visitor, dock: FakeDock) -> None:
    ada = visitor("ada")
    ada.post("/tokens", data={"title": "laptop", "scopes": "read"})
    assert visitor("grace").post("/tokens/t0/revoke").status_code == 404
    assert ada.post("/tokens/t0/revoke").headers["location"] == "/tokens?said=revoked"
    assert dock.issued == {}


def test_scopes_of_admins_are_offered_to_admins(visitor: Visitor) -> None:
    assert 'value="admin"' not in visitor("ada").get("/tokens").text
    assert 'value="admin"' in visitor("grace").get("/tokens").text


@pytest.mark.parametrize(
    ("form", "status", "told"),
    [
        ({"old": PASSWORD, "new": "n" * 12, "again": "n" * 12}, 303, ""),
        ({"old": "wrong", "new": "n" * 12, "again": "n" * 12}, 422, "The current password is wrong."),
        ({"old": PASSWORD, "new": "n" * 12, "again": "m" * 12}, 422, "The two new passwords differ."),
        ({"old": PASSWORD, "new": "short", "again": "short"}, 422, "12 to 256 characters"),
        ({}, 422, "The current password is wrong."),
    ],
)
def test_password_is_changed(visitor: Visitor, form: dict[str, str], status: int, told: str) -> None:
    response = visitor("ada").post("/account", data=form)
    assert response.status_code == status
    assert told in response.text
    assert PASSWORD not in response.text


def test_spaces_of_a_password_count(visitor: Visitor) -> None:
    assert visitor().post("/login", data={"name": " ada ", "password": PASSWORD}).status_code == 303
    assert visitor().post("/login", data={"name": "ada", "password": f" {PASSWORD}"}).status_code == 401


def test_admin_manages_users(visitor: Visitor, dock: FakeDock) -> None:
    client = visitor("grace")
    assert client.post("/admin/users", data={"name": "eve", "password": "e" * 12, "role": "user"}).status_code == 303
    assert client.post("/admin/users/eve/role", data={"role": "admin"}).status_code == 303
    assert dock.accounts["eve"].role == "admin"
    client.post("/admin/users/eve/disabled", data={"disabled": "yes"})
    assert dock.accounts["eve"].disabled
    assert "disabled" in Read.page(client.get("/admin/users").text).text
    client.post("/admin/users/eve/disabled", data={"disabled": "no"})
    assert not dock.accounts["eve"].disabled
    refused = client.post("/admin/users", data={"name": "eve", "password": "e" * 12})
    assert refused.status_code == 422
    assert "cannot be used" in refused.text


def test_log_goes_back_to_its_beginning(visitor: Visitor) -> None:
    client = visitor("grace")
    first = Read.page(client.get("/admin/audit").text)
    following = [e.attributes["href"] for e in first.all("a") if e.attributes.get("rel") == "next"]
    assert following == ["?before=21"]
    last = Read.page(client.get("/admin/audit?before=21").text)
    assert len(last.all("tr")) == 21
    assert not [e for e in last.all("a") if e.attributes.get("rel") == "next"]


def test_upload_is_taken_as_it_comes(visitor: Visitor, dock: FakeDock) -> None:
    chunks = (b"x" * 50_000 for _ in range(4))
    response = visitor("ada").post("/upload?visibility=unlisted", content=chunks)
    assert response.status_code == 202
    name = response.json()["page"].removeprefix("/submissions/")
    assert (dock.sent[name].size, dock.sent[name].kind, dock.asked[-1]) == (200_000, "submit", "unlisted")


def test_upload_is_private_unless_said(visitor: Visitor, dock: FakeDock) -> None:
    visitor("ada").post("/upload", content=b"x")
    assert dock.asked[-1] == "private"


def test_update_is_for_one_learnware(visitor: Visitor, dock: FakeDock) -> None:
    response = visitor("ada").post(f"/upload?learnware_id={WINE}", content=b"x")
    name = response.json()["page"].removeprefix("/submissions/")
    assert (dock.sent[name].kind, dock.sent[name].learnware_id) == ("update", WINE)
    assert visitor("ada").post(f"/upload?learnware_id={identity('digits')}", content=b"x").status_code == 403


def test_upload_that_is_refused_says_why(visitor: Visitor, dock: FakeDock) -> None:
    before = len(dock.sent)
    large = visitor("ada").post("/upload", content=b"x" * 1_100_000)
    assert large.status_code == 413
    assert "data-error" in large.text
    assert "at most 1,000,000 bytes" in large.text
    nobody = visitor().post("/upload", content=b"x", headers={"HX-Request": "true"})
    assert (nobody.status_code, nobody.headers["HX-Redirect"]) == (204, "/login")
    assert len(dock.sent) == before


def test_state_is_told_only_when_it_changes(visitor: Visitor, dock: FakeDock) -> None:
    client = visitor("ada")
    assert 'hx-get="/submissions/waiting/state?seen=pending"' in client.get("/submissions/waiting").text
    assert client.get("/submissions/waiting/state?seen=pending").status_code == 204
    dock.submitted("waiting", state="running", learnware="wine-light")
    told = client.get("/submissions/waiting/state?seen=pending")
    assert 'hx-get="/submissions/waiting/state?seen=running"' in told.text
    assert "<html" not in told.text
    dock.submitted("waiting", state="verified", learnware="wine-light", outcome={"report": {"findings": []}})
    told = client.get("/submissions/waiting/state?seen=running")
    assert "hx-get" not in told.text
    assert "The checks found nothing to mention." in told.text


def test_submission_is_for_its_owner(visitor: Visitor) -> None:
    assert visitor("grace").get("/submissions/done").status_code == 200
    assert visitor("mallory").get("/submissions/done").status_code == 404
    assert visitor().get("/submissions/done/state").status_code == 404


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (LearnwareNotFound("No such id."), 404, "No such id."),
        (QuotaExceeded("200 learnwares."), 403, "200 learnwares."),
        (MarketError("/srv/secret/folder is broken"), 503, "operator"),
        (RuntimeError("secret"), 500, ""),
        (KeyError("secret"), 500, ""),
    ],
)
def test_error_is_a_page(
    visitor: Visitor,
    monkeypatch: pytest.MonkeyPatch,
    dock: FakeDock,
    error: Exception,
    status: int,
    told: str,
    language: str,
) -> None:
    def fails(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(dock, "browse", fails)
    response = visitor("ada", language).get("/")
    read = Read.page(response.text)
    assert response.status_code == status
    assert read.acting == []
    assert told in read.text
    assert "secret" not in response.text
    assert response.headers["content-security-policy"]
    assert read.all("html")[0].attributes["lang"] == {"en": "en", "zh": "zh-Hans"}[language]


def test_address_that_is_none_is_a_page(visitor: Visitor) -> None:
    client = visitor("ada")
    for path, status in (
        ("/nowhere", 404),
        ("/static/none.css", 404),
        ("/tokens/x/revoke", 405),
        ("/admin/audit?before=x", 422),
    ):
        response = visitor("grace").get(path) if path.startswith("/admin") else client.get(path)
        assert response.status_code == status
        assert Read.page(response.text).acting == []


def test_address_that_is_none_knows_who_asks(visitor: Visitor) -> None:
    assert 'href="/account"' in visitor("ada").get("/nowhere").text
    assert 'href="/login"' in visitor().get("/nowhere").text


def test_form_of_too_many_bytes_or_fields(visitor: Visitor) -> None:
    client = visitor("ada")
    assert client.post("/tokens", data={"title": "x" * 70_000}).status_code == 413
    assert client.post("/tokens", data={f"f{i}": "x" for i in range(200)}).status_code == 422
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post("/tokens", content=b"title=\xff\xfe", headers=form).status_code == 422
