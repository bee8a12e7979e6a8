"""The command ``learnware``: pack, check, submit, search, fetch and more from a shell.

A command returns an `Answer`, which is printed as text or, with ``--json``, as JSON. Exit codes: 0 ok, 1 refused or
nothing found, 2 wrong use.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from learnware import __version__
from learnware.cli import (
    accounts,
    demonstration,
    dock_backup,
    files,
    machine,
    markets,
    searching,
    serving,
    specifying,
    upkeep,
    worker,
)
from learnware.cli.answer import INTERRUPTED, REFUSED, WRONG_USE, Answer, shown
from learnware.cli.commands import Commands
from learnware.errors import (
    BundleError,
    LearnwareError,
    LearnwareNotFound,
    ModelFailure,
    NoLearnwares,
    RejectedLearnware,
    UnreachableFile,
    UnsupportedModel,
    UntrustedModel,
)

__all__ = ["build_parser", "main"]

# What the user asked for was understood and looked at; the answer is no.
_REFUSALS = (
    BundleError,
    LearnwareNotFound,
    ModelFailure,
    NoLearnwares,
    RejectedLearnware,
    UnsupportedModel,
    UntrustedModel,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the program's name; default: those of the process.

    Returns
    -------
    int
        0 ok, 1 refused or nothing found, 2 wrong use, 130 interrupted. What argparse itself refuses raises
        ``SystemExit(2)``.

    Examples
    --------
    >>> from learnware.cli import main
    >>> main(["fetch", "no-such-folder", "some-id"])
    2
    """
    arguments = build_parser().parse_args(argv)
    try:
        answer: Answer = arguments.run(arguments)
    except KeyboardInterrupt:
        print("learnware: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (LearnwareError, OSError) as error:
        message = " ".join(str(error).split())
        print(f"learnware: error: {shown(message)}", file=sys.stderr)
        content = {"error": {"type": type(error).__name__, "message": message}}
        answer = Answer("", content, REFUSED if _is_refusal(error) else WRONG_USE)
    _print(_as_json(answer.content) if arguments.json else shown(answer.text))
    return answer.code


def _print(text: str) -> None:
    if not text:
        return
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Whoever reads has seen enough, as `head` does; Python would complain once more when it closes the output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _as_json(content: dict[str, Any]) -> str:
    text = json.dumps(content, indent=2, ensure_ascii=False)
    # A terminal may show it: what is not printable is escaped, which JSON undoes.
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def _is_refusal(error: Exception) -> bool:
    # A learnware file that cannot be reached says nothing about the learnware.
    return isinstance(error, _REFUSALS) and not isinstance(error, UnreachableFile)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; each command carries its function as ``run``."""
    parser = argparse.ArgumentParser(prog="learnware", description="Share models, and find and reuse those of others.")
    parser.add_argument("--version", action="version", version=f"learnware {__version__}")
    commands = Commands(parser.add_subparsers(title="commands", metavar="COMMAND", required=True))
    groups = (demonstration, files, specifying, markets, upkeep, searching, machine, serving, worker, accounts)
    for group in (*groups, dock_backup):
        group.add_commands(commands)
    return parser
