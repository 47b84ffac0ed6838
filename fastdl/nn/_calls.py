"""What calls of the built-in modules take and return, for type checkers.

A call of any `Module` may return anything; a call of these returns a tensor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base.module import Module

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


class OfTensor(Module):
    """A module that takes one tensor."""

    if TYPE_CHECKING:

        def __call__(self, input: TensorLike) -> Tensor: ...


class OfPair(Module):
    """A loss: it takes the input and the target."""

    if TYPE_CHECKING:

        def __call__(self, input: TensorLike, target: TensorLike) -> Tensor: ...
