"""An explanation as a paragraph."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import numpy as np

from learnware.market.explanation.features import Feature

if TYPE_CHECKING:
    from learnware.market.explanation.explanation import Explanation, Uncovered

#: A distance of so many times the noise is hardly more than sampling makes: that of reduced sets varies by as much.
HARDLY_MORE = 1.1

_N_COLUMNS = 4
_LEAST_SHARE = 0.1
_LEAST_SHIFT = 0.2
_LEAST_RATIO = 1.25


def in_words(explanation: Explanation) -> str:
    """Return the paragraph that `str` gives."""
    parts = [f"Explains {explanation.coverage:.0%} of your data.", _members(explanation), _difference(explanation)]
    if explanation.unseen:
        parts.append(f"Your column(s) {_listed(explanation.unseen)} play no part.")
    parts.append(_gaps(explanation))
    return " ".join(part for part in parts if part)


def feature_in_words(feature: Feature) -> str:
    """Return how a column differs, without its name and share."""
    if feature.kind == "category":
        if feature.category is None:
            return "other categories"
        return f"{feature.category!r} is {feature.yours:.0%} of yours, {feature.theirs:.0%} of theirs"
    yours, theirs = (amount(value, feature.kind) for value in (feature.yours, feature.theirs))
    said = []
    if feature.shift is None or abs(feature.shift) >= _LEAST_SHIFT:
        by = "" if feature.shift is None else f"shifted by {abs(feature.shift):.1f} spreads, "
        said.append(f"{by}yours {yours}, theirs {theirs}")
    if feature.your_spread and feature.their_spread:
        ratio = feature.their_spread / feature.your_spread
        if not 1 / _LEAST_RATIO < ratio < _LEAST_RATIO:
            said.append(f"their spread is {ratio:.2g} times yours")
    elif feature.your_spread != feature.their_spread:
        said.append("it varies in yours only" if feature.your_spread else "it varies in theirs only")
    return "; ".join(said) or "another shape"


def point_in_words(point: Uncovered, names: Sequence[str]) -> str:
    """Return a point by its values in the columns named first, or by its position."""
    if not point.values:
        return f"point {point.position} ({point.weight:.0%} of your data)"
    shown = ", ".join(f"{name}={amount(point.values[name])}" for name in names[:_N_COLUMNS])
    more = ", ..." if len(point.values) > len(names[:_N_COLUMNS]) else ""
    return f"{shown}{more} ({point.weight:.0%} of your data)"


def amount(value: Any, kind: str = "number") -> str:
    """Return a value as people write it; a time by its day."""
    if kind == "time":
        day = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(days=float(np.clip(value, -7e5, 2.9e6)))
        return day.strftime("%Y-%m-%d")
    if isinstance(value, datetime | np.datetime64):
        return str(value)[:10]
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | float | np.number):
        return f"{float(value):.0f}" if 1e3 <= abs(float(value)) < 1e7 else f"{float(value):.3g}"
    return str(value)[:40]


def _difference(explanation: Explanation) -> str:
    if explanation.distance <= HARDLY_MORE * explanation.noise:
        return "The distance is hardly more than sampling alone makes."
    if not explanation.features:
        kind = explanation.query.space.data
        return f"What a coordinate of {kind}s means nobody knows, so only coverage is told."
    most = [f for f in explanation.features[:3] if f.share >= _LEAST_SHARE]
    told = ", ".join(f"{f.name!r} ({f.share:.0%} of the distance: {feature_in_words(f)})" for f in most)
    lead = [f"Differs most in {told}."] if told else ["No column differs much more than the others."]
    if explanation.joint >= _LEAST_SHARE:
        lead.append(f"{explanation.joint:.0%} of the distance lies in no single column, but in how they go together.")
    return " ".join(lead)


def _members(explanation: Explanation) -> str:
    if len(explanation.members) == 1:
        return ""
    weights = explanation.query.weights
    told = [f"{member.name!r} covers {float(weights @ member.covered):.0%}" for member in explanation.members]
    return f"Of it {', '.join(told)}."


def _gaps(explanation: Explanation) -> str:
    lacking = 1.0 - explanation.coverage
    gaps = explanation.uncovered(3)
    if not gaps:
        return ""
    order = [f.name for i, f in enumerate(explanation.features) if f.share >= _LEAST_SHARE or i == 0]
    told = "; ".join(point_in_words(gap, order) for gap in gaps)
    where = "around" if gaps[0].values else "most of it at"
    note = "" if gaps[0].values else f"; points of {explanation.query.space.data}s cannot be shown"
    return f"Not covered: about {lacking:.0%} of your data, {where} {told}{note}."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:8])) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
