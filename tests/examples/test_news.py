from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from learnware import Learnware

Load = Callable[[str], ModuleType]

LABEL_FREE = [
    "mean in market",
    "best single (oracle)",
    "first hit",
    "top-1 by distance",
    "average of nearest 5",
    "average of nearest 10",
    "average of all",
    "average of those who know all groups (oracle)",
    "mixture, label vote",
    "mixture average",
    "job selector",
    "consensus",
    "auto",
]
LABELLED = ["auto, no labels", "own model", "ensemble selection", "stacking", "auto"]
GROUPS = ["comp.graphics", "comp.windows.x", "misc.forsale", "rec.autos", "rec.sport.hockey", "sci.med", "talk.guns"]


def write_posts(path: Path, n_posts: int, seed: int) -> None:
    """Write posts of made-up words, of which some go with a group."""
    rng = np.random.default_rng(seed)
    common = [f"word{i}" for i in range(60)]
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for group in [*GROUPS, "alt.atheism"]:
            topic = [f"{group.partition('.')[2]}{i}".replace(".", "") for i in range(12)]
            for number in range(n_posts):
                words = [*rng.choice(common, 25), *rng.choice(topic, 4)]
                file.write(json.dumps({"id": str(number), "label": group, "text": " ".join(words)}) + "\n")


@pytest.fixture
def small_posts(tmp_path: Path) -> Path:
    """Write 7 groups of the five superclasses and one beside; return the folder that holds newsgroups20/."""
    (tmp_path / "newsgroups20").mkdir()
    write_posts(tmp_path / "newsgroups20" / "train.jsonl.gz", 24, 0)
    write_posts(tmp_path / "newsgroups20" / "test.jsonl.gz", 12, 1)
    return tmp_path


def test_owners_have_half_of_their_triple(example: Load, small_posts: Path) -> None:
    newsgroups = example("newsgroups")
    train, test = newsgroups.load(small_posts / "newsgroups20")
    assert set(train.groups) == set(GROUPS), "other superclasses take no part"
    assert len(test.texts) == 12 * len(GROUPS)
    found = newsgroups.draws(train, 0)
    assert len(found) == 50
    for number, (name, rows) in enumerate(found):
        triple = newsgroups.TRIPLES[number // 5]
        assert name.startswith(", ".join(triple))
        assert set(train.kinds[rows]) <= set(triple)
        assert len(rows) == len(np.unique(rows)) == len(train.of(triple)) // 2
    assert not np.array_equal(found[0][1], found[1][1])
    assert not np.array_equal(found[0][1], newsgroups.draws(train, 1)[0][1])


def test_what_is_remembered_is_what_the_learnware_says(example: Load, small_posts: Path) -> None:
    newsgroups, news = example("newsgroups"), example("news")
    train, test = newsgroups.load(small_posts / "newsgroups20")
    newsgroups.pack("all", train, 0).save(small_posts / "all.zip")
    learnware = Learnware.load(small_posts / "all.zip", isolation="none", trust="data")
    places = {text: row for row, text in enumerate(test.texts)}
    remembered = news.asked(learnware, places, small_posts / "answers.npy")
    again = news.asked(learnware, places, small_posts / "answers.npy")
    some = test.texts[5:9]
    np.testing.assert_allclose(again.predict_proba(some), learnware.predict_proba(some), atol=1e-6)
    assert remembered.predict(some).tolist() == learnware.predict(some).tolist()
    assert remembered.specification is learnware.specification


def test_tables_figure_and_kept_learnwares(
    example: Load, small_posts: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    monkeypatch.setattr(example("newsgroups"), "N_DRAWS", 1)
    news, kept, figure = example("news"), small_posts / "kept", small_posts / "figure.png"
    options = ["--data", str(small_posts), "--seed", "0", "--users", "1", "--cache", str(kept)]
    news.main([*options, "--labels", "20", "--figure", str(figure)])
    shown = capsys.readouterr().out
    assert "| no labels | accuracy |" in shown
    assert "| 20 labels | error |" in shown
    assert "| best single (published) | 0.8590 |" in shown
    assert figure.stat().st_size > 1000
    assert len(list(kept.glob("*.zip"))) == len(list(kept.glob("*.npy"))) == 10
    news.main([*options, "--labels", "", "--json"])
    (accuracies,) = json.loads(capsys.readouterr().out)["no labels"][0]
    assert list(accuracies) == LABEL_FREE
    for way in ("best single (oracle)", "consensus", "auto"):
        assert f"| {way} | {accuracies[way]:.4f} |" in shown
    assert accuracies["consensus"] >= accuracies["average of all"]


@pytest.mark.slow
def test_real_data(
    example: Load, data_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (data_path / "newsgroups20" / "train.jsonl.gz").is_file():
        pytest.skip(f"needs the data set {data_path / 'newsgroups20'}")
    newsgroups = example("newsgroups")
    monkeypatch.setattr(newsgroups, "N_DRAWS", 1)
    read = newsgroups._read
    monkeypatch.setattr(newsgroups, "_read", lambda path: read(path).take(np.arange(0, 6800, 6)))
    example("news").main(["--data", str(data_path), "--seed", "0", "--users", "2", "--labels", "100", "--json"])
    results = json.loads(capsys.readouterr().out)
    assert [list(errors) for errors in results["labels"]["100"][0]] == [LABELLED] * 2
    for accuracies in results["no labels"][0]:
        assert accuracies["mean in market"] < accuracies["top-1 by distance"] <= accuracies["best single (oracle)"]
        assert accuracies["consensus"] > accuracies["average of all"]
