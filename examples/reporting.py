"""What the workflows share: their options, paired differences with intervals, tables, and the figure of curves.

A result of one user is a dict from the name of a way (to predict) to its error, or accuracy, on that user's rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Errors = Mapping[str, float]
Row = dict[str, float | str | None]
Curves = Mapping[str, Mapping[int, Sequence[float]]]
Levels = Mapping[str, Sequence[float]]


def arguments(description: str, *, data_help: str, labels: str = "100,500") -> argparse.ArgumentParser:
    """Return a parser of the options that all workflows have; a workflow adds its own to it.

    Parameters
    ----------
    description : str
        Its first line is shown by ``--help``, so a module's docstring will do.
    data_help : str
        What the folder given by ``--data`` must hold.
    labels : str
        Default numbers of labels.
    """
    parser = argparse.ArgumentParser(description=description.strip().partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="PATH", help=data_help)
    parser.add_argument("--users", type=int, metavar="N", help="so many users, drawn at random (default: all)")
    parser.add_argument("--seed", type=seeds, default="0,1,2", help="one seed or several (default: %(default)s)")
    parser.add_argument(
        "--labels", type=counts, default=labels, help="numbers of labels, '' for none (default: %(default)s)"
    )
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="keep trained models here between runs")
    parser.add_argument("--figure", type=Path, metavar="PNG", help="draw the curves over the number of labels")
    parser.add_argument("--json", action="store_true", help="print everything, user by user, as JSON")
    return parser


def seeds(text: str) -> list[int]:
    """Read "0,1,2" as seeds.

    Raises
    ------
    argparse.ArgumentTypeError
        There is none, or one that is no whole number of at least 0.
    """
    values = counts(text, least=0)
    if not values:
        raise argparse.ArgumentTypeError("expected one seed or several, such as 0,1,2")
    return values


def counts(text: str, least: int = 1) -> list[int]:
    """Read "100,500" as whole numbers, in rising order and each once.

    Raises
    ------
    argparse.ArgumentTypeError
        A part is no whole number, or too small.
    """
    try:
        values = sorted({int(part) for part in text.split(",") if part.strip()})
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected whole numbers, such as 100,500; got {text!r}") from error
    if values and values[0] < least:
        raise argparse.ArgumentTypeError(f"expected numbers of at least {least}; got {values[0]}")
    return values


def over_seeds(runs: Sequence[Sequence[Errors]]) -> list[dict[str, float]]:
    """Return each user's means over seeds: the users of a run are those of every other, in the same order."""
    return [
        {way: float(np.mean([errors[way] for errors in same])) for way in same[0]} for same in zip(*runs, strict=True)
    ]


