"""What a worker gives up before it sees anything foreign."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

_PDEATHSIG, _DUMPABLE, _NO_NEW_PRIVS = 1, 4, 38
_SIGKILL = 9


def confine(settings: dict[str, Any]) -> None:
    """Set the limits, become the user that was asked for, and rule out new rights; all of it for good."""
    if os.name != "posix":
        return
    _set_limits(settings["limits"])
    if settings.get("uid") is not None:
        os.setgroups([])
        os.setgid(settings["uid"])
        os.setuid(settings["uid"])
    if sys.platform.startswith("linux"):
        # After the change of user, which resets them.
        libc = ctypes.CDLL(None, use_errno=True)
        for option, value in ((_NO_NEW_PRIVS, 1), (_DUMPABLE, 0), (_PDEATHSIG, _SIGKILL)):
            if libc.prctl(option, value, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "prctl")


def _set_limits(limits: dict[str, int]) -> None:
    import resource

    # Elsewhere the sizes of memory are counted in ways that make the limits meaningless, or are refused.
    counted = sys.platform.startswith("linux")
    for name, wanted in limits.items():
        which = getattr(resource, f"RLIMIT_{name.upper()}", None)
        if which is None or (name in ("data", "as") and not counted):
            continue
        hard = resource.getrlimit(which)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(which, (value, value))
