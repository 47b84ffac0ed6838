"""`nn.utils` and `optim.swa_utils` against PyTorch's, and what is beside the numbers."""

import copy
import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch_utils_cases as cases

import fastdl
from fastdl import nn, optim
from fastdl.optim import swa_utils

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/torch_utils.json").read_text("utf-8"))
HERE = SimpleNamespace(nn=nn, optim=optim, tensor=fastdl.tensor)
EPSILON = np.finfo(np.float32).eps


def test_the_golden_file_has_all_cases():
    assert list(GOLDEN) == list(cases.CASES)


@pytest.mark.parametrize("name", GOLDEN)
def test_numbers(name):
    for got, wanted in zip(cases.CASES[name](HERE), GOLDEN[name], strict=True):
        # A handful of roundings; an average of numbers up to 3 has their rounding error.
        np.testing.assert_allclose(got, wanted, rtol=8 * EPSILON, atol=8 * EPSILON)


# --- nn.utils


def test_no_gradients():
    assert nn.utils.clip_grad_norm_([], 1.0).item() == 0
    assert nn.utils.clip_grad_norm_(nn.Parameter([1.0]), 1.0).item() == 0
    with pytest.warns(UserWarning, match="clip_grad_norm_: parameters is an empty generator"):
        nn.utils.clip_grad_norm_((p for p in ()), 1.0)


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_nothing_is_scaled_by_a_norm_that_is_not_finite(value):
    p = nn.Parameter([1.0, 2.0])
    p.grad = fastdl.tensor([1.0, value])
    with pytest.raises(RuntimeError, match=r"clip_grad_norm_: The total norm of order 2.0 .*non-f"):
        nn.utils.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)
    with pytest.raises(RuntimeError, match=r"get_total_norm: .*non-finite"):
        nn.utils.get_total_norm(p.grad, error_if_nonfinite=True)
    np.testing.assert_array_equal(p.grad.numpy(), np.float32([1.0, value]))


def test_a_vector_of_another_length_changes_nothing():
    p, q = nn.Parameter([1.0, 2.0]), nn.Parameter([3.0])
    for vector in (fastdl.zeros(2), fastdl.zeros(4), fastdl.zeros(3, 1)):
        with pytest.raises(ValueError, match=r"vec: expected shape \(3,\), .* got shape \("):
            nn.utils.vector_to_parameters(vector, [p, q])
    assert p.tolist() == [1.0, 2.0] and q.tolist() == [3.0]


def test_parameters_keep_their_memory_and_their_optimizer():
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=1.0, momentum=0.9)
    for _ in range(2):
        model(fastdl.ones(1, 2)).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        nn.utils.vector_to_parameters(fastdl.zeros(3), model.parameters())
    model(fastdl.ones(1, 2)).sum().backward()
    optimizer.step()
    np.testing.assert_allclose(  # the momentum of three equal gradients
        nn.utils.parameters_to_vector(model.parameters()).detach().numpy(), -2.71, rtol=8 * EPSILON
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: nn.utils.clip_grad_norm_(p, -1.0), ValueError, "max_norm: .* at least 0, got"),
        (lambda p: nn.utils.clip_grad_norm_(p, "a"), ValueError, "clip_grad_norm_: max_norm: "),
        (lambda p: nn.utils.clip_grad_norm_(p, 1.0, "two"), ValueError, "norm_type: expected a "),
        (lambda p: nn.utils.clip_grad_norm_(3, 1.0), TypeError, "expected tensors, got 3"),
        (lambda p: nn.utils.clip_grad_norm_([3], 1.0), TypeError, "expected tensors, got 3"),
        (lambda p: nn.utils.clip_grad_value_(p, -1.0), ValueError, "clip_value: expected a number"),
        (lambda p: nn.utils.clip_grad_value_([None], 1), TypeError, "clip_grad_value_: parameters"),
        (lambda p: nn.utils.parameters_to_vector([]), ValueError, "expected at least one, got"),
        (lambda p: nn.utils.parameters_to_vector(["a"]), TypeError, "parameters: expected tensors"),
        (lambda p: nn.utils.vector_to_parameters([1.0], p), TypeError, "vec: expected a tensor"),
    ],
)
def test_messages_of_utils(call, error, message):
    with pytest.raises(error, match=message):
        call(nn.Parameter([1.0]))


# --- optim.swa_utils


def test_averaged_model_is_a_model_of_its_own():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    average = swa_utils.AveragedModel(model)
    assert list(average.state_dict()) == ["n_averaged", "module.0.weight", "module.0.bias"]
    average.update_parameters(model)
    before = average.module[0].weight.numpy().copy()
    with fastdl.no_grad():
        model[0].weight.fill_(7.0)
    np.testing.assert_array_equal(average.module[0].weight.numpy(), before)
    average.eval()
    assert model.training and not average.module[1].training
    again = swa_utils.AveragedModel(model)
    again.load_state_dict(copy.deepcopy(average.state_dict()))
    average.update_parameters(model)
    again.update_parameters(model)
    assert again.n_averaged.item() == 2
    np.testing.assert_array_equal(again.module[0].weight.numpy(), average.module[0].weight.numpy())
    wanted = (before + np.float32(7)) / 2
    np.testing.assert_allclose(again.module[0].weight.numpy(), wanted, rtol=2 * EPSILON)


