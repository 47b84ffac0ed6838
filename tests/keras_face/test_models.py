"""Sequential and subclassed models: structure, inputs, names, errors, summary."""

import weakref

import numpy as np
import pytest
from keras_samples import small

import fastdl
from fastdl import layers, models
from fastdl.models import Model, Sequential

pytestmark = pytest.mark.usefixtures("fresh_names")


class TestSequential:
    def test_built_by_the_first_batch(self):
        model = Sequential([layers.Dense(3, activation="relu"), layers.Dense(2)])
        assert not model.built and model.weights == []
        with pytest.raises(AttributeError, match="'sequential' has no output_shape"):
            _ = model.output_shape
        assert model(np.ones((5, 4))).shape == (5, 2)
        assert model.built and model.count_params() == 23
        assert model.input_shape == (None, 4) and model.output_shape == (None, 2)
        assert model(np.ones((7, 4))).shape == (7, 2)

    @pytest.mark.parametrize(
        "first",
        [
            {"input_dim": 4},
            {"input_shape": (4,)},
            {"batch_input_shape": (None, 4)},
            {"input_shape": [4]},
        ],
    )
    def test_shape_on_the_first_layer(self, first):
        model = Sequential()
        model.add(layers.Dense(3, **first))
        assert model.input_shape == (None, 4) and len(model.weights) == 2
        model.add(layers.Dense(2))
        assert model.output_shape == (None, 2) and len(model.weights) == 4

    def test_the_shape_of_the_first_data_binds_only_the_layers(self):
        def images():
            yield (np.ones((3, 5, 7), np.float32),)
            yield (np.full((2, 7, 5), 2.0, np.float32),)

        model = models.Sequential([layers.Flatten(), layers.UnitNormalization()])
        for _ in range(2):  # recorded steps, too
            y = model.predict(images(), verbose=0)
            assert y.shape == (5, 35)
            np.testing.assert_allclose(y, 35**-0.5, rtol=1e-6)
        wide = models.Sequential([layers.Conv2D(2, 3), layers.GlobalMaxPooling2D()])
        small, large = np.ones((1, 5, 5, 1)), np.ones((1, 9, 6, 1))
        np.testing.assert_allclose(wide(small), wide(large), rtol=1e-6)
        model = models.Sequential([layers.Dense(2)])
        model(np.ones((1, 3)))
        with pytest.raises(ValueError, match="expected size 3 on axis -1, got 4"):
            model(np.ones((1, 4)))
        given = models.Sequential([layers.Input((5, 7)), layers.Flatten()])
        with pytest.raises(ValueError, match=r"expected shape \(None, 5, 7\)"):
            given(np.ones((2, 7, 5)))

    def test_input_first(self):
        model = Sequential([layers.Input((4,), name="x"), layers.Dense(2)])
        assert [layer.name for layer in model.layers] == ["dense"]
        assert model.inputs[0].name == "x" and model.built
        twin = Sequential([layers.InputLayer(shape=(4,)), layers.Dense(2)])
        assert twin.input_shape == (None, 4)

    def test_build_by_shape(self):
        model = Sequential([layers.Dense(2)])
        model.build((None, 4))
        assert model.input_shape == (None, 4) and len(model.weights) == 2
        model.build((7, 4))
        with pytest.raises(ValueError, match=r"takes inputs of shape \(None, 4\).*\(None, 5\)"):
            model.build((None, 5))

    def test_add_and_pop_keep_weights(self):
        model = Sequential([layers.Input((4,)), layers.Dense(3)])
        kernel = model.layers[0].kernel
        last = layers.Dense(2)
        model.add(last)
        assert model(np.ones((1, 4))).shape == (1, 2)
        assert model.pop() is last
        assert model.output_shape == (None, 3) and model.weights[0] is kernel
        assert model(np.ones((1, 4))).shape == (1, 3)
        model.pop()
        with pytest.raises(ValueError, match="no layer to remove"):
            model.pop()

    def test_layers_added_after_training_take_part(self):
        x = np.ones((8, 4), np.float32)
        model = Sequential([layers.Dense(3)])
        model.compile("sgd", "mse")
        model.fit(x, np.ones((8, 3)), batch_size=4, epochs=2, verbose=0)
        model.add(layers.Dense(2))
        assert model.predict(x, verbose=0).shape == (8, 2)

    def test_model_as_first_layer(self):
        model = Sequential([small(), layers.Dense(1)])
        assert model.built and model.input_shape == (None, 4)
        assert model(np.ones((2, 4))).shape == (2, 1)

    def test_the_same_layer_twice(self):
        layer = layers.Dense(4)
        model = Sequential([layers.Input((4,)), layer, layer])
        x = np.ones((1, 4), np.float32)
        assert model(x).tolist() == layer(layer(x)).tolist()
        assert len(model.weights) == 2
        model.pop()
        assert len(model.weights) == 2

    def test_several_inputs_without_a_graph(self):
        model = Sequential([layers.Add(), layers.Dense(2)])
        assert model([np.ones((3, 4)), np.ones((3, 4))]).shape == (3, 2)
        assert len(model.weights) == 2

    def test_feature_extraction(self):
        model = Sequential([layers.Input((4,)), layers.Dense(3, name="f"), layers.Dense(1)])
        features = Model(model.inputs, model.get_layer("f").output)
        x = np.ones((2, 4), np.float32)
        assert features(x).tolist() == model.layers[0](x).tolist()

    @pytest.mark.parametrize(
        ("wrong", "pattern"),
        [
            (lambda m: m.add(3), "only layers can be added, got 3"),
            (lambda m: m.add(layers.Dense(1, name="dense")), "already has a layer named 'dense'"),
            (lambda m: m.add(layers.Input((3,))), "an Input must be the first layer"),
        ],
    )
    def test_errors(self, wrong, pattern):
        model = Sequential([layers.Dense(1)], name="net")
        with pytest.raises(ValueError, match=f"'net'.*{pattern}"):
            wrong(model)
        assert len(model.layers) == 1

    def test_no_layers(self):
        with pytest.raises(ValueError, match=r"'sequential' .*has no layers"):
            Sequential()(np.ones((1, 2)))

    def test_a_build_that_fails_leaves_the_model_as_it_was(self):
        model = Sequential([layers.Dense(3), layers.Reshape((2, 2)), layers.Dense(1)])
        with pytest.raises(ValueError, match=r"layer 'reshape' .*cannot reshape"):
            model(np.ones((2, 5)))
        assert not model.built
        model.layers[0].units = 4
        with pytest.raises(AttributeError):
            _ = model.output_shape


