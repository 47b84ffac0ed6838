"""Layers that prepare numbers: Keras's numbers, adapt over batches, in graphs, plans and files."""

import json
import pathlib
import sys

import numpy as np
import pytest

import fastdl
from fastdl import layers, models

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import preprocessing as cases  # noqa: E402

WANTED = json.loads((GOLDEN / "preprocessing.json").read_text())["cases"]
EPS = float(np.finfo(np.float32).eps)
RNG = np.random.default_rng(1)
X = RNG.standard_normal((40, 3)) * [1, 10, 0.1] + [0, 100, 5]


@pytest.mark.parametrize("number", range(len(cases.CASES)))
def test_the_numbers_of_keras(number):
    case, wanted = cases.CASES[number], WANTED[number]
    layer, out = cases.run(layers, case)
    assert list(out.shape) == wanted["shape"]
    assert out.dtype == ("int32" if layer.get_config().get("output_mode") == "int" else "float32")
    # Keras sums the statistics in float32 where the data are; a few roundings of values below 50.
    np.testing.assert_allclose(out, wanted["out"], rtol=32 * EPS, atol=64 * EPS)
    weights = layer.get_weights()
    assert len(weights) == len(wanted["weights"])
    for got, value in zip(weights, wanted["weights"], strict=True):
        np.testing.assert_allclose(got, value, rtol=8 * EPS)
    if wanted["bounds"] is not None:
        np.testing.assert_allclose(layer.bin_boundaries, wanted["bounds"], rtol=4 * EPS)


# The last case is a single sample, without a batch axis.
@pytest.mark.parametrize("number", range(len(cases.CASES) - 1))
def test_graphs_files_and_configs(number, tmp_path):
    case = cases.CASES[number]
    layer, out = cases.run(layers, case)
    x = case[3]
    inputs = layers.Input(x.shape[1:], dtype="int32" if x.dtype.kind == "i" else None)
    model = models.Model(inputs, layer(inputs))
    assert model.output_shape == (None, *out.shape[1:])
    np.testing.assert_array_equal(model.predict(x, verbose=0), out)
    np.testing.assert_array_equal(model.predict(x, batch_size=3, verbose=0), out)
    model.save(tmp_path / "m.fastdl")
    again = models.load_model(tmp_path / "m.fastdl")
    np.testing.assert_array_equal(again.predict(x, verbose=0), out)
    twin = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    if not layer.get_weights():
        np.testing.assert_array_equal(twin(x), out)


def test_batches_give_what_the_whole_gives():
    whole, parts = layers.Normalization(), layers.Normalization()
    x = X + 1e4  # sums in float32 would lose the variance
    whole.adapt(x)
    parts.adapt([x[:1], x[1:30], x[30:30], (x[30:], None)])
    np.testing.assert_allclose(whole.adapt_mean.numpy(), x.mean(0), rtol=2 * EPS)
    np.testing.assert_allclose(whole.adapt_variance.numpy(), x.var(0), rtol=2 * EPS)
    for a, b in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=2 * EPS)
    first = layers.Normalization()
    first.adapt(iter([x[:10], x[10:]]), steps=1)
    np.testing.assert_allclose(first.adapt_mean.numpy(), x[:10].mean(0), rtol=2 * EPS)


def test_quantiles_of_batches():
    values = RNG.exponential(1.0, 20_000)
    layer = layers.Discretization(num_bins=8, epsilon=0.001)
    layer.adapt(np.split(values, 20))
    counts = np.bincount(layer(values).numpy(), minlength=8)
    assert counts.sum() == 20_000 and np.abs(counts / 20_000 - 1 / 8).max() < 0.01


def test_statistics_broadcast_against_the_inputs():
    layer = layers.Normalization(axis=(1, 2), mean=[1.0, 2.0, 3.0], variance=[4.0, 5.0, 6.0])
    assert layer.mean is None and layer.variance is None
    layer.build((2, 4, 3, 5))
    assert layer.mean.shape == layer.variance.shape == (1, 4, 3, 1)
    assert layer.mean[0, :, :, 0].tolist() == [[1.0, 2.0, 3.0]] * 4
    assert layer.variance[0, 3, :, 0].tolist() == [4.0, 5.0, 6.0]
    layer = layers.Normalization()
    x = np.float32([[[1, 2]], [[3, 8]]])
    layer.adapt(x)
    assert layer.mean.shape == layer.variance.shape == (1, 1, 2)
    assert layer.mean.flatten().tolist() == [2.0, 5.0]
    assert layer.variance.flatten().tolist() == [1.0, 9.0]


