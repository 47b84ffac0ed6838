"""Initializers in place, with the names, formulas and defaults of `torch.nn.init`.

Each writes into its tensor, which may be a parameter, and returns it. The write is not recorded for
`backward()`. `generator` is a `fastdl.Generator`, or None for the library's own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.random import drawing_from, numpy_generator

if TYPE_CHECKING:
    from .._base.random import Generator
    from .._core import Tensor, TensorLike


def _write(tensor: Tensor, value: TensorLike) -> Tensor:
    before = _core.set_grad_enabled(False)
    try:
        F.assign_(tensor, value)
    finally:
        _core.set_grad_enabled(before)
    return tensor


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Uniform values of [a, b).

    Example:
        >>> 2 <= uniform_(fastdl.zeros(1), 2, 3).item() < 3
        True
    """
    with drawing_from(generator):
        return _write(tensor, F.uniform(shape=tensor.shape, low=a, high=b))


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Normal values with the given mean and standard deviation.

    Example:
        >>> normal_(fastdl.zeros(3), 5.0, 0.0).tolist()
        [5.0, 5.0, 5.0]
    """
    with drawing_from(generator):
        return _write(tensor, F.normal(shape=tensor.shape, mean=mean, std=std))


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Values of a normal distribution that is truncated to [a, b].

    Raises:
        ValueError: a isn't below b, or std isn't positive.

    Example:
        >>> bool((trunc_normal_(fastdl.zeros(50), a=0.0).abs() <= 2).all())
        True
    """
    if not a < b or not std > 0:
        raise _core.ArgumentError(
            f"trunc_normal_: expected a < b and std > 0, got {a}, {b} and {std}"
        )
    # Rejection sampling from a uniform distribution. Its bounds are the part of [a, b] within 9
    # deviations of the mean, or, if there is none, the 9 deviations of [a, b] next to the mean.
    low, high = max(a, mean - 9 * std), min(b, mean + 9 * std)
    if low >= high:
        low, high = (a, min(b, a + 9 * std)) if a >= mean else (max(a, b - 9 * std), b)
    peak = min(max(mean, low), high)
    rng = numpy_generator(generator)
    values = np.empty(tensor.numel())
    missing = np.arange(values.size)
    while missing.size:
        drawn = rng.uniform(low, high, missing.size)
        height = np.exp((((peak - mean) / std) ** 2 - ((drawn - mean) / std) ** 2) / 2)
        accepted = rng.uniform(0, 1, missing.size) < height
        values[missing[accepted]] = drawn[accepted]
        missing = missing[~accepted]
    return _write(tensor, values.reshape(tensor.shape))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value everywhere.

    Example:
        >>> constant_(fastdl.zeros(2), 3).tolist()
        [3.0, 3.0]
    """
    return _write(tensor, val)


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return _write(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    return _write(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Ones on the diagonal of a matrix, zeros elsewhere. ValueError for other ranks."""
    if tensor.ndim != 2:
        raise _core.ArgumentError("Only tensors with 2 dimensions are supported")
    return _write(tensor, np.eye(*tensor.shape, dtype=np.float32))


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which to scale the weights before a nonlinearity.

    Args:
        nonlinearity: "linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu", or "conv1d" to
            "conv_transpose3d".
        param: the slope of leaky_relu; 0.01 by default.

    Raises:
        ValueError: another name.

    Example:
        >>> calculate_gain("tanh")
        1.6666666666666667
    """
    if nonlinearity in ("linear", "sigmoid") or str(nonlinearity).startswith("conv"):
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise _core.ArgumentError(f"negative_slope {slope} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise _core.ArgumentError(f"Unsupported nonlinearity {nonlinearity}")


def _fans(tensor: Tensor) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight (out, in, ...): the inputs and outputs of a unit."""
    if tensor.ndim < 2:
        raise _core.ArgumentError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
        )
    field = math.prod(tensor.shape[2:])
    # At least 1: the fans of a weight without values are divisors, too.
    return max(1, tensor.shape[1] * field), max(1, tensor.shape[0] * field)


