"""Packages of a model: the ones of this process if they fit, else a folder that is whole, locked and kept."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from learnware.errors import EnvironmentFailed, InvalidParameter, MalformedManifest
from learnware.limits import LIMITS
from learnware.runtime.environment import installing
from learnware.runtime.environment.host import meets, outermost
from learnware.runtime.environment.installed import (
    cached_environments,
    environment_for,
    host_environment,
    remove_environment,
)


def write_wheel(folder: Path, name: str, version: str, needs: str = "", body: str = "") -> Path:
    """Write a wheel of one module, the way build tools do."""
    info = f"{name}-{version}.dist-info"
    requires = f"Requires-Dist: {needs}\n" if needs else ""
    files = {
        f"{name}.py": body or f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={digest(text)},{len(text)}\n" for path, text in files.items())
    target = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as wheel:
        for path, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            wheel.writestr(path, text)
    return target


def digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, the only place where packages come from; this numpy is a toy."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name, version, needs in (("numpy", "9.0", ""), ("tiny", "1.0", "small>=1"), ("small", "1.5", "")):
        write_wheel(folder, name, version, needs)
    for name in ("UV_FIND_LINKS", "PIP_FIND_LINKS"):
        monkeypatch.setenv(name, str(folder))
    for name in ("UV_OFFLINE", "PIP_NO_INDEX", "PIP_NO_CACHE_DIR"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    return folder


@pytest.fixture(params=["uv", "pip"])
def tool(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the two installers."""
    if request.param == "pip":
        monkeypatch.setattr(installing, "find_uv", lambda: None)
    elif installing.find_uv() is None:
        pytest.skip("needs uv, which is not installed: pip install uv")
    return str(request.param)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def imported(environment: object, code: str) -> str:
    """Return what the environment's own interpreter prints, with nothing but its library."""
    program = f"import sys; sys.path[:0] = sys.argv[1:]; {code}"
    command = [str(environment.python), "-I", "-S", "-c", program, *map(str, environment.library)]  # type: ignore[attr-defined]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.usefixtures("wheels")
def test_packages_are_locked_installed_and_kept(tool: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = environment_for(["Tiny==1.0"], cache=cache)
    assert imported(environment, "import tiny, small, numpy; print(tiny.version, small.version)") == "1.0 1.5"
    folder = cache / "environments" / environment.key
    assert sorted(path.name for path in folder.iterdir()) == ["complete.json", "library", "lock.txt"]
    lock = (folder / "lock.txt").read_text()
    assert lock.count("--hash=sha256:") == 3
    assert all(f"{line}" in lock for line in ("numpy==9.0", "small==1.5", "tiny==1.0"))
    assert json.loads((folder / "complete.json").read_text())["tool"] == tool
    (known,) = cached_environments(cache=cache)
    assert (known.key, known.requirements) == (environment.key, ("numpy", "tiny==1.0"))
    assert known.n_bytes > 0
    assert environment.library[0] in environment.mounts
    assert any(environment.python.is_relative_to(path) for path in environment.mounts)

    monkeypatch.setattr(subprocess, "Popen", None)
    assert environment_for(["numpy", "tiny == 1.0"], cache=cache) == environment


@pytest.mark.usefixtures("wheels")
def test_nothing_can_be_added_to_what_is_installed(tool: str, cache: Path) -> None:
    environment = environment_for(["tiny"], cache=cache)
    folders = [environment.library[0], *(path for path in environment.library[0].rglob("*") if path.is_dir())]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o555 for path in folders)


