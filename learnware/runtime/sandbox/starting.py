"""Bubblewrap between its start and its word that there is a sandbox, and how to be rid of it when that never comes."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

_LOOK_MILLISECONDS = 50
_LAST_WORDS_SECONDS = 1.0


def told_within(seconds: float, process: subprocess.Popen[bytes], pipe: BinaryIO) -> bytes:
    """Return what bubblewrap tells of a sandbox, which ends with a bracket unless it fails or takes too long.

    The end of the pipe says nothing: a program that forks just now has it too, for as long as that fork lives.
    """
    deadline, text = time.monotonic() + seconds, b""
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    while not text.endswith(b"}") and time.monotonic() < deadline:
        # Asked first: it may tell and end while we look.
        ended = process.poll() is not None
        if poll.poll(0 if ended else _LOOK_MILLISECONDS):
            part = os.read(pipe.fileno(), 2**12)
            text = (text + part).rstrip()
            if not part:
                poll.unregister(pipe)
        elif ended:
            break
    return text


def last_words(process: subprocess.Popen[bytes]) -> str:
    """Return the messages of a bubblewrap that has ended; a fork of this process may keep their pipe open."""
    try:
        said = process.communicate(timeout=_LAST_WORDS_SECONDS)[1]
    except subprocess.TimeoutExpired as error:
        said = error.stderr or b""
    return said.decode(errors="replace").strip()


def abandon(process: subprocess.Popen[bytes]) -> None:
    """End a bubblewrap that is of no use, and what it has started."""
    # Until its end has been taken note of, its number and those of its children stay theirs.
    if process.poll() is None:
        for pid in descendants(process.pid):
            end(pid)
        # As at the end of every sandbox, it takes note of that and follows.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LAST_WORDS_SECONDS)
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        cast("BinaryIO", pipe).close()


def descendants(pid: int) -> Iterator[int]:
    """Return the processes that a process has started, and those that they have."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in map(int, children):
        yield child
        yield from descendants(child)


def end(pid: int) -> None:
    """End a process, which may have ended by itself just now."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
