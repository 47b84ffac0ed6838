"""Programs whose results could be wrong, or whose writes could be lost, without an error."""

import re
import warnings

import children
import numpy as np
import pytest

import fastdl
from fastdl import _core, layers, metrics, nn, optim, random, utils
from fastdl._base import notices
from fastdl.nn import functional as F

T = fastdl.tensor


@pytest.fixture(autouse=True)
def nothing_said():
    """Each test gives the warnings that are given once per process."""
    before = set(notices._said)
    notices._said.clear()
    yield
    notices._said.update(before)


# --- writes into parts of a tensor

WRITTEN = {
    "fill_ of a row": ("z[0].fill_(3)", [[3, 3], [3, 4]]),
    "rows of a loop": ("for row in z: row.fill_(1)", [[1, 1], [1, 1]]),
    "a row by name": ("r = z[0]\nr += 1", [[2, 3], [3, 4]]),
    "a row in a function": ("def f(z):\n    r = z[0]\n    r += 1\nf(z)", [[2, 3], [3, 4]]),
    "an attribute": ("self.r = z[0]\nself.r += 1", [[2, 3], [3, 4]]),
    "item of a row": ("z[0][1] = 3", [[1, 3], [3, 4]]),
    "item of a row, in place": ("z[0][1] += 3", [[1, 5], [3, 4]]),
    "t": ("z.t()[0, 0] = 9", [[9, 2], [3, 4]]),
    "T": ("z.T.zero_()", [[0, 0], [0, 0]]),
    "mT": ("z.mT.zero_()", [[0, 0], [0, 0]]),
    "transpose": ("z.transpose(0, 1).add_(1)", [[2, 3], [4, 5]]),
    "permute": ("z.permute(1, 0).mul_(2)", [[2, 4], [6, 8]]),
    "movedim": ("z.movedim(0, 1).sub_(2)", [[-1, 0], [1, 2]]),
    "narrow": ("z.narrow(0, 0, 1).zero_()", [[0, 0], [3, 4]]),
    "split": ("z.split(1)[0].zero_()", [[0, 0], [3, 4]]),
    "chunk": ("z.chunk(2)[0].zero_()", [[0, 0], [3, 4]]),
    "unbind": ("z.unbind()[0].zero_()", [[0, 0], [3, 4]]),
    "detached": ("z[0].detach().zero_()", [[0, 0], [3, 4]]),
    "data": ("z[0].data.zero_()", [[0, 0], [3, 4]]),
    "view of a slice": ("z[:, 1:].view(2).zero_()", [[1, 0], [3, 0]]),
    "slice": ("z[:1].copy_(z[1:])", [[3, 4], [3, 4]]),
    "None and ...": ("z[None, ..., 0].zero_()", [[0, 2], [0, 4]]),
    "scatter_": ("z[0].scatter_(0, T([0]), 1.0)", [[1, 2], [3, 4]]),
    "in a graph": ("w = T([[1.0, 2.0]], requires_grad=True)\nh = w * 2\nr = h[0]\nr += 1\n"
                   "z[:1] = h.detach()", [[3, 5], [3, 4]]),
}  # fmt: skip


@pytest.mark.parametrize(("program", "result"), WRITTEN.values(), ids=WRITTEN)
def test_a_write_into_a_part_reaches_the_tensor(program, result):
    z = T([[1.0, 2.0], [3.0, 4.0]])
    exec(program, {"z": z, "fastdl": fastdl, "T": T, "self": type("A", (), {})()})
    assert z.tolist() == result


def test_random_values_reach_the_tensor():
    z = fastdl.full((2, 100), 5.0)
    z[0].uniform_()
    assert z.max(1).values.tolist()[0] < 1
    assert z[1].tolist() == [5] * 100


REPEATED = {
    "expand": "z.expand(2, 2, 2).zero_()",
    "expand_as": "z.expand_as(fastdl.zeros(2, 2, 2)).zero_()",
    "broadcast_to": "fastdl.broadcast_to(z, (2, 2, 2)).zero_()",
}


