"""Zips of other programs: read as they were meant, or refused, never differently from other readers."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learnware.bundle.archive import pack
from learnware.bundle.foreign_archive import ForeignArchive
from learnware.errors import BundleError, LimitExceeded, MalformedArchive
from tests.bundle.foreign_forms import as_macos, described, good, streamed
from tests.bundle.raw_zip import written

FILES = {
    "learnware.yaml": b"model: {}\n" * 50,
    "Code/__init__.py": bytes(range(256)) * 8,
    "empty": b"",
    "学件.txt": b"1",
}


def content_of(archive: ForeignArchive) -> dict[str, bytes]:
    return {name: archive.read(name) for name in archive.names}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("level", [1, 9])
def test_zips_of_python(compression: int, level: int, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression, compresslevel=level) as archive:
        archive.writestr("folder/", b"")
        for name, content in FILES.items():
            archive.writestr(name, content)
    assert content_of(ForeignArchive(buffer.getvalue())) == FILES
    with zipfile.ZipFile(buffer, "a", compression) as archive, archive.open("more", "w") as file:
        file.write(b"more")
    found = ForeignArchive(buffer.getvalue())
    assert content_of(found) == {**FILES, "more": b"more"}
    assert found.names == tuple(sorted({*FILES, "more"}))
    assert found.size("more") == 4


def test_archives_of_shutil(tmp_path: Path) -> None:
    for name, content in FILES.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "tree" / "bare").mkdir()
    path = shutil.make_archive(str(tmp_path / "made"), "zip", tmp_path / "tree")
    assert content_of(ForeignArchive(Path(path).read_bytes())) == FILES


@pytest.mark.skipif(shutil.which("zip") is None, reason="needs the program zip")
@pytest.mark.parametrize("options", [["-r"], ["-rX"], ["-r0"], ["-r9"], ["-rD"], ["-rfd"]])
def test_zips_of_info_zip(options: list[str], tmp_path: Path) -> None:
    plain = {name: content for name, content in FILES.items() if name.isascii()}
    for name, content in plain.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    subprocess.run(["zip", "-q", *options, "made.zip", "."], cwd=tmp_path, check=True)
    assert content_of(ForeignArchive((tmp_path / "made.zip").read_bytes())) == plain
    sent = subprocess.run(
        ["zip", "-q", *options, "-", ".", "-x", "made.zip"], cwd=tmp_path, check=True, stdout=subprocess.PIPE
    )
    assert content_of(ForeignArchive(sent.stdout)) == plain


@pytest.mark.skipif(shutil.which("zip") is None, reason="needs the program zip")
def test_links_of_info_zip_are_refused(tmp_path: Path) -> None:
    (tmp_path / "passwd").symlink_to("/etc/passwd")
    subprocess.run(["zip", "-qry", "made.zip", "."], cwd=tmp_path, check=True)
    with pytest.raises(MalformedArchive) as caught:
        ForeignArchive((tmp_path / "made.zip").read_bytes())
    assert (caught.value.code, caught.value.file) == ("link", "passwd")


def test_zips_of_our_own_and_of_nothing() -> None:
    files = {"a": b"1", "b/c": b"2" * 5000}
    assert content_of(ForeignArchive(pack(files))) == files
    assert ForeignArchive(written([])).names == ()


def test_files_of_macos_are_left_aside() -> None:
    assert all(name.startswith("Model/") and "DS_Store" not in name for name in ForeignArchive(as_macos()).names)


def test_reading_is_limited() -> None:
    archive = ForeignArchive(written(good()))
    assert archive.read("requirements.txt", limit=6) == b"numpy\n"
    with pytest.raises(LimitExceeded) as caught:
        archive.read("requirements.txt", limit=5)
    assert (caught.value.code, caught.value.file) == ("too-large", "requirements.txt")
    with pytest.raises(MalformedArchive) as absent:
        archive.read("other")
    assert (absent.value.code, absent.value.file) == ("incomplete", "other")


ZIPS = [written(good()), streamed(zipfile.ZIP_DEFLATED), streamed(zipfile.ZIP_STORED), described(12), as_macos()]


def read_as_zipfile_does(data: bytes) -> None:
    """Read a damaged zip; whatever is read must be what `zipfile` finds under that name."""
    with suppress(BundleError):
        archive = ForeignArchive(data)
        with zipfile.ZipFile(io.BytesIO(data)) as other:
            for name in archive.names:
                with suppress(BundleError):
                    content = archive.read(name)
                    assert other.read(name) == content


@settings(max_examples=500)
@given(st.sampled_from(ZIPS), st.data())
def test_a_flipped_bit_is_refused_or_harmless(zipped: bytes, draw: st.DataObject) -> None:
    # Most bits of a zip are in names, times and sizes, so look there more often than in the data.
    place = draw.draw(st.one_of(st.integers(0, len(zipped) - 1), st.integers(zipped.find(b"PK\1\2"), len(zipped) - 1)))
    data = bytearray(zipped)
    data[place] ^= 1 << draw.draw(st.integers(0, 7))
    read_as_zipfile_does(bytes(data))


@settings(max_examples=300)
@given(st.sampled_from(ZIPS), st.data(), st.integers(0, 64), st.binary(max_size=64))
def test_replaced_bytes_are_refused_or_harmless(zipped: bytes, draw: st.DataObject, length: int, new: bytes) -> None:
    start = draw.draw(st.integers(0, len(zipped)))
    read_as_zipfile_does(zipped[:start] + new + zipped[start + length :])


@pytest.mark.parametrize("data", ZIPS, ids=range(len(ZIPS)))
def test_every_truncation_is_noticed(data: bytes) -> None:
    for length in range(len(data)):
        with pytest.raises(MalformedArchive) as caught:
            ForeignArchive(data[:length])
        assert caught.value.code in ("truncated", "not-a-zip")
