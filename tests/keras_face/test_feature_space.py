"""FeatureSpace: Keras's numbers, every kind of table, models on raw columns, files, bad data."""

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
from fastdl.utils import FeatureSpace

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import feature_space as cases  # noqa: E402

WANTED = json.loads((GOLDEN / "feature_space.json").read_text())["cases"]
EPS = float(np.finfo(np.float32).eps)
FRAME = pd.DataFrame(cases.DATA)
TARGET = (FRAME["city"] == "Rome").to_numpy(np.float32)


def make(number=0, data=FRAME):
    space = FeatureSpace(**cases.made(FeatureSpace)[number])
    space.adapt(data)
    return space


def as_model(space):
    fastdl.utils.set_random_seed(3)
    outputs = layers.Dense(1, "sigmoid")(space.get_encoded_features())
    model = models.Model(space.get_inputs(), outputs)
    model.compile("adam", "binary_crossentropy")
    return model


@pytest.mark.parametrize("number", range(len(WANTED)))
def test_the_numbers_of_keras(number):
    arguments = cases.made(FeatureSpace)[number]
    for got, wanted in zip(cases.run(FeatureSpace, arguments), WANTED[number], strict=True):
        if not isinstance(wanted, dict):
            got, wanted = {"": got}, {"": wanted}
        assert got.keys() == wanted.keys()
        for name, value in wanted.items():
            assert np.shape(got[name]) == np.shape(value)
            # Keras sums the statistics in float32: a few roundings of values below 4.
            np.testing.assert_allclose(got[name], value, rtol=0, atol=4 * EPS)


def test_every_kind_of_table_gives_the_same():
    space = make()
    wanted = space(cases.DATA).numpy()
    tables = [
        FRAME,
        FRAME.assign(more="x")[["more", *reversed(FRAME.columns)]],
        FRAME.astype({"city": "category", "plan": "Int64"}),
        pl.DataFrame(cases.DATA),
        pa.table(cases.DATA),
        FRAME.to_dict("records"),
        {name: column.to_numpy() for name, column in FRAME.items()},
        {name: pl.Series(column) for name, column in cases.DATA.items()},
        {name: np.array(column)[:, None] for name, column in cases.DATA.items()},
    ]
    for table in tables:
        np.testing.assert_array_equal(space(table), wanted)
        np.testing.assert_array_equal(make(data=table)(cases.DATA), wanted)
    row = space(FRAME.iloc[0].to_dict())
    np.testing.assert_array_equal(row, wanted[0])


def test_adapt_on_batches():
    kinds = {"age": "float_normalized", "city": "string_categorical", "plan": "integer_categorical"}
    whole, parts, pairs = (FeatureSpace(kinds) for _ in range(3))
    whole.adapt(FRAME)
    parts.adapt(FRAME[start : start + 40] for start in range(0, 150, 40))
    pairs.adapt([(FRAME[:40], TARGET[:40]), (FRAME[40:].to_dict("list"), TARGET[40:])])
    wanted = whole(FRAME)
    # The means of parts are joined in float64 and rounded once.
    np.testing.assert_allclose(parts(FRAME), wanted, rtol=0, atol=8 * EPS)
    np.testing.assert_allclose(pairs(FRAME), wanted, rtol=0, atol=8 * EPS)


