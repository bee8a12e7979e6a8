"""A list of requirements names packages and versions, and nothing that chooses where they come from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from learnware.errors import LimitExceeded, MalformedManifest
from learnware.limits import LIMITS
from learnware.runtime.environment.requirements import parse_conda, parse_requirements


def test_names_are_normalised_sorted_and_joined() -> None:
    text = """
    # what the model imports
    Scikit_Learn[Tests] >= 1.5   # trees
    numpy<3
    NumPy>=1.26

    tomli==2.0; python_version < "3.11"
    """
    assert parse_requirements(text) == (
        "numpy<3,>=1.26",
        "scikit-learn[tests]>=1.5",
        'tomli==2.0; python_version < "3.11"',
    )


def test_what_is_returned_reads_as_itself() -> None:
    once = parse_requirements("b[z,y]~=1.0\na==1.*,!=1.3\nc; os_name == 'nt' or os_name == 'posix'")
    assert parse_requirements("\n".join(once)) == once


def test_the_library_itself_is_left_out() -> None:
    assert parse_requirements("learnware==0.3.2\nLearnware[full]\nnumpy") == ("numpy",)


def test_extras_and_versions_of_repeated_names_are_joined() -> None:
    assert parse_requirements("a[x]>=1\na[y]<2\na==1.5") == ("a[x,y]<2,==1.5,>=1",)


def test_the_same_name_may_stand_under_different_markers() -> None:
    text = 'a==1; python_version < "3.11"\na==2; python_version >= "3.11"'
    assert len(parse_requirements(text)) == 2


FOREIGN = {
    "https://example.org/a.whl": "addresses",
    "a @ https://example.org/a.whl": "addresses",
    "a@file:///tmp/a.whl": "addresses",
    "a [x] @ ./a.whl": "addresses",
    "git+https://example.org/a.git": "addresses",
    "git+ssh:example.org/a": "addresses",
    "file:a": "addresses",
    "./a": "paths",
    "../a": "paths",
    "a/b": "paths",
    "/etc/a": "paths",
    "~/a": "paths",
    r"C:\a": "paths",
    "a-1.0-py3-none-any.whl": "a file",
    "a-1.0.tar.gz": "a file",
    "-r other.txt": "options",
    "-rother.txt": "options",
    "-e .": "options",
    "-c constraints.txt": "options",
    "--index-url https://example.org": "options",
    "--extra-index-url=https://example.org": "options",
    "--find-links /tmp": "options",
    "--no-binary :all:": "options",
    "a==1 --hash=sha256:00": "options",
    "a==1 -i x": "options",
    "a==${VERSION}": "variables",
    "$A": "variables",
    "%A%": "variables",
    "a==1 \\": "one line",
    "a===1": "===",
    "a=1": "",
    "a b": "",
    "é": "",
    "a; os.system('x')": "",
    "a; nonsense == 'x'": "",
    "a; os_name ~= 'x'": "",
    "a\x00b": "invisible",
    "a>=1,\x1b[2K": "invisible",
    "a" * 501: "characters",
    "a; " + "(" * 400 + "os_name == 'x'": "",
}


@pytest.mark.parametrize(("line", "reason"), FOREIGN.items(), ids=[line[:30] for line in FOREIGN])
def test_anything_else_is_refused_with_its_line(line: str, reason: str) -> None:
    with pytest.raises(MalformedManifest, match="Line 2 of wanted.txt") as refused:
        parse_requirements(f"numpy\n{line}\n", file="wanted.txt")
    assert reason in str(refused.value)
    assert (refused.value.code, refused.value.file) == ("requirements", "wanted.txt")


def test_exact_versions_that_exclude_each_other_are_refused() -> None:
    for second in ("a==2", "a<1", "a!=1.0"):
        with pytest.raises(MalformedManifest, match="contradicts 'a==1.0'"):
            parse_requirements(f"a==1.0\n{second}")
    assert len(parse_requirements("a==1.0\na==1")) == 1


def test_size_and_number_are_limited() -> None:
    n = LIMITS["requirements-lines"]
    fitting = "\n".join(f"a{i}" for i in range(n))
    assert len(parse_requirements(f"# one more line\n\n{fitting}")) == n
    for text in (f"{fitting}\nb", "#" * (LIMITS["requirements-bytes"] + 1)):
        with pytest.raises(LimitExceeded) as refused:
            parse_requirements(text)
        assert refused.value.code == "requirements"


_PIECES = st.sampled_from(
    [*FOREIGN, "numpy", ">=1", "==1.*", ";", "[x]", "python_version<'3'", "#", "\n", " ", ",", "@"]
)


@given(st.one_of(st.text(), st.lists(_PIECES, max_size=12).map("".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (parse_requirements, parse_conda):
        try:
            found = read(text)
        except (MalformedManifest, LimitExceeded):
            continue
        assert all(Requirement(line).url is None for line in found)
        assert parse_requirements("\n".join(found)) == found


CONDA = """
name: learnware_env
channels: [defaults, "https://conda.example.org"]
dependencies:
  - python=3.8.12
  - _libgcc_mutex=0.1=main
  - ca-certificates=2023.1.10=h06a4308_0
  - cudatoolkit
  - libgcc-ng >=11
  - mkl=2021.4.0=h06a4308_640
  - pip
  - conda-forge::lightgbm=3.3.2
  - joblib==1.2.0
  - matplotlib-base 3.7.*
  - numpy=1.19.2=py38h54aff64_0
  - pandas>=1.2,<2
  - pillow
  - pytorch=1.13.*
  - scipy 1.10.0
  - scikit-learn==1.2.0=py38h1
  - pip:
    - xgboost==1.7
    - learnware==0.2
