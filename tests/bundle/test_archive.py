"""The zip of a learnware: deterministic when written, strict when read."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware.bundle.archive import Archive, pack
from learnware.errors import BundleError, InvalidParameter, LimitExceeded, MalformedArchive, UnreachableFile
from learnware.limits import LIMITS

FILES = {"learnware.yaml": b"format: 2\n" * 50, "model/model.bin": bytes(range(256)) * 8, "empty": b""}
NAMES = st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,2}", fullmatch=True).filter(
    lambda name: not any(part[:3] in ("con", "prn", "aux", "nul", "com", "lpt") for part in name.split("/"))
)


@given(st.dictionaries(NAMES, st.binary(max_size=300), max_size=6))
def test_what_is_packed_is_read(files: dict[str, bytes]) -> None:
    data = pack(files)
    archive = Archive(data)
    assert {name: archive.read(name) for name in archive.names} == files
    assert pack(dict(reversed(files.items()))) == data
    # An independent reader agrees.
    with zipfile.ZipFile(io.BytesIO(data)) as other:
        assert other.testzip() is None
        assert {name: other.read(name) for name in other.namelist()} == files


def test_a_file_on_disk_reads_as_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(pack(FILES))
    assert Archive(Archive.read_file(path)).read("model/model.bin") == FILES["model/model.bin"]
    assert Archive(Archive.read_file(path)).read_all() == pack(FILES)


@pytest.mark.parametrize(
    "name",
    [
        "../a", "/a", "a/../b", "a//b", "a/", "./a", "C:/a", "a\\b", "A", "a b", "con", "con.txt", "x/nul", "a.", ".a",
        "é", "a\u202eb", "a\x00b", "", "a" * 241, "/".join("abcdefghi"),
    ],
)  # fmt: skip
def test_unsafe_names_are_refused_on_both_sides(name: str) -> None:
    with pytest.raises(BundleError) as caught:
        pack({name: b""})
    assert caught.value.code == "name"
    safe = "x" * len(name.encode())
    if safe:
        data = pack({safe: b"content"}) if len(safe) <= 240 else b""
        with pytest.raises(BundleError):
            Archive(data.replace(safe.encode(), name.encode()))


def zipped(*entries: tuple[zipfile.ZipInfo | str, bytes], comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.comment = comment
        for info, content in entries:
            archive.writestr(info, content)
    return buffer.getvalue()


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("link", (1980, 1, 1, 0, 0, 0))
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def overlapping() -> bytes:
    data = bytearray(pack({"a": b"same", "b": b"same"}))
    # The second record of the directory is made to point at the first entry.
    second = data.rfind(b"PK\x01\x02")
    data[second + 42 : second + 46] = bytes(4)
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        b"not a zip at all, but long enough to hold an end record",
        pack(FILES)[:-1],
        pack(FILES)[10:],
        pack(FILES) + b"x",
        b"x" + pack(FILES),
        pack(FILES) + pack(FILES),
        zipped(("a", b"a"), comment=b"hello"),
        zipped((link(), b"/etc/passwd")),
        overlapping(),
    ],
    ids=range(11),
)
def test_other_zips_are_refused(data: bytes) -> None:
    with pytest.raises(BundleError):
        Archive(data)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_repeated_names_are_refused() -> None:
    with pytest.raises(BundleError):
        Archive(zipped(("a", b"1"), ("a", b"2")))


def test_a_bomb_is_refused_before_it_is_inflated() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(2**24))
    with pytest.raises(BundleError):
        Archive(buffer.getvalue())


def test_zeros_are_stored_rather_than_packed_into_a_bomb() -> None:
    content = bytes(3 * 2**20)
    assert Archive(pack({"zeros": content})).read("zeros") == content


def test_limits_of_numbers() -> None:
    with pytest.raises(LimitExceeded) as caught:
        pack({f"f{i}": b"" for i in range(LIMITS["archive-entries"] + 1)})
    assert caught.value.code == "too-many-files"
    with pytest.raises(LimitExceeded) as caught:
        Archive(pack(FILES)).read("model/model.bin", limit=100)
    assert (caught.value.code, caught.value.file) == ("entry-size", "model/model.bin")


def test_absent_entries_and_files(tmp_path: Path) -> None:
    with pytest.raises(MalformedArchive) as caught:
        Archive(pack(FILES)).read("other")
    assert caught.value.code == "incomplete"
    for path, code in ((tmp_path / "none.zip", "missing"), (tmp_path, "unreadable")):
        with pytest.raises(UnreachableFile) as caught:
            Archive.read_file(path)
        assert caught.value.file == str(path)
        assert caught.value.code == code


@pytest.mark.parametrize("path", [None, 5, b"a.zip", ["a.zip"], "a\0.zip"])
def test_what_is_no_path(path: object) -> None:
    with pytest.raises(InvalidParameter, match="'path' parameter"):
        Archive.read_file(path)  # type: ignore[arg-type]


def test_a_path_that_no_system_can_hold() -> None:
    with pytest.raises(UnreachableFile) as caught:
        Archive.read_file("half a letter \ud800")
    assert caught.value.code == "unreadable"
    str(caught.value).encode()


def test_what_packs_well_is_packed_up_to_the_ratio() -> None:
    text = b"".join(b"%05d" % (i // 30) for i in range(2**19))
    data = pack({"a": text})
    assert len(text) / 100 < len(data) < len(text) / 55


def test_every_truncation_is_noticed() -> None:
    data = pack(FILES)
    for length in range(len(data)):
        with pytest.raises(BundleError):
            Archive(data[:length])
