"""The records of a zip, read so strictly that every other reader finds the same files.

All of the file must be a row of entries, a directory that says the same as their headers, and an end record: no gap, no
overlap, nothing before or after, no comment, link, encryption, descriptor or 64-bit extension. Nothing is inflated.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass

from learnware.errors import LearnwareError

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
STORED, DEFLATED = 0, 8
UTF8 = 0x800

_ENCRYPTED, _DESCRIPTOR = 0x1 | 0x40 | 0x2000, 0x8
_UNKNOWN = 0xFFFFFFFF
_LONGEST_COMMENT = 2**16

#: Makes the error from a reason, a code and the name of the file inside, "" for the archive itself.
Refuse = Callable[[str, str, str], LearnwareError]


@dataclass(frozen=True)
class Entry:
    """Where one file lies in the archive, and what its record in the directory says."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    record: bytes = b""

    @property
    def start(self) -> int:
        """Position of its content."""
        return self.offset + LOCAL.size + len(self.name.encode())


def read_entries(data: bytes, refuse: Refuse, *, max_entries: int, max_directory: int) -> list[Entry]:
    """Return the entries of a zip in the order in which they lie there.

    Parameters
    ----------
    data : bytes
    refuse : callable
        Makes the error to raise.
    max_entries, max_directory : int
        Largest number of entries, and of bytes of the directory.
    """
    n_entries, size, start = _read_end(data, refuse, max_entries, max_directory)
    entries, position = [], start
    for _ in range(n_entries):
        entry = _read_record(data, position, start + size, refuse)
        entries.append(entry)
        position += len(entry.record)
    if position != start + size:
        raise refuse("its directory has bytes that belong to no file", "directory", "")
    _check_layout(data, entries, start, refuse)
    return entries


def _read_end(data: bytes, refuse: Refuse, max_entries: int, max_directory: int) -> tuple[int, int, int]:
    place = data.rfind(b"PK\x05\x06", max(0, len(data) - END.size - _LONGEST_COMMENT))
    if place < 0 or len(data) - place < END.size:
        cut = data[:2] == b"PK"[: len(data[:2])] and data
        raise refuse(*(("it ends too early", "truncated") if cut else ("it is no zip", "not-a-zip")), "")
    _, disk, first_disk, here, n_entries, size, start, comment = END.unpack_from(data, place)
    end = place + END.size
    if end != len(data):
        if comment and end + comment == len(data):
            raise refuse("it has a comment", "comment", "")
        raise refuse(*(("it ends too early", "truncated") if end + comment > len(data) else _TRAILING), "")
    if comment:
        raise refuse("it ends too early", "truncated", "")
    if (n_entries, here) == (0xFFFF, 0xFFFF) or _UNKNOWN in (size, start) or data[place - 20 : place - 16] == _LOCATOR:
        raise refuse("it uses the 64-bit extensions of zip", "zip64", "")
    if disk or first_disk or here != n_entries:
        raise refuse("it says that it is one of several parts", "multi-disk", "")
    if n_entries > max_entries:
        raise refuse(f"it has {n_entries:,} files, more than {max_entries:,}", "too-many-files", "")
    if size > max_directory:
        raise refuse(f"its directory has {size:,} bytes, more than {max_directory:,}", "directory-size", "")
    if start + size > place:
        raise refuse("its directory would begin before the file does", "truncated", "")
    if start + size < place:
        before = n_entries > 0 and data[:4] != b"PK\x03\x04"
        raise refuse(*(_PREPENDED if before else _GAP), "")
    return n_entries, size, start


_LOCATOR = b"PK\x06\x07"
_TRAILING = ("it has bytes after its end", "trailing-bytes")
_PREPENDED = ("it has bytes before its beginning", "prepended-bytes")
_GAP = ("it has bytes that belong to no file", "gap")


