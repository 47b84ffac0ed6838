"""StatelessScope, SymbolicScope, RematScope and remat."""

import copy
from contextlib import nullcontext

import numpy as np
import pytest

import fastdl
from fastdl import layers

X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
Y = np.random.default_rng(1).normal(size=(16, 1)).astype("float32")


# --- StatelessScope


def test_variables_have_other_values_and_then_their_own():
    w, other = fastdl.Variable([1.0, 2.0]), fastdl.Variable([5.0])
    value = fastdl.tensor([3.0, 4.0], requires_grad=True)
    with fastdl.StatelessScope([(w, value)]) as scope:
        (w * w).sum().backward()
        assert scope.get_current_value(w) is value
        w.assign_add([1.0, 1.0])
        other.assign([9.0])
        assert (w.tolist(), other.tolist()) == ([4.0, 5.0], [9.0])
        assert scope.get_current_value(other).tolist() == [9.0]
    assert value.grad.tolist() == [6.0, 8.0] and w.grad is None
    assert (w.tolist(), other.tolist()) == ([1.0, 2.0], [5.0])
    assert scope.get_current_value(w).tolist() == [4.0, 5.0]
    assert scope.get_current_value(other).tolist() == [9.0]
    assert scope.get_current_value(fastdl.Variable([0.0])) is None
    w.assign([0.0, 0.0])  # what the scope kept is its own
    assert scope.get_current_value(w).tolist() == [4.0, 5.0]


def test_a_variable_without_a_given_gradient_stays_one_that_is_trained():
    layer = layers.Dense(2, kernel_regularizer="l2")
    layer.build((None, 3))
    with fastdl.StatelessScope([(layer.kernel, np.full((3, 2), 2.0))]):
        assert [w is layer.kernel for w in layer.trainable_weights] == [True, False]
        assert layer.losses[0].item() == pytest.approx(0.01 * 4 * 6)
        assert layer(np.ones((1, 3))).tolist() == [[6.0, 6.0]]
    assert layer.kernel.requires_grad and layer.kernel.is_leaf


def model_and_state():
    model = fastdl.Sequential(
        [layers.Input((3,)), layers.Dense(4), layers.BatchNormalization(), layers.Dense(1)]
    )
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, Y, epochs=3, batch_size=4, verbose=0)
    state = [*model.weights, *model.optimizer.variables, *model.metrics_variables]
    return model, state


def test_whatever_writes_leaves_all_as_it_was():
    model, state = model_and_state()
    before = [v.numpy().copy() for v in state]
    with fastdl.StatelessScope() as scope:
        model.fit(X, Y, epochs=2, batch_size=4, verbose=0)
        inside = [v.numpy().copy() for v in state]
    assert all(np.array_equal(v.numpy(), b) for v, b in zip(state, before, strict=True))
    after = [scope.get_current_value(v) for v in state]
    for value, now, then in zip(after, inside, before, strict=True):
        np.testing.assert_array_equal(then if value is None else value.numpy(), now)
    assert not np.array_equal(inside[0], before[0])
    twin = [model.fit(X, Y, epochs=2, batch_size=4, verbose=0, shuffle=False) for _ in range(2)]
    assert twin[0].history["loss"][-1] > twin[1].history["loss"][-1]  # it still learns


def test_an_optimizer_updates_the_values_of_the_scope():
    w = fastdl.Variable([1.0, 2.0])
    optimizer = fastdl.optimizers.SGD(0.5)
    optimizer.build([w])
    with fastdl.StatelessScope([(w, [10.0, 20.0])]) as scope:
        optimizer.apply([fastdl.tensor([2.0, 4.0])])
        assert w.tolist() == [9.0, 18.0]
    assert (w.tolist(), scope.get_current_value(w).tolist()) == ([1.0, 2.0], [9.0, 18.0])
    optimizer.apply([fastdl.tensor([2.0, 4.0])])
    assert w.tolist() == [0.0, 0.0]
    assert optimizer.iterations.item() == 1


