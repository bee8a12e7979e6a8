"""How commands are added to the parser."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from learnware.cli.answer import Answer

Run = Callable[[argparse.Namespace], Answer]


class Commands:
    """A set of commands, to which each part of the command line adds its own."""

    def __init__(self, parsers: Any) -> None:
        self._parsers = parsers
        self._groups: dict[str, Commands] = {}

    def add(self, run: Run, name: str, summary: str) -> argparse.ArgumentParser:
        """Add the command `name`, done by `run`, and return its parser."""
        added: argparse.ArgumentParser = self._parsers.add_parser(name, help=summary, description=_sentence(summary))
        added.add_argument("--json", action="store_true", help="print JSON instead of text")
        added.set_defaults(run=run)
        return added

    def group(self, name: str, summary: str) -> Commands:
        """Add a word under which further commands stand, or return it if it is there."""
        if name not in self._groups:
            added = self._parsers.add_parser(name, help=summary, description=_sentence(summary))
            below = added.add_subparsers(title="commands", metavar="COMMAND", required=True)
            self._groups[name] = Commands(below)
        return self._groups[name]


def add_fit_options(command: argparse.ArgumentParser) -> None:
    """Add the options of commands that specify a table."""
    command.add_argument("--no-header", action="store_true", help="DATA has no line of column names")
    command.add_argument("--points", type=int, default=100, help="points of the specification (default: 100)")
    command.add_argument("--seed", type=int, default=0, help="seed of the fit (default: 0)")


def add_run_options(command: argparse.ArgumentParser) -> None:
    """Add the options of commands that run models of others."""
    command.add_argument(
        "--isolation", choices=["auto", "process", "sandbox", "none"], default="auto", help="where the model runs"
    )
    command.add_argument("--trust", choices=["data", "code"], help="what you vouch for")


def _sentence(summary: str) -> str:
    return summary[0].upper() + summary[1:] + "."
