"""Layers of categories: the numbers of Keras and its TensorFlow, kinds of inputs, models, files."""

import json
import pathlib
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import fastdl
from fastdl import layers, models
from fastdl.layers._hashes import fingerprints, keyed_hashes

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import lookups as cases  # noqa: E402

FILE = json.loads((GOLDEN / "lookups.json").read_text())
EPS = float(np.finfo(np.float32).eps)


def same(value):
    return value


def test_the_hashes_of_tensorflow():
    texts = [text.encode() for text in cases.TEXTS]
    most = np.uint64(2**63 - 1)
    assert (fingerprints(texts) % most).tolist() == FILE["hashes"]["fast"]
    assert (keyed_hashes(texts, cases.SALT) % most).tolist() == FILE["hashes"]["strong"]
    # Of the paper's appendix: key 00 01 .. 0f, message 00 01 .. 0e.
    key = [int.from_bytes(bytes(range(start, start + 8)), "little") for start in (0, 8)]
    assert keyed_hashes([bytes(range(15))], key).tolist() == [0xA129CA6149BE45E5]


@pytest.mark.parametrize("array", [np.array, same], ids=["array", "list"])
@pytest.mark.parametrize("number", range(len(cases.CASES)))
def test_the_numbers_of_keras(number, array):
    case, wanted = cases.CASES[number], FILE["cases"][number]
    layer, out = cases.run(layers, case, array)
    assert list(out.shape) == wanted["shape"]
    assert out.dtype == ("int64" if layer.output_mode == "int" else "float32")
    # The weights of "tf_idf" are logarithms, rounded to float32 before and after their mean.
    np.testing.assert_allclose(out, wanted["out"], rtol=4 * EPS)
    if wanted["vocabulary"] is not None:
        assert layer.get_vocabulary() == wanted["vocabulary"]
        assert layer.vocabulary_size() == len(wanted["vocabulary"])
    twin = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    x = case[3]
    np.testing.assert_array_equal(twin(x), out)
    assert twin.get_config() == layer.get_config()


def test_every_kind_of_text():
    texts = ["b", "a", None, "c"]
    layer = layers.StringLookup(vocabulary=["a", "b"], mask_token="")
    wanted = [3, 2, 0, 1]
    for inputs in (
        texts,
        np.array(texts, object),
        pd.Series(texts),
        pd.Series(texts, dtype="category"),
        pd.Series(texts, dtype=object),
        pd.Series(["b", "a", np.nan, "c"], dtype=object),
        pl.Series(texts),
        pa.array(texts),
    ):
        assert layer(inputs).tolist() == wanted
    assert layer(np.array([b"b", b"a"])).tolist() == [3, 2]
    assert layer("b").tolist() == 3 and layer("b").shape == ()
    table = pd.DataFrame({"x": ["a", "b"], "y": ["c", None]})
    assert layer(table).tolist() == layer(pl.DataFrame(table)).tolist() == [[2, 1], [3, 0]]
    assert layer([[["a"], ["b"]]]).shape == (1, 2, 1)
    assert layer([None, None]).tolist() == [0, 0]
    assert layers.StringLookup(vocabulary=["a"])([None, "a"]).tolist() == [0, 1]


def test_adapt_on_every_kind_of_data():
    texts = ["x", None, "y", "x"]
    for data in (
        texts,
        pd.Series(texts),
        pl.Series(texts),
        pd.DataFrame({"a": ["x", None], "b": ["y", "x"]}),
        iter([texts[:2], np.array(texts[2:])]),
        iter([(["x", "y"], 0), (["x"], 1)]),
    ):
        layer = layers.StringLookup()
        layer.adapt(data)
        assert layer.get_vocabulary() == ["[UNK]", "x", "y"]
    layer.adapt(iter([["p"], ["q"]]), steps=1)  # forgets what it had
    assert layer.get_vocabulary() == ["[UNK]", "p"]
    numbers = layers.IntegerLookup()
    numbers.adapt(pd.Series([4, None, 4, 2], dtype="Int64"))
    assert numbers.get_vocabulary() == [-1, 4, 2]


def test_back_to_texts():
    vocabulary = ["a", "b"]
    there = layers.StringLookup(vocabulary=vocabulary, mask_token="")
    back = layers.StringLookup(vocabulary=there.get_vocabulary(), mask_token="", invert=True)
    out = back(there([["a", "b"], ["", "zzz"]]))
    assert out.tolist() == [["a", "b"], ["", "[UNK]"]] and out.dtype == object
    assert back([7, -1]).tolist() == ["[UNK]", "[UNK]"]
    assert there.get_vocabulary(include_special_tokens=False) == vocabulary


