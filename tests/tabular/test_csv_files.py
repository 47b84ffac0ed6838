"""Tables from files: what is read, and what is refused with the line to blame."""

import csv
import io

import numpy as np
import pytest

from fastdl.tabular import read_table


def written(folder, content, name="table.csv"):
    path = folder / name
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


def columns(folder, content, **options):
    return read_table(written(folder, content), **options).columns


def plain(found):
    """Columns as lists, with None for NaN."""
    return {
        name: [None if value != value else value for value in column.tolist()]
        for name, column in found.items()
    }


@pytest.mark.parametrize(
    "content, expected",
    [
        ("a,b\n1,x\n2,y\n", {"a": [1, 2], "b": ["x", "y"]}),
        ("a,b\r\n1,x\r\n2,y\r\n", {"a": [1, 2], "b": ["x", "y"]}),
        ("a,b\r1,x\r2,y", {"a": [1, 2], "b": ["x", "y"]}),
        ("\ufeffa,b\n1,x\n", {"a": [1], "b": ["x"]}),
        ("a;b\n1;x\n2;y\n", {"a": [1, 2], "b": ["x", "y"]}),
        ("a\tb\n1\tx, y\n2\ty\n", {"a": [1, 2], "b": ["x, y", "y"]}),
        ("a|b\n1|x\n2|y\n", {"a": [1, 2], "b": ["x", "y"]}),
        ("a;b\n1,5;2,25\n-3;1.234,5\n", {"a": [1.5, -3], "b": [2.25, 1234.5]}),
        ('a,b\n"1,5","x"\n"2,25","y"\n', {"a": [1.5, 2.25], "b": ["x", "y"]}),
        ('a,b\n"1,234",1\n"2,345,678.5",2\n', {"a": [1234, 2345678.5], "b": [1, 2]}),
        ('a,b\n1,"x\ny"\n2,"say ""hi"""\n', {"a": [1, 2], "b": ["x\ny", 'say "hi"']}),
        ("a,b\n 1 , x \n2,y\n", {"a": [1, 2], "b": ["x", "y"]}),
        ("a,b\n1,\n,y\nNA,?\n", {"a": [1, None, None], "b": [None, "y", None]}),
        ("a,b\n1,2\n\n3,4\n\n\n", {"a": [1, 3], "b": [2, 4]}),
        ("a\n1\n\n3\n", {"a": [1, None, 3]}),
        ('a\n"1"\n\n3\n\n', {"a": [1, None, 3]}),
        ("zip,n\n01234,1\n99999,2\n", {"zip": ["01234", "99999"], "n": [1, 2]}),
        ("a,n\n1_2,1\n3,2\n", {"a": ["1_2", "3"], "n": [1, 2]}),
        ("a,n\n12345678901234567,1\n5,2\n", {"a": ["12345678901234567", "5"], "n": [1, 2]}),
        ("a,n\n1e3,1\n-.5,2\n", {"a": [1000, -0.5], "n": [1, 2]}),
        ("a,n\ninf,1\n-Infinity,2\n", {"a": [np.inf, -np.inf], "n": [1, 2]}),
        ("a,\n1,2\n", {"a": [1], "column_2": [2]}),
        ("a,b\nnan,x\nNaN,y\n", {"a": [None, None], "b": ["x", "y"]}),
        ("ä,日本\n1,é\n", {"ä": [1], "日本": ["é"]}),
    ],
)
def test_what_is_read(content, expected, tmp_path):
    assert plain(columns(tmp_path, content)) == expected


def test_options(tmp_path):
    latin = "größe,b\n1,ä\n".encode("cp1252")
    assert columns(tmp_path, latin, encoding="cp1252")["b"].tolist() == ["ä"]
    wide = "a,b\n1,ä\n".encode("utf-16")
    assert columns(tmp_path, wide, encoding="utf-16")["b"].tolist() == ["ä"]
    found = plain(columns(tmp_path, "a,b\n-999,x\n2,none of it\n", missing=["-999", "none of it"]))
    assert found == {"a": [None, 2], "b": ["x", None]}
    assert columns(tmp_path, "a,b\n1,x\n1.0,y\n", text=["a"])["a"].tolist() == ["1", "1.0"]
    assert columns(tmp_path, "a b\n1 2\n", delimiter=" ")["b"].tolist() == [2]
    # A comma is for thousands there.
    assert columns(tmp_path, "a;b\n1,234;x\n", decimal=".")["a"].tolist() == [1234]
    assert read_table(written(tmp_path, "a;b\n1,5;x\n")).notes == [
        "cells are separated by semicolons",
        "numbers have decimal commas",
    ]


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "the file is empty"),
        (" \n\n", "the file is empty"),
        ("a,b\n", "there are no rows below the names in line 1"),
        ("a,b", "there are no rows below the names in line 1"),
        ("a,b\n1,2\n1,2,3\n", "line 3 has 3 cells, the first line has 2"),
        ("a,b\n1,2\n\n1\n", "line 4 has 1 cell, the first line has 2"),
        ('a,b\n"x\ny",2\n1,2,3\n', "line 4 has 3 cells, the first line has 2"),
        ('a,b\n1,"x\n2,y\n', "line 2: a quote is opened and not closed"),
        ('a,b\n1,"x"y\n', "line 2: it is no valid CSV"),
        ("a,b, a\n1,2,3\n", "columns 1 and 3 have one name, 'a'"),
        (b"a,b\n1,x\n2,\xe4\n", r"line 3 is no text in UTF-8: byte 10 of the file is 0xe4"),
        ("a,b\n1,ä\n".encode("utf-16"), "give the encoding utf-16"),
        (b"a,b\n1,\0\n", "this is no text: byte 6 is 0"),
        (b"PK\x03\x04....", "a zip archive: an Excel sheet or a model. Save the sheet as CSV"),
        (b"\x1f\x8b....", "compressed with gzip: unpack it first"),
        (b"\x89PNG\r\n\x1a\n...", "expected CSV or Parquet, but this is a picture"),
        (b"%PDF-1.7", "expected CSV or Parquet, but this is a PDF document"),
        (b"PAR1 but nothing more", "the Parquet file cannot be read"),
    ],
)
def test_what_is_refused(content, message, tmp_path):
    with pytest.raises(ValueError, match=f"table.csv: .*{message}"):
        columns(tmp_path, content)


