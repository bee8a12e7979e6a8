"""Blocks cover everything once, in strands that do not depend on the cores, with a single-threaded BLAS."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from learnware.kernels import blockwise
from learnware.kernels.blockwise import blocks, one_blas_thread, run_strands


@pytest.mark.parametrize(("n", "size"), [(0, 3), (1, 3), (3, 3), (10, 3), (5, 0), (5, 100)])
def test_blocks_cover_everything_once(n: int, size: int) -> None:
    assert [i for here in blocks(n, size) for i in range(n)[here]] == list(range(n))


@pytest.mark.parametrize("cores", [1, 2, 5])
@pytest.mark.parametrize("n", [0, 1, 7, 1000])
def test_strands_do_not_depend_on_the_cores(n: int, cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blockwise, "_n_cores", lambda: cores)
    strands = run_strands(lambda strand: strand, n, 3)
    assert sorted(here.start for strand in strands for here in strand) == list(range(0, n, 3))
    monkeypatch.setattr(blockwise, "_n_cores", lambda: 1)
    assert strands == run_strands(lambda strand: strand, n, 3)


def test_long_work_uses_threads_and_short_work_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blockwise, "_n_cores", lambda: 2)
    here = threading.get_ident()
    assert set(run_strands(lambda _: threading.get_ident(), 5, 1)) == {here}
    assert here not in run_strands(lambda _: threading.get_ident(), 100, 1)


def blas_threads() -> list[int]:
    libraries = [library for library in blockwise._controller().info() if library["user_api"] == "blas"]
    return [library["num_threads"] for library in libraries]


def test_the_limit_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blockwise, "_n_cores", lambda: 2)
    before = blas_threads()
    with one_blas_thread():
        assert set(blas_threads()) == {1}
        with one_blas_thread():
            assert set(blas_threads()) == {1}
        assert set(blas_threads()) == {1}
    assert blas_threads() == before
    with pytest.raises(ZeroDivisionError):
        run_strands(lambda _: 1 / 0, 100, 1)
    assert blas_threads() == before


@pytest.mark.parametrize("first_to_leave", ["early", "late"])
def test_the_limit_is_undone_however_threads_overlap(first_to_leave: str) -> None:
    before, inside, leave = blas_threads(), threading.Event(), threading.Event()

    def come_early() -> list[int]:
        with one_blas_thread():
            inside.set()
            leave.wait(10)
            return blas_threads()

    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(come_early)
        assert inside.wait(10)
        with one_blas_thread():
            assert set(blas_threads()) == {1}
            if first_to_leave == "early":
                leave.set()
                assert set(early.result()) == {1}
        leave.set()
        early.result()
    assert blas_threads() == before


@pytest.mark.parametrize(("asked", "expected"), [("1", 1), ("", None), ("many", None), ("0", 1)])
def test_the_environment_limits_the_threads(asked: str, expected: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert blockwise._n_cores() >= 1
    if expected is not None:
        assert blockwise._n_cores() == expected


def test_nothing_is_left_running() -> None:
    run_strands(lambda strand: np.zeros(3), 1000, 1)
    assert threading.active_count() < 10
