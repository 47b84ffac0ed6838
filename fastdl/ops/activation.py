"""Activations, each a single operation; the classes of `nn` call them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core

if TYPE_CHECKING:
    from .._core import Tensor


def relu(x: Any) -> Tensor:
    """`max(x, 0)`; the gradient at 0 is 0.

    Example:
        >>> relu([-1.0, 2.0]).tolist()
        [0.0, 2.0]
    """
    return _core.relu(x)


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Tensor:
    """x where positive, `negative_slope * x` elsewhere.

    Example:
        >>> leaky_relu([-1.0, 2.0], 0.5).tolist()
        [-0.5, 2.0]
    """
    return _core.leaky_relu(x, negative_slope)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x where positive, `alpha * (exp(x) - 1)` elsewhere (Clevert et al. 2015).

    Example:
        >>> elu([0.0, 2.0]).tolist()
        [0.0, 2.0]
    """
    return _core.elu(x, alpha)


def selu(x: Any) -> Tensor:
    """1.0507 * elu(x, 1.6733), self-normalizing (Klambauer et al. 2017).

    Example:
        >>> selu([0.0]).tolist()
        [0.0]
    """
    return _core.selu(x)


def gelu(x: Any, approximate: str | bool = "none") -> Tensor:
    """`x * Phi(x)` with the normal distribution function (Hendrycks & Gimpel 2016).

    Args:
        x: input.
        approximate: "none" (exact, through erf) or "tanh"; also Keras's False and True.

    Raises:
        ValueError: another value of `approximate`.

    Example:
        >>> gelu([0.0], approximate="tanh").tolist()
        [0.0]
    """
    if approximate in ("none", False):
        return _core.gelu(x, False)
    if approximate in ("tanh", True):
        return _core.gelu(x, True)
    raise ValueError(f"gelu: approximate is 'none' or 'tanh', got {approximate!r}")


def silu(x: Any) -> Tensor:
    """`x * sigmoid(x)`, also called swish.

    Example:
        >>> silu([0.0]).tolist()
        [0.0]
    """
    return _core.silu(x)


def softplus(x: Any) -> Tensor:
    """`log(1 + exp(x))`, without overflow.

    Example:
        >>> softplus([100.0]).tolist()
        [100.0]
    """
    return _core.softplus(x)


def softsign(x: Any) -> Tensor:
    """`x / (1 + |x|)`.

    Example:
        >>> softsign([-1.0, 1.0]).tolist()
        [-0.5, 0.5]
    """
    return _core.softsign(x)


def sigmoid(x: Any) -> Tensor:
    """`1 / (1 + exp(-x))`.

    Example:
        >>> sigmoid([0.0]).tolist()
        [0.5]
    """
    return _core.sigmoid(x)


def hard_sigmoid(x: Any) -> Tensor:
    """`x / 6 + 1 / 2` limited to [0, 1], as in Keras 3 and PyTorch.

    Example:
        >>> hard_sigmoid([-3.0, 0.0, 4.0]).tolist()
        [0.0, 0.5, 1.0]
    """
    return _core.hard_sigmoid(x)


def tanh(x: Any) -> Tensor:
    """Hyperbolic tangent.

    Example:
        >>> tanh([0.0]).tolist()
        [0.0]
    """
    return _core.tanh(x)


def logsigmoid(x: Any) -> Tensor:
    """`log(sigmoid(x))`, without underflow.

    Example:
        >>> logsigmoid([-100.0]).tolist()
        [-100.0]
    """
    return _core.neg(_core.softplus(_core.neg(x)))


def softmax(x: Any, dim: int = -1, *, axis: int | None = None, dtype: Any = None) -> Tensor:
    """`exp(x)` divided by its sum along one axis, without overflow.

    Args:
        x: float input of rank 1 or more.
        dim: the axis; also spelled `axis`. The last one by default.
        dtype: converts the input first; float32 is what there is.

    Raises:
        IndexError: the axis is out of range.

    Example:
        >>> softmax([[0.0, 0.0]]).tolist()
        [[0.5, 0.5]]
    """
    if dtype is not None:
        x = _core.cast(x, dtype)
    return _core.softmax(x, dim if axis is None else axis)


def log_softmax(x: Any, dim: int = -1, *, axis: int | None = None, dtype: Any = None) -> Tensor:
    """The logarithm of softmax, exact where softmax underflows.

    Args: as `softmax`.

    Example:
        >>> log_softmax([[0.0, -1000.0]]).tolist()
        [[0.0, -1000.0]]
    """
    if dtype is not None:
        x = _core.cast(x, dtype)
    return _core.log_softmax(x, dim if axis is None else axis)


swish = silu