def test_options_that_are_refused(tmp_path):
    path = written(tmp_path, "a,b\n1,2\n")
    with pytest.raises(ValueError, match="unknown encoding 'klingon'"):
        read_table(path, encoding="klingon")
    with pytest.raises(ValueError, match="line 2 is no text in ascii"):
        read_table(written(tmp_path, "a,b\n1,ä\n"), encoding="ascii")
    with pytest.raises(ValueError, match="delimiter: expected one character, got ';;'"):
        read_table(path, delimiter=";;")
    with pytest.raises(ValueError, match=r"decimal: expected '\.', ',' or None, got ';'"):
        read_table(path, decimal=";")
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / "no.csv")
    with pytest.raises(TypeError, match="expected the path of a CSV or Parquet file"):
        read_table(3)
    with pytest.raises(ValueError, match="columns of one length, got"):
        read_table({"a": [1], "b": [1, 2]})
    with pytest.raises(ValueError, match="the table has no columns"):
        read_table({})


@pytest.mark.parametrize("seed", range(20))
def test_both_ways_agree_with_the_csv_module(seed, tmp_path):
    """Random texts, with and without quotes, against `csv.reader` cell by cell."""
    rng = np.random.default_rng(seed)
    signs = list("ab 0.7-") + ([",", '"', "\n"] if seed % 2 else [])
    count = int(rng.integers(2, 5))
    rows = [
        ["c" + "".join(rng.choice(signs, rng.integers(0, 6))) for _ in range(count)]
        for _ in range(30)
    ]
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([[f"name{i}" for i in range(count)], *rows])
    found = columns(tmp_path, stream.getvalue(), delimiter=",")
    expected = [[cell.strip() for cell in row] for row in rows]
    assert [list(row) for row in zip(*found.values(), strict=True)] == expected


def test_kinds_do_not_depend_on_where_blocks_end(tmp_path, monkeypatch):
    from fastdl.tabular import csv_files

    content = "a,b,c,d\n" + "".join(f"{i}.50,,{i},x\n" for i in range(9)) + "n/a,y,007,1\n"
    whole = columns(tmp_path, content)
    assert whole["c"].tolist() == [*map(str, range(9)), "007"]
    assert whole["b"].tolist() == [None] * 9 + ["y"]
    for quoted in (content, content.replace("x", '"x"')):
        monkeypatch.setattr(csv_files, "_BLOCK", 2)
        parts = columns(tmp_path, quoted)
        assert plain(parts) == plain(whole)
        assert {n: c.dtype for n, c in parts.items()} == {n: c.dtype for n, c in whole.items()}


def test_a_late_ragged_row_is_found(tmp_path, monkeypatch):
    from fastdl.tabular import csv_files

    monkeypatch.setattr(csv_files, "_BLOCK", 10)
    content = "a,b\n" + "1,2\n" * 95 + "1\n"
    with pytest.raises(ValueError, match="line 97 has 1 cell"):
        columns(tmp_path, content)
    with pytest.raises(ValueError, match="line 97 has 1 cell"):
        columns(tmp_path, content.replace("a,b", '"a",b'))


def test_numbers_are_those_of_float(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(size=200) * 10.0 ** rng.integers(-300, 300, 200)
    content = "a,b\n" + "".join(f"{value!r},x\n" for value in values.tolist())
    assert np.array_equal(columns(tmp_path, content)["a"], values)


def test_large_cells(tmp_path):
    """Beyond the limit of the csv module, which stays as it was."""
    before = csv.field_size_limit()
    content = 'a,b\n1,"' + "x" * 200_000 + '"\n2,"y"\n'
    assert len(columns(tmp_path, content)["b"][0]) == 200_000
    assert csv.field_size_limit() == before


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.table({"a": [1, None, 3], "b": ["x", None, "y"], "c": [True, False, True]})
    path = tmp_path / "table.parquet"
    parquet.write_table(table, path)
    found = read_table(path).columns
    assert plain(found) == {"a": [1, None, 3], "b": ["x", None, "y"], "c": [True, False, True]}


def test_without_pyarrow_the_error_says_what_to_install(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install 'fastdl\[tables\]'"):
        read_table(written(tmp_path, b"PAR1...."))
