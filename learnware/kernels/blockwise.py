"""Run array work block by block, on the cores at hand.

Blocks keep memory small and stay in a core's cache. They run on plain threads, each with a single-threaded BLAS:
numpy releases the interpreter lock in all that matters here, so exponentials gain from the second core as well as
matrix products do. Leaving the threads to BLAS is far slower on small products (1 ms became 28 ms for 100 x 50 by
50 x 10,000 in float32 on two busy cores, since its threads wait for each other on every call).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import TypeVar

from threadpoolctl import ThreadpoolController

T = TypeVar("T")

# Numbers per block: with a few temporaries of the same size this stays in a second-level cache of 1 MB.
BLOCK = 2**15
_BLOCKS_PER_THREAD = 8
_N_STRANDS = 8


def blocks(n: int, size: int) -> Iterator[slice]:
    """Yield slices of at most `size` that cover ``range(n)``."""
    size = max(1, size)
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def run_strands(function: Callable[[list[slice]], T], n: int, size: int) -> list[T]:
    """Deal the blocks of ``range(n)`` to a few strands and return the function's result for each strand.

    The function gets the slices of a strand and sums, fills or collects over them as it likes. The strands, and so
    the rounding of a sum over them, do not depend on the number of cores. A few blocks run on the calling thread,
    since waking another one can cost milliseconds on a busy machine.
    """
    slices = list(blocks(n, size))
    strands = [slices[first::_N_STRANDS] for first in range(min(_N_STRANDS, len(slices)))]
    threads = min(_n_cores(), len(slices) // _BLOCKS_PER_THREAD)
    with one_blas_thread():
        if threads < 2:
            return [function(strand) for strand in strands]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(function, strands))


_limiting = Lock()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread while inside, unless somebody inside has done so already.

    The number of BLAS threads belongs to the process, so only one thread may change it at a time, and must be the one
    to restore it. Others that come meanwhile profit; should they stay longer, they lose speed and nothing else.
    """
    if not _limiting.acquire(blocking=False):
        yield
        return
    try:
        with _controller().limit(limits=1, user_api="blas"):
            yield
    finally:
        _limiting.release()


@cache
def _controller() -> ThreadpoolController:
    # Looking for the loaded BLAS libraries takes 0.4 ms, longer than some products; numpy's is there from the start.
    return ThreadpoolController()


def _n_cores() -> int:
    """Return how many threads may run: the cores this process may use, or fewer if OMP_NUM_THREADS says so."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cores, int(asked) if asked.isdigit() else cores))
