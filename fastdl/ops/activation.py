"""Activations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import formulas, moving
from .._base import functional as F
from .._base.notices import warn_once
from .._base.outside import only_shapes_matter

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
        approximate: whether to compute it by tanh, with an error of up to 5e-4, or exactly by erf.

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

    Along an axis of size 1 the result is 1, whatever x is; a warning says so once.

    Example:
        >>> softmax([[0.0, 0.0], [0.0, 0.0]], axis=None).tolist()
        [[0.25, 0.25], [0.25, 0.25]]
    """
    found = moving.along_several(F.softmax, x, axis, "softmax")
    if isinstance(axis, int) and found.shape[axis] == 1 and not only_shapes_matter():
        warn_once(
            f"softmax: axis {axis} of shape {found.shape} has size 1, so all results are 1; for "
            "one probability use a sigmoid"
        )
    return found


def sparsemax(x: TensorLike, axis: int = -1) -> Tensor:
    """`max(x - t, 0)` with the t for which it sums to 1: probabilities, many of them exactly 0.

    Args:
        x: float input of rank 1 or more.
        axis: the axis along which the results sum to 1.

    Raises:
        IndexError: the axis is out of range.

    Source: Martins and Astudillo 2016, algorithm 1. (Keras 3.15 adds up running sums instead, so
    its rows do not sum to 1.)

    Example:
        >>> sparsemax([2.0, 1.5, 0.0]).tolist()
        [0.75, 0.25, 0.0]
    """
    x = F.cast(x, dtype="float32")
    axis = moving.checked_axis(axis, x.ndim, "sparsemax")
    peak = F.max(x.detach(), axes=axis, keepdims=True)
    shifted = F.sub(x, peak)  # so that the 1 is not lost beside large numbers
    support = F.cast(_supported(shifted.detach(), axis), dtype="float32")
    total = F.sum(F.mul(shifted, support), axes=axis, keepdims=True)
    t = F.div(F.sub(total, 1.0), F.sum(support, axes=axis, keepdims=True))
    return F.mul(F.relu(F.sub(shifted, t)), support)


def _supported(x: Tensor, axis: int) -> Tensor:
    """Where sparsemax is above 0: at the k largest elements, for the largest k for which the k-th
    is above (their sum - 1) / k."""
    ordered = F.gather(x, F.order(x, axis=axis, descending=True), axis=axis)
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    rank = np.arange(1, x.shape[axis] + 1, dtype=np.float32).reshape(shape)
    above = F.gt(F.add(F.mul(ordered, rank), 1.0), F.cumsum(ordered, axis=axis))
    last = F.sum(above, axes=axis, keepdims=True) - 1
    return F.ge(x, F.gather(ordered, last, axis=axis))


def log_softmax(x: TensorLike, axis: Axes = -1) -> Tensor:
    """The logarithm of softmax, exact even if softmax underflows. Arguments as for `softmax`.

    Example:
        >>> log_softmax([[0.0, -1000.0]]).tolist()
        [[0.0, -1000.0]]
    """
    return moving.along_several(F.log_softmax, x, axis, "log_softmax")


def relu6(x: TensorLike) -> Tensor:
    """`min(max(x, 0), 6)`.

    Example:
        >>> relu6([-1.0, 2.0, 9.0]).tolist()
        [0.0, 2.0, 6.0]
    """
    return F.clip(x, lo=0.0, hi=6.0)


def celu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """x where positive, `alpha * (exp(x / alpha) - 1)` elsewhere (Barron 2017).

    Example:
        >>> celu([0.0, 2.0]).tolist()
        [0.0, 2.0]
    """
    return F.relu(x) + F.expm1(F.minimum(x, 0.0) / alpha) * alpha


def squareplus(x: TensorLike, b: float = 4) -> Tensor:
    """`(x + sqrt(x^2 + b)) / 2`.

    Example:
        >>> squareplus([0.0]).tolist()
        [1.0]
    """
    return F.add(x, F.sqrt(F.square(x) + b)) * 0.5


def sparse_plus(x: TensorLike) -> Tensor:
    """0 up to -1, x from 1 on, `(x + 1)^2 / 4` between (Martins & Astudillo 2016).

    Example:
        >>> sparse_plus([-2.0, 0.0, 2.0]).tolist()
        [0.0, 0.25, 2.0]
    """
    between = F.square(F.clip(x, lo=-1.0, hi=1.0) + 1.0) * 0.25
    return between + F.relu(F.sub(x, 1.0))


def sparse_sigmoid(x: TensorLike) -> Tensor:
    """`(x + 1) / 2` limited to [0, 1].

    Example:
        >>> sparse_sigmoid([-2.0, 0.0, 0.5]).tolist()
        [0.0, 0.5, 0.75]
    """
    return F.clip(F.add(x, 1.0) * 0.5, lo=0.0, hi=1.0)


def tanh_shrink(x: TensorLike) -> Tensor:
    """`x - tanh(x)`.

    Example:
        >>> tanh_shrink([0.0]).tolist()
        [0.0]
    """
    return F.sub(x, F.tanh(x))


def hard_tanh(x: TensorLike) -> Tensor:
    """x limited to [-1, 1].

    Example:
        >>> hard_tanh([-2.0, 0.5]).tolist()
        [-1.0, 0.5]
    """
    return F.clip(x, lo=-1.0, hi=1.0)


def soft_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """x moved towards 0 by `threshold`, and 0 within it.

    Example:
        >>> soft_shrink([-1.0, 0.25]).tolist()
        [-0.5, 0.0]
    """
    return F.relu(F.sub(x, threshold)) - F.relu(F.sub(F.neg(x), threshold))


def hard_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """x where `|x| > threshold`, else 0.

    Example:
        >>> hard_shrink([-1.0, 0.25]).tolist()
        [-1.0, 0.0]
    """
    return F.where(F.gt(F.abs(x), threshold), x, 0.0)


def threshold(x: TensorLike, threshold: float, default_value: float) -> Tensor:
    """x where it is greater than `threshold`, else `default_value`.

    Example:
        >>> threshold([1.0, 3.0], 2.0, -1.0).tolist()
        [-1.0, 3.0]
    """
    return F.where(F.gt(x, threshold), x, default_value)


def glu(x: TensorLike, axis: int = -1) -> Tensor:
    """`a * sigmoid(b)` with the halves a and b of x along `axis` (Dauphin et al. 2017).

    Raises:
        ValueError: the axis has an odd size.

    Example:
        >>> glu([1.0, -2.0, 0.0, 0.0]).tolist()
        [0.5, -1.0]
    """
    x = _core.as_tensor(x)
    size = x.shape[moving.checked_axis(axis, x.ndim, "glu")]
    if size % 2:
        raise ValueError(f"glu: axis {axis}: expected an even size, got shape {x.shape}")
    a, b = F.split(x, sizes=[size // 2, size // 2], axis=axis)
    return a * F.sigmoid(b)


def hard_silu(x: TensorLike) -> Tensor:
    """`x * hard_sigmoid(x)`, also called hard swish (Howard et al. 2019).

    Example:
        >>> hard_silu([-3.0, 3.0]).tolist()
        [-0.0, 3.0]
    """
    return F.mul(x, F.hard_sigmoid(x))


swish = silu
hard_swish = hard_silu
