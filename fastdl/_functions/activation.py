"""Activations with PyTorch's defaults, each a single operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import formulas, moving
from .._base import functional as F
from .._base.dtypes import check_computed

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike

    from .._core import Tensor, TensorLike


def relu(input: TensorLike) -> Tensor:
    """`max(input, 0)`; the gradient at 0 is 0.

    Example:
        >>> relu([-1.0, 2.0]).tolist()
        [0.0, 2.0]
    """
    return F.relu(input)


def leaky_relu(input: TensorLike, negative_slope: float = 0.01) -> Tensor:
    """The input where positive, `negative_slope * input` elsewhere.

    Example:
        >>> leaky_relu([-1.0, 2.0], 0.5).tolist()
        [-0.5, 2.0]
    """
    return F.leaky_relu(input, slope=negative_slope)


def elu(input: TensorLike, alpha: float = 1.0) -> Tensor:
    """The input where positive, `alpha * (exp(input) - 1)` elsewhere (Clevert et al. 2015).

    Example:
        >>> elu([0.0, 2.0]).tolist()
        [0.0, 2.0]
    """
    return F.elu(input, alpha=alpha)


def selu(input: TensorLike) -> Tensor:
    """1.0507 * elu(input, 1.6733), self-normalizing (Klambauer et al. 2017).

    Example:
        >>> selu([0.0]).tolist()
        [0.0]
    """
    return F.selu(input)


def gelu(input: TensorLike, approximate: str = "none") -> Tensor:
    """`input * Phi(input)` with the normal distribution function (Hendrycks & Gimpel 2016).

    Args:
        approximate: "none" (exact, through erf) or "tanh".

    Raises:
        ValueError: another value of `approximate`.

    Example:
        >>> gelu([0.0], approximate="tanh").tolist()
        [0.0]
    """
    if approximate == "none":
        return F.gelu(input)
    if approximate == "tanh":
        return F.gelu(input, approximate=True)
    raise _core.ArgumentError(f"gelu: approximate: expected 'none' or 'tanh', got {approximate!r}")


def silu(input: TensorLike) -> Tensor:
    """`input * sigmoid(input)`, also called swish.

    Example:
        >>> silu([0.0]).tolist()
        [0.0]
    """
    return F.silu(input)


def softplus(input: TensorLike) -> Tensor:
    """`log(1 + exp(input))`, without overflow.

    Example:
        >>> softplus([100.0]).tolist()
        [100.0]
    """
    return F.softplus(input)


def softsign(input: TensorLike) -> Tensor:
    """`input / (1 + |input|)`.

    Example:
        >>> softsign([-1.0, 1.0]).tolist()
        [-0.5, 0.5]
    """
    return F.softsign(input)


def sigmoid(input: TensorLike) -> Tensor:
    """`1 / (1 + exp(-input))`.

    Example:
        >>> sigmoid([0.0]).tolist()
        [0.5]
    """
    return F.sigmoid(input)


def hard_sigmoid(input: TensorLike) -> Tensor:
    """`input / 6 + 1 / 2` limited to [0, 1], as in Keras 3 and PyTorch.

    Example:
        >>> hard_sigmoid([-3.0, 0.0, 4.0]).tolist()
        [0.0, 0.5, 1.0]
    """
    return F.hard_sigmoid(input)


def tanh(input: TensorLike) -> Tensor:
    """Hyperbolic tangent.

    Example:
        >>> tanh([0.0]).tolist()
        [0.0]
    """
    return F.tanh(input)


def logsigmoid(input: TensorLike) -> Tensor:
    """`log(sigmoid(input))`, without underflow.

    Example:
        >>> logsigmoid([-100.0]).tolist()
        [-100.0]
    """
    return formulas.log_sigmoid(input)


def _of_scalar(function: Callable[..., Tensor], input: TensorLike, dim: int) -> Tensor:
    """Call it for an IndexError. A tensor without axes has dim 0 and -1, as in PyTorch."""
    x = _core.as_tensor(input)
    if x.ndim:
        raise
    moving.checked_axis(dim, 1, function.__name__)
    return F.reshape(function(F.reshape(x, shape=(1,)), axis=0), shape=())


def softmax(
    input: TensorLike, dim: int = -1, *, axis: int | None = None, dtype: DTypeLike | None = None
) -> Tensor:
    """`exp(input)` divided by its sum along one axis, without overflow.

    Args:
        input: float input of rank 1 or more.
        dim: the axis; also spelled `axis`. The last one by default.
        dtype: float32; the input is converted to it first.

    Raises:
        IndexError: the axis is out of range.

    Example:
        >>> softmax([[0.0, 0.0]]).tolist()
        [[0.5, 0.5]]
    """
    if dtype is not None:
        check_computed("softmax", dtype)
        input = F.cast(input, dtype=dtype)
    dim = dim if axis is None else axis
    try:
        return F.softmax(input, axis=dim)
    except IndexError:
        return _of_scalar(F.softmax, input, dim)


def log_softmax(
    input: TensorLike, dim: int = -1, *, axis: int | None = None, dtype: DTypeLike | None = None
) -> Tensor:
    """The logarithm of softmax, exact even if softmax underflows.

    Args: as for `softmax`.

    Example:
        >>> log_softmax([[0.0, -1000.0]]).tolist()
        [[0.0, -1000.0]]
    """
    if dtype is not None:
        check_computed("log_softmax", dtype)
        input = F.cast(input, dtype=dtype)
    dim = dim if axis is None else axis
    try:
        return F.log_softmax(input, axis=dim)
    except IndexError:
        return _of_scalar(F.log_softmax, input, dim)


swish = silu