class TestOtherSizes:
    """A Sequential that its first data built takes other sizes, where its layers do."""

    def model(self):
        return Sequential([layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()])

    def test_images_of_other_sizes(self):
        model = self.model()
        rng = np.random.default_rng(0)
        images = {n: rng.normal(size=(2, n, n, 1)).astype("float32") for n in (8, 9, 11)}
        model(images[8])
        kernel, bias = model.layers[0].get_weights()
        for n, image in images.items():
            windows = np.lib.stride_tricks.sliding_window_view(image[..., 0], (3, 3), (1, 2))
            expected = np.einsum("bijkl,klf->bf", windows, kernel[:, :, 0]) / (n - 2) ** 2 + bias
            np.testing.assert_allclose(model(image), expected, rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(model.predict(image, verbose=0), expected, 1e-4, 1e-5)
        assert model.compute_output_shape((None, 9, 9, 1)) == (None, 2)
        assert model(layers.Input((9, 9, 1))).shape == (None, 2)
        model.compile("sgd", "mse")
        for image in images.values():
            assert np.isfinite(model.fit(image, np.ones((2, 2)), verbose=0).history["loss"][0])

    def test_the_layers_may_refuse(self):
        model = Sequential([layers.Flatten(), layers.Dense(2, name="d")])
        model(np.ones((1, 2, 2)))
        with pytest.raises(ValueError, match=r"layer 'd' \(Dense\): .*\b4\b.*\(1, 6\)"):
            model(np.ones((1, 3, 2)))
        with pytest.raises(ValueError, match=r"expected shape \(None, 2, 2\), got \(1, 2, 2, 2\)"):
            model(np.ones((1, 2, 2, 2)))

    def test_an_input_says_which_size_it_must_be(self):
        model = Sequential([layers.Input((8, 8, 1)), *self.model().layers])
        with pytest.raises(ValueError, match=r"expected shape \(None, 8, 8, 1\)"):
            model(np.ones((1, 9, 9, 1)))

    def test_files_and_clones_keep_it(self, tmp_path):
        model = self.model()
        model(np.ones((1, 8, 8, 1)))
        model.save(tmp_path / "m.fastdl")
        for twin in (models.load_model(tmp_path / "m.fastdl"), models.clone_model(model)):
            assert twin(np.ones((1, 9, 9, 1))).shape == (1, 2)


class Net(Model):
    """A subclass as users write them."""

    def __init__(self, units=3):
        super().__init__()
        self.hidden = layers.Dense(units, activation="relu")
        self.drop = layers.Dropout(0.5)
        self.out = layers.Dense(2)

    def call(self, inputs, training=None):
        return self.out(self.drop(self.hidden(inputs), training=training))


class TestSubclass:
    def test_call_builds(self):
        model = Net()
        assert not model.built and model.name == "net"
        assert model(np.ones((5, 4))).shape == (5, 2)
        assert model.built and len(model.weights) == 4
        assert [layer.name for layer in model.layers] == ["dense", "dropout", "dense_1"]

    def test_build_by_shape(self):
        model = Net()
        model.build((None, 4))
        assert model.built and len(model.weights) == 4
        assert model.compute_output_shape((None, 4)) == (None, 2)

    def test_own_build(self):
        class Own(Model):
            def build(self, input_shape):
                self.out = layers.Dense(input_shape[-1])
                super().build(input_shape)

            def call(self, x):
                return self.out(x)

        for use in (lambda m: m(np.ones((2, 4))), lambda m: m.build((None, 4))):
            model = Own()
            use(model)
            assert model.built and [w.shape for w in model.weights] == [(4, 4), (4,)]

    def test_build_names_what_fails(self):
        model = Net()
        with pytest.raises(ValueError, match=r"layer 'dense' .*at least 2 axes"):
            model.build((None,))
        assert not model.built

    def test_in_a_functional_model(self):
        x = layers.Input((4,))
        model = Model(x, Net()(x))
        assert model.output_shape == (None, 2) and len(model.weights) == 4

    def test_functional_by_its_own_constructor(self):
        class Fixed(Model):
            def __init__(self):
                x = layers.Input((4,))
                super().__init__(inputs=x, outputs=layers.Dense(2)(x))
                self.extra = layers.Dense(1)

        model = Fixed()
        assert model(np.ones((1, 4))).shape == (1, 2) and model.output_shape == (None, 2)
        assert len(model.weights) == 2

    def test_functional_by_inputs_and_outputs(self):
        class Custom(Model):
            def train_step(self, data):
                return {}

        x = layers.Input((4,))
        model = Custom(x, layers.Dense(2)(x))
        assert isinstance(model, Custom) and model(np.ones((1, 4))).shape == (1, 2)
        assert isinstance(Custom(inputs=x, outputs=layers.Dense(1)(x)), Custom)

    def test_no_call(self):
        class Empty(Model):
            pass

        with pytest.raises(NotImplementedError, match="Empty has no call"):
            Empty()(np.ones((1, 2)))

    def test_layers_is_reserved(self):
        model = Net()
        with pytest.raises(AttributeError, match="choose another attribute name"):
            model.layers = []

    def test_config(self):
        model = Net(units=7)
        assert Net.from_config(model.get_config()).hidden.units == 7

    def test_summary(self):
        model = Net()
        text = []
        model.summary(print_fn=text.append)
        assert "0 (unbuilt)" in text[0] and "│ ? " in text[0]
        model(np.ones((5, 4)))
        model.summary(print_fn=text.append)
        assert text[1].count("(5, 3)") == 2 and "Total params: 23 (92.00 B)" in text[1]

    def test_state_dict_and_parameters(self):
        model = Net()
        model.build((None, 4))
        names = ["hidden.kernel", "hidden.bias", "out.kernel", "out.bias"]
        assert list(model.state_dict()) == names
        assert [name for name, _ in model.named_parameters()] == names
        twin = Net()
        twin.build((None, 4))
        twin.load_state_dict(model.state_dict())
        x = np.ones((1, 4))
        assert twin(x).tolist() == model(x).tolist()


class TestStructure:
    def test_get_layer(self):
        model = small()
        assert model.get_layer("out") is model.layers[2] is model.get_layer(index=-1)
        with pytest.raises(ValueError, match=r"no layer 'hiden'. Did you mean 'hidden'\?"):
            model.get_layer("hiden")
        with pytest.raises(ValueError, match="has 3 layers, none at index 3"):
            model.get_layer(index=3)
        with pytest.raises(ValueError, match="either a name or an index"):
            model.get_layer()

    def test_summary_of_a_range(self):
        text = []
        small().summary(print_fn=text.append, layer_range=["hid.*", "out"])
        assert "hidden" in text[0] and "InputLayer" not in text[0]
        with pytest.raises(ValueError, match="'nothing' matches none of the layers"):
            small().summary(layer_range=["nothing", "out"])

    def test_summary_prints_without_box_characters_where_there_are_none(self, monkeypatch):
        import io
        import sys

        stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        monkeypatch.setattr(sys, "stdout", stream)
        small().summary()
        stream.flush()
        text = stream.buffer.getvalue().decode("ascii")
        assert 'Model: "functional"' in text and "| out (Dense)" in text

    def test_copies_are_independent(self):
        import copy

        a, b = layers.Input((4,), name="a"), layers.Input((4,), name="b")
        shared = layers.Dense(2)
        functional = Model([a, b], layers.concatenate([shared(a), shared(b)]) * 2.0)
        x = [np.ones((1, 4)), np.ones((1, 4))]
        stack = Sequential([layers.Input((4,)), layers.Dense(2)])
        for model, data in ((functional, x), (stack, x[0])):
            before = model(data).tolist()
            twin = copy.deepcopy(model)
            assert twin(data).tolist() == before
            twin.set_weights([w * 0 for w in twin.get_weights()])
            assert model(data).tolist() == before and not twin(data).numpy().any()

    def test_trainable_of_a_model(self):
        model = small()
        model.get_layer("hidden").trainable = False
        assert len(model.trainable_weights) == 2 and len(model.non_trainable_weights) == 2
        text = []
        model.summary(print_fn=text.append, show_trainable=True)
        assert "Non-trainable params: 15 (60.00 B)" in text[0]


def test_a_call_holds_a_tensor_only_until_its_last_reader():
    results, alive = [], []

    class Watched(layers.Layer):
        def call(self, x):
            alive.append(sum(result() is not None for result in results))
            y = x + 1.0
            results.append(weakref.ref(y))
            return y

        def compute_output_shape(self, input_shape):
            return input_shape

    x = layers.Input((3,))
    y = first = Watched()(x)
    for _ in range(6):
        y = Watched()(y)
    model = models.Model(x, layers.Add()([first, y]))
    results.clear()
    alive.clear()
    with fastdl.no_grad():
        result = model(np.zeros((2, 3), np.float32))
    assert np.array_equal(result.numpy(), np.full((2, 3), 8.0))
    # The first result, which the sum reads, and the argument of the call.
    assert alive == [0, 1, 2, 2, 2, 2, 2]


def test_a_stack_of_layers_without_a_form_of_their_outputs():
    class Dynamic(layers.Layer):
        def call(self, x):
            return x + 1.0

        def compute_output_spec(self, *args, **kwargs):
            raise NotImplementedError

    model = Sequential([Dynamic(), layers.Dense(1)])
    x = np.ones((3, 2))
    assert model(x).shape == (3, 1)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(model.predict(x, verbose=0), (x + 1.0) @ kernel + bias, rtol=1e-6)
    model.compile("sgd", "mse")
    model.fit(x, np.ones((3, 1)), verbose=0)
    assert (model.get_weights()[0] != kernel).all()
    text = []
    model.summary(print_fn=text.append)
    assert "dynamic" in text[0]
