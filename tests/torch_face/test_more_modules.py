"""The rarer modules and functions of `nn` against PyTorch's outputs and gradients."""

import json
from pathlib import Path

import image_module_cases as cases
import numpy as np
import pytest
from more_module_cases import CASES

import fastdl
import fastdl.nn.functional as F
from fastdl import nn, optim

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden/more_modules.json").read_text(encoding="utf-8")
)["cases"]
EPS = float(np.finfo(np.float32).eps)


def close(found, wanted, what):
    """Some hundred float32 roundings of the largest value, times the image's size for grids."""
    wanted = np.array(wanted)
    scale = max(1.0, np.abs(wanted).max(initial=0.0))
    np.testing.assert_allclose(
        np.asarray(found.numpy(), np.float64).reshape(-1), wanted, rtol=0, atol=200 * EPS * scale,
        err_msg=what,
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=cases.name_of)
def test_outputs_and_gradients_are_those_of_pytorch(case):
    text, shape = case
    row = GOLDEN[cases.name_of(case)]
    y, x, parameters = cases.evaluate(
        text, shape, nn, F, lambda array, p: fastdl.tensor(array, requires_grad=p is None)
    )
    assert list(y.shape) == row["shape"]
    if "grads" not in row:
        assert y.dtype == "int64" and y.flatten().tolist() == row["output"]
        return
    close(y, row["output"], "output")
    weight = fastdl.tensor(cases.values(text, tuple(y.shape), -1 & 0xFFFF))
    (y * weight).sum().backward()
    for found, wanted in zip((x, *parameters), row["grads"], strict=True):
        close(found.grad, wanted, "gradient")


# --- random numbers


def test_gumbel_softmax_draws_by_the_probabilities():
    fastdl.manual_seed(0)
    p = np.array([0.1, 0.2, 0.7])
    logits = fastdl.tensor(np.tile(np.log(p), (20_000, 1)), requires_grad=True)
    hard = F.gumbel_softmax(logits, hard=True, dim=1)
    np.testing.assert_allclose(np.unique(hard.detach().numpy()), [0, 1], atol=2 * EPS)
    # Four deviations of a mean of 20,000 draws.
    assert (np.abs(hard.detach().numpy().mean(0) - p) < 4 * np.sqrt(p * (1 - p) / 20_000)).all()
    (hard * fastdl.arange(3.0)).sum().backward()
    assert logits.grad.abs().sum().item() > 0
    first_axis = F.gumbel_softmax(logits.detach().T, dim=0)
    np.testing.assert_allclose(first_axis.numpy().sum(0), 1, atol=4 * EPS)


def test_rrelu_draws_slopes_in_training():
    fastdl.manual_seed(0)
    layer = nn.RReLU(0.25, 0.5)
    slopes = -layer(fastdl.full((1000,), -1.0)).numpy()
    assert slopes.min() >= 0.25 and slopes.max() < 0.5 and slopes.std() > 0.06
    assert layer(fastdl.ones(3)).tolist() == [1, 1, 1]


def test_feature_alpha_dropout_takes_whole_channels():
    fastdl.manual_seed(0)
    y = nn.FeatureAlphaDropout(0.5)(fastdl.randn(200, 50, 4)).numpy()
    constant = np.ptp(y, axis=2) == 0
    assert abs(constant.mean() - 0.5) < 0.02  # four deviations of 10,000 channels
    assert abs(y.mean()) < 0.06 and abs(y.std() - 1) < 0.06


# --- the adaptive softmax


def test_adaptive_softmax_is_a_softmax_over_all_classes():
    fastdl.manual_seed(1)
    layer = nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10], div_value=2.0, head_bias=True)
    x = fastdl.randn(6, 8, requires_grad=True)
    target = fastdl.tensor([0, 19, 4, 9, 10, 3])
    output, loss = layer(x, target)
    whole = layer.log_prob(x)
    np.testing.assert_allclose(whole.exp().sum(1).detach().numpy(), 1, atol=20 * EPS)
    wanted = whole.detach().numpy()[np.arange(6), target.numpy()]
    np.testing.assert_allclose(output.detach().numpy(), wanted, atol=50 * EPS)
    assert loss.item() == pytest.approx(-wanted.mean(), rel=1e-6)
    assert layer.predict(x).tolist() == whole.detach().numpy().argmax(1).tolist()
    loss.backward()
    gradient, x.grad = x.grad.numpy().copy(), None
    (-whole.gather(1, target.reshape(-1, 1)).mean()).backward()
    np.testing.assert_allclose(x.grad.numpy(), gradient, atol=50 * EPS)
    assert layer(x[0], target[0]).output.shape == ()
    with pytest.raises(RuntimeError, match="expected classes from 0 to 19, got 0 to 20"):
        layer(x, fastdl.tensor([0, 20, 1, 1, 1, 1]))
    with pytest.raises(ValueError, match="cutoffs: expected rising integers"):
        nn.AdaptiveLogSoftmaxWithLoss(8, 20, [10, 4])


