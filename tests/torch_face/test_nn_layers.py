"""Containers, Linear, Dropout, shape layers; init, functional and utils."""

import math
from collections import OrderedDict

import numpy as np
import pytest

import fastdl
import fastdl.nn.functional as F
from fastdl import nn
from fastdl.nn import init

EPS = np.finfo("float32").eps


# --- containers


def test_sequential():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert len(net) == 3 and net[-1] is list(net)[2]
    head = net[:2]
    assert type(head) is nn.Sequential and head[0] is net[0] and len(head) == 2
    assert net.append(nn.Tanh()) is net and len(net) == 4
    net[1] = nn.Sigmoid()
    assert repr(net[1]) == "Sigmoid()"
    net.insert(0, nn.Identity())
    assert [type(m).__name__ for m in net] == ["Identity", "Linear", "Sigmoid", "Linear", "Tanh"]
    del net[0]
    assert list(dict(net.named_children())) == ["0", "1", "2", "3"]
    assert type(net.pop()) is nn.Tanh and len(net) == 3
    assert len(net + nn.Sequential(nn.ReLU())) == 4
    assert net(fastdl.zeros(5, 2)).shape == (5, 1)


def test_sequential_of_an_ordered_dict():
    net = nn.Sequential(OrderedDict([("fc", nn.Linear(2, 3)), ("act", nn.ReLU())]))
    assert list(net.state_dict()) == ["fc.weight", "fc.bias"] and net.fc is net[0]
    assert list(dict(net[:1].named_children())) == ["fc"]


def test_module_list():
    layers = nn.ModuleList([nn.Linear(1, 1)])
    layers.append(nn.ReLU()).extend([nn.Tanh(), nn.Tanh()])
    layers += [nn.Identity()]
    assert len(layers) == 5 and type(layers[1:3]) is nn.ModuleList
    assert repr(layers) == (
        "ModuleList(\n  (0): Linear(in_features=1, out_features=1, bias=True)\n  (1): ReLU()\n"
        "  (2-3): 2 x Tanh()\n  (4): Identity()\n)"
    )
    with pytest.raises(NotImplementedError):
        layers(1)
    with pytest.raises(IndexError, match="index 5 is out of range for 5 members"):
        layers[5]
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        layers.append(3)


def test_module_dict():
    heads = nn.ModuleDict({"a": nn.ReLU()})
    heads["b"] = nn.Linear(1, 1)
    heads.update([("c", nn.Tanh())])
    assert list(heads) == list(heads.keys()) == ["a", "b", "c"] and "b" in heads
    assert type(heads.pop("a")) is nn.ReLU and len(heads) == 2
    assert [name for name, _ in heads.named_parameters()] == ["b.weight", "b.bias"]
    heads.clear()
    assert len(heads) == 0 and not hasattr(heads, "b")


def test_parameter_list():
    weights = nn.ParameterList([fastdl.zeros(2), nn.Parameter(fastdl.zeros(3))])
    weights.append(np.zeros(1))
    assert [p.shape for p in weights.parameters()] == [(2,), (3,), (1,)]
    assert all(isinstance(p, nn.Parameter) for p in weights)
    assert "(1): Parameter of shape (3,)" in repr(weights)


# --- layers


def test_linear_is_x_times_the_transposed_weight_plus_bias():
    rng = np.random.default_rng(0)
    layer = nn.Linear(5, 3)
    x = rng.normal(size=(2, 4, 5)).astype("float32")
    expected = x.astype("float64") @ layer.weight.numpy().T + layer.bias.numpy()
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=0, atol=16 * EPS)
    assert layer(x[0, 0]).shape == (3,)
    assert repr(layer) == "Linear(in_features=5, out_features=3, bias=True)"


def test_linear_without_bias():
    layer = nn.Linear(2, 3, bias=False)
    assert layer.bias is None and "bias=False" in repr(layer)
    assert list(layer.state_dict()) == ["weight"]


def test_linear_starts_uniform_within_one_over_the_root_of_its_inputs():
    fastdl.manual_seed(0)
    layer = nn.Linear(64, 1000)
    for p in (layer.weight, layer.bias):
        values = p.detach().numpy()
        assert 0.999 / 8 - 2e-3 < np.abs(values).max() <= 1 / 8
        # The tolerance is five standard deviations of the mean, 1 / (8 sqrt(3 n)) each.
        assert abs(values.mean()) < 5 / (8 * math.sqrt(3 * values.size))


