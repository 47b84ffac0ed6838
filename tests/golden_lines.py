"""Lines of Python that give a peer's results: golden values, or an error.

`tests/golden` has the scripts that wrote the values, with seven digits.
"""

import numpy as np
import pytest

import fastdl

ERRORS = (TypeError, ValueError, IndexError, RuntimeError)


def check(actual, expected, line, *, rtol, atol=4e-7, of_largest=False):
    """The result has the golden type, shape and values.

    `of_largest`: the errors grow with the largest value, as those of products of matrices do.
    """
    bounds = {"rtol": rtol, "atol": atol, "of_largest": of_largest}
    if isinstance(expected, str):
        assert actual == expected, line
        return
    if isinstance(expected, list):
        assert isinstance(actual, (tuple, list)) and len(actual) == len(expected), line
        for one, other in zip(actual, expected, strict=True):
            check(one, other, line, **bounds)
        return
    array = np.asarray(actual.detach() if isinstance(actual, fastdl.Tensor) else actual)
    assert str(array.dtype) == expected["dtype"], line
    assert list(array.shape) == expected["shape"], line
    values = np.array([float(v) for v in expected["values"]]).reshape(array.shape)
    if of_largest:
        atol += rtol * np.abs(values[np.isfinite(values)]).max(initial=0)
    array = array.astype("float64")
    np.testing.assert_allclose(array, values, rtol=rtol, atol=atol, err_msg=line)


def answer(line, expected, names, **bounds):
    """Runs the line: its result is the golden one, or it is an error as it is one there."""
    names = {"np": np, **names}
    if isinstance(expected, dict) and "error" in expected:
        with pytest.raises(ERRORS):
            eval(line, names)
    else:
        check(eval(line, names), expected, line, **bounds)
