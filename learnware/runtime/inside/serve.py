"""The main function of a worker: confine the process, say that it is ready, and answer until the parent is gone."""

from __future__ import annotations

import json
import os
import site
import sys
from typing import Any

from . import frames
from .confinement import confine


class Hangup(Exception):
    """The parent has closed the channel."""


class Channel:
    """Frames from and to the parent, on descriptors that a model does not print to by accident."""

    def __init__(self) -> None:
        self._from_parent, self._to_parent = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(2, 1)
        os.close(nothing)

    def read(self) -> dict[str, Any]:
        """Wait for a message."""
        return frames.read(self.receive, frames.MAX_TO_WORKER)

    def receive(self, n_bytes: int) -> bytes:
        """Wait for so many bytes."""
        parts = []
        while n_bytes:
            part = os.read(self._from_parent, min(n_bytes, 2**20))
            if not part:
                raise Hangup
            parts.append(part)
            n_bytes -= len(part)
        return b"".join(parts)

    def write(self, message: dict[str, Any], payload: bytes = b"") -> None:
        """Send a message, and bytes after it."""
        for data in (frames.pack(message, frames.MAX_TO_PARENT), payload):
            left = memoryview(data)
            while left:
                left = left[os.write(self._to_parent, left) :]


def main(text: str) -> None:
    """Run a worker with the settings of a JSON text."""
    settings = json.loads(text)
    channel = Channel()
    confine(settings)
    channel.write({"ready": True})
    try:
        # Nothing foreign is imported before the parent has set its limits from outside, and says so by a message.
        message = channel.read()
        for folder in settings["folders"]:
            site.addsitedir(folder)
        sys.path += [folder for folder in settings["further"] if folder not in sys.path]
        from .calls import answer_calls

        answer_calls(channel, settings, message)
    except Hangup:
        # Without the clean-up of libraries: nobody waits for it.
        os._exit(0)
