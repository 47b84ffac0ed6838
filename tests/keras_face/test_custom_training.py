"""Training steps of the user's own: tapes, backward(), several optimizers, losses of all kinds."""

import copy
import pickle

import numpy as np
import pytest
import runs

import fastdl
from fastdl import layers, losses, metrics, models, optimizers

EPS = float(np.finfo(np.float32).eps)
RNG = np.random.default_rng(0)
X = RNG.standard_normal((80, 5)).astype(np.float32)
Y = (X @ RNG.standard_normal((5, 1))).astype(np.float32)


def test_a_loss_that_adds_in_place_leaves_what_it_was_given():
    """In Keras `y_pred += 1` binds the name to a new tensor, in training and in evaluation."""

    def loss(y, y_pred):
        y_pred += 1.0
        return fastdl.ops.mean(fastdl.ops.square(y - y_pred))

    def metric(y, y_pred):
        return fastdl.ops.mean(y_pred)

    model = models.Sequential([layers.Input((5,)), layers.Dense(1)])
    model.compile(optimizer="sgd", loss=loss, metrics=[metric], run_eagerly=True)
    seen = [model.evaluate(X, Y, batch_size=len(X), verbose=0)[1] for _ in range(2)]
    predicted = float(model.predict(X, verbose=0).mean())
    np.testing.assert_allclose(seen, predicted, atol=40 * EPS)
    logs = model.fit(X, Y, batch_size=len(X), epochs=1, verbose=0).history
    np.testing.assert_allclose(logs["metric"], predicted, atol=40 * EPS)


# --- tapes


def test_gradients_have_the_structure_of_the_sources():
    w, b, other = (fastdl.Parameter(fastdl.tensor(v)) for v in ([1.0, 2.0], [3.0], [4.0]))
    with fastdl.GradientTape() as tape:
        loss = fastdl.sum(w * w) * b
    found = tape.gradient(loss, {"w": w, "rest": [b, other]})
    assert found["w"].tolist() == [6.0, 12.0]
    assert found["rest"][0].tolist() == [5.0]
    assert found["rest"][1] is None
    assert w.grad is None


def test_tape_details():
    w = fastdl.Parameter(fastdl.tensor([1.0, 2.0]))
    with fastdl.no_grad(), fastdl.GradientTape(persistent=True) as tape:
        y = w * w
    # The sum of all elements, with weights if there are any.
    assert tape.gradient(y, w).tolist() == [2.0, 4.0]
    assert tape.gradient([y, y], [w])[0].tolist() == [4.0, 8.0]
    assert tape.gradient(y, w, output_gradients=fastdl.tensor([1.0, 10.0])).tolist() == [2.0, 40.0]
    other = fastdl.Parameter(fastdl.ones(3))
    assert tape.gradient(y, other, unconnected_gradients="zero").tolist() == [0.0, 0.0, 0.0]
    assert tape.gradient(fastdl.ones(2), w) is None
    with pytest.raises(ValueError, match="expected 'none' or 'zero', got 'nan'"):
        tape.gradient(y, w, unconnected_gradients="nan")
    with fastdl.GradientTape() as tape:
        with tape.stop_recording():
            constant = w * 2
        y = w * constant
    assert tape.gradient(y, w).tolist() == constant.tolist()
    with pytest.raises(RuntimeError, match=r"gives gradients once; use GradientTape\(persistent"):
        tape.gradient(y, w)
    with pytest.raises(ValueError, match="recording already"), tape, tape:
        pass


def test_watched_tensors():
    x, w = fastdl.tensor([1.0, 2.0]), fastdl.Parameter(fastdl.ones(2))
    with fastdl.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([x])
        y = x * x * w
    assert [g if g is None else g.tolist() for g in tape.gradient(y, [x, w])] == [[2.0, 4.0], None]
    with pytest.raises(RuntimeError, match="only tensors of floats"), fastdl.GradientTape() as tape:
        tape.watch(fastdl.tensor([1, 2]))


