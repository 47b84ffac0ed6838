"""Recurrent layers: Keras's outputs, states, dropout, training and bad input."""

import json
from pathlib import Path

import numpy as np
import pytest
import recurrent_cases as cases

import fastdl
from fastdl import layers

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "recurrent_layers.json").read_text())
CASES = cases.layer_cases()
EPS = float(np.finfo(np.float32).eps)


def flat_shapes(shape):
    if not isinstance(shape[0], (tuple, list)):
        return [tuple(shape)]
    return [leaf for part in shape for leaf in flat_shapes(part)]


@pytest.mark.parametrize("name", CASES)
def test_outputs_of_keras(name):
    layer, (x, arguments), outputs = cases.output(fastdl, *CASES[name])
    wanted = GOLDEN[name]
    assert [list(y.shape) for y in outputs] == [w["shape"] for w in wanted]
    for y, w in zip(outputs, wanted, strict=True):
        # Values are written with six decimals; sums of at most 30 products, damped by the gates.
        scale = max(1.0, np.abs(w["y"]).max())
        np.testing.assert_allclose(y.numpy().ravel(), w["y"], rtol=0, atol=4e-6 * scale)
    shapes = layer.compute_output_shape(x.shape)
    assert [tuple(y.shape) for y in outputs] == flat_shapes(shapes)
    twin = layers.deserialize(layers.serialize(layer))
    twin(x)
    twin.set_weights(layer.get_weights())
    for y, other in zip(outputs, cases.flat(twin(x, **arguments)), strict=True):
        assert fastdl.equal(y, other)


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
@pytest.mark.parametrize("masked", [False, True])
def test_one_operation_and_step_by_step_agree(kind, masked):
    fastdl.utils.set_random_seed(0)
    layer = getattr(layers, kind)(7, return_sequences=True, return_state=True)
    x = np.random.default_rng(0).standard_normal((5, 9, 4)).astype("float32")
    mask = np.arange(9) < np.array([9, 1, 4, 8, 0])[:, None] if masked else None
    fused = cases.flat(layer(x, mask=mask))
    loop = layers.RNN(layer.cell, return_sequences=True, return_state=True)
    loop.cell.fused_name = lambda training: None
    for y, other in zip(fused, cases.flat(loop(x, mask=mask)), strict=True):
        # Nine steps of sums of 11 products below 1; the order of the sums differs.
        np.testing.assert_allclose(y.numpy(), other.numpy(), rtol=0, atol=64 * EPS)


def trained(make, steps=6, epochs=3):
    fastdl.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, steps, 3)).astype("float32")
    y = x[:, 0, :1] + x[:, -1, 1:2]
    model = fastdl.Sequential([make(), layers.Dense(1)])
    model.compile(fastdl.optimizers.Adam(0.02), "mse")
    history = model.fit(x, y, batch_size=16, epochs=epochs, verbose=0)
    return model, x, history.history["loss"]


MAKERS = {
    "lstm": lambda: layers.LSTM(16),
    "gru": lambda: layers.GRU(16),
    "simple": lambda: layers.SimpleRNN(16),
    "both": lambda: layers.Bidirectional(layers.LSTM(8)),
    "steps": lambda: layers.GRU(16, reset_after=False, recurrent_dropout=0.1, seed=1),
    "stacked": lambda: layers.RNN([layers.LSTMCell(8), layers.GRUCell(8)]),
}


@pytest.mark.parametrize("name", MAKERS)
def test_layers_learn_and_predict_the_same_in_any_batch(name):
    model, x, loss = trained(MAKERS[name], epochs=8)
    assert loss[-1] < 0.5 * loss[0]
    whole = model.predict(x, verbose=0)
    assert np.array_equal(
        whole, np.concatenate([model.predict(x[i : i + 1], verbose=0) for i in range(64)])
    )
    assert np.array_equal(whole, model(x).numpy())


def test_a_stateful_layer_goes_on():
    x = np.random.default_rng(0).standard_normal((2, 8, 3)).astype("float32")
    layer = layers.LSTM(4, stateful=True, return_sequences=True)
    first = layer(x[:, :5])
    second = layer(x[:, 5:])
    plain = layers.LSTM(4, return_sequences=True)
    plain(x)
    plain.set_weights(layer.get_weights())
    assert len(layer.get_weights()) == 3  # the states are no weights
    np.testing.assert_array_equal(
        np.concatenate([first.numpy(), second.numpy()], 1), plain(x).numpy()
    )
    layer.reset_state()
    assert fastdl.equal(layer(x[:, :5]), first)
    with pytest.raises(
        ValueError, match=r"states of this stateful layer are those of 2 samples.* 3"
    ):
        layer(np.ones((3, 5, 3), "float32"))


