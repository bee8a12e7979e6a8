"""Models of source code: how their files find each other, and what becomes of their answers."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from learnware.errors import BadPrediction, LearnwareError, MalformedModel, MissingDependency, ModelFailure
from learnware.runtime.base import StoredModel
from tests.runtime.models import X, code, own_runner

CLASS = "import numpy as np\nclass Model:\n    def predict(self, X):\n        return np.full(len(X), VALUE)\n"
OTHER = "from .other import VALUE\n" + CLASS
BASE = "from learnware.model import BaseModel\n"


def answer(model: StoredModel, *, y: Any = None, rows: Any = X) -> Any:
    runner = own_runner(model)
    try:
        if y is not None:
            assert runner.call("fit", rows, y) is None
        return runner.call("predict", rows)
    finally:
        runner.close()


@pytest.mark.parametrize(
    ("files", "parameters"),
    [
        ({"__init__.py": "VALUE = 3.0\n" + CLASS}, {}),
        ({"__init__.py": OTHER, "other.py": "VALUE = 3.0"}, {}),
        ({"__init__.py": "from other import VALUE\n" + CLASS, "other.py": "VALUE = 3.0"}, {}),
        (
            {
                "__init__.py": "from .a.b import VALUE\n" + CLASS,
                "a/b.py": "from ..c import *",
                "c.py": "VALUE = 3.0",
            },
            {},
        ),
        (
            {"model.py": OTHER, "other.py": "VALUE = 3.0"},
            {"module_path": "model.py"},
        ),
        (
            {"my-model.v2.py": OTHER, "other.py": "VALUE = 3.0"},
            {"module_path": "my-model.v2.py"},
        ),
        (
            {
                "a/model.py": "from ..other import VALUE\nfrom . import side\n" + CLASS,
                "a/side.py": "",
                "other.py": "VALUE = 3.0",
            },
            {"module_path": "a/model.py"},
        ),
        (
            {"a/__init__.py": "from .b import VALUE\n" + CLASS, "a/b.py": "VALUE = 3.0"},
            {"module_path": "a/__init__.py"},
        ),
        ({"a/__init__.py": "", "a/b.py": "VALUE = 3.0\n" + CLASS}, {"module_path": "a.b"}),
        ({"__init__.py": "VALUE = 3.0\n" + CLASS.replace("Model", "Mine")}, {"class_name": "Mine"}),
    ],
)
def test_files_find_each_other(files: dict[str, str], parameters: dict[str, str]) -> None:
    assert answer(code(files=files, **parameters)).tolist() == [3.0] * len(X)


def test_arguments_of_the_class_and_files_beside_it() -> None:
    module = BASE + (
        "import os, numpy as np\n"
        "class Model(BaseModel):\n"
        "    def __init__(self, factor, input_shape=(4,)):\n"
        "        super().__init__(input_shape, (1,))\n"
        "        here = os.path.dirname(os.path.abspath(__file__))\n"
        "        with open(os.path.join(here, 'data', 'weights.txt')) as file:\n"
        "            self.weight = float(file.read()) * factor * self.input_shape[0]\n"
        "    def predict(self, X):\n"
        "        return np.full(len(X), self.weight)\n"
    )
    model = code(files={"__init__.py": module, "data/weights.txt": "2.5"}, kwargs='{"factor": 2}')
    assert answer(model)[0] == 20.0


def test_a_pickle_of_a_class_from_a_script() -> None:
    # Written by hand, since there is no such class in this process: __main__.Inner with the attribute value, 7.
    data = b"\x80\x04\x8c\x08__main__\x8c\x05Inner\x93)\x81}\x8c\x05valueK\x07sb."
    module = BASE + (
        "import base64, pickle, numpy as np\n"
        "class Inner: pass\n"
        "class Model(BaseModel):\n"
        "    def __init__(self):\n"
        f"        self.inner = pickle.loads(base64.b64decode({base64.b64encode(data).decode()!r}))\n"
        "    def predict(self, X):\n"
        "        return np.full(len(X), self.inner.value)\n"
    )
    assert answer(code(files={"__init__.py": module}))[0] == 7


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("np.arange(3)", [0, 1, 2]),
        ("np.arange(3.0)", [0, 1, 2]),
        ("np.arange(3.0)[:, None]", [0, 1, 2]),
        ("np.eye(3)[[2, 0, 1]]", [2, 0, 1]),
        ("[[0.1, 0.2, 0.7], [0.5, 0.4, 0.1], [0, 1, 0]]", [2, 0, 1]),
        ("[2, 1, 0]", [2, 1, 0]),
        ("np.array([2, 1, 0], dtype=object)", [2, 1, 0]),
        ("__import__('torch').tensor([2, 1, 0])", [2, 1, 0]),
        ("__import__('torch').eye(3, requires_grad=True)", [0, 1, 2]),
        ("__import__('pandas').Series([2, 1, 0])", [2, 1, 0]),
    ],
)
def test_labels_of_any_form(returned: str, expected: list[int]) -> None:
    model = code(f"def predict(self, X): return {returned}", task="Classification", classes=(0, 1, 2))
    labels = answer(model, rows=X[:3])
    assert labels.tolist() == expected
    assert labels.dtype.kind == "i"


def test_text_labels() -> None:
    model = code("def predict(self, X): return ['b', 'a', 'b']", task="Classification", classes=("a", "b"))
    assert answer(model, rows=X[:3]).tolist() == ["b", "a", "b"]
    scores = code("def predict(self, X): return np.eye(2)[[1, 0, 1]]", task="Classification", classes=("a", "b"))
    assert answer(scores, rows=X[:3]).tolist() == ["b", "a", "b"]


def test_probabilities_and_finetune_where_they_are_defined() -> None:
    text = """
        shift = 0
        def predict(self, X): return np.full(len(X), self.shift)
        def predict_proba(self, X): return np.full((len(X), 2), 0.5)
        def finetune(self, X, y): self.shift += y.sum()
    """
    runner = own_runner(code(text))
    assert runner.call("predict_proba", X) is not None
    for expected in (2.0, 4.0):
        runner.call("finetune", X[:2], np.ones(2))
        assert runner.call("predict", X)[0] == expected  # type: ignore[index]
    with pytest.raises(BadPrediction, match="defines no fit"):
        runner.call("fit", X, X[:, 0])
    runner.close()


def test_code_may_keep_the_rows_it_was_given() -> None:
    text = """
        def fit(self, X, y): self.rows = X
        def predict(self, X): X[:] = 9; return self.rows[:, 0]
    """
    rows = X.copy()
    runner = own_runner(code(text))
    runner.call("fit", rows, X[:, 0])
    assert runner.call("predict", rows + 1).tolist() == X[:, 0].tolist()  # type: ignore[union-attr]
    runner.close()
    assert (rows == X).all()


@pytest.mark.parametrize(
    ("model", "kind", "why"),
    [
        (code("def predict(self, X): return 1 / 0"), ModelFailure, "raised ZeroDivisionError: division by zero. If X"),
        (code("def predict(self, X): sys.exit(3)"), ModelFailure, "raised SystemExit: 3"),
        (code("def predict(self, X): raise KeyboardInterrupt"), ModelFailure, "raised KeyboardInterrupt"),
        (code("def predict(self, X): return self.predict(X)"), ModelFailure, "raised RecursionError"),
        (code("def predict(self, X): pass"), BadPrediction, "answered with nothing"),
        (code("def predict(self, X): return object()"), BadPrediction, "of one plain type; got objects, object"),
        (code("def predict(self, X): return np.array([1, 'a', None] * 9, dtype=object)"), BadPrediction, "NoneType"),
        (code("def predict(self, X): return X[:, 0] + 1j"), BadPrediction, "array of type complex128"),
        (code("def predict(self, X): return [b'x'] * len(X)"), BadPrediction, "array of type .S1"),
        (code("def predict(self, X): return 1.0"), BadPrediction, r"200 rows. Got shape \(\)"),
        (code("def predict(self, X): return X[1:, 0]"), BadPrediction, r"200 rows. Got shape \(199,\)"),
        (code("def predict(self, X): return [[1], [1, 2]]"), BadPrediction, "must answer with an array"),
        (code("def predict(self, X): return __import__('scipy.sparse').sparse.eye(3)"), BadPrediction, "sparse"),
        (code("other = 1"), MalformedModel, "defines no predict"),
        (code("def predict(self): pass", class_name="Absent"), MalformedModel, "no class 'Absent'"),
        (code(files={"a.py": ""}), MalformedModel, "no file '__init__.py'"),
        (code("def predict(self, X): pass", kwargs="[1]"), MalformedModel, "must be a mapping"),
        (code("def predict(self, X): pass", kwargs="nonsense"), MalformedModel, "are no JSON"),
        (code("def predict(self, X): pass", kwargs='{"a": 1}'), ModelFailure, "TypeError.*while it was loaded"),
        (code(files={"__init__.py": "1 / 0"}), ModelFailure, "ZeroDivisionError.*while it was loaded"),
        (code(files={"__init__.py": "x ="}), ModelFailure, "SyntaxError.*while it was loaded"),
        (code(files={"__init__.py": "import not_installed"}), MissingDependency, "No module named 'not_installed'"),
        (code(files={"__init__.py": "from learnware.client import X"}), MissingDependency, "learnware.client"),
    ],
)
def test_what_goes_wrong_is_told(model: StoredModel, kind: type[LearnwareError], why: str) -> None:
    with pytest.raises(kind, match=why) as caught:
        answer(model)
    assert type(caught.value) is kind
