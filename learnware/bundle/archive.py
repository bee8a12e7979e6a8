"""The only code that reads or writes the zip of a learnware.

Writing is deterministic: sorted names, one timestamp, one mode. Reading is strict: a file is refused unless its bytes
are exactly a row of entries, a directory that agrees with them, and an end record, without gaps, overlaps, comments,
links, encryption or 64-bit extensions. So a file means the same to every reader, and its size is known before
anything is inflated.
"""

from __future__ import annotations

import io
import os
import struct
import unicodedata
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from learnware.errors import BundleError

#: Limits on what is read and written, in bytes where not said otherwise.
LIMITS: Mapping[str, int] = MappingProxyType(
    {
        "file": 2**31 - 1,
        "entries (number)": 1000,
        "directory": 2**20,
        "unpacked, all entries": 2**31 - 1,
        "unpacked, one entry": 2**30,
        "ratio of entries over 1 MiB (times)": 100,
        "name": 240,
        "depth of names (number)": 8,
    }
)

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_STORED, _DEFLATED = 0, 8
_UTF8 = 0x800
_DATE_1980 = (1 << 5) | 1
_VERSION = 20
_UNIX_FILE_0644 = 0o100644 << 16


@dataclass(frozen=True)
class Entry:
    """Where one file lies in the archive."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    offset: int

    @property
    def local_header(self) -> bytes:
        """The header that must stand before the data."""
        name = self.name.encode()
        fixed = (_VERSION, _UTF8, self.method, 0, _DATE_1980, self.crc, self.packed, self.size, len(name), 0)
        return _LOCAL.pack(b"PK\x03\x04", *fixed) + name

    @property
    def directory_record(self) -> bytes:
        """The record that must stand in the directory."""
        name = self.name.encode()
        made_by_unix = (3 << 8) | _VERSION
        fixed = (made_by_unix, _VERSION, _UTF8, self.method, 0, _DATE_1980, self.crc, self.packed, self.size)
        return _CENTRAL.pack(b"PK\x01\x02", *fixed, len(name), 0, 0, 0, 0, _UNIX_FILE_0644, self.offset) + name


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return the zip of `files`; equal files give equal bytes.

    Raises
    ------
    BundleError
        A name is unsafe, or a limit is exceeded.

    Examples
    --------
    >>> from learnware.bundle.archive import Archive, pack
    >>> data = pack({"b.txt": b"two", "a.txt": b"one"})
    >>> Archive(data).names, Archive(data).read("b.txt")
    (('a.txt', 'b.txt'), b'two')
    """
    body = io.BytesIO()
    records = []
    for name in sorted(files):
        content = files[name]
        _check_name(name)
        method, packed = _squeezed(content)
        entry = Entry(name, method, zlib.crc32(content), len(packed), len(content), body.tell())
        body.write(entry.local_header + packed)
        records.append(entry)
    directory = b"".join(entry.directory_record for entry in records)
    start = body.tell()
    data = body.getvalue() + directory + _end_record(len(records), len(directory), start)
    _check_limits(records, len(data), len(directory))
    return data


