"""Every command, by its function and as a process; what it prints, and how it ends."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from learnware import Learnware, Market, Specification, __version__, errors
from learnware.cli import build_parser, main
from learnware.market import CheckReport, Finding, LocalMarket
from learnware.specification import SemanticSpecification
from learnware.testing import make_learnware
from tests.bundle.upstream_zips import make_upstream_zip

ROOT = Path(__file__).resolve().parents[1]
LONG_WINDED = "A name that goes on and on. " * 10
PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def wine() -> pd.DataFrame:
    table = load_wine(as_frame=True).frame.rename(columns={"target": "cultivar"})
    return table[["alcohol", "hue", "proline", "cultivar"]]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, wine: pd.DataFrame) -> Path:
    """Return a folder with a table, a model, the inputs of a user, and a market of one learnware."""
    folder = tmp_path_factory.mktemp("prepared")
    X, y = wine.drop(columns="cultivar"), wine["cultivar"]
    wine.to_csv(folder / "wine.csv", index=False)
    X.iloc[::2].to_csv(folder / "mine.csv", index=False)
    skops.io.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y), folder / "wine.skops")
    names = (str(folder / name) for name in ("wine.skops", "wine.csv"))
    assert main(["pack", *names, "--name", "Cultivars of wine", "--target", "cultivar"]) == 0
    assert main(["submit", str(folder / "market"), str(folder / "wine.zip")]) == 0
    return folder


@pytest.fixture
def market(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Work in a copy of the prepared folder, and return the path of its market."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return "market"


@pytest.fixture
def folder(market: str, tmp_path: Path) -> Path:
    """Work in a copy of the prepared folder without its market."""
    shutil.rmtree(market)
    (tmp_path / "wine.zip").unlink()
    return tmp_path


Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command with --json and returns its exit code and content."""

    def run_json(*argv: str) -> tuple[int, Any]:
        code = main([*argv, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run_json


def test_pack_makes_a_learnware_file(folder: Path, run: Run, wine: pd.DataFrame) -> None:
    code, content = run(
        *shlex.split("pack wine.skops wine.csv --name Wine --target cultivar --license MIT --scenario Agriculture"),
        *shlex.split("--description 'Three cultivars' --points 20 --seed 3 -o packed.zip"),
    )
    assert code == 0
    assert content["file"] == "packed.zip"
    assert content["task"] == "Classification"
    assert content["columns"] == ["alcohol", "hue", "proline"]
    packed = Learnware.load("packed.zip")
    assert packed.digest == content["digest"]
    semantic = packed.specification.semantic
    assert (semantic.name, semantic.license, semantic.scenarios) == ("Wine", "MIT", ("Agriculture",))
    assert packed.specification.statistical is not None
    assert len(packed.specification.statistical.points) <= 20
    assert packed.predict(wine).shape == (len(wine),)


def test_packing_twice_gives_the_same_bytes(folder: Path) -> None:
    for name in ("one.zip", "two.zip"):
        assert main(shlex.split(f"pack wine.skops wine.csv --name Wine --target cultivar -o {name}")) == 0
    assert Path("one.zip").read_bytes() == Path("two.zip").read_bytes()


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_pack_takes_boosters(folder: Path, run: Run, wine: pd.DataFrame, library: str) -> None:
    X, y = wine.drop(columns="cultivar").to_numpy(), wine["cultivar"].to_numpy()
    np.save("X.npy", X)
    if library == "lightgbm":
        from lightgbm import LGBMClassifier

        LGBMClassifier(n_estimators=5, verbose=-1).fit(X, y).booster_.save_model("model.txt")
        file = "model.txt"
    else:
        from xgboost import XGBClassifier

        XGBClassifier(n_estimators=5).fit(X, y).get_booster().save_model("model.json")
        file = "model.json"
    code, content = run("pack", file, "X.npy", "--name", "Boosted", "--classes", "5", "6", "7", "-o", "boosted.zip")
    assert (code, content.get("task")) == (0, "Classification")
    assert Learnware.load("boosted.zip").classes_.tolist() == [5, 6, 7]


def test_pack_refuses_what_holds_code(folder: Path, wine: pd.DataFrame, capsys: pytest.CaptureFixture[str]) -> None:
    X, y = wine.drop(columns="cultivar"), wine["cultivar"]
    own_step = make_pipeline(FunctionTransformer(np.log1p), LogisticRegression(max_iter=5000)).fit(X, y)
    skops.io.dump(own_step, "own.skops")
    code = main(["pack", "own.skops", "wine.csv", "--name", "Own", "--target", "cultivar"])
    Path("model.pkl").write_bytes(b"\x80\x04N.")
    assert code == 1 or Path("own.zip").exists()
    assert main(["pack", "model.pkl", "wine.csv", "--name", "Pickled"]) == 2
    assert "skops.io.dump" in capsys.readouterr().err


def test_check_tells_what_to_mend(folder: Path, run: Run) -> None:
    make_learnware("A name").save("good.zip")
    make_learnware(LONG_WINDED).save("long.zip")
    code, content = run("check", "good.zip")
    assert (code, content["passed"]) == (0, True)
    code, content = run("check", "long.zip")
    assert (code, content["passed"]) == (1, False)
    assert "name-too-long" in [finding["code"] for finding in content["findings"]]
    assert set(content["findings"][0]) == {"level", "code", "message"}


def test_check_refuses_a_truncated_file(folder: Path, run: Run) -> None:
    whole = make_learnware().save("whole.zip").read_bytes()
    Path("cut.zip").write_bytes(whole[: len(whole) // 2])
    code, content = run("check", "cut.zip")
    assert (code, content["error"]["type"]) == (1, "MalformedArchive")


def test_submit_takes_the_good_and_names_the_bad(folder: Path, run: Run) -> None:
    make_learnware("One").save("one.zip")
    make_learnware(LONG_WINDED).save("long.zip")
    make_learnware("Two").save("two.zip")
    code, content = run("submit", "market", "one.zip", "long.zip", "two.zip")
    assert code == 1
    one, long_winded, two = content["submitted"]
    assert long_winded["id"] is None
    assert long_winded["report"]["passed"] is False
    with Market.open("market") as market:
        assert list(market) == [one["id"], two["id"]]


@pytest.mark.parametrize("kind", [errors.MarketError, errors.IsolationUnavailable, errors.MissingDependency])
def test_submit_goes_on_after_any_failure(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch, kind: type[errors.LearnwareError]
) -> None:
    submit = LocalMarket._submit

    def failing(self: LocalMarket, learnware: Learnware) -> str:
        if learnware.name == "Bad":
            raise kind("Not this one.")
        return submit(self, learnware)

    monkeypatch.setattr(LocalMarket, "_submit", failing)
    for name in ("One", "Bad", "Two"):
        make_learnware(name).save(f"{name}.zip")
    code, content = run("submit", "market", "One.zip", "Bad.zip", "Two.zip")
    one, bad, two = content["submitted"]
    assert (code, bad["id"], bad["reason"], bad["report"]) == (1, None, "Not this one.", None)
    with Market.open("market") as market:
        assert list(market) == [one["id"], two["id"]]


STRANGE = "A\x1b]0;title\x07 \x9b2J\u202eB\u3000C\nforged"


def test_nothing_printed_steers_the_terminal(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def printed(*argv: str) -> str:
        main([*argv])
        out, err = capsys.readouterr()
        assert all(c.isprintable() or c == "\n" for c in out + err), argv
        return out + err

    strange = SemanticSpecification("plain", "plain", task="regression", data="table")
    # Such words are refused today, but a market may hold some that were taken before.
    for name in ("name", "description"):
        object.__setattr__(strange, name, STRANGE)
    monkeypatch.setattr(LocalMarket, "describe", lambda self, learnware_id: Specification(strange))
    monkeypatch.setattr(LocalMarket, "_submit", lambda self, learnware: self._store.add(b"", Specification(strange)))
    make_learnware().save("one.zip")
    assert main(["submit", "market", "one.zip"]) == 0
    capsys.readouterr()
    assert len(printed("list", "market").splitlines()) == 2
    assert len(printed("search", "market", "--text", "forged").splitlines()) == 3
    assert "B C forged" in printed("list", "market")
    printed("list", "market", "--json")
    assert run("list", "market")[1]["learnwares"][0]["name"] == STRANGE
    assert printed("list", f"nowhere{STRANGE}").count("\n") == 1
    finding = Finding("error", "strange", STRANGE)
    monkeypatch.setattr("learnware.market.check_learnware", lambda candidate: CheckReport("One", [finding]))
    assert "strange: A" in printed("check", "one.zip")


def test_a_mistyped_file_leaves_no_market(folder: Path) -> None:
    assert main(["submit", "market", "mistyped.zip"]) == 2
    assert not Path("market").exists()


def test_search_by_data_text_and_specification(market: str, run: Run) -> None:
    code, by_data = run("search", market, "--data", "mine.csv", "--save-spec", "mine.json")
    assert (code, by_data["verdict"], len(by_data["hits"])) == (0, "match", 1)
    assert set(by_data["hits"][0]) >= {"id", "name", "distance", "fit", "weight", "relevance"}
    code, by_spec = run("search", market, "--spec", "mine.json", "--limit", "1")
    assert (code, by_spec) == (0, by_data)
    code, by_text = run("search", market, "--text", "cultivars")
    assert (code, by_text["hits"][0]["distance"]) == (0, None)
    code, both = run("search", market, "--spec", "mine.json", "--text", "cultivars")
    assert (code, both["hits"][0]["fit"]) == (0, by_data["hits"][0]["fit"])


def test_search_explains_the_first_hit(
    market: str, run: Run, wine: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = wine.drop(columns="cultivar")
    moved.assign(hue=moved["hue"] + 2.0).to_csv("moved.csv", index=False)
    _, content = run("search", market, "--data", "moved.csv", "--explain")
    assert content["explanation"]["features"][0]["name"] == "hue"
    assert "explanation" not in run("search", market, "--data", "moved.csv")[1]
    main(["search", market, "--data", "moved.csv", "--explain"])
    assert "Differs most in 'hue'" in capsys.readouterr().out
    assert main(["search", market, "--text", "cultivars", "--explain"]) != 0
    assert "found by words alone" in capsys.readouterr().err
    assert "explanation" not in run("search", market, "--text", "zeppelin", "--explain")[1]


def test_search_shows_near_duplicates(folder: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with Market.open("alike") as market:
        first, _ = market.submit([make_learnware(), make_learnware("Again")], progress=False)
    make_learnware().specification.save("spec.json")

    def lines(*options: str) -> list[str]:
        capsys.readouterr()
        assert main(["search", "alike", "--spec", "spec.json", *options]) == 0
        return capsys.readouterr().out.splitlines()

    head, *rows = lines()[1:]
    assert head.split()[-2:] == ["relevance", "covers"]
    assert [row.split()[-1] for row in rows] == ["1"]
    head, *rows = lines("--duplicates")[1:]
    assert head.endswith("covered by")
    assert rows[1].endswith(first)
    assert run("search", "alike", "--spec", "spec.json", "--duplicates")[1]["hits"][1]["covered_by"] == first
    assert "covers" not in lines("--text", "again")[1]


def test_search_tells_when_nothing_is_found(market: str, run: Run, wine: pd.DataFrame) -> None:
    assert run("search", market, "--text", "zeppelin")[0] == 1
    assert run("search", market, "--data", "mine.csv", "--task", "regression")[0] == 1
    (wine.drop(columns="cultivar") + 1000.0).to_csv("far.csv", index=False)
    code, content = run("search", market, "--data", "far.csv")
    assert (code, content["verdict"]) == (1, "nothing fits")


def test_search_takes_tags_of_the_specification(market: str, run: Run) -> None:
    Specification.from_data(np.zeros((9, 2)), task="regression").save("other.json")
    assert run("search", market, "--spec", "other.json")[1]["hits"] == []
    code, content = run("search", market, "--task", "classification")
    assert (code, len(content["hits"])) == (0, 1)


def test_fetch_writes_the_file_that_was_submitted(market: str, run: Run) -> None:
    learnware_id = run("list", market)[1]["learnwares"][0]["id"]
    code, content = run("fetch", market, learnware_id, "-o", "found.zip")
    assert (code, content) == (0, {"id": learnware_id, "file": "found.zip"})
    assert Path("found.zip").read_bytes() == Path("wine.zip").read_bytes()
    assert main(["fetch", market, learnware_id]) == 0
    assert Path(f"{learnware_id}.zip").is_file()


def test_list_names_everything(market: str, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    code, content = run("list", market)
    assert code == 0
    assert [entry["name"] for entry in content["learnwares"]] == ["Cultivars of wine"]
    assert set(content["learnwares"][0]) == {"id", "name", "task", "scenarios", "license", "level"}
    main(["list", market])
    assert "Cultivars of wine" in capsys.readouterr().out


def test_demo_reuses_better_than_single_learnwares(run: Run) -> None:
    code, content = run("demo")
    assert code == 0
    assert content["n_learnwares"] == 10
    accuracy = content["accuracy"]
    assert accuracy["auto, no labels"] > accuracy["best single learnware (needs all labels to know)"]


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        ("list nowhere", 2),
        ("fetch nowhere some-id", 2),
        ("fetch market 00000000000000000000000000000000", 1),
        ("check nowhere.zip", 2),
        ("search market", 2),
        ("search market --text wine --limit 0", 2),
        ("search market --text wine --task juggling", 2),
        ("search market --spec wine.csv", 2),
        ("search market --data wine.skops", 2),
        ("search market --data mine.csv --points 0", 2),
        ("pack wine.skops nowhere.csv --name Wine", 2),
        ("pack wine.skops wine.csv --name Wine --target vineyard", 2),
        ("pack wine.skops mine.npy --name Wine", 2),
        ("pack broken.skops wine.csv --name Wine", 1),
        ("pack broken.txt wine.csv --name Wine", 1),
        ("pack broken.json wine.csv --name Wine", 1),
        ("submit wine.csv wine.zip", 2),
    ],
)
def test_errors_are_one_line(market: str, argv: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("broken.skops", "broken.txt", "broken.json", "mine.npy"):
        Path(name).write_text("nothing of the kind")
    capsys.readouterr()
    assert main(argv.split()) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"learnware: error: [^\n]+\n", err)


@pytest.mark.parametrize("argv", [[], ["juggle"], ["check"], ["search", "m", "--spec", "a", "--data", "b"]])
def test_argparse_ends_with_2(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2


def test_it_is_a_program(folder: Path) -> None:
    def process(*argv: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-m", "learnware", *argv]
        environment = {"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(folder)}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    assert process("--version").stdout == f"learnware {__version__}\n"
    packed = process("pack", "wine.skops", "wine.csv", "--name", "Wine", "--target", "cultivar", "--json")
    assert packed.returncode == 0, packed.stderr
    assert json.loads(packed.stdout)["file"] == "wine.zip"
    refused = process("list", "nowhere")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)


def commands() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command, those of a group under both words."""
    found: dict[str, argparse.ArgumentParser] = {}
    for name, parser in choices(build_parser()).items():
        inner = {f"{name} {word}": below for word, below in choices(parser).items()}
        found.update(inner or {name: parser})
    return found


def choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of the words that may follow."""
    groups = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return next((dict(group.choices) for group in groups), {})


def section(command: str) -> str:
    """Return what the page says about a command."""
    return PAGE.split(f"\n### {command}\n")[1].split("\n### ")[0]


def test_the_page_knows_every_command_and_no_other() -> None:
    assert re.findall(r"^### (.+)$", PAGE, re.MULTILINE) == list(commands())


@pytest.mark.parametrize("command", list(commands()))
def test_the_page_knows_every_option_and_no_other(command: str) -> None:
    parser = commands()[command]
    assert parser.description
    everywhere = {"-h", "--help", "--json"}
    options = {option for action in parser._actions for option in action.option_strings} - everywhere
    assert all(action.help for action in parser._actions)
    assert set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", section(command))) == options


def test_the_session_of_the_page_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = re.findall(r"^\$ learnware (.+)$", PAGE, re.MULTILINE)
    assert len(lines) >= 9
    lines.remove("demo")  # has a test of its own
    for line in lines:
        if "<id>" in line:
            with Market.open("market") as market:
                line = line.replace("<id>", next(iter(market)))
        assert main(shlex.split(line)) == 0, line


def test_upkeep_of_a_market(market: str, run: Run) -> None:
    code, report = run("market", "fsck", market)
    assert (code, report["ok"]) == (0, True)
    assert run("market", "backup", market, "copy") == (0, {"folder": "copy", "n_learnwares": 1})
    assert run("market", "restore", "copy", "again") == (0, {"folder": "again", "n_learnwares": 1})
    assert run("list", "again")[1] == run("list", market)[1]
    (blob,) = (path for path in Path(market, "blobs").rglob("*") if path.is_file())
    blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    assert run("market", "fsck", market, "--dry-run")[0] == 1
    assert blob.exists()
    assert run("market", "fsck", market)[0] == 1
    assert not blob.exists()
    assert run("market", "backup", "nowhere", "copy-2")[0] == 2


def test_limits_and_cache(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, content = run("limits")
    assert code == 0
    assert {"name": "archive-entries", "value": 1000, "meaning": "files in it"} in content["limits"]
    monkeypatch.setenv("LEARNWARE_CACHE", str(tmp_path))
    assert run("cache", "list") == (0, {"folder": str(tmp_path), "environments": []})
    assert run("cache", "remove", "all") == (0, {"removed": []})
    assert run("cache", "remove", "unknown")[0] == 2


def test_import_needs_what_a_zip_does_not_say(folder: Path, run: Run) -> None:
    Path("upstream.zip").write_bytes(make_upstream_zip(semantic=None))
    assert run("import", "upstream.zip")[0] == 1
    words = ("--name", "Linear", "--task", "regression", "--inputs", "3", "--outputs", "1")
    code, content = run("import", "upstream.zip", *words)
    assert (code, content["file"], content["level"]) == (0, "upstream-2.zip", "T2")
    assert Learnware.load("upstream-2.zip").name == "Linear"


def test_revisions_update_remove_and_collect(market: str, run: Run) -> None:
    learnware_id = run("list", market)[1]["learnwares"][0]["id"]
    make_learnware("Other").save("other.zip")
    code, updated = run("update", market, learnware_id, "other.zip")
    assert code == 0
    found = run("market", "revisions", market, learnware_id)[1]["revisions"]
    assert [each["digest"] for each in found] == [Learnware.load("wine.zip").digest, updated["digest"]]
    assert run("fetch", market, f"{learnware_id}@{found[0]['digest']}", "-o", "first.zip")[0] == 0
    assert Path("first.zip").read_bytes() == Path("wine.zip").read_bytes()
    assert run("remove", market, learnware_id) == (0, {"removed": learnware_id})
    assert run("remove", market, learnware_id)[0] == 1
    assert run("market", "index", market) == (0, {"n_learnwares": len(run("list", market)[1]["learnwares"])})
    assert run("market", "gc", market) == (0, {"deleted": 0})
    assert run("market", "gc", market, "--now") == (0, {"deleted": 2})


@pytest.mark.parametrize("output", ["wine.csv", "wine.skops"])
def test_pack_spares_its_inputs(folder: Path, run: Run, output: str) -> None:
    before = Path(output).read_bytes()
    assert run("pack", "wine.skops", "wine.csv", "--name", "Wine", "--target", "cultivar", "-o", output)[0] == 2
    assert Path(output).read_bytes() == before


def test_an_interrupt_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("learnware.cli.machine._limits", interrupted)
    assert main(["limits"]) == 130
    assert capsys.readouterr() == ("", "learnware: interrupted\n")


def test_a_reader_may_leave_early() -> None:
    command = f"{sys.executable} -m learnware limits | head -n 1"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout.split()[0], done.stderr) == ("limit", "")
