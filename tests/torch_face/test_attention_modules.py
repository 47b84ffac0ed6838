"""Attention, embeddings and transformers against PyTorch's outputs and gradients; bad input."""

import json
from pathlib import Path

import attention_module_cases as cases
import image_module_cases as evaluation
import numpy as np
import pytest

import fastdl
import fastdl.nn.functional as F
from fastdl import nn

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/attention_modules.json").read_text())
EPS = float(np.finfo(np.float32).eps)
MADE = {
    "ints": lambda values: fastdl.tensor(np.array(values, np.int64)),
    "flags": lambda values: fastdl.tensor(np.array(values, bool)),
    "floats": lambda values: fastdl.tensor(np.array(values, np.float32)),
    "NINF": float("-inf"),
}


def tensor(array, parameter):
    return fastdl.tensor(array, requires_grad=parameter is None)


def close(found, wanted):
    """Some hundred float32 roundings of the largest value: several layers and their gradients."""
    wanted = np.array(wanted)
    scale = max(1.0, np.abs(wanted).max(initial=0.0, where=np.isfinite(wanted)))
    found = np.asarray(found.numpy(), np.float64).reshape(-1)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=200 * EPS * scale)


@pytest.mark.parametrize("case", cases.CASES, ids=lambda c: f"{c[0]} {c[1]}")
def test_outputs_and_gradients_are_those_of_pytorch(case):
    text, shape = case
    row = GOLDEN[f"{text} {shape}"]
    y, x, parameters = evaluation.evaluate(text, shape, nn, F, tensor, MADE)
    assert list(y.shape) == row["shape"]
    close(y, row["output"])
    (y * fastdl.tensor(evaluation.values(text, tuple(y.shape), -1 & 0xFFFF))).sum().backward()
    for found, wanted in zip((x, *parameters), row["grads"], strict=True):
        assert (found.grad is None) == (wanted is None)
        if wanted is not None:
            close(found.grad, wanted)


# --- scaled_dot_product_attention


def test_dropout_keeps_the_expectation_and_drops_the_share():
    fastdl.manual_seed(0)
    keys = 64
    q, v = fastdl.zeros(1, 1, 4000, 2), fastdl.tensor(np.eye(keys, dtype=np.float32)[None, None])
    y = F.scaled_dot_product_attention(q, fastdl.zeros(1, 1, keys, 2), v, dropout_p=0.25).numpy()
    # Values are the dropped weights: 0, or 1 / keys / 0.75. 256,000 draws: five deviations.
    dropped = (y == 0).mean()
    assert abs(dropped - 0.25) < 5 * (0.25 * 0.75 / y.size) ** 0.5
    np.testing.assert_allclose(y[y != 0], 1 / keys / 0.75, rtol=10 * EPS)
    assert not F.scaled_dot_product_attention(q, q, q, dropout_p=1.0).numpy().any()


@pytest.mark.parametrize(
    ("kind", "call", "message"),
    [
        (ValueError, lambda x: F.scaled_dot_product_attention(x[0, 0, 0], x, x), "at least 2 axes"),
        (
            ValueError,
            lambda x: F.scaled_dot_product_attention(x, x[..., :2], x),
            r"same width of query and key, got query \(2, 4, 3, 4\), key \(2, 4, 3, 2\)",
        ),
        (ValueError, lambda x: F.scaled_dot_product_attention(x, x[:, :, :1], x), "keys as values"),
        (
            ValueError,
            lambda x: F.scaled_dot_product_attention(x, x[:, :2], x[:, :2]),
            "fewer heads of key and value need enable_gqa=True",
        ),
        (
            ValueError,
            lambda x: F.scaled_dot_product_attention(x, x[:, :3], x[:, :3], enable_gqa=True),
            "heads of key and value that divide those of query",
        ),
        (
            ValueError,
            lambda x: F.scaled_dot_product_attention(x, x, x, fastdl.ones(3, 2)),
            r"attn_mask: expected a shape that broadcasts to \(2, 4, 3, 3\), got \(3, 2\)",
        ),
        (
            TypeError,
            lambda x: F.scaled_dot_product_attention(x, x, x, fastdl.ones(3, 3).long()),
            "'mask' must be bool or float32, got int64",
        ),
        (
            ValueError,
            lambda x: F.scaled_dot_product_attention(x, x, x, fastdl.ones(3, 3), 0.0, True),
            "attn_mask, is_causal: expected one of them, got both",
        ),
        (ValueError, lambda x: F.scaled_dot_product_attention(x, x, x, None, 1.5), "dropout_p"),
        (ValueError, lambda x: F.scaled_dot_product_attention(x, x, x, scale="a"), "scale"),
    ],
)
def test_bad_input_of_attention(kind, call, message):
    with pytest.raises(kind, match=f"scaled_dot_product_attention: .*{message}"):
        call(fastdl.ones(2, 4, 3, 4))
