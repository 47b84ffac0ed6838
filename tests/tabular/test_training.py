"""Models of tables: training, bad input, files, predictions."""

import json
import zipfile

import children
import numpy as np
import pandas
import polars
import pytest

import fastdl
from fastdl import tabular
from fastdl.models import load_model
from fastdl.saving import describe
from fastdl.tabular.training import _split


def mixed(rows=120, seed=0):
    """Numbers, categories, dates and missing values; the target depends on three columns."""
    rng = np.random.default_rng(seed)
    size = rng.normal(10, 3, rows)
    color = rng.choice(["red", "green", "blue"], rows)
    day = np.datetime64("2024-01-01") + rng.integers(0, 300, rows)
    sold = (size + 4 * (color == "red") + rng.normal(0, 1, rows)) > 11
    size[rng.random(rows) < 0.1] = np.nan
    table = pandas.DataFrame({"size": size, "color": color, "day": day})
    table["code"] = [f"{i:05}" for i in range(rows)]
    table["sold"] = np.where(sold, "yes", "no")
    table.loc[::17, "color"] = None
    return table


def quick(table, target, **options):
    return tabular.train(table, target, epochs=options.pop("epochs", 3), **options)


@pytest.fixture(scope="module")
def result():
    return tabular.train(mixed(300), "sold", epochs=40)


def test_it_learns(result):
    scores = {kind: found["ROC-AUC"] for kind, found in result.scores.items()}
    assert scores["network"] > 0.85 and scores["trivial"] == 0.5
    assert {e["column"] for e in result.importance[:2]} == {"size", "color"}
    assert result.importance[0]["mean"] > 5 * abs(result.importance[2]["mean"])
    kinds = {column.name: column.kind for column in result.columns}
    assert kinds == {"size": "number", "color": "category", "day": "date", "code": "dropped"}
    assert "column 'code' is dropped" in " ".join(result.notes)
    assert "fastdl" in result.summary() and "most frequent" in repr(result)


def test_the_scores_are_those_of_the_test_rows(result):
    table = mixed(300)
    assert len(result.test_rows) == 60 and result.train_count == 240
    found = result.model.evaluate(table.iloc[result.test_rows])
    assert found == pytest.approx(result.scores["network"], rel=1e-9)
    assert np.array_equal(result.model.predict_proba(table.iloc[result.test_rows]), result.outputs)


def test_the_same_seed_gives_the_same_file(tmp_path):
    for name in ("a.fastdl", "b.fastdl"):
        fastdl.rand(3)  # the library's own random numbers play no part
        made = quick(mixed(), "sold", seed=3).model
        made.save(tmp_path / name, include_optimizer=False)
    assert (tmp_path / "a.fastdl").read_bytes() == (tmp_path / "b.fastdl").read_bytes()
    made = quick(mixed(), "sold", seed=4).model
    made.save(tmp_path / "c.fastdl", include_optimizer=False)
    assert (tmp_path / "a.fastdl").read_bytes() != (tmp_path / "c.fastdl").read_bytes()


@pytest.mark.parametrize("kind", ["sold", "size"])
def test_the_model_does_not_depend_on_threads(kind, tmp_path):
    table = mixed(200).dropna()
    table.to_csv(tmp_path / "t.csv", index=False)
    program = f"""
import fastdl, sys
fastdl.set_num_threads(3)
model = fastdl.tabular.train("t.csv", {kind!r}, epochs=3).model
fastdl.save(model.state_dict(), "w.safetensors")
"""
    children.output(program, tmp_path)
    before = fastdl.get_num_threads()
    fastdl.set_num_threads(1)
    try:
        model = quick(tmp_path / "t.csv", kind).model
    finally:
        fastdl.set_num_threads(before)
    found = fastdl.load(tmp_path / "w.safetensors")
    assert found.keys() == model.state_dict().keys()
    for name, weight in model.state_dict().items():
        assert np.array_equal(found[name].numpy(), weight.numpy())


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_targets_of_any_size(scale):
    x = np.random.default_rng(0).normal(size=100)
    found = tabular.train({"x": x, "y": scale * x}, "y", epochs=40)
    assert found.scores["network"]["R2"] > 0.9
    assert np.isfinite(found.model.predict({"x": x})).all()


