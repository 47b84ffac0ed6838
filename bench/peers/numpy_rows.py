"""NumPy's side: matmul as its BLAS does it. Its import is what the row import subtracts."""

from __future__ import annotations

from .rows import repeat


def name_and_version() -> str:
    import numpy

    return f"numpy {numpy.__version__}"


def matmul(m, n, k):
    import numpy as np

    rng = np.random.default_rng(0)
    a, b = rng.random((m, k), np.float32), rng.random((k, n), np.float32)
    return repeat(lambda: a @ b)
