"""Text pipelines are stored with their words, compactly, and nothing that only fitting needs."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline, make_union

from learnware.errors import MalformedModel, UnsupportedModel
from learnware.limits import LIMITS
from learnware.models.skops_file import dumps, loads

TEXTS = [f"word{i % 7} wörd{i % 5} 字{i % 3} e\nf  g\x00 {i % 4}" for i in range(60)]
Y = np.arange(60) % 3
UNSEEN = ["", "word1 word1 字2", "nothing known", "\n e\nf"]


@pytest.mark.parametrize(
    "vectorizer",
    [
        TfidfVectorizer(),
        TfidfVectorizer(max_features=4, stop_words=["word1", "word2"]),
        TfidfVectorizer(vocabulary={"word3": 1, "word1": 0}, dtype=np.float32),
        TfidfVectorizer(vocabulary=["word3", "word1"]),
        CountVectorizer(ngram_range=(1, 2), stop_words="english"),
        CountVectorizer(analyzer="char", ngram_range=(1, 3)),
        CountVectorizer(analyzer="char_wb", binary=True, strip_accents="unicode"),
        HashingVectorizer(n_features=64, alternate_sign=False),
        make_union(CountVectorizer(), TfidfVectorizer(analyzer="char")),
    ],
    ids=lambda vectorizer: repr(vectorizer)[:50],
)
def test_text_pipelines_answer_as_before(vectorizer: Any) -> None:
    model = make_pipeline(vectorizer, MultinomialNB()).fit(TEXTS, Y)
    data = dumps(model)
    stored = loads(data)
    np.testing.assert_array_equal(stored.predict_proba(TEXTS + UNSEEN), model.predict_proba(TEXTS + UNSEEN))
    assert dumps(stored) == data


def test_texts_in_a_column_of_a_table_keep_their_words() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"text": TEXTS, "size": np.arange(60.0)})
    columns = make_column_transformer((TfidfVectorizer(), "text"), remainder="passthrough")
    model = make_pipeline(columns, LogisticRegression(max_iter=5000)).fit(table, Y)
    np.testing.assert_array_equal(loads(dumps(model)).predict_proba(table), model.predict_proba(table))


def test_the_model_itself_is_left_as_it_is() -> None:
    model = make_pipeline(TfidfVectorizer(vocabulary=["word3", "word1"]), MultinomialNB()).fit(TEXTS, Y)
    words = model[0].vocabulary_
    dumps(model)
    assert model[0].vocabulary_ is words == {"word3": 0, "word1": 1}
    assert model[0].vocabulary == ["word3", "word1"]


def test_what_only_fitting_needs_is_not_stored() -> None:
    model = make_pipeline(CountVectorizer(vocabulary=["word3", "word1"]), MultinomialNB()).fit(TEXTS, Y)
    # Versions of scikit-learn before 1.7 kept every word that was left out.
    model[0].stop_words_ = {"secret"}
    data = dumps(model)
    assert b"secret" not in data
    assert data.count(b"word3") == 1
    assert loads(data)[0].vocabulary is None


def words(n: int) -> list[str]:
    return [" ".join(f"{chr(97 + i % 26)}w{i}" for i in range(start, start + 1000)) for start in range(0, n, 1000)]


def test_large_vocabularies_fit_and_load_quickly() -> None:
    texts = words(100_000)
    model = make_pipeline(TfidfVectorizer(), MultinomialNB()).fit(texts, np.arange(100) % 2)
    data = dumps(model)
    start = time.process_time()
    stored = loads(data)
    assert time.process_time() - start < 1.0
    assert stored[0].vocabulary_ == model[0].vocabulary_
    # Two classes take 16 bytes a word, counts and the weight of the word 24 more.
    assert len(data) < 60 * 100_000


@pytest.mark.parametrize("limit", ["vocabulary-words", "vocabulary-bytes"])
def test_what_could_not_be_read_back_is_not_written(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr("learnware.models.vocabularies.LIMITS", {**LIMITS, limit: 10})
    model = make_pipeline(CountVectorizer(), MultinomialNB()).fit(TEXTS, Y)
    with pytest.raises(UnsupportedModel, match="min_df"):
        dumps(model)


@pytest.mark.parametrize("vocabulary", [{"a": 0, "b": 2}, {"a": 0, "b": 0}, {"a": "0"}, {1: 0}, ["a"]])
def test_words_of_odd_columns_are_refused(vocabulary: Any) -> None:
    model = make_pipeline(CountVectorizer(), MultinomialNB()).fit(TEXTS, Y)
    model[0].vocabulary_ = vocabulary
    with pytest.raises(UnsupportedModel, match="columns 0, 1, 2"):
        dumps(model)


def test_words_that_are_no_unicode_are_refused() -> None:
    model = make_pipeline(CountVectorizer(), MultinomialNB()).fit([f"a\udce9b {text}" for text in TEXTS], Y)
    model[0].vocabulary_ = {f"{word}\udce9": i for word, i in model[0].vocabulary_.items()}
    with pytest.raises(UnsupportedModel, match="errors='replace'"):
        dumps(model)


@pytest.mark.parametrize("own", [{"tokenizer": str.split}, {"preprocessor": str.lower}, {"analyzer": str.split}])
@pytest.mark.parametrize("kind", [CountVectorizer, TfidfVectorizer, HashingVectorizer])
def test_functions_of_ones_own_are_named(kind: Any, own: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedModel, match=f"{kind.__name__} has a function as its {next(iter(own))}"):
        dumps(make_pipeline(kind(**own), LogisticRegression()))


@pytest.mark.parametrize("kind", [CountVectorizer, TfidfVectorizer, HashingVectorizer])
@pytest.mark.parametrize("given", ["filename", "file"])
def test_models_that_open_files_are_not_stored(kind: Any, given: str) -> None:
    with pytest.raises(UnsupportedModel, match=f"input='content'. Got input='{given}'"):
        dumps(make_pipeline(kind(input=given), LogisticRegression()))


@pytest.mark.parametrize("given", ["filename", "file", np.array(["filename"]), np.str_("filename"), None])
@pytest.mark.parametrize("kind", [CountVectorizer, TfidfVectorizer, HashingVectorizer])
def test_models_that_open_files_are_not_read(monkeypatch: pytest.MonkeyPatch, kind: Any, given: Any) -> None:
    X = kind().fit_transform(TEXTS)
    classifier = LogisticRegression().fit(X, Y)
    model = make_union(make_pipeline(kind().fit(TEXTS))) if kind is TfidfVectorizer else kind().fit(TEXTS)
    model = make_pipeline(model, classifier)
    loads(dumps(model))
    step = model[0].transformer_list[0][1][0] if kind is TfidfVectorizer else model[0]
    step.input = given
    with monkeypatch.context() as patched:
        patched.setattr("learnware.models.skops_file.refuse_functions", lambda model: None)
        data = dumps(model)
    with pytest.raises(MalformedModel, match="This one opens files") as caught:
        loads(data)
    assert caught.value.code == "file-names"
