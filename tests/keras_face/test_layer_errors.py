"""Layers: the errors for bad input, and input specs."""

import numpy as np
import pytest

import fastdl
from fastdl import layers

pytestmark = pytest.mark.usefixtures("fresh_names")


class TestErrors:
    """Each message names the layer, what was expected and what came."""

    @pytest.mark.parametrize(
        ("make", "error", "pattern"),
        [
            (lambda: layers.Dense(0), ValueError, "Dense: units: expected an integer .* got 0"),
            (lambda: layers.Dense("3"), ValueError, "Dense: units: .* got '3'"),
            (lambda: layers.Dense(3, "rleu"), ValueError, "'rleu'. Did you mean 'relu'"),
            (lambda: layers.Dense(3, unit=4), TypeError, "Dense: unknown argument 'unit'"),
            (
                lambda: layers.Dense(3, name="a/b"),
                ValueError,
                "name: expected a string without '/'",
            ),
            (
                lambda: layers.Dense(3, dtype="float16"),
                ValueError,
                "'mixed_bfloat16', got 'float16'",
            ),
            (lambda: layers.Dense(3, trainable=1), ValueError, "trainable: expected True or False"),
            (
                lambda: layers.Dense(3, kernel_initializer="glorot_unifrom"),
                ValueError,
                "unknown initializer 'glorot_unifrom'. Did you mean 'glorot_uniform'",
            ),
            (lambda: layers.Dense(3, kernel_regularizer="l3"), ValueError, "regularizer 'l3'"),
            (lambda: layers.Dropout(1.5), ValueError, "Dropout: rate: .* got 1.5"),
            (lambda: layers.Dropout(0.5, noise_shape=(0,)), ValueError, "Dropout: noise_shape"),
            (lambda: layers.Permute((0, 1)), ValueError, "Permute: dims: expected"),
            (
                lambda: layers.RepeatVector(0),
                ValueError,
                "RepeatVector: n: expected an integer of at least 1",
            ),
            (lambda: layers.RepeatVector(2.0), TypeError, "RepeatVector: n: expected an integer"),
            (lambda: layers.Reshape((-1, -1)), ValueError, "Reshape: .* at most one -1"),
            (
                lambda: layers.ReLU(max_value=-1),
                ValueError,
                "ReLU: max_value: expected a number of at least 0",
            ),
            (lambda: layers.Dot("x"), TypeError, "Dot: axes: expected"),
            (lambda: layers.Lambda(3), TypeError, "Lambda: function: expected a function"),
            (lambda: layers.Flatten("middle"), ValueError, "Flatten: data_format"),
            (lambda: layers.Input(), ValueError, "expected shape or batch_shape, got neither"),
            (
                lambda: layers.Input((2.5,)),
                ValueError,
                "shape: expected sizes of at least 0 or None",
            ),
        ],
    )
    def test_arguments(self, make, error, pattern):
        with pytest.raises(error, match=pattern):
            make()

    def test_wrong_feature_count(self):
        layer = layers.Dense(3, name="fc")
        layer(np.ones((2, 10)))
        pattern = r"layer 'fc' \(Dense\): .*expected size 10 on axis -1, got 7 \(shape \(2, 7\)\)"
        with pytest.raises(ValueError, match=pattern):
            layer(np.ones((2, 7)))

    def test_wrong_rank(self):
        with pytest.raises(ValueError, match=r"'dense' .*at least 2 axes, got 1 \(shape \(4,\)\)"):
            layers.Dense(3)(np.ones(4))

    def test_unknown_feature_count(self):
        with pytest.raises(ValueError, match=r"'dense' .*must be known, got shape \(None, None\)"):
            layers.Dense(3)(layers.Input((None,)))

    @pytest.mark.parametrize(
        "data", [np.array([["a", "b"]]), np.array([[object(), None]], dtype=object)]
    )
    def test_arrays_without_numbers(self, data):
        with pytest.raises(TypeError, match=r"layer 'dense' \(Dense\): "):
            layers.Dense(3)(data)

    def test_the_innermost_layer_is_named(self):
        class Outer(layers.Layer):
            def __init__(self):
                super().__init__()
                self.inner = layers.Reshape((7,), name="inner")

            def call(self, x):
                return self.inner(x)

        with pytest.raises(ValueError, match=r"^layer 'inner' \(Reshape\): cannot reshape"):
            Outer()(np.ones((2, 3)))

    def test_errors_of_ops_get_the_layers_name(self):
        class Bad(layers.Layer):
            def call(self, x):
                return fastdl.ops.matmul(x, x)

        with pytest.raises(ValueError, match=r"^layer 'bad' \(Bad\): matmul"):
            Bad()(np.ones((2, 3)))

    def test_no_call(self):
        with pytest.raises(NotImplementedError, match="Layer has no call"):
            layers.Layer()(np.ones(2))

    @pytest.mark.parametrize(
        ("make", "shapes", "pattern"),
        [
            (lambda: layers.Add(), [(2, 3), (2, 4)], "incompatible shapes"),
            (lambda: layers.Add(), [(2, 3), (3, 3)], "different batch sizes"),
            (lambda: layers.Subtract(), [(2, 3)] * 3, "list of 2 inputs, got 3"),
            (lambda: layers.Concatenate(), [(2, 3), (3, 3)], "the same shape except on axis -1"),
            (lambda: layers.Concatenate(5), [(2, 3), (2, 3)], "axis 5"),
            (lambda: layers.Dot(1), [(2, 3), (2, 4)], "their sizes are 3 and 4"),
            (lambda: layers.Dot(0), [(2, 3), (2, 3)], "batch axis"),
        ],
    )
    def test_merging(self, make, shapes, pattern):
        layer = make()
        with pytest.raises(ValueError, match=rf"layer '{layer.name}' .*{pattern}"):
            layer([np.ones(shape) for shape in shapes])
        with pytest.raises(ValueError, match=rf"layer '{layer.name}' .*{pattern}"):
            layer([layers.Input(batch_shape=shape) for shape in shapes])

    def test_merging_one_tensor(self):
        with pytest.raises(ValueError, match=r"layer 'add' .*expected a list"):
            layers.Add()(np.ones((2, 3)))


