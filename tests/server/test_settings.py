"""A dock refuses to be run in ways that are not safe."""

from __future__ import annotations

from typing import Any

import pytest

from learnware.errors import InvalidParameter
from learnware.server.settings import Settings, is_loopback


@pytest.mark.parametrize(
    "unsafe",
    [
        {"host": "0.0.0.0"},
        {"host": "::"},
        {"host": "192.0.2.7"},
        {"host": "dock.example.org"},
        {"host": "0.0.0.0", "public_url": "http://dock.example.org"},
        {"public_url": "http://dock.example.org"},
        {"host": "0.0.0.0", "public_url": "http://127.0.0.1:8000"},
        {"public_url": "https://dock.example.org/path"},
        {"public_url": "ftp://dock.example.org"},
        {"public_url": "dock.example.org"},
        {"public_url": "https://a@b"},
    ],
)
def test_what_is_unsafe_is_refused(unsafe: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter, match=r"https|scheme"):
        Settings(**unsafe)


@pytest.mark.parametrize(
    ("said", "host", "https"),
    [
        ({}, "127.0.0.1", False),
        ({"host": "::1", "port": 80}, "::1", False),
        ({"public_url": "http://localhost:9000"}, "localhost", False),
        ({"public_url": "http://[::1]:9000"}, "::1", False),
        ({"host": "0.0.0.0", "public_url": "https://dock.example.org"}, "dock.example.org", True),
    ],
)
def test_what_is_safe_is_taken(said: dict[str, Any], host: str, https: bool) -> None:
    settings = Settings(**said)
    assert (settings.hosts[0], settings.https) == (host, https)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["localhost.example.org", "0.0.0.0", "10.0.0.1", "::", ""])
def test_other_addresses_are_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("wrong", [{"port": 70_000}, {"port": -1}, {"port": "80"}, {"n_workers": -1}])
def test_numbers_that_are_none_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter):
        Settings(**wrong)
