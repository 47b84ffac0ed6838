"""Tables of other packages as NumPy columns: the same columns from each of them, and bad ones."""

import datetime
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from fastdl._base.tables import (
    as_column,
    column_of,
    columns_of,
    is_column,
    is_missing,
    is_table,
    kind_of,
    names_of,
)

DAY = datetime.date(2024, 2, 29)
MOMENT = datetime.datetime(2024, 2, 29, 12, 30)
VALUES = {
    "whole": [1, 2, 3],
    "holes": [1, None, 3],
    "real": [0.5, None, -2.0],
    "flag": [True, False, True],
    "maybe": [True, None, False],
    "text": ["a", None, ""],
    "day": [DAY, None, DAY],
    "moment": [MOMENT, None, MOMENT],
    "span": [datetime.timedelta(hours=1), None, datetime.timedelta(days=2)],
    "exact": [decimal.Decimal("1.5"), None, decimal.Decimal(-3)],
    "nothing": [None, None, None],
}
NAN, NAT = np.nan, np.datetime64("NaT")
WANTED = {
    "whole": np.array([1, 2, 3]),
    "holes": np.array([1, NAN, 3]),
    "real": np.array([0.5, NAN, -2.0]),
    "flag": np.array([True, False, True]),
    "maybe": np.array([1, NAN, 0]),
    "text": np.array(["a", None, ""], object),
    "day": np.array([DAY, NAT, DAY], "M8[D]"),
    "moment": np.array([MOMENT, NAT, MOMENT], "M8[us]"),
    "span": np.array([3600, "NaT", 2 * 86400], "m8[s]"),
    "exact": np.array([1.5, NAN, -3]),
    "nothing": np.array([NAN, NAN, NAN]),
}


def records(values=VALUES):
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


TABLES = {
    "pandas": lambda values: pd.DataFrame(values),
    "pandas objects": lambda values: pd.DataFrame(
        {name: np.array(column, object) for name, column in values.items()}
    ),
    "pandas nullable": lambda values: pd.DataFrame(values).convert_dtypes(),
    "pandas of arrow": lambda values: pa.table(values).to_pandas(types_mapper=pd.ArrowDtype),
    "polars": lambda values: pl.DataFrame(values),
    "pyarrow": lambda values: pa.table(values),
    "pyarrow batch": lambda values: pa.RecordBatch.from_pydict(values),
    "pyarrow chunks": lambda values: pa.concat_tables([pa.table(values), pa.table(values)[:0]]),
    "records": records,
}


@pytest.mark.parametrize("package", TABLES)
def test_every_package_gives_the_same_columns(package):
    table = TABLES[package](VALUES)
    assert is_table(table) and not is_column(table)
    assert names_of(table) == list(VALUES)
    columns = columns_of(table)
    assert list(columns) == list(VALUES)
    for name, wanted in WANTED.items():
        got = columns[name]
        assert got.shape == (3,) and got.dtype.kind == wanted.dtype.kind, name
        np.testing.assert_array_equal(got, wanted, name)
        missing = [value is None for value in VALUES[name]]
        assert is_missing(got).tolist() == missing
    assert [kind_of(columns[name]) for name in ("whole", "text", "day", "span")] == [
        "numbers", "text", "dates", "durations"
    ]  # fmt: skip


def test_types_of_numbers_stay():
    for make in (pd.DataFrame, pl.DataFrame, pa.table):
        columns = columns_of(make({t: np.ones(2, t) for t in ("u1", "i2", "f4", "f8", "u8")}))
        assert [column.dtype for column in columns.values()] == ["u1", "i2", "f4", "f8", "u8"]
    named = np.array([(1, 2.5, "x")], [("a", "i4"), ("b", "f8"), ("c", "U3")])
    assert is_table(named) and names_of(named) == ["a", "b", "c"]
    assert {name: c.tolist() for name, c in columns_of(named).items()} == {
        "a": [1], "b": [2.5], "c": ["x"]
    }  # fmt: skip


def test_categories():
    text, numbers = ["u", None, "v", "u"], [5, None, 3, 5]
    tables = [
        pd.DataFrame({"text": pd.Categorical(text), "number": pd.Categorical(numbers)}),
        pl.DataFrame({"text": pl.Series(text, dtype=pl.Categorical), "number": numbers}),
        pl.DataFrame({"text": pl.Series(text, dtype=pl.Enum(["v", "u"])), "number": numbers}),
        pa.table(
            {"text": pa.array(text).dictionary_encode(), "number": pa.array(numbers)}
        ),
    ]  # fmt: skip
    for table in tables:
        columns = columns_of(table)
        assert columns["text"].tolist() == text
        np.testing.assert_array_equal(columns["number"], [5, NAN, 3, 5])
    assert columns_of(pd.DataFrame({"a": pd.Categorical([2, 1])}))["a"].dtype == "int64"