def test_a_model_on_raw_columns(tmp_path):
    space = make()
    model = as_model(space)
    encoded = space(FRAME)
    twin = fastdl.Sequential([layers.Dense(1, "sigmoid")])
    twin.compile("adam", "binary_crossentropy")
    twin.build(encoded.shape)
    twin.set_weights(model.layers[-1].get_weights())

    fastdl.utils.set_random_seed(5)
    history = model.fit(FRAME, TARGET, epochs=3, verbose=0, validation_split=0.2).history
    fastdl.utils.set_random_seed(5)
    wanted = twin.fit(encoded, TARGET, epochs=3, verbose=0, validation_split=0.2).history
    for name, values in wanted.items():  # the same arithmetic
        assert history[name] == values
    outputs = twin.predict(encoded, verbose=0)
    shuffled = FRAME[list(reversed(FRAME.columns))]
    for data in (FRAME, shuffled, pl.DataFrame(cases.DATA), cases.DATA, FRAME.to_dict("records")):
        np.testing.assert_array_equal(model.predict(data, verbose=0), outputs)
    np.testing.assert_array_equal(model.predict_on_batch(FRAME), outputs)
    np.testing.assert_array_equal(model(FRAME), outputs)
    np.testing.assert_array_equal(model.predict(FRAME[:1], verbose=0), outputs[:1])
    batches = ((FRAME[i : i + 50], TARGET[i : i + 50]) for i in (0, 50, 100))
    model.fit(batches, verbose=0)
    model.fit(FRAME, TARGET, validation_data=(FRAME, TARGET), verbose=0)

    model.save(tmp_path / "model.fastdl")
    loaded = models.load_model(tmp_path / "model.fastdl")
    after = model.predict(FRAME, verbose=0)
    np.testing.assert_array_equal(loaded.predict(FRAME, verbose=0), after)
    assert loaded.evaluate(FRAME, TARGET, verbose=0) == model.evaluate(FRAME, TARGET, verbose=0)
    clone = models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.predict(FRAME, verbose=0), after)

    # The model keeps its encoding.
    space.adapt(FRAME[:30].assign(city="Kiel"))
    np.testing.assert_array_equal(model.predict(FRAME, verbose=0), after)
    assert (
        space.get_inputs()["city"] is not model.inputs[list(sorted(space.features)).index("city")]
    )


def test_steps_on_raw_columns_are_recorded(recwarn):
    model = as_model(make())
    model.fit(FRAME, TARGET, epochs=2, verbose=0)
    assert not [w for w in recwarn if "eagerly" in str(w.message)]


def test_a_models_own_step_sees_encoded_tensors():
    seen = []

    class Own(models.Model):
        def train_step(self, data):
            x, _ = data
            seen.append({name: (t.shape, str(t.dtype)) for name, t in x.items()})
            self(x, training=True)
            return super().train_step(data)

    space = make(1)
    encoded = space.get_encoded_features()
    parts = [encoded["agent"], encoded["city"], encoded["zip_X_age"]]
    model = Own(space.get_inputs(), layers.Dense(1, "sigmoid")(layers.concatenate(parts)))
    model.compile("adam", "binary_crossentropy", run_eagerly=True)
    model.train_on_batch(FRAME, TARGET)
    assert seen[0]["city"] == ((150, 1), "int64") and seen[0]["age"] == ((150, 1), "float32")
    assert seen[0]["city_X_plan"] == ((150, 1), "int64")


def test_dicts_of_encoded_features():
    space = make(1)
    out, symbols = space(FRAME), space.get_encoded_features()
    assert out.keys() == symbols.keys()
    model = models.Model(space.get_inputs(), symbols)
    predicted = model.predict(FRAME, verbose=0)
    for name, value in out.items():
        assert symbols[name].shape == (None, *value.shape[1:])
        np.testing.assert_array_equal(predicted[name], value)


def test_files_and_configs(tmp_path):
    for number in range(3):
        space = make(number)
        path = tmp_path / f"{number}.fastdl"
        space.save(path)
        first = path.read_bytes()
        for again in (FeatureSpace.load(path), models.load_model(path)):
            compare(again(FRAME), space(FRAME))
            again.save(path)
            assert path.read_bytes() == first
        with pytest.raises(FileExistsError):
            space.save(path, overwrite=False)
    config = json.loads(json.dumps(make().get_config()))
    twin = FeatureSpace.from_config(config)
    with pytest.raises(ValueError, match="no statistics yet"):
        twin(FRAME)
    twin.adapt(FRAME)
    compare(twin(FRAME), make()(FRAME))
    model = as_model(make())
    model.save(tmp_path / "model.fastdl")
    with pytest.raises(ValueError, match="expected a FeatureSpace, got a Functional"):
        FeatureSpace.load(tmp_path / "model.fastdl")


def compare(got, wanted):
    if not isinstance(wanted, dict):
        got, wanted = {"": got}, {"": wanted}
    for name, value in wanted.items():
        np.testing.assert_array_equal(got[name], value)


