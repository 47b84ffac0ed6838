"""ops.einsum, EinsumDense and TimeDistributed.

The values of many layers are compared with Keras's in test_keras_golden.py.
"""

import inspect
import warnings

import numpy as np
import pytest

import fastdl
from fastdl import layers, models, ops

EPSILON = np.finfo(np.float32).eps
# Equations and the shapes of their operands. numpy.einsum in float64 is the reference.
CASES = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ij,kj->ki", (2, 3), (4, 3)),
    ("ji,jk->ik", (3, 2), (3, 4)),
    ("ij->ji", (2, 3)),
    ("ba", (2, 3)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iii->i", (3, 3, 3)),
    ("iji->j", (3, 2, 3)),
    ("...ii->...i", (2, 3, 3)),
    ("iij,jk->ik", (3, 3, 2), (2, 4)),
    ("...ij,...jk->...ik", (5, 2, 3), (3, 4)),
    ("...ij,...jk", (5, 2, 3), (1, 3, 4)),
    ("i...,i...->...", (3, 2), (3, 4, 2)),
    ("aecd,abcd->acbe", (2, 5, 3, 4), (2, 6, 3, 4)),
    ("acbe,aecd->abcd", (2, 3, 6, 5), (2, 5, 3, 4)),
    ("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4)),
    ("bhqk,bkhd->bqhd", (2, 2, 3, 5), (2, 5, 2, 4)),
    ("i,j->ij", (3,), (4,)),
    ("i,i->", (3,), (3,)),
    ("ij,kl->", (2, 3), (4, 5)),
    ("ij,ij->ij", (1, 3), (2, 3)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
    ("ij,ik,il->jkl", (2, 3), (2, 4), (2, 5)),
    ("ijk->kj", (2, 3, 4)),
    ("ijk->", (2, 3, 4)),
    ("bij,bjk->bki", (2, 3, 4), (2, 4, 5)),
    ("i,->i", (3,), ()),
    ("ij,jk->ik", (0, 3), (3, 4)),
    ("ij,jk->ik", (2, 0), (0, 4)),
    ("B F N, N D -> BFD", (2, 3, 4), (4, 5)),
]


def arrays(shapes):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_values_and_gradients(case):
    """Sums of up to 60 products of numbers around 1; gradients are einsums themselves."""
    equation, *shapes = case
    xs = arrays(shapes)
    doubles = [x.astype(float) for x in xs]
    expected = np.einsum(equation, *doubles)
    tensors = [fastdl.tensor(x, requires_grad=True) for x in xs]
    y = ops.einsum(equation, *tensors)
    assert y.shape == expected.shape
    sizes = np.einsum(equation, *map(abs, doubles)).max(initial=1.0)
    np.testing.assert_allclose(y.numpy(), expected, rtol=0, atol=8 * sizes * EPSILON)
    if not y.requires_grad or not y.numel():
        return
    weights = np.random.default_rng(1).standard_normal(expected.shape)
    (y * fastdl.tensor(weights.astype(np.float32))).sum().backward()
    for i, x in enumerate(doubles):
        for place in np.ndindex(x.shape):  # linear in each operand: the difference is exact
            moved = [*doubles]
            moved[i] = np.zeros_like(x)
            moved[i][place] = 1.0
            wanted = (np.einsum(equation, *moved) * weights).sum()
            assert abs(tensors[i].grad.numpy()[place] - wanted) < 64 * sizes * EPSILON


def test_integers_are_exact():
    x = np.arange(12).reshape(3, 4) * 10**7
    np.testing.assert_array_equal(ops.einsum("ij,kj->ik", x, x).numpy(), x @ x.T)


def test_in_a_graph_and_its_config():
    x, y = fastdl.Input((3, 4)), fastdl.Input((5, 4))
    model = models.Model([x, y], ops.einsum("bqd,bkd->bqk", x, y))
    assert model.output_shape == (None, 3, 5)
    a, b = arrays([(2, 3, 4), (2, 5, 4)])
    twin = models.Model.from_config(model.get_config())
    for each in (model, twin):
        np.testing.assert_array_equal(
            each([a, b]).numpy(), ops.einsum("bqd,bkd->bqk", a, b).numpy()
        )


@pytest.mark.parametrize(
    ("equation", "shapes", "text"),
    [
        ("ij,jk", [(2, 3)], "it has 2 terms, got 1 operands"),
        ("i1", [(2, 3)], "expected letters, commas, .* got '1'"),
        ("ij->ik", [(2, 3)], "no operand has the axis 'k'"),
        ("ij->ii", [(2, 3)], "a letter occurs twice in the result"),
        ("i", [(2, 3)], "the term 'i' does not fit an operand with 2 axes"),
        ("...i->i", [(2, 3)], "the result has none"),
        ("ij,jk->ik", [(2, 3), (4, 5)], "the axis 'j' has the sizes 3 and 4"),
        ("...i,...i->...i", [(2, 3), (4, 3)], "the axis of '...' has the sizes 2 and 4"),
        ("ii", [(1, 3)], "the two axes 'i' of an operand of shape .* differ"),
    ],
)
def test_errors(equation, shapes, text):
    with pytest.raises(ValueError, match=text):
        ops.einsum(equation, *arrays(shapes))


def test_an_equation_must_be_a_text():
    with pytest.raises(TypeError, match="einsum: expected an equation, got ndarray"):
        ops.einsum(np.ones(2), np.ones(2))


class TestDense:
    def test_fans_are_those_of_the_equation(self):
        """glorot_uniform of (40, 5, 8): 40 in, 40 out; the matrix rule would have 200 and 320."""
        layer = layers.EinsumDense("abc,cde->abde", (None, 5, 8))
        layer.build((None, 3, 40))
        limit = (6 / (40 + 40)) ** 0.5
        largest = np.abs(layer.kernel.numpy()).max()
        assert 0.97 * limit < largest <= limit

    def test_it_is_a_dense_layer(self):
        """To the bit: one product of the same matrices."""
        x = arrays([(6, 5)])[0]
        dense, other = layers.Dense(4, "relu"), layers.EinsumDense("ab,bc->ac", 4, "relu", "c")
        dense(x), other(x)
        other.set_weights(dense.get_weights())
        np.testing.assert_array_equal(other(x).numpy(), dense(x).numpy())

    @pytest.mark.parametrize(
        ("equation", "shape", "text"),
        [
            ("ab->b", 3, "equation: expected a form like"),
            ("...ab,bc->ac", 3, "equation: expected a form like"),
            ("ab,b...->a", 3, "equation: expected a form like"),
            ("abc,cd->abd", (3, 4, 5), "output_shape: expected 2 sizes"),
            ("abc,cd->abd", (9, 4), "the axis 'b' has size 3 in the input and 9 in the output"),
            ("abc,cd->abx", (None, 4), "neither input nor kernel has the axis 'x'"),
            ("abc,cdx->abd", (None, 4), "neither input nor output has the kernel's axis 'x'"),
            ("abc,cd->abd", (None, None), "size of the axis 'd' of the weights must be known"),
            ("abcd,cd->abd", (None, 4), "does not fit an input"),
        ],
    )
    def test_errors(self, equation, shape, text):
        with pytest.raises(ValueError, match=text):
            layers.EinsumDense(equation, shape)(np.ones((2, 3, 4)))

    def test_other_sizes_than_the_kernel(self):
        """An axis of size 1 would broadcast."""
        layer = layers.EinsumDense("abc,cd->abd", (None, 5))
        layer(np.ones((2, 3, 4)))
        for size in (1, 5):
            with pytest.raises(ValueError, match=f"expected size 4 on axis 2, got {size}"):
                layer(np.ones((2, 3, size)))
        assert layer(np.ones((7, 9, 4))).shape == (7, 9, 5)

    def test_what_is_not_there(self):
        with pytest.raises(ValueError, match="EinsumDense: lora_rank: expected None, got 4"):
            layers.EinsumDense("ab,bc->ac", 4, lora_rank=4)

    def test_predictions_follow_the_weights_and_no_batch(self):
        """A plan keeps packed copies of the kernels, which are matrices for it."""
        model = fastdl.Sequential(
            [
                layers.Input((16, 64)),
                layers.EinsumDense("abc,cde->abde", (None, 4, 32), bias_axes="de"),
                layers.EinsumDense("abde,dec->abc", (None, 64), "relu"),
            ]
        )
        x = arrays([(8, 16, 64)])[0]
        for _ in range(2):
            for _ in range(5):
                y = model.predict_on_batch(x)
                np.testing.assert_array_equal(y, model(x).numpy())
            model.set_weights([1.5 * weight for weight in model.get_weights()])
        y = model(x).numpy()
        for i in range(8):
            np.testing.assert_array_equal(model(x[i : i + 1]).numpy()[0], y[i])

    @pytest.mark.filterwarnings("ignore:mixed_bfloat16")  # a CPU without it computes in float32
    def test_mixed_precision(self):
        x = arrays([(32, 64)])[0]
        layer = layers.EinsumDense("ab,bc->ac", 32, dtype="mixed_bfloat16")
        dense = layers.Dense(32, use_bias=False, dtype="mixed_bfloat16")
        layer(x), dense(x)
        dense.set_weights(layer.get_weights())
        np.testing.assert_array_equal(layer(x).numpy(), dense(x).numpy())


class Centered(layers.Layer):
    """A layer of the user's that mixes the samples of a batch."""

    calls = 0

    def call(self, x):
        type(self).calls += 1
        return x - fastdl.mean(x, dim=0, keepdim=True)


class TestTimeDistributed:
    x = np.random.default_rng(3).standard_normal((4, 3, 5)).astype(np.float32)

    def steps(self, layer, **kwargs):
        return np.stack([layer(self.x[:, i], **kwargs).numpy() for i in range(3)], 1)

    def test_a_layer_that_mixes_samples_goes_step_by_step(self):
        wrapped = layers.TimeDistributed(Centered())
        wrapped(self.x)
        Centered.calls = 0
        y = wrapped(self.x)
        assert Centered.calls == 3
        np.testing.assert_array_equal(y.numpy(), self.steps(Centered()))

    @pytest.mark.parametrize(
        "make",
        [
            lambda: layers.Dense(2, activation=lambda x: x - fastdl.mean(x, dim=0, keepdim=True)),
            lambda: layers.UnitNormalization(axis=0),
            lambda: layers.LayerNormalization(axis=[-2, -1]),
            lambda: layers.Lambda(lambda x: x - fastdl.mean(x, dim=0, keepdim=True)),
            lambda: models.Model(x := fastdl.Input((5,)), ops.mean(x, axis=0, keepdims=True) + x),
        ],
        ids=["activation", "unit", "layer", "lambda", "graph"],
    )
    def test_others_that_mix_samples(self, make):
        layer = make()
        y = layers.TimeDistributed(layer)(self.x)
        np.testing.assert_array_equal(y.numpy(), self.steps(layer))

    def test_batch_normalization_in_training(self):
        """Each step has moments of its own, and the averages move once for each, as in Keras."""
        wrapped = layers.TimeDistributed(layers.BatchNormalization(momentum=0.5))
        y = wrapped(self.x, training=True)
        x = self.x.astype(float)
        expected = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3)
        np.testing.assert_allclose(y.numpy(), expected, rtol=0, atol=32 * EPSILON)
        mean = 0.0
        for step in range(3):
            mean = 0.5 * mean + 0.5 * x[:, step].mean(0)
        np.testing.assert_allclose(
            wrapped.layer.moving_mean.numpy(), mean, rtol=0, atol=8 * EPSILON
        )
        frozen = wrapped(self.x, training=False)
        np.testing.assert_array_equal(frozen.numpy(), self.steps(wrapped.layer))

    def test_training_is_handed_on(self):
        wrapped = layers.TimeDistributed(layers.Dropout(0.5))
        y = wrapped(np.ones((50, 20, 10)), training=True).numpy()
        assert set(np.unique(y)) == {0.0, 2.0}
        # 10,000 draws: the deviation of their mean is 0.005.
        assert abs((y == 0).mean() - 0.5) < 5 * 0.005
        assert not (y[:, :1] == y).all()
        np.testing.assert_array_equal(wrapped(self.x).numpy(), self.x)

    def test_dropout_of_whole_batches_goes_step_by_step(self):
        fastdl.utils.set_random_seed(0)
        wrapped = layers.TimeDistributed(layers.Dropout(0.5, noise_shape=(1, None)))
        y = wrapped(np.ones((6, 20, 10)), training=True).numpy()
        assert (y == y[:1]).all() and not (y == y[:, :1]).all()

    def test_masks(self):
        """A layer that takes a mask gets that of each step; the output has that of the input."""
        mask = np.array([[[1, 1, 0], [1, 0, 0]], [[1, 1, 1], [0, 1, 0]]], bool)
        x = np.random.default_rng(4).standard_normal((2, 2, 3, 4)).astype(np.float32)
        pooled = layers.GlobalAveragePooling1D()
        y = layers.TimeDistributed(pooled)(x, mask=mask)
        for i in range(2):
            np.testing.assert_array_equal(y.numpy()[:, i], pooled(x[:, i], mask=mask[:, i]).numpy())
        ids = mask.astype(int)
        model = fastdl.Sequential(
            [layers.Embedding(3, 4, mask_zero=True), layers.TimeDistributed(layers.Dense(2))]
        )
        assert model(ids)._keras_mask.tolist() == mask.tolist()
        with pytest.raises(ValueError, match=r"mask: expected a shape that begins with \(4, 3\)"):
            layers.TimeDistributed(pooled)(self.x[..., None], mask=np.ones((4, 2), bool))

    def test_masks_of_parts_of_steps(self):
        """Words of sentences of texts: a sentence counts if one of its words does."""
        ids = np.array([[[1, 2, 0], [0, 0, 0], [3, 0, 0]], [[0, 1, 1], [2, 1, 3], [0, 0, 0]]])
        table, words, text = layers.Embedding(4, 5, mask_zero=True), layers.LSTM(3), layers.GRU(2)
        inputs = fastdl.Input((None, 3), dtype="int32")
        sentences = layers.TimeDistributed(words)(table(inputs))
        model = models.Model(inputs, text(sentences))
        counted = (ids > 0).any(-1)
        assert layers.TimeDistributed(words)(table(ids))._keras_mask.tolist() == counted.tolist()
        deep = layers.TimeDistributed(layers.Dense(2))(table(ids))
        assert deep._keras_mask.tolist() == (ids > 0).tolist()
        for i, row in enumerate(ids):
            only = row[counted[i]]
            vectors = np.stack([words(table(one[None, one > 0])).numpy()[0] for one in only])
            found = model(ids[i : i + 1]).numpy()
            # Three steps of sums of ten products below 1.
            np.testing.assert_allclose(found, text(vectors[None]), rtol=0, atol=16 * EPSILON)
        model.compile("adam", "mse")
        model.fit(ids, np.ones((2, 2)), epochs=2, verbose=0)

    @pytest.mark.parametrize(
        "make",
        [
            lambda: layers.LSTM(3),
            lambda: layers.GRU(3, reset_after=False, return_sequences=True),
            lambda: layers.RNN([layers.LSTMCell(2), layers.GRUCell(2)]),
            lambda: layers.Bidirectional(layers.SimpleRNN(2, return_sequences=True)),
            lambda: layers.TransformerEncoder(4, 2),
            lambda: layers.EinsumDense("abc,cd->adb", (4, None)),
            lambda: layers.PositionEmbedding(3),
            lambda: models.Sequential([fastdl.Input((3, 4)), layers.LSTM(3), layers.Dense(2)]),
        ],
    )
    def test_layers_that_run_once(self, make, monkeypatch):
        """The steps of all samples are one batch; the results are those of step after step."""
        x = np.random.default_rng(4).standard_normal((2, 5, 3, 4)).astype(np.float32)
        layer = make()
        wrapped = layers.TimeDistributed(layer)
        wrapped(x)
        calls, call = [], type(layer).call
        monkeypatch.setattr(
            type(layer), "call", lambda self, *a, **k: (calls.append(1), call(self, *a, **k))[1]
        )
        y = wrapped(x).numpy()
        assert len(calls) == 1
        mask = np.random.default_rng(5).random((2, 5, 3)) < 0.6
        masked = wrapped(x, mask=mask).numpy()
        takes = "mask" in inspect.signature(call).parameters
        for i in range(5):
            np.testing.assert_allclose(y[:, i], layer(x[:, i]), rtol=0, atol=16 * EPSILON)
            given = {"mask": mask[:, i]} if takes else {}
            wanted = layer(x[:, i], **given)
            np.testing.assert_allclose(masked[:, i], wanted, rtol=0, atol=16 * EPSILON)

    def test_a_stateful_layer_goes_step_by_step(self):
        x = np.random.default_rng(4).standard_normal((2, 5, 3, 4)).astype(np.float32)
        layer = layers.GRU(3, stateful=True)
        y = layers.TimeDistributed(layer)(x).numpy()
        layer.reset_state()
        np.testing.assert_array_equal(y, np.stack([layer(x[:, i]) for i in range(5)], 1))

    def test_penalties_on_outputs_count_for_each_step(self):
        layer = layers.Dense(2, activity_regularizer="l2")
        wrapped = layers.TimeDistributed(layer)
        wrapped(self.x)
        total = sum(float(loss) for loss in wrapped.losses)
        y = self.steps(layer)
        np.testing.assert_allclose(total, 0.01 * (y.astype(float) ** 2).sum() / 4, rtol=8 * EPSILON)

    def test_an_open_number_of_steps(self):
        inputs = fastdl.Input((None, 5))
        model = models.Model(inputs, layers.TimeDistributed(layers.Dense(2))(inputs))
        assert model.output_shape == (None, None, 2)
        assert model(self.x).shape == (4, 3, 2) and model(self.x[:, :1]).shape == (4, 1, 2)

    def test_element_types(self):
        inputs = fastdl.Input((4, 5), dtype="int32")
        y = layers.TimeDistributed(layers.Flatten())(inputs)
        assert y.dtype == "int32"

    def test_fit_is_recorded(self):
        model = fastdl.Sequential(
            [
                layers.TimeDistributed(layers.Dense(3, "tanh")),
                layers.TimeDistributed(layers.BatchNormalization()),
                layers.Flatten(),
                layers.Dense(1),
            ]
        )
        model.compile("adam", "mse")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.fit(self.x, self.x[:, 0, :1], epochs=4, verbose=0)

    def test_errors(self):
        with pytest.raises(ValueError, match="TimeDistributed: layer: expected a layer"):
            layers.TimeDistributed(3)
        with pytest.raises(ValueError, match=r"expected at least 3 axes, got shape \(4, 5\)"):
            layers.TimeDistributed(layers.Dense(2))(self.x[:, 0])
