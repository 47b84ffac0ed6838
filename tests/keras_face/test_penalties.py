"""Penalties of weights: the built-in training step adds their gradients in the update's pass.

A step of one's own takes them from `model.losses`, over the tape. Both must train alike.
"""

import numpy as np
import pytest

import fastdl
from fastdl import layers, optimizers, regularizers

EPS = np.finfo(np.float32).eps
RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 5)).astype("float32")
Y = RNG.normal(size=(48, 2)).astype("float32")


class Explicit(fastdl.Sequential):
    """The training step as a user may write it."""

    def train_step(self, data):
        x, y = data
        with fastdl.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred)
            scaled = self.optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        self._loss_tracker.update_state(loss, x.shape[0])
        return self.compute_metrics(x, y, y_pred, None)


def model_of(cls=fastdl.Sequential, **options):
    fastdl.utils.set_random_seed(1)
    options = {
        "kernel_regularizer": regularizers.L1L2(0.02, 0.05),
        "bias_regularizer": "l1",
        **options,
    }
    model = cls(
        [fastdl.Input((5,)), layers.Dense(7, "tanh", **options), layers.Dense(3), layers.Dense(2)]
    )
    # Biases that start at 0 would stay there if only their penalty had a gradient.
    model.layers[-1].kernel.regularizer = regularizers.L2(0.1)
    return model


def trained(model, optimizer, epochs=3, **options):
    model.compile(optimizer, "mse", **options)
    history = model.fit(X, Y, batch_size=16, epochs=epochs, shuffle=False, verbose=0)
    return history.history["loss"], [w.numpy().copy() for w in model.weights]


