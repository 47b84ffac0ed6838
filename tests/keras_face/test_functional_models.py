"""Functional models: graphs, inputs, names, shared layers and errors."""

import numpy as np
import pytest
from keras_samples import small

import fastdl
from fastdl import layers, models
from fastdl.models import Model, Sequential

pytestmark = pytest.mark.usefixtures("fresh_names")


class TestFunctional:
    def test_names_and_class(self):
        model = small()
        assert type(model).__name__ == "Functional" and model.name == "functional"
        assert isinstance(model, Model) and isinstance(model, layers.Layer)
        assert Model(inputs=model.input, outputs=model.output, name="it").name == "it"
        assert model.output_names == ["out"]

    def test_intermediate_tensors_as_inputs(self):
        model = small()
        head = Model(model.get_layer("hidden").output, model.output)
        x = fastdl.tensor(np.ones((2, 4), np.float32))
        assert head(model.get_layer("hidden")(x)).tolist() == model(x).tolist()
        assert [layer.name for layer in head.layers] == ["input_layer", "out"]
        assert head.inputs[0] is not model.get_layer("hidden").output  # as in Keras
        again = Model.from_config(head.get_config())
        again.set_weights(head.get_weights())
        hidden = model.get_layer("hidden")(x)
        assert again(hidden).tolist() == head(hidden).tolist()

    def test_a_part_between_inputs_and_results_can_be_saved(self, tmp_path):
        x = layers.Input((3,), name="x")
        a = layers.Dense(3, name="a")(x)
        b = layers.Dense(3, name="b")(a * 2.0)
        part = Model([a, x], {"sum": b + x, "a": a})
        data = [np.full((2, 3), 0.5), np.ones((2, 3))]
        expected = part(data)
        np.testing.assert_array_equal(expected["a"], data[0])
        for name in ("part.fastdl", "part.keras"):
            part.save(tmp_path / name)
            found = models.load_model(tmp_path / name)(data)
            assert {k: v.tolist() for k, v in found.items()} == {
                k: v.tolist() for k, v in expected.items()
            }

    def test_a_graph_of_a_class_of_ones_own_is_functional(self):
        class Own(Model):
            pass

        class Called(Model):
            def call(self, x):
                return x

        x = layers.Input((2,))
        assert isinstance(Own(x, layers.Dense(1)(x)), models.Functional)  # as in Keras
        stack = models.Sequential([layers.Input((2,)), layers.Dense(1)])
        assert not any(isinstance(other, models.Functional) for other in (Called(), stack, 1))

    def test_a_frozen_model_is_frozen_after_its_config(self):
        x = layers.Input((2,))
        for model in (
            Model(x, layers.Dense(1)(x), trainable=False),
            models.Sequential([layers.Input((2,)), layers.Dense(1)], trainable=False),
        ):
            again = type(model).from_config(model.get_config())
            assert not again.trainable and again.trainable_weights == []
            assert again.layers[-1].trainable == model.layers[-1].trainable

    def test_methods_of_symbolic_tensors(self):
        x = layers.Input((4,))
        y = x.reshape((-1, 2, 1, 2)).squeeze(axis=2)
        assert y.shape == (None, 2, 2)
        model = Model.from_config(Model(x, y).get_config())
        data = np.arange(12.0).reshape(3, 4)
        np.testing.assert_array_equal(model(data), data.reshape(3, 2, 2))

    def test_one_of_two_outputs_as_input(self):
        class Pair(layers.Layer):
            def call(self, x):
                return x + 1.0, x * 2.0

        x = layers.Input((2,))
        first, second = Pair()(x)
        model = Model([x, first], first + second * 10.0)
        assert model([np.ones((1, 2)), np.zeros((1, 2))]).tolist() == [[20.0, 20.0]]
        assert [layer.name for layer in model.layers] == ["input_layer", "pair", "input_layer_1"]
        assert model.compute_output_shape([(3, 2), (3, 2)]) == (3, 2)

    def test_structures_of_outputs(self):
        x = layers.Input((4,))
        a, b = layers.Dense(2)(x), layers.Dense(3)(x)
        data = np.ones((5, 4))
        assert [y.shape for y in Model(x, [a, b])(data)] == [(5, 2), (5, 3)]
        named = Model(x, {"a": a, "b": b})(data)
        assert {key: y.shape for key, y in named.items()} == {"a": (5, 2), "b": (5, 3)}
        assert Model(x, [a])(data).shape == (5, 2)
        assert Model(x, [a, b]).output_shape == [(None, 2), (None, 3)]

    def test_structures_of_inputs(self):
        a, b = layers.Input((2,), name="a"), layers.Input((3,), name="b")
        out = layers.Dense(1)(layers.concatenate([a, b]))
        one, two = np.ones((4, 2), np.float32), np.full((4, 3), 2, np.float32)
        model = Model([a, b], out)
        expected = model([one, two]).tolist()
        assert model((one, two)).tolist() == expected
        assert model({"b": two, "a": one}).tolist() == expected
        model = Model({"a": a, "b": b}, out)
        with pytest.warns(UserWarning, match=r"keys \['a', 'b'\]; these are left out: \['c'\]"):
            assert model({"b": two, "a": one, "c": 0}).tolist() == expected
        assert model({"b": two, "a": one, "c": 0}).tolist() == expected  # it is said once
        with pytest.warns(UserWarning, match=r"\['a', 'b'\]; a list is taken in this order"):
            assert Model({"a": a, "b": b}, out)([one, two]).tolist() == expected

    def test_layers_with_several_outputs_and_arguments(self):
        class Split(layers.Layer):
            def call(self, x, factor=1.0):
                return x[:, :1] * factor, {"rest": x[:, 1:]}

        x = layers.Input((3,))
        first, others = Split()(x, factor=2.0)
        assert first.shape == (None, 1) and others["rest"].shape == (None, 2)
        model = Model(x, layers.concatenate([others["rest"], first]))
        assert model([[1.0, 2.0, 3.0]]).tolist() == [[2.0, 3.0, 2.0]]

    def test_constants_and_operators(self):
        x = layers.Input((3,))
        table = fastdl.tensor([[1.0], [2.0], [3.0]])
        y = (1.0 - x / 2.0) @ table + np.float32(1) ** abs(-x[:, :1])
        model = Model(x, y)
        assert model([[2.0, 4.0, 6.0]]).tolist() == [[0.0 - 2.0 - 6.0 + 1.0]]
        assert Model(x, x[:, None, ::2]).output_shape == (None, 1, 2)
        twin = Model.from_config(Model(x, x[:, ::2] * 2.0).get_config())
        assert twin([[1.0, 2.0, 3.0]]).tolist() == [[2.0, 6.0]]

    def test_activations_are_liftable(self):
        x = layers.Input((3,))
        model = Model(x, fastdl.activations.relu(x, max_value=2.0))
        assert model([[-1.0, 1.0, 9.0]]).tolist() == [[0.0, 1.0, 2.0]]
        assert [op.name for op in model._graph.operations] == ["input_layer", "relu"]

    def test_custom_layers_need_no_shape_rule(self):
        class Odd(layers.Layer):
            def build(self, shape):
                self.w = self.add_weight((shape[-1],), "ones")

            def call(self, x):
                return (x * self.w).sum(axis=1)

        x = layers.Input((5, 3))
        y = Odd()(x)
        assert y.shape == (None, 3)
        assert Model(x, y)(np.ones((2, 5, 3))).tolist() == [[5.0] * 3] * 2

    def test_a_dry_run_changes_no_state(self):
        class Counter(layers.Layer):
            def build(self, shape):
                self.count = self.add_weight((), "zeros", trainable=False)

            def call(self, x):
                self.count.assign_add(1.0)
                return x

        counter = Counter()
        model = Model(x := layers.Input((2,)), counter(x))
        assert counter.compute_output_shape((None, 2)) == (None, 2)
        assert counter.count.item() == 0.0
        model(np.ones((1, 2)))
        assert counter.count.item() == 1.0

    def test_open_sizes(self):
        x = layers.Input((None, 3))
        model = Model(x, layers.Dense(2)(x))
        assert model.output_shape == (None, None, 2)
        assert model(np.ones((2, 7, 3))).shape == (2, 7, 2)
        assert layers.Flatten()(x).shape == (None, None)

    def test_models_take_other_shapes_symbolically(self):
        x = layers.Input((None, 3))
        inner = Model(x, layers.Dense(2)(x))
        assert inner(layers.Input((5, 3))).shape == (None, 5, 2)
        assert inner.compute_output_shape((None, 6, 3)) == (None, 6, 2)

    def test_inputs_are_cast_to_the_inputs_type(self):
        model = Sequential([layers.Input((2,)), layers.Identity()])
        assert model(np.ones((1, 2), np.uint8)).dtype == "float32"
        whole = Sequential([layers.Input((2,), dtype="int32"), layers.Identity()])
        assert whole(np.ones((1, 2))).dtype == "int32"

    def test_a_last_axis_of_one_may_be_missing_or_too_many(self):
        model = Sequential([layers.Input((1,)), layers.Dense(2)])
        assert model(np.ones(5)).shape == (5, 2)
        model = Sequential([layers.Input((3,)), layers.Dense(2)])
        assert model(np.ones((5, 3, 1))).shape == (5, 2)

    def test_training_reaches_nested_layers(self):
        fastdl.manual_seed(0)
        inner = Sequential([layers.Dropout(0.5)])
        x = layers.Input((100,))
        model = Model(x, inner(x))
        data = np.ones((1, 100))
        assert model(data).numpy().all() and not model(data, training=True).numpy().all()

    def test_a_fixed_training_argument_stays(self):
        fastdl.manual_seed(0)
        x = layers.Input((100,))
        model = Model(x, layers.Dropout(0.5)(x, training=True))
        assert not model(np.ones((1, 100))).numpy().all()

    def test_unused_inputs_stay(self):
        a, b = layers.Input((2,), name="a"), layers.Input((2,), name="b")
        model = Model([a, b], layers.Dense(1)(a))
        assert [layer.name for layer in model.layers] == ["a", "b", "dense"]
        assert model([np.ones((1, 2)), np.ones((1, 2))]).shape == (1, 1)

    def test_optional_inputs(self):
        class Maybe(layers.Layer):
            def call(self, x, y=None):
                return x if y is None else x + y

        a, b = layers.Input((2,), name="a"), layers.Input((2,), name="b", optional=True)
        model = Model([a, b], Maybe()(a, b))
        assert model([np.ones((1, 2)), None]).tolist() == [[1.0, 1.0]]
        assert model([np.ones((1, 2)), np.ones((1, 2))]).tolist() == [[2.0, 2.0]]
        with pytest.raises(ValueError, match="input 'a': expected a tensor, got None"):
            model([None, np.ones((1, 2))])

    def test_deep_graphs(self):
        x = y = layers.Input((2,))
        for _ in range(1500):
            y = y + 1.0
        assert Model(x, y)(np.zeros((1, 2))).tolist() == [[1500.0, 1500.0]]

    @pytest.mark.parametrize(
        ("data", "pattern"),
        [
            (np.ones((2, 5)), r"input 'x': expected shape \(None, 4\), got \(2, 5\)"),
            (np.ones((2, 4, 3)), r"input 'x': expected shape \(None, 4\), got \(2, 4, 3\)"),
            ([np.ones((2, 4))] * 2, r"expected 1 input\(s\) \['x'\], got 2"),
            ({"z": np.ones((2, 4))}, r"missing input 'x'.* got \['z'\]"),
        ],
    )
    def test_wrong_inputs(self, data, pattern):
        with pytest.raises(ValueError, match=rf"model 'functional' \(Functional\): {pattern}"):
            small()(data)

    def test_an_input_of_a_tensor_has_its_shape(self):
        given = fastdl.KerasTensor((None, 3), "int32")
        assert layers.Input(shape=(3,), dtype="int32", tensor=given) is given
        for wrong in ({"shape": (4,)}, {"batch_shape": (2, 3)}, {"dtype": "float32"}):
            with pytest.raises(ValueError, match=f"{next(iter(wrong))}: expected .* input_tensor"):
                layers.InputLayer(input_tensor=given, **wrong)

    def test_disconnected(self):
        a, b = layers.Input((2,), name="a"), layers.Input((2,), name="b")
        out = layers.Add()([a, b])
        with pytest.raises(ValueError, match=r"'net': graph disconnected.*needs the input 'b'"):
            Model(a, out, name="net")

    def test_duplicate_names(self):
        x = layers.Input((2,))
        y = layers.Dense(2, name="same")(layers.Dense(2, name="same")(x))
        with pytest.raises(ValueError, match="got 2 with the name 'same'"):
            Model(x, y)

    @pytest.mark.parametrize("what", ["inputs", "outputs"])
    def test_no_keras_tensors(self, what):
        x = layers.Input((2,))
        given = {"inputs": x, "outputs": layers.Dense(1)(x), what: np.ones((1, 2))}
        with pytest.raises(ValueError, match=f"{what}: expected the result of layers.Input"):
            Model(**given)

    @pytest.mark.parametrize("use", [bool, float, int, len, list, np.asarray])
    def test_keras_tensors_have_no_values(self, use):
        with pytest.raises(TypeError, match="symbolic"):
            use(layers.Input((2,)))
