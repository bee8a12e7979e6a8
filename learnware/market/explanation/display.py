"""How an explanation shows itself in a notebook and in a figure."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from learnware._optional import import_optional
from learnware.market.explanation.words import amount, feature_in_words, in_words

if TYPE_CHECKING:
    from learnware.market.explanation.explanation import Explanation

_N_SHOWN = 10
_LEFT = "<th style='text-align:left'>"


def as_html(explanation: Explanation) -> str:
    """Return the paragraph, the features, and the points that are not covered."""
    said = html.escape(in_words(explanation))
    return f"<div>{said}{_features(explanation)}{_gaps(explanation)}</div>"


def _features(explanation: Explanation) -> str:
    shown = explanation.features[:_N_SHOWN]
    if not shown:
        return ""
    rows = [(feature.name, feature.share, feature_in_words(feature)) for feature in shown]
    rows.append(("no single column", explanation.joint, "how they go together"))
    cells = "".join(
        f"<tr><td style='text-align:left'>{html.escape(name)}</td><td style='text-align:left'>{_bar(share)}</td>"
        f"<td style='text-align:left'>{html.escape(text)}</td></tr>"
        for name, share, text in rows
    )
    return f"<table><tr>{_LEFT}column</th>{_LEFT}share of the distance</th>{_LEFT}difference</th></tr>{cells}</table>"


def _gaps(explanation: Explanation) -> str:
    gaps = explanation.uncovered(3)
    if not gaps or not gaps[0].values:
        return ""
    names = list(gaps[0].values)[:_N_SHOWN]
    head = "".join(f"{_LEFT}{html.escape(title)}</th>" for title in ("share of your data", "covered", *names))
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td style='text-align:left'>{html.escape(cell)}</td>"
            for cell in (f"{gap.weight:.1%}", f"{gap.covered:.0%}", *(amount(gap.values[name]) for name in names))
        )
        + "</tr>"
        for gap in gaps
    )
    return f"<table><caption>Not covered</caption><tr>{head}</tr>{rows}</table>"


def _bar(share: float) -> str:
    width = round(60 * share)
    return f"<span style='display:inline-block;height:.7em;width:{width}px;background:#4878a8'></span> {share:.0%}"


def draw(explanation: Explanation, ax: Any) -> Any:
    """Draw bars on matplotlib axes, or in a new figure, and return the axes."""
    pyplot = import_optional("matplotlib.pyplot", extra="plot", purpose="Explanation.plot")
    bars = [(feature.name, feature.share) for feature in explanation.features[:_N_SHOWN]]
    if bars:
        bars.append(("no single column", explanation.joint))
    else:
        weights = explanation.query.weights
        bars = [(member.name, float(weights @ member.covered)) for member in explanation.members]
    if ax is None:
        _, ax = pyplot.subplots(figsize=(7, 0.9 + 0.35 * len(bars)), layout="constrained")
    names, lengths = zip(*bars[::-1], strict=True)
    ax.barh(range(len(bars)), lengths, color="#4878a8")
    ax.set_yticks(range(len(bars)), names)
    ax.set_xlim(0, 1)
    ax.set_xlabel("share of the squared distance" if explanation.features else "share of your data that it covers")
    ax.set_title(f"Explains {explanation.coverage:.0%} of your data")
    return ax
