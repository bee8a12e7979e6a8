"""Answers of a stranger: bounded, of the type that was asked for, and errors turned into ours."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from learnware import _strict_json as strict_json
from learnware.errors import LearnwareError, MarketError, MarketUnreachable, TooManyRequests
from learnware.limits import LIMITS
from learnware.market.remote.patience import Passing
from learnware.market.wire import error_of

if TYPE_CHECKING:
    import requests

    from learnware.market.remote.bearer import Bearer

#: Bytes of an answer in JSON: a specification, and what is told beside it.
MOST_BYTES = LIMITS["specification-bytes"] + 2**16

#: Seconds from the head of such an answer to its end.
BODY_SECONDS = 60.0

_MOST_PROBLEM = 2**20
_PIECE = 2**16
_SHOWN = 200
_LOOKED_AT = 4096
_TRY_AGAIN = (502, 503, 504)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)


def pieces(response: requests.Response) -> Iterator[bytes]:
    """Iterate over the bytes of a body as they come."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise MarketError(f"{_said(response)} with a compressed body, which was not asked for. Is there a proxy?")
    # A plain read would wait until a piece is full, however long somebody takes to fill it.
    read = getattr(response.raw, "read1", response.raw.read)
    while piece := read(_PIECE, decode_content=False):
        yield piece


def body(response: requests.Response, most: int) -> bytes:
    """Return a whole body of at most so many bytes."""
    end, found = time.monotonic() + BODY_SECONDS, bytearray()
    for piece in pieces(response):
        found += piece
        if len(found) > most:
            raise MarketError(f"{_said(response)} with more than {most:,} bytes, and was not heard to the end.")
        if time.monotonic() > end:
            raise MarketUnreachable(f"{_said(response)} so slowly that it did not end in {BODY_SECONDS:.0f} seconds.")
    promised = response.headers.get("Content-Length", "")
    if promised.isdecimal() and len(found) < int(promised):
        raise Passing(MarketUnreachable(f"{_said(response)}, but broke off."))
    return bytes(found)


def json_of(response: requests.Response) -> Any:
    """Return the JSON of an answer, None where it is empty by its status."""
    if response.status_code == 204:
        return None
    text = body(response, MOST_BYTES)
    if _type(response) != "application/json":
        raise MarketError(_foreign(response, text))
    return _parsed(response, text, MOST_BYTES)


def check_status(response: requests.Response, bearer: Bearer) -> None:
    """Return if an answer tells of success.

    Raises
    ------
    Passing
        It may succeed a little later.
    LearnwareError
        What the market says is wrong.
    """
    status = response.status_code
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise MarketError(
            f"{_said(response)} with a redirect to {_cleaned(response.headers.get('Location', 'nowhere'))}, which is "
            "not followed, since it would get your token. If you trust that place, open the market there."
        )
    error, after = _error(response, bearer), _retry_after(response)
    if isinstance(error, TooManyRequests):
        error.retry_after = after = after if after is not None else error.retry_after
    if status in _TRY_AGAIN or (status == 429 and after is not None):
        raise Passing(error, after)
    raise error


def _error(response: requests.Response, bearer: Bearer) -> LearnwareError:
    text = bearer.hidden(body(response, _MOST_PROBLEM))
    status = response.status_code
    if _type(response) in ("application/problem+json", "application/json"):
        return error_of(_parsed(response, text, _MOST_PROBLEM), status)
    if status == 429:
        return TooManyRequests(f"{_said(response)} that it is asked too often. Wait a while.")
    kind = MarketUnreachable if status in _TRY_AGAIN else MarketError
    return kind(_foreign(response, text))


def _parsed(response: requests.Response, text: bytes, most: int) -> Any:
    def refuse(reason: str, code: str) -> MarketError:
        return MarketError(f"{_said(response)} with JSON that is not read: {reason} ({code}).")

    return strict_json.parse(text, refuse, max_bytes=most, max_depth=LIMITS["json-depth"] + 4)


def _foreign(response: requests.Response, text: bytes) -> str:
    # No more than is looked at: a page that is all brackets would keep the patterns busy for minutes.
    page = text[:_LOOKED_AT].decode("utf-8", "replace")
    titles = _TITLE.search(page)
    excerpt = _cleaned(titles[1] if titles else re.sub(r"<[^>]*>", " ", page))
    what = "a web page" if "html" in _type(response) else f"{_cleaned(_type(response)) or 'something untyped'}"
    return (
        f"{_said(response)} with {what} where JSON belongs: {excerpt!r}. Check that this is the address of a market of "
        "learnwares, and whether a proxy or a login page stands in between."
    )


def _said(response: requests.Response) -> str:
    return f"The market at {_cleaned(response.url.partition('?')[0])} answered {response.status_code}"


def _type(response: requests.Response) -> str:
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _cleaned(text: str) -> str:
    shown = " ".join("".join(c if c.isprintable() else " " for c in text[: 20 * _SHOWN]).split())
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."


def _retry_after(response: requests.Response) -> float | None:
    """Return the seconds that a server wants to be left alone; it may name a moment instead."""
    said = response.headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]{1,9}", said):
        return float(said)
    try:
        moment = parsedate_to_datetime(said)
        return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())
    except (TypeError, ValueError):
        return None
