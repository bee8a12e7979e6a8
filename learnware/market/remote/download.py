"""Bring the file of a learnware: in pieces, going on where it broke off, and only the bytes that were asked for."""

from __future__ import annotations

import hashlib
import re
import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any

from learnware._progress import progress_bar
from learnware.errors import ChecksumMismatch, MarketUnreachable
from learnware.market.remote.answers import pieces
from learnware.market.remote.part import CacheFault, Part
from learnware.market.remote.patience import Passing, Patience, persevere
from learnware.market.remote.session import Call

if TYPE_CHECKING:
    import requests

    from learnware.market.remote.cache import Cache
    from learnware.market.remote.reference import Standing
    from learnware.market.remote.session import Session

#: Files of so many bytes get a progress bar where someone is looking.
LARGE_BYTES = 8 * 2**20

# Whoever drops connections but sends so much on each is worth more tries.
_PROGRESS_BYTES = 2**20


def download(session: Session, cache: Cache, wanted: Standing) -> bytes:
    """Return the bytes of a learnware, out of the cache or else from the market, which fills the cache.

    Raises
    ------
    ChecksumMismatch
        The market sent other bytes; they are not kept.
    MarketUnreachable
        It broke off too often; what has come is kept, and the next call goes on from there.
    """
    data = cache.read(wanted.digest)
    if data is not None:
        return data
    try:
        with cache.part(wanted.digest) as part:
            # Another process may have brought it while this one waited for the lock.
            data = cache.read(wanted.digest)
            if data is not None:
                cache.drop(part)
                return data
            data = _checked(session, cache, part, wanted)
            cache.keep(wanted.digest, part)
            return data
    except CacheFault as fault:
        warnings.warn(f"Learnwares cannot be kept for later: {fault}. LEARNWARE_CACHE names a folder.", stacklevel=4)
    return data if data is not None else _checked(session, cache, Part(BytesIO()), wanted)


def _checked(session: Session, cache: Cache, part: Part, wanted: Standing) -> bytes:
    """Complete a part and return its bytes, which are those that the sha256 promises."""
    patience = Patience()
    shown = None if wanted.size >= LARGE_BYTES else False
    units = {"unit": "B", "unit_scale": True, "unit_divisor": 1024}
    with progress_bar(total=wanted.size, initial=part.size, desc="fetching", shown=shown, **units) as bar:
        try:
            persevere(lambda: _go_on(session, part, wanted, patience, bar), patience)
            data = part.content()
            if hashlib.sha256(data).hexdigest() != wanted.digest:
                raise _mismatch(wanted, f"it sent {len(data):,} others")
        except ChecksumMismatch:
            cache.drop(part)
            raise
    return data


def _go_on(session: Session, part: Part, wanted: Standing, patience: Patience, bar: Any) -> None:
    """Ask for what is missing, once."""
    if part.size > wanted.size:
        part.restart()
    begin = part.size
    if begin == wanted.size:
        return
    headers = {"Accept": "application/zip"}
    if begin:
        headers.update({"Range": f"bytes={begin}-", "If-Range": f'"{wanted.digest}"'})
    try:
        with session.exchange(
            Call("GET", f"/learnwares/{wanted.id}@{wanted.digest}/bundle", headers=headers)
        ) as response:
            _check_start(response, part, wanted)
            for piece in pieces(response):
                if part.size + len(piece) > wanted.size:
                    raise _mismatch(wanted, "it sent more")
                part.write(piece)
                bar.update(part.size - bar.n)
    finally:
        if part.size - begin >= _PROGRESS_BYTES:
            patience.renew()
    if part.size < wanted.size:
        raise Passing(MarketUnreachable(f"The market at {session.url} broke off after {part.size:,} bytes."))


def _check_start(response: requests.Response, part: Part, wanted: Standing) -> None:
    """Begin at the beginning, unless the answer goes on where the part ends."""
    tag = response.headers.get("ETag")
    if tag is not None and tag.removeprefix("W/").strip('"') != wanted.digest:
        raise _mismatch(wanted, f"it offers {tag:.80}")
    told = re.match(r"bytes ([0-9]+)-", response.headers.get("Content-Range", ""))
    if response.status_code != 206 or told is None or int(told[1]) != part.size:
        if response.status_code == 206:
            raise _mismatch(wanted, "it sent another part than was asked for")
        part.restart()


def _mismatch(wanted: Standing, got: str) -> ChecksumMismatch:
    return ChecksumMismatch(
        f"The market promised {wanted.size:,} bytes of sha256 {wanted.digest} for {wanted.id}, but {got}. Nothing of "
        "them is kept. Fetch it again; if that does not help, the file is damaged there, or on its way."
    )