def test_recorded_steps_of_a_stateful_model_carry_the_states():
    model = fastdl.Sequential(
        [layers.Input(batch_shape=(2, 3, 2)), layers.GRU(4, stateful=True), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).standard_normal((8, 3, 2)).astype("float32")
    outputs = model.predict(x, batch_size=2, verbose=0)
    model.layers[0].reset_state()
    one_by_one = [model(x[i : i + 2]).numpy() for i in range(0, 8, 2)]
    np.testing.assert_array_equal(outputs, np.concatenate(one_by_one))


def test_replays_need_not_look_into_the_states():
    x = np.random.default_rng(0).standard_normal((4, 1, 3)).astype("float32")
    cells = [layers.LSTMCell(4), layers.GRUCell(2)]
    model = fastdl.Sequential(
        [
            layers.Input(batch_shape=(1, 1, 3)),
            layers.RNN(cells, stateful=True, return_sequences=True),
            layers.LSTM(4, stateful=True),
        ]
    )
    found = [model.predict_on_batch(x[i : i + 1]) for i in range(4)]
    nested, flat = (layer.states for layer in model.layers)
    assert [tuple(t.shape for t in states) for states in (nested[0], flat)] == [((1, 4),) * 2] * 2
    # They cannot be replaced behind the back of a recorded step.
    with pytest.raises(TypeError, match="does not support item assignment"):
        flat[0] = fastdl.ones(1, 4)
    (signature,) = model._runner("predict").function._signatures.values()
    assert signature.plan is not None and not signature.guards.unseen
    for layer in model.layers:
        layer.reset_state()
    np.testing.assert_array_equal(found, [model(x[i : i + 1]).numpy() for i in range(4)])


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
@pytest.mark.parametrize("option", ["dropout", "recurrent_dropout"])
def test_dropout_is_the_same_in_all_steps_and_off_in_inference(kind, option):
    fastdl.utils.set_random_seed(0)
    layer = getattr(layers, kind)(4, return_sequences=True, **{option: 0.5})
    x = np.random.default_rng(0).standard_normal((3, 4, 5)).astype("float32")
    plain = layer(x)
    assert fastdl.equal(layer(x), plain)
    one, two = layer(x, training=True), layer(x, training=True)
    assert not fastdl.equal(one, two)
    assert layer.cell._dropout_masks is None and layer.cell._recurrent_masks is None
    if option == "dropout":
        # The first step of the state is zero, so the inputs that are left are scaled by 2.
        assert set(np.unique(np.concatenate(seen_masks(layer, x)))) <= {0.0, 2.0}


def seen_masks(layer, x):
    masks = layer.cell.get_dropout_mask(fastdl.tensor(x))
    layer.cell.reset_dropout_mask()
    return [m.numpy().ravel() for m in masks]


def test_a_layer_in_a_functional_model_with_states():
    encoder_in, decoder_in = layers.Input((None, 3)), layers.Input((None, 2))
    _, h, c = layers.LSTM(4, return_state=True)(encoder_in)
    y = layers.LSTM(4, return_sequences=True)(decoder_in, initial_state=[h, c])
    model = fastdl.Model([encoder_in, decoder_in], layers.Dense(1)(y))
    model.compile("adam", "mse")
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((8, n, k)).astype("float32") for n, k in ((5, 3), (6, 2)))
    loss = model.fit([a, b], b[..., :1], epochs=20, verbose=0).history["loss"]
    assert loss[-1] < loss[0]
    assert model.predict([a[:, :2], b[:, :3]], verbose=0).shape == (8, 3, 1)
    twin = fastdl.Model.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    assert fastdl.equal(twin([a, b]), model([a, b]))


