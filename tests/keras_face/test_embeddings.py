"""Embeddings and layers of positions: rows, gradients, ids that are refused, also in replays."""

import warnings

import numpy as np
import pytest
from plans import recorded

import fastdl
from fastdl import _core, layers, models

EPSILON = np.finfo(np.float32).eps
TABLE = np.arange(12, dtype=np.float32).reshape(6, 2)
IDS = np.array([[1, 5, 1], [0, 2, 1]])


def embedding(**options):
    return layers.Embedding(6, 2, weights=TABLE, name="words", **options)


class TestEmbedding:
    @pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint8, np.float32, np.float64])
    def test_ids_of_any_type(self, kind):
        np.testing.assert_array_equal(embedding()(IDS.astype(kind)).numpy(), TABLE[IDS])

    @pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 1, 3)])
    def test_ids_of_any_shape(self, shape):
        layer, ids = embedding(), np.full(shape, 4)
        assert layer(ids).shape == layer.compute_output_shape(shape) == (*shape, 2)
        np.testing.assert_array_equal(layer(ids).numpy(), TABLE[ids])

    def test_the_initializer(self):
        """Keras's "uniform" is between -0.05 and 0.05."""
        table = layers.Embedding(1000, 20)
        table(np.zeros((1, 1)))
        values = table.embeddings.numpy()
        assert np.abs(values).max() <= 0.05 and np.abs(values).max() > 0.049
        assert [w.name for w in table.weights] == ["embeddings"]

    def test_the_gradient_adds_up_equal_ids(self):
        layer = embedding()
        g = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
        (layer(IDS) * fastdl.tensor(g)).sum().backward()
        expected = np.zeros((6, 2))
        np.add.at(expected, IDS, g)
        np.testing.assert_array_equal(layer.embeddings.grad.numpy(), expected)

    @pytest.mark.parametrize("width", [5, 64, 130])
    def test_the_gradient_has_the_same_bits_for_any_number_of_threads(self, width):
        """Some rows occur hundreds of times, and sums of floats depend on their order."""
        rng = np.random.default_rng(0)
        ids = np.minimum(rng.geometric(0.01, 3000), 499)
        g = rng.standard_normal((3000, width)).astype(np.float32)
        found = []
        before = fastdl.get_num_threads()
        try:
            for threads in (1, 2, 3, 8):
                fastdl.set_num_threads(threads)
                layer = layers.Embedding(500, width, embeddings_initializer="zeros")
                (layer(ids) * fastdl.tensor(g)).sum().backward()
                found.append(layer.embeddings.grad.numpy().copy())
        finally:
            fastdl.set_num_threads(before)
        one_by_one = np.zeros((500, width), np.float32)
        for i, row in zip(ids, g, strict=True):
            one_by_one[i] += row
        for other in found:
            np.testing.assert_array_equal(other, one_by_one)

    @pytest.mark.parametrize(
        ("ids", "text"),
        [
            ([[1, 6]], "id 6 at position (0, 1)"),
            ([[1, 2], [-1, 9]], "id -1 at position (1, 0)"),
            (np.array([[0, 2], [2, 2**40]]), "id 1099511627776 at position (1, 1)"),
            ([[0.0, 1.5]], "id 1.5 at position (0, 1)"),
            ([[np.nan, 1.0]], "id nan at position (0, 0)"),
            ([[0.0, np.inf]], "id inf at position (0, 1)"),
            (np.array(200, np.uint8), "id 200 at position ()"),
        ],
    )
    def test_ids_outside_of_the_vocabulary(self, ids, text):
        with pytest.raises(IndexError) as caught:
            embedding()(ids)
        message = str(caught.value)
        assert message.startswith("layer 'words' (Embedding): " + text)
        assert "6 ids: 0 to 5" in message

    @pytest.mark.parametrize("threads", [1, 4])
    def test_a_replay_refuses_them_too(self, threads):
        before = fastdl.get_num_threads()
        fastdl.set_num_threads(threads)
        try:
            model = fastdl.Sequential([layers.Input((3,), dtype="int32"), embedding()])
            model.compile("sgd", "mse")
            y = np.zeros((2, 3, 2), np.float32)
            for _ in range(4):
                model.train_on_batch(IDS, y)
            weights = model.get_weights()[0]
            with pytest.raises(IndexError, match=r"'words' .*: id 6 at position \(1, 2\)"):
                model.train_on_batch(np.array([[1, 5, 1], [0, 2, 6]]), y)
            np.testing.assert_array_equal(model.get_weights()[0], weights)
            model.train_on_batch(IDS, y)  # and goes on
            assert model.optimizer.iterations.item() == 5
        finally:
            fastdl.set_num_threads(before)

    def test_fit_refuses_them(self):
        model = fastdl.Sequential([embedding(), layers.GlobalAveragePooling1D()])
        model.compile("sgd", "mse")
        x = np.tile(IDS, (10, 1))
        x[17, 2] = 77
        with pytest.raises(IndexError, match=r"'words' .*: id 77 at position"):
            model.fit(x, np.zeros((20, 2)), batch_size=2, epochs=2, shuffle=False, verbose=0)

    def test_ids_of_a_sequential_are_not_rounded(self):
        """An input of floats would hold 2^24 + 1 as 2^24."""
        small, large = layers.Embedding(2**24, 1), layers.Embedding(2**24 + 2, 1)
        assert (small.input_dtype, large.input_dtype) == ("float32", "int64")
        model = fastdl.Sequential([layers.Embedding(3, 1)])
        model(np.array([[2]]))
        assert model.inputs[0].dtype == "float32"  # as in Keras

    def test_given_weights(self):
        for weights in (TABLE, [TABLE], fastdl.tensor(TABLE)):
            layer = layers.Embedding(6, 2, weights=weights)
            np.testing.assert_array_equal(layer.get_weights()[0], TABLE)
        with pytest.raises(ValueError, match=r"Embedding: weights: .*shape \(6, 3\)"):
            layers.Embedding(6, 3, weights=TABLE)

    @pytest.mark.parametrize("argument", ["lora_rank", "lora_alpha", "quantization_config"])
    def test_what_is_not_there(self, argument):
        with pytest.raises(ValueError, match=f"Embedding: {argument}: .*are not there"):
            layers.Embedding(6, 2, **{argument: 4})

    def test_penalties_and_constraints(self):
        layer = layers.Embedding(
            6, 2, embeddings_regularizer="l2", embeddings_constraint="non_neg", weights=-TABLE
        )
        model = fastdl.Sequential([layer, layers.GlobalAveragePooling1D()])
        model.compile("sgd", "mse")
        model.fit(IDS, np.zeros((2, 2)), verbose=0)
        assert (layer.embeddings.numpy() >= 0).all()

    def test_training_is_that_of_one_hot_rows(self):
        """An embedding is a product with one-hot rows."""
        table, dense = layers.Embedding(6, 2, weights=TABLE), layers.Dense(2, use_bias=False)
        rows = fastdl.Sequential([layers.Input((3,)), table])
        hot = fastdl.Sequential([layers.Input((3, 6)), dense])
        dense.set_weights([TABLE])
        y = np.ones((2, 3, 2), np.float32)
        for model, x in ((rows, IDS), (hot, np.eye(6, dtype=np.float32)[IDS])):
            model.compile("adam", "mse")
            model.fit(x, y, epochs=5, verbose=0)
        # A row that occurs once has the same gradient; sums of two or three differ in rounding.
        np.testing.assert_allclose(
            table.embeddings.numpy(), dense.kernel.numpy(), rtol=0, atol=64 * EPSILON
        )

    def test_a_frozen_table(self):
        layer = embedding(trainable=False)
        assert not layer.trainable_weights and len(layer.non_trainable_weights) == 1

    def test_saved_and_loaded(self, tmp_path):
        model = fastdl.Sequential([layers.Input((3,)), embedding(mask_zero=True)])
        model.save(tmp_path / "m.fastdl")
        twin = models.load_model(tmp_path / "m.fastdl")
        np.testing.assert_array_equal(twin(IDS).numpy(), TABLE[IDS])
        assert twin(IDS)._keras_mask.tolist() == (IDS != 0).tolist()


