"""Tokenizer and train_tokenizer: parts of words, by the package tokenizers."""

import pickle
import sys

import numpy as np
import pytest

import fastdl
from fastdl import layers, utils

tokenizers = pytest.importorskip("tokenizers")

TEXTS = ["the film was not bad at all", "a dull, dull film!", "Ünïcode is fine: 北京 🎉"] * 20
KINDS = ("bpe", "wordpiece", "unigram")


def train(**options):
    return utils.train_tokenizer(TEXTS, **{"vocabulary_size": 320, **options})


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back(kind):
    tokenizer = train(kind=kind)
    assert tokenizer.get_vocabulary()[:2] == ["[PAD]", "[UNK]"] and tokenizer.padding_id == 0
    assert tokenizer.vocabulary_size == len(tokenizer.get_vocabulary()) <= 320
    ids = tokenizer(["a fine film", "not dull", ""])
    assert ids.dtype == np.int32 and ids.shape[0] == 3 and not ids[2].any()
    assert tokenizer.decode(ids) == ["a fine film", "not dull", ""]
    rows = tokenizer.sequences(["a fine film", "not dull", ""])
    for row, padded in zip(rows, ids.tolist(), strict=True):
        assert padded == row + [0] * (len(padded) - len(row))


def test_bytes_write_everything():
    tokenizer = train()
    for text in ("zebra \t\n", "日本語", "🎉 \x00"):
        assert tokenizer.decode(tokenizer([text])) == [text]
    assert train().get_vocabulary() == tokenizer.get_vocabulary()


def test_pairs_are_joined_by_their_frequency():
    """The algorithm of Sennrich et al. (2016), on their example."""
    texts = ["low"] * 5 + ["lower"] * 2 + ["newest"] * 6 + ["widest"] * 3
    added = utils.train_tokenizer(texts, 258 + 6).get_vocabulary()[258:]
    # es and st are as frequent; then est, and lo and low of the seven words with it
    assert set(added) >= {"es", "est", "lo", "low"}


def test_unknown_parts():
    tokenizer = train(kind="wordpiece")
    assert tokenizer(["zzz"]).tolist() == [[1]]
    assert tokenizer.decode([[1]]) == [""]


def test_lowercase():
    assert train(lowercase=True).sequences(["FILM"]) == train(lowercase=True).sequences(["film"])
    assert train().sequences(["FILM"]) != train().sequences(["film"])


def test_lengths():
    tokenizer = train(special_tokens=["[START]", "[END]"])
    assert tokenizer.get_vocabulary()[:4] == ["[PAD]", "[UNK]", "[START]", "[END]"]
    whole = tokenizer.sequences(["[START]a film[END]"])[0]
    assert whole[0] == 2 and whole[-1] == 3
    assert tokenizer(["[START]a film[END]"], length=2).tolist() == [whole[:2]]
    before = tokenizer(["[START]a film[END]"], length=len(whole) + 2, padding="pre")
    assert before.tolist() == [[0, 0, *whole]]
    assert tokenizer(np.array(["film", "a"])).shape[0] == 2
    assert tokenizer([]).shape == (0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_saving(kind, tmp_path):
    tokenizer = train(kind=kind)
    tokenizer.save(tmp_path / "tokenizer.json")
    for other in (
        utils.Tokenizer(tmp_path / "tokenizer.json"),
        utils.Tokenizer(str(tmp_path / "tokenizer.json")),
        pickle.loads(pickle.dumps(tokenizer)),
    ):
        assert other.get_vocabulary() == tokenizer.get_vocabulary()
        np.testing.assert_array_equal(other(TEXTS[:3]), tokenizer(TEXTS[:3]))


def test_tokenizers_of_others():
    """One without a padding, as GPT-2's, and one that pads by itself, as BERT's."""
    vocabulary = {"a": 0, "b": 1, "<end>": 2}
    foreign = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, "a"))
    foreign.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer = utils.Tokenizer(foreign)
    assert tokenizer.padding_id is None
    assert tokenizer(["a b", "b a"]).tolist() == [[0, 1], [1, 0]]
    with pytest.raises(ValueError, match="Tokenizer: padding_id: expected a number"):
        tokenizer(["a b", "b"])
    assert utils.Tokenizer(foreign, padding_id=2)(["a b", "b"]).tolist() == [[0, 1], [1, 2]]
    foreign.enable_padding(pad_id=2, pad_token="<end>", length=7)
    tokenizer = utils.Tokenizer(foreign)
    assert tokenizer.padding_id == 2 and tokenizer.sequences(["a b", "b"]) == [[0, 1], [1]]
    assert tokenizer.decode(tokenizer(["a b", "b"])) == ["a b", "b"]
    assert foreign.padding is not None  # the caller's own is as it was


def test_in_a_fit():
    tokenizer = train(kind="wordpiece", lowercase=True)
    texts = ["the film was not bad", "the film was bad"] * 20
    data = utils.bucketed_dataset(tokenizer.sequences(texts), [1, 0] * 20, 8, seed=0)
    fastdl.manual_seed(0)
    model = fastdl.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(tokenizer.vocabulary_size, 8, mask_zero=True),
            layers.GlobalAveragePooling1D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(fastdl.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"])
    model.fit(data, epochs=10, verbose=0)
    assert model.evaluate(data, verbose=0)[1] == 1


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    for call in (lambda: utils.train_tokenizer(TEXTS), lambda: utils.Tokenizer("x.json")):
        with pytest.raises(ImportError, match=r"package tokenizers: pip install 'fastdl\[text\]'"):
            call()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda t: train(kind="words"), "train_tokenizer: kind: expected"),
        (lambda t: train(vocabulary_size=257), "vocabulary_size: .* at least 258, got 257"),
        (lambda t: train(kind="unigram", vocabulary_size=2), "vocabulary_size: .* at least 3"),
        (lambda t: train(lowercase="no"), "train_tokenizer: lowercase"),
        (lambda t: train(special_tokens="[END]"), "special_tokens: expected a list of texts"),
        (lambda t: utils.train_tokenizer("text"), "train_tokenizer: texts: expected a list"),
        (lambda t: utils.train_tokenizer(["a", None]), "texts: .* got None at place 1"),
        (lambda t: t("a text"), "Tokenizer: texts: expected a list of texts, got 'a text'"),
        (lambda t: t(["a", 3]), "Tokenizer: texts: .* got 3 at place 1"),
        (lambda t: t(["a"], length=0), "Tokenizer: length"),
        (lambda t: t(["a"], padding="left"), "Tokenizer: padding"),
        (lambda t: t.decode([[1, 999]]), "decode: ids: expected numbers below 3.., got 999"),
        (lambda t: t.decode([[-1]]), "decode: ids: .* got -1"),
        (lambda t: t.decode([3]), "decode: ids: expected rows of integers"),
        (lambda t: t.decode(3), "decode: ids: expected rows of integers, got 3"),
        (lambda t: t.decode([[0.5]]), "decode: ids: expected rows of integers"),
        (lambda t: utils.Tokenizer(3), "Tokenizer: source: expected a file or a Tokenizer, got 3"),
        (lambda t: utils.Tokenizer(t.tokenizer, padding_id=999), "Tokenizer: padding_id"),
        (lambda t: utils.Tokenizer(__file__), "Tokenizer: source: .* is no tokenizer"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call(train())


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Tokenizer: source: there is no file .*x\.json"):
        utils.Tokenizer(tmp_path / "x.json")
