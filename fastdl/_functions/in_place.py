"""The methods of Tensor that write the result of a function in place: `x.sin_()` and the like.

A result is written only into a tensor of its kind or a higher one: bool < integers < floats. No
gradient is recorded; where one would be, they raise RuntimeError.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from .. import _functions
from .methods import write

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core import Tensor


def in_place(name: str) -> Callable[..., Tensor]:
    """The method of this name: the function without the `_`, written in place."""
    function: Callable[..., Tensor] = getattr(_functions, name[:-1])

    @functools.wraps(function)
    def method(self: Tensor, *args: object, **kwargs: object) -> Tensor:
        return write(self, function(self, *args, **kwargs), name)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"`{name[:-1]}` in place."
    return method