def test_a_wheel_that_is_not_the_locked_one_is_refused(
    tool: str, cache: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = installing._run

    def swap_first(command: list[str], folder: Path, deadline: float) -> None:
        if "--require-hashes" in command:
            write_wheel(wheels, "tiny", "1.0", body="version = 'another'\n")
            monkeypatch.setenv("UV_CACHE_DIR", str(wheels / "another-cache"))
        run(command, folder, deadline)

    monkeypatch.setattr(installing, "_run", swap_first)
    with pytest.raises(EnvironmentFailed, match=r"(?is)hash.*install the packages into"):
        environment_for(["tiny"], cache=cache)
    assert list((cache / "environments").iterdir()) == []


def test_source_packages_are_never_built(tool: str, cache: Path, wheels: Path, tmp_path: Path) -> None:
    canary = tmp_path / "built"
    files = {
        "PKG-INFO": "Metadata-Version: 2.1\nName: sourced\nVersion: 1.0\n",
        # Needs nothing else to be built, so only the refusal of source packages keeps it from running.
        "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'builder'\nbackend-path = ['.']\n",
        "builder.py": f"open({str(canary)!r}, 'w').close()\n",
    }
    with tarfile.open(wheels / "sourced-1.0.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"sourced-1.0/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    with pytest.raises(EnvironmentFailed, match="Only wheels are installed") as failed:
        environment_for(["sourced"], cache=cache)
    assert "sourced" in str(failed.value)
    assert not canary.exists()


@pytest.mark.usefixtures("wheels")
def test_builders_at_the_same_time_agree(cache: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: environment_for(["tiny"], cache=cache), range(2))
    assert first == second
    assert [path.name for path in (cache / "environments").iterdir()] == [first.key]


@pytest.mark.usefixtures("wheels")
@pytest.mark.parametrize("damage", ["complete.json", "lock.txt"])
def test_a_damaged_environment_is_made_again(damage: str, cache: Path) -> None:
    environment = environment_for(["small"], cache=cache)
    (cache / "environments" / environment.key / damage).write_text("{}")
    assert cached_environments(cache=cache) == ()
    assert environment_for(["small"], cache=cache) == environment
    assert len(cached_environments(cache=cache)) == 1


@pytest.mark.usefixtures("wheels")
def test_what_a_killed_builder_left_is_swept_away(cache: Path) -> None:
    left = [cache / "environments" / f".building-{age}" for age in ("old", "new")]
    for folder in left:
        (folder / "library").mkdir(parents=True)
        (folder / "library" / "half.py").touch()
        (folder / "library").chmod(0o555)
    long_ago = time.time() - 10 * LIMITS["environment-seconds"]
    os.utime(left[0], (long_ago, long_ago))
    environment_for(["small"], cache=cache)
    assert [folder.exists() for folder in left] == [False, True]
    assert len(cached_environments(cache=cache)) == 1


@pytest.mark.usefixtures("wheels")
def test_an_environment_can_be_removed(cache: Path) -> None:
    key = environment_for(["small"], cache=cache).key
    remove_environment(key, cache=cache)
    assert cached_environments(cache=cache) == ()
    for wrong in (key, "../wheels", ""):
        with pytest.raises(InvalidParameter, match="no environment"):
            remove_environment(wrong, cache=cache)


@pytest.fixture
def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Put a program of one's own in the place of uv."""

    def replace(code: str) -> None:
        program = tmp_path / "pretended-uv"
        program.write_text(f"#!{sys.executable} -I\n{code}")
        program.chmod(0o755)
        monkeypatch.setattr(installing, "find_uv", lambda: str(program))

    return replace


def test_only_the_choice_of_an_index_reaches_the_installer(pretend, cache: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    passed = {"UV_INDEX_OURS_PASSWORD": "1", "PIP_INDEX_URL": "1", "HTTPS_PROXY": "1", "https_proxy": "1"}
    kept = {"SECRET_TOKEN": "1", "PIP_TARGET": "/", "UV_NO_BINARY": "1", "PYTHONPATH": "/", "LD_PRELOAD": ""}
    for name, value in {**passed, **kept}.items():
        monkeypatch.setenv(name, value)
    pretend("import os, sys; print(sorted(os.environ)); sys.exit(1)")
    with pytest.raises(EnvironmentFailed) as failed:
        environment_for(["tiny"], cache=cache)
    assert all(f"'{name}'" in str(failed.value) for name in passed)
    assert not any(f"'{name}'" in str(failed.value) for name in kept)


def test_the_last_words_are_passed_on(pretend, cache: Path) -> None:  # type: ignore[no-untyped-def]
    pretend("import sys; print('early\\n' * 5000); print('no such version'); sys.exit(2)")
    with pytest.raises(EnvironmentFailed, match=r"(?s)uv said:.*no such version\nOnly wheels") as failed:
        environment_for(["tiny"], cache=cache)
    assert len(str(failed.value)) < 1000


def test_without_a_network_the_message_says_so(pretend, cache: Path) -> None:  # type: ignore[no-untyped-def]
    pretend("import sys; sys.exit('Caused by: dns error: failed to lookup address information')")
    with pytest.raises(EnvironmentFailed, match=r"cannot be reached.*UV_FIND_LINKS"):
        environment_for(["tiny"], cache=cache)


def test_an_installer_that_takes_too_long_is_ended(pretend, cache: Path, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    pids = tmp_path / "pids"
    pretend(f"import os, time; os.fork(); print(os.getpid(), file=open({str(pids)!r}, 'a')); time.sleep(60)")
    monkeypatch.setattr(installing, "LIMITS", {**LIMITS, "environment-seconds": 1})
    with pytest.raises(EnvironmentFailed, match="within 1 s"):
        environment_for(["tiny"], cache=cache)
    assert list((cache / "environments").iterdir()) == []
    for pid in map(int, pids.read_text().split()):
        for _ in range(100):
            if not is_running(pid):
                break
            time.sleep(0.01)
        assert not is_running(pid)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("told", [{}, {"archive_info": {}}, {"archive_info": {"hashes": {"md5": "0"}}}])
def test_an_index_without_hashes_is_an_error(told: dict[str, object], tmp_path: Path) -> None:
    chosen = {"metadata": {"name": "Thing", "version": "1.0"}, "download_info": told}
    (tmp_path / "report.json").write_text(json.dumps({"install": [chosen]}))
    with pytest.raises(EnvironmentFailed, match="pip reports none for Thing 1.0. Install uv"):
        installing._write_lock(tmp_path)


@pytest.mark.usefixtures("wheels")
def test_packages_that_take_too_much_room_are_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "LIMITS", {**LIMITS, "environment-bytes": 100})
    with pytest.raises(EnvironmentFailed, match="more than 100 bytes"):
        environment_for(["tiny"], cache=cache)
    assert cached_environments(cache=cache) == ()


def test_a_cache_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFailed, match="LEARNWARE_CACHE"):
        environment_for(["tiny"], cache=tmp_path / "file")


def test_requirements_of_a_manifest_are_checked_again(cache: Path) -> None:
    for wrong in ("tiny\n--index-url https://example.org", "tiny @ file:///tmp/a.whl", "-e ."):
        with pytest.raises(MalformedManifest):
            environment_for([wrong], cache=cache)
    assert not cache.exists()


def test_what_this_process_has_is_not_installed_again(cache: Path) -> None:
    host = host_environment()
    assert environment_for(["numpy", "pytest>=1", "no-such; python_version < '3'"], cache=cache) == host
    assert not cache.exists()


def test_versions_and_extras_must_be_those_of_this_process(tmp_path: Path) -> None:
    info = tmp_path / "Some.Thing-2.0rc1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: Some.Thing\nVersion: 2.0rc1\nProvides-Extra: more_of_it\n")
    for met in ("some-thing", "some-thing>=2.0rc1", "some-thing[more-of-it]", "some-thing<1; python_version < '3'"):
        assert meets([met], [tmp_path]), met
    for unmet in ("some-thing>=2.0", "some-thing[less]", "another"):
        assert not meets([unmet], [tmp_path]), unmet
    (info / "direct_url.json").write_text('{"dir_info": {"editable": true}, "url": "file:///project"}')
    assert not meets(["some-thing"], [tmp_path]), "its code lies elsewhere"


def test_the_host_is_its_interpreter_and_installed_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, packages = tmp_path / "project", tmp_path / "a" / "site-packages"
    for folder in (project, packages):
        folder.mkdir(parents=True)
    monkeypatch.chdir(project)
    monkeypatch.setattr(
        sys, "path", ["", str(project), str(packages), str(tmp_path / "b" / "site-packages"), *sys.path]
    )
    host = host_environment()
    assert host.library[0] == packages.resolve()
    assert not any(project.resolve().is_relative_to(mount) for mount in host.mounts)
    for path in (host.python, *host.library, Path(os.__file__).resolve()):
        assert any(path.is_relative_to(mount) for mount in host.mounts)
    assert not host.python.is_symlink()


def test_a_home_folder_around_the_interpreter_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path(sys.base_prefix).resolve() / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    host = host_environment()
    assert not any(home.is_relative_to(mount) for mount in host.mounts)
    assert any(Path(os.__file__).resolve().is_relative_to(mount) for mount in host.mounts)


def test_folders_within_others_are_left_out() -> None:
    assert outermost([Path("/a/b"), Path("/a"), Path("/a"), Path("/ab")]) == (Path("/a"), Path("/ab"))
