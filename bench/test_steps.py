"""One training step of the mlp rows, shuffled batches included, by growing effort: plain NumPy,
plain Cython, fastdl's tape step by step from Python, and `fit`, which replays a plan."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import fastdl
from fastdl import nn, optim

from .peers import fastdl_rows
from .peers.rows import ROWS, data_for
from .plain_mlp import PlainMLP, glorot, numpy_primitives

NAMES = ["mlp_tiny", "mlp_128", "mlp_512"]


@pytest.fixture(scope="module")
def cython():
    from .cython_library import build

    module = build()
    if module is None:
        pytest.skip("Cython is not installed: pip install cython setuptools")
    return module


def _check(name: str, primitives) -> None:
    """Two steps by hand end at the weights of two steps of `fit`, the same ones in float32."""
    sizes, batch = ROWS[name].arguments
    x, y = (a[:batch] for a in data_for(sizes, batch))
    model = fastdl_rows._model(sizes)
    plain = PlainMLP(model.get_weights(), primitives)
    model.fit(x, y, batch_size=batch, epochs=2, shuffle=False, verbose=0)
    for _ in range(2):
        plain.step(x, y)
    for ours, theirs in zip(model.get_weights(), plain.weights, strict=True):
        # Where a gradient is near 0, Adam's step of 0.001 has the sign of a rounding error.
        far = np.abs(ours - theirs) > 1e-5
        assert far.mean() < 0.01
        assert np.abs(ours - theirs).max() <= 4.1e-3


def _time(name, benchmark, timed, machine, epoch, steps) -> None:
    row = ROWS[name]
    benchmark.group = f"{name}: {row.what}"
    timed(epoch, machine, row.flops, row.bytes, per=steps)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("library", ["numpy", "cython"])
def test_plain(library, name, request, benchmark, timed, machine):
    primitives = numpy_primitives if library == "numpy" else request.getfixturevalue("cython")
    _check(name, primitives)
    sizes, batch = ROWS[name].arguments
    x, y = data_for(sizes, batch)
    x, y = x[: 10 * batch], y[: 10 * batch]
    plain, rng = PlainMLP(glorot(sizes), primitives), np.random.default_rng(0)
    _time(name, benchmark, timed, machine, lambda: plain.epoch(x, y, batch, rng), 10)


@pytest.mark.parametrize("name", NAMES)
def test_fastdl_eager(name, benchmark, timed, machine):
    sizes, batch = ROWS[name].arguments
    x, y = (fastdl.tensor(a) for a in data_for(sizes, batch))
    stack = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), nn.ReLU())]
    model = nn.Sequential(*stack[:-1])
    optimizer = optim.Adam(model.parameters())
    loss_of = nn.MSELoss() if sizes[-1] == 1 else nn.CrossEntropyLoss()

    def epoch():
        order = fastdl.randperm(len(x))
        for i in range(0, len(x), batch):
            rows = order[i : i + batch]
            optimizer.zero_grad()
            loss_of(model(x[rows]), y[rows]).backward()
            optimizer.step()

    _time(name, benchmark, timed, machine, epoch, len(x) // batch)


@pytest.mark.parametrize("name", NAMES)
def test_fastdl_fit(name, benchmark, timed, machine):
    sizes, batch = ROWS[name].arguments
    x, y = data_for(sizes, batch)
    model = fastdl_rows._model(sizes)
    epochs = max(1, 400 // batch)  # so that a call of fit itself counts little

    def run():
        model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0)

    _time(name, benchmark, timed, machine, run, epochs * len(x) // batch)