class TestInputSpec:
    @pytest.mark.parametrize(
        ("spec", "shape", "complaint"),
        [
            ({"ndim": 2}, (2, 3, 4), "expected 2 axes, got 3"),
            ({"min_ndim": 2}, (2,), "expected at least 2 axes, got 1"),
            ({"max_ndim": 2}, (2, 3, 4), "expected at most 2 axes, got 3"),
            ({"axes": {-1: 4}}, (2, 3), "expected size 4 on axis -1, got 3"),
            ({"shape": (None, 3)}, (2, 4), r"expected shape \(None, 3\), got \(2, 4\)"),
            ({"dtype": "int32"}, (2, 4), "expected elements of type int32, got float32"),
        ],
    )
    def test_complaints(self, spec, shape, complaint):
        layer = layers.Identity()
        layer.input_spec = layers.InputSpec(**spec)
        with pytest.raises(ValueError, match=f"layer 'identity' .*{complaint}"):
            layer(np.ones(shape))

    def test_squeeze(self):
        spec = layers.InputSpec(shape=(None, 3, 1), allow_last_axis_squeeze=True)
        layer = layers.Identity()
        layer.input_spec = spec
        assert layer(np.ones((2, 3))).shape == (2, 3)
        assert layer(np.ones((2, 3, 1))).shape == (2, 3, 1)

    def test_several(self):
        layer = layers.Add()
        layer.input_spec = [layers.InputSpec(ndim=2), layers.InputSpec(ndim=2, name="second")]
        with pytest.raises(ValueError, match=r"input 1 \('second'\): expected 2 axes, got 3"):
            layer([np.ones((2, 3)), np.ones((2, 3, 1))])

    def test_bad_axes(self):
        with pytest.raises(TypeError, match="integer keys"):
            layers.InputSpec(axes={"a": 1})
        with pytest.raises(ValueError, match="axis 3"):
            layers.InputSpec(ndim=2, axes={3: 1})
