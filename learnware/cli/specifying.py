"""The command that writes the specification of a table."""

from __future__ import annotations

import argparse
from pathlib import Path

from learnware._files import read_table, split_target
from learnware.cli.answer import Answer
from learnware.cli.commands import Commands, add_fit_options
from learnware.errors import InvalidParameter


def add_commands(commands: Commands) -> None:
    """Add ``spec``."""
    spec = commands.add(_spec, "spec", "write the specification of a table, which a search may send; no row is in it")
    spec.add_argument("data", metavar="DATA", type=Path, help="inputs, .csv or .npy, specified on this machine")
    spec.add_argument("--target", metavar="COLUMN", help="column of DATA that holds labels, where some are known")
    spec.add_argument("--task", help="classification or regression (default: what the labels look like, or any)")
    spec.add_argument("--scenario", action="append", default=[], help="scenario tag; may be repeated")
    spec.add_argument("--license", help="licence tag")
    add_fit_options(spec)
    spec.add_argument("-o", "--output", metavar="FILE", type=Path, help="where to write it (default: DATA.json)")


def _spec(arguments: argparse.Namespace) -> Answer:
    from learnware.specification import Specification

    target: Path = arguments.output or arguments.data.with_suffix(".json")
    X, y = split_target(read_table(arguments.data, header=not arguments.no_header), arguments.target)
    if target.exists() and target.samefile(arguments.data):
        raise InvalidParameter(f"--output must not be DATA itself. Got {str(target)!r}: choose another name.")
    specification = Specification.from_data(
        X,
        y,
        task=arguments.task,
        scenarios=arguments.scenario,
        license=arguments.license,
        n_points=arguments.points,
        random_state=arguments.seed,
    )
    path, rkme = specification.save(target), specification.statistical
    n_points = 0 if rkme is None else len(rkme.points)
    content = {"file": str(path), "n_points": n_points, "bytes": path.stat().st_size}
    return Answer(f"{path}: {n_points} points, {content['bytes']:,} bytes", content)
