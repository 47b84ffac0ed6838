"""Outputs of 784-512-10 for one batch, from a NumPy array to a NumPy array, beside plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from .peers import fastdl_rows
from .peers.rows import ROWS
from .plain_mlp import PlainMLP


@pytest.mark.parametrize("library", ["fastdl", "numpy"])
@pytest.mark.parametrize("name", [name for name in ROWS if name.startswith("predict_")])
def test_predict(name, library, benchmark, timed, machine):
    row = ROWS[name]
    benchmark.group = f"{name}: {row.what}"
    sizes, batch = row.arguments
    x = np.random.default_rng(0).random((batch, sizes[0]), np.float32)
    model = fastdl_rows._model(sizes)
    plain = PlainMLP(model.get_weights())

    def by_numpy():
        z = plain.forward(x)[-1]
        e = np.exp(z - z.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    # Sums of 784 products, in another order than NumPy's.
    np.testing.assert_allclose(model.predict_on_batch(x), by_numpy(), rtol=1e-4, atol=1e-6)
    run = by_numpy if library == "numpy" else lambda: model.predict_on_batch(x)
    timed(run, machine, row.flops, row.bytes)