def test_layers_of_your_own():
    tags = layers.StringLookup(vocabulary=["new", "sale"], output_mode="multi_hot")
    scale = layers.Lambda(lambda x: x * 2)
    space = FeatureSpace(
        {
            "tags": FeatureSpace.feature("string", tags, "float"),
            "x": FeatureSpace.feature("float32", scale, "float"),
            "age": FeatureSpace.float_discretized(None, [20.0, 60.0]),
            "mean": FeatureSpace.feature(
                "float32", layers.Normalization(mean=1.0, variance=4.0), "float"
            ),
        }
    )
    data = {"tags": ["new", "x"], "x": [1, 2], "age": [70, 20], "mean": [1.0, 3.0]}
    wanted = [[0, 0, 1, 0, 0, 1, 0, 2], [0, 1, 0, 1, 1, 0, 0, 4]]  # nothing to adapt
    assert space(data).tolist() == wanted
    model = models.Model(space.get_inputs(), space.get_encoded_features())
    assert model.predict(data, verbose=0).tolist() == wanted


def test_layers_that_know_their_statistics_need_no_adapt():
    words = layers.TextVectorization(vocabulary=["a", "b"], output_sequence_length=2)
    feature = FeatureSpace.feature
    space = FeatureSpace(
        {
            "text": feature("string", words, "int"),
            "x": feature("float32", layers.Normalization(mean=1.0, variance=4.0), "float"),
        },
        output_mode="dict",
    )
    found = space({"text": ["b a", "zz"], "x": [3.0, 1.0]})
    assert found["text"].tolist() == [[3, 2], [1, 0]]
    assert found["x"].numpy().ravel().tolist() == [1.0, 0.0]


def test_names_with_slashes_and_spaces(tmp_path):
    space = FeatureSpace({"km/h": "float_normalized", "the city": "string_categorical"})
    data = pd.DataFrame({"km/h": [1.0, 3.0], "the city": ["a", "b"]})
    space.adapt(data)
    model = models.Model(space.get_inputs(), space.get_encoded_features())
    model.save(tmp_path / "m.fastdl")
    again = models.load_model(tmp_path / "m.fastdl")
    np.testing.assert_array_equal(again.predict(data, verbose=0), space(data))


def test_missing_values():
    space = FeatureSpace(
        {"city": "string_categorical", "plan": "integer_categorical", "agent": "string_hashed"}
    )
    data = {"city": ["a", None, "b"], "plan": [1, None, 2], "agent": ["x", None, ""]}
    space.adapt(pd.DataFrame(data))
    assert space.preprocessors["city"].get_vocabulary() == ["[UNK]", "b", "a"]
    out = space(data).numpy()
    assert out[1, 32] == 1 and out[1, 35] == 1  # unknown: no. 0 of each vocabulary
    np.testing.assert_array_equal(out[1, :32], out[2, :32])


def bad(frame, kinds=None):
    def call(method):
        space = FeatureSpace(kinds or cases.KINDS)
        if method == "adapt":
            space.adapt(frame)
            return
        space.adapt(FRAME)
        if method == "call":
            space(frame)
        else:
            as_model(space).predict(frame, verbose=0)

    return call


@pytest.mark.parametrize(
    ("methods", "call", "message"),
    [
        ("adapt call model", bad(FRAME.drop(columns="age")), r"missing:? \['age'\]"),
        ("adapt call model", bad(FRAME.assign(age=np.nan)), "column 'age': .*150 of 150"),
        ("adapt call model", bad(FRAME.assign(income=[np.nan] + [1.0] * 149)), "'income': .*1 of"),
        ("adapt call model", bad(FRAME.assign(age="x")), "column 'age': expected numbers, got tex"),
        ("adapt call model", bad(FRAME.assign(city=3)), "column 'city': .*got numbers such as 3"),
        ("adapt call model", bad(FRAME.assign(plan=0.5)), r"'plan': expected integers, got 0\.5"),
        ("adapt call model", bad(FRAME.assign(plan="x")), "column 'plan': .*got text such as 'x'"),
        ("call model", bad(FRAME.assign(zip=0.5)), r"'zip': expected integers, got 0\.5"),
        ("call model", bad(FRAME.assign(zip=[np.nan] + [1] * 149)), "'zip': .*1 integers are mis"),
        ("adapt call model", bad(FRAME["age"]), "expected a table or a dict of columns|missing"),
        ("call model", bad(FRAME.to_numpy()), "expected a table or a dict of columns"),
        ("adapt", bad(FRAME.to_numpy()), "expected a table, a dict of columns or batches"),
        ("adapt", bad(iter([])), "at least one batch"),
        ("call", bad({**cases.DATA, "age": [1.0]}), "one length"),
        ("model", bad({**cases.DATA, "age": [1.0]}), "number of samples"),
        ("adapt call model", bad(pl.DataFrame(cases.DATA).lazy()), r"LazyFrame; .*collect\(\)"),
    ],
)
def test_bad_data(methods, call, message):
    for method in methods.split():
        with pytest.raises((ValueError, TypeError), match=message):
            call(method)