def test_nothing_is_fitted_to_the_test_rows():
    """Values that are in test rows alone change nothing."""
    table = mixed()
    first = quick(table, "sold")
    changed = table.copy()
    rows = changed.index[first.test_rows]
    changed.loc[rows, "size"] = 1e6
    changed.loc[rows, "color"] = "violet"
    second = quick(changed, "sold")
    assert np.array_equal(first.test_rows, second.test_rows)
    first, second = (r.model for r in (first, second))
    assert first.preprocessing.get_config() == second.preprocessing.get_config()
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("load", [tabular.load, load_model])
def test_a_file_gives_the_same_predictions(load, result, tmp_path):
    result.model.save(tmp_path / "m.fastdl", include_optimizer=False)
    again = load(tmp_path / "m.fastdl")
    table = mixed(50, seed=9)
    assert np.array_equal(again.predict_proba(table), result.model.predict_proba(table))
    assert again.about == result.model.about
    assert again.predict(table).tolist() == result.model.predict(table).tolist()
    again.save(tmp_path / "again.fastdl", include_optimizer=False)
    assert (tmp_path / "again.fastdl").read_bytes() == (tmp_path / "m.fastdl").read_bytes()


def test_another_process_predicts_the_same(result, tmp_path):
    result.model.save(tmp_path / "m.fastdl")
    mixed(40, seed=5).to_csv(tmp_path / "new.csv", index=False)
    program = """
import fastdl, sys
model = fastdl.models.load_model("m.fastdl")
model.predict_proba("new.csv").tofile("p.bin")
assert "pandas" not in sys.modules and "sklearn" not in sys.modules
"""
    children.output(program, tmp_path)
    found = np.fromfile(tmp_path / "p.bin", np.float32).reshape(40, 2)
    assert np.array_equal(found, result.model.predict_proba(mixed(40, seed=5)))


def test_tables_of_all_kinds_give_the_same(result, tmp_path):
    table = mixed(30, seed=2)
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_parquet(tmp_path / "t.parquet")
    wanted = result.model.predict_proba(table)
    columns = {
        "size": table["size"].to_numpy(),
        "color": [None if c != c else c for c in table["color"].tolist()],
        "day": table["day"].to_numpy(),
    }
    others = [
        tmp_path / "t.csv",
        str(tmp_path / "t.parquet"),
        polars.from_pandas(table),
        columns,
        [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)],
        table[["day", "size", "color"]],  # another order
    ]
    for other in others:
        assert np.array_equal(result.model.predict_proba(other), wanted)


def test_rows_do_not_depend_on_each_other(result):
    table = mixed(25, seed=2)
    whole = result.model.predict_proba(table)
    for row in range(0, 25, 8):
        assert np.array_equal(result.model.predict_proba(table.iloc[[row]])[0], whole[row])
    assert result.model.predict(table.iloc[:0]).shape == (0,)
    assert np.array_equal(result.model.predict_proba(table, batch_size=4, verbose=0), whole)
    assert result.model.evaluate(table, batch_size=4) == result.model.evaluate(table)


def test_odd_values_in_predictions(result):
    rows = {"size": [np.inf, -1e300, None, 3.0], "color": ["red", "pink", None, ""]}
    days = ["2024-05-05", "1066-10-14", None, "someday"]
    p = result.model.predict_proba({**rows, "day": days})
    assert np.isfinite(p).all() and np.allclose(p.sum(axis=1), 1)
    with pytest.raises(ValueError, match=r"predict: the table lacks 1 column that.*: 'day'"):
        result.model.predict(rows)
    with pytest.raises(TypeError, match="predict: expected the path"):
        result.model.predict(np.zeros((2, 3)))


def test_regression():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    table = {"a": x[:, 0], "b": x[:, 1], "y": 1e6 + 1e3 * x[:, 0]}
    found = tabular.train(table, "y", epochs=60)
    assert found.scores["network"]["R2"] > 0.95
    assert found.scores["linear"]["R2"] > 0.99
    assert found.scores["trivial"]["R2"] <= 0
    values = found.model.predict(table)
    assert values.dtype == np.float64 and abs(values.mean() - 1e6) < 300
    assert found.model.evaluate(table)["R2"] > 0.95
    with pytest.raises(ValueError, match="predict_proba: the target has no classes"):
        found.model.predict_proba(table)


@pytest.mark.parametrize(
    "target, task",
    [
        (np.arange(60) % 3, "classification"),
        (np.arange(60) % 2 + 0.5, "classification"),
        (np.arange(60) % 3 == 0, "classification"),
        (np.arange(60) % 20, "regression"),
        (np.arange(60) % 3 + 0.25, "regression"),
        (np.arange(60.0), "regression"),
    ],
)
def test_the_task_is_inferred(target, task):
    x = np.random.default_rng(0).normal(size=60)
    found = quick({"x": x, "y": target}, "y", epochs=1)
    assert found.model.target.task == task
    if task == "classification":
        assert set(found.model.predict({"x": x}).tolist()) <= set(target.tolist())