def test_tapes_in_each_other_and_side_by_side():
    x = fastdl.tensor(2.0)
    with fastdl.GradientTape() as outer:
        outer.watch(x)
        with fastdl.GradientTape() as inner:
            y = x**3
        slope = inner.gradient(y, x)
    assert slope.item() == 12.0
    assert outer.gradient(slope, x).item() == 12.0
    w = fastdl.Parameter(fastdl.ones(2))
    with fastdl.GradientTape() as one, fastdl.GradientTape() as two:
        shared = w * w
        a, b = shared * 2, shared * 3
    assert one.gradient(a, w).tolist() == [4.0, 4.0]
    assert two.gradient(b, w).tolist() == [6.0, 6.0]


# --- steps


def dense_model(kind=models.Model, outputs=1):
    fastdl.manual_seed(1)
    x = layers.Input((5,))
    return kind(x, layers.Dense(outputs)(layers.Dense(8, activation="relu")(x)))


class WithTape(models.Model):
    def train_step(self, data):
        x, y = data
        with fastdl.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        weights = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return self.logs(loss, y, y_pred)

    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        return self.logs(self.compute_loss(y=y, y_pred=y_pred), y, y_pred)

    def logs(self, loss, y, y_pred):
        runs.count[self.name] += 1
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss, len(y))
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}


class WithBackward(WithTape):
    def train_step(self, data):
        x, y = data
        y_pred = self(x, training=True)
        loss = self.compute_loss(y=y, y_pred=y_pred)
        self.zero_grad()
        loss.backward()
        weights = list(self.trainable_weights)
        gradients = [w.value.grad for w in weights]
        with fastdl.no_grad():
            self.optimizer.apply(gradients, weights)
        return self.logs(loss, y, y_pred)


@pytest.mark.parametrize("kind", [WithTape, WithBackward])
@pytest.mark.parametrize("eager", [False, True])
def test_a_step_of_ones_own_gives_the_bits_of_the_built_in_one(kind, eager):
    results = []
    for model in (dense_model(), dense_model(kind)):
        model.compile("adam", "mse", metrics=["mae", "mse"], run_eagerly=eager)
        fastdl.manual_seed(2)
        history = model.fit(X, Y, 16, 5, verbose=0, validation_split=0.2).history
        results.append([history, model.evaluate(X, Y, verbose=0), model.get_weights()])
    assert results[0][0] == results[1][0]
    assert results[0][1] == results[1][1]
    for one, other in zip(results[0][2], results[1][2], strict=True):
        np.testing.assert_array_equal(one, other)
    if not eager:  # recorded: twice for training, and for each size of batches in testing
        assert runs.count[model.name] < 10


def test_metrics_are_one_metric_for_compile():
    model = dense_model()
    assert model.metrics == []
    model.compile("sgd", "mse", metrics=["mae"])
    assert model.metrics_names == ["loss", "compile_metrics"]
    model.fit(X, Y, verbose=0)
    loss, compiled = model.metrics
    assert isinstance(compiled, metrics.Metric)
    assert list(compiled.result()) == ["mae"]
    assert len(compiled.variables) == 2
    assert list(model.get_metrics_result()) == ["loss", "mae"]
    model.reset_metrics()
    assert loss.result().item() == compiled.result()["mae"].item() == 0.0


def test_metrics_of_layers_are_reported_and_those_of_inner_models_are_not():
    class Watched(layers.Layer):
        def __init__(self):
            super().__init__()
            self.size = metrics.Mean(name="size")

        def call(self, x):
            self.size.update_state(abs(x))
            return x

    class Inner(models.Sequential):
        def __init__(self, stack):
            super().__init__(stack)
            self.inside = metrics.Mean(name="inside")

    inner = Inner([layers.Dense(3), Watched()])
    model = models.Sequential([layers.Input((5,)), inner, layers.Dense(1)])
    model.compile("sgd", "mse")
    assert list(model.fit(X, Y, verbose=0).history) == ["loss", "size"]
    # The loss comes first, then the others by name.
    assert len(model.evaluate(X, Y, verbose=0)) == 2


