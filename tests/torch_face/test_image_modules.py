"""Convolutions, pooling, resizing and padding of `nn` against PyTorch's outputs and gradients."""

import json
from pathlib import Path

import image_module_cases as cases
import numpy as np
import pytest

import fastdl
import fastdl.nn.functional as F
from fastdl import nn

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden/image_modules.json").read_text(encoding="utf-8")
)["cases"]
EPS = float(np.finfo(np.float32).eps)


def tensor(array, parameter):
    return fastdl.tensor(array, requires_grad=parameter is None)


def close(found, wanted, what):
    """Some hundred float32 roundings of the largest value: sums of up to some hundred terms."""
    wanted = np.array(wanted)
    scale = max(1.0, np.abs(wanted).max(initial=0.0))
    np.testing.assert_allclose(
        np.asarray(found.numpy(), np.float64).reshape(-1), wanted, rtol=0, atol=200 * EPS * scale,
        err_msg=what,
    )  # fmt: skip


@pytest.mark.parametrize("case", cases.CASES, ids=cases.name_of)
def test_outputs_and_gradients_are_those_of_pytorch(case):
    text, shape = case
    row = GOLDEN[cases.name_of(case)]
    y, x, parameters = cases.evaluate(text, shape, nn, F, tensor)
    assert list(y.shape) == row["shape"]
    if "grads" not in row:
        assert y.dtype == "int64" and y.flatten().tolist() == row["output"]
        return
    close(y, row["output"], "output")
    weight = fastdl.tensor(cases.values(text, tuple(y.shape), -1 & 0xFFFF))
    (y * weight).sum().backward()
    for found, wanted in zip((x, *parameters), row["grads"], strict=True):
        assert found.grad.shape == found.shape
        close(found.grad, wanted, "gradient")


IMAGES = np.ones((2, 4, 8, 8), np.float32)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.Conv2d(4, 3, 9), r"Conv2d: a kernel of 9 places .* shape \(2, 4, 8, 8\)"),
        (lambda: nn.Conv2d(4, 3, 3, stride=2**40), "Conv2d: stride: expected at most 2147483647"),
        (
            lambda: nn.Conv2d(4, 3, 3, padding=9, padding_mode="circular"),
            r"Conv2d: .*at most 8 for an axis of size 8.* \(input shape \(2, 4, 8, 8\)\)",
        ),
        (
            lambda: nn.MaxPool2d(5, dilation=2, padding=0),
            r"MaxPool2d: a window of 9 places .* shape \(2, 4, 8, 8\) with padding \(0, 0\)",
        ),
        (lambda: nn.MaxPool2d(9, return_indices=True), "MaxPool2d: a window of 9 places"),
        (lambda: nn.AvgPool2d((2, 9)), r"AvgPool2d: a window of 9 .* \(2, 4, 8, 8\)"),
        (lambda: nn.LPPool2d(2, 9), r"LPPool2d: a window of 9 .* \(2, 4, 8, 8\)"),
        (lambda: nn.AvgPool2d(2, divisor_override=0), r"AvgPool2d: .*divisor.* \(2, 4, 8, 8\)"),
        (lambda: nn.ReflectionPad2d(8), r"ReflectionPad2d: .*at most 7 .* \(2, 4, 8, 8\)"),
        (lambda: nn.ZeroPad2d((-5, -4, 0, 0)), r"ZeroPad2d: .*\(-5, -4\) cuts off more than the 8"),
    ],
)
def test_bad_sizes(call, message):
    with pytest.raises(ValueError, match=message):
        call()(IMAGES)


def test_storage_types():
    with pytest.raises(TypeError, match=r"Conv2d: .*float16.*input shape \(2, 4, 8, 8\)"):
        nn.Conv2d(4, 3, 3)(fastdl.tensor(IMAGES.astype(np.float16)))


def test_an_axis_that_is_cut_off():
    assert nn.ZeroPad2d(-4)(IMAGES).shape == (2, 4, 0, 0)


def test_a_window_may_begin_in_the_input_and_end_beyond_it():
    """PyTorch's results with ceil_mode, where a window is larger than the padded input."""
    x = fastdl.tensor([[[[1.0, 5.0]]]], requires_grad=True)
    y = nn.MaxPool2d((2, 3), 2, ceil_mode=True)(x)
    assert y.tolist() == [[[[5.0]]]]
    y.sum().backward()
    assert x.grad.tolist() == [[[[0.0, 1.0]]]]
    assert nn.AvgPool2d((2, 3), 2, ceil_mode=True)(x).tolist() == [[[[3.0]]]]
    with pytest.raises(ValueError, match=r"MaxPool2d: .* window of 4 .*\(1, 1, 1, 2\)"):
        nn.MaxPool2d((2, 4), 2, ceil_mode=True)(x)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
def test_windows_of_zeros_have_no_gradient_in_lp_pooling(p):
    x = fastdl.tensor([[[3.0, 4.0, 0.0, 0.0]]], requires_grad=True)
    nn.LPPool1d(p, 2)(x).sum().backward()
    root = (3.0**p + 4.0**p) ** (1 / p - 1)
    wanted = [root * 3.0 ** (p - 1), root * 4.0 ** (p - 1), 0.0, 0.0]
    np.testing.assert_allclose(x.grad.numpy()[0, 0], wanted, rtol=16 * EPS)


def test_negative_widths_cut_off_what_is_continued():
    """PyTorch's results: a reflection sees the elements that are cut off, a circle does not."""
    x = np.array([[[1.0, 2.0, 3.0]]], np.float32)
    assert F.pad(x, (-2, 1), "reflect").tolist() == [[[3.0, 2.0]]]
    assert F.pad(x, (2, -1), "reflect").tolist() == [[[3.0, 2.0, 1.0, 2.0]]]
    assert F.pad(x, (-2, 2), "replicate").tolist() == [[[3.0, 3.0, 3.0]]]
    assert F.pad(x, (1, -1), "circular").tolist() == [[[2.0, 1.0, 2.0]]]
