"""Results written into tensors: methods such as `x.sin_()`, and the argument `out` of functions.

A result is written only into a tensor of its kind or a higher one: bool < integers < floats.
Methods are operations of the graph, as the functions are; through `out` no gradient is recorded.
"""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any

from .. import _functions
from .._base.checks import shown
from .._core import DTypeError, ShapeError, Tensor, grad_enabled
from .methods import RANK, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core import TensorLike


def in_place(name: str) -> Callable[..., Tensor]:
    """The method of this name: the function without the `_`, written in place."""
    function: Callable[..., Tensor] = getattr(_functions, name[:-1])

    @functools.wraps(function)
    def method(self: Tensor, *args: object, **kwargs: object) -> Tensor:
        return write(self, function, name, *args, **kwargs)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"`{name[:-1]}` in place."
    return method


def into(name: str, out: object, result: object) -> object:
    """Writes the result of the function of this name into `out`, and returns that.

    A tuple of results is written into as many tensors. No tensor is resized.

    Raises:
        TypeError: `out` is no tensor, or of a lower kind than the result.
        ValueError: it has another shape.
        RuntimeError: a gradient would be recorded.
    """
    if isinstance(result, tuple):
        if not isinstance(out, (tuple, list)) or len(out) != len(result):
            raise TypeError(f"{name}: out: expected {len(result)} tensors, got {shown(out)}")
        written: list[Any] = [into(name, *pair) for pair in zip(out, result, strict=True)]
        return type(result)(*written) if hasattr(result, "_fields") else tuple(written)
    if not isinstance(result, Tensor):
        raise TypeError(f"{name}: unexpected argument 'out': the result is no tensor")
    if not isinstance(out, Tensor):
        raise TypeError(f"{name}: out: expected a tensor, got {shown(out)}")
    if RANK[result.dtype.kind] > RANK[out.dtype.kind]:
        raise DTypeError(
            f"{name}: out: a result of type {result.dtype} does not fit into a tensor of type "
            f"{out.dtype}"
        )
    if result.requires_grad or (out.requires_grad and grad_enabled()):
        raise RuntimeError(f"{name}: out: a gradient can't be recorded through it; use no_grad()")
    if result.shape != out.shape:
        raise ShapeError(f"{name}: out: expected shape {result.shape}, got {out.shape}")
    return out.copy_(result)


def operate(t: Tensor, symbol: str, other: TensorLike) -> Tensor:
    """`t += other`, for the operator of this symbol, on the tape."""
    return write(t, _OPERATORS[symbol], f"operator {symbol}", other)


_OPERATORS: dict[str, Callable[..., Tensor]] = {
    "+=": operator.add,
    "-=": operator.sub,
    "*=": operator.mul,
    "/=": operator.truediv,
    "//=": operator.floordiv,
    "%=": operator.mod,
    "**=": operator.pow,
    "@=": operator.matmul,
}