@pytest.mark.parametrize("program", REPEATED.values(), ids=REPEATED)
def test_a_write_into_repeated_elements_raises(program):
    z = T([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(RuntimeError, match=r"one element of the tensor.*clone\(\)"):
        exec(program, {"z": z, "fastdl": fastdl})
    assert z.tolist() == [[1.0, 2.0], [3.0, 4.0]]


KEPT = {
    "item": ("z[0] = 7", [[7, 7], [3, 4]]),
    "item in place": ("z[0] += 1", [[2, 3], [3, 4]]),
    "slice in place": ("z[:, 1] *= 2", [[1, 4], [3, 8]]),
    "constant slice in place": ("z[0:1] -= 1", [[0, 1], [3, 4]]),
    "in a function": ("def f(z):\n    z[1, 0] //= 2\nf(z)", [[1, 2], [1, 4]]),
    "in a loop": ("for i in range(2):\n    z[i] **= 2", [[1, 4], [9, 16]]),
    "ellipsis": ("z[...] += 1", [[2, 3], [4, 5]]),
    "mask": ("z[z > 2] -= 1", [[1, 2], [2, 3]]),
    "array": ("z[T([1])] += 1", [[1, 2], [4, 5]]),
    "attribute": ("box.z = z\nbox.z[0] += 1", [[2, 3], [3, 4]]),
    "whole": ("r = z[:]\nr += 1", [[2, 3], [4, 5]]),
    "view": ("z.view(4)[1:3] = 0", [[1, 0], [0, 4]]),
    "reshape": ("z.reshape(4).zero_()", [[0, 0], [0, 0]]),
    "flatten": ("z.flatten().add_(1)", [[2, 3], [4, 5]]),
    "detach": ("z.detach().zero_()", [[0, 0], [0, 0]]),
    # Copies in PyTorch, too, and tensors of their own.
    "clone": ("r = z[0].clone()\nr += 1", [[1, 2], [3, 4]]),
    "contiguous": ("r = z.t().contiguous()\nr += 1", [[1, 2], [3, 4]]),
    "gathered": ("r = z[T([0])]\nr += 1", [[1, 2], [3, 4]]),
    "masked": ("r = z[z > 1]\nr.zero_()", [[1, 2], [3, 4]]),
    "sum": ("r = z[0] + z[1]\nr += 1", [[1, 2], [3, 4]]),
    "rebinding": ("r = z[0]\nr = r + 1", [[1, 2], [3, 4]]),
    "parameter": ("p = nn.Parameter(z[0], False)\np += 1", [[1, 2], [3, 4]]),
    "data": ("p = nn.Parameter(fastdl.zeros(2), False)\np.data = z[0]\np += 1", [[1, 2], [3, 4]]),
    "buffer": ("m = nn.Module()\nm.register_buffer('b', z[0])\nm.b += 1", [[1, 2], [3, 4]]),
    "gradient": ("p = nn.Parameter(fastdl.zeros(2))\np.grad = z[0]\np.grad.zero_()",
                 [[1, 2], [3, 4]]),
}  # fmt: skip


@pytest.mark.parametrize(("program", "result"), KEPT.values(), ids=KEPT)
def test_writes_that_are_not_lost(program, result):
    z = T([[1.0, 2.0], [3.0, 4.0]])
    exec(program, {"z": z, "fastdl": fastdl, "nn": nn, "T": T, "box": type("A", (), {})()})
    assert z.tolist() == result


def test_trained_on_slices():
    """Slices as inputs, targets and batches are read only."""
    x, y = fastdl.randn(12, 3), fastdl.randn(12, 1)
    model = nn.Linear(3, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for i in range(0, 12, 4):
        optimizer.zero_grad()
        F.mse_loss(model(x[i : i + 4]), y[i : i + 4]).backward()
        optimizer.step()
    keras_model = fastdl.Sequential([layers.Dense(1)])
    keras_model.compile("sgd", "mse")
    keras_model.fit(x[:8], y[:8], validation_data=(x[8:], y[8:]), batch_size=4, verbose=0)


# --- operators in place

IN_PLACE = {
    "+=": ([5, 7], [2, 3], [7, 10]),
    "-=": ([5, 7], [2, 3], [3, 4]),
    "*=": ([5, 7], [2, 3], [10, 21]),
    "//=": ([5, 7], [2, 3], [2, 2]),
    "%=": ([5, 7], [2, 4], [1, 3]),
    "**=": ([5, 7], 2, [25, 49]),
    "&=": ([True, False], [True, True], [True, False]),
    "|=": ([True, False], [True, True], [True, True]),
    "^=": ([True, False], [True, True], [False, True]),
}


@pytest.mark.parametrize("symbol", IN_PLACE)
def test_operators_work_in_place(symbol):
    a, b, expected = IN_PLACE[symbol]
    names = {"a": T(a), "b": T(b)}
    before = names["a"]
    exec(f"a {symbol} b", names)
    assert names["a"] is before
    assert before.tolist() == expected


def test_division_and_products_in_place():
    a = before = T([5.0, 7.0])
    a /= 2
    assert a is before and a.tolist() == [2.5, 3.5]
    m = before = T([[1.0, 2.0], [3.0, 4.0]])
    m @= fastdl.eye(2) * 2
    assert m is before and m.tolist() == [[2.0, 4.0], [6.0, 8.0]]


@pytest.mark.parametrize(
    ("a", "program", "error", "message"),
    [
        (fastdl.ones(2, 1), "a += fastdl.ones(2, 3)", ValueError, r"\+=.*\(2, 3\).*\(2, 1\)"),
        (T([1, 2]), "a += 0.5", TypeError, r"\+=.*float32 does not fit.*int64"),
        (T([1, 2]), "a /= 2", TypeError, r"/=.*float32 does not fit.*int64"),
        (T([True]), "a += 1", TypeError, r"\+=.*int64 does not fit.*bool"),
        (T([1.0]), "a &= True", TypeError, r"operator &: expected tensors of dtype bool"),
        (T([1.0]), "a += 'x'", TypeError, r"unsupported operand"),
        (T([1.0]), "a -= None", TypeError, r"unsupported operand"),
    ],
)
def test_operators_in_place_do_not_change_shape_or_type(a, program, error, message):
    before = a.tolist()
    with pytest.raises(error, match=message):
        exec(program, {"a": a, "fastdl": fastdl})
    assert a.tolist() == before


@pytest.mark.parametrize("symbol", ["+=", "-=", "*=", "/=", "**=", "//=", "%="])
def test_parameters_are_not_rebound(symbol):
    linear = nn.Linear(2, 1)
    linear(fastdl.ones(1, 2)).sum().backward()
    with pytest.raises(RuntimeError, match=re.escape(f"operator {symbol}: a leaf")):
        exec(f"for p in ps: p {symbol} 0.1 * p.grad", {"ps": linear.parameters()})
    with fastdl.no_grad():
        weight = linear.weight.numpy().copy()
        for p in linear.parameters():
            p -= 0.1 * p.grad
        np.testing.assert_allclose(linear.weight.numpy(), weight - np.float32(0.1), rtol=1e-6)


def test_inner_results_of_a_graph_are_rebound():
    w = T([2.0], requires_grad=True)
    loss = w * 3
    loss += w
    loss.sum().backward()
    assert w.grad.tolist() == [4.0]


# --- losses


@pytest.mark.parametrize(
    "loss",
    [
        lambda z, t: F.cross_entropy(z, t),
        lambda z, t: F.cross_entropy(z, t, weight=T([1.0, 2.0, 3.0])),
        lambda z, t: F.cross_entropy(z, t, label_smoothing=0.1),
        lambda z, t: F.cross_entropy(z, t, weight=T([1.0, 2.0, 3.0]), label_smoothing=0.1),
        lambda z, t: F.nll_loss(z, t),
        lambda z, t: F.nll_loss(z, t, weight=T([1.0, 2.0, 3.0])),
    ],
)
def test_all_targets_ignored(loss):
    z = fastdl.randn(4, 3, requires_grad=True)
    value = loss(z, fastdl.full((4,), -100))
    value.backward()
    assert np.isnan(value.item())
    assert z.grad.tolist() == [[0.0] * 3] * 4


def test_weights_that_are_all_zero_have_no_gradient():
    z = fastdl.randn(2, 3, requires_grad=True)
    F.cross_entropy(z, T([0, 0]), weight=T([0.0, 1.0, 1.0])).backward()
    assert z.grad.tolist() == [[0.0] * 3] * 2


def test_binary_cross_entropy_at_the_ends():
    p = T([1.0, 0.0, 1.0, 0.0, 0.25], requires_grad=True)
    loss = F.binary_cross_entropy(p, T([0.0, 1.0, 1.0, 0.0, 1.0]), reduction="none")
    loss.sum().backward()
    # As PyTorch's: logarithms of at least -100, a denominator of at least 1e-12.
    np.testing.assert_allclose(loss.tolist(), [100, 100, 0, 0, -np.log(0.25)], rtol=1e-6)
    np.testing.assert_allclose(p.grad.tolist(), [1e12, -1e12, 0, 0, -4], rtol=1e-6)


def test_binary_cross_entropy_has_second_derivatives():
    p = T([0.25, 0.5], requires_grad=True)
    loss = F.binary_cross_entropy(p, T([1.0, 0.0]), reduction="sum")
    (first,) = fastdl.autograd.grad(loss, p, create_graph=True)
    (second,) = fastdl.autograd.grad(first.sum(), p)
    np.testing.assert_allclose(second.tolist(), [1 / 0.25**2, 1 / 0.5**2], rtol=1e-5)


@pytest.mark.parametrize("p", [1.5, -0.25, float("nan")])
def test_what_is_no_probability(p):
    with pytest.raises(ValueError, match=r"binary_cross_entropy: expected probabilities in"):
        F.binary_cross_entropy(T([0.5, p]), T([1.0, 1.0]))


def test_a_recorded_step_checks_probabilities():
    @fastdl.plan
    def step(p, t):
        return F.binary_cross_entropy(p, t)

    good, bad, t = T([0.5, 0.25]), T([0.5, 1.25]), T([1.0, 0.0])
    expected = F.binary_cross_entropy(good, t).item()
    for _ in range(4):
        assert step(good, t).item() == expected
    with pytest.raises((ValueError, IndexError)):
        step(bad, t)
    assert step(good, t).item() == expected


# --- data


def batches(sizes):
    rng = np.random.default_rng(0)
    return [(rng.normal(size=(n, 3)).astype("f4"), np.ones((n, 1), "f4")) for n in sizes]


def test_an_empty_batch_counts_for_nothing():
    histories = []
    for sizes in ((4, 4), (4, 0, 4), (0, 4, 4), (4, 4, 0)):
        fastdl.utils.set_random_seed(0)
        model = fastdl.Sequential([layers.Input((3,)), layers.Dense(1)])
        model.compile("sgd", "mse", metrics=["mae"])
        data = [b for b in batches([4, 4])]
        whole = iter(data)
        stream = [next(whole) if n else batches([0])[0] for n in sizes]
        histories.append(model.fit(iter(stream), epochs=1, verbose=0).history)
        assert model.predict(iter([x for x, _ in stream]), verbose=0).shape == (8, 1)
    assert all(h == histories[0] for h in histories)
    assert np.isfinite(histories[0]["loss"][0])


class Numbered(utils.PyDataset):
    """Three batches, by `num_batches` alone."""

    @property
    def num_batches(self):
        return 3

    def __getitem__(self, index):
        return np.full((2, 3), index, "f4"), np.ones((2, 1), "f4")


def test_a_py_dataset_without_len_ends():
    model = fastdl.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    seen = []

    class Count(fastdl.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)

    model.fit(Numbered(), epochs=2, verbose=0, callbacks=[Count()])
    assert seen == [0, 1, 2, 0, 1, 2]
    assert model.predict(Numbered(), verbose=0).shape == (6, 1)
    assert [x[0, 0] for x, _ in Numbered()] == [0, 1, 2]
    assert len(list(Numbered())) == 3


def test_workers_that_are_not_there_are_named():
    with pytest.warns(UserWarning, match=r"PyDataset: use_multiprocessing=True: threads make"):
        Numbered(workers=4, use_multiprocessing=True)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([-1, 1], [1, 10]),
        ([-1.0, 1.0], [1, 10]),
        ([[0], [1]], [1, 10]),
        ([[1, 0], [0, 1]], [1, 10]),
        ([3, 1], [1, 10]),
    ],
)
def test_class_weights_go_by_the_label(labels, expected):
    from fastdl.models.data_conversion import as_sample_weights

    assert as_sample_weights("fit", {1: 10.0}, np.array(labels)).tolist() == expected


def test_labels_that_are_nan():
    model = fastdl.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    y = np.array([[0.0], [np.nan], [1.0]], "f4")
    with pytest.raises(ValueError, match=r"class_weight: 1 labels in y are NaN"):
        model.fit(np.ones((3, 2), "f4"), y, class_weight={1: 2.0}, verbose=0)


# --- metrics


class Outer(metrics.Metric):
    def __init__(self):
        super().__init__(name="outer")
        self.mean = metrics.Mean()
        self.parts = [metrics.Sum(), {"deep": metrics.Mean()}]
        self.count = self.add_variable(())

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.count.assign_add(1.0)
        self.mean.update_state(y_pred)
        self.parts[0].update_state(y_pred)
        self.parts[1]["deep"].update_state(y_pred)

    def result(self):
        return self.mean.result() + self.parts[0].result() + self.parts[1]["deep"].result()


def test_a_metric_resets_those_it_holds():
    metric = Outer()
    assert len(metric.variables) == 1 + 2 + 1 + 2
    metric(None, [2.0, 4.0])
    metric.reset_state()
    assert [v.sum().item() for v in metric.variables] == [0.0] * 6
    assert metric(None, [1.0]).item() == 3.0
    model = fastdl.Sequential([layers.Dense(1, kernel_initializer="ones", use_bias=False)])
    model.compile("sgd", "mse", metrics=[Outer()])
    x = np.ones((8, 1), "f4")
    first = model.evaluate(x, x, batch_size=4, verbose=0)
    assert model.evaluate(x, x, batch_size=4, verbose=0) == first


def test_auc_of_logits():
    y, scores = [0, 0, 0, 1, 1], [-4.0, -1.0, 3.0, 2.0, 5.0]
    metric = metrics.AUC()
    with pytest.warns(UserWarning, match=r"AUC: expected outputs in \[0, 1\], got -4 to 5"):
        value = float(metric(y, scores))
    # Keras clips the scores. One of the two negatives becomes 0, and ties count half.
    assert value == float(metrics.AUC()(y, np.clip(scores, 0, 1)))
    assert value > 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert float(metrics.AUC(from_logits=True)(y, scores)) == pytest.approx(5 / 6, abs=1e-3)


# --- random numbers


def test_dropout_of_everything():
    assert random.dropout([1.0, 2.0], 1.0).tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match=r"rate: expected a number in \[0, 1\], got 1.5"):
        random.dropout([1.0], 1.5)