def test_the_average_of_a_training_by_a_flat_optimizer(tmp_path):
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    average, seen = swa_utils.AveragedModel(model), []
    for _ in range(4):
        optimizer.zero_grad()
        (model(fastdl.ones(3, 2)) - 5.0).square().mean().backward()
        optimizer.step()
        average.update_parameters(model)
        seen.append(model.weight.numpy().astype(np.float64))
    np.testing.assert_allclose(average.module.weight.numpy(), np.mean(seen, 0), rtol=8 * EPSILON)
    fastdl.save(average.state_dict(), tmp_path / "average")
    again = swa_utils.AveragedModel(model)
    again.load_state_dict(fastdl.load(tmp_path / "average"))
    assert again.n_averaged.item() == 4


def test_whole_numbers_in_buffers_stay_whole():
    model = nn.Linear(1, 1)
    model.register_buffer("count", fastdl.tensor(3))
    average = swa_utils.AveragedModel(model, use_buffers=True)
    for _ in range(2):
        average.update_parameters(model)
        model.count += 2
    assert average.module.count.dtype == "int64" and average.module.count.item() == 4


def test_a_model_of_the_keras_face():
    model = fastdl.Sequential([fastdl.layers.Dense(2)])
    model.build((None, 3))
    average = swa_utils.AveragedModel(model)
    average.update_parameters(model)
    x = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(average(fastdl.tensor(x)).numpy(), model.predict(x, verbose=0))


class Norm(nn.Module):
    """A layer with running statistics, as the normalization layers have them."""

    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("running_mean", fastdl.zeros(2))
        self.count = 0

    def reset_running_stats(self):
        self.running_mean = fastdl.zeros(2)
        self.count = 0

    def forward(self, x):
        if self.training:
            self.count += 1
            share = 1 / self.count if self.momentum is None else self.momentum
            self.running_mean = self.running_mean + (x.mean(0) - self.running_mean) * share
        return x


def test_update_bn():
    model = nn.Sequential(Norm(), nn.Dropout(0.5), nn.Linear(2, 1))
    model.eval()
    model[1].train()
    batches = [fastdl.ones(4, 2) * (i + 1.0) for i in range(3)]
    swa_utils.update_bn([(x, None) for x in batches], model)
    assert model[0].running_mean.tolist() == [2.0, 2.0] and model[0].momentum == 0.1
    assert not model.training and not model[0].training and model[1].training
    swa_utils.update_bn(batches[:1], model)
    assert model[0].running_mean.tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="do not broadcast"):
        swa_utils.update_bn([batches[0], fastdl.ones(4, 3)], model)
    assert model[0].momentum == 0.1 and not model[0].training and model[1].training
    assert fastdl.is_grad_enabled()
    swa_utils.update_bn(iter(()), nn.Linear(1, 1))  # without such a layer nothing is read


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda m: swa_utils.AveragedModel(m, None, len, len),
            ValueError,
            "AveragedModel: avg_fn, multi_avg_fn: expected one of them, got both",
        ),
        (lambda m: swa_utils.AveragedModel(3), TypeError, "model: expected a module, got 3"),
        (lambda m: swa_utils.AveragedModel(m, avg_fn=3), TypeError, "avg_fn: expected a function"),
        (lambda m: swa_utils.get_ema_avg_fn(1.5), ValueError, r"decay: expected a number in \[0, "),
        (
            lambda m: swa_utils.get_ema_multi_avg_fn(-1),
            ValueError,
            "get_ema_multi_avg_fn: decay: expected",
        ),
        (
            lambda m: swa_utils.AveragedModel(m).update_parameters(nn.Linear(3, 1)),
            ValueError,
            r"model: expected parameters of shapes \[\(1, 2\), \(1,\)\], got \[\(1, 3\)",
        ),
        (lambda m: swa_utils.update_bn(3, m), TypeError, "loader: expected batches, got 3"),
        (lambda m: swa_utils.update_bn([], 3), TypeError, "model: expected a module, got 3"),
        (
            lambda m: swa_utils.SWALR(optim.SGD(m.parameters()), [0.1, 0.2]),
            ValueError,
            "SWALR: swa_lr: expected 1 values, one for each parameter group, got 2",
        ),
        (
            lambda m: swa_utils.SWALR(optim.SGD(m.parameters()), 0.1, 2.5),
            ValueError,
            "anneal_epochs: expected an integer of at least 0, got 2.5",
        ),
        (
            lambda m: swa_utils.SWALR(optim.SGD(m.parameters()), 0.1, 2, "cosine"),
            ValueError,
            "anneal_strategy: expected 'cos' or 'linear', got 'cosine'",
        ),
    ],
)
def test_messages_of_averaging(call, error, message):
    with pytest.raises(error, match=message):
        call(nn.Linear(2, 1))
