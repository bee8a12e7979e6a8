"""One entry of a zip that another program wrote: what the directory and the header before its data say about it.

Both are compared, and whatever would make one file mean different things to different readers is refused: names in an
unknown alphabet or given twice, links and devices, encryption, 64-bit extensions, comments.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from learnware.errors import MalformedArchive

STORED, DEFLATED = 0, 8

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_DESCRIPTOR, _UTF8 = 0x0008, 0x0800
_COMPRESSION_OPTIONS = 0x0006
_FOLDER, _VOLUME = 0x10, 0x08
_MAX_32 = 0xFFFFFFFF
# The newest version of the zip format that common programs read, times ten.
_NEWEST = 63
#: Extra fields that change what an entry means. Others tell times, owners and the like, which nobody here reads.
_TELLING_EXTRAS = {
    0x0001: ("zip64", "64-bit sizes"),
    0x000D: ("extra", "the target of a link"),
    0x0017: ("encrypted", "encryption"),
    0x6375: ("extra", "a comment"),
    0x7075: ("extra", "a second name"),
    0x756E: ("extra", "the target of a link"),
    0x9901: ("encrypted", "encryption"),
}


@dataclass(frozen=True)
class Record:
    """What the directory says about one entry.

    Parameters
    ----------
    name : str
        Its name, without the ``/`` that marks a folder.
    raw_name : bytes
        The name as written.
    folder : bool
        Whether it is a folder.
    flags, method, crc, packed, size, offset : int
        As in the file; sizes in bytes.
    """

    name: str
    raw_name: bytes
    folder: bool
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int

    @property
    def described(self) -> bool:
        """Whether sizes and checksum stand behind the data too."""
        return bool(self.flags & _DESCRIPTOR)


def malformed(reason: str, code: str, file: str | None = None) -> MalformedArchive:
    """Return the error for a zip that is damaged or ambiguous."""
    return MalformedArchive(
        f"The zip must be whole, and mean the same to every reader: {reason}. Pack the files again with a common "
        "program and its standard settings.",
        code=code,
        file=file,
    )


def read_directory(directory: bytes, n_entries: int) -> list[Record]:
    """Return the records of a zip's directory.

    Raises
    ------
    MalformedArchive
        A record is not one of a plain file or folder; ``code`` says why.
    """
    records, position = [], 0
    for _ in range(n_entries):
        fixed = directory[position : position + _CENTRAL.size]
        if len(fixed) < _CENTRAL.size or not fixed.startswith(b"PK\x01\x02"):
            raise malformed("its directory does not hold as many records as its end says", "mismatch")
        fields = _CENTRAL.unpack(fixed)
        lengths = fields[10:13]
        position += _CENTRAL.size + sum(lengths)
        if position > len(directory):
            raise malformed("its directory is cut off", "mismatch")
        tail = directory[position - sum(lengths) : position]
        records.append(_record(fields, tail[: lengths[0]], tail[lengths[0] : lengths[0] + lengths[1]]))
    if position != len(directory):
        raise malformed("its directory holds more than the records that its end counts", "mismatch")
    return records


def _record(fields: tuple[int, ...], raw_name: bytes, extra: bytes) -> Record:
    flags, method, crc, packed, size = fields[3], fields[4], *fields[7:10]
    _, _, comment, disk, _, attributes, offset = fields[10:]
    name = _decoded(raw_name, flags)
    if flags & _ENCRYPTED:
        raise malformed(f"{name!r} is encrypted", "encrypted", name)
    if flags & ~(_DESCRIPTOR | _UTF8 | _COMPRESSION_OPTIONS):
        raise malformed(f"{name!r} has flags that no common program sets", "flags", name)
    if fields[2] & 0xFF > _NEWEST:
        raise malformed(f"{name!r} needs a program for a later form of zip", "version", name)
    _check_extra(extra, name)
    if _MAX_32 in (packed, size, offset):
        raise malformed(f"{name!r} has 64-bit sizes", "zip64", name)
    if comment:
        raise malformed(f"{name!r} has a comment", "comment", name)
    if disk:
        raise malformed(f"{name!r} is in another part of a split zip", "multi-disk", name)
    if method not in (STORED, DEFLATED):
        raise malformed(f"{name!r} is packed by method {method}, neither stored nor deflated", "method", name)
    folder = _is_folder(name, attributes)
    if (method == STORED and packed != size) or (folder and size):
        raise malformed(f"{name!r} has sizes that cannot be", "size", name)
    return Record(name.removesuffix("/"), raw_name, folder, flags, method, crc, packed, size, offset)


def _decoded(raw: bytes, flags: int) -> str:
    try:
        # Without the flag for UTF-8, every program takes bytes beyond ASCII for another alphabet.
        return raw.decode("utf-8" if flags & _UTF8 else "ascii")
    except UnicodeDecodeError as error:
        raise malformed(
            f"the name {raw[:80]!r} is not in ASCII, nor marked as UTF-8: rename the file", "name"
        ) from error


def _is_folder(name: str, attributes: int) -> bool:
    """Tell files from folders, and refuse what is neither."""
    folder, mode = name.endswith("/"), attributes >> 16
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFLNK:
        raise malformed(f"{name!r} is a link", "link", name)
    expected = stat.S_IFDIR if folder else stat.S_IFREG
    # A folder may hand down its group, as it does on shared machines; no mode is ever applied.
    special = mode & (stat.S_ISUID if folder else stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX)
    if kind not in (0, expected) or special or attributes & _VOLUME or (attributes & _FOLDER and not folder):
        raise malformed(f"{name!r} is neither a plain file nor a folder", "mode", name)
    return folder


def _check_extra(extra: bytes, name: str) -> None:
    for kind in _extra_kinds(extra, name):
        if kind in _TELLING_EXTRAS:
            code, what = _TELLING_EXTRAS[kind]
            raise malformed(f"{name!r} has an extra field with {what}", code, name)


def _extra_kinds(extra: bytes, name: str) -> Iterator[int]:
    position = 0
    while position < len(extra):
        if len(extra) - position < 4:
            raise malformed(f"the extra fields of {name!r} are cut off", "extra", name)
        kind, length = struct.unpack_from("<2H", extra, position)
        position += 4 + length
        if position > len(extra):
            raise malformed(f"the extra fields of {name!r} are cut off", "extra", name)
        yield kind


def data_start(source: bytes, record: Record) -> int:
    """Return where the data of an entry begins, behind a header that agrees with its record.

    Raises
    ------
    MalformedArchive
        There is no such header.
    """
    fixed = source[record.offset : record.offset + _LOCAL.size]
    if len(fixed) < _LOCAL.size or not fixed.startswith(b"PK\x03\x04"):
        raise malformed(f"{record.name!r} is not where the directory says", "mismatch", record.name)
    _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(fixed)
    name_start: int = record.offset + _LOCAL.size
    extra_start: int = name_start + name_length
    start: int = extra_start + extra_length
    # Before its data, a program that cannot go back may leave open what it knows only afterwards.
    known = (record.crc, record.packed, record.size)
    open_too = record.described and all(a in (0, b) for a, b in zip((crc, packed, size), known, strict=True))
    agrees = (
        source[name_start:extra_start] == record.raw_name
        and method == record.method
        and (flags ^ record.flags) & ~_COMPRESSION_OPTIONS == 0
    )
    _check_extra(source[extra_start:start], record.name)
    if not agrees or ((crc, packed, size) != known and not open_too):
        raise malformed(f"the header of {record.name!r} contradicts the directory", "mismatch", record.name)
    return start


def check_descriptor(found: bytes, record: Record) -> None:
    """Check what stands between the data of an entry and the next one.

    Raises
    ------
    MalformedArchive
        It is not the data descriptor that the record promises, or not nothing where it promises none.
    """
    if not record.described:
        if found:
            raise malformed(
                f"{len(found):,} bytes after {record.name!r} belong to no file", "gap-or-overlap", record.name
            )
        return
    forms = (
        struct.pack("<3L", record.crc, record.packed, record.size),
        struct.pack("<4s3L", b"PK\x07\x08", record.crc, record.packed, record.size),
        struct.pack("<4sL2Q", b"PK\x07\x08", record.crc, record.packed, record.size),
    )
    if len(found) not in map(len, forms):
        raise malformed(f"{record.name!r} does not end where it should", "gap-or-overlap", record.name)
    if found not in forms:
        raise malformed(f"what stands after {record.name!r} contradicts the directory", "mismatch", record.name)