def test_a_vocabulary_in_a_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes("tea\nGrüße\r\n\n".encode())
    layer = layers.StringLookup(vocabulary=path)
    assert layer.get_vocabulary() == ["[UNK]", "tea", "Grüße", ""]
    assert layer.get_config()["vocabulary"] == ["tea", "Grüße", ""]
    path.write_bytes("Grüße".encode("latin-1"))
    assert layers.StringLookup(vocabulary=str(path), encoding="latin-1")("Grüße").tolist() == 1
    path.write_text("3\n-4\n")
    assert layers.IntegerLookup(vocabulary=path)([-4, 3]).tolist() == [2, 1]
    path.write_text("three")
    with pytest.raises(ValueError, match=r"vocabulary: .*words.txt: invalid literal"):
        layers.IntegerLookup(vocabulary=path)
    with pytest.raises(ValueError, match=r"vocabulary: there is no file .*none"):
        layers.StringLookup(vocabulary=tmp_path / "none")
    config = {**layer.get_config(), "vocabulary": str(path)}
    with pytest.raises(ValueError, match="expected tokens in a config, got a path"):
        layers.StringLookup.from_config(config)


@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count", "tf_idf"])
def test_integers_within_a_model(mode, tmp_path):
    rng = np.random.default_rng(0)
    data = rng.integers(-50, 50, (300, 3)) * 2**33
    layer = layers.IntegerLookup(max_tokens=60, output_mode=mode, mask_token=int(data[0, 0]))
    layer.adapt(data)
    inputs = layers.Input((3,), dtype="int64")
    model = models.Model(inputs, layer(inputs))
    out = layer(data).numpy()
    assert model.output_shape == (None, *out.shape[1:])
    for size in (300, 7):
        np.testing.assert_array_equal(model.predict(data, batch_size=size, verbose=0), out)
    model.save(tmp_path / "m.fastdl")
    again = models.load_model(tmp_path / "m.fastdl")
    np.testing.assert_array_equal(again.predict(data, verbose=0), out)
    table = {value: i for i, value in enumerate(layer.get_vocabulary())}
    if mode == "int":
        assert out.ravel().tolist() == [table.get(value, 1) for value in data.ravel().tolist()]
    layer.adapt(data[:5])  # recorded steps see it
    np.testing.assert_array_equal(model.predict(data, verbose=0), layer(data).numpy())


def test_floats_within_a_model_are_unknown_unless_whole():
    layer = layers.IntegerLookup(vocabulary=[0, 3, 2**20], mask_token=-7)
    inputs = layers.Input((4,))
    model = models.Model(inputs, layer(inputs))
    x = np.array([[0.0, 0.5, np.nan, 3.0], [2**20, -7, 1e30, np.inf]])
    assert model.predict(x, verbose=0).tolist() == [[2, 1, 0, 3], [4, 0, 1, 1]]
    assert layer(pd.Series([0, None, 3])).tolist() == [2, 0, 3]
    with pytest.raises(ValueError, match=r"expected integers, got .*0\.5"):
        layer([0.5])


def test_hashing_within_a_model():
    inputs = layers.Input((2,), dtype="int64")
    x = np.arange(20).reshape(10, 2)
    for layer in (layers.Hashing(5), layers.Hashing(5, output_mode="multi_hot")):
        model = models.Model(inputs, layer(inputs))
        with pytest.warns(UserWarning, match="runs eagerly"):
            out = model.predict(x, batch_size=2, verbose=0)
        np.testing.assert_array_equal(out, layer(x))
    pair = [layers.Input((1,), dtype="int64") for _ in range(2)]
    layer = layers.HashedCrossing(7)
    model = models.Model(pair, layer(pair))
    assert model.output_shape == (None, 1)
    np.testing.assert_array_equal(model([x[:, :1], x[:, 1:]]), layer([x[:, :1], x[:, 1:]]))


def test_missing_categories():
    layer = layers.Hashing(9, mask_value="")
    assert layer(["", None, "a"]).tolist()[:2] == [0, 0]
    plain = layers.Hashing(9)
    assert plain([None, "a"]).tolist() == plain(["", "a"]).tolist()
    assert layers.Hashing(9, mask_value=0)([1.0, np.nan]).tolist()[1] == 0
    crossing = layers.HashedCrossing(9)
    one, other = crossing([[None, "a"], ["x", "y"]]), crossing([["", "a"], ["x", "y"]])
    assert one.tolist() == other.tolist()


