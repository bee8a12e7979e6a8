"""The command ``learnware``: pack, check, submit, search, fetch and more from a shell.

A command returns an `Answer`, which is printed as text or, with ``--json``, as JSON. Exit codes: 0 ok, 1 refused or
nothing found, 2 wrong use.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from learnware import __version__
from learnware.cli import demonstration, files, machine, markets, searching
from learnware.cli.answer import REFUSED, WRONG_USE, Answer
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
        0 ok, 1 refused or nothing found, 2 wrong use. What argparse itself refuses raises ``SystemExit(2)``.

    Examples
    --------
    >>> from learnware.cli import main
    >>> main(["fetch", "no-such-folder", "some-id"])
    2
    """
    arguments = build_parser().parse_args(argv)
    try:
        answer: Answer = arguments.run(arguments)
    except (LearnwareError, OSError) as error:
        message = " ".join(str(error).split())
        print(f"learnware: error: {message}", file=sys.stderr)
        content = {"error": {"type": type(error).__name__, "message": message}}
        answer = Answer("", content, REFUSED if _is_refusal(error) else WRONG_USE)
    if arguments.json:
        print(json.dumps(answer.content, indent=2, ensure_ascii=False))
    elif answer.text:
        print(answer.text)
    return answer.code


def _is_refusal(error: Exception) -> bool:
    # A learnware file that cannot be reached says nothing about the learnware.
    return isinstance(error, _REFUSALS) and not isinstance(error, UnreachableFile)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; each command carries its function as ``run``."""
    parser = argparse.ArgumentParser(prog="learnware", description="Share models, and find and reuse those of others.")
    parser.add_argument("--version", action="version", version=f"learnware {__version__}")
    commands = Commands(parser.add_subparsers(title="commands", metavar="COMMAND", required=True))
    for group in (demonstration, files, markets, searching, machine):
        group.add_commands(commands)
    return parser