prefix: /home/someone/miniconda3
"""


def test_an_environment_of_conda_becomes_requirements() -> None:
    assert parse_conda(CONDA) == (
        "joblib==1.2.0",
        "lightgbm==3.3.2.*",
        "matplotlib==3.7.*",
        "numpy==1.19.2",
        "pandas<2,>=1.2",
        "pillow",
        "scikit-learn==1.2.0",
        "scipy==1.10.0",
        "torch==1.13.*",
        "xgboost==1.7",
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "mapping"),
        ("- numpy", "mapping"),
        ("name: x", "mapping"),
        ("dependencies: numpy", "mapping"),
        ("dependencies: [a]\ndependencies: [b]", "mapping"),
        ("? [a]\n: b", "mapping"),
        ("dependencies: [[numpy]]", "line 1 must be a package"),
        ("dependencies: [npm: [a]]", "line 1 must be a package"),
        ("dependencies: [pip: numpy]", "line 1 must be a package"),
        ("dependencies: [pip: [[numpy]]]", "line 1 must be a package"),
        ("dependencies: [pip: [-r other.txt]]", "options"),
        ("dependencies:\n- pip:\n  - git+https://example.org/a.git", "Line 3"),
        ("dependencies: [numpy=1.2|1.3]", "pip has no words"),
        ("dependencies: ['numpy[version=1]']", "pip has no words"),
        ("dependencies: ['=1']", "names no package"),
        ("dependencies: &a [numpy]", "anchor"),
        ("dependencies: [&a numpy, *a]", "anchor"),
        ("dependencies: [!!python/name:os.system x]", "tag"),
        ("dependencies: " + "[" * 30, "too deep"),
        ("dependencies: [" + "a," * 5000 + "]", "too many items"),
        ("dependencies: [numpy", "flow sequence"),
        ("dependencies: [numpy]\n---\ndependencies: []", "another document"),
        ("dependencies: ['\x00']", "special characters"),
    ],
)
def test_other_environments_are_refused(text: str, reason: str) -> None:
    with pytest.raises(MalformedManifest, match=r"environment\.yaml") as refused:
        parse_conda(text)
    assert reason in str(refused.value)
    assert refused.value.code == "requirements"


def test_only_the_packages_that_remain_are_counted() -> None:
    many = "".join(f"- library{i}=1.0\n" for i in range(200))
    assert parse_conda(f"dependencies:\n{many}- numpy\n") == ("numpy",)