class TestReversible:
    def test_tied(self):
        layer = layers.ReversibleEmbedding(6, 2, weights=TABLE)
        x = np.float32([[0.5, -1.0]])
        np.testing.assert_array_equal(layer(IDS).numpy(), TABLE[IDS])
        np.testing.assert_allclose(layer(x, reverse=True).numpy(), x @ TABLE.T, rtol=EPSILON)
        assert len(layer.weights) == 1

    def test_untied(self):
        layer = layers.ReversibleEmbedding(6, 2, tie_weights=False)
        x = layer(IDS)
        names = {w.name: w.shape for w in layer.weights}
        assert names == {"embeddings": (6, 2), "reverse_embeddings": (2, 6)}
        expected = x.numpy() @ layer.reverse_embeddings.numpy()
        actual = layer(x, reverse=True).numpy()
        np.testing.assert_allclose(actual, expected, rtol=0, atol=4 * EPSILON)

    def test_a_cap(self):
        layer = layers.ReversibleEmbedding(6, 2, weights=TABLE, logit_soft_cap=3.0)
        x = np.float32([[0.5, -1.0]])
        expected = 3 * np.tanh((x.astype(float) @ TABLE.T) / 3)
        actual = layer(x, reverse=True).numpy()
        np.testing.assert_allclose(actual, expected, rtol=0, atol=8 * 3 * EPSILON)

    def test_one_gradient_for_both_uses(self):
        layer = layers.ReversibleEmbedding(6, 2, weights=TABLE)
        layer(layer(IDS), reverse=True).sum().backward()
        w = TABLE.astype(float)
        total = w[IDS].sum((0, 1))
        expected = np.tile(total, (6, 1))
        np.add.at(expected, IDS, np.broadcast_to(w.sum(0), (2, 3, 2)))
        np.testing.assert_allclose(layer.embeddings.grad.numpy(), expected, rtol=8 * EPSILON)

    def test_in_a_graph(self):
        ids = fastdl.Input((3,), dtype="int32")
        layer = layers.ReversibleEmbedding(6, 2, mask_zero=True)
        x = layer(ids)
        y = layer(x, reverse=True)
        assert x.shape == (None, 3, 2) and y.shape == (None, 3, 6)
        assert x._mask.shape == (None, 3) and y._mask is None
        model = models.Model(ids, [x, y])
        rows, logits = model(IDS)
        assert rows._keras_mask.tolist() == (IDS != 0).tolist() and logits._keras_mask is None
        twin = models.Model.from_config(model.get_config())
        twin.set_weights(model.get_weights())
        np.testing.assert_array_equal(twin(IDS)[1].numpy(), logits.numpy())

    def test_bfloat16_for_the_product(self):
        layer = layers.ReversibleEmbedding(64, 32, reverse_dtype="bfloat16")
        x = layer(np.arange(64)[None])
        plain = x.numpy()[0] @ layer.embeddings.numpy().T
        # Rounding to 8 bits: two factors of at most 0.05 each off by 2^-9, 32 terms.
        assert np.abs(layer(x, reverse=True).numpy()[0] - plain).max() < 32 * 0.05**2 * 2**-8

    def test_errors(self):
        with pytest.raises(ValueError, match="ReversibleEmbedding: reverse_dtype"):
            layers.ReversibleEmbedding(6, 2, reverse_dtype="float16")
        with pytest.raises(IndexError, match=r"\(ReversibleEmbedding\): id 6"):
            layers.ReversibleEmbedding(6, 2)([[6]])


