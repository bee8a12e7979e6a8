"""The commands that keep a market folder in order."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from learnware.cli.answer import OK, REFUSED, Answer, table
from learnware.cli.commands import Commands
from learnware.cli.markets import add_market, open_market
from learnware.errors import InvalidParameter


def add_commands(commands: Commands) -> None:
    """Add the group ``market``."""
    commands = commands.group("market", "keep a market folder in order, copy and restore it")
    fsck = commands.add(_fsck, "fsck", "check every file of a market folder and mend what can be mended")
    fsck.add_argument("market", metavar="MARKET", type=Path, help="market folder")
    fsck.add_argument("--dry-run", action="store_true", help="only report, change nothing")
    backup = commands.add(_backup, "backup", "copy a market folder while others use it")
    backup.add_argument("market", metavar="MARKET", type=Path, help="market folder")
    backup.add_argument("target", metavar="TARGET", type=Path, help="folder to make")
    restore = commands.add(_restore, "restore", "make a market folder out of a backup, every file verified")
    restore.add_argument("source", metavar="BACKUP", type=Path, help="folder that backup made")
    restore.add_argument("market", metavar="MARKET", type=Path, help="market folder to make")
    revisions = commands.add(_revisions, "revisions", "list what a learnware has been")
    add_market(revisions)
    revisions.add_argument("id", metavar="ID", help="id of the learnware")
    index = commands.add(_index, "index", "make the index anew, which searches do by themselves where it is damaged")
    index.add_argument("market", metavar="MARKET", type=Path, help="market folder")
    garbage = commands.add(_collect, "gc", "delete the files of learnwares that were removed a day ago")
    garbage.add_argument("market", metavar="MARKET", type=Path, help="market folder")
    garbage.add_argument("--now", action="store_true", help="also of those removed since")


def _fsck(arguments: argparse.Namespace) -> Answer:
    from learnware.market import fsck

    report = fsck(_existing_folder(arguments.market), repair=not arguments.dry_run)
    return Answer(str(report), report.to_dict(), OK if report.ok else REFUSED)


def _backup(arguments: argparse.Namespace) -> Answer:
    from learnware.market import backup

    _refuse_dock(arguments.market, "backup")
    n_learnwares = backup(_existing_folder(arguments.market), arguments.target)
    return Answer(f"{arguments.target}: {n_learnwares} learnwares", _copied(arguments.target, n_learnwares))


def _restore(arguments: argparse.Namespace) -> Answer:
    from learnware.market import restore

    _refuse_dock(arguments.source, "restore")
    n_learnwares = restore(_existing_folder(arguments.source), arguments.market)
    return Answer(f"{arguments.market}: {n_learnwares} learnwares", _copied(arguments.market, n_learnwares))


def _copied(folder: Path, n_learnwares: int) -> dict[str, Any]:
    return {"folder": str(folder), "n_learnwares": n_learnwares}


def _refuse_dock(folder: Path, command: str) -> None:
    if (folder / "dock").is_dir():
        raise InvalidParameter(
            f"{folder} is a dock. Use `learnware dock {command}`: without what its dock knows, what is private would "
            "be public."
        )


def _existing_folder(folder: Path) -> Path:
    if not folder.is_dir():
        raise NotADirectoryError(f"There is no market folder {str(folder)!r}.")
    return folder


def _revisions(arguments: argparse.Namespace) -> Answer:
    with open_market(arguments.market, token=arguments.token) as market:
        found = market.revisions(arguments.id)
    rows = [[each.digest, f"{each.created:%Y-%m-%d %H:%M:%S}", f"{each.size:,}"] for each in found]
    content = [{"digest": each.digest, "created": each.created.isoformat(), "size": each.size} for each in found]
    return Answer(table(["sha256", "created (UTC)", "bytes"], rows), {"id": arguments.id, "revisions": content})


def _index(arguments: argparse.Namespace) -> Answer:
    from learnware.market import LocalMarket

    with LocalMarket.in_folder(_existing_folder(arguments.market)) as market:
        market.rebuild_index()
        n_learnwares = len(market)
    return Answer(f"organized {n_learnwares} learnware(s)", {"n_learnwares": n_learnwares})


def _collect(arguments: argparse.Namespace) -> Answer:
    from learnware.market import LocalMarket

    grace = {"grace_seconds": 0.0} if arguments.now else {}
    with LocalMarket.in_folder(_existing_folder(arguments.market)) as market:
        deleted = market.collect_garbage(**grace)
    return Answer(f"deleted {deleted} file(s)", {"deleted": deleted})