def test_times_with_a_zone_are_in_utc():
    zone = datetime.timezone(datetime.timedelta(hours=2))
    moments = [datetime.datetime(2024, 1, 1, 1, tzinfo=zone), None]
    wanted = np.array(["2023-12-31T23:00", "NaT"], "M8[us]")
    tables = [
        pd.DataFrame({"t": pd.to_datetime(moments)}),
        pl.DataFrame({"t": moments}),
        pa.table({"t": moments}),
        [{"t": moment} for moment in moments],
    ]
    for table in tables:
        np.testing.assert_array_equal(columns_of(table)["t"], wanted)


def test_records_may_lack_keys():
    columns = columns_of([{"b": "x", "a": 1}, {"c": 2.5}, {"a": 3, "c": 1.0, "b": None}])
    assert list(columns) == ["b", "a", "c"]
    assert columns["b"].tolist() == ["x", None, None]
    np.testing.assert_array_equal(columns["a"], [1, NAN, 3])
    np.testing.assert_array_equal(columns["c"], [NAN, 2.5, 1])


def test_columns():
    for column in (pd.Series([1, 2]), pl.Series([1, 2]), pa.array([1, 2])):
        assert is_column(column) and not is_table(column) and columns_of(column) is None
        assert column_of(column).tolist() == [1, 2]
    assert as_column(["a", None], "x").tolist() == ["a", None]
    assert as_column(np.array(["a", "b"]), "x").dtype == object
    assert as_column((1, 2), "x").dtype == np.int64
    assert as_column([2**63], "x").dtype == np.uint64
    with pytest.raises(TypeError, match=r"y: column 'city': .* got numbers such as 1 \(row 1\)"):
        column_of(pd.Series([None, 1, "a"], name="city", dtype=object), "y")
    with pytest.raises(ValueError, match=r"x: expected one axis, got shape \(2, 2\)"):
        as_column(np.ones((2, 2)), "x")


@pytest.mark.parametrize(
    "value",
    [None, 3, "abc", [], [1, 2], [{}], [{"a": np.ones(3)}], {"a": [1]}, np.ones(3), ({"a": 1},)],
)
def test_what_is_no_table(value):
    assert not is_table(value) and not is_column(value)
    assert columns_of(value) is None and column_of(value) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pl.DataFrame({"a": [1]}).lazy(), r"got a LazyFrame; call its collect\(\) first"),
        (lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns have the name 'a'"),
        (lambda: pd.DataFrame([[1, 2]], columns=[1, "1"]), "two columns have the name '1'"),
        (lambda: [{"a": 1, "b": [1]}], r"column 'b': .* got a list in row 0: \[1\]"),
        (lambda: [{"a": 1}, {"a": "y"}], r"'a': .* numbers such as 1 \(row 0\) and text such as"),
        (lambda: [{1: 2}], "strings as keys, got 1"),
        (lambda: [{"a": 2**64}], "column 'a': expected integers of 64 bits"),
        (lambda: pl.DataFrame({"a": [[1], [2]]}), r"'a': .* got values of type List\(Int64\)"),
        (lambda: pl.DataFrame({"a": [datetime.time(1)]}), "'a': .* type Time"),
        (lambda: pa.table({"a": [[1], [2]]}), "'a': .* type list<item: int64>"),
        (lambda: pa.table({"a": [b"x"]}), "'a': .* type binary"),
        (lambda: pd.DataFrame({"a": [b"x"]}), "'a': .* a bytes in row 0"),
        (lambda: pd.DataFrame({"a": [1j]}), "'a': .* type complex128"),
        (lambda: pd.DataFrame({"a": pd.period_range("2020", periods=2)}), "'a': .* a Period"),
        (lambda: pd.DataFrame({"a": [2**60, None]}, dtype="Int64"), r"'a': .* beyond 2\*\*53"),
        (lambda: np.zeros((2, 2), [("a", "i4")]), r"along one axis, got shape \(2, 2\)"),
    ],
)
def test_bad_tables(make, message):
    with pytest.raises((TypeError, ValueError), match=f"^fit: x: .*{message}"):
        columns_of(make(), "fit: x")