def _read_record(data: bytes, position: int, end: int, refuse: Refuse) -> Entry:
    fixed = data[position : position + CENTRAL.size]
    if position + CENTRAL.size > end or fixed[:4] != b"PK\x01\x02":
        raise refuse("its directory is damaged", "directory", "")
    _, _, _, flags, method, _, _, crc, packed, size, n_name, n_extra, n_comment, disk, _, attributes, offset = (
        CENTRAL.unpack(fixed)
    )
    length = CENTRAL.size + n_name + n_extra + n_comment
    record = data[position : position + length]
    if position + length > end:
        raise refuse("its directory is damaged", "directory", "")
    raw = record[CENTRAL.size : CENTRAL.size + n_name]
    try:
        name = raw.decode("utf-8" if flags & UTF8 else "ascii")
    except UnicodeDecodeError as error:
        raise refuse(f"the name {raw[:60]!r} is not UTF-8", "name", ascii(raw)[2:-1]) from error
    _check_flags(flags, method, name, refuse)
    if n_extra or _UNKNOWN in (packed, size, offset):
        long = _UNKNOWN in (packed, size, offset) or record[CENTRAL.size + n_name :][:2] == b"\x01\x00"
        what, code = ("64-bit sizes", "zip64") if long else ("an extra field", "extra")
        raise refuse(f"{name!r} has {what}", code, name)
    if n_comment:
        raise refuse(f"{name!r} has a comment", "comment", name)
    if disk:
        raise refuse(f"{name!r} says that it lies in another part", "multi-disk", name)
    _check_kind(name, attributes, refuse)
    if method == STORED and packed != size:
        raise refuse(f"the sizes of {name!r} disagree", "size", name)
    return Entry(name, method, crc, packed, size, offset, record)


def _check_flags(flags: int, method: int, name: str, refuse: Refuse) -> None:
    if flags & _ENCRYPTED:
        raise refuse(f"{name!r} is encrypted", "encrypted", name)
    if flags & _DESCRIPTOR:
        raise refuse(f"{name!r} tells its size only after its content", "descriptor", name)
    if flags & ~UTF8:
        raise refuse(f"{name!r} has flags that nobody should need", "flags", name)
    if method not in (STORED, DEFLATED):
        raise refuse(f"{name!r} is packed by method {method}, not stored or deflated", "method", name)


def _check_kind(name: str, attributes: int, refuse: Refuse) -> None:
    mode = attributes >> 16
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFLNK:
        raise refuse(f"{name!r} is a link", "link", name)
    if kind == stat.S_IFDIR or name.endswith("/") or attributes & 0x10:
        raise refuse(f"{name!r} is a folder", "folder", name)
    if kind not in (0, stat.S_IFREG):
        raise refuse(f"{name!r} is a device, pipe or socket", "device", name)
    if mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX):
        raise refuse(f"{name!r} asks for the rights of another user", "permissions", name)


def _check_layout(data: bytes, entries: list[Entry], end: int, refuse: Refuse) -> None:
    position = 0
    for entry in entries:
        if entry.offset != position:
            inside = entry.offset < position
            reason = "lies inside another file" if inside else "leaves a gap before it"
            raise refuse(f"{entry.name!r} {reason}", "overlap" if inside else "gap", entry.name)
        _check_header(data, entry, refuse)
        position = entry.start + entry.packed
        if position > end:
            raise refuse(f"{entry.name!r} runs into the directory", "overlap", entry.name)
    if position != end:
        raise refuse(*_GAP, "")


def _check_header(data: bytes, entry: Entry, refuse: Refuse) -> None:
    header = data[entry.offset : entry.offset + LOCAL.size]
    if len(header) < LOCAL.size or header[:4] != b"PK\x03\x04":
        raise refuse(f"{entry.name!r} is not where the directory says", "local-header", entry.name)
    _, _, flags, method, *_, n_name, n_extra = LOCAL.unpack(header)
    _check_flags(flags, method, entry.name, refuse)
    if n_extra:
        raise refuse(f"{entry.name!r} has an extra field", "extra", entry.name)
    name = data[entry.offset + LOCAL.size : entry.offset + LOCAL.size + n_name]
    # Version, flags, method, time, checksum, sizes and name stand in both records in the same order.
    if name != entry.name.encode() or header[4:28] != entry.record[6:30]:
        raise refuse(f"{entry.name!r} is described in two ways", "local-differs", entry.name)
