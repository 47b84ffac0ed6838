"""Kinds of columns and their encoders, against formulas in NumPy."""

import json
import math
from datetime import datetime, timedelta

import numpy as np
import pytest

from fastdl.tabular.encoders import ENCODERS, Category, Date, Number, Oddities
from fastdl.tabular.kinds import Column, as_dates, date_format, kind_of
from fastdl.tabular.preprocessing import Classes, Preprocessing, Values, target_from_config
from fastdl.tabular.tables import Table


def objects(*values):
    found = np.empty(len(values), object)
    found[:] = values
    return found


def fitted(kind, values, bins=0, **column):
    return ENCODERS[kind].fitted(values, Column("c", kind, **column), bins)


@pytest.mark.parametrize(
    "values, kind, why",
    [
        (np.array([1.5, 2.0, 2.0]), "number", ""),
        (np.array([3, 1, 2]), "number", ""),
        (np.array([1, 2, 3, 4]), "dropped", "it numbers the rows"),
        (np.array([0.0, 1.0, 2.0]), "dropped", "it numbers the rows"),
        (np.array([0, 1]), "number", ""),
        (np.array([7.0, 7.0]), "dropped", "all values are 7.0"),
        (np.array([7.0, np.nan]), "number", ""),
        (np.array([np.nan, np.nan]), "dropped", "it has no values"),
        (np.array([True, False]), "category", ""),
        (np.array(["2024-01-01", "2024-01-02"], "M8[D]"), "date", ""),
        (objects("a", "b", "a"), "category", ""),
        (objects("a", "a"), "dropped", "all values are 'a'"),
        (objects(None, None), "dropped", "it has no values"),
        (objects("2024-01-01", "2023-12-31"), "date", ""),
        (objects(*map(str, range(100, 200))), "dropped", "100 different texts in 100 rows"),
        (objects(*[f"c{i % 40}" for i in range(100)]), "category", ""),
    ],
)
def test_kinds(values, kind, why):
    found = kind_of("c", values)
    assert found.kind == kind and found.why.startswith(why)


def test_kinds_that_the_user_says():
    assert kind_of("c", np.array([1, 2, 3]), "category").kind == "category"
    assert kind_of("c", objects("1", "2"), "number").kind == "number"
    texts = objects(*map(str, range(100, 200)))
    assert kind_of("c", texts, "category").kind == "category"
    with pytest.raises(ValueError, match=r"column 'c': kind: expected numbers, got 'x' \(1 of 2"):
        kind_of("c", objects("x", "2"), "number")
    with pytest.raises(ValueError, match="column 'c': kind: expected dates as"):
        kind_of("c", objects("x", "2"), "date")


def test_numbers_are_standardized():
    rng = np.random.default_rng(0)
    x = rng.normal(5, 3, 1000)
    found = fitted("number", x).encode(x, Oddities())
    assert found.shape == (1000, 1)
    # One rounding to float32.
    np.testing.assert_allclose(found[:, 0], (x - x.mean()) / x.std(), rtol=2e-7, atol=2e-7)


def test_numbers_with_tails_get_their_inverse_hyperbolic_sine():
    x = np.exp(np.random.default_rng(0).normal(0, 3, 1000))
    found = fitted("number", x).encode(x, Oddities())[:, 0]
    quartiles = np.quantile(x, [0.25, 0.75])
    z = np.arcsinh((x - np.median(x)) / np.diff(quartiles))
    np.testing.assert_allclose(found, (z - z.mean()) / z.std(), rtol=1e-6, atol=1e-6)


def test_missing_and_infinite_numbers():
    x = np.array([1.0, 2.0, 4.0, np.nan, np.inf, -np.inf, 3.0])
    encoder, odd = fitted("number", x), Oddities()
    found = encoder.encode(x, odd)
    assert encoder.inputs == ["value", "missing"]
    assert found[:, 1].tolist() == [0, 0, 0, 1, 0, 0, 0]
    assert found[3, 0] == encoder.encode(np.array([2.5]), Oddities())[0, 0]  # the median
    assert (found[4, 0], found[5, 0]) == (found[2, 0], found[0, 0])
    assert (odd.infinite, odd.missing) == (2, 0)
    odd = Oddities()
    fitted("number", np.array([1.0, 2.0, 4.0])).encode(objects("1", "x", None), odd)
    assert (odd.wrong, odd.missing) == (1, 1)


@pytest.mark.parametrize(
    "values",
    [
        [1e308, -1e308, 5e307],
        [5e-324, 0.0, 1e-323],
        [1e300, 1e-300, 3.0],
        [1e15, 1e15 + 1, 1e15 + 2],
        [-0.0, 0.0, 1.0],
    ],
)
def test_numbers_of_any_size(values):
    x = np.array(values)
    found = fitted("number", x, bins=4).encode(
        np.array([*values, 1e308, -1e308, np.nan]), Oddities()
    )
    assert np.isfinite(found).all() and np.abs(found).max() <= 20
    assert len(np.unique(found[:3], axis=0)) == len(np.unique(x))


