"""utils: labels as rows, norms, seeds."""

import random

import numpy as np
import pytest

import fastdl
from fastdl import utils


def test_to_categorical():
    rows = utils.to_categorical([0, 2, 1])
    assert rows.dtype == np.float64 and rows.tolist() == np.eye(3)[[0, 2, 1]].tolist()
    assert utils.to_categorical([1], num_classes=4).tolist() == [[0, 1, 0, 0]]
    assert utils.to_categorical(np.array([[1], [0]])).shape == (2, 2)
    assert utils.to_categorical(np.array([[1, 0], [0, 2]])).shape == (2, 2, 3)
    assert utils.to_categorical(np.array([1.0, 0.0])).tolist() == [[0, 1], [1, 0]]
    assert utils.to_categorical(fastdl.tensor([1, 0])).tolist() == [[0, 1], [1, 0]]
    assert utils.to_categorical([], num_classes=3).shape == (0, 3)
    assert utils.to_categorical(np.array([3, 200], np.uint8)).shape == (2, 201)


@pytest.mark.parametrize(
    ("given", "classes", "error", "pattern"),
    [
        ([0, 3], 3, ValueError, r"label 3 is not in \[0, 3\)"),
        ([-1, 1], None, ValueError, "label -1 is not in"),
        ([0.5], None, ValueError, "whole numbers, got fractions"),
        ([float("nan")], None, ValueError, "whole numbers, got fractions or NaN"),
        ([], None, ValueError, "expected num_classes"),
        (["a"], None, TypeError, "expected integers, got an array of type <U1"),
    ],
)
def test_to_categorical_errors(given, classes, error, pattern):
    with pytest.raises(error, match=pattern):
        utils.to_categorical(given, classes)


def test_normalize():
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    assert utils.normalize(x).tolist() == [[0.6, 0.8], [0.0, 0.0]]
    assert utils.normalize(x, axis=0, order=1).tolist() == [[1.0, 1.0], [0.0, 0.0]]


def test_set_random_seed():
    def draw():
        utils.set_random_seed(3)
        values = fastdl.rand(3).tolist()
        return random.random(), np.random.rand(), values  # noqa: NPY002

    assert draw() == draw()
    for wrong in (-1, 2**32, "a", 1.5):
        with pytest.raises(ValueError, match="an integer from 0 to"):
            utils.set_random_seed(wrong)


def test_data_is_the_data_module():
    assert utils.data.DataLoader is fastdl.data.DataLoader
    from fastdl.utils.data import DataLoader

    assert DataLoader is fastdl.data.DataLoader


def test_backend():
    from fastdl import backend, layers

    backend.clear_session()
    assert layers.Dense(1).name == "dense"
    assert (backend.floatx(), backend.epsilon()) == ("float32", 1e-7)
    backend.set_floatx("float32")
    with pytest.raises(ValueError, match="'float32', got 'float64'"):
        backend.set_floatx("float64")