def test_linear_refuses_another_number_of_features():
    with pytest.raises(ValueError, match=r"linear.*\(2, 4\)"):
        nn.Linear(3, 2)(fastdl.zeros(2, 4))


def test_dropout():
    fastdl.manual_seed(0)
    layer = nn.Dropout(0.25)
    y = layer(fastdl.ones(10000)).numpy()
    assert set(np.unique(y)) == {0.0, np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 5 * math.sqrt(0.25 * 0.75 / 10000)
    assert (layer.eval()(fastdl.ones(3)).numpy() == 1).all()
    assert nn.Dropout(1.0)(fastdl.ones(3)).tolist() == [0, 0, 0]
    assert repr(layer) == "Dropout(p=0.25, inplace=False)"
    for p in (-0.1, 1.1):
        with pytest.raises(ValueError, match="Dropout: p: expected a number in"):
            nn.Dropout(p)


def test_shape_layers():
    x = fastdl.zeros(2, 3, 4)
    assert nn.Flatten()(x).shape == (2, 12) and nn.Flatten(0, 1)(x).shape == (6, 4)
    assert nn.Unflatten(1, (3, -1))(fastdl.zeros(2, 12)).shape == (2, 3, 4)
    assert repr(nn.Flatten()) == "Flatten(start_dim=1, end_dim=-1)"
    with pytest.raises(ValueError, match="unflatten"):
        nn.Unflatten(1, (5, 2))(fastdl.zeros(2, 12))


# --- losses: cases without golden values


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.cross_entropy(fastdl.zeros(4, 3), fastdl.zeros(4)), r"shape \(4,\) or float32"),
        (lambda: F.cross_entropy(fastdl.zeros(4, 3), [0, 1]), r"expected integer class indices"),
        (lambda: F.cross_entropy(fastdl.zeros(4, 3), [0, 1, 2, 3]), r"3.*\[0, 3\)|label 3"),
        (lambda: F.nll_loss(fastdl.zeros(2, 3), [0, 3]), r"nll_loss: target: .* outside \[0, 3\)"),
        (lambda: F.nll_loss(fastdl.zeros(2, 3), [0, -1]), r"nll_loss: target: .* outside"),
        (
            lambda: F.cross_entropy(fastdl.zeros(2, 3), [0, 1], label_smoothing=2),
            r"\[0, 1\], got 2",
        ),
        (lambda: F.cross_entropy(fastdl.zeros(2, 3), [0, 1], weight=[1.0]), r"3 classes"),
        (lambda: F.nll_loss(fastdl.zeros(2, 3), fastdl.zeros(2)), r"got float32"),
        (
            lambda: F.mse_loss([1.0], [1.0], reduction="avg"),
            "mse_loss: reduction: .* got 'avg'",
        ),
        (lambda: nn.MSELoss("avg"), "reduction: .* got 'avg'"),
        (lambda: F.binary_cross_entropy([0.5], [[1.0]]), r"target: expected .* got \(1, 1\)"),
        (
            lambda: F.huber_loss([0.5], [1.0], delta=0),
            "huber_loss: delta: .* above 0",
        ),
        (lambda: F.smooth_l1_loss([0.5], [1.0], beta=-1), r"beta: expected a number of at least 0"),
    ],
)
def test_bad_losses(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_targets_that_only_broadcast_give_a_warning():
    with pytest.warns(UserWarning, match=r"shape \(4,\) differs from the input's \(4, 1\)"):
        nn.MSELoss()(fastdl.zeros(4, 1), fastdl.zeros(4))


def test_a_mean_over_nothing_is_nan():
    assert math.isnan(F.cross_entropy(fastdl.zeros(2, 3), [-100, -100]).item())


# --- functional


def test_softmax_chooses_its_axis_with_a_warning():
    with pytest.warns(UserWarning, match="pass dim"):
        assert F.softmax(fastdl.zeros(2, 4)).tolist() == [[0.25] * 4] * 2
    with pytest.warns(UserWarning, match="pass dim"):
        assert F.log_softmax(fastdl.zeros(3)).shape == (3,)


def test_normalize():
    x = np.array([[3.0, 4.0], [0.0, 0.0]], "float32")
    np.testing.assert_allclose(F.normalize(x).numpy(), [[0.6, 0.8], [0, 0]], rtol=2 * EPS)


@pytest.mark.parametrize("width", [(1, 2), (0, 1, 2, 0), (-1, 0), (1, -1, 0, 2)])
def test_pad(width):
    x = np.arange(6.0, dtype="float32").reshape(2, 3)
    pairs = list(zip(width[::2], width[1::2], strict=True))[::-1]
    pairs = [(0, 0)] * (2 - len(pairs)) + pairs
    cut = tuple(slice(max(0, -a), n - max(0, -b)) for (a, b), n in zip(pairs, x.shape, strict=True))
    grown = [(max(0, a), max(0, b)) for a, b in pairs]
    expected = np.pad(x[cut], grown, constant_values=7)
    np.testing.assert_array_equal(F.pad(x, width, value=7).numpy(), expected)


def test_pad_checks():
    with pytest.raises(ValueError, match="two widths"):
        F.pad(fastdl.zeros(2), (1,))
    with pytest.raises(ValueError, match="'circular', got 'mirror'"):
        F.pad(fastdl.zeros(2), (1, 1), mode="mirror")
    with pytest.raises(ValueError, match="expected widths for the last 1 to 3 axes"):
        F.pad(fastdl.zeros(2), (1, 1), mode="reflect")
    with pytest.raises(ValueError, match="a padding of at most 2 for an axis of size 3, got"):
        F.pad(fastdl.zeros(1, 1, 3), (1, 3), mode="reflect")


def test_softplus_beta_and_threshold():
    x = np.array([-1.0, 0.5, 3.0], "float32")
    expected = np.where(x * 2 > 5, x, np.log1p(np.exp(2.0 * x)) / 2)
    np.testing.assert_allclose(F.softplus(x, 2.0, 5.0).numpy(), expected, rtol=8 * EPS)


# --- init


def test_init_distributions():
    """Bounds and deviations are those of the formulas, within five deviations of the estimates."""
    fastdl.manual_seed(0)
    n = 200 * 300
    w = fastdl.zeros(200, 300)
    uniform = {
        init.uniform_: (0.0, 1.0),
        init.xavier_uniform_: math.sqrt(6 / 500),
        init.kaiming_uniform_: math.sqrt(6 / 300),
    }
    for function, bound in uniform.items():
        low, high = bound if isinstance(bound, tuple) else (-bound, bound)
        values = function(w).numpy()
        assert values.min() >= low and values.max() <= high
        assert values.max() > high - 0.001 * (high - low)
        spread = (high - low) / math.sqrt(12)
        assert abs(values.mean() - (low + high) / 2) < 5 * spread / math.sqrt(n)
    normal = {
        init.normal_: 1.0,
        init.xavier_normal_: math.sqrt(2 / 500),
        init.kaiming_normal_: math.sqrt(2 / 300),
    }
    for function, std in normal.items():
        values = function(w).numpy()
        assert abs(values.std() - std) < 5 * std / math.sqrt(2 * n)
        assert abs(values.mean()) < 5 * std / math.sqrt(n)


def test_kaiming_options():
    w = fastdl.zeros(20, 30, 2)
    bound = math.sqrt(2 / (1 + 0.25)) * math.sqrt(3 / 40)
    assert np.abs(init.kaiming_uniform_(w, a=0.5, mode="fan_out").numpy()).max() <= bound
    with pytest.raises(ValueError, match="Mode fan not supported"):
        init.kaiming_normal_(w, mode="fan")
    with pytest.raises(ValueError, match="fewer than 2 dimensions"):
        init.xavier_uniform_(fastdl.zeros(3))
    with pytest.raises(ValueError, match="Unsupported nonlinearity x"):
        init.calculate_gain("x")
    gains = {"linear": 1, "conv2d": 1, "sigmoid": 1, "tanh": 5 / 3, "selu": 0.75}
    assert {name: init.calculate_gain(name) for name in gains} == gains
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("leaky_relu", 1.0) == 1


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"), [(0, 1, -2, 2), (1, 0.5, 0.9, 1.1), (0, 1, 3, 5), (0, 0.01, 1, 2)]
)
def test_trunc_normal(mean, std, a, b):
    fastdl.manual_seed(0)
    values = init.trunc_normal_(fastdl.zeros(20000), mean, std, a, b).numpy().astype("float64")
    assert values.min() >= np.float32(a) and values.max() <= np.float32(b)
    # The mean and deviation of the truncated distribution, by summation.
    grid = np.linspace(a, b, 200001)
    density = np.exp(((a - mean) ** 2 - (grid - mean) ** 2) / (2 * std**2) * (a > mean))
    density = density if a > mean else np.exp(-(((grid - mean) / std) ** 2) / 2)
    expected = (grid * density).sum() / density.sum()
    deviation = math.sqrt((((grid - expected) ** 2) * density).sum() / density.sum())
    assert abs(values.mean() - expected) < 5 * deviation / math.sqrt(values.size)
    assert abs(values.std() / deviation - 1) < 0.05


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (6, 2), (4, 3, 2)])
def test_orthogonal(shape):
    w = init.orthogonal_(fastdl.zeros(*shape), gain=2).numpy().reshape(shape[0], -1)
    w = w if w.shape[0] <= w.shape[1] else w.T
    np.testing.assert_allclose(w @ w.T, 4 * np.eye(len(w)), atol=64 * EPS)


