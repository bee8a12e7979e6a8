"""The commands on market folders: submit, fetch, list, and those that keep a folder in order."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from learnware._files import existing
from learnware.cli.answer import OK, REFUSED, Answer, table
from learnware.cli.commands import Commands, add_run_options
from learnware.errors import BundleError, RejectedLearnware

if TYPE_CHECKING:
    from learnware.market import Market


def add_commands(commands: Commands) -> None:
    """Add ``submit``, ``fetch``, ``list`` and the group ``market``."""
    submit = commands.add(_submit, "submit", "submit learnware files to a market folder, made on first use")
    submit.add_argument("market", metavar="MARKET", type=Path, help="market folder")
    submit.add_argument("files", metavar="FILE", type=Path, nargs="+", help="learnware files")
    add_run_options(submit)
    fetch = commands.add(_fetch, "fetch", "copy a learnware from a market into a file")
    fetch.add_argument("market", metavar="MARKET", type=Path, help="market folder")
    fetch.add_argument("id", metavar="ID", help="id of the learnware; ID@SHA256 for an earlier revision")
    fetch.add_argument("-o", "--output", metavar="FILE", type=Path, help="where to write it (default: ID.zip)")
    listing = commands.add(_list, "list", "list the learnwares of a market")
    listing.add_argument("market", metavar="MARKET", type=Path, help="market folder")
    _add_upkeep(commands.group("market", "check, copy and restore a market folder"))


def _add_upkeep(commands: Commands) -> None:
    fsck = commands.add(_fsck, "fsck", "check every file of a market folder and mend what can be mended")
    fsck.add_argument("market", metavar="MARKET", type=Path, help="market folder")
    fsck.add_argument("--dry-run", action="store_true", help="only report, change nothing")
    backup = commands.add(_backup, "backup", "copy a market folder while others use it")
    backup.add_argument("market", metavar="MARKET", type=Path, help="market folder")
    backup.add_argument("target", metavar="TARGET", type=Path, help="folder to make")
    restore = commands.add(_restore, "restore", "make a market folder out of a backup, every file verified")
    restore.add_argument("source", metavar="BACKUP", type=Path, help="folder that backup made")
    restore.add_argument("market", metavar="MARKET", type=Path, help="market folder to make")


def open_market(folder: Path) -> Market:
    """Open a market folder that exists; `Market.open` makes an absent one, which is right for submitting only."""
    if not folder.is_dir():
        raise NotADirectoryError(f"There is no market folder {str(folder)!r}. `learnware submit` makes one.")
    from learnware.market import Market

    return Market.open(folder)


def _submit(arguments: argparse.Namespace) -> Answer:
    from learnware.market import Market

    # A file that is not there, perhaps mistyped, must not leave a market behind.
    files = [existing(file) for file in arguments.files]
    with Market.open(arguments.market, isolation=arguments.isolation, trust=arguments.trust) as market:
        outcomes = [_submit_one(market, file) for file in files]
    text = "\n".join(f"{o['file']}: {o['id'] or o['reason']}" for o in outcomes)
    refused = any(outcome["id"] is None for outcome in outcomes)
    return Answer(text, {"submitted": outcomes}, REFUSED if refused else OK)


def _submit_one(market: Market, file: Path) -> dict[str, Any]:
    outcome: dict[str, Any] = {"file": str(file), "id": None, "reason": None, "report": None}
    try:
        outcome["id"] = market.submit(file)
    except RejectedLearnware as error:
        outcome.update(reason=str(error), report=error.report.to_dict())
    except BundleError as error:
        outcome["reason"] = str(error)
    return outcome


def _fetch(arguments: argparse.Namespace) -> Answer:
    learnware_id = arguments.id.partition("@")[0]
    with open_market(arguments.market) as market:
        path = market.fetch(arguments.id).save(arguments.output or Path(f"{learnware_id}.zip"))
    return Answer(str(path), {"id": learnware_id, "file": str(path)})


def _list(arguments: argparse.Namespace) -> Answer:
    with open_market(arguments.market) as market:
        described = [(learnware_id, market.describe(learnware_id)) for learnware_id in market]
    content: list[dict[str, Any]] = [
        {
            "id": i,
            "name": s.semantic.name,
            "task": s.semantic.task,
            "scenarios": list(s.semantic.scenarios),
            "license": s.semantic.license,
            "level": s.level,
        }
        for i, s in described
    ]
    rows = [[c["id"], c["name"], c["task"] or "", c["level"] or "", ", ".join(c["scenarios"])] for c in content]
    text = table(["id", "name", "task", "level", "scenarios"], rows) if rows else "no learnwares"
    return Answer(text, {"learnwares": content})


def _fsck(arguments: argparse.Namespace) -> Answer:
    from learnware.market import fsck

    report = fsck(_existing_folder(arguments.market), repair=not arguments.dry_run)
    return Answer(str(report), report.to_dict(), OK if report.ok else REFUSED)


def _backup(arguments: argparse.Namespace) -> Answer:
    from learnware.market import backup

    n_learnwares = backup(_existing_folder(arguments.market), arguments.target)
    return Answer(f"{arguments.target}: {n_learnwares} learnwares", _copied(arguments.target, n_learnwares))


def _restore(arguments: argparse.Namespace) -> Answer:
    from learnware.market import restore

    n_learnwares = restore(_existing_folder(arguments.source), arguments.market)
    return Answer(f"{arguments.market}: {n_learnwares} learnwares", _copied(arguments.market, n_learnwares))


def _copied(folder: Path, n_learnwares: int) -> dict[str, Any]:
    return {"folder": str(folder), "n_learnwares": n_learnwares}


def _existing_folder(folder: Path) -> Path:
    if not folder.is_dir():
        raise NotADirectoryError(f"There is no market folder {str(folder)!r}.")
    return folder
