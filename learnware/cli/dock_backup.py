"""The commands that copy a market folder with its dock, and make one out of a copy."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from learnware.cli.answer import Answer
from learnware.cli.commands import Commands

if TYPE_CHECKING:
    from learnware.server.backup import Copied


def add_commands(commands: Commands) -> None:
    """Add ``backup`` and ``restore`` to the group ``dock``."""
    commands = commands.group("dock", "look after the dock of a market folder: its accounts, its log, copies of it")
    backup = commands.add(_backup, "backup", "copy a market folder with its dock while others use them")
    backup.add_argument("market", metavar="MARKET", type=Path, help="market folder")
    backup.add_argument("target", metavar="TARGET", type=Path, help="folder to make")
    restore = commands.add(_restore, "restore", "make a market folder with its dock out of a backup")
    restore.add_argument("source", metavar="BACKUP", type=Path, help="folder that backup made")
    restore.add_argument("market", metavar="MARKET", type=Path, help="market folder to make")


def _backup(arguments: argparse.Namespace) -> Answer:
    from learnware.server.backup import backup

    return _answer(arguments.target, backup(_existing_folder(arguments.market), arguments.target))


def _restore(arguments: argparse.Namespace) -> Answer:
    from learnware.server.backup import restore

    return _answer(arguments.market, restore(_existing_folder(arguments.source), arguments.market))


def _answer(folder: Path, copied: Copied) -> Answer:
    told = f"{folder}: {copied.n_learnwares} learnwares, {copied.n_waiting} submissions waiting"
    return Answer(told, {"folder": str(folder), **vars(copied)})


def _existing_folder(folder: Path) -> Path:
    if not folder.is_dir():
        raise NotADirectoryError(f"There is no market folder {str(folder)!r}.")
    return folder
