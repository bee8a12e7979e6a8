"""Read zips that other programs wrote: zipfile of Python, Info-ZIP, macOS, Windows.

Such files differ in times, modes, extra fields and order, which are ignored. What they may not do is mean different
things to different readers: everything is checked before anything is inflated, and the entries must fill the file
without a gap or an overlap.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from learnware._names import check_names
from learnware.bundle.foreign_records import (
    STORED,
    Record,
    check_descriptor,
    data_start,
    malformed,
    read_directory,
)
from learnware.errors import LimitExceeded
from learnware.limits import LIMITS

_END = struct.Struct("<4s4H2LH")
_END_MARK, _LOCATOR_64_MARK, _LOCATOR_64_SIZE = b"PK\x05\x06", b"PK\x06\x07", 20


@dataclass(frozen=True)
class _File:
    """A file of the archive and where its data begins."""

    record: Record
    start: int


class ForeignArchive:
    """A zip of unknown origin, checked on opening and read file by file.

    Parameters
    ----------
    source : bytes
        The content of the zip.

    Attributes
    ----------
    names : tuple of str
        Names of its files, sorted, without those that macOS adds for itself.

    Raises
    ------
    MalformedArchive
        It is damaged, or readers could disagree about it; ``code`` says how.
    LimitExceeded
        Something in it is too large, before or after unpacking.

    Examples
    --------
    >>> import io, zipfile
    >>> from learnware.bundle.foreign_archive import ForeignArchive
    >>> buffer = io.BytesIO()
    >>> with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
    ...     archive.writestr("Model/weights.txt", "1 2 3")
    >>> archive = ForeignArchive(buffer.getvalue())
    >>> archive.names, archive.read("Model/weights.txt")
    (('Model/weights.txt',), b'1 2 3')
    """

    def __init__(self, source: bytes) -> None:
        self._source = source
        n_entries, size, start = _end(source)
        records = read_directory(source[start : start + size], n_entries)
        check_names(
            [record.name for record in records if not record.folder],
            [record.name for record in records if record.folder],
        )
        _check_sizes(records, len(source))
        found = _located(source, records, start)
        for record in records:
            if record.folder:
                self._inflated(found[record.name])
        self._files = {name: f for name, f in found.items() if not f.record.folder and not _of_macos(name)}
        self.names = tuple(sorted(self._files))

    def size(self, name: str) -> int:
        """Return the number of bytes of a file; `MalformedArchive` if it is absent."""
        return self._file(name).record.size

    def read(self, name: str, *, limit: int | None = None) -> bytes:
        """Return the content of a file, of at most `limit` bytes.

        Raises
        ------
        MalformedArchive
            It is absent (code ``"incomplete"``) or damaged.
        LimitExceeded
            It has more bytes.
        """
        file = self._file(name)
        if limit is not None and file.record.size > limit:
            raise _too_large(f"{name!r} may have at most {limit:,} bytes. It has {file.record.size:,}", name)
        return self._inflated(file)

    def _file(self, name: str) -> _File:
        file = self._files.get(name)
        if file is None:
            raise malformed(f"the file {name!r} is absent", "incomplete", name)
        return file

    def _inflated(self, file: _File) -> bytes:
        record = file.record
        packed = memoryview(self._source)[file.start : file.start + record.packed]
        content = bytes(packed) if record.method == STORED else _unpacked(packed, record)
        if zlib.crc32(content) != record.crc:
            raise malformed(f"{record.name!r} is not what was packed", "crc", record.name)
        return content


def _unpacked(packed: memoryview, record: Record) -> bytes:
    inflater = zlib.decompressobj(-15)
    try:
        content = inflater.decompress(packed, record.size + 1)
    except zlib.error as error:
        raise malformed(f"{record.name!r} cannot be inflated ({error})", "corrupt", record.name) from error
    if len(content) != record.size:
        raise malformed(f"{record.name!r} has not the size that it claims", "size", record.name)
    if not inflater.eof or inflater.unused_data:
        raise malformed(f"{record.name!r} does not end where it should", "corrupt", record.name)
    return content


def _of_macos(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] == ".DS_Store"


def _end(source: bytes) -> tuple[int, int, int]:
    """Return number of entries, size and start of the directory, which must end where the file does."""
    if len(source) > LIMITS["archive-bytes"]:
        raise _too_large(f"A learnware may have at most {LIMITS['archive-bytes']:,} bytes. Got {len(source):,}")
    end = source[-_END.size :]
    if len(end) < _END.size or not end.startswith(_END_MARK) or not end.endswith(b"\0\0"):
        raise _without_end(source)
    _, disk, first_disk, here, n_entries, size, start, _ = _END.unpack(end)
    locator = source[-_END.size - _LOCATOR_64_SIZE : -_END.size]
    if locator.startswith(_LOCATOR_64_MARK) or n_entries == 0xFFFF or 0xFFFFFFFF in (size, start):
        raise malformed("it has 64-bit extensions", "zip64")
    if disk or first_disk or here != n_entries:
        raise malformed("it is one part of a split zip", "multi-disk")
    if n_entries > LIMITS["archive-entries"] or size > LIMITS["archive-directory-bytes"]:
        raise _too_large(f"A learnware may have at most {LIMITS['archive-entries']:,} files. Got {n_entries:,}")
    if start + size + _END.size != len(source):
        raise malformed("its directory is not where its end says", "gap-or-overlap")
    return n_entries, size, start


def _without_end(source: bytes) -> Exception:
    """Return the error for a file that does not end as a zip does."""
    place = source.rfind(_END_MARK)
    if place < 0:
        if source.startswith((b"PK\x03\x04", b"PK\x01\x02")):
            return malformed("its end is missing", "truncated")
        return malformed("this is no zip", "not-a-zip")
    end = source[place : place + _END.size]
    if len(end) < _END.size:
        return malformed("its end is cut off", "truncated")
    beyond = len(source) - place - _END.size - _END.unpack(end)[7]
    if beyond < 0:
        return malformed("its end is cut off", "truncated")
    if beyond:
        return malformed(f"{beyond:,} bytes follow its end", "trailing-bytes")
    return malformed("it has a comment", "comment")


def _check_sizes(records: list[Record], n_bytes: int) -> None:
    total = sum(record.size for record in records)
    if total > LIMITS["archive-unpacked-bytes"]:
        raise _too_large(f"The files may have at most {LIMITS['archive-unpacked-bytes']:,} bytes. They have {total:,}")
    for record in records:
        if record.size > LIMITS["entry-unpacked-bytes"]:
            limit = LIMITS["entry-unpacked-bytes"]
            raise _too_large(
                f"A file may have at most {limit:,} bytes. {record.name!r} has {record.size:,}", record.name
            )
        if record.size > max(LIMITS["entry-ratio-free-bytes"], LIMITS["entry-ratio"] * record.packed):
            raise LimitExceeded(
                f"A file may unpack to at most {LIMITS['entry-ratio']} times its size, as zip bombs do. "
                f"{record.name!r} would grow from {record.packed:,} to {record.size:,} bytes: store it unpacked.",
                code="ratio",
                file=record.name,
            )
    if total > max(LIMITS["foreign-ratio-free-bytes"], LIMITS["foreign-ratio"] * n_bytes):
        raise LimitExceeded(
            f"A zip may unpack to at most {LIMITS['foreign-ratio']} times its size, as bombs do. This one would grow "
            f"from {n_bytes:,} to {total:,} bytes: store its files unpacked.",
            code="ratio",
        )


def _located(source: bytes, records: list[Record], end: int) -> dict[str, _File]:
    """Return the entries by name, after checking that they fill the file up to the directory."""
    ordered = sorted(records, key=lambda record: record.offset)
    bounds = [*(record.offset for record in ordered), end]
    if bounds[0] != 0:
        raise malformed("something stands before its first file", "gap-or-overlap")
    found = {}
    for record, stop in zip(ordered, bounds[1:], strict=True):
        start = data_start(source, record)
        if start + record.packed > stop:
            raise malformed(f"{record.name!r} overlaps what follows it", "gap-or-overlap", record.name)
        check_descriptor(source[start + record.packed : stop], record)
        found[record.name] = _File(record, start)
    return found


def _too_large(reason: str, file: str | None = None) -> LimitExceeded:
    return LimitExceeded(f"{reason}: leave out what the model does not need.", code="too-large", file=file)
