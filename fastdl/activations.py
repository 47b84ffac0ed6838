"""Activation functions by name and as functions, with Keras's names and defaults.

Each takes a tensor (or a KerasTensor, while a functional model is made) and returns one of the
same shape. `get` turns a name into the function. Most are those of `fastdl.ops`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ._base import functional as F
from ._base.registry import ACTIVATIONS
from ._graph.lift import liftable

# ruff: noqa: I001 - one import, not one per name
from .ops import (
    celu as celu,
    elu as elu,
    glu as glu,
    hard_shrink as hard_shrink,
    hard_sigmoid as hard_sigmoid,
    hard_silu as hard_silu,
    hard_swish as hard_swish,
    hard_tanh as hard_tanh,
    leaky_relu as leaky_relu,
    log_sigmoid as log_sigmoid,
    log_softmax as log_softmax,
    relu6 as relu6,
    selu as selu,
    sigmoid as sigmoid,
    silu as silu,
    soft_shrink as soft_shrink,
    softmax as softmax,
    softplus as softplus,
    softsign as softsign,
    sparse_plus as sparse_plus,
    sparse_sigmoid as sparse_sigmoid,
    sparsemax as sparsemax,
    squareplus as squareplus,
    swish as swish,
    tanh as tanh,
    tanh_shrink as tanh_shrink,
    threshold as threshold,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from ._base.registry import Identifier
    from ._core import Tensor, TensorLike

Value = TypeVar("Value")


@liftable
def linear(x: Value) -> Value:
    """The input, unchanged."""
    return x


@liftable
def relu(
    x: TensorLike,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Tensor:
    """`max(x, 0)` by default.

    In general x from `threshold` on, `negative_slope * (x - threshold)` below it, and at most
    `max_value`.

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


@liftable
def gelu(x: TensorLike, approximate: bool = False) -> Tensor:
    """`x * Phi(x)` with the normal distribution function, or with `approximate` its tanh form
    (Hendrycks & Gimpel 2016)."""
    return F.gelu(x, approximate=approximate)


@liftable
def mish(x: TensorLike) -> Tensor:
    """`x * tanh(softplus(x))` (Misra 2019)."""
    return F.mul(x, F.tanh(F.softplus(x)))


@liftable
def exponential(x: TensorLike) -> Tensor:
    """`exp(x)`."""
    return F.exp(x)


# All activations with their other names. `F.linear` applies those marked _FUSED under the same name
# and with the same defaults; tests/keras_face/test_activations.py checks that.
_FUSED = True
_TABLE: tuple[tuple[Any, ...], ...] = (
    (linear, _FUSED),
    (relu, _FUSED),
    (leaky_relu, _FUSED),
    (relu6, False),
    (elu, _FUSED),
    (celu, False),
    (selu, _FUSED),
    (gelu, _FUSED),
    (silu, _FUSED, "swish"),
    (mish, False),
    (softplus, _FUSED),
    (softsign, _FUSED),
    (squareplus, False),
    (sparse_plus, False),
    (tanh, _FUSED),
    (tanh_shrink, False),
    (hard_tanh, False),
    (soft_shrink, False),
    (hard_shrink, False),
    (threshold, False),
    (glu, False),
    (sigmoid, _FUSED),
    (log_sigmoid, False),
    (hard_sigmoid, _FUSED),
    (sparse_sigmoid, False),
    (sparsemax, False),
    (hard_silu, False, "hard_swish"),
    (exponential, _FUSED),
    (softmax, _FUSED),
    (log_softmax, _FUSED),
)
_fused_names: dict[object, str] = {}
for _function, _is_fused, *_names in _TABLE:
    ACTIVATIONS.register(*_names)(_function)
    if _is_fused:
        _fused_names[_function] = _function.__name__

serialize = ACTIVATIONS.serialize
deserialize = ACTIVATIONS.deserialize


def get(identifier: Identifier, who: str = "") -> Callable[..., Tensor]:
    """The activation function for a name, function, layer or config; `linear` for None.

    Raises:
        ValueError: unknown name; the message suggests the nearest one.
    """
    return linear if identifier is None else ACTIVATIONS.get(identifier, who)


def fused_name(function: object) -> str | None:
    """The name under which `F.linear` applies this function; None when it doesn't."""
    try:
        return _fused_names.get(function)
    except TypeError:  # an unhashable callable
        return None


if not TYPE_CHECKING:
    from ._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
