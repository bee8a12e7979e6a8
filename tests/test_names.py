"""Names from outside: what some system would refuse, or take for another name, is refused everywhere."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware._names import check_name, check_names
from learnware.errors import MalformedArchive
from learnware.limits import LIMITS

#: Each unsafe as the name of a file and, with a "/" behind it, as that of a folder.
UNSAFE = {
    "empty": "",
    "dot": ".",
    "dots": "..",
    "above": "../a",
    "above in the middle": "a/../b",
    "above at the end": "a/..",
    "here": "./a",
    "here in the middle": "a/./b",
    "empty part": "a//b",
    "absolute": "/etc/passwd",
    "two slashes": "//server/share",
    "drive": "C:/a",
    "drive, relative": "C:a",
    "backslash": "a\\b",
    "backslash above": "..\\a",
    "stream": "a.txt:hidden",
    "star": "a*",
    "question": "a?",
    "quote": 'a"b',
    "less": "a<b",
    "greater": "a>b",
    "pipe": "a|b",
    "leading space": " a",
    "trailing space": "a ",
    "part with trailing space": "a /b",
    "trailing dot": "a.",
    "part with trailing dot": "a./b",
    "three dots": ".../a",
    "device": "CON",
    "device with ending": "nul.tar.gz",
    "device in a folder": "a/Lpt1.txt",
    "device before space": "aux .txt",
    "wide device": "ＣＯＮ",
    "superscript device": "com¹",
    "null": "a\0b",
    "newline": "a\nb",
    "escape": "a\x1b[2Jb",
    "delete": "a\x7fb",
    "reversed": "a\u202egnp.exe",
    "zero width": "a\u200bb",
    "soft hyphen": "a\u00adb",
    "byte order mark": "\ufeffa",
    "private": "a\ue000",
    "unassigned": "a\u0378",
    "surrogate": "a\ud800",
    "line separator": "a\u2028b",
    "decomposed": "e\u0301",
    "Kelvin": "\u212a",
    "wide slash": "a／b",
    "account of": "℀",
    "wide backslash": "a＼b",
    "leader dots": "a/‥/b",
    "no-break space": "\u00a0a",
    "long": "a" * 241,
    "long in bytes": "é" * 121,
    "deep": "/".join("abcdefghi"),
}

SAFE = [
    "a",
    "learnware.yaml",
    "a/b/c/d/e/f/g/h",
    ".gitignore",
    "..a",
    "a..b",
    "a b",
    "A_B-c+d=e,f;g!h@i#j$k%l^m&n(o)[p]{q}'r~s`t",
    "com10",
    "console",
    "nulls.txt",
    "模型/说明：一.txt",
    "é" * 120,
    "ñandú.py",
    "a" * 240,
]

COLLISIONS = {
    "twice": ["a.txt", "a.txt"],
    "case": ["A.txt", "a.TXT"],
    "case in a folder": ["x/A", "x/a"],
    "case of a folder": ["X/a", "x/b"],
    "case of a folder further down": ["x/Y/a", "x/y/b"],
    "file and folder": ["a", "a/b"],
    "folder and file": ["a/b", "a"],
    "file and folder in another case": ["A", "a/b"],
    "file and folder further down": ["x/a/b", "x/A"],
    "two letters in one": ["ǆ", "dž"],
    "sharp s": ["straße", "STRASSE"],
    "ligature": ["ﬁle", "file"],
    "wide letter": ["ａ", "a"],
    "superscript": ["m²", "m2"],
    "final sigma": ["ς", "σ"],
    "long s": ["ſ", "s"],
    "Roman numeral": ["Ⅳ", "iv"],
    "micro": ["µ", "μ"],
}


def test_the_tables_are_large_enough() -> None:
    assert len(UNSAFE) >= 40
    assert len(COLLISIONS) >= 17


@pytest.mark.parametrize("name", UNSAFE.values(), ids=UNSAFE)
def test_unsafe_names_are_refused(name: str) -> None:
    for files, folders in (([name], []), ([], [name])):
        with pytest.raises(MalformedArchive) as caught:
            check_names(files, folders)
        assert caught.value.code == "name"
        assert caught.value.file == name
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", SAFE)
def test_safe_names_pass(name: str) -> None:
    check_name(name)
    check_names([name], ["other/folder", "other"])


@pytest.mark.parametrize("names", COLLISIONS.values(), ids=COLLISIONS)
def test_names_that_collide_are_refused(names: list[str]) -> None:
    for order in (names, names[::-1]):
        with pytest.raises(MalformedArchive) as caught:
            check_names(order)
        assert caught.value.code == "name-collision"


def test_folders_collide_as_files_do() -> None:
    check_names(["a/b", "a/c"], ["a", "empty"])
    for files, folders in ((["a"], ["a"]), (["a/b"], ["A"]), ([], ["a", "a"]), ([], ["a/b", "A"])):
        with pytest.raises(MalformedArchive) as caught:
            check_names(files, folders)
        assert caught.value.code == "name-collision"


@given(st.text(max_size=300))
def test_every_text_is_accepted_or_refused(name: str) -> None:
    with suppress(MalformedArchive):
        check_name(name)
        assert len(name.encode()) <= LIMITS["name-bytes"]
        assert not {"", ".", ".."} & set(name.split("/"))
