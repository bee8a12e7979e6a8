"""The only code that reads or writes the zip of a learnware.

Writing is deterministic: sorted names, one timestamp, one mode. Reading is strict: a file is refused unless it is what
`pack` writes (see `learnware._zip` for the records). So a file means the same to every reader, and its size is known
before anything is inflated.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from learnware._validation import complain
from learnware._zip import CENTRAL, DEFLATED, END, LOCAL, STORED, UTF8, Entry, read_entries
from learnware.errors import BundleError, LimitExceeded, MalformedArchive, UnreachableFile
from learnware.limits import LIMITS

_DATE_1980 = (1 << 5) | 1
_VERSION = 20
_UNIX_FILE_0644 = 0o100644 << 16
_TOO_LARGE = {"too-many-files", "directory-size", "archive-size", "entry-size", "unpacked-size", "ratio"}
_ADVICE = "Fetch it again, or have its developer write it again with Learnware.save."


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return the zip of `files`; equal files give equal bytes.

    Raises
    ------
    MalformedArchive
        A name is unsafe, or two collide.
    LimitExceeded
        A limit is exceeded.

    Examples
    --------
    >>> from learnware.bundle.archive import Archive, pack
    >>> data = pack({"b.txt": b"two", "a.txt": b"one"})
    >>> Archive(data).names, Archive(data).read("b.txt")
    (('a.txt', 'b.txt'), b'two')
    """
    _check_names(sorted(files))
    body: list[bytes] = []
    entries, place = [], 0
    for name in sorted(files):
        content = files[name]
        method, packed = _squeezed(content)
        entry = Entry(name, method, zlib.crc32(content), len(packed), len(content), place)
        body += (_local_header(entry), packed)
        place += len(body[-2]) + len(packed)
        entries.append(replace(entry, record=_record(entry)))
    directory = b"".join(entry.record for entry in entries)
    end = END.pack(b"PK\x05\x06", 0, 0, len(entries), len(entries), len(directory), place, 0)
    _check_number(len(entries), len(directory))
    _check_sizes(entries, place + len(directory) + len(end))
    return b"".join([*body, directory, end])


def _common(entry: Entry) -> tuple[int, ...]:
    return (_VERSION, UTF8, entry.method, 0, _DATE_1980, entry.crc, entry.packed, entry.size, len(entry.name.encode()))


def _local_header(entry: Entry) -> bytes:
    return LOCAL.pack(b"PK\x03\x04", *_common(entry), 0) + entry.name.encode()


def _record(entry: Entry) -> bytes:
    made_by_unix = (3 << 8) | _VERSION
    rest = (0, 0, 0, 0, _UNIX_FILE_0644, entry.offset)
    return CENTRAL.pack(b"PK\x01\x02", made_by_unix, *_common(entry), *rest) + entry.name.encode()


def _squeezed(content: bytes) -> tuple[int, bytes]:
    # A look at the start tells weights, which hardly shrink, from text without packing hundreds of megabytes in vain.
    start = content[: 2**20]
    if len(zlib.compress(start, 6)) > 0.9 * len(start):
        return STORED, content
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = packer.compress(content) + packer.flush()
    if len(packed) * LIMITS["entry-ratio"] < len(content):
        return STORED, content
    return DEFLATED, packed