def test_intervals():
    x = np.arange(101.0)
    encoder = fitted("number", x, bins=4)
    assert [edge * 100 for edge in encoder.edges] == [0, 25, 50, 75, 100]
    found = encoder.encode(np.array([-5.0, 10.0, 60.0, 200.0]), Oddities())[:, 1:]
    expected = [[0, 0, 0, 0], [0.4, 0, 0, 0], [1, 1, 0.4, 0], [1, 1, 1, 1]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert encoder.linear_inputs == ["value"]


def test_categories():
    train = objects("b", "a", "a", "b", "rare", None)
    encoder = fitted("category", train)
    assert encoder.inputs == ["a", "b", "other", "missing"]
    odd = Oddities()
    found = encoder.encode(objects("a", "b", "rare", "new", None), odd)
    assert found.argmax(1).tolist() == [0, 1, 2, 2, 3] and (found.sum(1) == 1).all()
    assert (odd.unknown, odd.examples) == (2, ["rare", "new"])
    # Without a place for them, unknown and missing values are all zeros.
    encoder = fitted("category", objects("a", "b", "a", "b"))
    odd = Oddities()
    assert encoder.encode(objects("new", None), odd).tolist() == [[0, 0], [0, 0]]
    assert (odd.unknown, odd.missing) == (1, 1)
    # Numbers and texts of one value are one category.
    encoder = fitted("category", np.array([1.0, 2.0, 1.0, 2.0]))
    assert encoder.inputs == ["1", "2"]
    assert encoder.encode(np.array([2, 1]), Oddities()).argmax(1).tolist() == [1, 0]
    encoder = fitted("category", np.array([True, False, True, False]))
    assert encoder.encode(objects("True", "False"), Oddities()).argmax(1).tolist() == [1, 0]


def test_only_the_most_frequent_categories_have_places():
    values = objects(*[f"c{i}" for i in range(150) for _ in range(2 + (i < 100))])
    encoder = fitted("category", values)
    assert len(encoder.values) == 100 and encoder.other
    assert set(encoder.values) == {f"c{i}" for i in range(100)}


@pytest.mark.parametrize(
    "texts, name, expected",
    [
        (["2024-02-29", "2023-01-01"], "year-month-day", "2024-02-29"),
        (["2024/2/9", "2023/12/31"], "year-month-day", "2024-02-09"),
        (["2024-02-29T23:05", "2023-01-01"], "year-month-day", "2024-02-29T23:05"),
        (["2024-02-29 23:05:07.25", "2023-01-01"], "year-month-day", "2024-02-29T23:05:07.25"),
        (["2024-02-29T23:05:00Z", "2023-01-01"], "year-month-day", "2024-02-29T23:05"),
        (["2024-02-29T23:05:00+02:30", "2023-01-01"], "year-month-day", "2024-02-29T20:35"),
        (["31.12.2024", "1.1.2023"], "day.month.year", "2024-12-31"),
        (["12/31/2024", "1/2/2023"], "month/day/year", "2024-12-31"),
        (["31/12/2024", "1/2/2023"], "day/month/year", "2024-12-31"),
        (["1/2/2024", "3/4/2023"], "month/day/year", "2024-01-02"),
    ],
)
def test_formats_of_dates(texts, name, expected):
    values = objects(*texts)
    assert date_format(values) == name
    assert as_dates(values, name)[0] == np.datetime64(expected)


@pytest.mark.parametrize(
    "texts", [["2024-02-30"], ["13/13/2024"], ["2024-01-01", "soon"], ["20240101x"], ["0000-01-01"]]
)
def test_no_dates(texts):
    assert date_format(objects(*texts)) is None


def test_parts_of_dates():
    start = datetime(2019, 12, 28)
    moments = [start + timedelta(hours=31 * i) for i in range(400)]
    values = np.array(moments, "M8[us]")
    encoder = fitted("date", values)
    found = encoder.encode(values, Oddities())
    expected = {
        "days": [(m - start).total_seconds() for m in moments],
        "year": [m.year for m in moments],
        "month": [m.month for m in moments],
        "sin of the day": [math.sin(math.tau * m.hour / 24) for m in moments],
        "cos of the year": [
            math.cos(math.tau * (m.timetuple().tm_yday - 1) / 365.25) for m in moments
        ],
        "Sunday": [float(m.weekday() == 6) for m in moments],
        "Monday": [float(m.weekday() == 0) for m in moments],
    }
    for name, column in expected.items():
        column = np.array(column)
        z = (column - column.mean()) / column.std()
        np.testing.assert_allclose(found[:, encoder.inputs.index(name)], z, atol=1e-5)
    # What does not vary has no input.
    days = np.arange("2024-03-01", "2024-03-31", dtype="M8[D]")
    assert not {"year", "month", "sin of the day"} & set(fitted("date", days).inputs)


def test_dates_that_are_missing_or_wrong():
    encoder = fitted("date", objects("2024-01-01", "2024-06-01", None), format="year-month-day")
    odd = Oddities()
    found = encoder.encode(objects("2024-01-01", None, "soon"), odd)
    assert found[:, -1].tolist() == [0, 1, 1] and odd.wrong == 1
    assert not found[1:, :-1].any()


def table():
    rng = np.random.default_rng(1)
    return Table(
        {
            "n": np.where(rng.random(60) < 0.2, np.nan, rng.normal(size=60)),
            "c": objects(*rng.choice(["x", "y", None], 60)),
            "d": np.array([np.datetime64("2024-01-01") + int(i) for i in rng.integers(0, 99, 60)]),
            "same": np.ones(60),
        }
    )


def test_a_config_is_plain_json_and_gives_the_same_inputs():
    data = table()
    made = Preprocessing.fitted(data, [kind_of(n, c) for n, c in data.columns.items()])
    text = json.dumps(made.get_config(), allow_nan=False)
    again = Preprocessing.from_config(json.loads(text))
    assert np.array_equal(again.encode(data, "")[0], made.encode(data, "")[0])
    assert list(made.places) == ["n", "c", "d"]
    assert made.width == made.places["d"].stop


def test_columns_that_are_not_there():
    data = table()
    made = Preprocessing.fitted(data, [kind_of(n, c) for n, c in data.columns.items()])
    with pytest.raises(
        ValueError, match="f: the table lacks 2 columns that the model needs: 'c', 'd'"
    ):
        made.encode(Table({"n": np.zeros(3)}), "f")


@pytest.mark.parametrize(
    "change",
    [
        {"columns": 3},
        {"columns": [3]},
        {"columns": [{"kind": "number", "name": 3}]},
        {"columns": [{"kind": "os.system", "name": "a"}]},
        {"columns": [{"kind": ["number"], "name": "a"}]},
        {"columns": [{"kind": "category", "name": "a", "values": [1], "other": 0, "missing": 0}]},
        {"columns": [{"kind": "category", "name": "a", "values": ["a", "a"]}]},
        {"columns": [{"kind": "category", "name": "a", "values": [], "more": 1}]},
        {
            "columns": [
                {
                    "kind": "date",
                    "name": "a",
                    "format": "%d",
                    "parts": [0],
                    "means": [0.0],
                    "stds": [1.0],
                    "missing": False,
                }
            ]
        },
    ],
)
def test_configs_that_are_refused(change):
    with pytest.raises(ValueError):
        Preprocessing.from_config(change)


@pytest.mark.parametrize("name", ["unit", "low", "high", "center", "scale", "mean", "std", "edges"])
@pytest.mark.parametrize("value", [float("nan"), "x", None, [3], 1e999])
def test_numbers_in_configs_are_checked(name, value):
    config = fitted("number", np.arange(9.0), bins=4).get_config()
    with pytest.raises(ValueError, match=name):
        Number(**{**config, name: value})


def test_targets():
    target = Classes.fitted("t", np.array([2.0, 1.0, 2.0]))
    assert target.labels == [1, 2] and target.texts == ["1", "2"]
    assert target.encode(np.array([2, 1, 5])).tolist() == [1, 0, -1]
    assert target.encode(objects("2", "1", "x")).tolist() == [1, 0, -1]
    assert target.decode(np.array([1, 0])).tolist() == [2, 1]
    target = Classes.fitted("t", objects("b", "a", "b"))
    assert target.decode(np.array([1, 0])).tolist() == ["b", "a"]
    values = np.array([1.0, 2.0, 6.0])
    target = Values.fitted("t", values)
    np.testing.assert_allclose(target.decode(target.encode(values)), values, rtol=1e-6)
    for config in (
        Classes("t", [True, False]).get_config(),
        Values("t", 1.0, 2.0).get_config(),
    ):
        assert target_from_config(json.loads(json.dumps(config))).get_config() == config
    for config in (
        3,
        {},
        {"name": "t", "task": "classification", "labels": ["a"]},
        {"name": "t", "task": "classification", "labels": ["a", "a"]},
        {"name": "t", "task": "classification", "labels": ["a", 1]},
        {"name": "t", "task": "regression", "mean": 0, "std": 0},
        {"name": "t", "task": "regression", "mean": 0},
    ):
        with pytest.raises(ValueError):
            target_from_config(config)


def test_encoders_are_known_by_their_kinds():
    assert ENCODERS == {"number": Number, "category": Category, "date": Date}