# --- lazy modules, buffers, dicts of parameters


def test_lazy_modules_become_the_usual_ones():
    net = nn.Sequential(
        nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(3, bias=False)
    )
    assert net[0].has_uninitialized_params() and "LazyLinear(in_features=0" in repr(net)
    with pytest.raises(ValueError, match="has no shape yet"):
        optim.SGD(net.parameters(), 0.1)
    with pytest.raises(RuntimeError, match="no shape yet"):
        _ = net[3].weight.shape
    with pytest.raises(ValueError, match=r"LazyConv2d: expected an input of 3 or 4 axes"):
        net(fastdl.ones(3))
    assert net(fastdl.ones(2, 3, 6, 6)).shape == (2, 3)
    assert [type(m) for m in net] == [nn.Conv2d, nn.BatchNorm2d, nn.Flatten, nn.Linear]
    assert net[3].in_features == 64 and net[3].weight.requires_grad and net[3].bias is None
    assert not net[0]._forward_pre_hooks
    optim.SGD(net.parameters(), 0.1)


def test_states_are_loaded_into_lazy_modules_before_and_after_the_first_input():
    full = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    lazy = nn.Sequential(nn.LazyLinear(2), nn.LazyBatchNorm1d())
    lazy.load_state_dict(full.state_dict())
    x = fastdl.randn(4, 3)
    np.testing.assert_array_equal(lazy(x).detach().numpy(), full(x).detach().numpy())
    empty = nn.Sequential(nn.LazyLinear(2), nn.LazyBatchNorm1d())
    other = nn.Sequential(nn.LazyLinear(2), nn.LazyBatchNorm1d())
    other.load_state_dict(empty.state_dict())
    assert other[0].has_uninitialized_params()


def test_buffers_are_registered_by_assignment():
    net = nn.Module()
    net.a = nn.Buffer(fastdl.ones(2))
    net.b = nn.Buffer(fastdl.zeros(1), persistent=False)
    assert [name for name, _ in net.named_buffers()] == ["a", "b"]
    assert list(net.state_dict()) == ["a"]


def test_parameter_dict():
    d = nn.ParameterDict({"a": fastdl.ones(2), "b": fastdl.zeros(3)})
    d |= nn.ParameterDict([("c", fastdl.ones(1))])
    assert list(d) == ["a", "b", "c"] == list(d.keys()) and len(d) == 3 and "b" in d
    assert list(reversed(d)) == ["c", "b", "a"]
    assert isinstance(d["a"], nn.Parameter) and d.get("x", 5) == 5
    assert d.setdefault("d", fastdl.ones(4)).shape == (4,)
    assert d.pop("b").shape == (3,) and d.popitem()[0] == "d"
    assert list((d | nn.ParameterDict({"z": [1.0]})).keys()) == ["a", "c", "z"]
    assert list(d.state_dict()) == ["a", "c"] and d.copy()["a"] is d["a"]
    d.clear()
    assert len(d) == 0
    with pytest.raises(TypeError, match="expected a dict of parameters"):
        nn.ParameterDict(5)
    with pytest.raises(KeyError, match="already exists"):
        nn.ParameterDict({"keys": fastdl.ones(2)})


# --- initializers, and forms in place


def test_dirac_passes_channels_on():
    for shape, groups in (((4, 2, 3), 2), ((2, 5, 3, 2), 1), ((6, 2, 1, 3, 5), 3)):
        weight = nn.init.dirac_(fastdl.randn(*shape), groups)
        assert weight.sum().item() == groups * min(shape[0] // groups, shape[1])
    x = fastdl.randn(1, 4, 7)
    y = F.conv1d(x, nn.init.dirac_(fastdl.zeros(4, 2, 3), 2), padding=1, groups=2)
    np.testing.assert_array_equal(y.numpy(), x.numpy())


def test_sparse_has_zeros_in_each_column():
    weight = nn.init.sparse_(fastdl.zeros(10, 30), 0.25, std=2.0).numpy()
    assert ((weight == 0).sum(0) == 3).all() and 1.5 < weight[weight != 0].std() < 2.5


def test_activations_in_place():
    x = [-2.0, -0.3, 0.4, 3.0]
    for name, *options in (
        ("relu_",), ("elu_",), ("selu_",), ("celu_",), ("leaky_relu_", 0.1), ("hardtanh_",),
        ("rrelu_",), ("threshold_", 0.5, 7.0),
    ):  # fmt: skip
        t = fastdl.tensor(x)
        wanted = getattr(F, name[:-1])(fastdl.tensor(x), *options)
        assert getattr(F, name)(t, *options) is t
        np.testing.assert_array_equal(t.numpy(), wanted.numpy())


def test_cross_map_is_local_response_normalization():
    x = fastdl.randn(2, 6, 3, 3)
    y = nn.CrossMapLRN2d(3, 0.5, 0.6, 2.0)(x)
    np.testing.assert_array_equal(y.numpy(), nn.LocalResponseNorm(3, 0.5, 0.6, 2.0)(x).numpy())
