"""What was tried, how it did, and what was chosen, as a table."""

from __future__ import annotations

import html
from typing import Any

from learnware._optional import import_optional

_TITLES = {
    "name": "candidate",
    "kind": "kind",
    "score": "score",
    "standard_error": "± s.e.",
    "gain": "gain over the prior",
    "gain_standard_error": "± s.e.",
    "weight": "weight",
    "chosen": "chosen",
}


class Leaderboard(list[dict[str, Any]]):
    """A list with one dict for a candidate, the best score first; prints as a table.

    Keys of a dict, None where there was nothing to measure by:

    - ``name``, and ``kind``: "label-free", "labels" or "own model", by what it learned from;
    - ``score`` and its ``standard_error``: accuracy or coefficient of determination on the labelled rows, none of which
      it learned from;
    - ``gain`` and its ``gain_standard_error``: mean over these rows of how much better it scores than the prior, which
      is the answer without labels, or the shares of the labels where all learnwares name their classes otherwise;
    - ``weight``: its share in what answers; the weights of all candidates sum to one. None for the row of the blend;
    - ``chosen``: whether it is a part of what answers, for which a weight of 0.001 is too little.
    """

    def to_frame(self) -> Any:
        """Return a pandas DataFrame.

        Raises
        ------
        MissingDependency
            pandas is not installed.
        """
        pandas = import_optional("pandas", extra=None, purpose="Leaderboard.to_frame")
        return pandas.DataFrame(list(self), columns=list(_TITLES))

    def __str__(self) -> str:
        rows = [list(_TITLES.values()), *([_text(row[key]) for key in _TITLES] for row in self)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(_TITLES))]
        return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        head = "".join(f"<th style='text-align:left'>{title}</th>" for title in _TITLES.values())
        lines = []
        for row in self:
            cells = "".join(f"<td style='text-align:left'>{html.escape(_text(row[key]))}</td>" for key in _TITLES)
            lines.append(f"<tr style='font-weight:{'bold' if row['chosen'] else 'normal'}'>{cells}</tr>")
        return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