def test_files_keep_recurrent_layers(tmp_path):
    model, x, _ = trained(lambda: layers.Bidirectional(layers.GRU(4, return_sequences=False)))
    path = tmp_path / "model.fastdl"
    model.save(path)
    assert fastdl.equal(fastdl.models.load_model(path)(x), model(x))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers.LSTM(0), "LSTM: units: expected an integer of at least 1, got 0"),
        (lambda: layers.GRU(2, dropout=1.5), "GRU: dropout: expected a number in .*got 1.5"),
        (lambda: layers.LSTM(2, use_cudnn=2), "LSTM: use_cudnn: expected 'auto', True or False"),
        (
            lambda: layers.Bidirectional(layers.GRU(2, use_cudnn=True))(np.ones((2, 3, 4))),
            "there is no cuDNN here",
        ),
        (lambda: layers.LSTM(2)(np.ones((2, 3))), "expected .*3"),
        (
            lambda: layers.RNN(layers.Dense(2)),
            "RNN: cell: expected cells with `call` and `state_size`",
        ),
        (lambda: layers.StackedRNNCells([]), "StackedRNNCells: cells: expected a list of cells"),
        (
            lambda: layers.LSTM(2)(np.ones((2, 3, 4)), mask=np.ones((2, 4), bool)),
            r"mask: expected shape \(2, 3\), one value for each step, got \(2, 4\)",
        ),
        (
            lambda: layers.LSTM(2)(np.ones((2, 3, 4)), initial_state=[np.ones((2, 2))]),
            "initial_state: expected 2 states, got 1",
        ),
        (
            lambda: layers.GRU(2)(np.ones((2, 3, 4)), initial_state=[np.ones((3, 2))]),
            r"h: expected shape \(2, 2\), got \(3, 2\)",
        ),
        (
            lambda: layers.RNN(layers.GRUCell(2, reset_after=False))(np.ones((2, 0, 4))),
            "at least one step",
        ),
        (
            lambda: layers.Bidirectional(layers.Dense(2)),
            "Bidirectional: layer: expected a recurrent layer",
        ),
        (
            lambda: layers.Bidirectional(layers.LSTM(2), backward_layer=layers.LSTM(2)),
            "layers of different directions",
        ),
        (
            lambda: layers.Bidirectional(
                layers.LSTM(2), backward_layer=layers.LSTM(2, go_backwards=True, return_state=True)
            ),
            "the same return_state, got False and True",
        ),
        (lambda: layers.Bidirectional(layers.LSTM(2), merge_mode="max"), "merge_mode: expected"),
        (
            lambda: layers.ConvLSTM2D(2, 5)(np.ones((1, 2, 4, 4, 1))),
            r"a kernel of 5 places does not fit into 4 of the places \(4, 4\)",
        ),
        (
            lambda: layers.ConvLSTM1D(2, 3, strides=2, dilation_rate=2),
            "only one of them can be above 1",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_no_steps_give_the_initial_states():
    y, h, c = layers.LSTM(3, return_sequences=True, return_state=True)(np.ones((2, 0, 4)))
    assert y.shape == (2, 0, 3) and not h.numpy().any() and not c.numpy().any()


@pytest.mark.parametrize("second", ["LSTM", "GRU"])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_stack_with_a_mask_is_one_layer_after_the_other(second, backwards):
    x, mask = cases.waves(cases.SHAPE, 0.37), cases.MASK
    cells = [layers.GRUCell(3), getattr(layers, f"{second}Cell")(3)]
    options = {"return_sequences": True, "go_backwards": backwards}
    stack = layers.RNN(cells, **options)
    sizes = (3, 3) if second == "GRU" else (3, 3, 3)
    states = [cases.waves((3, n), 0.5 + i) for i, n in enumerate(sizes)]
    nested = [states[0], states[1] if second == "GRU" else states[1:]]
    y = stack(x, mask=mask, initial_state=nested)
    first = layers.RNN(cells[0], **options)
    upper = layers.RNN(cells[1], return_sequences=True)
    below = first(x, mask=mask, initial_state=states[0])
    wanted = upper(below, mask=mask[:, ::-1] if backwards else mask, initial_state=states[1:])
    # Five steps of sums of six products below 1, in another order.
    np.testing.assert_allclose(y.numpy(), wanted.numpy(), rtol=0, atol=32 * EPS)


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU])
def test_the_implementation_of_older_configs_changes_nothing(kind):
    fastdl.manual_seed(0)
    one = kind(3, implementation=1)
    x = np.ones((2, 4, 5), np.float32)
    expected = one(x)
    other = kind(3, implementation=2)
    other.build(x.shape)
    other.set_weights(one.get_weights())
    np.testing.assert_array_equal(other(x), expected)
    with pytest.raises(ValueError, match=f"{kind.__name__}: implementation: .* got 3"):
        kind(3, implementation=3)


class Doubled:
    """A cell whose output is no state, and has another width."""

    state_size, output_size = 2, 4

    def call(self, inputs, states):
        h = inputs + states[0]
        return fastdl.keras.ops.concatenate([2 * h, h], axis=1), [h]