class Gan(models.Model):
    """Two networks, two optimizers, one step."""

    def __init__(self, penalty=0.0):
        super().__init__()
        self.generator = models.Sequential([layers.Dense(8, activation="relu"), layers.Dense(5)])
        self.critic = models.Sequential([layers.Dense(8, activation="leaky_relu"), layers.Dense(1)])
        self.critic_loss = metrics.Mean(name="critic_loss")
        self.generator_loss = metrics.Mean(name="generator_loss")
        self.penalty = penalty

    def compile(self, critic_optimizer, generator_optimizer, loss, run_eagerly):
        super().compile(run_eagerly=run_eagerly)
        self.critic_optimizer = critic_optimizer
        self.generator_optimizer = generator_optimizer
        self.loss_function = loss

    @property
    def metrics(self):
        return [self.critic_loss, self.generator_loss]

    def slope_penalty(self, real, fake):
        share = fastdl.rand(real.shape[0], 1)
        between = (real * share + fake * (1 - share)).detach()
        with fastdl.GradientTape() as tape:
            tape.watch(between)
            score = self.critic(between, training=True)
        slope = tape.gradient(score, between)
        return fastdl.mean((fastdl.sqrt(fastdl.sum(slope * slope, axis=1)) - 1) ** 2)

    def train_step(self, real):
        runs.count[self.name] += 1
        n = real.shape[0]
        with fastdl.GradientTape() as tape:
            fake = self.generator(fastdl.randn(n, 3), training=True)
            scores = self.critic(fastdl.concatenate([fake, real], 0), training=True)
            labels = fastdl.concatenate([fastdl.ones((n, 1)), fastdl.zeros((n, 1))], 0)
            loss = self.loss_function(labels, scores)
            if self.penalty:
                loss = loss + self.penalty * self.slope_penalty(real, fake)
        weights = self.critic.trainable_weights
        self.critic_optimizer.apply(tape.gradient(loss, weights), weights)
        self.critic_loss.update_state(loss)
        with fastdl.GradientTape() as tape:
            scores = self.critic(self.generator(fastdl.randn(n, 3), training=True), training=True)
            loss = self.loss_function(fastdl.zeros((n, 1)), scores)
        weights = self.generator.trainable_weights
        self.generator_optimizer.apply_gradients(
            zip(tape.gradient(loss, weights), weights, strict=True)
        )
        self.generator_loss.update_state(loss)
        return {m.name: m.result() for m in self.metrics}


@pytest.mark.parametrize("penalty", [0.0, 10.0])
def test_two_networks_with_two_optimizers(penalty):
    results = []
    for eager in (True, False):
        fastdl.manual_seed(5)
        gan = Gan(penalty)
        gan.compile(
            optimizers.Adam(0.01),
            optimizers.Adam(0.005, beta_1=0.5),
            losses.BinaryCrossentropy(from_logits=True),
            eager,
        )
        history = gan.fit(X, epochs=4, batch_size=20, verbose=0).history
        results.append((history, gan.get_weights()))
    assert runs.count[gan.name] == 2  # recorded
    assert list(history) == ["critic_loss", "generator_loss"]
    assert results[0][0] == results[1][0]
    for one, other in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_array_equal(one, other)


# --- losses


