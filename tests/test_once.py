"""A property that is computed once, and holds no lock while it is."""

from __future__ import annotations

import os
import threading

import pytest

from learnware._once import once


class Slow:
    def __init__(self) -> None:
        self.inside, self.go_on, self.n = threading.Event(), threading.Event(), 0

    @once
    def value(self) -> int:
        """What takes a while."""
        self.n += 1
        self.inside.set()
        self.go_on.wait(10)
        return self.n


def test_it_is_computed_once() -> None:
    slow = Slow()
    slow.go_on.set()
    assert (slow.value, slow.value, slow.n) == (1, 1, 1)
    assert isinstance(Slow.value, once)
    assert Slow.value.__doc__ == "What takes a while."


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_in_the_middle_does_not_wait_for_ever() -> None:
    slow, other = Slow(), Slow()
    other.go_on.set()
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    assert slow.inside.wait(10)
    child = os.fork()
    if child == 0:
        timer = threading.Timer(5, os._exit, (1,))
        timer.daemon = True
        timer.start()
        os._exit(0 if other.value == 1 else 2)
    slow.go_on.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
