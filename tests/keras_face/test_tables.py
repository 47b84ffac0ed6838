"""Tables and sparse matrices as data of models: the bits of arrays, columns by name, bad tables."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sparse

import fastdl
from fastdl import layers, models
from fastdl.models import sparse_rows

RNG = np.random.default_rng(3)
X = RNG.standard_normal((60, 3))
Y = X @ [1.0, -2.0, 0.5]
FRAME = pd.DataFrame(X, columns=["a", "b", "c"])
TABLES = {
    "pandas": (FRAME, pd.Series(Y, name="y")),
    "polars": (pl.DataFrame(dict(FRAME)), pl.Series("y", Y)),
    "pyarrow": (pa.table(FRAME), pa.array(Y)),
    "records": (FRAME.to_dict("records"), [{"y": value} for value in Y]),
    "named fields": (FRAME.to_records(index=False), pd.DataFrame({"y": Y})),
}


def make(**options):
    fastdl.utils.set_random_seed(7)
    model = models.Sequential([layers.Dense(4, "tanh"), layers.Dense(1)])
    model.compile("adam", "mse", **options)
    return model


def named_model():
    fastdl.utils.set_random_seed(7)
    inputs = {name: layers.Input((1,), name=name) for name in "ab"}
    both = layers.concatenate([inputs["a"], inputs["b"]])
    model = models.Model(inputs, layers.Dense(1)(both))
    model.compile("adam", "mse")
    return model


def fitted(x, y, model=None, **options):
    model = make() if model is None else model
    history = model.fit(x, y, epochs=2, verbose=0, **options).history
    return model, history


@pytest.mark.parametrize("package", TABLES)
def test_tables_train_like_arrays(package):
    table, target = TABLES[package]
    weights = np.linspace(0, 1, 60)
    plain, history = fitted(X, Y[:, None], validation_split=0.2, sample_weight=weights)
    model, other = fitted(
        table, target, validation_split=0.2, sample_weight=pd.Series(weights, index=range(60))
    )
    assert other == history
    wanted = plain.predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict(table, verbose=0), wanted)
    np.testing.assert_array_equal(model.predict_on_batch(table), wanted)
    np.testing.assert_array_equal(model(table), plain(X))
    arguments = {"verbose": 0, "return_dict": True}
    assert model.evaluate(table, target, **arguments) == plain.evaluate(X, Y[:, None], **arguments)
    assert model.test_on_batch(table, target) == plain.test_on_batch(X, Y[:, None])
    assert model.train_on_batch(table, target) == plain.train_on_batch(X, Y[:, None])


def test_a_column_has_a_second_axis_as_in_keras():
    shapes = []

    class Own(models.Sequential):
        def train_step(self, data):
            shapes.append([part.shape for part in data])
            return super().train_step(data)

    for x, y in ((FRAME["a"], pd.Series(Y)), (pl.Series(X[:, 0]), pa.array(Y))):
        model = Own([layers.Dense(1)])
        model.compile("sgd", "mse")
        model.train_on_batch(x, y, y)
    assert shapes == [[(60, 1)] * 3] * 2


def test_columns_come_by_name(tmp_path):
    model, _ = fitted(FRAME, Y)
    wanted = model.predict(X, verbose=0)
    mixed = FRAME[["c", "a", "b"]]
    model.save(tmp_path / "m.fastdl")
    loaded = models.load_model(tmp_path / "m.fastdl")
    for one in (model, loaded):
        np.testing.assert_array_equal(one.predict(mixed, verbose=0), wanted)
        np.testing.assert_array_equal(one.predict(mixed.to_dict("records"), verbose=0), wanted)
        np.testing.assert_array_equal(one(mixed), model(X))
        np.testing.assert_array_equal(one.predict(FRAME.to_numpy(), verbose=0), wanted)
        unnamed = pd.DataFrame(X)  # whose columns are numbered
        np.testing.assert_array_equal(one.predict(unnamed, verbose=0), wanted)
        for table, message in (
            (FRAME[["a", "b"]], r"predict: x: expected the columns \['a', .* missing \['c'\]"),
            (FRAME.assign(d=1), r"unknown \['d'\]"),
            (FRAME.rename(columns={"a": "z"}), r"missing \['a'\], unknown \['z'\]"),
        ):
            with pytest.raises(ValueError, match=message):
                one.predict(table, verbose=0)
    config = model.to_json()
    assert models.model_from_json(config).__dict__["_feature_names"] == [["a", "b", "c"]]
    for wrong in ('[["a", 1]]', '"abc"', "[[[]]]"):
        with pytest.raises(ValueError, match="feature_names: expected lists of names"):
            models.model_from_json(config.replace('[["a", "b", "c"]]', wrong))
    with pytest.raises(ValueError, match="fit: x: expected the columns"):
        model.fit(FRAME.rename(columns={"a": "z"}), Y, verbose=0)
    with pytest.raises(ValueError, match="fit: validation_data: x: expected the columns"):
        make().fit(FRAME, Y, validation_data=(FRAME[["a", "b"]], Y), verbose=0)


def test_a_failed_fit_leaves_no_names():
    model = make()
    with pytest.raises(ValueError, match="x has 60 and y has 3"):
        model.fit(FRAME, Y[:3], verbose=0)
    model.fit(FRAME.rename(columns={"a": "z"}), Y, verbose=0)
    # Evaluation and prediction are no fits.
    fresh = make()
    fresh.predict(FRAME, verbose=0)
    fresh.fit(FRAME.rename(columns={"a": "z"}), Y, verbose=0)


def test_batches_of_tables():
    def batches():
        for start in range(0, 60, 20):
            yield FRAME[start : start + 20], pd.Series(Y[start : start + 20])

    def arrays():
        for start in range(0, 60, 20):
            yield X[start : start + 20], Y[start : start + 20, None]

    model = make()
    model.fit(batches(), verbose=0)
    other = make()
    other.fit(arrays(), verbose=0)
    wanted = other.predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict(FRAME[["b", "c", "a"]], verbose=0), wanted)
    records = iter([FRAME.to_dict("records")[:2]])  # a batch of two records is one x
    np.testing.assert_array_equal(model.predict(records, verbose=0), model.predict_on_batch(X[:2]))


def test_several_tables():
    first, second = layers.Input((2,)), layers.Input((1,))
    model = models.Model([first, second], layers.Dense(1)(layers.concatenate([first, second])))
    model.compile("sgd", "mse")
    model.fit([FRAME[["a", "b"]], FRAME[["c"]]], Y, verbose=0)
    wanted = model.predict([X[:, :2], X[:, 2:]], verbose=0)
    got = model.predict([FRAME[["b", "a"]], FRAME["c"]], verbose=0)
    np.testing.assert_array_equal(got, wanted)


def test_named_inputs_take_columns():
    model, history = fitted(FRAME, Y, named_model())
    plain, wanted = fitted({"a": X[:, 0], "b": X[:, 1]}, Y, named_model())
    assert history == wanted
    outputs = plain.predict({"a": X[:, 0], "b": X[:, 1]}, verbose=0)
    for data in (
        *(table for table, _ in TABLES.values()),
        {"a": FRAME["a"], "b": X[:, 1].tolist()},
        {"b": pl.Series(X[:, 1]), "a": pa.array(X[:, 0])},
        FRAME[["b", "a"]].assign(city="Berlin"),  # which no input takes
    ):
        np.testing.assert_array_equal(model.predict(data, verbose=0), outputs)
    with pytest.raises(ValueError, match=r"each input of model .*; missing \['b'\], got \['a'\]"):
        model.predict(FRAME[["a"]], verbose=0)
    with pytest.raises(TypeError, match="predict: x: column 'b': expected numbers, got text such"):
        model.predict(FRAME[["a"]].assign(b="x"), verbose=0)
    with pytest.raises(TypeError, match=r"predict: x\['b'\]: expected numbers"):
        model.predict({"a": X[:, 0], "b": np.array(["x"] * 60)}, verbose=0)


def test_several_outputs_take_columns():
    def made():
        fastdl.utils.set_random_seed(1)
        x = layers.Input((3,))
        outputs = [layers.Dense(1, name=name)(x) for name in ("low", "high")]
        model = models.Model(x, outputs)
        model.compile("sgd", "mse")
        return model

    targets = pd.DataFrame({"high": Y + 1, "other": 0, "low": Y})
    _, history = fitted(FRAME, targets, made())
    _, wanted = fitted(X, [Y[:, None], Y[:, None] + 1], made())
    assert history == wanted


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (
            FRAME.assign(city="Berlin"),
            Y,
            "x: column 'city': expected numbers, got text such as 'Berlin'; .*StringLookup",
        ),
        (FRAME.assign(day=pd.Timestamp(2024, 1, 1)), Y, "x: column 'day': .* dates such as '2024"),
        (FRAME.assign(tags=[[1]] * 60), Y, "x: column 'tags': .* a list in row 0"),
        (FRAME, pd.Series(["cat"] * 60, name="kind"), "y: column 'kind': .*number the classes"),
        (FRAME, pl.Series(["cat"] * 60), "y: expected numbers, got text such as 'cat'"),
        (pl.DataFrame(dict(FRAME)).lazy(), Y, r"x: .* a LazyFrame; call its collect\(\) first"),
        (FRAME[[]], Y, "x: expected a table with columns, got none"),
        ([{"a": 1.0}, {"a": [2.0]}], Y[:2], "x: column 'a': .* a list in row 1"),
    ],
)
def test_tables_without_numbers(x, y, message):
    with pytest.raises((TypeError, ValueError), match=f"^fit: {message}"):
        make().fit(x, y, verbose=0)


def test_missing_values_stay_nan():
    records = [{"a": 1.0, "b": 2}, {"a": 3.0}]
    model = models.Sequential([layers.Identity()])
    np.testing.assert_array_equal(model.predict(records, verbose=0), [[1, 2], [3, np.nan]])
    nullable = pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": [True, False]})
    np.testing.assert_array_equal(model.predict(nullable, verbose=0), [[1, 1], [np.nan, 0]])


def test_finders_take_tables():
    found = fastdl.utils.find_learning_rate(make(), FRAME, pd.Series(Y), steps=20)
    wanted = fastdl.utils.find_learning_rate(make(), X, Y[:, None], steps=20)
    np.testing.assert_array_equal(found.losses, wanted.losses)


# --- sparse matrices

ROWS = sparse.random(90, 40, 0.1, random_state=1, format="csr")
LABELS = np.arange(90) % 3
FORMS = {
    "csr": ROWS,
    "csc": ROWS.tocsc(),
    "coo": ROWS.tocoo(),
    "lil": ROWS.tolil(),
    "dok": ROWS.todok(),
    "array": sparse.csr_array(ROWS),
    "int": (ROWS > 0.5).astype(np.int8),
    "twice": sparse.coo_matrix(
        (np.repeat(ROWS.data, 2) / 3, (np.repeat(ROWS.tocoo().row, 2), np.repeat(ROWS.indices, 2))),
        ROWS.shape,
    ),
}


def sparse_run(x, **options):
    fastdl.utils.set_random_seed(5)
    model = models.Sequential(
        [layers.Dense(6, "relu"), layers.Dropout(0.2), layers.Dense(3, "softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x, LABELS, epochs=2, batch_size=7, verbose=0, class_weight={0: 2.0}, **options
    ).history
    evaluated = model.evaluate(x, LABELS, verbose=0)
    return history, evaluated, model.predict(x, batch_size=8, verbose=0)


def assert_same_run(one, other):
    assert one[:2] == other[:2]
    np.testing.assert_array_equal(one[2], other[2])


@pytest.mark.parametrize("small", [0, 1 << 30])
@pytest.mark.parametrize("form", FORMS)
def test_sparse_matrices_train_like_dense_ones(form, small, monkeypatch):
    monkeypatch.setattr(sparse_rows, "_SMALL", small)
    matrix = FORMS[form]
    before = matrix.copy()
    dense = matrix.toarray()
    assert_same_run(sparse_run(matrix), sparse_run(dense))
    for options in (
        {"validation_split": 0.3, "shuffle": False},
        {"steps_per_epoch": 4},  # a pass spans epochs
    ):
        assert_same_run(sparse_run(matrix, **options), sparse_run(dense, **options))
    assert_same_run(
        sparse_run(matrix, validation_data=(matrix, LABELS)),
        sparse_run(dense, validation_data=(dense, LABELS)),
    )
    assert (matrix != before).nnz == 0


def test_only_the_rows_of_a_batch_become_dense(monkeypatch):
    monkeypatch.setattr(sparse_rows, "_SMALL", 0)
    largest = 0
    chosen = sparse_rows.SparseRows.__getitem__

    def noted(self, rows):
        nonlocal largest
        found = chosen(self, rows)
        largest = max(largest, len(found))
        return found

    monkeypatch.setattr(sparse_rows.SparseRows, "__getitem__", noted)
    monkeypatch.delattr(sparse_rows.SparseRows, "__array__")
    sparse_run(ROWS, validation_split=0.3, steps_per_epoch=4)
    assert largest == 32  # of evaluate


def test_sparse_matrices_beside_arrays_and_as_targets(monkeypatch):
    def run(matrix, **options):
        fastdl.utils.set_random_seed(5)
        words, number = layers.Input((40,), name="words"), layers.Input((1,), name="number")
        outputs = layers.Dense(40, "sigmoid")(layers.concatenate([words, number]))
        model = models.Model({"words": words, "number": number}, outputs)
        model.compile("adam", "binary_crossentropy")
        x = {"words": matrix, "number": np.arange(90) / 90}
        history = model.fit(x, matrix, epochs=2, verbose=0, **options).history
        return history, model.evaluate(x, matrix, verbose=0), model.predict(x, verbose=0)

    for options in ({}, {"class_weight": {3: 0.5}}):
        dense = run(ROWS.toarray(), **options)
        for small in (0, 1 << 30):
            monkeypatch.setattr(sparse_rows, "_SMALL", small)
            assert_same_run(run(ROWS, **options), dense)


def test_sparse_batches_and_single_steps(monkeypatch):
    monkeypatch.setattr(sparse_rows, "_SMALL", 0)
    model = models.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(((ROWS[i : i + 30], LABELS[i : i + 30]) for i in (0, 30, 60)), verbose=0)
    np.testing.assert_array_equal(
        model.predict_on_batch(ROWS), model.predict_on_batch(ROWS.toarray())
    )
    assert model.test_on_batch(ROWS, LABELS) == model.test_on_batch(ROWS.toarray(), LABELS)
    model.train_on_batch(ROWS, LABELS)
    with pytest.raises(ValueError, match="x has 90 and y has 3"):
        model.fit(ROWS, LABELS[:3], verbose=0)
    with pytest.raises(TypeError, match="inputs: expected a dense array, got a sparse matrix"):
        model(ROWS)


def test_a_fit_on_a_sparse_matrix_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(sparse_rows, "_SMALL", 0)

    class Stop(fastdl.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.optimizer.iterations.numpy() == 5:
                raise RuntimeError("stop")

    def run(folder, stop):
        fastdl.utils.set_random_seed(5)
        model = models.Sequential([layers.Dense(4), layers.Dense(1)])
        model.compile("adam", "mse")
        backup = fastdl.callbacks.BackupAndRestore(folder, save_freq=1)
        callbacks = [backup, *([Stop()] if stop else [])]
        model.fit(ROWS, LABELS, epochs=3, batch_size=20, verbose=0, callbacks=callbacks)
        return model

    whole = run(tmp_path / "a", False)
    with pytest.raises(RuntimeError, match="stop"):
        run(tmp_path / "b", True)
    for a, b in zip(whole.get_weights(), run(tmp_path / "b", False).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
