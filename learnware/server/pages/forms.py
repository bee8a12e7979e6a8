"""Read what a form sends, and no more than a form can send."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from learnware.errors import InvalidParameter, LimitExceeded
from learnware.limits import LIMITS
from learnware.server.bodies import chunks

_FORM_BYTES = 64 * 1024
_MOST_FIELDS = 100

#: Most bytes of a specification that is searched with.
QUERY_BYTES = LIMITS["search-bytes"]


@dataclass(frozen=True)
class Fields:
    """The fields of a form, in their order.

    Parameters
    ----------
    pairs : tuple of (str, str)
    """

    pairs: tuple[tuple[str, str], ...] = ()

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of a field, without the spaces around it."""
        return next((value.strip() for key, value in self.pairs if key == name), default)

    def secret(self, name: str) -> str:
        """Return the first value of a field as it was typed: the spaces of a password count."""
        return next((value for key, value in self.pairs if key == name), "")

    def all(self, name: str) -> list[str]:
        """Return every value of a field."""
        return [value.strip() for key, value in self.pairs if key == name]


async def fields_of(request: Request) -> Fields:
    """Read an ``application/x-www-form-urlencoded`` body."""
    body = b"".join([chunk async for chunk in limited(request, _FORM_BYTES)])
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise InvalidParameter(f"A form must have at most {_MOST_FIELDS} fields in UTF-8: {error}.") from error
    return Fields(tuple(pairs))


Form = Annotated[Fields, Depends(fields_of)]


async def limited(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    """Yield the body of a request, and raise `LimitExceeded` when more than `most` bytes have come."""
    n_bytes = 0
    async for chunk in chunks(request):
        n_bytes += len(chunk)
        if n_bytes > most:
            raise LimitExceeded(f"At most {most:,} bytes can be sent here. More came: make it smaller.")
        yield chunk


async def file_and_fields(request: Request, name: str) -> tuple[bytes, Fields]:
    """Read a ``multipart/form-data`` body with one file, of at most 8 MiB, which is kept in memory."""
    try:
        form = await MultiPartParser(
            request.headers, limited(request, QUERY_BYTES + _FORM_BYTES), max_files=1, max_fields=_MOST_FIELDS
        ).parse()
    except (MultiPartException, KeyError, ValueError) as error:
        if isinstance(error, LimitExceeded):
            raise
        raise InvalidParameter(f"A form with a file was expected. What came cannot be read: {error}.") from error
    sent = form.get(name)
    content = await sent.read() if isinstance(sent, UploadFile) else b""
    await form.close()
    texts = tuple((key, value) for key, value in form.multi_items() if isinstance(value, str))
    return content, Fields(texts)
