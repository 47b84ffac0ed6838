"""Random numbers as Keras programs ask for them, with the seeds of `keras.random`.

Without a seed, and with a `SeedGenerator`, they come from the library's stream, which
`utils.set_random_seed` starts. An integer seed gives the same numbers at every call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import _core
from ._core import Tensor


class SeedGenerator:
    """Stands for a stream of seeds; all of them are the library's own stream.

    Args:
        seed: kept for `get_config`; `utils.set_random_seed` makes runs repeat themselves.
        name: its name.

    Example:
        >>> generator = random.SeedGenerator(7)
        >>> random.normal((2, 3), seed=generator).shape
        (2, 3)
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        _fixed(seed)
        self.seed = seed
        self.name = name or "seed_generator"

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        return {"seed": self.seed, "name": self.name}


def _fixed(seed: Any) -> np.random.Generator | None:
    """NumPy's generator for an integer seed: a recorded step then holds its numbers."""
    if seed is None or isinstance(seed, SeedGenerator):
        return None
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed: expected an integer, a SeedGenerator or None, got {seed!r}")
    return np.random.default_rng(seed)


def normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = None,
    seed: int | SeedGenerator | None = None,
) -> Tensor:
    """Normally distributed numbers.

    Example:
        >>> random.normal((2, 3), seed=1).shape
        (2, 3)
    """
    fixed = _fixed(seed)
    if fixed is None:
        values = _core.normal(tuple(shape), mean, stddev)
    else:
        values = _core.as_tensor(fixed.normal(mean, stddev, tuple(shape)))
    return _core.cast(values, dtype or "float32")


def truncated_normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = None,
    seed: int | SeedGenerator | None = None,
) -> Tensor:
    """Normally distributed numbers of which those beyond two deviations are drawn again."""
    fixed = _fixed(seed)
    if fixed is None:
        values = _core.truncated_normal(tuple(shape), mean, stddev)
    else:
        array = fixed.standard_normal(tuple(shape))
        while (beyond := abs(array) > 2).any():
            array[beyond] = fixed.standard_normal(int(beyond.sum()))
        values = _core.as_tensor(array * stddev + mean)
    return _core.cast(values, dtype or "float32")


def uniform(
    shape: Sequence[int],
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: Any = None,
    seed: int | SeedGenerator | None = None,
) -> Tensor:
    """Numbers evenly distributed between `minval` and `maxval`, the latter excluded."""
    fixed = _fixed(seed)
    if fixed is None:
        values = _core.uniform(tuple(shape), minval, maxval)
    else:
        values = _core.as_tensor(fixed.uniform(minval, maxval, tuple(shape)))
    return _core.cast(values, dtype or "float32")


def randint(
    shape: Sequence[int],
    minval: int,
    maxval: int,
    dtype: Any = "int32",
    seed: int | SeedGenerator | None = None,
) -> Tensor:
    """Integers from `minval` to `maxval`, the latter excluded."""
    fixed = _fixed(seed)
    if fixed is None:
        values = _core.randint(tuple(shape), minval, maxval)
    else:
        values = _core.as_tensor(fixed.integers(minval, maxval, tuple(shape)))
    return _core.cast(values, dtype)


def dropout(
    inputs: Any,
    rate: float,
    noise_shape: Sequence[int | None] | None = None,
    seed: int | SeedGenerator | None = None,
) -> Tensor:
    """The inputs with a share of `rate` set to 0 and the others divided by `1 - rate`.

    Args:
        inputs: float32.
        rate: in [0, 1).
        noise_shape: where its sizes are 1, all elements along that axis share one draw.
        seed: see above.
    """
    x = _core.as_tensor(inputs)
    if noise_shape is None:
        shape = x.shape
    else:
        shape = tuple(n if s is None else s for n, s in zip(x.shape, noise_shape, strict=True))
    kept = _core.cast(_core.ge(uniform(shape, seed=seed), rate), "float32")
    return _core.mul(x, _core.div(kept, 1.0 - rate))


def shuffle(x: Any, axis: int = 0, seed: int | SeedGenerator | None = None) -> Tensor:
    """The slices of `x` along an axis in random order."""
    x = _core.as_tensor(x)
    fixed = _fixed(seed)
    order = _core.permutation(x.shape[axis]) if fixed is None else fixed.permutation(x.shape[axis])
    return _core.take(x, order, axis)


__all__ = [
    "SeedGenerator",
    "dropout",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]