def test_init_of_nothing():
    for function in (init.kaiming_uniform_, init.xavier_normal_, init.orthogonal_):
        assert function(fastdl.zeros(0, 3)).shape == (0, 3)
    assert nn.Linear(0, 2)(fastdl.zeros(4, 0)).shape == (4, 2)


def test_init_of_a_parameter_isnt_recorded():
    p = nn.Parameter(fastdl.zeros(2, 2))
    for function in (init.ones_, init.zeros_, init.eye_):
        assert function(p) is p
    assert p.tolist() == [[1, 0], [0, 1]] and p.is_leaf and p.requires_grad
    assert init.constant_(p, 3.0).tolist() == [[3, 3], [3, 3]]


def test_the_same_seed_gives_the_same_values():
    def draw(generator=None):
        w = fastdl.zeros(3, 3)
        for function in (init.uniform_, init.normal_, init.trunc_normal_, init.orthogonal_):
            yield function(w, generator=generator).tolist()

    fastdl.manual_seed(3)
    first = list(draw())
    fastdl.manual_seed(3)
    assert list(draw()) == first
    generator = fastdl.Generator().manual_seed(3)
    assert list(draw(generator)) == first


# --- utils


def gradients():
    parameters = [nn.Parameter(fastdl.zeros(2)), nn.Parameter(fastdl.zeros(1))]
    parameters[0].grad, parameters[1].grad = fastdl.tensor([3.0, 0.0]), fastdl.tensor([-4.0])
    return [*parameters, nn.Parameter(fastdl.zeros(1))]


