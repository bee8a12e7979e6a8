"""Which URLs are taken."""

from __future__ import annotations

import pytest

from learnware import Market
from learnware.errors import InvalidParameter
from learnware.market.remote.address import Address


@pytest.mark.parametrize(
    ("location", "url", "is_local"),
    [
        ("https://dock.example.org", "https://dock.example.org", False),
        ("https://dock.example.org:8443/team/", "https://dock.example.org:8443/team", False),
        ("http://localhost:8000/", "http://localhost:8000", True),
        ("http://[::1]:8000", "http://[::1]:8000", True),
        ("http://127.4.0.1", "http://127.4.0.1", True),
    ],
)
def test_addresses_are_read(location: str, url: str, is_local: bool) -> None:
    assert Address.read(location) == Address(url, is_local)


@pytest.mark.parametrize(
    "location",
    [
        "http://dock.example.org",
        "http://localhost.example.org",
        "http://10.0.0.1",
        "ftp://dock.example.org",
        "s3://bucket/market",
        "https://",
        "https://dock.example.org:99999",
        "https://dock.example.org/?a=b",
        "https://dock.example.org/#a",
        "https://dock.example.org\\@evil.example.org",
        "https://dock.example.org/a b",
        "https://dock.example.org/\n",
        "https://[::1",
    ],
)
def test_other_addresses_are_refused(location: str) -> None:
    with pytest.raises(InvalidParameter, match="location"):
        Market.open(location)


def test_a_password_in_an_address_is_not_shown() -> None:
    with pytest.raises(InvalidParameter, match="token instead") as caught:
        Market.open("https://ada:hidden@dock.example.org")
    assert "hidden" not in str(caught.value)


def test_http_is_taken_where_somebody_vouches_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidParameter, match="LEARNWARE_INSECURE=1"):
        Market.open("http://dock.example.org")
    monkeypatch.setenv("LEARNWARE_INSECURE", "1")
    Market.open("http://dock.example.org").close()
