"""Zips whose form must be refused, whatever they hold, and zips whose unusual form must be taken."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from learnware.errors import BundleError, LimitExceeded, MalformedArchive
from tests.bundle.raw_zip import DEFLATED, FOLDER, STORED, Entry, deflated, entries_of, field, written
from tests.bundle.upstream_zips import make_upstream_zip

Build = Callable[[], bytes]
Row = tuple[str, Build, type[BundleError], str]


def rows(error: type[BundleError], code: str, builds: Mapping[str, Build]) -> Iterator[Row]:
    """Return the rows of zips that are refused for one reason."""
    return ((name, build, error, code) for name, build in builds.items())


def good() -> list[Entry]:
    """Return the entries of a zip that is accepted."""
    return entries_of(make_upstream_zip())


def entry(name: str | bytes = b"extra.txt", content: bytes = b"some text\n" * 9, **fields: Any) -> Build:
    """Return a builder of the good zip with one more entry."""
    raw = name.encode("utf-8", "surrogatepass") if isinstance(name, str) else name
    if not raw.isascii():
        fields.setdefault("flags", 0x800)
    return lambda: written([*good(), Entry(raw, content, **fields)])


def end(**fields: Any) -> Build:
    """Return a builder of the good zip with another end."""
    return lambda: written(good(), **fields)


def names(*further: str) -> Build:
    """Return a builder of the good zip with further empty files."""
    empty = [Entry(name.encode(), flags=0 if name.isascii() else 0x800) for name in further]
    return lambda: written([*good(), *empty])


def cut(n_bytes: int) -> bytes:
    """Return the good zip without its last bytes."""
    return written(good())[:-n_bytes]


def overlapping() -> bytes:
    """Return a zip in which one entry lies within the data of another."""
    inner = Entry(b"inner.txt", b"inner")
    outer = Entry(b"outer.txt", inner.body() + b"outer", method=STORED)
    start = sum(len(e.body()) for e in good())
    inside = start + len(outer.body()) - len(outer.data)
    return written([*good(), outer], before_end=inner.record(inside), here=len(good()) + 2, total=len(good()) + 2)


def shared() -> bytes:
    """Return a zip in which two names share one entry, as bombs of small files do."""
    first = Entry(b"one.txt", b"shared")
    start = sum(len(e.body()) for e in good())
    return written([*good(), first, replace(first, name=b"two.txt", local_name=b"one.txt", offset=start)])


def many(number: int) -> bytes:
    """Return a zip of so many further files."""
    return written([*good(), *(Entry(b"f%d" % i, method=STORED) for i in range(number))])


def bomb(number: int) -> bytes:
    """Return a zip of so many further files, each as large as it may be whatever its ratio."""
    content = bytes(2**20)
    packed = deflated(content)
    return written([*good(), *(Entry(b"f%d" % i, content, packed=packed) for i in range(number))])


def zip64() -> bytes:
    """Return a zip that Python writes with 64-bit sizes."""
    buffer = io.BytesIO(make_upstream_zip())
    with zipfile.ZipFile(buffer, "a") as archive, archive.open("large.bin", "w", force_zip64=True) as file:
        file.write(b"small")
    return buffer.getvalue()


_WITH_DESCRIPTOR: dict[str, Any] = {"flags": 8, "descriptor": 16}

REJECTED_FORMS: list[Row] = [
    *rows(MalformedArchive, "not-a-zip", {
        "nothing": lambda: b"",
        "text": lambda: b"model:\n  class_name: MyModel\n" * 9,
    }),
    *rows(MalformedArchive, "truncated", {
        "end cut off": partial(cut, 1),
        "end missing": partial(cut, 22),
        "directory missing": partial(cut, 300),
    }),
    *rows(MalformedArchive, "trailing-bytes", {"bytes behind": end(after=b"x")}),
    *rows(MalformedArchive, "gap-or-overlap", {
        "a zip before it": lambda: written(good()) + written(good()),
        "bytes before": lambda: b"#!/bin/sh\n" + written(good()),
        "bytes before, counted": end(before=b"#!/bin/sh\n"),
        "bytes before nothing": lambda: written([], before=b"gap"),
        "gap": entry(before=b"gap"),
        "gap of a descriptor": entry(before=bytes(16)),
        "gap before the directory": end(before_directory=b"gap"),
        "directory elsewhere": end(start=9),
        "entry within an entry": overlapping,
        "entry of two names": shared,
        "entry elsewhere": entry(offset=7),
        "entry beyond the end": entry(offset=2**30),
        "descriptor absent": entry(flags=8),
        "descriptor not announced": entry(descriptor=16),
        "descriptor of another size": entry(flags=8, descriptor=bytes(20)),
    }),
    *rows(MalformedArchive, "mismatch", {
        "gap before the end": end(before_end=b"gap"),
        "fewer records": end(here=9, total=9),
        "more records": end(here=2, total=2),
        "other mark in the directory": entry(signature=b"PK\1\3"),
        "other mark before the data": entry(local_signature=b"PK\3\5"),
        "other name before the data": entry(local_name=b"other.txt"),
        "other method before the data": entry(local_method=STORED),
        "other flags before the data": entry(local_flags=0x800),
        "other checksum before the data": entry(local_crc=1),
        "other size before the data": entry(local_size=1),
        "no size before the data": entry(local_size=0),
        "descriptor of something else": entry(flags=8, descriptor=bytes(16)),
        "descriptor and another size": entry(local_size=1, **_WITH_DESCRIPTOR),
    }),
    *rows(MalformedArchive, "comment", {"comment": end(comment=b"hello"), "comment of an entry": entry(comment=b"x")}),
    *rows(MalformedArchive, "multi-disk", {
        "part of a split zip": end(disk=1),
        "directory in another part": end(first_disk=1),
        "two counts": end(here=1),
        "entry in another part": entry(disk=1),
    }),
    *rows(MalformedArchive, "zip64", {
        "64-bit entry": zip64,
        "64-bit number": end(here=0xFFFF, total=0xFFFF),
        "64-bit offset": end(start=0xFFFFFFFF),
        "64-bit size": entry(size=0xFFFFFFFF),
        "64-bit extra": entry(extra=field(1, bytes(8))),
        "64-bit locator": end(before_end=b"PK\6\7" + bytes(16)),
    }),
    *rows(MalformedArchive, "encrypted", {
        "encrypted": entry(flags=1),
        "strongly encrypted": entry(flags=0x40),
        "encrypted directory": entry(flags=0x2000),
        "encrypted by WinZip": entry(extra=field(0x9901, bytes(7))),
    }),
    *rows(MalformedArchive, "flags", {"patch": entry(flags=0x20)}),
    *rows(MalformedArchive, "version", {"later form of zip": entry(needed=64)}),
    *rows(MalformedArchive, "method", {"bzip2": entry(method=12), "lzma": entry(method=14), "none": entry(method=99)}),
    *rows(MalformedArchive, "extra", {
        "second name": entry(extra=field(0x7075, b"\1abcd")),
        "comment in an extra": entry(extra=field(0x6375, b"\1abcd")),
        "link in an extra": entry(local_extra=field(0x756E, bytes(14))),
        "extra cut off": entry(extra=b"UT\x09\x00abc"),
        "extra of two bytes": entry(extra=b"UT"),
    }),
    *rows(MalformedArchive, "link", {
        "link": entry(attributes=(stat.S_IFLNK | 0o777) << 16),
        "link in a folder of macOS": entry("__MACOSX/x", attributes=(stat.S_IFLNK | 0o777) << 16),
    }),
    *rows(MalformedArchive, "mode", {
        "device": entry(attributes=(stat.S_IFCHR | 0o644) << 16),
        "disk": entry(attributes=(stat.S_IFBLK | 0o644) << 16),
        "pipe": entry(attributes=(stat.S_IFIFO | 0o644) << 16),
        "socket": entry(attributes=(stat.S_IFSOCK | 0o644) << 16),
        "setuid": entry(attributes=0o104755 << 16),
        "setgid": entry(attributes=0o102755 << 16),
        "file named as a folder": entry("x/", b""),
        "folder named as a file": entry("x", b"", attributes=FOLDER),
        "volume label": entry(attributes=8),
    }),
    *rows(MalformedArchive, "size", {
        "folder with content": entry("x/", b"hidden", attributes=FOLDER),
        "folder that inflates": entry("x/", b"", attributes=FOLDER, packed=deflated(b"x")),
        "stored of two sizes": entry(method=STORED, size=3),
        "larger than said": entry(size=10),
        "smaller than said": entry(size=1000),
        "bomb that lies": entry(content=bytes(2**24), size=2**20),
    }),
    *rows(MalformedArchive, "corrupt", {
        "no deflate": entry(packed=b"\xff" * 30),
        "bytes behind the deflate": entry(packed=deflated(b"some text\n" * 9) + b"x"),
    }),
    *rows(MalformedArchive, "crc", {
        "other content": entry(packed=deflated(b"some test\n" * 9)),
        "other checksum": entry(crc=1),
    }),
    *rows(LimitExceeded, "ratio", {"bomb": entry(content=bytes(2**24)), "bomb of 65 files": partial(bomb, 65)}),
    *rows(LimitExceeded, "too-large", {
        "huge file": entry(size=2**30 + 1),
        "huge files": lambda: written([*good(), *(Entry(b"%d" % i, size=2**29, packed_size=2**28) for i in range(5))]),
        "too many files": partial(many, 1000),
        "many files": partial(many, 990),
        "large directory": end(size=2**21),
    }),
]  # fmt: skip

_UNSAFE = (
    "", "../a", "/etc/passwd", "C:/a", "a\\b", "a//b", "./a", "a/../b", "con", "x/NUL.txt", "a.", "a ", " a", "a:b",
    "a?b", "a\0b", "a\x1bb", "a\u202eb", "a\u200bb", "e\u0301", "a／b", "a" * 241, "/".join("abcdefghi"),
)  # fmt: skip

REJECTED_NAMES: list[Row] = [
    *rows(MalformedArchive, "name", {f"name {name[:40]!r}": entry(name) for name in _UNSAFE}),
    *rows(MalformedArchive, "name", {
        "name in no alphabet": entry(b"\xff\xfe", flags=0x800),
        "name in an unknown alphabet": entry(b"\xe9.txt", flags=0),
        "unsafe folder": entry("../", b"", attributes=FOLDER),
        "unsafe name in a folder of macOS": entry("__MACOSX/../a"),
    }),
    *rows(MalformedArchive, "name-collision", {
        "name twice": names("a.txt", "a.txt"),
        "manifest twice": names("learnware.yaml"),
        "manifest in capitals": names("Learnware.yaml"),
        "names of one letter": names("straße", "STRASSE"),
        "file and folder": names("a", "a/b"),
        "folders in two cases": names("X/a", "x/b"),
    }),
]  # fmt: skip


class _Stream(io.RawIOBase):
    """A file that only goes forward, as a connection does."""

    def __init__(self) -> None:
        self.content = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.content += bytes(data)
        return len(data)


def streamed(compression: int) -> bytes:
    """Return a zip that was written without going back, with descriptors behind the data."""
    stream = _Stream()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for e in good():
            archive.writestr(e.name.decode(), e.content)
    return stream.content


def as_macos() -> bytes:
    """Return a zip as the Finder makes it: with folders, descriptors, and files of its own."""
    options: dict[str, Any] = {**_WITH_DESCRIPTOR, "local_crc": 0, "local_packed_size": 0, "local_size": 0}
    options["extra"] = field(0x7875, b"\x01\x04" + bytes(4) + b"\x04" + bytes(4))
    entries = [Entry(b"Model/", method=STORED, attributes=0o40755 << 16)]
    entries += [replace(e, name=b"Model/" + e.name, **options) for e in good()]
    entries += [Entry(b"Model/.DS_Store", b"\0\0\0\1Bud1", **options)]
    entries += [Entry(b"__MACOSX/Model/._learnware.yaml", b"\0\5\26\7", **options)]
    return written(entries)


def as_windows() -> bytes:
    """Return a zip as Windows makes it: without modes, with the attribute of an archived file."""
    times = field(0x000A, bytes(4) + b"\1\0\x18\0" + bytes(24))
    return written([replace(e, attributes=0x20, extra=times) for e in good()])


def as_info_zip() -> bytes:
    """Return a zip with the extra fields of Info-ZIP, longer before the data than in the directory."""
    times = field(0x5455, b"\x03" + bytes(8)) + field(0x7875, b"\x01\x04" + bytes(4) + b"\x04" + bytes(4))
    return written([replace(e, extra=times, local_extra=times * 2) for e in good()])


def described(form: int) -> bytes:
    """Return a zip with descriptors of so many bytes."""
    return written([replace(e, flags=8, descriptor=form, local_crc=0) for e in good()])


def with_folder(**fields: Any) -> Build:
    """Return a builder of the good zip with a folder before everything else."""
    return lambda: written([Entry(b"lib/", b"", **fields), *good()])


ACCEPTED_FORMS: dict[str, Build] = {
    "plain": make_upstream_zip,
    "stored": partial(make_upstream_zip, compression=zipfile.ZIP_STORED),
    "macOS": as_macos,
    "Windows": as_windows,
    "Info-ZIP": as_info_zip,
    "stream": partial(streamed, zipfile.ZIP_DEFLATED),
    "stream, stored": partial(streamed, zipfile.ZIP_STORED),
    "short descriptors": partial(described, 12),
    "descriptors": partial(described, 16),
    "long descriptors": partial(described, 24),
    "folder": with_folder(method=STORED, attributes=FOLDER),
    "folder without mode": with_folder(method=STORED, attributes=0x10),
    "folder of a shared machine": with_folder(method=STORED, attributes=0o42775 << 16),
    "deflated folder with descriptor": with_folder(attributes=FOLDER, **_WITH_DESCRIPTOR),
    "directory in another order": end(reverse=True),
    "zip within a zip": entry("inner.zip", make_upstream_zip(), method=STORED),
    "fastest deflate": entry(flags=6, local_flags=2, method=DEFLATED),
    "small file that packs well": entry(content=bytes(2**20)),
}
