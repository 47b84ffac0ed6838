"""What only `keras.ops` has: questions about tensors, conversions, other names for operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _core
from .._core import Tensor
from .activation import logsigmoid as log_sigmoid
from .indexing import topk as top_k
from .movement import movedim as moveaxis


def shape(x: Any) -> tuple[int | None, ...]:
    """The sizes of a tensor's axes; None where a model's graph leaves them open.

    Example:
        >>> shape([[1.0, 2.0]])
        (1, 2)
    """
    sizes: Any = getattr(x, "shape", None)
    return tuple(_core.as_tensor(x).shape if sizes is None else sizes)


def ndim(x: Any) -> int:
    """The number of axes."""
    return len(shape(x))


def size(x: Any) -> int:
    """The number of elements."""
    return _core.as_tensor(x).numel()


def ravel(x: Any) -> Tensor:
    """All elements along one axis, sharing memory.

    Example:
        >>> ravel([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [1.0, 2.0, 3.0, 4.0]
    """
    return _core.reshape(x, (-1,))


def stop_gradient(x: Any) -> Tensor:
    """The same values, through which no gradient flows."""
    return _core.as_tensor(x).detach()


def convert_to_tensor(x: Any, dtype: Any = None) -> Tensor:
    """The values as a tensor, of another element type if `dtype` is given."""
    t = _core.as_tensor(x)
    return t if dtype is None else _core.cast(t, dtype)


def convert_to_numpy(x: Any) -> np.ndarray:
    """The values as a NumPy array of their own."""
    return np.array(_core.as_tensor(x).detach().numpy())


__all__ = [
    "convert_to_numpy",
    "convert_to_tensor",
    "log_sigmoid",
    "moveaxis",
    "ndim",
    "ravel",
    "shape",
    "size",
    "stop_gradient",
    "top_k",
]
