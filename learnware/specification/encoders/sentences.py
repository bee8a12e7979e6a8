"""Texts to points by a network of the sentence-transformers library."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from learnware._digests import sha256_of_file
from learnware._optional import import_optional
from learnware._validation import complain
from learnware.errors import InvalidParameter, UntrustedModel
from learnware.specification.encoders.base import Encoder
from learnware.specification.space import ENCODER_NAME

_FAMILY = "sentence-transformers"
_TEXTS_AT_ONCE = 64

#: All that a network is made of. Pickles are never fetched and never read.
_SAFE = ("*.safetensors", "*.json", "*.txt", "*.model")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")


class SentenceTransformer(Encoder):
    """Encoder of texts by a network of the sentence-transformers library: nearness in meaning, not in words.

    Parameters
    ----------
    name : str or path
        A model of huggingface.co, such as ``"all-MiniLM-L6-v2"`` or ``"BAAI/bge-small-en-v1.5"``, or a folder that
        holds one. A model is looked for on this machine first, and downloaded only if it is not there.
    cached : bool, default=False
        Take only a model of huggingface.co that was downloaded before; nothing is fetched, and no folder read.

    Attributes
    ----------
    id : str
        ``"sentence-transformers:"`` and the name, which does not tell revisions of a model apart; for a folder, the
        sha256 of what it holds in place of the name, so that copies in different places are the same encoder.
    data : str
        ``"text"``.

    Raises
    ------
    InvalidParameter
        There is no such name or folder.

    Notes
    -----
    Weights are read from safetensors only, and no code that comes with a model is run. Points have length one.
    Texts longer than the network takes are cut, as the library does. Needs ``pip install 'learnware[text]'``.

    References
    ----------
    N. Reimers, I. Gurevych, "Sentence-BERT: sentence embeddings using Siamese BERT-networks", EMNLP 2019.

    Examples
    --------
    >>> from learnware.specification.encoders.sentences import SentenceTransformer
    >>> SentenceTransformer("sentence-transformers/all-MiniLM-L6-v2").id
    'sentence-transformers:all-MiniLM-L6-v2'
    """

    data = "text"

    def __init__(self, name: str | os.PathLike[str], *, cached: bool = False) -> None:
        text = os.fspath(name)
        self._folder = Path(text).resolve() if not cached and os.path.isdir(text) else None
        told = text.removeprefix(f"{_FAMILY}/") if self._folder is None else f"sha256-{_digest(self._folder)[:32]}"
        self.id = f"{_FAMILY}:{told}"
        if not told or not ENCODER_NAME.fullmatch(self.id):
            raise complain("name", "SentenceTransformer", "the name of a model, or a folder that holds one", text)
        self._name = told if "/" in told else f"{_FAMILY}/{told}"
        self._cached = cached

    def _encode(self, samples: list[str], *, device: str | None, progress: bool | None) -> Any:
        network = _network(self._folder or _on_this_machine(self._name, self.id, self._cached), self.id)
        return network.encode(
            samples,
            batch_size=_TEXTS_AT_ONCE,
            device=device or "cpu",
            show_progress_bar=bool(progress),
            convert_to_numpy=True,
            normalize_embeddings=True,
        ).astype(np.float64)


def _library(name: str) -> Any:
    return import_optional(name, extra="text", purpose="An encoder of the sentence-transformers library")


def _on_this_machine(name: str, encoder_id: str, cached: bool) -> Path:
    """Return the folder of a model of huggingface.co, downloaded if need be and not forbidden."""
    fetch = _library("huggingface_hub").snapshot_download
    with suppress(OSError, ValueError):
        return Path(fetch(name, allow_patterns=list(_SAFE), local_files_only=True))
    if cached:
        raise InvalidParameter(
            f"The specification names the encoder {encoder_id!r}, which must be on this machine: nothing is downloaded "
            "because a file asks for it. It is not here: if you trust it, make a specification of your own texts with "
            f"encoder={encoder_id!r} first, or with encoder=SentenceTransformer(folder) if it is one that you have."
        )
    try:
        return Path(fetch(name, allow_patterns=list(_SAFE)))
    except Exception as error:
        raise InvalidParameter(
            f"The model {name!r} is not on this machine and cannot be downloaded: {type(error).__name__}. Check the "
            "name and the network, or pass a folder that holds the model."
        ) from error


@lru_cache(maxsize=2)
def _network(folder: Path, encoder_id: str) -> Any:
    """Return the network in a folder; the id tells folders apart whose content has changed."""
    _refuse_pickles(folder)
    library = _library("sentence_transformers")
    try:
        with _without_bars():
            network = library.SentenceTransformer(
                str(folder),
                device="cpu",
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
    except Exception as error:
        raise InvalidParameter(
            f"The encoder {encoder_id!r} cannot be read from {str(folder)!r}: {error}. The folder must hold a model of "
            "the sentence-transformers library with weights in safetensors."
        ) from error
    # Weights kept in half precision would give other numbers on other machines.
    return network.float().eval()


def _refuse_pickles(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.suffix in _PICKLES and not any(path.parent.glob("*.safetensors")):
            raise UntrustedModel(
                f"The model in {str(folder)!r} has its weights in {path.name!r}, a pickle, which can run any code. "
                "Save it again with weights in safetensors."
            )


@contextmanager
def _without_bars() -> Iterator[None]:
    """Keep the transformers library from drawing a bar for every model that it reads."""
    logging = _library("transformers.utils.logging")
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _digest(folder: Path) -> str:
    """Return the sha256 of names and content of the files that a network is made of."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in _SAFE for path in folder.rglob(pattern)}):
        digest.update(f"{path.relative_to(folder).as_posix()} {sha256_of_file(path)}\n".encode())
    return digest.hexdigest()