class OwnLoss(models.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return fastdl.mean((y_pred - y) ** 2) + (1.0 if training else 2.0)


class OlderOwnLoss(models.Model):
    def compute_loss(self, x, y, y_pred, sample_weight):
        return fastdl.mean((y_pred - y) ** 2) + 1.0


@pytest.mark.parametrize(("kind", "more"), [(OwnLoss, 2.0), (OlderOwnLoss, 1.0)])
def test_own_compute_loss(kind, more):
    plain, own = dense_model(), dense_model(kind)
    plain.compile("sgd", "mse")
    own.compile("sgd", metrics=["mse"])
    expected = plain.fit(X, Y, 16, 3, shuffle=False, verbose=0).history["loss"]
    history = own.fit(X, Y, 16, 3, shuffle=False, verbose=0).history
    # The loss is 1 larger, so its mean over batches has a few more roundings of 1.
    assert np.array(history["loss"]) - 1 == pytest.approx(np.array(expected), abs=8 * EPS)
    assert own.evaluate(X, Y, verbose=0)[0] == pytest.approx(
        plain.evaluate(X, Y, verbose=0) + more, abs=8 * EPS
    )


def test_added_losses_count_with_all_their_elements():
    class Penalized(models.Model):
        def __init__(self, elements):
            super().__init__()
            self.dense = layers.Dense(1)
            self.elements = elements

        def call(self, x):
            y = self.dense(x)
            self.add_loss(y**2 if self.elements else fastdl.sum(y**2))
            return y

    histories = []
    for elements in (False, True):
        fastdl.manual_seed(3)
        model = Penalized(elements)
        model.compile(optimizers.SGD(1e-3))
        histories.append(model.fit(X, epochs=3, shuffle=False, verbose=0).history)
    assert histories[0] == histories[1]
    assert histories[0]["loss"][2] < histories[0]["loss"][0]


@pytest.mark.filterwarnings("ignore:SGD.apply. there is no gradient for")
def test_calls_may_branch_on_shapes():
    class Branching(models.Model):
        def __init__(self):
            super().__init__()
            self.small, self.large = layers.Dense(1), layers.Dense(1)

        def call(self, x):
            return self.small(x) if x.shape[0] < 16 else self.large(x)

    model = Branching()
    model.compile("sgd", "mse")
    model(X[:4]), model(X)
    before = model.get_weights()
    model.fit(X[:32], Y[:32], batch_size=16, epochs=3, verbose=0)
    assert np.array_equal(model.get_weights()[0], before[0])
    assert not np.array_equal(model.get_weights()[2], before[2])
    np.testing.assert_array_equal(model.predict(X[:4], 4, 0), model.small(X[:4]).numpy())
    np.testing.assert_array_equal(model.predict(X, 80, 0), model.large(X).numpy())


@pytest.mark.parametrize("how", ["unbuilt", "built", "functional"])
def test_state_that_calls_change_counts_steps_only(how):
    class Counted(layers.Layer):
        def build(self, input_shape):
            self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)
            self.mean = self.add_weight(shape=(), initializer="ones", trainable=False)

        def call(self, x):
            self.calls.assign_add(1.0)
            self.mean.assign(self.mean * 0.5 + fastdl.mean(x) * 0.5)
            return x

    counted = Counted()
    if how == "functional":
        x = layers.Input((5,))
        model = models.Model(x, layers.Dense(1)(counted(x)))
    else:
        model = models.Sequential([counted, layers.Dense(1)])
        if how == "built":
            model.build((None, 5))
    model.compile("sgd", "mse")
    model.fit(np.ones((80, 5)), Y, 16, 4, verbose=0)
    assert counted.calls.item() == 20
    assert counted.mean.item() == 1.0
    model.evaluate(np.ones((80, 5)), Y, 16, 0)
    assert counted.calls.item() == 25


# --- copies


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_copies_of_a_trained_model_train_on_their_own(copied, optimizer):
    model = dense_model()
    model.compile(optimizer, "mse", metrics=["mae"])
    model.fit(X, Y, 16, 3, shuffle=False, verbose=0)
    twin = copied(model)
    before = model.get_weights()
    histories = [twin.fit(X, Y, 16, 3, shuffle=False, verbose=0).history]
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    histories.append(model.fit(X, Y, 16, 3, shuffle=False, verbose=0).history)
    assert histories[0] == histories[1]
    for one, other in zip(twin.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
