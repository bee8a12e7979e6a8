"""torch modules as recorded operations: any number of rows, no source code, no unpickling."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from learnware.errors import BadPrediction, BundleError, InvalidParameter, UnsupportedModel
from learnware.models import load, save
from learnware.models.operators import find_operator
from learnware.models.tensors import pack_tensors, unpack_tensors

X = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)


class Residual(nn.Module):
    """Normalisation, dropout, a buffer, functions, and a change in place."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 16), nn.Linear(16, 3)
        self.norm = nn.BatchNorm1d(16)
        self.register_buffer("shift", torch.arange(6.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = functional.gelu(self.first(x - self.shift))
        hidden = hidden + functional.dropout(self.norm(hidden), training=self.training)
        hidden += 1
        return self.last(hidden)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell, self.last = nn.LSTM(2, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, _ = self.cell(x.view(x.shape[0], -1, 2))
        return self.last(states[:, -1])


class Attentive(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lift, self.last = nn.Linear(1, 8), nn.Linear(8, 3)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.layer(self.lift(x.unsqueeze(-1))).mean(1))


class Branching(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.sum() > 0 else -x


class Rigid(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(3, 6)


class Random(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.rand_like(x)


class Pair(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, x + 1


def module(kind: str) -> nn.Module:
    torch.manual_seed(0)
    return {
        "mlp": lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(8, 3)),
        "residual": Residual,
        "recurrent": Recurrent,
        "attentive": Attentive,
        "convolution": lambda: nn.Sequential(
            nn.Unflatten(1, (1, 6)),
            nn.Conv1d(1, 4, 3),
            nn.ReLU(),
            nn.AdaptiveAvgPool1d(2),
            nn.Flatten(),
            nn.Linear(8, 3),
        ),
        "double": lambda: nn.Sequential(nn.LayerNorm(6), nn.Linear(6, 3)).double(),
    }[kind]()


def outputs(model: nn.Module, rows: np.ndarray) -> np.ndarray:
    model.eval()
    with torch.no_grad():
        return model(torch.as_tensor(rows).to(next(model.parameters()).dtype)).double().numpy()


@pytest.mark.parametrize("kind", ["mlp", "residual", "recurrent", "attentive", "convolution", "double"])
def test_a_module_answers_as_before_for_any_number_of_rows(kind: str, tmp_path: Path) -> None:
    model = module(kind).train()
    entry = save(model, tmp_path, sample=X, task="Regression")
    stored = load(tmp_path, entry)
    assert model.training, "saving must leave the module as it was"
    assert entry.n_outputs == 3
    for n_rows in (1, 2, 7, 40):
        np.testing.assert_allclose(stored.predict(X[:n_rows]), outputs(model, X[:n_rows]), rtol=1e-5, atol=1e-6)


def test_logits_become_labels_and_probabilities(tmp_path: Path) -> None:
    model = module("mlp")
    entry = save(model, tmp_path, sample=X, task="Classification", classes=["a", "b", "c"])
    stored = load(tmp_path, entry)
    expected = torch.softmax(torch.as_tensor(outputs(model, X)), 1).numpy()
    np.testing.assert_allclose(stored.predict_proba(X), expected, rtol=1e-6)
    np.testing.assert_array_equal(stored.predict(X), np.array(["a", "b", "c"])[expected.argmax(1)])


def test_one_logit_is_for_the_second_of_two_classes(tmp_path: Path) -> None:
    model = nn.Linear(6, 1)
    stored = load(tmp_path, save(model, tmp_path, sample=X, task="Classification", classes=["no", "yes"]))
    np.testing.assert_array_equal(stored.predict(X) == "yes", outputs(model, X)[:, 0] > 0)


def test_outputs_that_are_probabilities_already_stay_so(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(6, 3), nn.Softmax(1))
    entry = save(model, tmp_path, sample=X, task="Classification", classes=[1, 2, 3])
    np.testing.assert_allclose(load(tmp_path, entry).predict_proba(X), outputs(model, X), rtol=1e-6)


def test_whole_numbers_reach_an_embedding(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(24, 3))
    sample = np.random.default_rng(0).integers(0, 9, (20, 6))
    entry = save(model, tmp_path, sample=sample, task="Regression")
    model.eval()
    expected = model(torch.as_tensor(sample)).detach().numpy()
    np.testing.assert_allclose(load(tmp_path, entry).predict(sample), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Branching(), "neither branch on their values"),
        (Rigid(), "nor fix the number of rows"),
        (Random(), "rand_like"),
        (Pair(), "one tensor into one tensor"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_modules_that_cannot_be_stored(model: nn.Module, message: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match=message):
        save(model, tmp_path, sample=X, task="Regression")


def test_task_and_classes_must_be_told(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match="pass y"):
        save(module("mlp"), tmp_path, sample=X)
    with pytest.raises(InvalidParameter, match="3 numbers per row"):
        save(module("mlp"), tmp_path, sample=X, task="Classification", classes=["a", "b"])


def test_loading_needs_neither_the_source_nor_pickle(tmp_path: Path) -> None:
    entry = save(module("residual"), tmp_path, sample=X, task="Regression")
    np.save(tmp_path / "rows.npy", X)
    script = (
        "import sys, numpy as np, torch\n"
        "from learnware.models import ModelEntry, load\n"
        f"folder, entry = {str(tmp_path)!r}, {entry!r}\n"
        "import pickle\n"
        "def refuse(*args, **kwargs): raise SystemExit('pickle was used')\n"
        "pickle.load = pickle.loads = pickle.Unpickler = torch.load = refuse\n"
        "answers = load(folder, entry).predict(np.load(folder + '/rows.npy'))\n"
        "assert 'torch._dynamo' not in sys.modules\n"
        "print(repr(float(answers.sum())))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(outputs(module("residual"), X).sum(), rel=1e-5)


def test_equal_modules_give_equal_files(tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        entry = save(module("residual"), folder, sample=X, task="Regression")
        contents.append([(folder / file).read_bytes() for file in entry.files])
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    "name",
    [
        "aten.from_file.default",
        "aten.rand.default",
        "aten.add_.Tensor",
        "aten.add.out",
        "aten.as_strided.default",
        "prim.device.default",
        "aten.linear",
        "operator.attrgetter",
        "os.system",
        "aten.linear.default.__class__",
    ],
)
def test_operators_out_of_reach(name: str) -> None:
    assert find_operator(name) is None


def changed(folder: Path, change: Any) -> None:
    content = json.loads((folder / "graph.json").read_text())
    change(content)
    (folder / "graph.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda c: c["steps"][0].update(op="aten.from_file.default"), "untrusted-operator"),
        (lambda c: c["steps"][0].update(args=[{"value": "nothing"}]), "graph-reference"),
        (lambda c: c["steps"][0].update(args=[{"dtype": "load"}]), "graph"),
        (lambda c: c["steps"][0].update(args=[{"module": "os"}]), "graph"),
        (lambda c: c.update(output="nothing"), "graph-reference"),
        (lambda c: c.update(weights={"p": "nothing"}), "graph"),
        (lambda c: c.pop("steps"), "graph"),
        (lambda c: c.update(steps=3), "graph"),
    ],
)
def test_tampered_operations_are_refused(change: Any, code: str, tmp_path: Path) -> None:
    entry = save(module("mlp"), tmp_path, sample=X, task="Regression")
    changed(tmp_path, change)
    with pytest.raises(BundleError) as caught:
        load(tmp_path, entry)
    assert caught.value.code == code


def test_guards_stop_what_compiled_code_would_not() -> None:
    ones = torch.ones
    calls: dict[str, tuple[Any, ...]] = {
        "aten._native_batch_norm_legit_no_training.default": (ones(9, 8), *[ones(1)] * 4, 0.1, 1e-5),
        "aten.gather.default": (ones(3, 2), 0, torch.tensor([[10**9]])),
        "aten.scatter_add.default": (ones(3, 2), 0, torch.tensor([[10**9]]), ones(1, 1)),
        "aten.scaled_dot_product_attention.default": (ones(1, 1, 3, 4), ones(1, 1, 5, 4), ones(1, 1, 2, 4)),
        "aten.lstm.input": (
            ones(3, 4, 1), [ones(1, 3, 5)] * 2, [ones(2, 1), ones(3, 5)], False, 1, 0.0, False, False, True
        ),
    }  # fmt: skip
    for name, arguments in calls.items():
        function = find_operator(name)
        assert function is not None
        with pytest.raises(IndexError):
            function(*arguments)


def test_tensors_round_trip() -> None:
    tensors = {
        "a": torch.randn(3, 2),
        "b": torch.randn(4).bfloat16(),
        "c": torch.tensor([True, False]),
        "d": torch.tensor(7),
        "e": torch.empty(0, 3),
        "f": torch.randn(2, 3).T,
    }
    read = unpack_tensors(pack_tensors(tensors))
    assert read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)


@pytest.mark.parametrize("cut", [0, 5, 8, 20, -1])
def test_truncated_tensors_are_refused(cut: int) -> None:
    data = pack_tensors({"a": torch.randn(3, 2), "b": torch.randn(4)})
    with pytest.raises(BundleError):
        unpack_tensors(data[:cut])


@pytest.mark.parametrize("width", [1, 2])
def test_rows_without_finite_outputs_get_no_label(tmp_path, width):
    module = nn.Linear(6, width).eval()
    entry = save(module, tmp_path, sample=X, task="Classification", classes=["a", "b"])
    rows = X[:3].copy()
    rows[1] = np.nan
    with pytest.raises(BadPrediction, match=r"1 row\(s\), the first being row 1"):
        load(tmp_path, entry).predict(rows)