def _squeezed(content: bytes) -> tuple[int, bytes]:
    # A look at the start tells weights, which hardly shrink, from text without packing hundreds of megabytes in vain.
    start = content[: 2**20]
    if len(zlib.compress(start, 6)) > 0.9 * len(start):
        return _STORED, content
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = packer.compress(content) + packer.flush()
    if len(packed) * (LIMITS["ratio of entries over 1 MiB (times)"] // 2) < len(content):
        return _STORED, content
    return _DEFLATED, packed


def _end_record(n_entries: int, directory_size: int, directory_start: int) -> bytes:
    return _END.pack(b"PK\x05\x06", 0, 0, n_entries, n_entries, directory_size, directory_start, 0)


class Archive:
    """A zip that is checked on opening and read entry by entry.

    Parameters
    ----------
    source : bytes
        The content of the file.

    Raises
    ------
    BundleError
        It is damaged, or not of the form that `pack` writes; ``code`` says which.
    """

    def __init__(self, source: bytes) -> None:
        self._source = source
        with self._open() as file:
            self._entries = {entry.name: entry for entry in _directory(file)}
        self.names = tuple(self._entries)

    @staticmethod
    def read_file(path: Path) -> bytes:
        """Return the content of a learnware's file.

        Raises
        ------
        BundleError
            It is absent, cannot be read, or is larger than the limit.
        """
        try:
            _check_size(path.stat().st_size)
            return path.read_bytes()
        except FileNotFoundError as error:
            raise BundleError(f"There is no learnware file at {path}.", code="missing") from error
        except OSError as error:
            raise BundleError(f"The learnware file {path} cannot be read: {error}.", code="unreadable") from error

    def _open(self) -> BinaryIO:
        return io.BytesIO(self._source)

    def read(self, name: str, *, limit: int | None = None) -> bytes:
        """Return the content of one entry, of at most `limit` bytes.

        Raises
        ------
        BundleError
            It is absent, larger than the limit, or damaged.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise BundleError(f"The learnware lacks the file {name!r}.", code="incomplete")
        if limit is not None and entry.size > limit:
            raise BundleError(f"{name} must have at most {limit:,} bytes. Got {entry.size:,}.", code="too-large")
        with self._open() as file:
            file.seek(entry.offset)
            header = file.read(len(entry.local_header))
            packed = file.read(entry.packed)
        if header != entry.local_header or len(packed) != entry.packed:
            raise _damaged(f"the file {name!r} is not where the directory says", "truncated")
        return _inflated(entry, packed)

    def read_all(self) -> bytes:
        """Return the bytes of the whole archive."""
        return self._source


def _inflated(entry: Entry, packed: bytes) -> bytes:
    content = packed
    if entry.method == _DEFLATED:
        inflater = zlib.decompressobj(-15)
        try:
            content = inflater.decompress(packed, entry.size + 1)
        except zlib.error as error:
            raise _damaged(f"{entry.name} cannot be inflated ({error})", "corrupt") from error
        if not inflater.eof or inflater.unused_data:
            raise _damaged(f"{entry.name} does not end where the directory says", "corrupt")
    if len(content) != entry.size or zlib.crc32(content) != entry.crc:
        raise _damaged(f"{entry.name} is not what was written", "corrupt")
    return content


def _check_size(total: int) -> None:
    if total > LIMITS["file"]:
        raise BundleError(
            f"A learnware file must have at most {LIMITS['file']:,} bytes. Got {total:,}.", code="too-large"
        )


def _directory(file: BinaryIO) -> list[Entry]:
    total = file.seek(0, os.SEEK_END)
    _check_size(total)
    if total < _END.size:
        raise _damaged(f"{total} bytes are too few", "truncated")
    file.seek(total - _END.size)
    end = file.read(_END.size)
    n_entries, size, start = _END.unpack(end)[4:7]
    if end != _end_record(n_entries, size, start) or start + size + _END.size != total:
        raise _damaged("it does not end as a zip of this library does", "truncated")
    if n_entries > LIMITS["entries (number)"] or size > LIMITS["directory"]:
        raise BundleError(f"A learnware must have at most {LIMITS['entries (number)']} files.", code="too-large")
    file.seek(start)
    entries = _parse_directory(file.read(size), n_entries)
    _check_limits(entries, total, size)
    position = 0
    for entry in entries:
        if entry.offset != position:
            raise _damaged("its files overlap or leave gaps", "layout")
        position += len(entry.local_header) + entry.packed
    if position != start:
        raise _damaged("its files overlap or leave gaps", "layout")
    return entries


def _parse_directory(directory: bytes, n_entries: int) -> list[Entry]:
    entries: list[Entry] = []
    position = 0
    for _ in range(n_entries):
        fixed = directory[position : position + _CENTRAL.size]
        if len(fixed) < _CENTRAL.size:
            raise _damaged("its directory is incomplete", "layout")
        fields = _CENTRAL.unpack(fixed)
        method, crc, packed, size, length, offset = fields[4], *fields[7:11], fields[16]
        raw = directory[position + _CENTRAL.size : position + _CENTRAL.size + length]
        try:
            entry = Entry(raw.decode("utf-8"), method, crc, packed, size, offset)
        except UnicodeDecodeError as error:
            raise _damaged("a name is not UTF-8", "name") from error
        # Whatever else a record may say (links, comments, encryption, extensions) makes it differ from ours.
        if method not in (_STORED, _DEFLATED) or fixed + raw != entry.directory_record:
            raise _damaged(f"its record of {entry.name!r} is not of the kind that this library writes", "layout")
        _check_name(entry.name)
        entries.append(entry)
        position += _CENTRAL.size + length
    names = [entry.name for entry in entries]
    if position != len(directory) or names != sorted(set(names)):
        raise _damaged("its directory has repeated or unsorted names", "layout")
    return entries


def _check_name(name: str) -> None:
    parts = name.split("/")
    safe = (
        name.isascii()
        and all(part and not part.startswith(".") and not part.endswith(".") for part in parts)
        and all(c.isalnum() or c in "._-/" for c in name)
        and len(name) <= LIMITS["name"]
        and len(parts) <= LIMITS["depth of names (number)"]
        and name == unicodedata.normalize("NFC", name).lower()
        and not any(part.partition(".")[0] in _DEVICES for part in parts)
    )
    if not safe:
        raise BundleError(
            f"Names in a learnware are made of lower-case letters, digits, '.', '_' and '-'. Got {name!r}.",
            code="name",
        )


def _check_limits(entries: list[Entry], total: int, directory_size: int) -> None:
    sizes = [entry.size for entry in entries]
    stored = [entry for entry in entries if entry.method == _STORED and entry.size != entry.packed]
    dense = [e for e in entries if e.size > max(2**20, LIMITS["ratio of entries over 1 MiB (times)"] * e.packed)]
    exceeded = {
        "file": total > LIMITS["file"],
        "entries (number)": len(entries) > LIMITS["entries (number)"],
        "directory": directory_size > LIMITS["directory"],
        "unpacked, all entries": sum(sizes) > LIMITS["unpacked, all entries"],
        "unpacked, one entry": max(sizes, default=0) > LIMITS["unpacked, one entry"],
        "ratio of entries over 1 MiB (times)": bool(dense),
    }
    for name, beyond in exceeded.items():
        if beyond:
            raise BundleError(f"A learnware file exceeds a limit: {name} {LIMITS[name]:,}.", code="too-large")
    if stored:
        raise _damaged(f"the sizes of {stored[0].name!r} disagree", "layout")


_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10))}


def _damaged(reason: str, code: str) -> BundleError:
    return BundleError(
        f"This is not an intact learnware file: {reason}. Fetch or save it again; files of other origin are not read.",
        code=code,
    )
