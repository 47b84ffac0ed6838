"""Normalizing modules: values of PyTorch over several batches, state, errors."""

import json
from pathlib import Path

import normalization_cases as cases
import numpy as np
import pytest
from trainings import EPS

import fastdl
from fastdl import nn, optim
from fastdl.optim import swa_utils

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/normalization.json").read_text("utf-8"))


def assert_close(actual, expected, factor):
    """Within `factor` roundings of the largest value."""
    expected = np.asarray(expected)
    scale = max(1.0, np.abs(expected).max(initial=0))
    actual = np.asarray(actual).reshape(-1)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=factor * EPS * scale)


@pytest.mark.parametrize("name", cases.TORCH)
def test_batches(name):
    """Outputs and gradients of three batches, then the state and a prediction."""
    kind, options, shape = cases.TORCH[name]
    golden = GOLDEN["torch"][name]
    module = getattr(nn, kind)(**options)
    assert repr(module) == golden["repr"]
    state = module.state_dict()
    assert list(state) == list(golden["state"])
    module.load_state_dict(
        {
            key: cases.state(value.shape, i, key) if value.ndim else value
            for i, (key, value) in enumerate(state.items())
        }
    )
    for number, expected in enumerate(golden["steps"]):
        values, weight = cases.batch(shape, number)
        x = fastdl.tensor(values, requires_grad=True)
        module.zero_grad()
        y = module(x)
        assert_close(y.detach(), expected["output"], 16)
        (y * weight).sum().backward()
        for tensor, exact in zip((x, *module.parameters()), expected["grads"], strict=True):
            assert_close(tensor.grad, exact, 64)
    for key, expected in golden["state"].items():
        assert_close(module.state_dict()[key], expected, 16)
    module.eval()
    assert_close(module(cases.batch(shape, 0)[0]).detach(), golden["inference"], 16)


def network():
    fastdl.manual_seed(0)
    return nn.Sequential(
        nn.Linear(6, 8),
        nn.BatchNorm1d(8, momentum=None),
        nn.ReLU(),
        nn.LayerNorm(8),
        nn.Linear(8, 1),
    )


def trained(planned):
    net = network()
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    x = fastdl.tensor(np.random.default_rng(0).standard_normal((24, 6)).astype("float32"))

    def step(x):
        optimizer.zero_grad()
        loss = (net(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    call = fastdl.plan(step) if planned else step
    losses = [call(x[i : i + 8]).item() for i in (0, 8, 16, 0, 8, 16)]
    return losses, {key: value.tolist() for key, value in net.state_dict().items()}


def test_recorded_and_eager_steps_agree_to_the_bit():
    eager, planned = trained(False), trained(True)
    assert eager == planned
    assert planned[1]["1.num_batches_tracked"] == 6


def test_update_bn():
    """Running moments become the means over the batches, as in PyTorch."""
    net = network()
    net[1].momentum = 0.1
    rng = np.random.default_rng(0)
    batches = [rng.standard_normal((n, 6)).astype("float32") for n in (8, 8, 5)]
    net(fastdl.tensor(batches[0]))
    swa_utils.update_bn([fastdl.tensor(b) for b in batches], net)
    hidden = [net[0](fastdl.tensor(b)).detach().numpy().astype("float64") for b in batches]
    state = net[1].state_dict()
    mean = np.mean([h.mean(0) for h in hidden], axis=0)
    variance = np.mean([h.var(0, ddof=1) for h in hidden], axis=0)
    # Three averages, each with a few roundings.
    np.testing.assert_allclose(state["running_mean"], mean, rtol=0, atol=16 * EPS)
    np.testing.assert_allclose(state["running_var"], variance, rtol=16 * EPS)
    assert state["num_batches_tracked"].item() == 3 and net[1].momentum == 0.1


def test_gradients_of_gradients():
    """The penalty of a gradient, as some adversarial networks have it, by finite differences."""
    norm = nn.LayerNorm(4)
    rng = np.random.default_rng(0)
    values, direction = rng.standard_normal((2, 3, 4))

    def penalty(values):
        x = fastdl.tensor(values.astype("float32"), requires_grad=True)
        (first,) = fastdl.autograd.grad((norm(x) ** 3).sum(), [x], create_graph=True)
        return x, (first**2).sum()

    x, loss = penalty(values)
    (second,) = fastdl.autograd.grad(loss, [x])
    step = 1e-2
    slope = (penalty(values + step * direction)[1] - penalty(values - step * direction)[1]).item()
    # The error of a central difference of this step, and of float32 divided by the step.
    assert abs((second.numpy() * direction).sum() - slope / 2 / step) < 0.01 * abs(slope / 2 / step)


def test_the_result_may_be_changed_in_place():
    """The gradient needs the input and the moments, not the result."""
    x = fastdl.tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    norm = nn.BatchNorm1d(2)
    y = norm(x)
    z = (y * 2.0).sum()
    with fastdl.no_grad():
        y.detach().zero_()
    z.backward()
    assert norm.bias.grad.tolist() == [6.0, 6.0]


X = np.ones((2, 3, 4), np.float32)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.BatchNorm2d(3)(X), ValueError, "BatchNorm2d: expected an input of 4 axes"),
        (lambda: nn.BatchNorm1d(4)(X), ValueError, "BatchNorm1d: expected 4 channels on axis 1"),
        (
            lambda: nn.BatchNorm1d(3)(np.ones((1, 3))),
            ValueError,
            r"BatchNorm1d: expected more than one value .*\(1, 3\)",
        ),
        (lambda: nn.InstanceNorm1d(3)(X[..., :1]), ValueError, "more than one place"),
        (lambda: nn.InstanceNorm1d(4, affine=True)(X), ValueError, "expected 4 channels"),
        (lambda: nn.GroupNorm(2, 3), ValueError, "GroupNorm: num_groups: expected a divisor"),
        (lambda: nn.GroupNorm(2, 4)(X), ValueError, "GroupNorm: expected 4 channels .*3, 4"),
        (lambda: nn.LayerNorm(3)(X), ValueError, r"normalized_shape: .*\(2, 3, 4\), got \(3,\)"),
        (lambda: nn.LocalResponseNorm(2)(X[0]), ValueError, "at least 3 axes"),
        (
            lambda: nn.functional.batch_norm(X, None, None),
            ValueError,
            "running_mean, running_var: expected both",
        ),
        (
            lambda: nn.functional.batch_norm(X, fastdl.ones(2), fastdl.ones(3)),
            ValueError,
            r"batch_norm: running_mean: expected shape \(3,\), got \(2,\)",
        ),
        (
            lambda: nn.functional.batch_norm(X, np.ones(3), np.ones(3)),
            TypeError,
            "running_mean: expected a tensor or None",
        ),
        (
            lambda: nn.functional.batch_norm(X, None, None, training=True, eps=0.0),
            ValueError,
            "eps: expected a number above 0",
        ),
        (
            lambda: nn.functional.layer_norm(X, 4, weight=fastdl.ones(3)),
            ValueError,
            r"layer_norm: weight: expected shape \(4,\), got \(3,\)",
        ),
        (lambda: nn.SyncBatchNorm(3), AttributeError, "SyncBatchNorm"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
