"""Activation functions by name and as functions, with Keras's names and defaults.

Each takes a tensor (or a KerasTensor, in the making of a functional model) and returns one of the
same shape. `get` turns a name into the function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _core
from ._base import functional as F
from ._base.registry import ACTIVATIONS
from ._core import Tensor
from ._graph.lift import liftable

if TYPE_CHECKING:
    from ._core import TensorLike


@ACTIVATIONS.register
@liftable
def linear(x: Any) -> Any:
    """The input, unchanged."""
    return x


@ACTIVATIONS.register
@liftable
def relu(
    x: TensorLike,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Tensor:
    """`max(x, 0)`, or more generally: x from `threshold` on, `negative_slope * (x - threshold)`
    below it, nothing above `max_value`.

    Example:
        >>> activations.relu(fastdl.tensor([-1.0, 0.5, 9.0]), max_value=6.0).tolist()
        [0.0, 0.5, 6.0]
    """
    if threshold == 0.0 and max_value is None:
        return F.leaky_relu(x, slope=negative_slope) if negative_slope else F.relu(x)
    y = F.relu(x) if threshold == 0.0 else F.where(F.gt(x, threshold), x, 0.0)
    if max_value is not None:
        y = F.clip(y, lo=0.0, hi=max_value)
    if negative_slope:
        y = y - F.relu(F.sub(threshold, x)) * negative_slope
    return y


@ACTIVATIONS.register
@liftable
def leaky_relu(x: TensorLike, negative_slope: float = 0.2) -> Tensor:
    """x where positive, `negative_slope * x` elsewhere."""
    return F.leaky_relu(x, slope=negative_slope)


@ACTIVATIONS.register
@liftable
def relu6(x: TensorLike) -> Tensor:
    """`min(max(x, 0), 6)`."""
    return F.clip(x, lo=0.0, hi=6.0)


@ACTIVATIONS.register
@liftable
def elu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """x where positive, `alpha * (exp(x) - 1)` elsewhere (Clevert et al. 2015)."""
    return F.elu(x, alpha=alpha)


@ACTIVATIONS.register
@liftable
def celu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """x where positive, `alpha * (exp(x / alpha) - 1)` elsewhere (Barron 2017)."""
    return F.relu(x) + F.expm1(F.minimum(x, 0.0) / alpha) * alpha


@ACTIVATIONS.register
@liftable
def selu(x: TensorLike) -> Tensor:
    """`1.0507 * elu(x, 1.6733)`, self-normalizing (Klambauer et al. 2017)."""
    return F.selu(x)


@ACTIVATIONS.register
@liftable
def gelu(x: TensorLike, approximate: bool = False) -> Tensor:
    """`x * Phi(x)` with the normal distribution function, or with `approximate` its tanh form
    (Hendrycks & Gimpel 2016)."""
    return F.gelu(x, approximate=approximate)


@ACTIVATIONS.register("swish")
@liftable
def silu(x: TensorLike) -> Tensor:
    """`x * sigmoid(x)`, also called swish."""
    return F.silu(x)


@ACTIVATIONS.register
@liftable
def mish(x: TensorLike) -> Tensor:
    """`x * tanh(softplus(x))` (Misra 2019)."""
    return x * F.tanh(F.softplus(x))


@ACTIVATIONS.register
@liftable
def softplus(x: TensorLike) -> Tensor:
    """`log(1 + exp(x))`."""
    return F.softplus(x)


@ACTIVATIONS.register
@liftable
def softsign(x: TensorLike) -> Tensor:
    """`x / (1 + |x|)`."""
    return F.softsign(x)


@ACTIVATIONS.register
@liftable
def squareplus(x: TensorLike, b: float = 4.0) -> Tensor:
    """`(x + sqrt(x^2 + b)) / 2`."""
    return (x + F.sqrt(F.square(x) + b)) * 0.5


@ACTIVATIONS.register
@liftable
def tanh(x: TensorLike) -> Tensor:
    """The hyperbolic tangent."""
    return F.tanh(x)


@ACTIVATIONS.register
@liftable
def tanh_shrink(x: TensorLike) -> Tensor:
    """`x - tanh(x)`."""
    return x - F.tanh(x)


@ACTIVATIONS.register
@liftable
def hard_tanh(x: TensorLike) -> Tensor:
    """x, cut off at -1 and 1."""
    return F.clip(x, lo=-1.0, hi=1.0)


@ACTIVATIONS.register
@liftable
def soft_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """x moved towards 0 by `threshold`, and 0 within it."""
    return F.relu(F.sub(x, threshold)) - F.relu(F.sub(F.neg(x), threshold))


@ACTIVATIONS.register
@liftable
def hard_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """x where `|x| > threshold`, else 0."""
    return F.where(F.gt(F.abs(x), threshold), x, 0.0)


@ACTIVATIONS.register
@liftable
def threshold(x: TensorLike, threshold: float, default_value: float) -> Tensor:
    """x where it is greater than `threshold`, else `default_value`."""
    return F.where(F.gt(x, threshold), x, default_value)


@ACTIVATIONS.register
@liftable
def glu(x: TensorLike, axis: int = -1) -> Tensor:
    """`a * sigmoid(b)` with the halves a and b of x along `axis` (Dauphin et al. 2017).

    Raises:
        ValueError: the axis has an odd size.
    """
    x = _core.as_tensor(x)
    size = x.shape[axis]
    if size % 2:
        raise ValueError(f"glu: axis {axis} must have an even size, got shape {tuple(x.shape)}")
    a, b = F.split(x, sizes=[size // 2, size // 2], axis=axis)
    return a * F.sigmoid(b)


@ACTIVATIONS.register
@liftable
def sigmoid(x: TensorLike) -> Tensor:
    """`1 / (1 + exp(-x))`. A cross-entropy of the result is computed from x, without rounding."""
    return F.sigmoid(x)


@ACTIVATIONS.register
@liftable
def log_sigmoid(x: TensorLike) -> Tensor:
    """`log(sigmoid(x))`, computed as `-softplus(-x)`."""
    return F.neg(F.softplus(F.neg(x)))


@ACTIVATIONS.register
@liftable
def hard_sigmoid(x: TensorLike) -> Tensor:
    """`x / 6 + 0.5`, cut off at 0 and 1."""
    return F.hard_sigmoid(x)


@ACTIVATIONS.register("hard_swish")
@liftable
def hard_silu(x: TensorLike) -> Tensor:
    """`x * hard_sigmoid(x)`, also called hard swish."""
    return x * F.hard_sigmoid(x)


@ACTIVATIONS.register
@liftable
def exponential(x: TensorLike) -> Tensor:
    """`exp(x)`."""
    return F.exp(x)


@ACTIVATIONS.register
@liftable
def softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """`exp(x) / sum(exp(x))` along `axis`. A cross-entropy of the result (along the last axis) is
    computed from x, without rounding.

    Raises:
        ValueError: there is no such axis, as in a tensor without axes.
    """
    return F.softmax(x, axis=axis)


@ACTIVATIONS.register
@liftable
def log_softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """`log(softmax(x))` along `axis`, computed without overflow."""
    return F.log_softmax(x, axis=axis)


serialize = ACTIVATIONS.serialize
deserialize = ACTIVATIONS.deserialize

# What the core computes together with a matrix product, under the name it has there.
_FUSED = {
    relu: "relu",
    leaky_relu: "leaky_relu",
    elu: "elu",
    selu: "selu",
    gelu: "gelu",
    silu: "silu",
    softplus: "softplus",
    softsign: "softsign",
    sigmoid: "sigmoid",
    softmax: "softmax",
    hard_sigmoid: "hard_sigmoid",
    tanh: "tanh",
    exponential: "exponential",
    log_softmax: "log_softmax",
    linear: "",
}


def get(identifier: Any) -> Any:
    """The activation function for a name, function, layer or config; `linear` for None.

    Raises:
        ValueError: unknown name; the message suggests the nearest one.
    """
    return linear if identifier is None else ACTIVATIONS.get(identifier)


def fused_name(function: Any) -> str | None:
    """The name under which `_core.linear` applies this function; None when it doesn't."""
    try:
        return _FUSED.get(function)
    except TypeError:  # an unhashable callable
        return None


if not TYPE_CHECKING:
    from ._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
