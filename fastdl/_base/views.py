"""Parts of tensors: how a copy made by indexing, transposing or splitting is read and written.

PyTorch gives a view there. The core has no strides, so it copies, and keeps the copy and its
original alike (csrc/ops/views.h). How a copy was made is the key of an index, or a function of the
original.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._core import Tensor
from . import functional as F
from .indexing import getitem, setitem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .._core import TensorLike


def made(
    function: Callable[..., Tensor], original: TensorLike, *args: Any, **kwargs: Any
) -> Tensor:
    """`function(original, ...)`, which only moves values, as a part of the original."""
    part = function(original, *args, **kwargs)
    if not isinstance(original, Tensor):
        return part
    return _core.note_part(part, original, lambda t: function(t, *args, **kwargs))


def along(parts: Iterable[Tensor], original: TensorLike, axis: int) -> tuple[Tensor, ...]:
    """The parts of the original that lie one after the other along an axis."""
    parts = tuple(parts)
    if isinstance(original, Tensor):
        start = 0
        for part in parts:
            stop = start + part.shape[axis]
            _core.note_part(part, original, (slice(None),) * axis + (slice(start, stop),))
            start = stop
    return parts


def read(original: Tensor, how: Any) -> Tensor:
    """The part, as it is now."""
    return how(original) if callable(how) else getitem(original, how)


def write(original: Tensor, how: Any, values: Tensor) -> None:
    """Writes the part into the original. Where gradients are recorded, that is an operation too."""
    if not callable(how):
        return setitem(original, how, values)
    places = _core.unobserved(lambda: F.reshape(_places(original.shape, how), shape=(-1,)))
    setitem(F.reshape(original, shape=(-1,)), places, F.reshape(values, shape=(-1,)))


def is_writable(shape: tuple[int, ...], how: Any) -> bool:
    """Whether each element of the part is another one of the original, of this shape."""
    if not callable(how):
        return True
    flat = _core.unobserved(lambda: _places(shape, how).numpy().ravel())
    return len(np.unique(flat)) == len(flat)


def _places(shape: tuple[int, ...], how: Any) -> Tensor:
    """Where in the flattened original the elements of the part lie."""
    numbers = np.arange(np.prod(shape, dtype=np.int64)).reshape(shape)
    return how(_core.tensor(numbers))


def place_in_original(t: Tensor) -> None:
    """After a change in place on the tape, the tensors that t was made of take other places there.

    That is the tensor that was reshaped, and the one that t is a part of. Its elements of the part
    have the gradient of the part; the others keep theirs.
    """
    viewed: Tensor | None = t
    while (viewed := _core.viewed(viewed)) is not None:  # type: ignore[arg-type]
        if viewed._shares_storage(t):
            _core.take_place(viewed, F.reshape(t, shape=viewed.shape))
    if not t._is_part:
        return
    original, how, shape = t._part
    if not (original.requires_grad or t.requires_grad):
        return
    write(original, how, t if t.shape == shape else F.reshape(t, shape=shape))
    _core.settle_part(t)


def operate(part: Tensor, symbol: str, other: TensorLike) -> Tensor:
    """`part += other`, for the operator of this symbol, where gradients are recorded."""
    from .._functions.methods import write as written

    return written(part, _OPERATORS[symbol], f"operator {symbol}", other)


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