def test_masked_outputs_of_a_cell_of_ones_own():
    x, start = cases.waves(cases.SHAPE, 0.37), np.ones((3, 2), "float32")
    layer = layers.RNN(Doubled(), return_sequences=True)
    y = layer(x, mask=cases.MASK, initial_state=start).numpy()
    wanted, h, out = np.zeros((3, 5, 4)), start.astype("float64"), np.zeros((3, 4))
    for t in range(5):
        counts = cases.MASK[:, t, None]
        h = np.where(counts, x[:, t] + h, h)
        out = np.where(counts, np.concatenate([2 * h, h], 1), out)
        wanted[:, t] = out
    np.testing.assert_allclose(y, wanted, rtol=8 * EPS, atol=0)


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_zeros_for_masked_steps_are_kept_in_configs(kind):
    layer = getattr(layers, kind)(3, return_sequences=True, zero_output_for_mask=True)
    x = cases.waves(cases.SHAPE, 0.37)
    y = layer(x, mask=cases.MASK)
    assert not y.numpy()[~cases.MASK].any() and y.numpy()[cases.MASK].all()
    twin = layers.deserialize(layers.serialize(layer))
    twin.build(x.shape)
    twin.set_weights(layer.get_weights())
    assert fastdl.equal(twin(x, mask=cases.MASK), y)


@pytest.mark.parametrize("option", ["dropout", "recurrent_dropout"])
@pytest.mark.parametrize("rank", [1, 2])
def test_dropout_of_convolutional_layers(option, rank):
    fastdl.utils.set_random_seed(0)
    kind = getattr(layers, f"ConvLSTM{rank}D")
    # Without functions an output is the product of output gate, input gate and candidate.
    layer = kind(
        *(2, 1), **{option: 0.25}, kernel_initializer="ones", recurrent_initializer="ones",
        recurrent_activation="linear", activation="linear", bias_initializer="zeros",
        unit_forget_bias=False, return_sequences=True,
    )  # fmt: skip
    x = np.ones((50, 2, *(4,) * rank, 1), "float32")
    one, two = layer(x, training=True).numpy(), layer(x, training=True).numpy()
    assert (one != two).any() and layer.cell._dropout_masks is None
    first = one[:, 0]
    if option == "dropout":  # each is 0, or 4/3 of the input
        found = np.unique(first.round(4))
        np.testing.assert_allclose(found, [0, (4 / 3) ** 3], atol=1e-4)
        # 400 or more products of three values that stay with probability 0.75 each.
        assert abs((first > 0).mean() - 0.75**3) < 0.1
    else:
        assert (first == 1).all() and len(np.unique(one[:, 1].round(3))) > 4


@pytest.mark.parametrize("kind", ["SimpleRNNCell", "GRUCell"])
def test_a_state_without_a_list_leaves_without_one(kind):
    cell = getattr(layers, kind)(2)
    y, state = cell(np.ones((3, 4), "float32"), np.ones((3, 2), "float32"))
    assert fastdl.equal(y, state)
    again, states = cell(np.ones((3, 4), "float32"), [np.ones((3, 2), "float32")])
    assert fastdl.equal(again, y) and fastdl.equal(states[0], y)


class Louder(layers.LSTMCell):
    """Has another step than the library's cell, and other states at the beginning."""

    def call(self, inputs, states, training=False):
        y, states = super().call(inputs, states, training)
        return 2.0 * y, states

    def get_initial_state(self, batch_size):
        return [fastdl.ones(batch_size, self.units)] * 2


class Begun(layers.GRU):
    def get_initial_state(self, batch_size):
        return [fastdl.ones(batch_size, self.units)]


class Named(layers.LSTMCell):
    def __init__(self, units, label="", **kwargs):
        super().__init__(units, **kwargs)
        self.label = label


def test_subclasses_of_cells_and_layers_keep_their_own_steps():
    x = cases.waves(cases.SHAPE, 0.37)
    ones = [np.ones((3, 4), "float32")] * 2
    layer = layers.RNN(Louder(4), return_sequences=True)
    y = layer(x)
    plain = layers.LSTM(4, return_sequences=True)
    plain.build(x.shape)
    plain.set_weights(layer.get_weights())
    # Five steps of sums of six products below 1, in another order.
    np.testing.assert_allclose(y, 2 * plain(x, initial_state=ones), rtol=0, atol=64 * EPS)
    begun = Begun(4)
    y = begun(x)
    twin = layers.GRU(4)
    twin.build(x.shape)
    twin.set_weights(begun.get_weights())
    assert fastdl.equal(y, twin(x, initial_state=ones[:1]))
    assert Louder(4).fused_name(False) is None and Named(4).fused_name(False) == "lstm"


