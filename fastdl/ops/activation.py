"""Activations, each a single operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base import formulas, moving
from .._base import functional as F

if TYPE_CHECKING:
    from .._core import Axes, Tensor, TensorLike


def hard_sigmoid(x: TensorLike) -> Tensor:
    """`x / 6 + 1 / 2` limited to [0, 1].

    Example:
        >>> hard_sigmoid([-3.0, 0.0, 4.0]).tolist()
        [0.0, 0.5, 1.0]
    """
    return F.hard_sigmoid(x)


def log_sigmoid(x: TensorLike) -> Tensor:
    """`log(sigmoid(x))`, without underflow.

    Example:
        >>> log_sigmoid([-100.0]).tolist()
        [-100.0]
    """
    return formulas.log_sigmoid(x)


def relu(x: TensorLike) -> Tensor:
    """`max(x, 0)`; the gradient at 0 is 0.

    Example:
        >>> relu([-1.0, 2.0]).tolist()
        [0.0, 2.0]
    """
    return F.relu(x)


def selu(x: TensorLike) -> Tensor:
    """1.0507 * elu(x, 1.6733), self-normalizing (Klambauer et al. 2017).

    Example:
        >>> selu([0.0]).tolist()
        [0.0]
    """
    return F.selu(x)


def sigmoid(x: TensorLike) -> Tensor:
    """`1 / (1 + exp(-x))`.

    Example:
        >>> sigmoid([0.0]).tolist()
        [0.5]
    """
    return F.sigmoid(x)


def silu(x: TensorLike) -> Tensor:
    """`x * sigmoid(x)`, also called swish.

    Example:
        >>> silu([0.0]).tolist()
        [0.0]
    """
    return F.silu(x)


def softplus(x: TensorLike) -> Tensor:
    """`log(1 + exp(x))`, without overflow.

    Example:
        >>> softplus([100.0]).tolist()
        [100.0]
    """
    return F.softplus(x)


def softsign(x: TensorLike) -> Tensor:
    """`x / (1 + |x|)`.

    Example:
        >>> softsign([-1.0, 1.0]).tolist()
        [-0.5, 0.5]
    """
    return F.softsign(x)


def tanh(x: TensorLike) -> Tensor:
    """Hyperbolic tangent.

    Example:
        >>> tanh([0.0]).tolist()
        [0.0]
    """
    return F.tanh(x)


def elu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """x where positive, `alpha * (exp(x) - 1)` elsewhere (Clevert et al. 2015).

    Example:
        >>> elu([0.0, 2.0]).tolist()
        [0.0, 2.0]
    """
    return F.elu(x, alpha=alpha)


def gelu(x: TensorLike, approximate: bool = True) -> Tensor:
    """`x * Phi(x)` with the normal distribution function (Hendrycks & Gimpel 2016).

    Args:
        x: input.
        approximate: by tanh, with an error of up to 5e-4, or exact, through erf.

    Example:
        >>> gelu([0.0]).tolist()
        [0.0]
    """
    return F.gelu(x, approximate=bool(approximate))


def leaky_relu(x: TensorLike, negative_slope: float = 0.2) -> Tensor:
    """x where positive, `negative_slope * x` elsewhere.

    Example:
        >>> leaky_relu([-1.0, 2.0], 0.5).tolist()
        [-0.5, 2.0]
    """
    return F.leaky_relu(x, slope=negative_slope)


def softmax(x: TensorLike, axis: Axes = -1) -> Tensor:
    """`exp(x)` divided by its sum, without overflow.

    Args:
        x: float input of rank 1 or more.
        axis: one axis, several that are taken together, or None for all.

    Raises:
        IndexError: an axis is out of range.

    Example:
        >>> softmax([[0.0, 0.0], [0.0, 0.0]], axis=None).tolist()
        [[0.25, 0.25], [0.25, 0.25]]
    """
    return moving.along_several(F.softmax, x, axis, "softmax")


def log_softmax(x: TensorLike, axis: Axes = -1) -> Tensor:
    """The logarithm of softmax, exact where softmax underflows; arguments as there.

    Example:
        >>> log_softmax([[0.0, -1000.0]]).tolist()
        [[0.0, -1000.0]]
    """
    return moving.along_several(F.log_softmax, x, axis, "log_softmax")


swish = silu