def test_the_task_can_be_said():
    x = np.random.default_rng(0).normal(size=60)
    numbers = quick({"x": x, "y": np.arange(60) % 3}, "y", task="regression", epochs=1)
    assert numbers.model.target.task == "regression"
    texts = {"x": x, "y": [str(i % 30) for i in range(60)]}
    assert quick(texts, "y", task="regression", epochs=1).model.target.task == "regression"
    assert quick(texts, "y", epochs=1).model.target.task == "classification"


def test_options_for_columns(tmp_path):
    table = mixed()
    table["zip"] = np.arange(120) % 7
    found = quick(table, "sold", kinds={"zip": "category"}, drop=["day"])
    assert list(found.model.preprocessing.encoders) == ["size", "color", "zip"]
    assert found.model.preprocessing.encoders["zip"].values == [str(i) for i in range(7)]
    table.to_csv(tmp_path / "t.csv", index=False)
    file = quick(tmp_path / "t.csv", "sold", kinds={"zip": "category"}, drop=["day"])
    assert np.array_equal(file.model.predict_proba(table), found.model.predict_proba(table))


def test_shapes_that_are_unusual():
    rng = np.random.default_rng(0)
    wide = {f"x{i}": rng.normal(size=30) for i in range(300)} | {"y": np.arange(30) % 2}
    assert quick(wide, "y").scores["network"]["accuracy"] >= 0
    small = {"x": rng.normal(size=10), "y": ["a"] * 9 + ["b"]}
    found = quick(small, "y")
    # The only row of a class is learned from.
    assert 9 not in found.test_rows
    missing = {"x": rng.normal(size=40), "y": [None, "a", "b", "a"] * 10}
    found = quick(missing, "y")
    assert "10 rows without a target are left out" in found.notes
    assert found.train_count + len(found.test_rows) == 30
    only = quick({"c": ["a", "b"] * 20, "y": ["u", "v"] * 20}, "y", epochs=30)
    assert only.scores["network"]["accuracy"] == 1


@pytest.mark.parametrize(
    "table, options, message",
    [
        ({"x": np.arange(5.0), "y": [0, 1, 0, 1, 0]}, {}, "expected at least 10 rows, got 5"),
        ({"x": np.arange(20.0), "y": ["a"] * 20}, {}, "column 'y': all values are 'a'"),
        ({"x": np.arange(20.0), "y": [3.0] * 20}, {}, "column 'y': all values are 3.0"),
        ({"x": np.arange(20.0), "y": [np.nan] * 20}, {}, "at least 10 rows, got 0"),
        ({"x": np.arange(20.0), "y": [np.inf, 1] * 10}, {}, "got 10 infinite ones"),
        ({"x": [1.0] * 20, "y": [0, 1] * 10}, {}, "no column is of use.*'x': all values are 1.0"),
        ({"y": [0, 1] * 10}, {}, "no column is of use to predict 'y': there is none"),
        ({"x": np.arange(20.0), "z": [0, 1] * 10}, {}, "train: target: .* no column 'y'.*'x', 'z'"),
        ({"x": np.arange(20.0), "yy": [0, 1] * 10}, {}, "Did you mean 'yy'"),
        ({"x": np.arange(20.0), "y": [*"abcdefghijklmnopqrst"]}, {}, "20 different values in 20"),
        (
            {"x": np.arange(20.0), "y": np.arange(20.0) * 0.7},
            {"task": "classification"},
            "are no classes; for numbers choose the task regression",
        ),
        (
            {"x": np.arange(20.0), "y": ["a", "b"] * 10},
            {"task": "regression"},
            "expected numbers for regression, got 'a'",
        ),
        (
            {"x": np.arange(20.0), "y": np.arange("2024-01-01", "2024-01-21", dtype="M8[D]")},
            {},
            "expected classes or numbers, got dates",
        ),
        ({"x": np.arange(20.0), "y": [0, 1] * 10}, {"drop": ["z"]}, "train: drop: .*column 'z'"),
        ({"x": np.arange(20.0), "y": [0, 1] * 10}, {"drop": ["y"]}, "'y' is in drop or kinds"),
        (
            {"x": np.arange(20.0), "y": [0, 1] * 10},
            {"kinds": {"z": "number"}},
            "train: kinds: .*column 'z'",
        ),
        (
            {"x": np.arange(20.0), "y": [0, 1] * 10},
            {"kinds": {"x": "numbers"}},
            r"kinds\['x'\]: expected .* Did you mean 'number'",
        ),
        ({"x": np.arange(20.0), "y": [0, 1] * 10}, {"task": "class"}, "task: expected 'auto'"),
        ({"x": np.arange(20.0), "y": [0, 1] * 10}, {"test": 1.0}, "test: expected a number"),
        ({"x": np.arange(20.0), "y": [0, 1] * 10}, {"epochs": 0}, "epochs: expected an integer"),
        ({"x": np.arange(20.0), "y": [0, 1] * 10}, {"seed": -1}, "seed: expected an integer"),
    ],
)
def test_bad_input(table, options, message):
    with pytest.raises(ValueError, match=message):
        tabular.train(table, "y", **options)