def test_clip_grad_norm():
    parameters = gradients()
    assert nn.utils.clip_grad_norm_(parameters, 1.0).item() == 5
    np.testing.assert_allclose(parameters[0].grad.numpy(), [0.6, 0], rtol=1e-6)
    np.testing.assert_allclose(parameters[1].grad.numpy(), [-0.8], rtol=1e-6)
    unchanged = gradients()
    nn.utils.clip_grad_norm_(unchanged, 100.0)
    assert unchanged[1].grad.tolist() == [-4.0]
    assert nn.utils.clip_grad_norm_(gradients(), 1.0, norm_type=math.inf).item() == 4
    assert nn.utils.clip_grad_norm_(gradients(), 1.0, norm_type=1).item() == 7
    assert nn.utils.clip_grad_norm_([], 1.0).item() == 0
    broken = gradients()
    broken[0].grad = fastdl.tensor([math.nan, 1.0])
    with pytest.raises(RuntimeError, match="non-finite"):
        nn.utils.clip_grad_norm_(broken, 1.0, error_if_nonfinite=True)


def test_clip_grad_value():
    parameters = gradients()
    nn.utils.clip_grad_value_(parameters, 2.0)
    assert [p.grad.tolist() for p in parameters[:2]] == [[2.0, 0.0], [-2.0]]


def test_parameters_as_a_vector():
    net = nn.Linear(2, 2)
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.shape == (6,) and vector.requires_grad
    nn.utils.vector_to_parameters(fastdl.arange(6.0), net.parameters())
    assert net.weight.tolist() == [[0, 1], [2, 3]] and net.bias.tolist() == [4, 5]
    with pytest.raises(ValueError, match="vec: expected shape"):
        nn.utils.vector_to_parameters(fastdl.arange(7.0), net.parameters())