def test_models_refuse_what_is_not_raw():
    space = FeatureSpace({"plan": "integer_categorical"})
    space.adapt(FRAME)
    model = models.Model(space.get_inputs(), space.get_encoded_features())
    with pytest.raises(TypeError, match="takes the columns of a FeatureSpace: expected a table"):
        model.predict(fastdl.tensor([[1], [2]]), verbose=0)
    with pytest.raises(TypeError, match="takes the columns of a FeatureSpace: expected a table"):
        model.predict(np.array([[1], [2]]), verbose=0)
    raw = model.predict({"plan": fastdl.tensor([1, 5])}, verbose=0)
    np.testing.assert_array_equal(raw, space({"plan": [1, 5]}))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FeatureSpace({}), "features: expected a dict"),
        (lambda: FeatureSpace(["a"]), "features: expected a dict"),
        (lambda: FeatureSpace({1: "float"}), "expected names as keys, got 1"),
        (lambda: FeatureSpace({"a": "float_normalised"}), "Did you mean 'float_normalized'"),
        (lambda: FeatureSpace({"a": "float"}, output_mode="list"), "output_mode"),
        (lambda: FeatureSpace({"a": "float"}, crossing_dim=0), "crossing_dim"),
        (lambda: FeatureSpace({"a": "float"}, hashing_dim=0), "hashing_dim"),
        (lambda: FeatureSpace({"a": "float"}, num_discretization_bins=0), "num_discretization_bi"),
        (lambda: FeatureSpace({"a": "float"}, crosses="a"), "crosses: expected a list"),
        (lambda: FeatureSpace({"a": "float"}, crosses=[("a",)]), "two names or more"),
        (
            lambda: FeatureSpace({"a": "string_hashed"}, crosses=[("a", "b")]),
            "crosses: a_X_b: there is no feature 'b'",
        ),
        (
            lambda: FeatureSpace({"a": "string_hashed", "b": "float"}, crosses=[("a", "b")]),
            "expected features of categories or bins, got 'b'",
        ),
        (
            lambda: FeatureSpace(
                {"a": "string_hashed", "b": "string_hashed"}, crosses=[("a", "b")] * 2
            ),
            "expected different names",
        ),
        (lambda: FeatureSpace.float_discretized(7, [1.0, 2.0]), "the bounds make 3 bins, got 7"),
        (lambda: FeatureSpace.feature("string", layers.Dense(1), "float"), "takes text"),
        (lambda: FeatureSpace.feature("float32", "Dense", "float"), "expected a layer"),
        (lambda: FeatureSpace.feature("float64", layers.Dense(1), "float"), "dtype"),
        (lambda: FeatureSpace.feature("float32", layers.Dense(1), "rows"), "output_mode"),
        (lambda: FeatureSpace.cross(("a", "b"), 3, "rows"), "output_mode"),
        (lambda: FeatureSpace({"a": "float_normalized"})({"a": [1.0]}), "no statistics yet"),
        (lambda: FeatureSpace({"a": "float_normalized"}).get_inputs(), "no statistics yet"),
        (
            lambda: FeatureSpace({"a": FeatureSpace.string_hashed(3, "int")})({"a": ["x"]}),
            "feature 'a' gives integers",
        ),
        (
            lambda: FeatureSpace(
                {"a": FeatureSpace.feature("float32", layers.Identity(), "one_hot")}
            )({"a": [1.0]}),
            "'one_hot' takes integers",
        ),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()
