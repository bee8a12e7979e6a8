"""Which runner a model gets, by what it is made of and what its user allows."""

from __future__ import annotations

from pathlib import Path

from learnware._validation import check_option, complain
from learnware.errors import UntrustedModel
from learnware.limits import Limits
from learnware.models.level import Level
from learnware.runtime.base import PACKAGE, Environment, Runner, StoredModel
from learnware.runtime.inprocess import InProcessRunner
from learnware.runtime.machine import available_memory
from learnware.runtime.runners import OwnRunner, SharedRunner, Start
from learnware.runtime.station import Station
from learnware.runtime.worker.process import LocalLauncher, further_folders
from learnware.runtime.worker.worker import Worker

ISOLATIONS = ("auto", "none", "process", "sandbox")
TRUSTS = ("data", "code")


def runner_for(
    stored: StoredModel, *, isolation: str = "auto", trust: str | None = None, limits: Limits | None = None
) -> Runner:
    """Return what runs a stored model; nothing is started before its first call.

    Parameters
    ----------
    stored : StoredModel
        The model.
    isolation : {"auto", "none", "process", "sandbox"}, default="auto"
        Where it runs: in this process, in another one, or in a sandbox of its own. ``"auto"`` takes a process that
        models share for those of data, and the sandbox for code.
    trust : {"data", "code"}, optional
        What its user vouches for. ``"data"`` lets data that compiled code follows run in this process; ``"code"`` lets
        code run in a plain process, where it can do all that its user can.
    limits : Limits, optional
        What it may take; default: `Limits`. For a model of data, another ``memory`` than the default means a process of
        its own.

    Returns
    -------
    Runner

    Raises
    ------
    InvalidParameter
        An argument is none of the above.
    UntrustedModel
        A model of this level may not run there; the message says what is needed.
    """
    check_limits(isolation, trust, limits, "runner_for")
    limits = limits or Limits()
    if isolation == "none":
        _require_trust(stored, trust)
        return InProcessRunner(stored)
    if isolation == "sandbox" or (isolation == "auto" and stored.level is Level.CODE):
        return OwnRunner(stored, lambda folder: _sandboxed(stored, folder, limits), limits)
    if stored.level is not Level.CODE:
        if shares_worker(isolation, limits):
            return SharedRunner(stored, _shared, limits)
        return OwnRunner(stored, lambda folder: _alone(), limits)
    if trust != "code":
        raise UntrustedModel(
            f"The model of {stored.name!r} is {_described(stored.level)}: in a plain process it can do all that you "
            "can, such as reading and deleting your files. Leave isolation='auto' to run it in a sandbox, or, if you "
            "trust its author as your own code, pass isolation='process', trust='code'."
        )
    return OwnRunner(stored, lambda folder: _unconfined(stored), limits)


def shares_worker(isolation: str, limits: Limits | None) -> bool:
    """Tell whether a model of data starts no process of its own: it runs in the common worker, or in this process."""
    return isolation == "none" or (isolation != "sandbox" and (limits is None or limits.memory == Limits().memory))


def check_limits(isolation: object, trust: object, limits: object, caller: str) -> None:
    """Check what a user says about where models may run; `InvalidParameter` names the wrong argument."""
    check_option(isolation, ISOLATIONS, "isolation", caller)
    if trust is not None:
        check_option(trust, TRUSTS, "trust", caller)
    if limits is not None and not isinstance(limits, Limits):
        raise complain("limits", caller, "a learnware.limits.Limits", limits)


def _require_trust(stored: StoredModel, trust: str | None) -> None:
    if stored.level is Level.CODE:
        raise UntrustedModel(
            f"The model of {stored.name!r} is {_described(stored.level)}, which never runs in your own process. Leave "
            "isolation='auto' to run it in a sandbox, or, if you trust its author as your own code, pass "
            "isolation='process', trust='code'."
        )
    if stored.level is Level.UNSAFE_MEMORY and trust is None:
        raise UntrustedModel(
            f"The model of {stored.name!r} is {_described(stored.level)}: compiled code follows positions in it, and "
            "could crash your process if one were wrong. Leave isolation='auto' to run it in another process, or, if "
            "you trust its author not to have tampered with it, pass isolation='none', trust='data'."
        )


def _described(level: Level) -> str:
    return f"{level.meaning} ({level})"


def _start_shared(name: str) -> Worker:
    from learnware.runtime.environment.installed import host_environment

    environment = host_environment()
    limits = Limits(memory=available_memory() * 3 // 4)
    return Worker(LocalLauncher(environment), environment, limits, name=name, further=further_folders(environment))


_shared = Station(_start_shared)


def _alone() -> Start:
    from learnware.runtime.environment.installed import host_environment

    environment = host_environment()
    return Start(LocalLauncher(environment), environment, further=further_folders(environment))


def _unconfined(stored: StoredModel) -> Start:
    environment = _environment_of(stored)
    return Start(LocalLauncher(environment), environment)


def _sandboxed(stored: StoredModel, folder: Path, limits: Limits) -> Start:
    from learnware.runtime.sandbox.launcher import SandboxLauncher

    environment = _environment_of(stored)
    folders = (folder,) if stored.level is Level.CODE else (folder, PACKAGE)
    launcher = SandboxLauncher(environment, limits, folders=folders)
    return Start(launcher, environment, most_processes=True)


def _environment_of(stored: StoredModel) -> Environment:
    from learnware.runtime.environment.installed import environment_for, host_environment

    return environment_for(stored.entry.requirements) if stored.level is Level.CODE else host_environment()
