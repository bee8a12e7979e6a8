"""Zips that are damaged, ambiguous, or hide more than they show."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from functools import partial

from learnware._zip import DEFLATED, UTF8
from learnware.errors import BundleError, ChecksumMismatch, LimitExceeded, MalformedArchive
from tests.bundle.corpus import Rejected
from tests.bundle.corpus.bases import MANIFEST, plain
from tests.bundle.corpus.raw import (
    FILE_MODE,
    MODEL,
    Zip,
    changed_content,
    deflated_and,
    in_the_plain,
    many,
    mode,
    one,
    overlap_bomb,
    patched,
    patched_out,
    shared_tail,
    sound_but,
    sound_with,
    spread,
    stdlib,
    streamed,
    two,
    without,
)

NAMES = [
    "../a", "../../etc/passwd", "/a", "/etc/passwd", "//a", "a/../b", "a//b", "a/./b", "./a", "a/", ".", "..", "", " ",
    "c:/a", "c:a", "\\\\host\\a", "a\\b", "..\\a", "A", "Model/a", "a b", " a", "a ", "a.", "a./b", ".a", "a/.b",
    "con", "con.txt", "x/nul", "aux.b/c", "com1", "lpt9.x", "a:b", "a\x00b", "a\nb", "a\tb", "a*", "a?", "a|b", "a<b",
    "é", "e\u0301", "\u212a", "a\u202eb", "a\u200bb", "\ufeffa", "ａ", "a" * 241, "/".join("abcdefghi"), "a%2e", "~a",
]  # fmt: skip


_ZIP64 = struct.pack("<HHQQ", 1, 16, 7, 7)
_LOCATOR = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)

_ARCHIVES: list[tuple[str, Callable[[], bytes], str]] = [
    ("empty", bytes, "not-a-zip"),
    ("text", lambda: b"format: 2\n" * 20, "not-a-zip"),
    ("a pickle", lambda: b"\x80\x04\x95" + bytes(100), "not-a-zip"),
    ("zeros", lambda: bytes(1000), "not-a-zip"),
    ("two letters", lambda: b"PK", "truncated"),
    ("cut at the end", lambda: plain()[:-1], "truncated"),
    ("cut in the directory", lambda: plain()[:-100], "truncated"),
    ("cut in the middle", lambda: plain()[: len(plain()) // 2], "truncated"),
    ("cut at the beginning", lambda: plain()[10:], "truncated"),
    ("a byte more", lambda: plain() + b"\n", "trailing-bytes"),
    ("a script after it", lambda: plain() + b"#!/bin/sh\n" * 20, "trailing-bytes"),
    ("a script before it", lambda: b"#!/bin/sh\n" + plain(), "prepended-bytes"),
    ("two in a row", lambda: plain() + plain(), "gap"),
    ("another zip before it", lambda: one() + plain(), "gap"),
    ("a comment", lambda: Zip().add("a").bytes(comment=b"hello"), "comment"),
    ("a comment that is a zip", lambda: Zip().add("a").bytes(comment=one("b")), "gap"),
    ("a comment that is cut", lambda: Zip().add("a").bytes(comment=b"hello")[:-1], "truncated"),
    ("a comment without an end", lambda: patched(plain(), -2, b"\x05\x00"), "truncated"),
    ("a comment on a file", partial(one, central={"comment": b"c"}), "comment"),
    ("an extra field in the directory", partial(one, central={"extra": b"\x99\x99\x00\x00"}), "extra"),
    ("an extra field in the header", partial(one, local={"extra": b"\x99\x99\x00\x00"}), "extra"),
    ("another name in an extra field", partial(one, both={"extra": b"up\x06\x00\x01\0\0\0\0b"}), "extra"),
    ("64-bit sizes", partial(one, central={"extra": _ZIP64, "packed": 2**32 - 1, "size": 2**32 - 1}), "zip64"),
    ("64-bit sizes in the header", partial(one, local={"extra": _ZIP64}), "extra"),
    ("a 64-bit field that is not needed", partial(one, central={"extra": _ZIP64}), "zip64"),
    ("a 64-bit offset", partial(one, central={"offset": 2**32 - 1}), "zip64"),
    ("a 64-bit end", lambda: Zip().add("a").bytes(before=_LOCATOR), "zip64"),
    ("a 64-bit number of files", lambda: Zip().add("a").bytes(here=0xFFFF, all=0xFFFF), "zip64"),
    ("forced 64 bits", lambda: stdlib(lambda z: z.open("a", "w", force_zip64=True).close()), "extra"),
    ("a second part", lambda: Zip().add("a").bytes(disk=1), "multi-disk"),
    ("a first part elsewhere", lambda: Zip().add("a").bytes(first=1), "multi-disk"),
    ("fewer files here than in all", lambda: Zip().add("a").add("b").bytes(here=1), "multi-disk"),
    ("a file in another part", partial(one, central={"disk": 1}), "multi-disk"),
    ("fewer files than records", lambda: Zip().add("a").add("b").bytes(here=1, all=1), "directory"),
    ("more files than records", lambda: Zip().add("a").bytes(here=2, all=2), "directory"),
    ("a record that is cut", lambda: patched(one(), -22 - 47 + 28, b"\xff\x00"), "directory"),
    ("a record of another kind", lambda: patched(one(), -22 - 47, b"PK\x01\x03"), "directory"),
    ("a directory that begins too late", lambda: Zip().add("a").bytes(start=1000), "truncated"),
    ("a directory that begins too early", lambda: Zip().add("a").bytes(start=0), "gap"),
    ("bytes between directory and end", lambda: Zip().add("a").bytes(before=b"junk"), "gap"),
    ("bytes between files", partial(two, None, {"gap": b"junk"}), "gap"),
    ("bytes before the first file", lambda: Zip().add("a", gap=b"PK\x03\x04").bytes(), "gap"),
    ("a file that is not listed", lambda: patched_out(), "gap"),
    ("two records for one place", partial(two, None, {"central": {"offset": 0}}), "overlap"),
    ("a file inside another", shared_tail, "overlap"),
    ("a bomb of overlaps", overlap_bomb, "overlap"),
    ("a file that runs into the directory", partial(one, both={"packed": 60, "size": 60}), "overlap"),
    ("a place beyond the end", partial(one, central={"offset": 5000}), "gap"),
    ("a place with no header", lambda: patched(one(), 0, b"XXXX"), "local-header"),
    ("a name twice", partial(two, names="aa"), "name-twice"),
    ("names out of order", partial(two, names="ba"), "order"),
    ("a file that is a folder too", lambda: Zip().add("a").add("a/b").bytes(), "name-collision"),
    ("a file that is a folder too, further down", lambda: Zip().add("a/b").add("a/b/c/d").bytes(), "name-collision"),
    ("names that differ in case", lambda: Zip().add("A.txt").add("a.txt").bytes(), "name"),
    ("names that differ in composition", lambda: Zip().add("e\u0301").add("é").bytes(), "name"),
    ("a name that is not UTF-8", lambda: one(b"\xff\xfe"), "name"),
    ("a name in an old code page", partial(one, b"\x82", both={"flags": 0}), "name"),
    ("a link", partial(one, content=b"/etc/passwd", **mode(stat.S_IFLNK | 0o777)), "link"),
    ("a folder", partial(one, **mode(stat.S_IFDIR | 0o755)), "folder"),
    ("a folder by its old attribute", partial(one, central={"attributes": FILE_MODE | 0x10}), "folder"),
    ("a character device", partial(one, **mode(stat.S_IFCHR | 0o600)), "device"),
    ("a block device", partial(one, **mode(stat.S_IFBLK | 0o600)), "device"),
    ("a pipe", partial(one, **mode(stat.S_IFIFO | 0o600)), "device"),
    ("a socket", partial(one, **mode(stat.S_IFSOCK | 0o600)), "device"),
    ("rights of root", partial(one, **mode(stat.S_IFREG | 0o4755)), "permissions"),
    ("rights of a group", partial(one, **mode(stat.S_IFREG | 0o2755)), "permissions"),
    ("a program", partial(one, **mode(stat.S_IFREG | 0o755)), "attributes"),
    ("a file of Windows", partial(one, central={"made": 20}), "attributes"),
    ("a date", partial(one, both={"date": 20_000}), "attributes"),
    ("a newer version", partial(one, both={"version": 45}), "attributes"),
    ("as Python writes it", lambda: stdlib(lambda z: z.writestr("a", b"content")), "attributes"),
    ("encrypted", partial(one, both={"flags": UTF8 | 1}), "encrypted"),
    ("strongly encrypted", partial(one, both={"flags": UTF8 | 0x41}), "encrypted"),
    ("a hidden directory", partial(one, both={"flags": UTF8 | 0x2000}), "encrypted"),
    ("encrypted by its header only", partial(one, local={"flags": UTF8 | 1}), "encrypted"),
    ("sizes after the content", streamed, "descriptor"),
    ("sizes after the content by the header only", partial(one, local={"flags": UTF8 | 8}), "descriptor"),
    ("patched data", partial(one, both={"flags": UTF8 | 0x20}), "flags"),
    ("bzip2", lambda: stdlib(lambda z: z.writestr("a", b"c"), compression=zipfile.ZIP_BZIP2), "method"),
    ("lzma", partial(one, both={"method": 14}), "method"),
    ("deflate64", partial(one, both={"method": 9}), "method"),
    ("another method in the header", partial(one, local={"method": DEFLATED}), "local-differs"),
    ("another name in the header", partial(one, local={"name": b"b"}), "local-differs"),
    ("another size in the header", partial(one, local={"size": 8}), "local-differs"),
    ("another checksum in the header", partial(one, local={"crc": 1}), "local-differs"),
    ("another date in the header", partial(one, local={"date": 34}), "local-differs"),
    ("stored in two sizes", partial(one, both={"size": 8}), "size"),
    ("a wrong checksum", partial(sound_but, MODEL, both={"crc": 1}), "crc"),
    ("a wrong checksum of the manifest", partial(sound_but, MANIFEST, both={"crc": 1}), "crc"),
    ("larger than it says", partial(sound_but, MODEL, deflate=True, both={"size": 10}), "size"),
    ("smaller than it says", partial(sound_but, MODEL, deflate=True, both={"size": 40_000}), "size"),
    ("not deflated at all", partial(sound_but, MODEL, both={"method": DEFLATED}), "deflate"),
    ("bytes after the deflated ones", lambda: deflated_and(b"more"), "deflate"),
    ("deflated without an end", lambda: deflated_and(b"", cut=3), "deflate"),
    ("a file more", partial(in_the_plain, "model/extra.py", b"import os"), "incomplete"),
    ("a zip more", partial(in_the_plain, "model/nested.zip", one()), "incomplete"),
    ("no specification", partial(without, "specification.json"), "incomplete"),
    ("no manifest", partial(without, MANIFEST), "incomplete"),
    ("no model", partial(without, MODEL), "incomplete"),
    ("no file", lambda: Zip().bytes(), "incomplete"),
]

_LIMITS: list[tuple[str, Callable[[], bytes], str]] = [
    ("1001 files", partial(many, 1001), "too-many-files"),
    ("60,000 files", partial(many, 60_000), "too-many-files"),
    ("65,000 files by the end record", lambda: Zip().add("a").bytes(here=65_000, all=65_000), "too-many-files"),
    ("a long directory", lambda: Zip().add("a").bytes(size=2**30), "directory-size"),
    ("16 MiB of zeros", lambda: one(content=bytes(2**24), deflate=True), "ratio"),
    ("a lie of 1 GiB", partial(one, deflate=True, both={"size": 2**30}), "ratio"),
    ("a lie of 4 GiB", partial(one, deflate=True, both={"size": 2**32 - 2}), "entry-size"),
    ("200 times 1 MiB of zeros", spread, "ratio"),
    ("a manifest of 65 KiB", lambda: sound_with(MANIFEST, b"#" * 66_560), "entry-size"),
]


def rejected() -> Iterator[Rejected]:
    """Yield zips that must be refused."""
    for i, name in enumerate(NAMES):
        code = "folder" if name.endswith("/") else "name"
        yield Rejected(f"name {i}, {name[:20]!a}", partial(one, name), MalformedArchive, code)
    tables: list[tuple[type[BundleError], list[tuple[str, Callable[[], bytes], str]]]] = [
        (MalformedArchive, _ARCHIVES),
        (LimitExceeded, _LIMITS),
    ]
    for error, table in tables:
        for what, make, code in table:
            yield Rejected(what, make, error, code)
    for name in (MODEL, "specification.json"):
        yield Rejected(f"other bytes of {name}", partial(changed_content, name), ChecksumMismatch, "checksum")
