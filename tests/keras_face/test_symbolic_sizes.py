"""Sizes of symbolic results: those that depend on values or on unknown sizes are None."""

import numpy as np
import pytest

from fastdl import KerasTensor, Model, layers, ops

SHIFT = ([1.0, 1.0], [0.0, 0.0])


def shapes(found):
    return [tuple(one.shape) for one in found]


def test_sizes_that_depend_on_values():
    x = KerasTensor((2, 4))
    assert shapes(ops.nonzero(x)) == [(None,), (None,)]
    values, first, inverse = ops.unique(x, axis=0, return_index=True, return_inverse=True)
    assert shapes((values, first, inverse)) == [(None, 4), (None,), (2,)]
    assert ops.unique(x, size=3).shape == (3,)
    assert ops.segment_sum(x, KerasTensor((2,), "int32")).shape == (None, 4)
    assert ops.segment_sum(x, KerasTensor((2,), "int32"), 5).shape == (5, 4)


def test_parts_of_an_unknown_number():
    assert shapes(ops.array_split(KerasTensor((None, 4)), 2)) == [(None, 4), (None, 4)]
    assert shapes(ops.array_split(KerasTensor((8, 4)), 3)) == [(3, 4), (3, 4), (2, 4)]


def test_as_many_results_as_an_unknown_size():
    with pytest.raises(ValueError, match="number of results depends"):
        ops.unstack(KerasTensor((None, 3)))
    assert shapes(ops.unstack(KerasTensor((2, None)), 3, axis=1)) == [(2,)] * 3


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (lambda: ops.dot(KerasTensor((None, 3)), KerasTensor((None, 4))), (None, 4)),
        (lambda: ops.repeat(KerasTensor((None, 3)), [1, 2], axis=0), (3, 3)),
        (lambda: ops.reshape(KerasTensor((None, 3)), (3, 2)), (3, 2)),
        (lambda: ops.broadcast_to(KerasTensor((None, 3)), (2, 3, 3)), (2, 3, 3)),
        (lambda: ops.add(KerasTensor((None, 3)), KerasTensor((2, None))), (2, 3)),
        (
            lambda: ops.image.pad_images(
                KerasTensor((None, None, 3)), 2, 3, target_height=20, target_width=30
            ),
            (20, 30, 3),
        ),
        (
            lambda: ops.image.scale_and_translate(
                KerasTensor((None, 20, 20, 3)), (None, 25, 30, 3), *SHIFT, (1, 2), "linear"
            ),
            (None, 25, 30, 3),
        ),
    ],
)
def test_sizes_that_follow_from_others(call, wanted):
    assert call().shape == wanted


def test_sizes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"3 columns against 5 rows"):
        ops.matmul(KerasTensor((None, 3)), KerasTensor((5, 4)))


def test_ones_are_no_index_everywhere():
    # the run on ones fails for a table of one row, and the shapes are known nevertheless
    assert layers.Embedding(1, 3)(layers.Input((4,))).shape == (None, 4, 3)


@pytest.mark.parametrize("shape", [3, (2.5,), (-1,), "ab", (2, "3")])
def test_a_shape_that_is_none(shape):
    with pytest.raises(ValueError, match="KerasTensor: shape: expected"):
        KerasTensor(shape)


def test_a_number_of_elements_is_counted_for_each_input():
    x = layers.Input((None, 3))
    count = ops.size(x)
    assert (count.shape, count.dtype) == ((), "int32")
    model = Model(x, ops.sum(x) / ops.cast(count, "float32"))
    data = np.arange(30.0, dtype="float32").reshape(2, 5, 3)
    assert float(model(data)) == 14.5
    assert float(model(data[:, :2])) == data[:, :2].mean()
    assert ops.size(data) == 30


