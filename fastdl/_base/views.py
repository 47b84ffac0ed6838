"""Parts of tensors: how a copy made by indexing, transposing or splitting is read and written.

PyTorch gives a view there. The core has no strides, so it copies, and keeps the copy and its
original alike (csrc/ops/views.h). How a copy was made is the key of an index, or a function of the
original.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _core
from .._core import Tensor
from . import functional as F
from .indexing import getitem, setitem


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


def strides(shape: tuple[int, ...], original: tuple[int, ...], how: Any) -> list[int]:
    """The strides of the part of a tensor that has this shape and these strides."""
    places = np.zeros(shape, np.int64)
    for axis, step in enumerate(original):
        places += np.expand_dims(
            np.arange(shape[axis]) * step, [i for i in range(len(shape)) if i != axis]
        )
    part = _core.unobserved(lambda: how(_core.tensor(places)).numpy())
    if not part.size:
        return [1] * part.ndim
    ends = np.eye(part.ndim, dtype=np.int64)  # one place on along each axis
    return [
        int(part[tuple(end)] - part.flat[0]) if size > 1 else 0
        for end, size in zip(ends, part.shape, strict=True)
    ]


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
