"""The commands on learnware files: pack, import and check."""

from __future__ import annotations

import argparse
from pathlib import Path

from learnware._files import existing, labels, read_model, read_table, split_target
from learnware.cli.answer import OK, REFUSED, Answer
from learnware.cli.commands import Commands, add_fit_options, add_run_options
from learnware.errors import InvalidParameter


def add_commands(commands: Commands) -> None:
    """Add ``pack``, ``import`` and ``check``."""
    _add_pack(commands.add(_pack, "pack", "pack a stored model and its training inputs into one learnware file"))
    _add_import(commands.add(_import, "import", "turn the zip of a Beimingwu learnware into a learnware file"))
    check = commands.add(_check, "check", "look at a learnware file as a market does before it takes it")
    check.add_argument("file", metavar="FILE", type=Path, help="learnware file")
    add_run_options(check)


def _add_pack(pack: argparse.ArgumentParser) -> None:
    pack.add_argument("model", metavar="MODEL", type=Path, help=".skops, .onnx, LightGBM .txt, XGBoost .json or .ubj")
    pack.add_argument("data", metavar="DATA", type=Path, help="training inputs, .csv or .npy; no row is published")
    pack.add_argument("--name", required=True, help="short title")
    pack.add_argument("--description", default="", help="what it is for, in a few sentences")
    pack.add_argument("--task", help="classification or regression (default: what the model tells)")
    pack.add_argument("--scenario", action="append", default=[], help="scenario tag; may be repeated")
    pack.add_argument("--license", help="licence tag")
    pack.add_argument("--target", metavar="COLUMN", help="column of DATA that holds the labels; left out of the inputs")
    pack.add_argument("--classes", nargs="+", metavar="LABEL", help="labels, where the model does not know them")
    add_fit_options(pack)
    pack.add_argument("-o", "--output", metavar="FILE", type=Path, help="where to write it (default: MODEL.zip)")


def _add_import(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", metavar="FILE", type=Path, help="zip of a Beimingwu learnware")
    command.add_argument("--name", help="short title, where the zip has no semantic specification")
    command.add_argument("--description", default="", help="what it is for")
    command.add_argument("--data", default="Table", help="kind of data: table, image or text (default: table)")
    command.add_argument("--task", help="classification, regression or another of its tasks")
    command.add_argument("--inputs", type=int, metavar="N", help="number of columns that it takes")
    command.add_argument("--outputs", type=int, metavar="N", help="number of classes, or of numbers predicted per row")
    command.add_argument("-o", "--output", metavar="FILE", type=Path, help="where to write it (default: FILE-2.zip)")


def _pack(arguments: argparse.Namespace) -> Answer:
    from learnware.bundle import Learnware

    X, y = split_target(read_table(arguments.data, header=not arguments.no_header), arguments.target)
    packed = Learnware.from_model(
        read_model(arguments.model),
        X,
        y,
        name=arguments.name,
        task=arguments.task,
        description=arguments.description,
        scenarios=arguments.scenario,
        license=arguments.license,
        classes=labels(arguments.classes),
        n_points=arguments.points,
        random_state=arguments.seed,
    )
    path = packed.save(_target(arguments, arguments.model.with_suffix(".zip"), arguments.model, arguments.data))
    content = {"file": str(path), "digest": packed.digest, "task": packed.task, "columns": list(packed.columns)}
    return Answer(f"{path}: {packed.task.lower()} on {len(packed.columns)} columns", content)


def _import(arguments: argparse.Namespace) -> Answer:
    from learnware.bundle import Learnware
    from learnware.specification import Fields, SemanticSpecification

    semantic = None
    if arguments.name is not None:
        inputs, outputs = (None if n is None else Fields(n) for n in (arguments.inputs, arguments.outputs))
        semantic = SemanticSpecification(
            name=arguments.name,
            description=arguments.description,
            data=arguments.data,
            task=arguments.task,
            inputs=inputs,
            outputs=outputs,
        )
    imported = Learnware.load(existing(arguments.file), semantic=semantic)
    path = imported.save(_target(arguments, arguments.file.with_name(f"{arguments.file.stem}-2.zip"), arguments.file))
    content = {"file": str(path), "digest": imported.digest, "task": imported.task, "level": str(imported.level)}
    return Answer(f"{path}: {imported.name!r}, {imported.level} - {imported.level.meaning}", content)


def _check(arguments: argparse.Namespace) -> Answer:
    from learnware.bundle import Learnware
    from learnware.market import check_learnware

    candidate = Learnware.load(existing(arguments.file), isolation=arguments.isolation, trust=arguments.trust)
    report = check_learnware(candidate)
    content = {**report.to_dict(), "level": str(candidate.level), "digest": candidate.digest}
    level = f"Level {candidate.level}: its model is {candidate.level.meaning}."
    return Answer(f"{report}\n{level}", content, OK if report.passed else REFUSED)


def _target(arguments: argparse.Namespace, default: Path, *inputs: Path) -> Path:
    target: Path = arguments.output or default
    if any(target.exists() and target.samefile(file) for file in inputs):
        raise InvalidParameter(f"--output must not be one of the inputs. Got {str(target)!r}: choose another name.")
    return target