def test_a_text_is_no_list_of_columns():
    with pytest.raises(TypeError, match="drop: expected names of columns, got the text 'abc'"):
        tabular.train({"x": [1.0], "y": [1]}, "y", drop="abc")


@pytest.mark.parametrize("test", [0.01, 0.2, 0.5, 0.99])
def test_the_split_keeps_the_shares_of_classes(test):
    classes = np.repeat([0, 1, 2, 3], [100, 50, 7, 1])
    learn, kept = _split(classes, 158, test, seed=0)
    assert sorted([*learn, *kept]) == list(range(158))
    assert set(classes[learn]) == {0, 1, 2, 3} and len(kept)
    for label, count in enumerate([100, 50, 7]):
        assert abs((classes[kept] == label).sum() - min(test * count, count - 1)) <= 1


def test_an_interrupt_ends_it(monkeypatch):
    calls = []

    def tell(line):
        calls.append(line)
        if line.startswith("network 1"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quick(mixed(), "sold", tell=tell)
    assert calls[-1].startswith("network 1")


def test_training_goes_on(result, tmp_path):
    """The network inside is an ordinary model."""
    result.model.save(tmp_path / "m.fastdl")
    model = tabular.load(tmp_path / "m.fastdl")
    table = mixed(100, seed=3)
    x, y = model.encode(table), model.target.encode(table["sold"].to_numpy())
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.evaluate(table)["log loss"]
    model.fit(x, y, epochs=3, verbose=0)
    assert model.evaluate(table)["log loss"] < before
    model.save(tmp_path / "more.fastdl")
    again = tabular.load(tmp_path / "more.fastdl")
    assert np.array_equal(again.predict_proba(table), model.predict_proba(table))


def test_bad_evaluations(result):
    table = mixed(20)
    with pytest.raises(ValueError, match="lacks the target's column 'sold'"):
        result.model.evaluate(table.drop(columns="sold"))
    with pytest.raises(ValueError, match="column 'sold': unknown class 'maybe'"):
        result.model.evaluate(table.assign(sold="maybe"))
    with pytest.raises(ValueError, match="no row with a target"):
        result.model.evaluate(table.assign(sold=None))


# --- files that do harm


def changed(path, target, change):
    """A copy of a model's file with another config."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename == "config.json":
                config = json.loads(data)
                change(config)
                data = json.dumps(config).encode()
            new.writestr(info.filename, data)
    return target


def entry(config):
    return config["config"]["table"]


CHANGES = {
    "no table": lambda c: c["config"].pop("table"),
    "no preprocessing": lambda c: entry(c).pop("preprocessing"),
    "another kind": lambda c: entry(c)["preprocessing"]["columns"][0].update(kind="eval"),
    "another option": lambda c: entry(c)["preprocessing"]["columns"][0].update(cls="os.system"),
    "a column less": lambda c: entry(c)["preprocessing"]["columns"].pop(),
    "a class more": lambda c: entry(c)["target"]["labels"].append("x"),
    "classes of code": lambda c: entry(c)["target"].update(labels=[{"class_name": "f"}, "x"]),
    "a function for labels": lambda c: entry(c)["target"].update(
        labels={"class_name": "function", "config": "os.system"}
    ),
    "a layer of code": lambda c: c["config"]["layers"][1].update(class_name="os.system"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_hostile_files(change, result, tmp_path):
    result.model.save(tmp_path / "m.fastdl")
    path = changed(tmp_path / "m.fastdl", tmp_path / "hostile.fastdl", change)
    with pytest.raises(ValueError, match=r"hostile\.fastdl: config\.json: "):
        tabular.load(path)


def test_other_models_are_no_models_of_tables(tmp_path):
    model = fastdl.Sequential([fastdl.layers.Input((3,)), fastdl.layers.Dense(1)])
    model.save(tmp_path / "m.fastdl")
    with pytest.raises(ValueError, match=r"m.fastdl: expected a model of a table.*a Sequential"):
        tabular.load(tmp_path / "m.fastdl")


def test_description_of_files(result, tmp_path):
    result.model.save(tmp_path / "m.fastdl")
    found = describe(tmp_path / "m.fastdl")
    assert (found.kind, found.version, found.training) == ("model", fastdl.__version__, False)
    shapes = {name: tuple(weight.shape) for name, weight in result.model.state_dict().items()}
    assert {name: shape for name, (_, shape) in found.tensors.items()} == shapes
    bare = found.model()
    assert type(bare) is tabular.TableModel and bare.about == result.model.about
    assert not any(w.any() for w in bare.get_weights())
