"""NumPy's side: matmul as its BLAS does it. Its import is what the row import subtracts."""

from __future__ import annotations

from .rows import product, repeat, stored


def name_and_version() -> str:
    import numpy

    return f"numpy {numpy.__version__}"


def matmul(m, n, k, a_t, b_t):
    import numpy as np

    rng = np.random.default_rng(0)
    a, b = (rng.random(shape, np.float32) for shape in stored(m, n, k, a_t, b_t))
    return repeat(product(a, b, a_t, b_t))
