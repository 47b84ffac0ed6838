"""Messages of the checks of arguments."""

import pytest

import fastdl
from fastdl._base.checks import prefixed


@pytest.mark.parametrize("kind", [TypeError, ValueError, RuntimeError])
def test_prefixed_keeps_the_kind(kind):
    error = prefixed("zeros: size", kind("too large"))
    assert type(error) is kind and str(error) == "zeros: size: too large"


def test_prefixed_makes_the_base_of_an_error_that_takes_more_than_a_message():
    with pytest.raises(UnicodeDecodeError) as caught:
        b"\xff".decode()
    error = prefixed("tensor: data", caught.value)
    assert type(error) is ValueError and str(error).startswith("tensor: data: 'utf-8' codec")


def test_what_to_pass_instead_of_tables_and_sparse_matrices():
    sparse = pytest.importorskip("scipy.sparse").eye(3)
    table = pytest.importorskip("pandas").DataFrame({"a": ["x"], "b": [1.0]})
    for function in (fastdl.tensor, fastdl.as_tensor):
        name = function.__name__
        with pytest.raises(TypeError, match=rf"{name}: data: .*sparse matrix.*data.toarray\(\)"):
            function(sparse)
        with pytest.raises(TypeError, match=rf"{name}: data: .*columns of numbers, got {{'a'"):
            function(table)
        assert function(table[["b"]]).tolist() == [[1.0]]
        with pytest.raises(TypeError, match="no numbers"):
            function(table["a"])
    table["a"] = [True]
    with pytest.raises(TypeError, match=r"data.astype\('float32'\)"):
        fastdl.tensor(table)
