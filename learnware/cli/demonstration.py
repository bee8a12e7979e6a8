"""The command that shows what the library does."""

from __future__ import annotations

import argparse

from learnware.cli.answer import Answer, table
from learnware.cli.commands import Commands


def add_commands(commands: Commands) -> None:
    """Add ``demo``."""
    demo = commands.add(_demo, "demo", "run a small market from submission to reuse and print how well it predicts")
    demo.add_argument("--seed", type=int, default=0, help="seed of the demonstration (default: 0)")


def _demo(arguments: argparse.Namespace) -> Answer:
    from learnware.demo import run

    outcome = run(random_state=arguments.seed)
    rows = [[method, f"{accuracy:.3f}"] for method, accuracy in outcome["accuracy"].items()]
    head = f"{outcome['n_learnwares']} learnwares of handwritten digits; the user's search: {outcome['verdict']}\n"
    return Answer(f"{head}\n{table(['method', 'accuracy'], rows)}", outcome)
