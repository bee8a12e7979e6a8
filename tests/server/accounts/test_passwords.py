"""Passwords: what is stored, what is right, and that saying no always costs the same."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock
from typing import Any

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from hypothesis import given
from hypothesis import strategies as st

from learnware.errors import InvalidParameter
from learnware.server.accounts import passwords
from learnware.server.accounts.passwords import hash_password, is_right, renewed
from tests.server.accounts.conftest import CHEAP, PASSWORD


class Counting:
    """A hasher that says how often it worked, and how many worked at once."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.n_hashes, self.n_now, self.n_most = 0, 0, 0
        self._seconds, self._lock = seconds, Lock()

    def hash(self, password: bytes) -> str:
        """Count one."""
        return str(self._work(CHEAP.hash, password))

    def verify(self, stored: str, password: bytes) -> bool:
        """Count one."""
        return bool(self._work(CHEAP.verify, stored, password))

    def _work(self, work: Any, *arguments: Any) -> Any:
        with self._lock:
            self.n_hashes += 1
            self.n_now += 1
            self.n_most = max(self.n_most, self.n_now)
        try:
            time.sleep(self._seconds)
            return work(*arguments)
        finally:
            with self._lock:
                self.n_now -= 1


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    hasher = Counting()
    monkeypatch.setattr(passwords, "_HASHER", hasher)
    return hasher


def test_what_is_stored_takes_work_to_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    stored = hash_password(PASSWORD)
    found = extract_parameters(stored)
    assert (found.type, found.time_cost, found.memory_cost, found.parallelism) == (Type.ID, 2, 19 * 1024, 1)
    assert found.salt_len >= 16
    assert PASSWORD not in stored
    assert is_right(stored, PASSWORD)


def test_the_same_password_is_never_stored_the_same() -> None:
    assert hash_password(PASSWORD) != hash_password(PASSWORD)


@pytest.mark.parametrize("typed", ["", PASSWORD[:-1], PASSWORD + " ", PASSWORD.upper(), "x" * 257, "\ud800" * 12])
def test_another_password_is_wrong(typed: str) -> None:
    assert not is_right(hash_password(PASSWORD), typed)


@pytest.mark.parametrize("text", ["", "elevenchars", "x" * 257, "twelve chars" + "\ud800"])
def test_what_can_be_no_password_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidParameter, match="12 to 256 characters") as caught:
        hash_password(text)
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize("text", ["twelve chars", "x" * 256, "密码" * 6, "\0" * 12])
def test_from_twelve_to_256_characters_will_do(text: str) -> None:
    assert is_right(hash_password(text), text)


def test_each_keyboard_writes_the_same_password() -> None:
    assert is_right(hash_password("ein schöner Tag"), "ein scho\u0308ner Tag")
    assert is_right(hash_password("password 1234"), "password １２３４")


@pytest.mark.parametrize("typed", [PASSWORD, "wrong", "", "x" * 10_000, "\ud800"])
@pytest.mark.parametrize("known", [True, False])
def test_to_say_no_or_yes_takes_one_hash(counting: Counting, typed: str, known: bool) -> None:
    stored = CHEAP.hash(PASSWORD) if known else None
    assert is_right(stored, typed) == (known and typed == PASSWORD)
    assert counting.n_hashes == 1


def test_no_more_than_four_are_hashed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = Counting(seconds=0.02)
    monkeypatch.setattr(passwords, "_HASHER", hasher)
    stored = CHEAP.hash(PASSWORD)
    with ThreadPoolExecutor(12) as pool:
        made = [pool.submit(hash_password, PASSWORD) for _ in range(6)]
        asked = [pool.submit(is_right, stored, PASSWORD) for _ in range(6)]
    assert all(each.result() for each in made)
    assert all(each.result() for each in asked)
    assert (hasher.n_hashes, hasher.n_most) == (12, 4)


def test_a_password_is_renewed_when_the_parameters_have_changed() -> None:
    assert renewed(hash_password(PASSWORD), PASSWORD) is None
    better = renewed(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash("old"), "old")
    assert better is not None
    assert is_right(better, "old")
    assert renewed(better, "old") is None


@given(st.text(), st.text())
def test_every_text_is_a_password_or_refused(text: str, other: str) -> None:
    with suppress(InvalidParameter):
        stored = hash_password(text)
        assert is_right(stored, text)
        assert passwords._typed(text) == passwords._typed(other) or not is_right(stored, other)
    assert not is_right(None, text)
