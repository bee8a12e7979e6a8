"""Zips put together record by record."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from learnware._zip import CENTRAL, DEFLATED, END, LOCAL, STORED, UTF8
from tests.bundle.corpus.bases import files_of, plain

FILE_MODE = 0o100644 << 16
MODEL = "model/model.skops"


class Zip:
    """A zip put together record by record, each part as wrong as wanted."""

    def __init__(self) -> None:
        self.body, self.directory, self.n_entries = io.BytesIO(), b"", 0

    def add(
        self,
        name: str | bytes,
        content: bytes = b"content",
        *,
        deflate: bool = False,
        local: dict[str, Any] | None = None,
        central: dict[str, Any] | None = None,
        both: dict[str, Any] | None = None,
        gap: bytes = b"",
    ) -> Zip:
        """Add an entry; the dictionaries replace fields of its records."""
        raw = name.encode() if isinstance(name, str) else name
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = packer.compress(content) + packer.flush() if deflate else content
        fields: dict[str, Any] = {
            "version": 20, "flags": UTF8, "method": DEFLATED if deflate else STORED, "time": 0, "date": 33,
            "crc": zlib.crc32(content), "packed": len(packed), "size": len(content), "name": raw, "extra": b"",
            "comment": b"", "disk": 0, "attributes": FILE_MODE, "made": 3 << 8 | 20, "data": packed, **(both or {}),
        }  # fmt: skip
        self.body.write(gap)
        offset = self.body.tell()
        self.body.write(_local({**fields, **(local or {})}))
        self.directory += _central({**fields, "offset": offset, **(central or {})})
        self.n_entries += 1
        return self

    def bytes(self, **end: Any) -> bytes:
        """Return the file; keywords replace fields of its end record."""
        body = self.body.getvalue()
        fields = {
            "disk": 0, "first": 0, "here": self.n_entries, "all": self.n_entries, "size": len(self.directory),
            "start": len(body), "comment": b"", "before": b"", **end,
        }  # fmt: skip
        values = [fields[name] for name in ("disk", "first", "here", "all", "size", "start")]
        last = END.pack(b"PK\x05\x06", *values, len(fields["comment"])) + fields["comment"]
        return body + self.directory + fields["before"] + last


def _local(f: dict[str, Any]) -> bytes:
    fixed = (f["version"], f["flags"], f["method"], f["time"], f["date"], f["crc"], f["packed"], f["size"])
    return LOCAL.pack(b"PK\x03\x04", *fixed, len(f["name"]), len(f["extra"])) + f["name"] + f["extra"] + f["data"]


def _central(f: dict[str, Any]) -> bytes:
    fixed = (f["version"], f["flags"], f["method"], f["time"], f["date"], f["crc"], f["packed"], f["size"])
    lengths = (len(f["name"]), len(f["extra"]), len(f["comment"]))
    head = CENTRAL.pack(b"PK\x01\x02", f["made"], *fixed, *lengths, f["disk"], 0, f["attributes"], f["offset"])
    return bytes(head + f["name"] + f["extra"] + f["comment"])


def one(name: str | bytes = "a", content: bytes = b"content", **fields: Any) -> bytes:
    """Return a zip of one entry."""
    return Zip().add(name, content, **fields).bytes()


def two(first: dict[str, Any] | None = None, second: dict[str, Any] | None = None, names: str = "ab") -> bytes:
    """Return a zip of two entries."""
    return Zip().add(names[0], **(first or {})).add(names[1], **(second or {})).bytes()


def sound_but(name: str, **fields: Any) -> bytes:
    """Return the plain package with other fields of one of its entries."""
    archive = Zip()
    for path, content in sorted(files_of(plain()).items()):
        archive.add(path, content, **(fields if path == name else {}))
    return archive.bytes()


def stdlib(change: Callable[[zipfile.ZipFile], Any], **options: Any) -> bytes:
    """Return a zip as Python's own writer makes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        change(archive)
    return buffer.getvalue()


class _Stream(io.RawIOBase):
    """A file that cannot be sought, so that sizes come after contents."""

    def __init__(self) -> None:
        self.content = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.content += bytes(data)
        return len(data)


def streamed() -> bytes:
    stream = _Stream()
    with zipfile.ZipFile(stream, "w") as archive:  # type: ignore[arg-type]
        archive.writestr("a", b"content")
    return stream.content


def mode(kind: int) -> dict[str, Any]:
    return {"central": {"attributes": kind << 16}}


def overlap_bomb() -> bytes:
    """Many entries that share one long run of zeros."""
    archive = Zip().add("a00", bytes(10**6), deflate=True)
    for i in range(1, 100):
        archive.n_entries += 1
        archive.directory += archive.directory[: CENTRAL.size] + b"a%02d" % i
    return archive.bytes()


def shared_tail() -> bytes:
    """Return the form of bomb in which each header is quoted by the entry before it."""
    inner = Zip().add("b", b"x" * 50).body.getvalue()
    archive = Zip().add("a", inner)
    start = LOCAL.size + 1
    archive.directory += Zip().add("b", b"x" * 50, central={"offset": start}).directory
    archive.n_entries += 1
    return archive.bytes()


def many(n: int) -> bytes:
    archive = Zip()
    for i in range(n):
        archive.add(f"f{i:05}", b"")
    return archive.bytes()


def patched(data: bytes, place: int, value: bytes) -> bytes:
    place = place % len(data)
    return data[:place] + value + data[place + len(value) :]


def spread() -> bytes:
    """Entries that are each small enough, but not together."""
    archive = Zip()
    for i in range(200):
        archive.add(f"f{i:03}", bytes(2**20), deflate=True)
    return archive.bytes()


def in_the_plain(name: str, content: bytes) -> bytes:
    archive = Zip()
    for path, part in sorted({**files_of(plain()), name: content}.items()):
        archive.add(path, part)
    return archive.bytes()


def without(name: str) -> bytes:
    archive = Zip()
    for path, part in sorted(files_of(plain()).items()):
        if path != name:
            archive.add(path, part)
    return archive.bytes()


def patched_out() -> bytes:
    archive = Zip().add("a").add("b")
    archive.directory = archive.directory[: len(archive.directory) // 2]
    archive.n_entries = 1
    return archive.bytes()


def deflated_and(more: bytes, *, cut: int = 0) -> bytes:
    content = files_of(plain())[MODEL]
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(content) + packer.flush()
    data = data[: len(data) - cut] + more
    return sound_but(MODEL, both={"method": DEFLATED, "data": data, "packed": len(data)})


def sound_with(name: str, content: bytes) -> bytes:
    archive = Zip()
    for path, part in sorted({**files_of(plain()), name: content}.items()):
        archive.add(path, part)
    return archive.bytes()


def changed_content(name: str) -> bytes:
    content = bytearray(files_of(plain())[name])
    content[len(content) // 2] ^= 1
    return sound_with(name, bytes(content))