SEEDED = """
import fastdl, numpy as np
from fastdl import layers, random, initializers
x = fastdl.ones(2, 8)
print(layers.Dropout(0.5, seed=1)(x, training=True).tolist())
print(layers.Dropout(0.5, noise_shape=(None, 1), seed=1)(x, training=True).tolist())
print(layers.GaussianNoise(0.5, seed=1)(x, training=True).tolist())
g = random.SeedGenerator(3)
print([random.uniform((2,), seed=g).tolist() for _ in range(2)])
print(random.normal((2,), seed=g).tolist(), random.randint((2,), 0, 9, seed=g).tolist())
print(random.shuffle(np.arange(5), seed=g).tolist(), random.dropout(x, 0.5, seed=g).tolist())
print(initializers.HeNormal(seed=random.SeedGenerator(1))((2, 2)).tolist())
"""


def test_seeds_give_the_same_numbers_in_every_process(tmp_path):
    one, two = (children.output(SEEDED, tmp_path) for _ in range(2))
    assert one == two and one.count("\n") == 7


def test_a_layers_stream_goes_on_in_recorded_steps():
    results = []
    for eager in (True, False):
        utils.set_random_seed(5)
        model = fastdl.Sequential(
            [layers.Input((6,)), layers.Dropout(0.5, seed=3), layers.GaussianNoise(0.1, seed=4),
             layers.Dropout(0.3), layers.Dense(1)]
        )  # fmt: skip
        model.compile("sgd", "mse", run_eagerly=eager)
        x = np.random.default_rng(0).normal(size=(40, 6)).astype("f4")
        model.fit(x, x[:, :1], batch_size=8, epochs=3, verbose=0)
        state = [layer.seed_generator.state.tolist() for layer in model.layers[:2]]
        results.append((state, [w.tolist() for w in model.get_weights()], _core.get_rng_state()))
    assert results[0] == results[1]
    assert results[0][0][0][1] > 0