SETTINGS = {
    "SGD": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "RMSprop": lambda: optimizers.RMSprop(0.01, centered=True),
    "Adam": lambda: optimizers.Adam(0.01, amsgrad=True),
    "AdamW": lambda: optimizers.AdamW(0.01, weight_decay=0.1),
    "Adagrad": lambda: optimizers.Adagrad(0.1),
    "Adadelta": lambda: optimizers.Adadelta(1.0),
    "Adamax": lambda: optimizers.Adamax(0.01),
    "Nadam": lambda: optimizers.Nadam(0.01),
    "Ftrl": lambda: optimizers.Ftrl(0.1),
    "Lion": lambda: optimizers.Lion(0.001),
    "ScheduleFreeAdamW": lambda: optimizers.ScheduleFreeAdamW(0.01),
    "Lamb": lambda: optimizers.Lamb(0.01),
    "Adafactor": lambda: optimizers.Adafactor(0.01),
    "Muon": lambda: optimizers.Muon(0.01),
    "LossScaleOptimizer": lambda: optimizers.LossScaleOptimizer(optimizers.SGD(0.1)),
    "clipnorm": lambda: optimizers.SGD(0.1, clipnorm=0.1),
    "clipvalue": lambda: optimizers.SGD(0.1, clipvalue=0.05),
    "global_clipnorm": lambda: optimizers.SGD(0.1, global_clipnorm=0.1),
    "accumulation": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "ema": lambda: optimizers.SGD(0.1, use_ema=True, ema_overwrite_frequency=2),
    "schedule": lambda: optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_built_in_step_trains_like_an_explicit_one(name):
    loss, weights = trained(model_of(), SETTINGS[name]())
    expected_loss, expected = trained(model_of(Explicit), SETTINGS[name]())
    # Nine steps, in each of which a gradient is rounded in another order. Lion takes the sign.
    np.testing.assert_allclose(loss, expected_loss, rtol=200 * EPS)
    for w, e in zip(weights, expected, strict=True):
        np.testing.assert_allclose(w, e, rtol=0, atol=1000 * EPS)


def test_one_step_by_the_formula():
    l1, l2, rate, decay = 0.03, 0.07, 0.1, 0.2
    model = fastdl.Sequential(
        [
            fastdl.Input((5,)),
            layers.Dense(2, use_bias=False, kernel_regularizer=regularizers.L1L2(l1, l2)),
        ]
    )
    w = model.weights[0].numpy().astype(float)
    w[0, 0] = 0.0
    model.set_weights([w])
    model.compile(optimizers.SGD(rate, weight_decay=decay), "mse")
    loss = model.fit(X, Y, batch_size=48, verbose=0).history["loss"][0]
    x, y = X.astype(float), Y.astype(float)
    error = x @ w - y
    penalty = l1 * abs(w).sum() + l2 * (w * w).sum()
    gradient = 2 * x.T @ error / error.size + l1 * np.sign(w) + 2 * l2 * w
    np.testing.assert_allclose(loss, (error**2).mean() + penalty, rtol=8 * EPS)
    # The decay comes first, the gradient is that before it.
    expected = w - rate * decay * w - rate * gradient
    np.testing.assert_allclose(model.weights[0].numpy(), expected, atol=8 * EPS)


def test_the_update_adds_the_penalty():
    """The tape has no part in it: the plan has no op for the gradient."""
    from fastdl.models.steps import _penalties

    model = model_of()
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    kernel, bias, last = model.weights[0], model.weights[1], model.weights[4]
    assert _penalties(model, model.trainable_weights) == {
        id(kernel): (0.02, 0.1),
        id(bias): (0.01, 0.0),
        id(last): (0.0, 0.2),
    }


def test_factors_may_change():
    for changed in (0.5, 0.0):
        model, explicit = model_of(), model_of(Explicit)
        results = []
        for m in (model, explicit):
            trained(m, "sgd", epochs=1)
            for weight in m.weights:
                if weight.regularizer is not None:
                    weight.regularizer.l2 = changed
            m.layers[1].kernel.regularizer = regularizers.L1(0.3)
            history = m.fit(X, Y, batch_size=16, epochs=2, shuffle=False, verbose=0)
            results.append((history.history["loss"], [w.numpy() for w in m.weights]))
        np.testing.assert_allclose(results[0][0], results[1][0], rtol=100 * EPS)
        for w, e in zip(results[0][1], results[1][1], strict=True):
            np.testing.assert_allclose(w, e, rtol=0, atol=100 * EPS)


def test_a_large_matrix_is_updated_in_parts():
    """Its gradient is never whole; each part adds its share of the penalty."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 1000)).astype("float32")
    y = rng.normal(size=(32, 1)).astype("float32")
    results = []
    for cls in (fastdl.Sequential, Explicit):
        fastdl.utils.set_random_seed(1)
        penalized = {"kernel_regularizer": regularizers.L1L2(1e-5, 1e-4)}
        model = cls([fastdl.Input((1000,)), layers.Dense(1100, **penalized), layers.Dense(1)])
        model.compile(optimizers.SGD(0.01), "mse")
        history = model.fit(x, y, batch_size=16, verbose=0, shuffle=False)
        results.append((history.history["loss"][0], model.weights[0].numpy()))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=32 * EPS)
    np.testing.assert_allclose(results[0][1], results[1][1], atol=32 * EPS)


def test_frozen_weights_have_no_penalty():
    results = []
    for cls in (fastdl.Sequential, Explicit):
        model = model_of(cls)
        model.layers[0].trainable = False
        before = model.weights[0].numpy().copy()
        results.append(trained(model, "sgd", epochs=1)[0])
        np.testing.assert_array_equal(model.weights[0].numpy(), before)
    np.testing.assert_allclose(*results, rtol=32 * EPS)
    error = ((model.predict(X, verbose=0).astype(float) - Y) ** 2).mean()
    penalty = 0.1 * (model.weights[4].numpy().astype(float) ** 2).sum()
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), error + penalty, rtol=32 * EPS)


def test_a_weight_that_the_loss_does_not_reach_shrinks():
    class Aside(layers.Layer):
        def build(self, shape):
            self.aside = self.add_weight((3,), "ones", regularizer=regularizers.L2(0.5))
            self.w = self.add_weight((shape[-1], 2), "ones")

        def call(self, x):
            return x @ self.w

    layer = Aside()
    model = fastdl.Sequential([fastdl.Input((5,)), layer])
    model.compile(optimizers.SGD(0.1), "mse")
    model.fit(X, Y, batch_size=48, epochs=2, verbose=0)
    np.testing.assert_allclose(layer.aside.numpy(), 0.81, rtol=4 * EPS)


def test_classes_with_a_say_in_the_loss_are_asked():
    class Half(fastdl.Sequential):
        def compute_loss(self, *args, **kwargs):
            return 0.5 * super().compute_loss(*args, **kwargs)

    class Quiet(fastdl.Sequential):
        @property
        def losses(self):
            return []

    class Twice(regularizers.L2):
        def __call__(self, x):
            return 2 * super().__call__(x)

    loss, _ = trained(model_of(), "sgd", epochs=1)
    half, _ = trained(model_of(Half), "sgd", epochs=1)
    assert half[0] < 0.6 * loss[0]
    plain = {"kernel_regularizer": None, "bias_regularizer": None}
    unpenalized = model_of(**plain)
    unpenalized.layers[-1].kernel.regularizer = None
    np.testing.assert_array_equal(
        trained(model_of(Quiet), "sgd")[1][0], trained(unpenalized, "sgd")[1][0]
    )
    twice = trained(model_of(kernel_regularizer=Twice(0.05), bias_regularizer=None), "sgd")
    double = trained(model_of(kernel_regularizer="l2", bias_regularizer=None), "sgd")
    assert regularizers.L2().l2 == 0.01  # 2 x 0.05 is ten times that
    assert abs(twice[1][0]).sum() < abs(double[1][0]).sum()


def test_a_model_whose_only_loss_are_penalties():
    model = fastdl.Sequential([fastdl.Input((5,)), layers.Dense(2, kernel_regularizer="l2")])
    model.compile(optimizers.SGD(1.0))
    before = model.weights[0].numpy().copy()
    with pytest.warns(UserWarning, match="no gradient for .*bias"):
        model.fit(X, batch_size=48, verbose=0)
    np.testing.assert_allclose(model.weights[0].numpy(), 0.98 * before, rtol=4 * EPS)


def test_same_bits_recorded_and_eager_and_with_any_number_of_threads():
    wide = {"kernel_regularizer": "l1_l2"}

    def run(threads, **options):
        fastdl.utils.set_random_seed(0)
        model = fastdl.Sequential(
            [fastdl.Input((5,)), layers.Dense(3000, "relu", **wide), layers.Dense(2, **wide)]
        )
        before = fastdl.get_num_threads()
        fastdl.set_num_threads(threads)
        try:
            return trained(model, "adam", **options)
        finally:
            fastdl.set_num_threads(before)

    loss, weights = run(1)
    for threads, options in ((1, {"run_eagerly": True}), (2, {}), (3, {})):
        again, other = run(threads, **options)
        assert again == loss
        for w, o in zip(weights, other, strict=True):
            np.testing.assert_array_equal(w, o)


def test_an_optimizer_by_update_step_of_a_subclass_of_a_built_in_one():
    """`update_step` of a user counts, whatever the class it derives from does in one pass."""

    class Half(optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, gradient * learning_rate * 0.5)

    loss, weights = trained(model_of(), Half(0.2))
    expected_loss, expected = trained(model_of(), optimizers.SGD(0.1))
    np.testing.assert_allclose(loss, expected_loss, rtol=100 * EPS)
    for w, e in zip(weights, expected, strict=True):
        np.testing.assert_allclose(w, e, rtol=0, atol=100 * EPS)
