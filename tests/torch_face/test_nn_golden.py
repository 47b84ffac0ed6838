"""nn compared with values of PyTorch: golden/torch_face.json, made by golden/torch_face.py."""

import json
from pathlib import Path

import numpy as np
import pytest

import fastdl
from fastdl import nn

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "torch_face.json").read_text())
EPS = np.finfo("float32").eps


def close(actual, expected, factor):
    """Within `factor` float32 roundings of the largest value."""
    expected = np.asarray(expected)
    scale = max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(np.asarray(actual), expected, rtol=0, atol=factor * EPS * scale)


def label(case):
    options = ",".join(f"{k}={v}" for k, v in case["options"].items())
    kind = case.get("loss") or case["kind"]
    first = case["inputs"][0] if "inputs" in case else case["input"]
    return f"{kind}({options})-{np.ndim(first)}d"


@pytest.mark.parametrize("case", GOLDEN["losses"], ids=label)
def test_loss(case):
    x = fastdl.tensor(case["input"], requires_grad=True)
    loss = getattr(nn, case["loss"])(**case["options"])(x, fastdl.tensor(case["target"]))
    # A loss is a sum of at most 24 terms, each with a few roundings.
    close(loss.detach(), case["value"], 16)
    if case["grad"] is not None:
        loss.sum().backward()
        close(x.grad, case["grad"], 16)


@pytest.mark.parametrize("case", GOLDEN["calls"], ids=label)
def test_loss_of_several_inputs(case):
    wanted = [grad is not None for grad in case["grads"]]
    inputs = [
        fastdl.tensor(x, requires_grad=w) for x, w in zip(case["inputs"], wanted, strict=True)
    ]
    loss = getattr(nn, case["loss"])(**case["options"])(*inputs)
    close(loss.detach(), case["value"], 16)
    (loss * fastdl.arange(1.0, loss.numel() + 1).reshape(loss.shape)).sum().backward()
    for x, expected in zip(inputs, case["grads"], strict=True):
        if expected is not None:
            close(x.grad, expected, 32)  # with the weight of its row


@pytest.mark.parametrize("case", GOLDEN["ctc"], ids=label)
def test_ctc(case):
    logits, *rest = case["inputs"]
    x = fastdl.tensor(logits, requires_grad=True)
    loss = nn.CTCLoss(**case["options"])(fastdl.log_softmax(x, -1), *map(fastdl.tensor, rest))
    loss.sum().backward()
    if np.isinf(case["value"]).any():
        assert loss.tolist() == case["value"] and np.isnan(x.grad.numpy()).any()
        return
    # A sum over up to nine times of logarithms, each rounded to float32.
    close(loss.detach(), case["value"], 16)
    close(x.grad, case["grad"], 16)


def test_gradient_of_bce_is_finite_where_probabilities_are_0_and_1():
    x = fastdl.tensor([0.0, 1.0, 0.5], requires_grad=True)
    nn.BCELoss()(x, fastdl.tensor([1.0, 0.0, 1.0])).backward()
    assert np.isfinite(x.grad.numpy()).all()


def test_bce_of_a_sigmoid_uses_its_logits():
    x = fastdl.tensor([-50.0, 50.0], requires_grad=True)
    loss = nn.BCELoss(reduction="none")(fastdl.sigmoid(x), fastdl.tensor([1.0, 0.0]))
    assert loss.tolist() == [50.0, 50.0]
    loss.sum().backward()
    assert x.grad.tolist() == [-1.0, 1.0]


@pytest.mark.parametrize("case", GOLDEN["activations"], ids=label)
def test_activation(case):
    module = getattr(nn, case["kind"])(**case["options"])
    assert repr(module) == case["repr"]
    x = fastdl.tensor(case["input"], requires_grad=True)
    y = module(x)
    # 4 ulp of the functions; the golden values are float64 of the same input.
    close(y.detach(), case["value"], 8)
    (y * fastdl.arange(1.0, y.numel() + 1).reshape(y.shape)).sum().backward()
    close(x.grad, case["grad"], 16)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 6)
        self.blocks = nn.ModuleList([nn.Linear(6, 6, bias=False), nn.Linear(6, 6)])
        self.head = nn.Sequential(nn.Tanh(), nn.Linear(6, 3))
        self.register_buffer("shift", fastdl.zeros(3))

    def forward(self, x):
        x = fastdl.relu(self.fc1(x))
        for block in self.blocks:
            x = x + nn.functional.gelu(block(x))
        return self.head(x) + self.shift


def test_a_state_dict_of_pytorch_gives_the_same_outputs_and_gradients():
    golden = GOLDEN["network"]
    net = Net()
    state = {name: np.array(value, "float32") for name, value in golden["state"].items()}
    assert list(net.state_dict()) == list(state)
    assert repr(net.load_state_dict(state)) == "<All keys matched successfully>"
    out = net(fastdl.tensor(golden["input"]))
    close(out.detach(), golden["output"], 32)  # four layers of up to 6 terms
    out.square().sum().backward()
    assert [name for name, _ in net.named_parameters()] == list(golden["grads"])
    for name, parameter in net.named_parameters():
        close(parameter.grad, golden["grads"][name], 64)


def test_repr_is_pytorchs():
    assert repr(Net()) == GOLDEN["network"]["repr"]