def test_random_numbers_go_on():
    generator = fastdl.random.SeedGenerator(3)
    draws = []
    for _ in range(2):
        with fastdl.StatelessScope():
            draws.append(fastdl.random.uniform((3,), seed=generator).tolist())
    assert draws[0] != draws[1]


def test_a_step_of_fit_with_a_scope():
    model, _ = model_and_state()

    class Stepped(fastdl.Sequential):
        def train_step(self, data):
            x, _ = data
            with fastdl.StatelessScope([(v, v * 0.0) for v in self.trainable_variables]):
                y = self(x)
            return {"zero": fastdl.max(fastdl.abs(y)), "one": fastdl.max(fastdl.abs(self(x)))}

    model = Stepped(model.layers)
    model.compile("sgd", "mse")
    history = model.fit(X, Y, epochs=4, batch_size=16, verbose=0).history
    assert history["zero"] == [0.0] * 4 and min(history["one"]) > 0.1


def test_losses_and_updates():
    layer = layers.ActivityRegularization(l2=1.0)
    w = fastdl.Variable([1.0])
    scope = fastdl.StatelessScope([(w, [2.0])], collect_losses=True)
    with scope:
        layer(np.ones((2, 1)))
        scope.add_loss(3.0)
        assert fastdl.backend.get_stateless_scope() is scope
        scope.add_update((w, [4.0]))
        assert w.tolist() == [4.0]
    assert [float(x) for x in scope.losses] == [1.0, 3.0]
    assert scope.get_current_value(w).tolist() == [4.0] and w.tolist() == [1.0]
    scope.add_update((w, [5.0]))
    assert scope.get_current_value(w).tolist() == [5.0]
    assert not fastdl.backend.in_stateless_scope()


def test_scopes_nest():
    w, v = fastdl.Variable([1.0]), fastdl.Variable([10.0])
    with fastdl.StatelessScope([(w, [2.0])]) as outer:
        with fastdl.StatelessScope([(w, [3.0])]) as inner:
            w.assign_add([1.0])
            v.assign([20.0])
        assert (w.tolist(), v.tolist()) == ([2.0], [10.0])
        assert inner.get_current_value(w).tolist() == [4.0]
    assert outer.get_current_value(w).tolist() == [2.0]
    assert (w.tolist(), v.tolist()) == ([1.0], [10.0])


def test_an_error_in_the_scope_restores_the_variables():
    w = fastdl.Variable([1.0])
    with pytest.raises(KeyError), fastdl.StatelessScope([(w, [2.0])]):
        w.assign([3.0])
        raise KeyError
    assert w.tolist() == [1.0] and not fastdl.backend.in_stateless_scope()


def test_what_a_scope_takes():
    w = fastdl.Variable([1.0], name="scale")
    with pytest.raises(ValueError, match="expected a Variable, got"):
        fastdl.StatelessScope([(fastdl.ones(1), [2.0])])
    with pytest.raises(ValueError, match=r"'scale': expected shape \(1,\), got \(2,\)"):
        fastdl.StatelessScope([(w, [2.0, 3.0])])
    with pytest.raises(ValueError, match="expected pairs"):
        fastdl.StatelessScope([w])
    with pytest.raises(ValueError, match="expected shape"):
        fastdl.StatelessScope().add_update((w, [2.0, 3.0]))
    scope = fastdl.StatelessScope()
    with scope, pytest.raises(RuntimeError, match="entered already"):
        scope.__enter__()


def test_symbolic_scope():
    assert not fastdl.backend.in_symbolic_scope()
    with fastdl.SymbolicScope(), fastdl.SymbolicScope():
        assert fastdl.backend.in_symbolic_scope()
    assert not fastdl.backend.in_symbolic_scope()


# --- rematerialization


@pytest.fixture
def second_calls(monkeypatch):
    """The number of parts that were computed again."""
    from fastdl.utils import checkpoint

    count = []
    original = checkpoint._Part._gradients
    monkeypatch.setattr(
        checkpoint._Part, "_gradients", lambda self, given: count.append(1) or original(self, given)
    )
    return count


