"""TextVectorization gives Keras's words, numbers and counts (golden/text_vectorization.py)."""

import json
import pathlib
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest

import fastdl
from fastdl import layers, saving, utils

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import text_vectorization as cases  # noqa: E402

FILE = json.loads((GOLDEN / "text_vectorization.json").read_text("utf-8"))
EPS = float(np.finfo(np.float32).eps)


@pytest.mark.parametrize("number", range(len(cases.CASES)))
def test_the_numbers_of_keras(number):
    case, wanted = cases.CASES[number], FILE["cases"][number]
    layer, out = cases.run(layers, case)
    assert layer.get_vocabulary() == wanted["vocabulary"]
    assert layer.vocabulary_size() == len(wanted["vocabulary"])
    assert list(out.shape) == wanted["shape"]
    assert out.dtype == ("int64" if layer.output_mode == "int" else "float32")
    # The weights of "tf_idf" are logarithms, rounded to float32 before and after their mean.
    np.testing.assert_allclose(out, wanted["out"], rtol=4 * EPS)
    twin = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    np.testing.assert_array_equal(twin(np.array(case[2])), out)
    assert twin.get_config() == layer.get_config()


def test_every_kind_of_text():
    layer = layers.TextVectorization(vocabulary=["a", "b"])
    texts, wanted = ["A b", None, "b c."], [[2, 3], [0, 0], [3, 1]]
    for inputs in (texts, np.array(texts, object), pd.Series(texts), pl.Series(texts)):
        assert layer(inputs).tolist() == wanted
    assert layer([[t] for t in texts]).tolist() == wanted
    assert layer("b a b").tolist() == [3, 2, 3]
    assert layer(np.array([b"A b", b"c"])).tolist() == [[2, 3], [1, 0]]
    assert layer([]).shape == (0, 0)
    assert layer(["", ""]).shape == (2, 0)


def test_texts_that_are_words_keep_their_axes():
    """Golden: Keras 3.15.1 on TensorFlow 2.21."""
    layer = layers.TextVectorization(split=None, vocabulary=["foo", "bar", "baz"])
    assert layer(["foo", "bar"]).tolist() == [2, 3]
    assert layer([["foo"], ["bar"]]).tolist() == [[2], [3]]
    assert layer([["foo", "bar"], ["baz", "zz"]]).tolist() == [[2, 3], [4, 1]]


def test_bytes_in_another_encoding():
    layer = layers.TextVectorization(vocabulary=["fluß"], encoding="latin-1")
    assert layer(np.array(["Fluß".encode("latin-1")])).tolist() == [[2]]
    assert layer(["Fluß".encode("latin-1")]).tolist() == [[2]]


def test_functions_of_ones_own():
    seen = []

    def shout(texts):
        seen.append((texts.dtype.kind, texts.shape))
        return np.char.replace(np.char.upper(texts), "!", "")

    layer = layers.TextVectorization(standardize=shout, split=lambda t: [x.split("-") for x in t])
    layer.adapt(["a-b", "b-c!"])
    assert layer.get_vocabulary() == ["", "[UNK]", "B", "C", "A"]
    assert layer([["b-x"], ["c"]]).tolist() == [[2, 1], [3, 0]]
    assert seen == [("U", (2,)), ("U", (2, 1))]
    with pytest.raises(ValueError, match="split: expected a list of words for each of 2 texts"):
        layers.TextVectorization(split=lambda t: [["a"]]).adapt(["a", "b"])


@utils.register_keras_serializable()
def halves(texts):
    return [[text[: len(text) // 2], text[len(text) // 2 :]] for text in texts]


def test_named_functions_are_saved():
    layer = layers.TextVectorization(split=halves)
    layer.adapt(["abcd", "abxy"])
    config = json.loads(json.dumps(saving.serialize_keras_object(layer)))
    twin = saving.deserialize_keras_object(config)
    assert twin.split is halves
    assert twin(["abxy"]).tolist() == layer(["abxy"]).tolist()


def test_adapt_to_batches_and_data_sets(tmp_path):
    for name, text in (("a", "one two two"), ("b", "two three")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.txt").write_text(text)
    data = utils.text_dataset_from_directory(tmp_path, batch_size=1, verbose=False)
    wanted = ["", "[UNK]", "two", "three", "one"]
    for source in (data, data.map(lambda x, y: x), iter([["one two two"], ["two three"]])):
        layer = layers.TextVectorization()
        layer.adapt(source)
        assert layer.get_vocabulary() == wanted
    layer = layers.TextVectorization()
    layer.adapt(iter([["one"], ["two"]]), steps=1)
    assert layer.get_vocabulary() == ["", "[UNK]", "one"]


def test_a_classifier_of_texts():
    """Texts become numbers by map; the model learns which word matters."""
    rng = np.random.default_rng(0)
    words = np.array(["good", "bad", "film", "the", "a", "very"])
    texts = [" ".join(rng.choice(words[2:], 5)) for _ in range(100)]
    y = rng.integers(0, 2, 100)
    texts = [f"{text} {words[1 - label]}!" for text, label in zip(texts, y, strict=True)]
    layer = layers.TextVectorization(output_sequence_length=8)
    layer.adapt(texts)
    model = fastdl.Sequential(
        [
            layers.Embedding(layer.vocabulary_size(), 4, mask_zero=True),
            layers.GlobalAveragePooling1D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(fastdl.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"])
    model.fit(layer(texts), y, epochs=20, verbose=0)
    assert model.evaluate(layer(texts), y, verbose=0)[1] == 1.0


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.TextVectorization(standardize="upper"), "standardize: expected"),
        (lambda: layers.TextVectorization(split="comma"), "split: expected"),
        (lambda: layers.TextVectorization(ngrams=0), "ngrams: expected an integer of at least 1"),
        (lambda: layers.TextVectorization(output_mode="one_hot"), "output_mode: expected"),
        (
            lambda: layers.TextVectorization(output_mode="count", output_sequence_length=3),
            "output_sequence_length: expected None",
        ),
        (lambda: layers.TextVectorization(sparse=True), "sparse outputs are not supported"),
        (lambda: layers.TextVectorization(ragged=True), "ragged outputs are not supported"),
        (lambda: layers.TextVectorization(encoding="utf-9"), "unknown encoding 'utf-9'"),
        (lambda: layers.TextVectorization(pad_to_max_tokens=True), "expected max_tokens as well"),
        (lambda: layers.TextVectorization()(["a"]), "vocabulary: there is none yet"),
        (lambda: layers.TextVectorization().adapt([""]), "expected values, got none"),
        (
            lambda: layers.TextVectorization(vocabulary=["a"])([["a", "b"]]),
            r"expected texts of shape \(batch,\) or \(batch, 1\), got \(1, 2\)",
        ),
        (lambda: layers.TextVectorization(vocabulary=["a"]).adapt(["a"]), "vocabulary was given"),
        (
            lambda: layers.TextVectorization(vocabulary=["a", "[UNK]", "b"], max_tokens=4),
            "5 tokens are more than max_tokens, 4",
        ),
    ],
)
def test_errors(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_values_that_are_no_text():
    layer = layers.TextVectorization(vocabulary=["a"])
    with pytest.raises(TypeError, match="expected text, got numbers"):
        layer(np.ones(3))
    with pytest.raises(TypeError, match="text is no input of a model"):
        layer(fastdl.Input((1,)))
