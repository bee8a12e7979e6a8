"""How the answer to a search shows itself: in a notebook, as a table, in a figure."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import numpy as np

from learnware._optional import import_optional

if TYPE_CHECKING:
    from learnware.market.result import Evidence, SearchResult

_COLOURS = {"match": "#2e7d32", "weak": "#b26a00", "nothing fits": "#b3261e"}
_MEANINGS = {
    "match": "the best mixture cannot be told from your data, or hardly",
    "weak": "the best mixture covers part of your data; compare with a model of your own",
    "nothing fits": "no learnware was made for data like yours; trust its answers only after a check",
}
_NUMBERS = ("loss", "distance", "fit", "weight", "relevance")
_COLUMNS = ["name", *_NUMBERS, "level", "covers", "covered_by", "id", "description"]


def rows_of(result: SearchResult) -> list[dict[str, Any]]:
    """Return the hits, and members of the mixture beyond them, as rows of plain values."""
    mixture = result.mixture
    members = () if mixture is None else mixture.hits
    weights = {} if mixture is None else dict(zip((h.id for h in members), mixture.weights.tolist(), strict=True))
    shown = {hit.id: hit for hit in [*result.hits, *members]}
    return [
        {
            "name": hit.name,
            "loss": hit.loss,
            "distance": hit.distance,
            "fit": hit.fit,
            "weight": weights.get(hit.id, None if mixture is None else 0.0),
            "relevance": hit.relevance,
            "level": hit.level,
            "covers": len(hit.covers),
            "covered_by": hit.covered_by,
            "id": hit.id,
            "description": hit.semantic.description,
        }
        for hit in shown.values()
    ]


def plain(evidence: Evidence) -> dict[str, float | None]:
    """Return the numbers behind a verdict as JSON holds them."""
    return {name: None if np.isnan(value) else value for name, value in evidence.__dict__.items()}


def as_frame(result: SearchResult) -> Any:
    """Return the rows as a pandas DataFrame."""
    pandas = import_optional("pandas", extra=None, purpose="SearchResult.to_frame")
    return pandas.DataFrame(rows_of(result), columns=_COLUMNS)


def draw(result: SearchResult, ax: Any) -> Any:
    """Draw bars on matplotlib axes, or in a new figure, and return the axes."""
    pyplot = import_optional("matplotlib.pyplot", extra="plot", purpose="SearchResult.plot")
    rows = rows_of(result)[::-1]
    if ax is None:
        _, ax = pyplot.subplots(figsize=(7, 0.9 + 0.35 * max(1, len(rows))), layout="constrained")
    places = np.arange(len(rows))
    score, label = ("fit", "fit") if result.mixture else ("relevance", "relevance")
    ax.barh(places + 0.2, [row[score] or 0.0 for row in rows], height=0.4, color="#4878a8", label=label)
    if result.mixture:
        ax.barh(places - 0.2, [row["weight"] for row in rows], height=0.4, color="#e08a3c", label="share in mixture")
    ax.set_yticks(places, [row["name"] or row["id"][:8] for row in rows])
    ax.set_xlim(0, 1)
    ax.set_title(f"Verdict: {result.verdict}")
    if rows:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=2, frameon=False)
    return ax


def as_html(result: SearchResult) -> str:
    """Return the verdict, what it means and rests on, and a table of the hits."""
    if result.reason is not None:
        head = f"<b style='color:{_COLOURS[result.verdict]}'>{result.verdict}</b>"
        return f"<div>{head}: {html.escape(result.reason)}</div>"
    cells = "".join(_html_row(row) for row in rows_of(result))
    head = "".join(
        f"<th style='text-align:left'>{t}</th>" for t in ("", "name", "level", "loss", "distance", "fit", "weight")
    )
    head += "<th style='text-align:left'>relevance</th>" if any(h.relevance for h in result.hits) else ""
    return (
        f"<div><b style='color:{_COLOURS[result.verdict]}'>{result.verdict}</b>: {_MEANINGS[result.verdict]}"
        f"{_html_evidence(result)}<table><tr>{head}</tr>{cells}</table></div>"
    )


def _html_evidence(result: SearchResult) -> str:
    if result.evidence is None:
        return ""
    alone = np.isnan(result.evidence.spread)
    spread = "" if alone else f", and between learnwares {result.evidence.spread:.3g}"
    return (
        f"<br><small>the best mixture explains {result.evidence.fit:.0%}; its distance is "
        f"{result.evidence.distance:.3g}, that of sampling noise {result.evidence.noise:.3g}{spread}</small>"
    )


def _html_row(row: dict[str, Any]) -> str:
    title = html.escape(row["description"][:300], quote=True)
    alike = f" <small>and {row['covers']} all but the same</small>" if row["covers"] else ""
    if row["covered_by"] is not None:
        alike = f" <small>all but the same as <code>{html.escape(row['covered_by'][:8])}</code></small>"
    cells = [
        f"<td><code>{html.escape(row['id'][:8])}</code></td>",
        f"<td style='text-align:left' title=\"{title}\">{html.escape(row['name'])}{alike}</td>",
        f"<td>{row['level'] or ''}</td>",
        f"<td>{'' if row['loss'] is None else format(row['loss'], '.2g')}</td>",
        f"<td>{'' if row['distance'] is None else format(row['distance'], '.3g')}</td>",
        f"<td>{_bar(row['fit'], '#4878a8')}</td>",
        f"<td>{_bar(row['weight'] or None, '#e08a3c')}</td>",
    ]
    if row["relevance"] is not None:
        cells.append(f"<td>{_bar(row['relevance'], '#6a994e')}</td>")
    return f"<tr>{''.join(cells)}</tr>"


def _bar(share: float | None, colour: str) -> str:
    if share is None:
        return ""
    width = round(60 * share)
    return f"<span style='display:inline-block;height:.7em;width:{width}px;background:{colour}'></span> {share:.0%}"