def network(scope):
    fastdl.utils.set_random_seed(1)
    with scope:
        x = layers.Input((3,))
        y = layers.Dense(8, activation="mish", name="first", kernel_regularizer="l2")(x)
        y = layers.BatchNormalization()(y)
        y = layers.Dropout(0.5, seed=3)(y)  # with random numbers of its own
        y = layers.Dropout(0.2)(y)
        y = layers.Dense(8, activation="tanh")(y)
    return fastdl.Model(x, layers.Dense(1)(y))


@pytest.mark.parametrize("eager", [True, False])
@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"mode": "full"}, 5),
        ({"mode": "activations"}, 1),  # the other one is a part of the product
        ({"mode": "larger_than", "output_size_threshold": 31}, 5),
        ({"mode": "larger_than", "output_size_threshold": 32}, 0),
        ({"mode": "list_of_layers", "layer_names": ["first", "dense_of_others"]}, 1),
        ({"mode": None}, 0),
    ],
)
def test_a_scope_changes_no_result(second_calls, options, parts, eager):
    found = []
    for scope in (nullcontext(), fastdl.RematScope(**options)):
        model = network(scope)
        model.compile("sgd", "mse", run_eagerly=eager)
        second_calls.clear()
        model.fit(X, Y, epochs=2, batch_size=4, verbose=0, shuffle=False)
        found.append(model.get_weights())
    for plain, again in zip(*found, strict=True):
        np.testing.assert_allclose(again, plain, rtol=1e-5, atol=1e-7)
    # With a threshold the first call finds the sizes out. Recorded steps run twice in Python.
    steps = (8 if eager else 2) - (options["mode"] == "larger_than")
    assert len(second_calls) == parts * steps


def test_an_inner_scope_counts_alone(second_calls):
    with fastdl.RematScope("full"):
        with fastdl.RematScope(None):
            plain = layers.Dense(2)
        again = layers.Dense(2)
    for layer in (plain, again):
        layer(X).sum().backward()
    assert len(second_calls) == 1


