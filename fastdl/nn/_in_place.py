"""What `inplace=True` of an activation does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .._base.notices import warn_once

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def written(who: str, x: TensorLike, y: Tensor) -> Tensor:
    """Writes the values of y into x for `inplace=True`, and returns x.

    If a gradient is recorded, the tape needs the old values of x. The result is y then, and one
    warning says so.
    """
    if not isinstance(x, _core.Tensor):
        return y
    if x.requires_grad and x.is_leaf and _core.grad_enabled():
        raise RuntimeError(
            f"{who}: inplace=True: a leaf that requires a gradient can't be changed in place"
        )
    if y.requires_grad:
        warn_once(
            f"{who}: inplace=True has no effect if a gradient is recorded: the result is a new "
            "tensor",
            stacklevel=3,
        )
        return y
    F.assign_(x, y)
    return x
