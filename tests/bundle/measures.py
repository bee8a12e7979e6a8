"""What deciding about a package may cost."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

from learnware.errors import BundleError

SECONDS, MEMORY = 1.0, 256 * 2**20

Decide = Callable[[bytes], object]


def quickest(decide: Decide, data: bytes) -> float:
    """Return the seconds of the quickest of a few tries, so that a busy machine does not count."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        with suppress(BundleError):
            decide(data)
        times.append(time.perf_counter() - start)
        if times[-1] < SECONDS:
            break
    return min(times)


def most_memory(decide: Decide, data: bytes) -> int:
    """Return the bytes that deciding takes at most."""
    tracemalloc.start()
    try:
        with suppress(BundleError):
            decide(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
