"""Zips written field by field, so that each field can be wrong."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

STORED, DEFLATED = 0, 8
REGULAR = 0o100644 << 16
FOLDER = 0o40755 << 16 | 0x10


@dataclass(frozen=True)
class Entry:
    """One entry; what is None follows from the content, and what is local from the directory.

    Parameters
    ----------
    name, content : bytes
    method, flags, crc, packed_size, size, attributes, disk, offset, needed : int
        As in the directory.
    extra, comment : bytes
    packed : bytes
        The data as stored.
    local_name, local_method, local_flags, local_crc, local_packed_size, local_size, local_extra
        As in the header before the data.
    descriptor : 12, 16, 24 or bytes
        What follows the data.
    before : bytes
        What stands before the header.
    signature : bytes
        Of the record in the directory.
    """

    name: bytes
    content: bytes = b""
    method: int = DEFLATED
    flags: int = 0
    crc: int | None = None
    packed_size: int | None = None
    size: int | None = None
    attributes: int = REGULAR
    disk: int = 0
    needed: int = 20
    offset: int | None = None
    extra: bytes = b""
    comment: bytes = b""
    packed: bytes | None = None
    local_name: bytes | None = None
    local_method: int | None = None
    local_flags: int | None = None
    local_crc: int | None = None
    local_packed_size: int | None = None
    local_size: int | None = None
    local_extra: bytes | None = None
    descriptor: int | bytes = b""
    before: bytes = b""
    signature: bytes = b"PK\x01\x02"
    local_signature: bytes = b"PK\x03\x04"

    @property
    def data(self) -> bytes:
        """What is stored."""
        if self.packed is not None:
            return self.packed
        return deflated(self.content) if self.method == DEFLATED else self.content

    @property
    def measures(self) -> tuple[int, int, int]:
        """Checksum, packed size and size, as in the directory."""
        own = (zlib.crc32(self.content), len(self.data), len(self.content))
        said = (self.crc, self.packed_size, self.size)
        return tuple(b if a is None else a for a, b in zip(said, own, strict=True))  # type: ignore[return-value]

    def body(self) -> bytes:
        """Return header, data and what follows."""
        crc, packed, size = self.measures
        name, extra = _or(self.local_name, self.name), _or(self.local_extra, self.extra)
        header = struct.pack(
            "<4s5H3L2H",
            self.local_signature,
            20,
            _or(self.local_flags, self.flags),
            _or(self.local_method, self.method),
            0x63C0,
            0x583F,
            _or(self.local_crc, crc),
            _or(self.local_packed_size, packed),
            _or(self.local_size, size),
            len(name),
            len(extra),
        )
        after = {
            12: struct.pack("<3L", crc, packed, size),
            16: struct.pack("<4s3L", b"PK\x07\x08", crc, packed, size),
            24: struct.pack("<4sL2Q", b"PK\x07\x08", crc, packed, size),
        }
        tail = after[self.descriptor] if isinstance(self.descriptor, int) else self.descriptor
        return header + name + extra + self.data + tail

    def record(self, offset: int) -> bytes:
        """Return the record in the directory."""
        lengths = (len(self.name), len(self.extra), len(self.comment))
        fixed = struct.pack(
            "<4s6H3L5H2L",
            self.signature,
            (3 << 8) | 20,
            self.needed,
            self.flags,
            self.method,
            0x63C0,
            0x583F,
            *self.measures,
            *lengths,
            self.disk,
            0,
            self.attributes,
            _or(self.offset, offset),
        )
        return fixed + self.name + self.extra + self.comment


def written(
    entries: list[Entry],
    *,
    before: bytes = b"",
    before_directory: bytes = b"",
    before_end: bytes = b"",
    after: bytes = b"",
    comment: bytes = b"",
    reverse: bool = False,
    **end: Any,
) -> bytes:
    """Return the zip of `entries`; `end` replaces fields of its end: disk, first_disk, here, total, size, start."""
    body, records = before, []
    for entry in entries:
        body += entry.before
        records.append(entry.record(len(body)))
        body += entry.body()
    body += before_directory
    directory = b"".join(reversed(records) if reverse else records) + before_end
    fields = {"disk": 0, "first_disk": 0, "here": len(records), "total": len(records)}
    fields.update(size=len(directory), start=len(body))
    fields.update(end)
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", *fields.values(), len(comment))
    return body + directory + tail + comment + after


def entries_of(data: bytes) -> list[Entry]:
    """Return the files of a zip as entries."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [
            Entry(info.filename.encode(), archive.read(info), attributes=info.external_attr, flags=info.flag_bits)
            for info in archive.infolist()
        ]


def deflated(content: bytes) -> bytes:
    """Return content as zips pack it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def field(kind: int, content: bytes = b"") -> bytes:
    """Return one extra field."""
    return struct.pack("<2H", kind, len(content)) + content


def _or(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else value
