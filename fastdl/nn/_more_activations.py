"""The rarer activations of `nn.functional`, and activations in place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .._base.checks import check_flag, check_fraction, check_number
from .._base.formulas import alpha_dropped
from .._base.random import drawing_from
from .._core import ArgumentError, AxisError, ShapeError
from .._functions.activation import softmax
from ._in_place import written

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._base.random import Generator
    from .._core import Tensor, TensorLike


def celu(input: TensorLike, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where positive, `alpha * (exp(x / alpha) - 1)` elsewhere (Barron 2017).

    Raises:
        ValueError: alpha is 0.

    Source: `torch.nn.functional.celu`.

    Example:
        >>> celu([-1000.0, 2.0], alpha=0.5).tolist()
        [-0.5, 2.0]
    """
    alpha = check_number("celu", "alpha", alpha, -math.inf)
    if alpha == 0:
        raise ArgumentError("celu: alpha: expected a number that isn't 0, got 0")
    if inplace:
        return written("celu", input, celu, alpha)
    below = F.mul(F.elu(F.div(input, alpha)), alpha)
    return F.where(F.gt(input, 0.0), input, below)


def glu(input: TensorLike, dim: int = -1) -> Tensor:
    """The first half of an axis times the sigmoid of the second half (Dauphin et al. 2016).

    Raises:
        ValueError: the size of the axis is odd.

    Source: `torch.nn.functional.glu`.

    Example:
        >>> glu([3.0, 0.0]).tolist()
        [1.5]
    """
    x = _core.as_tensor(input)
    if not x.ndim:
        raise ShapeError("glu: input: expected at least one axis, got a tensor without axes")
    if not -x.ndim <= dim < x.ndim:
        raise AxisError(f"glu: dim: expected an axis of shape {x.shape}, got {dim}")
    size = x.shape[dim]
    if size % 2:
        raise ShapeError(f"glu: dim: expected an axis of even size, got {size}")
    a, b = F.split(x, sizes=(size // 2, size // 2), axis=dim)
    return F.mul(a, F.sigmoid(b))


def hardshrink(input: TensorLike, lambd: float = 0.5) -> Tensor:
    """0 where |x| <= lambd, x elsewhere.

    Source: `torch.nn.functional.hardshrink`.

    Example:
        >>> hardshrink([-0.4, 2.0]).tolist()
        [0.0, 2.0]
    """
    return F.where(
        F.le(F.abs(input), check_number("hardshrink", "lambd", lambd, -math.inf)), 0.0, input
    )


def softshrink(input: TensorLike, lambd: float = 0.5) -> Tensor:
    """x moved by lambd towards 0, and 0 where |x| <= lambd.

    Raises:
        ValueError: lambd is negative.

    Source: `torch.nn.functional.softshrink`.

    Example:
        >>> softshrink([-0.4, 2.0]).tolist()
        [0.0, 1.5]
    """
    lambd = check_number("softshrink", "lambd", lambd)
    return F.sub(input, F.clip(input, lo=-lambd, hi=lambd))


def tanhshrink(input: TensorLike) -> Tensor:
    """`x - tanh(x)`.

    Source: `torch.nn.functional.tanhshrink`.

    Example:
        >>> tanhshrink([0.0]).tolist()
        [0.0]
    """
    return F.sub(input, F.tanh(input))


def threshold(input: TensorLike, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where above the threshold, `value` elsewhere.

    Source: `torch.nn.functional.threshold`.

    Example:
        >>> threshold([0.5, 2.0], 1.0, -1.0).tolist()
        [-1.0, 2.0]
    """
    limit = check_number("threshold", "threshold", threshold, -math.inf, infinite=True)
    value = check_number("threshold", "value", value, -math.inf, infinite=True)
    if inplace:
        return threshold_(input, limit, value)
    return _replaced_up_to("threshold", input, limit, value)


def _replaced_up_to(who: str, input: TensorLike, limit: float, value: float) -> Tensor:
    """`value` where x <= limit; integers stay integers."""
    x = _core.as_tensor(input)
    if x.dtype.kind in "iu":
        if value != int(value):
            raise ArgumentError(f"{who}: value: expected an integer for integers, got {value}")
        value = int(value)
    return F.where(F.le(x, limit), value, x)


def softmin(input: TensorLike, dim: int | None = None, dtype: DTypeLike | None = None) -> Tensor:
    """`softmax(-x)`, see `softmax`.

    Source: `torch.nn.functional.softmin`.

    Example:
        >>> softmin([[0.0, 1000.0]], dim=1).tolist()
        [[1.0, 0.0]]
    """
    from .functional import softmax

    return softmax(F.neg(input), dim, dtype)


def rrelu(
    input: TensorLike,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """x where positive, elsewhere x times a random number of [lower, upper) (Xu et al. 2015).

    Without `training` the factor is `(lower + upper) / 2`.

    Raises:
        ValueError: lower is above upper.

    Source: `torch.nn.functional.rrelu`.

    Example:
        >>> rrelu([-2.0, 3.0], 0.25, 0.75).tolist()
        [-1.0, 3.0]
    """
    low = check_number("rrelu", "lower", lower, -math.inf)
    high = check_number("rrelu", "upper", upper, -math.inf)
    if low > high:
        raise ArgumentError(f"rrelu: lower, upper: expected lower <= upper, got {low}, {high}")
    if inplace:
        return written("rrelu", input, rrelu, low, high, training, generator=generator)
    x = _core.as_tensor(input)
    if check_flag("rrelu", "training", training):
        with drawing_from(generator):
            slopes = F.uniform(shape=x.shape, low=low, high=high)
        return F.where(F.ge(x, 0.0), x, F.mul(x, slopes))
    return F.leaky_relu(x, slope=(low + high) / 2)


def gumbel_softmax(
    logits: TensorLike, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """Samples of a categorical distribution that have a gradient (Jang et al. 2016).

    Args:
        logits: logarithms of probabilities, up to a constant.
        tau: the temperature: the lower, the nearer are the samples to one-hot ones.
        hard: whether the samples are one-hot; their gradient is that of the soft ones.
        eps: without effect, as in PyTorch.
        dim: the axis of the classes.

    Source: `torch.nn.functional.gumbel_softmax`.

    Example:
        >>> gumbel_softmax([0.0, 1000.0], hard=True).tolist()
        [0.0, 1.0]
    """
    x = _core.as_tensor(logits)
    tau = check_number("gumbel_softmax", "tau", tau, above=0.0)
    # The smallest number is that of the grid of float32 below 1: its logarithm must be finite.
    uniform = F.uniform(shape=x.shape, low=2.0**-24, high=1.0)
    noise = F.neg(F.log(F.neg(F.log(uniform))))
    soft = softmax(F.div(F.add(x, noise), tau), dim)
    if not check_flag("gumbel_softmax", "hard", hard):
        return soft
    chosen = F.one_hot(F.argmax(soft, axis=dim), depth=soft.shape[dim])
    axis = dim % x.ndim
    order = [*range(axis), x.ndim - 1, *range(axis, x.ndim - 1)]
    return F.add(F.sub(F.transpose(chosen, perm=order), soft.detach()), soft)


def feature_alpha_dropout(
    input: TensorLike, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """`alpha_dropout` of whole channels of (N, C, ...).

    Raises:
        ValueError: p isn't in [0, 1], or the input has less than 2 axes.

    Source: `torch.nn.functional.feature_alpha_dropout`.

    Example:
        >>> feature_alpha_dropout([[1.0, 1.0]]).tolist()
        [[1.0, 1.0]]
    """
    p = check_fraction("feature_alpha_dropout", "p", p)
    x = _core.as_tensor(input)
    if not training or p == 0:
        return x
    if x.ndim < 2:
        raise ShapeError(f"feature_alpha_dropout: input: expected (N, C, ...), got shape {x.shape}")
    if inplace:
        return written("feature_alpha_dropout", input, feature_alpha_dropout, p, True)
    if p == 1:
        return F.mul(x, 0.0)
    places = (*x.shape[:2], *(1,) * (x.ndim - 2))
    return alpha_dropped(x, F.ge(F.uniform(shape=places), p), p)


# --- in place: the result is written into the input


def celu_(input: TensorLike, alpha: float = 1.0) -> Tensor:
    """`celu` in place."""
    return celu(input, alpha, True)


def elu_(input: TensorLike, alpha: float = 1.0) -> Tensor:
    """`elu` in place."""
    return written("elu_", input, F.elu, alpha=alpha)


def hardtanh_(input: TensorLike, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """`hardtanh` in place."""
    return written("hardtanh_", input, F.clip, lo=min_val, hi=max_val)


def leaky_relu_(input: TensorLike, negative_slope: float = 0.01) -> Tensor:
    """`leaky_relu` in place."""
    return written("leaky_relu_", input, F.leaky_relu, slope=negative_slope)


def relu_(input: TensorLike) -> Tensor:
    """`relu` in place.

    Example:
        >>> x = fastdl.tensor([-1.0, 2.0])
        >>> relu_(x) is x, x.tolist()
        (True, [0.0, 2.0])
    """
    return written("relu_", input, F.relu)


def rrelu_(
    input: TensorLike,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """`rrelu` in place."""
    return rrelu(input, lower, upper, training, True, generator=generator)


def selu_(input: TensorLike) -> Tensor:
    """`selu` in place."""
    return written("selu_", input, F.selu)


def threshold_(input: TensorLike, threshold: float, value: float) -> Tensor:
    """`threshold` in place."""
    limit = check_number("threshold_", "threshold", threshold, -math.inf, infinite=True)
    value = check_number("threshold_", "value", value, -math.inf, infinite=True)
    return written("threshold_", input, lambda x: _replaced_up_to("threshold_", x, limit, value))
