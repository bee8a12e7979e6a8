"""Who is alive: the kernel knows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from learnware.server.submissions import held
from learnware.server.submissions.lives import Lives
from tests.market.forks import exit_status, in_child, needs_fork

pytestmark = needs_fork


def test_a_life_ends_when_it_is_left(tmp_path: Path) -> None:
    lives = Lives(tmp_path / "workers")
    with lives.begin() as mine, lives.begin() as other:
        assert mine.name != other.name
        assert not lives.is_over(mine.name)
        lives.sweep()
        assert not lives.is_over(other.name)
    assert lives.is_over(mine.name)
    assert not list((tmp_path / "workers").iterdir())


def test_a_life_ends_with_its_process(tmp_path: Path) -> None:
    lives = Lives(tmp_path / "workers")

    def die() -> None:
        lives.begin()
        os._exit(0)

    assert exit_status(in_child(die)) == 0
    (file,) = (tmp_path / "workers").iterdir()
    assert lives.is_over(file.stem)
    assert not file.exists()


def test_a_sweep_forgets_the_dead(tmp_path: Path) -> None:
    lives = Lives(tmp_path / "workers")
    lives.sweep()

    def die() -> None:
        lives.begin()
        os._exit(0)

    assert exit_status(in_child(die)) == 0
    lives.sweep()
    assert not list((tmp_path / "workers").iterdir())


def test_a_life_that_was_swept_before_it_began_begins_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lives, lock = Lives(tmp_path / "workers"), held.lock

    def swept_first(descriptor: int) -> bool:
        monkeypatch.undo()
        lives.sweep()
        return lock(descriptor)

    monkeypatch.setattr(held, "lock", swept_first)
    with lives.begin() as life:
        assert not lives.is_over(life.name)
        assert [path.stem for path in (tmp_path / "workers").iterdir()] == [life.name]


def test_somebody_who_just_looks_does_not_stop_a_life_from_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = Lives(tmp_path / "workers")
    monkeypatch.setattr(held, "lock", lambda descriptor: (monkeypatch.undo(), False)[1])
    with lives.begin() as life:
        assert not lives.is_over(life.name)
