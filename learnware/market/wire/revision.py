"""A revision as a dock tells it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from learnware.errors import MarketError
from learnware.market.store import Revision

_DIGEST = re.compile(r"[0-9a-f]{64}")


def revision_to_wire(revision: Revision) -> dict[str, Any]:
    """Return a revision as plain values.

    Examples
    --------
    >>> from datetime import datetime, timezone
    >>> from learnware.market.store import Revision
    >>> revision = Revision("0" * 64, datetime(2026, 1, 2, tzinfo=timezone.utc), 10)
    >>> revision_from_wire(revision_to_wire(revision)) == revision
    True
    """
    return {"digest": revision.digest, "created": revision.created.isoformat(), "size": revision.size}


def revision_from_wire(content: object) -> Revision:
    """Return the revision that `revision_to_wire` wrote.

    Raises
    ------
    MarketError
        It is something else.
    """
    try:
        if not isinstance(content, Mapping) or not _DIGEST.fullmatch(content["digest"]):
            raise ValueError("it has no digest")
        created = datetime.fromisoformat(content["created"])
        if created.tzinfo is None or type(content["size"]) is not int:
            raise ValueError("its time or size is wrong")
        created = created.astimezone(timezone.utc)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise MarketError(f"The market answered with a revision that cannot be read: {error}.") from error
    return Revision(content["digest"], created, content["size"])
