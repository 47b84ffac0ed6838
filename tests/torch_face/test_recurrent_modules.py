"""Recurrent modules and packed sequences against PyTorch's outputs and gradients; bad input."""

import json
from pathlib import Path

import image_module_cases as evaluation
import numpy as np
import pytest
import recurrent_cases as cases
from trainings import module_trained

import fastdl
import fastdl.nn.functional as F
from fastdl import nn

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/recurrent_modules.json").read_text())
EPS = float(np.finfo(np.float32).eps)


def tensor(array, parameter):
    return fastdl.tensor(array, requires_grad=parameter is None)


def close(found, wanted):
    """Some hundred float32 roundings of the largest value: gradients of up to five steps."""
    wanted = np.array(wanted)
    scale = max(1.0, np.abs(wanted).max(initial=0.0))
    found = np.asarray(found.numpy(), np.float64).reshape(-1)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=200 * EPS * scale)


@pytest.mark.parametrize("case", cases.MODULES, ids=lambda c: f"{c[0]} {c[1]}")
def test_outputs_and_gradients_are_those_of_pytorch(case):
    text, shape = case
    row = GOLDEN[f"{text} {shape}"]
    y, x, parameters = evaluation.evaluate(text, shape, nn, F, tensor)
    assert list(y.shape) == row["shape"]
    close(y, row["output"])
    (y * fastdl.tensor(evaluation.values(text, tuple(y.shape), -1 & 0xFFFF))).sum().backward()
    for found, wanted in zip((x, *parameters), row["grads"], strict=True):
        close(found.grad, wanted)


def test_names_of_weights_are_those_of_pytorch():
    net = nn.LSTM(2, 3, 2, bidirectional=True)
    assert list(net.state_dict()) == [
        f"{name}_l{layer}{suffix}"
        for layer in range(2)
        for suffix in ("", "_reverse")
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]
    assert [tuple(w.shape) for w in net.all_weights[2]] == [(12, 6), (12, 3), (12,), (12,)]
    assert str(net) == "LSTM(2, 3, num_layers=2, bidirectional=True)"


def test_dropout_between_layers_acts_in_training_only():
    fastdl.manual_seed(0)
    net, x = nn.GRU(4, 8, 2, dropout=0.5), fastdl.randn(6, 3, 4)
    assert not fastdl.equal(net(x)[0], net(x)[0])
    net.eval()
    assert fastdl.equal(net(x)[0], net(x)[0])
    net.dropout = 1.0
    net.train()
    zeros = nn.GRU(8, 8)
    zeros.load_state_dict(
        {k.replace("l1", "l0"): v for k, v in net.state_dict().items() if "l1" in k}
    )
    assert fastdl.equal(net(x)[0], zeros(fastdl.zeros(6, 3, 8))[0])


def test_a_recorded_step_of_packed_sequences_computes_the_same():
    fastdl.manual_seed(0)
    net, x = nn.LSTM(3, 4, batch_first=True), fastdl.randn(2, 5, 3)

    def run(x):
        return net(x)[1][0].sum()

    recorded = fastdl.plan(run)
    values = [recorded(x + i).item() for i in range(4)]
    assert values == [run(x + i).item() for i in range(4)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.LSTM(2, 0), "LSTM: hidden_size: expected an integer of at least 1, got 0"),
        (lambda: nn.LSTM(2, 3)(fastdl.ones(4, 2, 3)), "LSTM: expected an input with 2 features"),
        (lambda: nn.GRU(2, 3)(fastdl.ones(2)), "GRU: expected an input with 2 or 3 axes"),
        (
            lambda: nn.LSTM(2, 3)(fastdl.ones(4, 1, 2), fastdl.ones(1, 1, 3)),
            r"LSTM: hx: expected a pair \(h_0, c_0\)",
        ),
        (
            lambda: nn.GRU(2, 3, 2)(fastdl.ones(4, 1, 2), fastdl.ones(1, 1, 3)),
            r"GRU: hx: expected h_0 of shape \(2, 1, 3\), got \(1, 1, 3\)",
        ),
        (lambda: nn.RNN(2, 3, nonlinearity="gelu"), "RNN: nonlinearity: expected 'tanh' or 'relu'"),
        (
            lambda: nn.LSTMCell(2, 3)(fastdl.ones(4, 2), (fastdl.ones(4, 2), None)),
            r"LSTMCell: hx: expected states of shape \(4, 3\), got \(4, 2\)",
        ),
        (
            lambda: nn.utils.rnn.pack_padded_sequence(fastdl.ones(3, 2), [1, 2]),
            "lengths that do not increase, got .* enforce_sorted=False",
        ),
        (
            lambda: nn.utils.rnn.pack_padded_sequence(fastdl.ones(3, 2), [4, 2]),
            "lengths from 1 to 3, the steps of the input, got 4 at position 0",
        ),
        (
            lambda: nn.utils.rnn.pack_padded_sequence(fastdl.ones(3, 2), [3, 0]),
            "lengths from 1 to 3, the steps of the input, got 0 at position 1",
        ),
        (
            lambda: nn.utils.rnn.pad_sequence([fastdl.ones(3, 2), fastdl.ones(3, 1)]),
            r"expected shapes \(length, 2\), got \(3, 1\) at position 1",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_projections():
    net = nn.LSTM(2, 4, bias=False, bidirectional=True, proj_size=3)
    names = [f"weight_{k}_l0{way}" for way in ("", "_reverse") for k in ("ih", "hh", "hr")]
    assert list(net.state_dict()) == names
    assert [tuple(w.shape) for w in net.all_weights[1]] == [(16, 2), (16, 3), (3, 4)]
    assert str(net) == "LSTM(2, 4, proj_size=3, bias=False, bidirectional=True)"
    h, c = fastdl.randn(2, 5, 3), fastdl.randn(2, 5, 4)
    y, (last, _) = net(fastdl.zeros(0, 5, 2), (h, c))  # no step leaves the states
    assert y.shape == (0, 5, 6) and fastdl.equal(last, h)
    for call, message in (
        (lambda: nn.LSTM(2, 3, proj_size=3), r"LSTM: proj_size: .* below 3 \(hidden_size\), got 3"),
        (lambda: nn.GRU(2, 3, proj_size=1), "GRU: proj_size: expected an integer 0, got 1"),
        (lambda: net(fastdl.ones(1, 5, 2), (c, c)), r"h_0 of shape \(2, 5, 3\), got \(2, 5, 4\)"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


class Projected(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, 4, 2, bidirectional=True, proj_size=3)

    def forward(self, x, h, c):
        return self.lstm(x, (h, c))[0].square().mean()


def test_recorded_steps_with_projections_agree_with_eager_ones_to_the_bit():
    random = np.random.default_rng(0)
    shapes = ((6, 3, 2), (4, 3, 3), (4, 3, 4))
    steps = [[random.standard_normal(s).astype("float32") for s in shapes] for _ in range(4)]
    eager = module_trained(Projected, steps, planned=False)
    assert eager == module_trained(Projected, steps, planned=True)
