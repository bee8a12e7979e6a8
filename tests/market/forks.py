"""Work in a forked process, whose exit status tells whether it came to its end."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable

import pytest

needs_fork = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]


def in_child(work: Callable[[], object]) -> int:
    """Run `work` in a forked process and return its process id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:  # noqa: BLE001  (nothing may escape into the test run that the child is a copy of)
            traceback.print_exc()
        finally:
            os._exit(status)
    return child


def exit_status(child: int) -> int:
    """Wait for a child; 0 is its end, 1 an exception, and less than 0 a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