def test_layers_within_keep_the_mode_of_the_call(second_calls):
    class Block(layers.Layer):
        def __init__(self):
            super().__init__()
            self.drop, self.norm = layers.Dropout(0.5), layers.BatchNormalization(momentum=0.5)
            self.penalty = layers.ActivityRegularization(l2=0.1)

        def call(self, x):
            return self.penalty(self.norm(self.drop(x)))

    def gradient(wrapped):
        block = Block()
        block.build(X.shape)
        block(X)
        fastdl.utils.set_random_seed(4)
        x = fastdl.tensor(X, requires_grad=True)
        y = (fastdl.remat(block) if wrapped else block)(x, training=True)
        loss = (y**3).sum() + sum(block.losses)
        loss.backward()
        return x.grad.numpy(), block.norm.moving_mean.numpy(), len(block.losses)

    (plain, mean, count), (again, mean_again, count_again) = gradient(False), gradient(True)
    np.testing.assert_allclose(again, plain, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(mean_again, mean)
    assert count == count_again == 1 and len(second_calls) == 1


def test_a_method_of_a_layer_in_a_model(second_calls):
    class Block(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(3)
            self.again = fastdl.remat(self.part)

        def part(self, x, factor):
            return {"y": fastdl.tanh(self.inner(x)) * factor}

        def call(self, x):
            return self.again(x, factor=2.0)["y"]

    model = fastdl.Sequential([layers.Input((3,)), Block(), layers.Dense(1)])
    model.compile("sgd", "mse")
    losses = model.fit(X, Y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0] and second_calls


def test_copies_of_a_layer_are_their_own():
    with fastdl.RematScope():
        layer = layers.Dense(2, activation="relu")
    layer(X)
    twin = copy.deepcopy(layer)
    layer.set_weights([w * 0 for w in layer.get_weights()])
    assert np.abs(twin(X).numpy()).max() > 0


def test_a_layer_decides_for_itself(second_calls):
    class Own(layers.Layer):
        def call(self, x):
            return fastdl.exp(x)

        def rematerialized_call(self, layer_call, *args, **kwargs):
            assert args[0].shape == (16, 3)
            return layer_call

    with fastdl.RematScope():
        layer = Own()
    x = fastdl.tensor(X, requires_grad=True)
    layer(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp(X), rtol=1e-6)
    assert not second_calls


def test_what_remat_takes():
    with pytest.raises(ValueError, match="RematScope: mode: expected"):
        fastdl.RematScope("some")
    with pytest.raises(ValueError, match="layer_names: expected a list of names"):
        fastdl.RematScope("list_of_layers", layer_names="dense")
    with pytest.raises(ValueError, match="output_size_threshold"):
        fastdl.RematScope("larger_than", output_size_threshold=-1)
    with pytest.raises(TypeError, match="remat: f"):
        fastdl.remat(3)


@pytest.mark.parametrize("eager", [True, False])
def test_recurrent_layers_with_dropout_and_states(eager):
    """Masks are drawn once for all steps; a second call starts with the state of the first."""
    steps = np.random.default_rng(2).normal(size=(16, 5, 3)).astype("float32")

    def net(scope):
        fastdl.utils.set_random_seed(0)
        with scope:
            x = layers.Input(batch_shape=(4, 5, 3))
            y = layers.LSTM(4, return_sequences=True, dropout=0.2, recurrent_dropout=0.1)(x)
            y = layers.MultiHeadAttention(2, 3, dropout=0.1)(y, y)
            y = layers.SimpleRNN(3, stateful=True)(y)
        return fastdl.Model(x, layers.Dense(1)(y))

    found = []
    for scope in (nullcontext(), fastdl.RematScope()):
        model = net(scope)
        model.compile("sgd", "mse", run_eagerly=eager)
        model.fit(steps, Y, batch_size=4, epochs=3, verbose=0, shuffle=False)
        found.append(model.get_weights())
    for plain, again in zip(*found, strict=True):
        np.testing.assert_allclose(again, plain, rtol=1e-5, atol=1e-7)


def test_a_layer_whose_result_depends_on_what_it_changes(second_calls):
    def gradient(scope):
        fastdl.utils.set_random_seed(0)
        with scope:
            layer = layers.SpectralNormalization(layers.Dense(4))
        layer.build((None, 3))
        x = fastdl.tensor(X, requires_grad=True)
        (layer(x, training=True) ** 2).sum().backward()
        return x.grad.numpy(), layer.vector_u.numpy()

    plain, again = gradient(nullcontext()), gradient(fastdl.RematScope())
    for one, other in zip(plain, again, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-6)
    assert second_calls


def test_names_of_scopes():
    def path():
        return fastdl.Variable([1.0], name="w").path

    with fastdl.name_scope("a"):
        with fastdl.name_scope("a"):
            assert path() == "a/a/w"
        with fastdl.name_scope("b", override_parent="/x/y"):
            assert path() == "x/y/b/w"
            with fastdl.name_scope("c"):
                assert path() == "x/y/b/c/w"
        assert path() == "a/w"
    caller = object()
    with fastdl.name_scope("a", caller=caller):
        with fastdl.name_scope("a", caller=caller):  # what Keras's layers do in themselves
            assert path() == "a/w"
        with fastdl.name_scope("a", caller=object()):
            assert path() == "a/a/w"
        with fastdl.name_scope("a", caller=caller, deduplicate=False):
            assert path() == "a/a/w"
    assert path() == "w"
    for wrong in ({"name": "a/b"}, {"name": 4}, {"name": "a", "override_parent": 3}):
        with pytest.raises(ValueError, match="name_scope"):
            fastdl.name_scope(**wrong)


def test_what_is_called_for_a_variable():
    w = fastdl.Variable([1.0])
    for name in ("regularizer", "constraint"):
        setattr(w, name, abs)
        assert getattr(w, name) is abs
        setattr(w, name, None)
        with pytest.raises(ValueError, match=f"{name}: expected a function or None, got 'l1'"):
            setattr(w, name, "l1")
