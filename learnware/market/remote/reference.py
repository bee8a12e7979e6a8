"""What names a learnware: checked before it becomes part of a URL, and compared with what the market answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from learnware.errors import LearnwareNotFound, LimitExceeded, MarketError
from learnware.limits import LIMITS

_REFERENCE = re.compile(r"(?P<id>[0-9a-f]{32})(?:@(?P<digits>[0-9a-f]{12,64}))?")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Reference:
    """An id, and perhaps the first digits of the sha256 of one of its revisions.

    Parameters
    ----------
    id : str
    digits : str
        Empty for the current revision.
    """

    id: str
    digits: str = ""

    @classmethod
    def read(cls, text: object) -> Reference:
        """Read ``"id"`` or ``"id@sha256"``.

        Raises
        ------
        LearnwareNotFound
            Nothing can be called that.

        Examples
        --------
        >>> str(Reference.read("0" * 32 + "@" + "1" * 12))
        '00000000000000000000000000000000@111111111111'
        """
        found = _REFERENCE.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise LearnwareNotFound(
                f"This market has no learnware of id {text!r:.200}. An id has 32 hexadecimal digits, and may be "
                "followed by '@' and the sha256 of a revision, or its first 12 digits. Its ids are list(market)."
            )
        return cls(found["id"], found["digits"] or "")

    @classmethod
    def read_id(cls, text: object) -> Reference:
        """Read ``"id"``.

        Raises
        ------
        LearnwareNotFound
            It is none, or names a revision.
        """
        reference = cls.read(text)
        if reference.digits:
            raise LearnwareNotFound(
                f"A revision never changes and has no revisions. Name the learnware by its id alone. Got {text!r}."
            )
        return reference

    def __str__(self) -> str:
        return f"{self.id}@{self.digits}" if self.digits else self.id


@dataclass(frozen=True)
class Standing:
    """What a reference stands for at the moment.

    Parameters
    ----------
    id, digest : str
    size : int
        Bytes of the bundle.
    """

    id: str
    digest: str
    size: int

    @classmethod
    def read(cls, content: object, reference: Reference) -> Standing:
        """Read what a market answers about a reference.

        Raises
        ------
        MarketError
            It is something else, or about another learnware.
        LimitExceeded
            The learnware is larger than any may be.
        """
        told = content if isinstance(content, Mapping) else {}
        learnware_id, digest, size = told.get("id"), told.get("digest"), told.get("size")
        if learnware_id != reference.id or not isinstance(digest, str) or type(size) is not int or size < 1:
            raise MarketError(f"The market answered something that cannot be read, when asked about {reference}.")
        if not _DIGEST.fullmatch(digest) or not digest.startswith(reference.digits):
            raise MarketError(f"The market answered with another revision, when asked about {reference}.")
        if size > LIMITS["archive-bytes"]:
            raise LimitExceeded(
                f"A learnware file may have {LIMITS['archive-bytes']:,} bytes. That of {reference} has {size:,}.",
                code="archive-bytes",
            )
        return cls(reference.id, digest, size)