def test_categories_of_axis_1_are_taken_together():
    """The numbers are those of Keras 3.15, which reduces axis 1, whatever comes after it."""
    ids = np.array([[[0, 1], [2, 0]]])
    for mode in ("multi_hot", "count"):
        layer = layers.CategoryEncoding(3, mode)
        assert layer(ids).tolist() == [[[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]]
        assert layer.compute_output_shape((None, 3, 4)) == (None, 4, 3)
        bins = layers.Discretization([1.0, 2.0], output_mode=mode)
        assert bins(ids).tolist() == layer(ids).tolist()
        assert bins(layers.Input((2, 2))).shape == (None, 2, 3)
        assert layers.Hashing(3, output_mode=mode)(ids).shape == (1, 2, 3)
        assert layers.CategoryEncoding(3, mode)(np.array([2, 0, 2])).shape == (3,)
    assert layers.CategoryEncoding(3)([[[2], [0]]]).tolist() == [[[1.0, 0.0, 1.0]]]


@pytest.mark.parametrize(
    ("mode", "shape"),
    [
        ("int", (None, 3, 4)),
        ("one_hot", (None, 3, 4, 6)),
        ("multi_hot", (None, 4, 6)),
        ("count", (None, 4, 6)),
    ],
)
def test_shapes_of_bins_are_known_before_their_bounds(mode, shape):
    layer = layers.Discretization(num_bins=6, output_mode=mode)
    assert layer.compute_output_shape((None, 3, 4)) == shape
    assert layer(layers.Input((3, 4))).shape == shape
    layer.adapt(np.arange(30.0))
    assert layer(np.ones((2, 3, 4))).shape == (2, *shape[1:])


def test_invert_undoes_it():
    layer, back = layers.Normalization(), layers.Normalization(invert=True)
    layer.adapt(X), back.adapt(X)
    np.testing.assert_allclose(back(layer(X)), X, rtol=8 * EPS)


def test_a_model_that_prepares_its_inputs():
    y = (X[:, 1] > 100).astype(np.int64)
    normal = layers.Normalization()
    normal.adapt(X)
    model = models.Sequential([layers.Input((3,)), normal, layers.Dense(2, "softmax")])
    model.compile(
        fastdl.optimizers.Adam(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(X, y, epochs=60, verbose=0)
    assert model.evaluate(X, y, verbose=0)[1] > 0.95
    assert [w.name for w in model.trainable_weights] == ["kernel", "bias"]
    np.testing.assert_allclose(normal.adapt_mean.numpy(), X.mean(0), rtol=2 * EPS)


def test_plans_see_new_statistics():
    for layer, other in (
        (layers.Normalization(), X * 2),
        (layers.Discretization(num_bins=3), X * 2),
    ):
        layer.adapt(X)
        model = models.Sequential([layers.Input((3,)), layer])
        before = model.predict(X, verbose=0)
        layer.adapt(other)
        after = model.predict(X, verbose=0)
        assert not np.array_equal(before, after)
        np.testing.assert_array_equal(after, layer(X))


def test_gradients_flow_through():
    layer = layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 9.0])
    x = fastdl.tensor([[1.0, 1.0]], requires_grad=True)
    layer(x).sum().backward()
    np.testing.assert_allclose(x.grad, [[0.5, 1 / 3]], rtol=2 * EPS)


def test_weights_of_counts():
    layer = layers.CategoryEncoding(4, output_mode="count")
    x, w = np.array([[0, 1, 1], [3, 3, 0]]), np.array([[1.0, 2.0, 0.5], [1.0, 1.0, 4.0]])
    out = layer(x, count_weights=w)
    assert out.tolist() == [[1.0, 2.5, 0.0, 0.0], [4.0, 0.0, 0.0, 2.0]]
    with pytest.raises(ValueError, match="count_weights"):
        layers.CategoryEncoding(4)(x, count_weights=w)
    assert layers.CategoryEncoding(2, "one_hot")(np.array([5, -1, 1])).tolist() == [
        [0.0, 0.0], [0.0, 0.0], [0.0, 1.0]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Normalization(mean=1.0), "mean, variance"),
        (lambda: layers.Normalization(mean=[1, 2], variance=[1]), "mean has shape"),
        (lambda: layers.Normalization(mean=1.0, variance=-1.0), "variance"),
        (lambda: layers.Normalization(mean="a", variance=1.0), "mean"),
        (lambda: layers.Normalization(axis="last"), "axis"),
        (lambda: layers.Normalization(axis=3)(X), "axis"),
        (lambda: layers.Normalization()(layers.Input((None,))), "must be known"),
        (lambda: layers.Normalization(mean=[1, 2], variance=[1, 2])(X), "does not fit"),
        (lambda: layers.Normalization(mean=1.0, variance=1.0).adapt(X), "were given"),
        (lambda: layers.Normalization().adapt([]), "at least one batch"),
        (lambda: layers.Normalization().adapt(X[:0]), "expected samples"),
        (lambda: layers.Normalization().adapt(3), "expected arrays"),
        (lambda: layers.Normalization().adapt(np.array(["a"])), "expected numbers"),
        (lambda: layers.Normalization().adapt([X, X[:, :2]]), "does not fit"),
        (lambda: layers.Discretization(), "either bin_boundaries or num_bins"),
        (lambda: layers.Discretization([1.0], num_bins=2), "either bin_boundaries or num_bins"),
        (lambda: layers.Discretization([2.0, 1.0]), "rise"),
        (lambda: layers.Discretization([]), "rise"),
        (lambda: layers.Discretization(num_bins=0), "num_bins"),
        (lambda: layers.Discretization(num_bins=2)(X), "adapt"),
        (lambda: layers.Discretization(num_bins=2).adapt(np.full(3, np.nan)), "finite"),
        (lambda: layers.Discretization([0.0]).adapt(X), "were given"),
        (lambda: layers.Discretization([0.0], output_mode="rows"), "output_mode"),
        (lambda: layers.CategoryEncoding(), "num_tokens"),
        (lambda: layers.CategoryEncoding(0), "num_tokens"),
        (lambda: layers.CategoryEncoding(3, output_mode="int"), "output_mode"),
        (lambda: layers.CategoryEncoding(3, sparse=True), "sparse"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()
