"""The market of a folder with an index on the disk, and ways to damage that."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import numpy as np

from learnware.market import LocalMarket
from learnware.market.organizer.pointer import NAME
from learnware.specification import RKME, SemanticSpecification, Specification

N = 300


def spec(seed: int, name: str = "", centre: float = 0.0) -> Specification:
    rng = np.random.default_rng(seed)
    words = SemanticSpecification(name or f"Region {seed}", task="regression" if seed % 2 else "classification")
    return Specification(words, RKME(rng.normal(centre, 1.0, (5, 2)), np.full(5, 0.2), n_samples=100))


def fill(market: LocalMarket, seeds: range, centre: float = 0.0) -> list[str]:
    return market._store.add_many([(b"%d" % seed, spec(seed, centre=centre)) for seed in seeds])


def make(folder: Path) -> Path:
    """Make a market of so many learnwares, and its index."""
    with closing(LocalMarket.in_folder(folder)) as market:
        fill(market, range(N))
        market.warm()
    return folder


def volume(folder: Path) -> Path:
    (found,) = (folder / "index").glob(f"{NAME}-*")
    return found


def found(folder: Path, query: Specification | str = "region 7", limit: int = 10) -> list[str]:
    with closing(LocalMarket.in_folder(folder)) as market:
        return [hit.name for hit in market.search(query, limit=limit).hits]


def nearest(folder: Path) -> list[str]:
    return found(folder, spec(7))


def cut(path: Path) -> None:
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size // 2)


def spoil_columns(folder: Path) -> None:
    (columns,) = volume(folder).glob("*.columns")
    cut(columns)


def spoil_sketches(folder: Path) -> None:
    (columns,) = volume(folder).glob("*.columns")
    with open(columns, "r+b") as file:
        file.write(np.full(N * 256, np.nan, np.float16).tobytes())


def lose_columns(folder: Path) -> None:
    (columns,) = volume(folder).glob("*.columns")
    columns.unlink()


def spoil_tables(folder: Path) -> None:
    path = volume(folder) / "index.sqlite"
    with open(path, "r+b") as file:
        file.write(b"no database at all" * 1000)


def lose_tables(folder: Path) -> None:
    for path in volume(folder).glob("index.sqlite*"):
        path.unlink()


def lose_volume(folder: Path) -> None:
    shutil.rmtree(volume(folder))


def lose_all(folder: Path) -> None:
    shutil.rmtree(folder / "index")


def spoil_pointer(folder: Path) -> None:
    (folder / "index" / NAME).write_bytes(b"\xff\x00")


def point_elsewhere(folder: Path) -> None:
    (folder / "index" / NAME).write_text(f"{NAME}-elsewhere")


DAMAGES = [
    spoil_columns,
    spoil_sketches,
    lose_columns,
    spoil_tables,
    lose_tables,
    lose_volume,
    lose_all,
    spoil_pointer,
    point_elsewhere,
]
