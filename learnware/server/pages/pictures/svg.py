"""The few words of SVG that the pictures are made of."""

from __future__ import annotations

import math
import unicodedata
from html import escape

#: Longest text that a picture shows; the page has the whole of it.
LONGEST = 60


def text(words: object, longest: int = LONGEST) -> str:
    """Return words as SVG text: cut, escaped, and without characters that XML forbids.

    Examples
    --------
    >>> text("<b>&\\x00")
    '&lt;b&gt;&amp;'
    """
    plain = "".join(c for c in str(words) if unicodedata.category(c) not in ("Cc", "Cs", "Cn"))
    return escape(plain if len(plain) <= longest else plain[: longest - 1] + "…")


def number(value: float) -> str:
    """Return a coordinate in as few characters as will do.

    Examples
    --------
    >>> number(12.0), number(0.25), number(float("nan"))
    ('12', '0.2', '0')
    """
    if not math.isfinite(value):
        return "0"
    shown = f"{value:.1f}"
    return shown[:-2] if shown.endswith(".0") else shown


def amount(value: float) -> str:
    """Return a value of data as a label.

    Examples
    --------
    >>> amount(1415.2), amount(0.0312), amount(2.5e9)
    ('1,415', '0.0312', '2.5e+09')
    """
    if not math.isfinite(value):
        return "–"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"


def picture(kind: str, width: float, height: float, title: str, body: str) -> str:
    """Wrap the body of a picture; its title is what a screen reader says of it.

    Parameters
    ----------
    kind : str
        A class of the stylesheet.
    width, height : float
    title : str
    body : str
        SVG, escaped already.
    """
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="picture {kind}" '
        f'viewBox="0 0 {number(width)} {number(height)}" role="img" aria-label="{text(title, 200)}">{body}</svg>'
    )
