from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

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
    "mixture average",
    "job selector",
    "consensus",
    "auto",
]

LABELLED = ["auto, no labels", "own model", "ensemble selection", "stacking", "auto"]

NAMES = [f"kind {letter}" for letter in "abcdefghij"]


@pytest.fixture
def small_images(tmp_path: Path) -> Path:
    """Write coloured stripes of ten kinds, 50 + 20 of each; return the folder that holds cifar10_20k/."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "cifar10_20k"
    folder.mkdir()
    for name, count in (("train", 50), ("test", 20)):
        labels = rng.permutation(np.repeat(np.arange(10), count)).astype(np.uint8)
        angle, colour = np.pi * (labels % 5) / 5, np.eye(3)[labels // 5]
        row, column = np.mgrid[:32, :32]
        along = np.cos(angle)[:, None, None] * row + np.sin(angle)[:, None, None] * column
        waves = np.sin(0.7 * along + rng.uniform(0, 6, (len(labels), 1, 1)))[..., None]
        pixels = 120 + 60 * waves + 50 * colour[:, None, None] + rng.normal(0, 12, (len(labels), 32, 32, 3))
        np.savez(folder / name, images=pixels.clip(0, 255).astype(np.uint8), labels=labels, classes=NAMES)
    return tmp_path


@pytest.fixture
def quick(example: Load, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the workflow with two learnwares, small users, and nets that are hardly trained."""
    cifar = example("cifar")
    small = {"N_LEARNWARES": 2, "HELD": 10, "LEARNWARE_ROWS": (40, 40, 10, 10), "USER_ROWS": 60}
    for name, value in {**small, "OWN_STEPS": 4, "BATCH": 20}.items():
        monkeypatch.setattr(cifar, name, value)
    train = cifar.train
    monkeypatch.setattr(cifar, "train", lambda *args, **options: train(*args, **{**options, "epochs": 8}))
    return example("images")


def test_what_learnwares_and_users_have(example: Load, small_images: Path, quick: ModuleType) -> None:
    cifar = quick.cifar
    data = cifar.load(small_images / "cifar10_20k")
    assert [len(part.y) for part in (data.learn, data.choose, data.report)] == [400, 100, 200]
    shown = {image.tobytes() for image in data.learn.X}
    assert not any(image.tobytes() in shown for image in data.choose.X)
    draws = list(cifar.learnware_draws(data.learn, seed=0))
    for classes, rows in draws:
        assert len(np.unique(rows)) == 100
        assert np.bincount(data.learn.y[rows], minlength=10)[classes].tolist() == [40, 40, 10, 10]
    assert not np.array_equal(draws[0][0], next(cifar.learnware_draws(data.learn, seed=1))[0])
    for rows in cifar.user_draws(data.report, 3, seed=0):
        assert sorted(np.bincount(data.report.y[rows], minlength=10)) == [0, 0, 0, 0, 6, 6, 6, 6, 18, 18]
    few = next(cifar.user_draws(data.choose, 1, seed=0))
    assert len(few) == 32


def test_nothing_is_trained_or_packed_twice(
    small_images: Path, quick: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = small_images / "kept"
    arguments = ["--data", str(small_images), "--cache", str(kept), "--labels", "", "--seed", "0"]
    quick.main([*arguments, "--users", "2"])
    first = capsys.readouterr().out
    assert "2 users, seeds 0; the market says " in first
    assert "| mixture (published) | 0.6900 |" in first
    assert len(list(kept.glob("seed-0/net-*.npz"))) == len(list(kept.glob("seed-0/learnware-*.zip"))) == 2
    claims_its_own_classes(quick.cifar, small_images, kept / "seed-0")

    def never(*args: object, **options: object) -> None:
        raise AssertionError("trained or packed twice")

    monkeypatch.setattr(quick.cifar, "train", never)
    monkeypatch.setattr(quick.cifar, "pack", never)
    quick.main([*arguments, "--users", "1", "--json"])
    [[accuracies]] = json.loads(capsys.readouterr().out)["no labels"]
    assert list(accuracies) == LABEL_FREE
    assert accuracies["best single (oracle)"] >= accuracies["mean in market"]
    assert accuracies["average of all"] == accuracies["average of nearest 5"]


def test_scored_images_are_the_same_for_all_numbers_of_labels(
    small_images: Path, quick: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def spy(user: object, order: np.ndarray, n_labels: int, rest: np.ndarray, seed: int) -> dict[str, float]:
        assert not np.isin(rest, order[:n_labels]).any()
        seen.append((n_labels, sorted(rest.tolist())))
        return {"auto, no labels": 0.1, "own model": 0.2}

    user = SimpleNamespace(y=np.zeros(60), result=SimpleNamespace(verdict="match"))
    monkeypatch.setattr(quick, "visits", lambda *args: iter([user]))
    monkeypatch.setattr(quick, "accuracies_without_labels", lambda user: {"best single (oracle)": 0.5})
    monkeypatch.setattr(quick, "errors_with_labels", spy)
    figure = small_images / "curves.png"
    arguments = ["--users", "1", "--labels", "20,40", "--seed", "0,1", "--figure", str(figure)]
    quick.main(["--data", str(small_images), *arguments])
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert [n for n, _ in seen] == [20, 40] * 2
    assert seen[0][1] == seen[1][1] != seen[2][1]
    assert len(seen[0][1]) == 20


def claims_its_own_classes(cifar: ModuleType, path: Path, kept: Path) -> None:
    """Check that a packed net answers with the four classes it was trained on, as if there were no others."""
    data = cifar.load(path / "cifar10_20k")
    [classes, _, net], *_ = cifar.trained(data.learn, 0, kept.parent)
    learnware = Learnware.load(kept / "learnware-00.zip", isolation="none", trust="data")
    known = np.sort(classes)
    assert list(learnware.classes_) == [NAMES[c] for c in known]
    with torch.no_grad():
        expected = net(torch.from_numpy(data.report.X[:5]).float())[:, known].softmax(dim=1)
    np.testing.assert_allclose(learnware.predict_proba(data.report.X[:5]), expected, atol=1e-4)
    assert learnware.specification.statistical.labels.classes == tuple(learnware.classes_)


@pytest.mark.slow
def test_real_data(quick: ModuleType, data_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not (data_path / "cifar10_20k" / "train.npz").is_file():
        pytest.skip(f"needs the data set {data_path / 'cifar10_20k'}")
    quick.cifar.LEARNWARE_ROWS, quick.cifar.USER_ROWS, quick.cifar.HELD = (400, 400, 100, 100), 300, 200
    arguments = ["--users", "1", "--labels", "100", "--seed", "0", "--json"]
    quick.main(["--data", str(data_path), *arguments])
    results = json.loads(capsys.readouterr().out)
    [[accuracies]] = results["no labels"]
    assert accuracies["auto"] > accuracies["mean in market"]
    [[errors]] = results["labels"]["100"]
    assert list(errors) == LABELLED
