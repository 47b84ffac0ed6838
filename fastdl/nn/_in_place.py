"""What `inplace=True` of an activation does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core
from .._functions.methods import write

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core import Tensor, TensorLike


def written(
    who: str, x: TensorLike, function: Callable[..., Tensor], *args: Any, **kwargs: Any
) -> Tensor:
    """`function(x, ...)` for `inplace=True`: its values are written into x, which is returned.

    On the tape x takes the place of the result. Of an array the result is a new tensor.
    """
    if not isinstance(x, _core.Tensor):
        return function(x, *args, **kwargs)
    if x.requires_grad and x.is_leaf and _core.grad_enabled():
        raise RuntimeError(
            f"{who}: inplace=True: a leaf that requires a gradient can't be changed in place"
        )
    return write(x, function, who, *args, **kwargs)
