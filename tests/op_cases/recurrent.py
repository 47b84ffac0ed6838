"""Recurrent layers, step by step, in float64.

A step adds products of `units` terms, rounded once each, to values that the cells keep near 1. The
errors of earlier steps come in damped. Gradients sum over all steps.
"""

import numpy as np

from fastdl import _core

from .case import Case, Draw

CASES: list[Case] = []


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_step(z, p, h, c):
    i, f, g, o = np.split(z + p, 4, -1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_step(z, p, h, c, reset_first=False):
    first, second, x = np.split(z, 3, -1)
    p_first, p_second, product = np.split(p, 3, -1)
    update, reset = sigmoid(first + p_first), sigmoid(second + p_second)
    if reset_first:
        update, reset = reset, update
    return update * h + (1 - update) * np.tanh(x + reset * product), c


def simple_step(function):
    return lambda z, p, h, c: (function(z + p), c)


STEPS = {
    "lstm": lstm_step,
    "gru": gru_step,
    "tanh": simple_step(np.tanh),
    "relu": simple_step(lambda x: np.maximum(x, 0)),
}
GATES = {"lstm": 4, "gru": 3, "tanh": 1, "relu": 1}


def recurrent(
    cell, x, w, bias=None, h=None, c=None, mask=None, reverse=False, masked_zero=False, **options
):
    """[y, h] and for lstm c, as fastdl's op gives them."""
    if options.pop("transpose_w", False):
        w = w.T
    steps_first = options.pop("steps_first", False)
    if steps_first:
        x, mask = x.swapaxes(0, 1), None if mask is None else mask.T
    samples, steps, _ = x.shape
    zeros = np.zeros((samples, w.shape[0]))
    h, c = (zeros if state is None else state for state in (h, c))
    mask = np.ones((samples, steps), bool) if mask is None else mask.astype(bool)
    y = np.zeros((samples, steps, w.shape[0]))
    for t in range(steps - 1, -1, -1) if reverse else range(steps):
        p = h @ w + (0 if bias is None else bias)
        new_h, new_c = STEPS[cell](x[:, t], p, h, c, **options)
        counts = mask[:, t, None]
        y[:, t] = np.where(counts, new_h, 0 if masked_zero else h)
        h, c = np.where(counts, new_h, h), np.where(counts, new_c, c)
    y = y.swapaxes(0, 1) if steps_first else y
    return [y, h, c] if cell == "lstm" else [y, h]


def joined(parts):
    """One array of the outputs, so that a case's gradient flows through all of them."""
    return np.concatenate([part.reshape(-1) for part in parts])


def case(
    id,
    cell,
    small=(3, 4, 5),
    big=(21, 9, 70),
    bias=True,
    states=True,
    mask=None,
    kink=False,
    **options,
):
    def inputs(d: Draw):
        samples, steps, units = big if d.size == "big" else small
        samples, gates = d.n(samples, samples), GATES[cell] * units
        shape = (gates, units) if options.get("transpose_w") else (units, gates)
        axes = (steps, samples) if options.get("steps_first") else (samples, steps)
        x, w = d.normal(*axes, gates), d.normal(*shape) / np.float32(units**0.5)
        if kink:  # products of the state that do not change the sign of x
            x, w = d.nonzero(*axes, gates), d.uniform(-0.01, 0.01, *shape) / np.float32(units)
        found = [x, w]
        if bias:
            found.append(d.normal(gates))
        if states:
            found += [d.normal(samples, units) for _ in range(2 if cell == "lstm" else 1)]
        if mask:
            counts = mask(d, samples, steps)
            found.append(counts.T.copy() if options.get("steps_first") else counts)
        return found

    def arguments(given):
        given = list(given)
        named = dict(options, x=given.pop(0), w=given.pop(0))
        if bias:
            named["bias"] = given.pop(0)
        if states:
            named["h"] = given.pop(0)
            if cell == "lstm":
                named["c"] = given.pop(0)
        if mask:
            named["mask"] = given.pop(0)
        return named

    def call(*given):
        parts = _core.recurrent(cell=cell, **arguments(given))
        return _core.concat([_core.reshape(p, (-1,)) for p in parts])

    def reference(*given):
        return joined(recurrent(cell, **arguments(given)))

    floats = 2 + bias + (states and (2 if cell == "lstm" else 1))
    CASES.append(
        Case(
            "recurrent",
            id,
            inputs,
            call,
            reference,
            wrt=tuple(range(floats)),
            eps=64,
            scale=lambda *_: 2.0,
            grad_eps=256,
            empty=False,
        )
    )


def ragged(d: Draw, samples, steps):
    """Ends of sequences, one that is masked throughout, gaps, and a first step that is masked."""
    mask = np.arange(steps) < d.integers(1, steps + 1, samples, 1)
    mask[0] = False
    mask[1] = d.booleans(steps)
    mask[2, 0] = False
    return mask


case("lstm", "lstm")
case("lstm_plain", "lstm", bias=False, states=False)
case("lstm_masked", "lstm", mask=ragged)
case("lstm_masked_zero", "lstm", mask=ragged, masked_zero=True)
case("lstm_reverse", "lstm", mask=ragged, reverse=True, transpose_w=True)
case("lstm_one_step", "lstm", small=(2, 1, 3), big=(33, 1, 65))
case("lstm_one_sample", "lstm", small=(1, 3, 4), big=(1, 30, 130))
case("lstm_long_sums", "lstm", small=(2, 2, 2), big=(5, 3, 300))
case("gru", "gru")
case("gru_masked", "gru", mask=ragged)
case(
    "gru_torch",
    "gru",
    reset_first=True,
    transpose_w=True,
    reverse=True,
    mask=ragged,
    masked_zero=True,
)
case("gru_plain", "gru", bias=False, states=False, big=(3, 17, 33))
case("lstm_torch", "lstm", steps_first=True, transpose_w=True, mask=ragged, masked_zero=True)
case("gru_steps_first", "gru", steps_first=True)
case("tanh", "tanh")
case("tanh_masked", "tanh", mask=ragged, reverse=True)
case("relu", "relu", bias=False, states=False, kink=True)