class Archive:
    """A zip that is checked on opening and read entry by entry.

    Parameters
    ----------
    source : bytes
        The content of the file.

    Raises
    ------
    MalformedArchive
        It is damaged, or not of the form that `pack` writes; ``code`` says which rule it breaks.
    LimitExceeded
        It is too large, or would be once inflated.
    """

    def __init__(self, source: bytes) -> None:
        self._source = source
        _check_size(len(source))
        entries = read_entries(
            source,
            _refused,
            max_entries=LIMITS["archive-entries"],
            max_directory=LIMITS["archive-directory-bytes"],
        )
        for entry in entries:
            if entry.record != _record(entry):
                raise _refused(f"{entry.name!r} has a date, version or mode of its own", "attributes", entry.name)
        _check_names([entry.name for entry in entries])
        _check_sizes(entries, len(source))
        self._entries = {entry.name: entry for entry in entries}
        self.names = tuple(self._entries)

    @staticmethod
    def read_file(path: str | Path) -> bytes:
        """Return the content of a learnware's file.

        Raises
        ------
        InvalidParameter
            `path` is not a path.
        UnreachableFile
            It is absent (code ``"missing"``) or cannot be read (``"unreadable"``).
        LimitExceeded
            It is larger than the limit.
        """
        if not isinstance(path, str | Path) or "\0" in str(path):
            raise complain("path", "Archive.read_file", "a path without null characters", path)
        path = Path(path)
        try:
            _check_size(path.stat().st_size, str(path))
            return path.read_bytes()
        except FileNotFoundError as error:
            raise UnreachableFile(
                f"There is no learnware file at {path}. Check the path.", code="missing", file=str(path)
            ) from error
        except (OSError, UnicodeError) as error:
            raise UnreachableFile(
                f"The learnware file {str(path)!r} cannot be read: {error}. Check that it is a file that you may read.",
                code="unreadable",
                file=str(path),
            ) from error

    def read(self, name: str, *, limit: int | None = None) -> bytes:
        """Return the content of one entry, of at most `limit` bytes.

        Raises
        ------
        MalformedArchive
            It is absent or damaged.
        LimitExceeded
            It is larger than the limit.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise _refused(f"it lacks the file {name!r}", "incomplete", name)
        if limit is not None and entry.size > limit:
            raise _refused(f"{name!r} has {entry.size:,} bytes, more than {limit:,}", "entry-size", name)
        return _inflated(entry, self._source[entry.start : entry.start + entry.packed])

    def read_all(self) -> bytes:
        """Return the bytes of the whole archive."""
        return self._source


def _inflated(entry: Entry, packed: bytes) -> bytes:
    content = packed
    if entry.method == DEFLATED:
        inflater = zlib.decompressobj(-15)
        try:
            # Never more than one byte beyond what the directory says, whatever the stream holds.
            content = inflater.decompress(packed, entry.size + 1)
        except zlib.error as error:
            raise _refused(f"{entry.name!r} cannot be inflated ({error})", "deflate", entry.name) from error
        unfinished = not inflater.eof and len(content) < entry.size
        if len(content) != entry.size and not unfinished:
            raise _refused(f"{entry.name!r} is not of the size that the directory says", "size", entry.name)
        if not inflater.eof or inflater.unused_data:
            raise _refused(f"{entry.name!r} does not end where the directory says", "deflate", entry.name)
    if zlib.crc32(content) != entry.crc:
        raise _refused(f"{entry.name!r} is not what was written, by its checksum", "crc", entry.name)
    return content


def _check_size(total: int, file: str = "") -> None:
    if total > LIMITS["archive-bytes"]:
        raise _refused(f"it has {total:,} bytes, more than {LIMITS['archive-bytes']:,}", "archive-size", file)


def _check_number(n_entries: int, directory_size: int) -> None:
    if n_entries > LIMITS["archive-entries"]:
        raise _refused(f"it has {n_entries:,} files, more than {LIMITS['archive-entries']:,}", "too-many-files", "")
    if directory_size > LIMITS["archive-directory-bytes"]:
        raise _refused(f"its directory has {directory_size:,} bytes", "directory-size", "")


def _check_sizes(entries: list[Entry], total: int) -> None:
    _check_size(total)
    for entry in entries:
        if entry.size > LIMITS["entry-unpacked-bytes"]:
            raise _refused(f"{entry.name!r} would have {entry.size:,} bytes", "entry-size", entry.name)
        _check_ratio(entry.size, entry.packed, repr(entry.name), entry.name)
    unpacked = sum(entry.size for entry in entries)
    if unpacked > LIMITS["archive-unpacked-bytes"]:
        raise _refused(f"its files would have {unpacked:,} bytes together", "unpacked-size", "")
    _check_ratio(unpacked, sum(entry.packed for entry in entries), "it", "")


def _check_ratio(size: int, packed: int, what: str, file: str) -> None:
    if size > max(LIMITS["entry-ratio-free-bytes"], LIMITS["entry-ratio"] * packed):
        raise _refused(f"{what} would grow more than {LIMITS['entry-ratio']} times", "ratio", file)


def _check_names(names: list[str]) -> None:
    """Check that names are plain, sorted, and never two for one place."""
    for name in names:
        if not _is_plain(name):
            raise _refused(
                f"names are made of lower-case letters, digits, '.', '_' and '-', but one is {name[:300]!r}",
                "name",
                name,
            )
    for before, name in pairwise(names):
        if before == name:
            raise _refused(f"it has {name!r} twice", "name-twice", name)
        if before > name:
            raise _refused(f"{name!r} is out of order", "order", name)
    taken = set(names)
    for name in names:
        parts = name.split("/")
        if any("/".join(parts[:i]) in taken for i in range(1, len(parts))):
            raise _refused(f"a part of {name!r} is a file and a folder", "name-collision", name)


def _is_plain(name: str) -> bool:
    parts = name.split("/")
    return (
        name.isascii()
        and name == name.lower()
        and all(c.isalnum() or c in "._-/" for c in name)
        and all(part and not part.startswith(".") and not part.endswith(".") for part in parts)
        and len(name) <= LIMITS["name-bytes"]
        and len(parts) <= LIMITS["name-depth"]
        and not any(part.partition(".")[0] in _DEVICES for part in parts)
    )


_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10))}


def _refused(reason: str, code: str, file: str) -> BundleError:
    if code in _TOO_LARGE:
        message = f"This learnware file is beyond the limits: {reason}. `learnware limits` lists them: make it smaller."
        return LimitExceeded(message, code=code, file=file or WHOLE)
    return MalformedArchive(f"This is no sound learnware file: {reason}. {_ADVICE}", code=code, file=file or WHOLE)


#: What the attribute ``file`` of an error says where the archive itself is wrong.
WHOLE = "(archive)"