BAD = [
    (lambda: layers.StringLookup(max_tokens=1), "max_tokens"),
    (lambda: layers.StringLookup(num_oov_indices=-1), "num_oov_indices"),
    (lambda: layers.StringLookup(output_mode="rows"), "output_mode"),
    (lambda: layers.StringLookup(invert=True, output_mode="count"), "'int' with invert"),
    (lambda: layers.StringLookup(sparse=True, output_mode="count"), "sparse outputs"),
    (lambda: layers.StringLookup(pad_to_max_tokens=True), "pad_to_max_tokens"),
    (lambda: layers.StringLookup(idf_weights=[1.0]), "idf_weights"),
    (lambda: layers.StringLookup(encoding="utf-9"), "encoding"),
    (lambda: layers.StringLookup(salt=[1]), "salt"),
    (lambda: layers.StringLookup(mask_token=3), "mask_token"),
    (lambda: layers.StringLookup(vocabulary=["a"], output_mode="tf_idf"), "idf_weights"),
    (
        lambda: layers.StringLookup(vocabulary=["a"], output_mode="tf_idf", idf_weights=[1.0, 2.0]),
        "idf_weights: expected one for each of 1",
    ),
    (lambda: layers.StringLookup(vocabulary=[]), "expected tokens, got none"),
    (lambda: layers.StringLookup(vocabulary=["a", "a"]), r"tokens repeat: \['a'\]"),
    (lambda: layers.StringLookup(vocabulary=["a", None]), "a token is missing"),
    (lambda: layers.StringLookup(vocabulary=[1, 2]), "vocabulary: .*expected text, got numbers"),
    (lambda: layers.StringLookup(vocabulary=[["a"]]), "expected one axis"),
    (lambda: layers.StringLookup(vocabulary=["a", ""], mask_token=""), "mask_token ''"),
    (lambda: layers.StringLookup(vocabulary=["a", "[UNK]"], invert=True), "oov_token"),
    (lambda: layers.StringLookup(vocabulary=["a", "b"], max_tokens=2), "more than max_tokens"),
    (lambda: layers.StringLookup()(["a"]), "vocabulary: there is none yet"),
    (lambda: layers.StringLookup(vocabulary=["a"]).adapt(["b"]), "vocabulary was given"),
    (lambda: layers.StringLookup().adapt([]), "expected values, got none"),
    (lambda: layers.StringLookup().adapt([1, 2]), "expected text, got numbers .*IntegerLookup"),
    (lambda: layers.StringLookup(vocabulary=["a"])([3]), "expected text, got numbers such as"),
    (lambda: layers.StringLookup(vocabulary=["a"])(np.ones((2, 2))), "expected text"),
    (lambda: layers.StringLookup(vocabulary=["a"])([["a"], ["a", "b"]]), "one length"),
    (
        lambda: layers.StringLookup(vocabulary=["a"], num_oov_indices=0)(["b", "c"]),
        r"layer 'string_lookup.*: inputs: \['b', 'c'\] not in the vocabulary",
    ),
    (lambda: layers.StringLookup(vocabulary=["a"], invert=True)(["a"]), "expected numbers"),
    (lambda: layers.StringLookup(vocabulary=["a"])(layers.Input((1,))), "text is no input of a"),
    (lambda: layers.Input((1,), dtype="string"), "dtype: text is no input .*FeatureSpace"),
    (
        lambda: fastdl.Sequential([layers.Dense(1)]).predict(np.array([["a"]])),
        "got an array of dtype <U1; text is encoded with layers.StringLookup",
    ),
    (lambda: layers.IntegerLookup(vocabulary_dtype="int32"), "vocabulary_dtype"),
    (lambda: layers.IntegerLookup(oov_method="other"), "oov_method"),
    (lambda: layers.IntegerLookup(salt=3), "salt: expected oov_method"),
    (lambda: layers.IntegerLookup(vocabulary=["a"]), "expected numbers, got text .*StringLookup"),
    (lambda: layers.IntegerLookup(vocabulary=[1.5]), "expected integers, got"),
    (lambda: layers.IntegerLookup(vocabulary=[1], num_oov_indices=0)([2, 1]), r"\[2\] not in"),
    (lambda: layers.IntegerLookup()(layers.Input((1,))), "vocabulary: there is none yet"),
    (lambda: layers.IntegerLookup(vocabulary=[1])(["a"]), "expected numbers, got text such as 'a'"),
    (lambda: layers.Hashing(0), "num_bins"),
    (lambda: layers.Hashing(3, salt="a"), "salt"),
    (lambda: layers.Hashing(3, mask_value=1.5), "mask_value"),
    (lambda: layers.Hashing(3, output_mode="tf_idf"), "output_mode"),
    (lambda: layers.Hashing(3)([1.0, None]), "1 integers are missing"),
    (lambda: layers.Hashing(3)(pd.to_datetime(["2024-01-01"])), "expected text or integers"),
    (lambda: layers.HashedCrossing(3, output_mode="count"), "output_mode"),
    (lambda: layers.HashedCrossing(3)(np.array([1])), "list of two inputs"),
    (lambda: layers.HashedCrossing(3)([[1]]), "list of two inputs"),
    (lambda: layers.HashedCrossing(3)([[1], [1, 2]]), "one shape"),
    (lambda: layers.HashedCrossing(3)([[[1, 2]], [[1, 2]]]), r"shape \(\), \(batch,\)"),
    (lambda: layers.HashedCrossing(3)([[1.5], [1]]), "expected integers"),
    (lambda: layers.HashedCrossing(3)([[1], [1.0]]), "expected integers or texts.* such as 1.0"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_bad_arguments(make, message):
    with pytest.raises((ValueError, TypeError, RuntimeError), match=message):
        make()


def test_numbers_for_an_embedding_of_a_models_input():
    cities = pd.Series(["Rome", "Oslo", "Rome", "Lima"] * 8)
    lookup = layers.StringLookup(output_mode="one_hot")
    lookup.adapt(cities)
    y = (cities == "Rome").to_numpy(np.float32)
    model = fastdl.Sequential([layers.Dense(1, "sigmoid")])
    model.compile(fastdl.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"])
    model.fit(lookup(cities), y, epochs=60, verbose=0)
    assert model.evaluate(lookup(cities), y, verbose=0)[1] == 1.0