def test_streams_leave_the_librarys_alone():
    fastdl.manual_seed(1)
    expected = fastdl.rand(3).tolist()
    fastdl.manual_seed(1)
    layers.Dropout(0.5, seed=9)(fastdl.ones(100), training=True)
    assert fastdl.rand(3).tolist() == expected
    with pytest.raises(ValueError, match="boom"), random.SeedGenerator(2):
        raise ValueError("boom")
    state = _core.get_rng_state()
    assert state[0] == 1


# --- parameters that others see

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "Adam": lambda p: optim.Adam(p, lr=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.1, momentum=0.5),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1),
}
VIEWS = {
    "data": lambda w: w.data,
    "detach": lambda w: w.detach(),
    "numpy": lambda w: w.detach().numpy(),
    "asarray": lambda w: np.asarray(w),
    "view": lambda w: w.detach().view(-1),
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("look", VIEWS.values(), ids=VIEWS)
def test_views_from_before_the_optimizer_stay_alive(make, look):
    fastdl.manual_seed(0)
    plain, seen = nn.Linear(3, 5), nn.Linear(3, 5)
    seen.load_state_dict(plain.state_dict())
    view = look(seen.weight)
    for linear in (plain, seen):
        optimizer = make(linear.parameters())
        for _ in range(3):
            optimizer.zero_grad()
            linear(fastdl.ones(2, 3)).square().sum().backward()
            optimizer.step()
    # The numbers are the same, and the view sees them.
    assert seen.weight.tolist() == plain.weight.tolist()
    assert np.asarray(view).reshape(5, 3).tolist() == seen.weight.tolist()
    if isinstance(view, fastdl.Tensor):
        view.zero_()
    else:
        view[...] = 0
    assert not seen.weight.numpy().any()


def test_a_parameter_over_an_array_trains_the_array():
    memory = np.arange(13, dtype="f4")
    array = memory[1:]  # not aligned to a vector
    w = nn.Parameter(fastdl.from_numpy(array))
    optimizer = optim.Adam([w, nn.Parameter(fastdl.zeros(3))], lr=0.5)
    w.sum().backward()
    optimizer.step()
    np.testing.assert_allclose(array, np.arange(1, 13) - 0.5, rtol=1e-6)
    assert memory[0] == 0
    read_only = np.zeros(3, "f4")
    read_only.flags.writeable = False
    w = nn.Parameter(fastdl.from_numpy(read_only))
    optimizer = optim.SGD([w], lr=0.5)
    w.sum().backward()
    optimizer.step()
    assert w.tolist() == [-0.5] * 3 and read_only.tolist() == [0] * 3


def test_views_from_before_fit_stay_alive():
    model = fastdl.Sequential([layers.Input((3,)), layers.Dense(4), layers.Dense(1)])
    x, y = np.ones((16, 3), "f4"), np.ones((16, 1), "f4")
    view, tensor = model.layers[0].kernel.detach().numpy(), model.layers[1].kernel.detach()
    model.compile("adam", "mse")
    model.fit(x, y, epochs=3, verbose=0)
    assert view.tolist() == model.layers[0].kernel.tolist()
    assert tensor.tolist() == model.layers[1].kernel.tolist()


def test_parameters_that_nobody_else_sees_lie_together():
    x, y = np.ones((16, 3), "f4"), np.ones((16, 1), "f4")
    model = fastdl.Sequential([layers.Input((3,)), layers.Dense(4), layers.Dense(1)])
    model.compile("adam", "mse")
    model.predict(x, verbose=0)  # the reference of a plan to the weights' memory does not count
    model.predict(x, verbose=0)
    model.evaluate(x, y, verbose=0)
    for _ in range(3):
        model.predict_on_batch(x)
    model.fit(x, y, verbose=0)
    assert len(model.optimizer._flat.runs()) == 1
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    module(fastdl.ones(2, 3)).sum().backward()
    optimizer = optim.Adam(module.parameters())
    assert len(optimizer._engines[0].flat.runs()) == 1
