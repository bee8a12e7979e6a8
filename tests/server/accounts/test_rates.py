"""How often something may be asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware.errors import InvalidParameter, TooManyRequests
from learnware.server.accounts import rates as rates_module
from learnware.server.accounts.rates import Rates

Later = Callable[[float], None]


def is_refused(rates: Rates, name: str, key: str) -> bool:
    """Ask once, and return whether that was too often."""
    try:
        rates.spend(name, key)
    except TooManyRequests:
        return True
    return False


def test_the_sixth_in_a_minute_is_too_much() -> None:
    rates = Rates({"login-account": "5/minute"})
    assert [is_refused(rates, "login-account", "ada") for _ in range(7)] == [False] * 5 + [True] * 2
    with pytest.raises(TooManyRequests, match="5 per 1 minute .login-account.") as caught:
        rates.spend("login-account", "ada")
    assert caught.value.retry_after in (59.0, 60.0)


def test_whoever_waits_as_said_is_let_in(later: Later) -> None:
    rates = Rates({"search": "2/minute"})
    rates.spend("search", "a")
    later(20)
    rates.spend("search", "a")
    with pytest.raises(TooManyRequests) as caught:
        rates.spend("search", "a")
    assert caught.value.retry_after is not None
    assert 38 <= caught.value.retry_after <= 40
    later(caught.value.retry_after - 2)
    assert is_refused(rates, "search", "a")
    later(2.1)
    # The window moves: there is room for one, not for two.
    assert [is_refused(rates, "search", "a") for _ in range(2)] == [False, True]


def test_to_be_refused_does_not_make_it_worse(later: Later) -> None:
    rates = Rates({"login": "1/minute"})
    rates.spend("login", "ada")
    for _ in range(10):
        later(5)
        assert is_refused(rates, "login", "ada")
    later(11)
    rates.spend("login", "ada")


def test_each_name_and_key_counts_for_itself() -> None:
    rates = Rates({"login-account": "1/minute", "login-address": "1/minute"})
    for name in ("login-account", "login-address"):
        for key in ("ada", "bob", "ada/1/1/minute", "", "\ud800"):
            assert not is_refused(rates, name, key)
            assert is_refused(rates, name, key)


def test_what_is_not_in_the_table_is_free() -> None:
    for rates in (Rates({}), Rates({"search": "1/hour"})):
        assert not any(is_refused(rates, "login", "ada") for _ in range(100))


@pytest.mark.parametrize("text", ["", "5", "often", "5/moment", "/minute"])
def test_a_rate_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter, match="for 'search' instead"):
        Rates({"search": text})


def test_threads_do_not_get_more() -> None:
    rates = Rates({"search": "50/minute"})
    with ThreadPoolExecutor(16) as pool:
        refused = list(pool.map(lambda _: is_refused(rates, "search", "a"), range(400)))
    assert refused.count(False) == 50


def test_threads_count_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = Rates({"search": "50/minute"})
    n_now, most = 0, 0

    def slow(*arguments: object) -> bool:
        nonlocal n_now, most
        n_now += 1
        most = max(most, n_now)
        time.sleep(0.002)
        n_now -= 1
        return True

    monkeypatch.setattr(rates._windows, "hit", slow)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: rates.spend("search", str(i)), range(16)))
    assert most == 1


def test_keys_without_requests_are_forgotten(monkeypatch: pytest.MonkeyPatch, later: Later) -> None:
    monkeypatch.setattr(rates_module, "_FEW_KEYS", 20)
    rates = Rates({"quick": "1/second", "slow": "1/hour"})
    for i in range(30):
        rates.spend("quick", str(i))
    assert len(rates._storage.events) == 30
    later(2)
    for i in range(20):
        rates.spend("slow", str(i))
        time.sleep(0.02)
    assert len(rates._storage.events) == 20
    assert all(is_refused(rates, "slow", str(i)) for i in range(20))


@given(st.text(), st.text())
def test_every_text_is_a_key(name: str, key: str) -> None:
    rates = Rates({name: "1/hour"})
    assert [is_refused(rates, name, key) for _ in range(2)] == [False, True]