def test_numbers_may_be_tensors_without_axes():
    assert ops.linspace(0, 10, ops.convert_to_tensor(5)).tolist() == [0, 2.5, 5, 7.5, 10]
    parts = ops.split(ops.arange(6), ops.convert_to_tensor([2, 3]))
    assert [part.tolist() for part in parts] == [[0, 1], [2], [3, 4, 5]]
    for wrong in (ops.convert_to_tensor(5.0), ops.convert_to_tensor([5]), ops.ones((), "bool")):
        with pytest.raises(ValueError, match="num: expected an integer of at least 0, got"):
            ops.linspace(0, 10, wrong)


def test_sums_of_weights_have_their_type():
    x = np.int32([0, 2, 2])
    for dtype, wanted in (
        ("int32", "int32"),
        ("uint8", "uint8"),
        ("int64", "int64"),
        ("bool", "int32"),
    ):
        found = ops.bincount(x, np.ones(3, dtype))
        assert found.dtype == wanted and found.tolist() == [1, 0, 2]
    big = ops.bincount(x, np.int32([2**24 + 1, 2**24, 1]))  # float32 has no such number
    assert big.tolist() == [2**24 + 1, 0, 2**24 + 1]
    assert ops.bincount([[0, 1], [1, 1]], np.int32([[1, 2], [3, 4]])).tolist() == [[1, 2], [0, 7]]


def test_shapes_that_are_tensors():
    x, sizes = KerasTensor((None, 20)), KerasTensor((2,), "int32")
    assert ops.reshape(x, sizes).shape == (None, None)
    assert ops.reshape(x, newshape=(4, KerasTensor((), "int32"))).shape == (4, None)
    assert ops.reshape(np.zeros(20, "int32"), sizes).dtype == "int32"
    with pytest.raises(ValueError, match="newshape: expected a known number of sizes"):
        ops.reshape(x, KerasTensor((None,), "int32"))

    given, rows = layers.Input((6,)), layers.Input(batch_shape=(2,), dtype="int32")
    model = Model([given, rows], ops.reshape(given, rows))
    data = np.arange(12.0, dtype="float32").reshape(2, 6)
    for shape in ((3, 4), (4, 3)):
        np.testing.assert_array_equal(model([data, np.int32(shape)]), data.reshape(shape))


def test_values_that_zeros_are_not():
    assert ops.geomspace(KerasTensor((2, 3)), KerasTensor((2, 3)), 5).shape == (5, 2, 3)


def test_dense():
    x = KerasTensor((2,))
    assert x.sparse is False and x.ragged is False


def test_strides_and_dilation_of_one_convolution():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 9, 8, 3)), rng.normal(size=(3, 2, 3, 4))
    got = np.asarray(ops.conv(x.astype("f4"), w.astype("f4"), strides=2, dilation_rate=2))
    wanted = np.zeros((2, 3, 3, 4))
    for i, j in np.ndindex(3, 3):
        part = x[:, 2 * i : 2 * i + 5 : 2, 2 * j : 2 * j + 3 : 2]
        wanted[:, i, j] = np.einsum("nhwc,hwcf->nf", part, w)
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


def test_small_faults():
    grids = ops.meshgrid([[1.0, 2.0]], [3.0, 4.0, 5.0])  # raveled, as in NumPy
    wanted = np.meshgrid([[1.0, 2.0]], [3.0, 4.0, 5.0])
    np.testing.assert_array_equal(np.stack(grids), wanted)
    assert ops.one_hot([1.0, 2.0], 3).tolist() == [[0, 1, 0], [0, 0, 1]]
    assert ops.unique([1.0, np.nan, 2.0, np.nan]).shape == (4,)  # as in Keras and PyTorch
    with pytest.raises(ValueError, match="block_size: expected an integer of at least 2"):
        ops.space_to_depth(np.ones((1, 2, 2, 1)), 1)
    with pytest.raises(ValueError, match="block_size: expected an integer of at least 2"):
        ops.depth_to_space(np.ones((1, 2, 2, 1)), 1)