class Running(layers.RNN):
    """The running sum of the steps, by a call of its own."""

    def __init__(self, **kwargs):
        kwargs.pop("cell", None)
        super().__init__(layers.SimpleRNNCell(2), **kwargs)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        x = fastdl.keras.ops.flip(sequences, axis=1) if self.go_backwards else sequences
        return fastdl.keras.ops.cumsum(x, axis=1)


def test_bidirectional_reverses_what_a_call_of_ones_own_returns():
    x = cases.waves(cases.SHAPE, 0.37)
    y = layers.Bidirectional(Running(return_sequences=True))(x).numpy()
    back = x[:, ::-1].cumsum(1)[:, ::-1]
    # Sums of five values of at most 1.
    np.testing.assert_allclose(y, np.concatenate([x.cumsum(1), back], -1), rtol=0, atol=16 * EPS)


STATEFUL = {
    **{kind: lambda kind=kind: getattr(layers, kind)(4, stateful=True) for kind in cases._KINDS},
    "steps": lambda: layers.LSTM(4, stateful=True, activation="relu"),
    "stack": lambda: layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)], stateful=True),
    "both": lambda: layers.Bidirectional(layers.GRU(4, stateful=True)),
    "convolutional": lambda: layers.ConvLSTM1D(2, 1, stateful=True),
}


def stateful_model(name, x):
    fastdl.utils.set_random_seed(0)
    inputs = layers.Input(batch_shape=(2, *x.shape[1:]))
    masked = layers.Masking()(inputs) if x.ndim == 3 else inputs
    y = layers.Flatten()(STATEFUL[name]()(masked))
    return fastdl.Model(inputs, layers.Dense(1)(y))


@pytest.mark.parametrize("name", STATEFUL)
def test_stateful_layers_train_the_same_in_recorded_steps(name):
    x = np.random.default_rng(0).standard_normal((8, 4, 3)).astype("float32")
    x[3, 2:] = x[5, 1] = 0.0
    y = x[:, 0, :1]
    x = x[..., None] if name == "convolutional" else x
    found = []
    for eagerly in (False, True):
        model = stateful_model(name, x)
        model.compile(fastdl.optimizers.SGD(0.1), "mse", run_eagerly=eagerly)
        history = model.fit(x, y, batch_size=2, epochs=2, shuffle=False, verbose=0).history
        found.append((history["loss"], [w.tolist() for w in model.get_weights()]))
    assert found[0] == found[1] and found[0][0][1] < found[0][0][0]


@pytest.mark.parametrize("kind", cases._KINDS)
def test_stateful_layers_train_from_the_states_of_the_batch_before(kind):
    """The same as a layer that gets these states as arguments."""
    x = np.random.default_rng(0).standard_normal((8, 4, 3)).astype("float32")
    y = x[:, 0, :1]
    model = stateful_model(kind, x)
    start = model.get_weights()
    model.compile(fastdl.optimizers.SGD(0.1), "mse")
    model.fit(x, y, batch_size=2, epochs=2, shuffle=False, verbose=0)
    plain, last = getattr(layers, kind)(4, return_state=True), layers.Dense(1)
    plain.build((2, 4, 3))
    last.build((2, 4))
    plain.set_weights(start[:3])
    last.set_weights(start[3:])
    weights, states = plain.trainable_weights + last.trainable_weights, None
    for i in (*range(0, 8, 2), *range(0, 8, 2)):
        h, *states = plain(x[i : i + 2], initial_state=states)
        states = [state.detach() for state in states]
        loss = ((last(h) - y[i : i + 2]) ** 2.0).mean()
        for w, g in zip(weights, fastdl.autograd.grad(loss, weights), strict=True):
            w.assign(w.detach() - 0.1 * g)
    for w, wanted in zip(weights, model.get_weights(), strict=True):
        # Eight steps that subtract gradients of about 1, whose sums have another order.
        np.testing.assert_allclose(w.numpy(), wanted, rtol=0, atol=32 * EPS)


def test_a_try_of_a_stateful_model_leaves_the_states():
    """`fit` and `evaluate` find out shapes on the first batch, which counts once."""
    x = np.random.default_rng(0).standard_normal((4, 4, 3)).astype("float32")
    model = stateful_model("LSTM", x)
    model.compile("sgd", "mse")
    first = model.evaluate(x, x[:, 0, :1], batch_size=2, verbose=0)
    model.layers[2].reset_state()
    assert model.evaluate(x, x[:, 0, :1], batch_size=2, verbose=0) == first