X = np.random.default_rng(1).standard_normal((2, 7, 6)).astype(np.float32)


def frequencies(features, longest=10000.0):
    return longest ** (-2 * np.arange((features + 1) // 2) / features)


class TestPositions:
    def test_position_embedding(self):
        layer = layers.PositionEmbedding(9)
        rows = layer(X)
        table = layer.position_embeddings.numpy()
        np.testing.assert_array_equal(rows.numpy(), np.broadcast_to(table[:7], X.shape))
        np.testing.assert_array_equal(layer(X, start_index=2).numpy()[0], table[2:9])
        np.testing.assert_array_equal(layer(X, start_index=fastdl.tensor(2)).numpy()[0], table[2:9])
        places = np.array([[0, 1, 2, 3, 0, 1, 2], [8, 7, 6, 5, 4, 3, 2]])
        np.testing.assert_array_equal(layer(X, positions=places).numpy(), table[places])
        with pytest.raises(IndexError, match=r"positions: id 9 at position \(6,\)"):
            layer(X, start_index=3)
        layer(X).sum().backward()
        assert layer.position_embeddings.grad.tolist() == [[2.0] * 6] * 7 + [[0.0] * 6] * 2

    @pytest.mark.parametrize("features", [6, 5])
    def test_sines(self, features):
        x = X[..., :features]
        angles = np.arange(7)[:, None] * frequencies(features)
        expected = np.empty((7, features))
        expected[:, ::2] = np.sin(angles)
        expected[:, 1::2] = np.cos(angles)[:, : features // 2]
        layer = layers.SinePositionEncoding()
        actual = layer(x)
        np.testing.assert_allclose(actual.numpy()[1], expected, rtol=0, atol=EPSILON)
        later = layer(x[:, 3:], start_index=3).numpy()[0]
        np.testing.assert_array_equal(later, actual.numpy()[0, 3:])
        by_tensor = layer(x[:, 3:], start_index=fastdl.tensor(3)).numpy()[0]
        # The angles are float32 there: up to 6 in 24 bits.
        np.testing.assert_allclose(by_tensor, later, rtol=0, atol=8 * EPSILON)

    def test_far_positions_are_exact(self):
        actual = layers.SinePositionEncoding()(X, start_index=10**6).numpy()[0, :, 0]
        expected = np.sin(10**6 + np.arange(7))
        np.testing.assert_allclose(actual, expected, rtol=0, atol=EPSILON)

    @pytest.mark.parametrize("scale", [1.0, 4.0])
    def test_rotation(self, scale):
        angles = np.arange(7)[:, None] / scale * frequencies(6)
        a, b = X[..., :3].astype(float), X[..., 3:].astype(float)
        turned = [a * np.cos(angles) - b * np.sin(angles), b * np.cos(angles) + a * np.sin(angles)]
        expected = np.concatenate(turned, axis=-1)
        layer = layers.RotaryEmbedding(scaling_factor=scale)
        np.testing.assert_allclose(layer(X).numpy(), expected, rtol=0, atol=8 * EPSILON)
        heads = layer(X[:, :, None].repeat(2, 2)).numpy()
        np.testing.assert_array_equal(heads[:, :, 1], layer(X).numpy())
        later = layer(X[:, 3:], start_index=3).numpy()
        np.testing.assert_array_equal(later, layer(X).numpy()[:, 3:])
        places = np.stack([np.arange(7), np.arange(7)[::-1]])
        mixed = layer(X, positions=places).numpy()
        np.testing.assert_allclose(mixed[0], expected[0], rtol=0, atol=8 * EPSILON)
        backward = layer(X[1:, ::-1]).numpy()[0, ::-1]
        np.testing.assert_allclose(mixed[1], backward, rtol=0, atol=8 * EPSILON)

    @pytest.mark.parametrize("axes", [(2, 1), (1, 2), (0, 2), (3, 1)])
    def test_rotation_of_other_axes(self, axes):
        x = np.random.default_rng(2).standard_normal((4, 6, 8, 2)).astype(np.float32)
        layer = layers.RotaryEmbedding(sequence_axis=axes[0], feature_axis=axes[1])
        actual = np.moveaxis(layer(x).numpy(), axes, (1, -1))
        plain = layers.RotaryEmbedding()(np.ascontiguousarray(np.moveaxis(x, axes, (1, -1))))
        np.testing.assert_array_equal(actual, plain.numpy())

    def test_products_depend_on_the_distance(self):
        layer = layers.RotaryEmbedding()
        q, k = X[:1, :1].repeat(7, 1), X[1:, :1].repeat(7, 1)
        products = layer(q).numpy()[0] @ layer(k).numpy()[0].T
        for distance in range(-6, 7):
            line = np.diagonal(products, distance)
            np.testing.assert_allclose(line, line[0], rtol=0, atol=64 * EPSILON)

    def test_rotation_errors(self):
        with pytest.raises(ValueError, match=r"even number of features, got shape \(2, 7, 5\)"):
            layers.RotaryEmbedding()(X[..., :5])
        with pytest.raises(ValueError, match="expected two axes of an input"):
            layers.RotaryEmbedding(sequence_axis=2)(X)

    @pytest.mark.parametrize(
        "make",
        [
            lambda: layers.PositionEmbedding(9),
            lambda: layers.SinePositionEncoding(),
            lambda: layers.RotaryEmbedding(),
        ],
    )
    def test_in_models_and_masks(self, make):
        ids = fastdl.Input((None,), dtype="int32")
        x = layers.Embedding(6, 4, mask_zero=True)(ids)
        model = models.Model(ids, layers.Add()([x, make()(x)]))
        assert model.output_shape == (None, None, 4)
        y = model(IDS)
        assert y._keras_mask.tolist() == (IDS != 0).tolist()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for _ in range(3):
                np.testing.assert_array_equal(model.predict_on_batch(IDS), y.numpy())
            # A length whose first step is recorded, and tables too large to be compared.
            for length in (2, 9):
                for _ in range(3):
                    model.predict_on_batch(np.ones((1, length), np.int32))

    @pytest.mark.parametrize("kind", [layers.SinePositionEncoding, layers.RotaryEmbedding])
    def test_large_tables_in_plans(self, kind):
        inputs = fastdl.Input((None, 64))
        model = models.Model(inputs, kind()(inputs))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for length in (10, 2000):
                x = np.ones((1, length, 64), np.float32)
                for _ in range(3):
                    found = model.predict_on_batch(x)
                np.testing.assert_array_equal(found, kind()(x).numpy())


def test_the_op_in_a_plan():
    """The ids are looked at in every replay."""
    table, ids = fastdl.tensor(TABLE), fastdl.tensor(IDS)
    results = []
    plan = recorded(
        lambda ids: results.append(y := _core.embedding(table, ids, "rows")) or y, [ids]
    )
    plan.replay([ids[:, ::-1]])
    assert results[0].tolist() == TABLE[IDS[:, ::-1]].tolist()
    with pytest.raises(IndexError, match=r"rows: id 9 at position \(0, 2\)"):
        plan.replay([fastdl.tensor(np.array([[0, 1, 9], [0, 0, 0]]))])
