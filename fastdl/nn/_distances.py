"""Distances, similarities and the bilinear form of `nn.functional`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import _core, _functions
from .._base import functional as F
from .._base import products
from .._base.checks import check_number
from .._core import ShapeError

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def cosine_similarity(x1: TensorLike, x2: TensorLike, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along an axis: `x1 x2 / (|x1| |x2|)`.

    Args:
        x1, x2: broadcast against each other.
        dim: the axis of the broadcast shape.
        eps: the smallest norm to divide by.

    Source: `torch.nn.functional.cosine_similarity`.

    Example:
        >>> cosine_similarity([[3.0, 4.0]], [[6.0, 8.0]]).numpy().round(6)
        array([1.], dtype=float32)
    """
    eps = check_number("cosine_similarity", "eps", eps)
    return products.cosine(x1, x2, dim, eps, "cosine_similarity")


def pdist(input: TensorLike, p: float = 2.0) -> Tensor:
    """The p-norms of the differences of all pairs of rows: (0, 1), (0, 2), ..., (1, 2), ...

    Args:
        input: (N, d).
        p: the norm, at least 0; see `fastdl.norm`.

    Returns:
        N (N - 1) / 2 distances.

    Source: `torch.nn.functional.pdist`.

    Example:
        >>> pdist([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]).numpy().round(4)
        array([5.    , 1.    , 4.2426], dtype=float32)
    """
    x = _core.as_tensor(input)
    if x.ndim != 2:
        raise ShapeError(f"pdist: input: expected (N, d), got shape {x.shape}")
    p = check_number("pdist", "p", p, infinite=True)
    first, second = np.triu_indices(x.shape[0], 1)
    difference = F.sub(F.take(x, first), F.take(x, second))
    return _functions.norm(difference, p, -1)


def bilinear(
    input1: TensorLike, input2: TensorLike, weight: TensorLike, bias: TensorLike | None = None
) -> Tensor:
    """`sum(x1[i] * weight[o, i, j] * x2[j]) + bias[o]` over i and j.

    Args:
        input1: (..., in1).
        input2: (..., in2), with the same other axes.
        weight: (out, in1, in2).
        bias: (out) or None.

    Returns:
        (..., out).

    Raises:
        ValueError: shapes don't fit.

    Source: `torch.nn.functional.bilinear`.

    Example:
        >>> bilinear([[2.0]], [[3.0]], [[[5.0]]], [1.0]).tolist()
        [[31.0]]
    """
    a, b, w = _core.as_tensor(input1), _core.as_tensor(input2), _core.as_tensor(weight)
    if w.ndim != 3:
        raise ShapeError(f"bilinear: weight: expected (out, in1, in2), got shape {w.shape}")
    out, in1, in2 = w.shape
    if not a.ndim or a.shape[:-1] != b.shape[:-1] or (a.shape[-1], b.shape[-1]) != (in1, in2):
        raise ShapeError(
            f"bilinear: input1, input2: expected (..., {in1}) and (..., {in2}), got {a.shape} and "
            f"{b.shape}"
        )
    rows = math.prod(a.shape[:-1])
    matrix = F.reshape(F.transpose(w, perm=(1, 0, 2)), shape=(in1, out * in2))
    products = F.reshape(F.matmul(F.reshape(a, shape=(rows, in1)), matrix), shape=(rows, out, in2))
    y = F.matmul(products, F.reshape(b, shape=(rows, in2, 1)))
    y = F.reshape(y, shape=(*a.shape[:-1], out))
    return y if bias is None else F.add(y, bias)
