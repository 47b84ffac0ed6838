"""Layer: building, tracking, training mode and losses."""

import copy
import json

import numpy as np
import pytest
from keras_samples import Scale

import fastdl
from fastdl import layers, models, nn, regularizers

pytestmark = pytest.mark.usefixtures("fresh_names")


class Block(layers.Layer):
    """Layers in lists and dicts, some of them put there after the list was assigned."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.stack = []
        self.head = layers.Dense(1, name="head")
        self.stack.append(layers.Dense(4, name="one"))
        self.stack.extend([layers.Dense(4, name="two")])
        self.named = {"three": layers.Dense(4, name="three")}
        self.pair = (layers.Dense(4, name="four"), 7)

    def call(self, x, training=None):
        for layer in self.stack:
            x = layer(x)
        return self.head(self.pair[0](self.named["three"](x)))


class TestBuilding:
    def test_names_count_within_a_class(self):
        names = [layers.Dense(1).name, layers.Dense(1).name, layers.LeakyReLU().name]
        assert names == ["dense", "dense_1", "leaky_re_lu"]
        fastdl.utils.clear_session()
        assert layers.Dense(1).name == "dense"
        assert layers.Dense(1, name="mine").name == "mine"

    def test_weights_appear_with_the_first_input(self):
        layer = layers.Dense(3)
        assert layer.weights == [] and not layer.built
        layer(np.zeros((2, 4)))
        assert layer.built and layer.count_params() == 15
        assert [w.name for w in layer.weights] == ["kernel", "bias"]
        assert layer.kernel.path == "dense/kernel"
        assert layer.kernel.dtype == "float32"

    @pytest.mark.parametrize(
        "make",
        [
            lambda: layers.Activation("relu"),
            lambda: layers.Softmax(),
            lambda: layers.Dropout(0.5),
            lambda: layers.SpatialDropout1D(0.5),
            lambda: layers.Identity(),
            lambda: layers.Masking(),
            lambda: layers.MaxPooling2D(),
            lambda: layers.GlobalAveragePooling1D(),
            lambda: layers.UnitNormalization(),
        ],
    )
    def test_layers_that_never_have_weights_are_built_at_once(self, make):
        assert make().built and make().count_params() == 0

    def test_layers_whose_weights_or_checks_need_a_shape_are_not(self):
        class Scaled(layers.Dropout):
            def build(self, input_shape):
                self.factor = self.add_weight((input_shape[-1],), "ones")

        waiting = (layers.PReLU(), layers.LayerNormalization(), layers.Masking([1.0, 2.0]))
        for layer in (*waiting, Scaled(0.5)):
            assert not layer.built
        layer = Scaled(0.5)
        layer(np.zeros((2, 3)))
        assert layer.built and layer.factor.shape == (3,)
        with pytest.raises(ValueError, match="mask_value: expected a number or 3"):
            layers.Masking([1.0, 2.0])(np.zeros((1, 2, 3)))

    def test_build_by_shape(self):
        layer = layers.Dense(3)
        layer.build((None, 4))
        assert layer.built and layer.kernel.shape == (4, 3)

    def test_build_takes_one_shape_per_argument_of_call(self):
        class Pair(layers.Layer):
            def build(self, left_shape, right_shape):
                self.shapes = (left_shape, right_shape)

            def call(self, left, right):
                return left + right

        layer = Pair()
        layer(np.ones((2, 3)), right=np.ones((1, 3)))
        assert layer.shapes == ((2, 3), (1, 3))

    def test_build_gets_structures_of_shapes(self):
        class Many(layers.Layer):
            def build(self, input_shape):
                self.seen = input_shape

            def call(self, inputs):
                return inputs["a"] + inputs["b"][0]

        layer = Many()
        layer({"a": np.ones((2, 3)), "b": [np.ones((2, 3))]})
        assert layer.seen == {"a": (2, 3), "b": [(2, 3)]}

    def test_add_weight_defaults(self):
        layer = layers.Layer()
        scalar = layer.add_weight()
        assert scalar.shape == () and scalar.name == "variable" and scalar.requires_grad
        counter = layer.add_weight((2,), dtype="int32", name="counter")
        assert counter.dtype == "int32" and counter.tolist() == [0, 0]
        assert not counter.requires_grad
        assert [id(w) for w in layer.weights] == [id(scalar), id(counter)]
        with pytest.raises(ValueError, match=r"'layer'.*'w'.*must be known.*\(None, 2\)"):
            layer.add_weight((None, 2), name="w")
        with pytest.raises(ValueError, match=r"gave shape \(3,\), expected \(2,\)"):
            layer.add_weight((2,), initializer=lambda shape, dtype: np.zeros(3), name="w")

    def test_super_init_forgotten(self):
        class Forgetful(layers.Layer):
            def __init__(self):
                self.inner = layers.Dense(1)

        layer = Forgetful()
        for use in (lambda: layer(np.ones((1, 2))), lambda: layer.weights, lambda: layer.name):
            with pytest.raises(RuntimeError, match=r"Forgetful: .*does not call super\(\)"):
                use()

    def test_attributes_before_super_init(self):
        class Early(layers.Layer):
            def __init__(self):
                self.rate = 0.5
                self.w = fastdl.Variable([1.0, 2.0])
                self.inner = [layers.Dense(1)]
                super().__init__()

            def call(self, x):
                return self.inner[0](x * self.w)

        layer = Early()
        layer(np.ones((1, 2)))
        assert layer.rate == 0.5 and layer.weights[0] is layer.w
        assert [w.shape for w in layer.weights] == [(2,), (2, 1), (1,)]

    def test_no_weight_is_made_by_a_call(self):
        class Bad(layers.Layer):
            def call(self, x):
                return x * self.add_weight((), "ones", name="w")

        class Late(layers.Layer):
            def build(self, shape):
                super().build(shape)
                self.w = self.add_weight((), "ones")

            def call(self, x):
                return x * self.w

        for make in (lambda: np.ones((1, 2)), lambda: layers.Input((2,))):
            with pytest.raises(ValueError, match=r"'bad.*': call\(\) makes the weight 'w'"):
                Bad()(make())
            assert Late()(make()).shape[-1] == 2

    def test_add_weight_takes_the_name_by_name(self):
        layer = layers.Layer()
        with pytest.raises(ValueError, match=r"shape: expected sizes.*name='kernel'"):
            layer.add_weight("kernel")
        with pytest.raises(TypeError, match="positional"):
            layer.add_weight((2,), "ones", "float32", False)

    def test_settings_of_a_call_go_by_their_names(self):
        class Shift(layers.Layer):
            def call(self, x, up, training=False):
                return x + 1.0 if up else x - 1.0

        layer = Shift()
        for x in (np.zeros((1, 2)), layers.Input((2,))):
            with pytest.raises(ValueError, match=r"argument 2 of the call: only tensors .* True"):
                layer(x, True)
        assert layer(np.zeros((1, 2)), up=True).tolist() == [[1.0, 1.0]]

        class Power(nn.Module):
            def forward(self, x, n):
                return x**n

        assert layers.TorchModuleWrapper(Power())(np.full((1, 2), 3.0), 2).tolist() == [[9.0] * 2]

    def test_no_call_no_shape(self):
        with pytest.raises(NotImplementedError, match=r"Layer has no call"):
            layers.Layer().compute_output_shape((None, 2))


class TestSeeds:
    """States of random streams are variables, and no weights, as in Keras 3.15."""

    class Noise(layers.Layer):
        def __init__(self):
            super().__init__()
            self.streams = [fastdl.random.SeedGenerator(1), fastdl.random.SeedGenerator(2)]
            self.scale = self.add_weight((), "ones")

        def call(self, x):
            drawn = [fastdl.random.uniform(x.shape, seed=s) for s in self.streams]
            return x + (drawn[0] - drawn[1]) * self.scale

    def test_variables(self):
        layer = self.Noise()
        states = [s.state for s in layer.streams]
        assert [id(v) for v in layer.variables] == [id(v) for v in (layer.scale, *states)]
        assert [id(v) for v in layer.non_trainable_variables] == [id(v) for v in states]
        assert layer.non_trainable_weights == [] and layer.weights == [layer.scale]
        model = fastdl.Sequential([layers.Input((2,)), layers.Dropout(0.5, seed=3)])
        assert [v.tolist() for v in model.variables] == [[3, 0]]

    def test_a_dry_run_leaves_them_where_they_are(self):
        layer = self.Noise()
        model = models.Model(x := layers.Input((2,)), layer(x))
        layer.compute_output_shape((None, 2))
        assert [v.tolist() for v in model.non_trainable_variables] == [[1, 0], [2, 0]]
        model(np.ones((1, 2)))
        assert [v.tolist() for v in model.non_trainable_variables] != [[1, 0], [2, 0]]

    def test_a_stateless_call_begins_at_the_state_that_is_given(self):
        layer = self.Noise()
        x = np.zeros((3, 4), np.float32)
        layer.build(x.shape)
        start = [v.numpy().copy() for v in layer.non_trainable_variables]
        one, after = layer.stateless_call([2.0], start, x)
        two, again = layer.stateless_call([2.0], start, x)
        three, _ = layer.stateless_call([2.0], after, x)
        assert fastdl.equal(one, two) and not fastdl.equal(one, three)
        assert [v.tolist() for v in after] == [v.tolist() for v in again] != [[1, 0], [2, 0]]
        assert [v.tolist() for v in layer.non_trainable_variables] == [[1, 0], [2, 0]]
        layer(x)
        assert [v.tolist() for v in layer.non_trainable_variables] == [v.tolist() for v in after]


class TestTracking:
    def test_order_is_that_of_assignment(self):
        block = Block()
        block(np.ones((2, 3)))
        names = [w.path.split("/")[-2] for w in block.weights[::2]]
        assert names == ["head", "one", "two", "three", "four"]
        assert list(block.state_dict())[:3] == ["head.kernel", "head.bias", "stack.0.kernel"]

    def test_removed_layers_are_forgotten(self):
        block = Block()
        block(np.ones((2, 3)))
        block.stack.pop()
        del block.named["three"]
        block.pair = None
        assert [w.path.split("/")[-2] for w in block.weights[::2]] == ["head", "one"]
        block.stack[0] = layers.Dense(2, name="new")
        assert [layer.name for layer in block._flatten_layers(False)] == ["head", "new"]

    def test_weights_take_their_attributes_names(self):
        layer = Scale()
        layer(np.ones((2, 3)))
        assert list(layer.state_dict()) == ["w", "calls"]
        assert [w.name for w in layer.weights] == ["variable", "calls"]
        assert [name for name, _ in layer.named_parameters()] == ["w"]

    def test_untrained_weights_come_after_trained_ones(self):
        class Mixed(layers.Layer):
            def build(self, shape):
                self.a = self.add_weight((1,), trainable=False, name="a")
                self.b = self.add_weight((1,), name="b")

            def call(self, x):
                return x

        layer = Mixed()
        layer(np.ones((1, 1)))
        assert [w.name for w in layer.weights] == ["b", "a"]
        assert [w.name for w in layer.non_trainable_weights] == ["a"]

    def test_trainable_is_recursive(self):
        block = Block()
        block(np.ones((2, 3)))
        block.trainable = False
        assert block.trainable_weights == [] and len(block.non_trainable_weights) == 10
        assert not any(w.requires_grad for w in block.weights)
        block.trainable = True
        assert len(block.trainable_weights) == 10

    def test_trainable_false_leaves_counters_alone(self):
        layer = Scale()
        layer(np.ones((1, 2)))
        layer.trainable = False
        layer.trainable = True
        assert [w.name for w in layer.trainable_weights] == ["variable"]

    def test_frozen_before_it_is_built(self):
        layer = layers.Dense(2, trainable=False)
        layer(np.ones((1, 2)))
        assert layer.trainable_weights == [] and len(layer.weights) == 2

    def test_shared_weights_count_once(self):
        class Shared(layers.Layer):
            def __init__(self):
                super().__init__()
                self.a = layers.Dense(2)
                self.b = [self.a]

            def call(self, x):
                return self.a(x)

        layer = Shared()
        layer(np.ones((1, 2)))
        assert len(layer.weights) == 2 and layer.count_params() == 6

    def test_deepcopy_is_independent(self):
        block = Block()
        block(np.ones((2, 3)))
        twin = copy.deepcopy(block)
        twin.set_weights([w * 0 for w in twin.get_weights()])
        assert twin(np.ones((2, 3))).tolist() == [[0.0], [0.0]]
        assert any(np.any(w) for w in block.get_weights())
        twin.stack.append(layers.Dense(1))
        assert len(twin._flatten_layers(False)) == 6 and len(block._flatten_layers(False)) == 5

    def test_modules_inside_layers(self):
        class Mixed(layers.Layer):
            def __init__(self):
                super().__init__()
                self.linear = nn.Linear(3, 2)
                self.drop = nn.Dropout(0.5)

            def call(self, x):
                return self.drop(self.linear(x))

        layer = Mixed()
        x = np.ones((2, 3), np.float32)
        assert len(layer.weights) == 2
        assert layer(x).tolist() == layer.linear(fastdl.tensor(x)).tolist()
        layer(x, training=True)
        assert layer.drop.training
        layer(x)
        assert not layer.drop.training

    def test_hooks_are_refused(self):
        with pytest.raises(NotImplementedError, match="no forward hooks"):
            layers.Dense(1).register_forward_hook(print)


class TestWeights:
    def test_get_weights_are_copies(self):
        layer = layers.Dense(2)
        layer(np.ones((1, 2)))
        values = layer.get_weights()
        values[0][:] = 5
        assert not np.any(layer.kernel.numpy() == 5)

    def test_set_weights_is_all_or_nothing(self):
        layer = layers.Dense(2)
        layer(np.ones((1, 3)))
        before = layer.get_weights()
        with pytest.raises(ValueError, match=r"'dense/bias' has shape \(2,\), got .* \(3,\)"):
            layer.set_weights([np.zeros((3, 2)), np.zeros(3)])
        with pytest.raises(ValueError, match="set_weights: weights: expected 2 arrays, got 1"):
            layer.set_weights([np.zeros((3, 2))])
        for old, new in zip(before, layer.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)

    def test_count_params_needs_a_built_layer(self):
        with pytest.raises(ValueError, match="'dense' isn't built"):
            layers.Dense(2).count_params()


class TestCalling:
    def test_training_comes_from_argument_then_caller_then_state(self):
        class Probe(layers.Layer):
            def call(self, x, training=None):
                self.__dict__["seen"] = training
                return x

        class Outer(layers.Layer):
            def __init__(self):
                super().__init__()
                self.inner = Probe()

            def call(self, x):
                return self.inner(x)

        outer, x = Outer(), np.ones((1, 1))
        for given, seen in (({}, False), ({"training": True}, True), ({"training": False}, False)):
            outer(x, **given)
            assert outer.inner.seen is seen
        outer.train()
        outer(x)
        assert outer.inner.seen is True
        outer(x, training=False)
        assert outer.inner.seen is False
        model = models.Sequential([outer])
        model(x, training=True)
        assert outer.inner.seen is True

    def test_default_of_training_in_the_signature_counts(self):
        class Eager(layers.Layer):
            def call(self, x, training=True):
                return x * (2.0 if training else 1.0)

        assert Eager()(np.ones((1, 1))).item() == 2.0
        assert Eager()(np.ones((1, 1)), training=False).item() == 1.0

    def test_mask_and_training_are_dropped_where_call_takes_none(self):
        layer = layers.Dense(1)
        assert layer(np.ones((1, 2)), training=True, mask=None).shape == (1, 1)

    @pytest.mark.parametrize("kind", [np.float64, np.int32, np.uint8, np.int64, np.float32, bool])
    def test_any_numeric_input(self, kind):
        assert layers.Dense(1)(np.ones((2, 3), kind)).dtype == "float32"

    def test_lists_of_numbers_are_arrays(self):
        assert layers.Dense(1)([[1.0, 2.0], [3, 4]]).shape == (2, 1)

    def test_empty_batch(self):
        assert layers.Dense(2)(np.ones((0, 3))).shape == (0, 2)
        assert layers.Flatten()(np.ones((0, 3, 2))).shape == (0, 6)

    def test_a_new_activation_takes_effect(self):
        layer = layers.Dense(2, "relu")
        x = -np.ones((1, 2), np.float32)
        layer(x)
        layer.set_weights([np.eye(2), np.zeros(2)])
        assert layer(x).tolist() == [[0.0, 0.0]]
        layer.activation = fastdl.activations.linear
        assert layer(x).tolist() == [[-1.0, -1.0]]

    @pytest.mark.parametrize("name", ["softmax", "sigmoid"])
    def test_probabilities_remember_their_logits(self, name):
        layer = layers.Dense(3, name)
        y = layer(np.ones((2, 4)))
        logits, kind = y._logits
        assert kind == name and logits.shape == y.shape

    def test_gradients_reach_the_weights(self):
        layer = Scale()
        x = np.array([[1.0, 2.0]], np.float32)
        layer(x).sum().backward()
        assert layer.w.grad.tolist() == [2.0, 4.0]
        assert layer.calls.item() == 1.0


class TestLosses:
    def test_penalties_activity_and_add_loss(self):
        class Loss(layers.Layer):
            def call(self, x):
                self.add_loss(x.sum() * 10.0)
                return x

        dense = layers.Dense(
            1,
            kernel_regularizer="l2",
            bias_regularizer=regularizers.L1(0.5),
            activity_regularizer=regularizers.L1(1.0),
            kernel_initializer="ones",
            bias_initializer="ones",
        )
        model = models.Sequential([layers.Input((2,)), dense, Loss()])
        assert len(model.losses) == 2
        x = np.ones((4, 2), np.float32)
        for _ in range(2):  # the second call's losses replace the first one's
            model(x)
            found = sorted(float(loss) for loss in model.losses)
            # 0.01 * (1 + 1), 0.5 * 1, 4 * |3| / 4 samples, 10 * 4 * 3; a few float32 roundings
            np.testing.assert_allclose(found, [0.02, 0.5, 3.0, 120.0], rtol=1e-6)
        dense.trainable = False
        assert len(model.losses) == 2

    def test_add_loss_takes_tensors_only(self):
        with pytest.raises(ValueError, match="add_loss takes tensors"):
            layers.Layer().add_loss(3.0)


class TestDropout:
    def test_rate_and_scale(self):
        fastdl.manual_seed(0)
        x = np.ones((200, 200), np.float32)
        y = layers.Dropout(0.25)(x, training=True).numpy()
        assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
        # the share kept: 0.75, with a standard deviation of sqrt(0.25 * 0.75 / 40000) = 0.0022
        assert abs((y > 0).mean() - 0.75) < 5 * 0.0022

    def test_noise_shape_is_shared(self):
        fastdl.manual_seed(0)
        y = layers.Dropout(0.5, noise_shape=(None, 1, 8))(np.ones((4, 5, 8)), training=True)
        values = y.numpy()
        assert (values == values[:, :1]).all() and 0 < (values == 0).mean() < 1

    def test_extremes(self):
        x = np.ones((3, 3))
        assert not layers.Dropout(1.0)(x, training=True).numpy().any()
        assert layers.Dropout(0.0)(x, training=True).numpy().all()

    def test_the_same_seed_gives_the_same_masks(self):
        results = []
        for _ in range(2):
            fastdl.utils.set_random_seed(3)
            results.append(layers.Dropout(0.5)(np.ones((9, 9)), training=True).numpy())
        np.testing.assert_array_equal(*results)

    def test_gaussian_noise(self):
        fastdl.manual_seed(1)
        y = layers.GaussianNoise(0.5)(np.zeros((100, 100)), training=True).numpy()
        # deviation 0.5 from 10,000 values: its own error is 0.5 / sqrt(20000) = 0.0035
        assert abs(y.std() - 0.5) < 5 * 0.0035 and abs(y.mean()) < 5 * 0.005


@pytest.mark.parametrize("batch", [0, 1, 5])
def test_the_penalty_of_an_output_is_per_sample(batch):
    """0.01 times the sum of the squares, over the batch size; 0 for no samples."""
    layer = layers.Identity(activity_regularizer="l2")
    layer(np.full((batch, 5), 2.0))
    assert [float(loss) for loss in layer.losses] == [pytest.approx(0.2 if batch else 0.0)]


def test_arrays_of_weights_keep_the_values_of_their_time():
    """`numpy()` of a variable is a copy, as in Keras; PyTorch's `detach().numpy()` shares."""
    model = fastdl.Sequential([layers.Input((2,)), layers.BatchNormalization(), layers.Dense(1)])
    norm, dense = model.layers
    weights = (dense.kernel, norm.moving_mean, fastdl.Variable([1.0]), nn.Linear(2, 1).weight)
    for weight in weights:
        before, shared = weight.numpy(), weight.detach().numpy()
        values = before.tolist()
        before[...] = 7.0
        assert weight.tolist() == values
        weight.assign(weight + 1.0)
        assert shared.tolist() == weight.tolist() != values
    before = [w.numpy() for w in (dense.kernel, norm.moving_mean)]
    model.compile("sgd", "mse")
    model.fit(np.arange(8.0).reshape(4, 2) ** 2, np.ones((4, 1)), verbose=0)
    for old, weight in zip(before, (dense.kernel, norm.moving_mean), strict=True):
        assert old.tolist() != weight.tolist()


