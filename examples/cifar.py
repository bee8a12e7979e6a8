"""CIFAR-10 as a market of partial experts: whose images a learnware and a user have, the nets, and their training.

A learnware knows four classes, two of them well (shares .4, .4, .1, .1); a user's images are of six (.3, .3, .1, .1,
.1, .1), so that no learnware knows all of a user's classes. This is the published protocol, with its row counts scaled
to 16,000 + 4,000 images: 3,500 rows a learnware (published: 12,500) and 1,200 a user (3,000).

200 training images of each class are shown to no learnware: methods are chosen on users drawn from those, and reported
on users drawn from the test images.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from learnware import Learnware

N_LEARNWARES = 50
HELD = 200
LEARNWARE_ROWS = (1400, 1400, 350, 350)
USER_SHARES = (0.3, 0.3, 0.1, 0.1, 0.1, 0.1)
USER_ROWS = 1200
EPOCHS, BATCH, RATE, CROP = 12, 64, 0.2, 28
#: A user's own net is trained for so many steps, however few labels there are.
OWN_STEPS = 200


@dataclass(frozen=True)
class Images:
    """Images as they come, of shape (n, 32, 32, 3) and uint8, and the number of their class."""

    X: np.ndarray
    y: np.ndarray

    def draw(self, classes: np.ndarray, counts: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Return the rows of so many images of each class, in random order."""
        parts = [rng.permutation(np.flatnonzero(self.y == c))[:count] for c, count in zip(classes, counts, strict=True)]
        return rng.permutation(np.concatenate(parts))


@dataclass(frozen=True)
class Cifar:
    """Images that learnwares learn from, images to choose methods on, images to report on, and the names of classes."""

    learn: Images
    choose: Images
    report: Images
    names: tuple[str, ...]


def load(folder: Path) -> Cifar:
    """Read `train.npz` and `test.npz` from a folder."""
    with np.load(folder / "train.npz") as train, np.load(folder / "test.npz") as test:
        X, y = train["images"], train["labels"].astype(int)
        report = Images(test["images"], test["labels"].astype(int))
        names = tuple(str(name) for name in train["classes"])
    held = np.concatenate([np.flatnonzero(y == c)[:HELD] for c in range(len(names))])
    shown = np.setdiff1d(np.arange(len(y)), held)
    return Cifar(Images(X[shown], y[shown]), Images(X[held], y[held]), report, names)


def learnware_draws(images: Images, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the classes and the rows of every learnware of the market `seed`."""
    for number in range(N_LEARNWARES):
        rng = np.random.default_rng((seed, number))
        classes = rng.permutation(10)[: len(LEARNWARE_ROWS)]
        yield classes, images.draw(classes, LEARNWARE_ROWS, rng)


def user_draws(images: Images, n_users: int, seed: int) -> Iterator[np.ndarray]:
    """Yield the rows of every user: fewer where there are too few images of a class."""
    n_rows = min(USER_ROWS, round(np.bincount(images.y).min() / max(USER_SHARES)))
    counts = tuple(round(share * n_rows) for share in USER_SHARES)
    for number in range(n_users):
        rng = np.random.default_rng((seed, 1_000_000 + number))
        yield images.draw(rng.permutation(10)[: len(counts)], counts, rng)


class Net(nn.Module):
    """Three layers of 64 convolutions, each with batch norm and average pooling, on raw pixels 0 .. 255.

    Takes images of shape (n, height, width, 3), gives one logit for each class.
    """

    def __init__(self, n_classes: int = 10, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs in (3, width, width):
            layers += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            layers += [nn.AvgPool2d(2)]
        self.layers = nn.Sequential(*layers[:-1], nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.last = nn.Linear(width, n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits of shape (n, n_classes)."""
        return self.last(self.layers((x.permute(0, 3, 1, 2) - 127.5) / 64))


def train(X: np.ndarray, y: np.ndarray, seed: int, *, n_classes: int = 10, epochs: int = EPOCHS) -> Net:
    """Train a net by one cycle of stochastic gradient descent on random crops and flips."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Net(n_classes)
    rng = np.random.default_rng(seed)
    pixels, labels = torch.from_numpy(X).float(), torch.from_numpy(y)
    batch = min(BATCH, len(y))
    steps = epochs * (len(y) // batch)
    optimizer = torch.optim.SGD(net.parameters(), RATE, momentum=0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.25)
    for _ in range(epochs):
        order = torch.from_numpy(rng.permutation(len(y)))
        for rows in order[: len(y) // batch * batch].split(batch):
            # bfloat16 halves the time on processors that have it, at the same accuracy.
            with torch.autocast("cpu", torch.bfloat16):
                logits = net(_crop(pixels[rows], rng))
            optimizer.zero_grad()
            nn.functional.cross_entropy(logits.float(), labels[rows]).backward()
            optimizer.step()
            schedule.step()
    return net.eval()


def _crop(pixels: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    top, left = rng.integers(0, pixels.shape[1] - CROP + 1, size=2)
    flipped = pixels.flip(2) if rng.random() < 0.5 else pixels
    return flipped[:, top : top + CROP, left : left + CROP]


def trained(images: Images, seed: int, folder: Path | None) -> Iterator[tuple[np.ndarray, np.ndarray, Net]]:
    """Yield the classes, the rows and the net of every learnware of the market `seed`; train those not in `folder`."""
    for number, (classes, rows) in enumerate(learnware_draws(images, seed)):
        path = folder / f"seed-{seed}" / f"net-{number:02}.npz" if folder else None
        if path and path.exists():
            yield classes, rows, _read(path)
            continue
        net = train(images.X[rows], images.y[rows], seed=1000 * seed + number)
        if path:
            _write(path, net)
        yield classes, rows, net


def pack(net: Net, images: Images, classes: np.ndarray, rows: np.ndarray, names: np.ndarray, seed: int) -> Learnware:
    """Pack a net as a learnware that claims the classes it was trained on, and no others."""
    known = np.sort(classes)
    own = deepcopy(net)
    own.last = nn.Linear(net.last.in_features, len(known))
    with torch.no_grad():
        own.last.weight.copy_(net.last.weight[known])
        own.last.bias.copy_(net.last.bias[known])
    return Learnware.from_model(
        own.eval(),
        images.X[rows],
        names[images.y[rows]],
        name="Images of " + ", ".join(names[known]),
        task="classification",
        classes=names[known].tolist(),
        scenarios=["Computer"],
        data="image",
        random_state=seed,
    )


class OwnNet:
    """The net that a user trains on a few labels alone."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fit(self, X: np.ndarray, y: np.ndarray) -> OwnNet:
        """Train on images and the names of their classes."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        epochs = math.ceil(OWN_STEPS / (len(y) // min(BATCH, len(y))))
        self.net_ = train(X, codes, self.seed, n_classes=len(self.classes_), epochs=epochs)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return names of classes."""
        with torch.no_grad():
            return self.classes_[self.net_(torch.from_numpy(X).float()).argmax(dim=1).numpy()]


def _read(path: Path) -> Net:
    net = Net()
    with np.load(path) as file:
        net.load_state_dict({name: torch.from_numpy(file[name]) for name in file.files})
    return net.eval()


def _write(path: Path, net: Net) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part.npz")
    np.savez(unfinished, **{name: values.numpy() for name, values in net.state_dict().items()})
    unfinished.replace(path)