def _fan(tensor: Tensor, mode: str) -> int:
    modes = {"fan_in": 0, "fan_out": 1}
    which = modes.get(str(mode).lower())
    if which is None:
        raise _core.ArgumentError(f"Mode {mode} not supported, please use one of {list(modes)}")
    return _fans(tensor)[which]


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Uniform in +-gain * sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010).

    Example:
        >>> bool((xavier_uniform_(fastdl.zeros(3, 3)).abs() <= 1).all())
        True
    """
    bound = gain * math.sqrt(6.0 / sum(_fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with deviation gain * sqrt(2 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(_fans(tensor))), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Uniform in +-gain * sqrt(3 / fan) (He et al. 2015).

    Args:
        tensor: weight of shape (out, in, ...).
        a: the slope of leaky_relu.
        mode: "fan_in" or "fan_out".
        nonlinearity: see calculate_gain.
        generator: see the module.

    Raises:
        ValueError: fewer than 2 axes; unknown mode or nonlinearity.

    Example:
        >>> bool((kaiming_uniform_(fastdl.zeros(2, 6)).abs() <= 1).all())
        True
    """
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3.0 / _fan(tensor, mode))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Normal with deviation gain / sqrt(fan) (He et al. 2015); arguments as kaiming_uniform_."""
    std = calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode))
    return normal_(tensor, 0.0, std, generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """A random (semi-)orthogonal matrix times `gain` (Saxe et al. 2013).

    The axes after the first form the columns of the matrix.

    Raises:
        ValueError: fewer than 2 axes.

    Example:
        >>> w = orthogonal_(fastdl.zeros(3, 5))
        >>> fastdl.allclose(w @ w.T, fastdl.eye(3), atol=1e-5)
        True
    """
    if tensor.ndim < 2:
        raise _core.ArgumentError("Only tensors with 2 or more dimensions are supported")
    rows = tensor.shape[0]
    columns = tensor.numel() // rows if rows else 0
    flat = numpy_generator(generator).normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(flat)
    q *= np.sign(np.diag(r))  # makes the distribution uniform (Mezzadri 2007)
    return _write(tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """The weight of a convolution that passes its input channels on.

    Args:
        tensor: (out, in / groups, places...), with 1 to 3 axes of places.
        groups: the groups of the convolution.

    Raises:
        ValueError: another number of axes; `out` is no multiple of the groups.

    Example:
        >>> dirac_(fastdl.zeros(2, 2, 1)).tolist()
        [[[1.0], [0.0]], [[0.0], [1.0]]]
    """
    shape = tensor.shape
    if len(shape) not in (3, 4, 5):
        raise _core.ArgumentError("Only tensors with 3, 4, or 5 dimensions are supported")
    if shape[0] % groups:
        raise _core.ArgumentError("dim 0 must be divisible by groups")
    values = np.zeros(shape, np.float32)
    rows = shape[0] // groups
    middle = tuple(size // 2 for size in shape[2:])
    for group in range(groups):
        for i in range(min(rows, shape[1])):
            place = (group * rows + i, i, *middle)
            values[place] = 1
    return _write(tensor, values)


def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """Normal values, of which a part in each column is 0 (Martens 2010).

    Args:
        tensor: (rows, columns).
        sparsity: the part of each column that is 0, rounded up.
        std: the deviation of the others.
        generator: see the module.

    Raises:
        ValueError: the tensor is no matrix.

    Example:
        >>> (sparse_(fastdl.zeros(4, 3), 0.5) == 0).sum().item()
        6
    """
    if tensor.ndim != 2:
        raise _core.ArgumentError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    rng = numpy_generator(generator)
    values = rng.normal(0.0, std, size=(rows, columns))
    for column in range(columns):
        values[rng.permutation(rows)[: math.ceil(sparsity * rows)], column] = 0
    return _write(tensor, values)


# The names before PyTorch 0.4.
uniform, normal, constant, eye, dirac = uniform_, normal_, constant_, eye_, dirac_
xavier_uniform, xavier_normal = xavier_uniform_, xavier_normal_
kaiming_uniform, kaiming_normal = kaiming_uniform_, kaiming_normal_
orthogonal, sparse = orthogonal_, sparse_


if not TYPE_CHECKING:
    from .._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