def test_a_pipeline_hands_masks_on():
    seen = []

    class Looks(layers.Layer):
        supports_masking = True

        def call(self, x, mask=None):
            seen.append(mask.tolist())
            return x

    mask = np.array([[True, False]])
    pipeline = layers.Pipeline([Looks(), layers.Activation("relu"), Looks()])
    pipeline(np.ones((1, 2, 3)), mask=mask)
    pipeline(layers.Masking()(np.float32([[[1, 1, 1], [0, 0, 0]]])))
    assert seen == [mask.tolist()] * 4


def test_rescaling_by_channels():
    """x * scale + offset, with a number for each channel, by NumPy."""
    x = np.arange(24, dtype="float32").reshape(1, 3, 2, 4)
    scale, offset = np.float32([1, 2, 3]), [0.5, 0.0, -1.0]
    fastdl.backend.set_image_data_format("channels_first")
    try:
        layer = layers.Rescaling(scale, offset)
        with pytest.raises(ValueError, match="scale: expected a number or 5 of them"):
            layers.Rescaling(scale)(np.ones((1, 5, 2, 3)))
        rows = layers.Rescaling(scale)(np.ones((2, 3)))
    finally:
        fastdl.backend.set_image_data_format("channels_last")
    wanted = x * scale[:, None, None] + np.float32(offset)[:, None, None]
    np.testing.assert_allclose(layer(x).numpy(), wanted)
    assert rows.tolist() == [[1, 2, 3]] * 2
    config = layer.get_config()
    assert config["scale"] == [1, 2, 3] and json.dumps(config)
    assert layers.Rescaling(np.array(0.5)).get_config()["scale"] == 0.5


def test_the_operations_of_a_graph():
    x = layers.Input((2,))
    model = models.Model(x, layers.Dense(1)(x) * 2.0)
    assert [type(op).__name__ for op in model.operations][:2] == ["InputLayer", "Dense"]
    assert len(model.operations) == 3
