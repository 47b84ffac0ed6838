"""Shapes of a graph with unknown sizes: those of Keras 3.15.1, unless said otherwise."""

import numpy as np
import pytest

from fastdl import layers, models, ops
from fastdl.layers import Input

CASES = [
    (lambda: Input((None, 3)) + Input((5, 3)), (None, 5, 3)),
    (lambda: Input((None, 3)) + np.ones((5, 1)), (None, 5, 3)),
    (lambda: np.ones((5, 1)) + Input((None, 3)), (None, 5, 3)),  # Keras refuses the array there
    (lambda: Input((None, None)) + np.ones((1, 7)), (None, None, 7)),
    (lambda: ops.where(Input((None, 3)) > 0, np.ones((5, 3)), 0.0), (None, 5, 3)),
    (lambda: ops.maximum(Input((None, 1)), Input((5, 3))), (None, 5, 3)),
    (lambda: layers.Multiply()([Input((None, 3)), Input((5, 1))]), (None, None, 3)),
    (lambda: ops.matmul(Input((3, None)), Input((5, 2))), (None, 3, 2)),
    (lambda: ops.matmul(Input((None, 3)), Input((3, 5))), (None, None, 5)),
    (lambda: ops.einsum("bij,bjk->bik", Input((3, None)), Input((5, 3))), (None, 3, 3)),
    (lambda: layers.Dot(axes=2)([Input((None, 3)), Input((5, 3))]), (None, None, 5)),
    (lambda: Input((None, 3))[:, :5], (None, None, 3)),
    (lambda: Input((None, 3))[:, :2], (None, None, 3)),
    (lambda: Input((None, 3))[:, 1:], (None, None, 3)),
    (lambda: Input((None, 3))[:, -1], (None, 3)),
    (lambda: ops.concatenate([Input((None, 3)), Input((5, 3))], 1), (None, None, 3)),
    (lambda: ops.top_k(Input((None, 3)), 2)[0], (None, None, 2)),
    (lambda: ops.split(Input((None, 4)), 2, axis=1)[0], (None, None, 4)),
    (lambda: ops.pad(Input((None, 3)), ((0, 0), (1, 1), (0, 0))), (None, None, 3)),
    (lambda: layers.Attention()([Input((None, 4)), Input((7, 4))]), (None, None, 4)),
    (lambda: layers.Reshape((-1, 2))(Input((None, 4))), (None, None, 2)),
    (lambda: layers.Flatten()(Input((None, 3))), (None, None)),
    (lambda: layers.Conv1D(2, 3)(Input((None, 3))), (None, None, 2)),
    (lambda: layers.Resizing(4, 4)(Input((None, None, 3))), (None, 4, 4, 3)),
    (lambda: ops.full_like(Input((None,)), 2.0), (None, None)),
    (lambda: ops.linspace(Input((None,)), 1.0, 4), (4, None, None)),
]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_shape(number):
    make, shape = CASES[number]
    assert make().shape == shape


def test_what_cannot_fit_is_an_error_with_the_given_shapes():
    with pytest.raises(ValueError, match=r"\(2, 32, 3\) and \(2, 5, 4\)"):
        Input((None, 3)) + Input((5, 4))
    with pytest.raises(ValueError, match="cannot multiply shapes"):
        ops.matmul(Input((3, 7)), Input((5, 2)))


def test_a_short_input_runs():
    x = Input((None, 3))
    model = models.Model(x, layers.GlobalMaxPooling1D()(x[:, :5] + 1.0))
    for steps in (2, 9):
        data = np.random.default_rng(0).normal(size=(4, steps, 3)).astype("float32")
        expected = data[:, :5].max(1) + 1.0
        np.testing.assert_allclose(model.predict(data, verbose=0), expected, rtol=1e-6)


def test_an_index_that_only_long_inputs_have():
    class Late(layers.Layer):
        def call(self, x):
            return x[:, 90]

    x = layers.Input((None, 3))
    assert x[:, 40].shape == x[:, -100].shape == Late()(x).shape == (None, 3)
    assert x[7].shape == (None, 3) and x[20, 70].shape == (3,)
    model = models.Model(x, [x[:, 40] * 2.0, Late()(x)])
    data = np.arange(2 * 100 * 3.0, dtype="float32").reshape(2, 100, 3)
    found = model.predict(data, verbose=0)
    np.testing.assert_array_equal(found[0], data[:, 40] * 2)
    np.testing.assert_array_equal(found[1], data[:, 90])
    for wrong in (lambda: x[:, :, 3], lambda: x[:, :, :, 0]):
        with pytest.raises(IndexError):
            wrong()