def interval(differences: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the 95 % interval of the mean over users, by bootstrap."""
    rng = np.random.default_rng(seed)
    means = rng.choice(differences, size=(5000, len(differences))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def summarise(errors: Sequence[Errors], against: str, seed: int) -> list[Row]:
    """Return one row for each way: its mean over users, and its paired difference to the way `against`."""
    base = np.array([e[against] for e in errors])
    rows: list[Row] = []
    for way in errors[0]:
        values = np.array([e[way] for e in errors])
        low, high = interval(values - base, seed)
        difference = float((values - base).mean())
        rows.append({"way": way, "mean": float(values.mean()), "difference": difference, "low": low, "high": high})
    return rows


def published(numbers: Mapping[str, float]) -> list[Row]:
    """Return rows of numbers that others measured; no users of theirs are known, so no difference either."""
    return [
        {"way": f"{way} (published)", "mean": mean, "difference": None, "low": None, "high": None}
        for way, mean in numbers.items()
    ]


def table(title: str, against: str, rows: Sequence[Row], *, measure: str, digits: int = 4) -> str:
    """Return a markdown table.

    Parameters
    ----------
    title : str
        Heads the column of ways.
    against : str
        The way that the others are compared with.
    rows : sequence of Row
        From `summarise` and `published`.
    measure : str
        What the means are of, such as "RMSE" or "accuracy".
    digits : int
        Decimals.
    """
    lines = [f"| {title} | {measure} | difference to {against} (95 % interval) |", "|---|---|---|"]
    for row in rows:
        difference = ""
        if row["difference"] is not None and row["way"] != against:
            low, high = (f"{row[end]:+.{digits}f}" for end in ("low", "high"))
            difference = f"{row['difference']:+.{digits}f} ({low} .. {high})"
        lines.append(f"| {row['way']} | {row['mean']:.{digits}f} | {difference} |")
    return "\n".join(lines)


def plot_curves(path: Path, curves: Curves, *, ylabel: str, flat: Levels, title: str = "") -> None:
    """Draw one line for each way over the number of labels, and a dashed level for each way that needs none.

    Parameters
    ----------
    path : Path
        The PNG written.
    curves : mapping from way to mapping from number of labels to values
        One value for each seed (or each user, where there is one seed): the mean is drawn, with its standard error.
    ylabel : str
        What the values are.
    flat : mapping from way to values
        Levels without labels.
    title : str
        Stands above.
    """
    plot_panels(path, {title: (curves, flat)}, ylabel=ylabel)


def plot_panels(path: Path, panels: Mapping[str, tuple[Curves, Levels]], *, ylabel: str) -> None:
    """Draw several `plot_curves` side by side, with one legend: a way has the same colour in all panels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.0 + 4.0 * len(panels), 4.0), layout="constrained")
    ways = list(dict.fromkeys(way for both in panels.values() for part in both for way in part))
    colours = {way: f"C{number}" for number, way in enumerate(ways)}
    lines: dict[str, object] = {}
    for axes, (title, (curves, flat)) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        for way, curve in curves.items():
            at = sorted(curve)
            means, errors = np.array([_mean_and_error(curve[n]) for n in at]).T
            lines[way] = axes.errorbar(at, means, errors, marker="o", markersize=3.5, capsize=2.5, color=colours[way])
        for way, values in flat.items():
            lines[way] = axes.axhline(_mean_and_error(values)[0], linestyle="--", color=colours[way])
        ticks = sorted({n for curve in curves.values() for n in curve})
        axes.set(xscale="log", xlabel="labels", ylabel=ylabel, title=title)
        axes.set_xticks(ticks, [f"{n:,}" for n in ticks])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    figure.legend(list(lines.values()), list(lines), fontsize="small", loc="outside right center")
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})


def accuracy_tables(
    results: Mapping[str, Any],
    *,
    against: str,
    unlabelled: str,
    known: Mapping[str, float],
    known_errors: Mapping[int, Mapping[str, float]],
    seed: int,
) -> str:
    """Return the tables of a workflow on classes: accuracies without labels, and errors for each number of labels.

    `results` holds a line of verdicts, and one list of users' numbers for each seed under "no labels" and under each
    number of "labels"; `known` and `known_errors` are published numbers.
    """
    rows = summarise(over_seeds(results["no labels"]), against, seed)
    parts = [table("no labels", against, rows + published(known), measure="accuracy")]
    for n, runs in results["labels"].items():
        rows = summarise(over_seeds(runs), unlabelled, seed) + published(known_errors.get(n, {}))
        parts.append(table(f"{n} labels", unlabelled, rows, measure="error"))
    return "\n\n".join(parts)


def draw_errors(path: Path, results: Mapping[str, Any], unlabelled: str) -> None:
    """Draw the errors over the number of labels: one mean over users for each seed."""
    curves: dict[str, dict[int, list[float]]] = {}
    for n, runs in results["labels"].items():
        for errors in runs:
            for row in summarise(errors, unlabelled, 0):
                curves.setdefault(str(row["way"]), {}).setdefault(n, []).append(row["mean"])
    flat = {unlabelled: next(iter(curves.pop(unlabelled).values()))}
    plot_curves(path, curves, ylabel="error", flat=flat)


def heading(results: Mapping[str, Any], chosen: Sequence[int]) -> str:
    """Return how many users there were, for which seeds, and what the market said to them."""
    verdicts = ", ".join(f"{word} {count} times" for word, count in results["verdicts"].items())
    return f"{len(results['no labels'][0])} users, seeds {', '.join(map(str, chosen))}; the market says {verdicts}."


def _mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return float(np.mean(values)), float(spread / np.sqrt(len(values)))
