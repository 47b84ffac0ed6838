"""Functions of matrices that follow from decompositions: rank, norms, powers, least squares."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._core import ShapeError
from . import decompositions as base
from . import functional as F
from .moving import checked_axes, moved
from .outside import matrices

if TYPE_CHECKING:
    from .._core import IntOrInts, Tensor, TensorLike

EPSILON = float(np.finfo(np.float32).eps)


def _number(value: Any) -> np.ndarray:
    """A tolerance: a number, or one for each matrix."""
    return np.asarray(value.detach() if isinstance(value, _core.Tensor) else value, np.float64)


def cutoff_of(x: Tensor, atol: Any, rtol: Any) -> Any:
    """Up to which size a singular value counts as 0, from the largest (..., 1) of each matrix.

    Without tolerances it is the largest times the size of the matrix times float32's epsilon.
    """
    if rtol is None:
        rtol = (
            0.0 if atol is not None and np.any(_number(atol) > 0) else max(x.shape[-2:]) * EPSILON
        )
    relative, absolute = _number(rtol), _number(0.0 if atol is None else atol)

    def cutoff(largest: np.ndarray) -> np.ndarray:
        return np.maximum(absolute[..., None], relative[..., None] * largest)

    return cutoff


def rank(x: Tensor, cutoff: Any, hermitian: bool) -> np.ndarray:
    """How many singular values are above the cutoff."""
    values = matrices(x)
    sizes = np.abs(np.linalg.eigvalsh(values)) if hermitian else _singular(values)
    return (sizes > cutoff(sizes.max(-1, keepdims=True, initial=0.0))).sum(-1)


def _singular(values: np.ndarray) -> np.ndarray:
    return np.linalg.svd(values, compute_uv=False)


def pinv(x: Tensor, cutoff: Any, hermitian: bool, who: str) -> Tensor:
    """The Moore-Penrose inverse; with `hermitian` of the symmetric matrix of the lower triangle."""
    if hermitian:
        lower = np.tri(x.shape[-1], dtype=bool)
        above = np.tri(x.shape[-1], k=-1, dtype=bool).T
        x = F.add(F.where(lower, x, 0.0), F.where(above, base.flipped(x), 0.0))
    return base.pseudo_inverse(x, cutoff, who)


def power(x: Tensor, n: int, who: str) -> Tensor:
    """The n-th power of square matrices; a negative one is that of the inverse."""
    if n < 0:
        x, n = base.inverse(x, who), -n
    if n == 0:
        return F.add(F.mul(x, 0.0), np.eye(x.shape[-1], dtype=np.float32))
    result = None
    while n:
        if n & 1:
            result = x if result is None else F.matmul(result, x)
        n >>= 1
        x = F.matmul(x, x) if n else x
    assert result is not None
    return result


def norm(x: TensorLike, order: float | str, axes: IntOrInts, keepdims: bool, who: str) -> Tensor:
    """The norms of matrices over two axes that need singular values: 2, -2 and "nuc"."""
    x = _core.as_tensor(x)
    places = checked_axes(axes, x.ndim, who)
    last = F.cast(moved(x, places, (-2, -1), who), dtype="float32")
    s = base.singular_values(last, False, who)[1]
    if order == "nuc":
        y = F.sum(s, axes=-1)
    elif order == 2 and not s.shape[-1]:  # the largest of none is 0
        y = F.sum(s, axes=-1)
    else:
        y = (F.max if order == 2 else F.min)(s, axes=-1)
    shape = [1 if i in places else n for i, n in enumerate(x.shape)]
    return F.reshape(y, shape=shape) if keepdims else y


def condition(x: Tensor, order: Any, who: str) -> Tensor:
    """The product of the norms of a matrix and of its inverse; infinite for a singular matrix."""
    from .formulas import matrix_norm

    if order in (None, 2, -2):
        s = base.singular_values(x, False, who)[1]
        k = s.shape[-1]
        ends = F.take(s, [0, k - 1] if order != -2 else [k - 1, 0], axis=s.ndim - 1)
        large, small = F.split(ends, sizes=[1, 1], axis=-1)
        return F.reshape(F.div(large, small), shape=s.shape[:-1])
    if x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"{who}: expected square matrices for order {order!r}, got {x.shape}")
    values = np.linalg.det(matrices(x))
    own = matrix_norm(x, order, (-2, -1), False, who)
    if (values == 0).any():
        regular = F.where((values != 0)[..., None, None], x, np.eye(x.shape[-1], dtype=np.float32))
    else:
        regular = x
    other = matrix_norm(base.inverse(regular, who), order, (-2, -1), False, who)
    return F.where(values != 0, F.mul(own, other), math.inf)


def least_squares(a: Tensor, b: Tensor, rcond: float | None, who: str) -> Tensor:
    """The x of least size for which a x is nearest to b, (..., n, k)."""
    if rcond is None:
        rcond = max(a.shape[-2:]) * EPSILON
    a, b = base.together(a, b, who)
    if a.shape[-2] != b.shape[-2]:
        raise ShapeError(f"{who}: expected {a.shape[-2]} rows of b, got shape {b.shape}")
    return F.matmul(base.pseudo_inverse(a, lambda largest: rcond * largest, who), b)


def from_householder(x: Tensor, tau: Tensor, who: str, square: bool = False) -> Tensor:
    """The first columns of the product of the reflections 1 - tau v v^T.

    The vectors v lie below the diagonal of x, with a 1 on it. With `square` all columns.
    """
    rows, columns = x.shape[-2:]
    count = tau.shape[-1] if tau.ndim else 0
    if columns > rows or tau.ndim != x.ndim - 1 or count > columns:
        raise ShapeError(
            f"{who}: expected at least as many rows as columns, and up to as many factors tau, got "
            f"shapes {x.shape} and {tau.shape}"
        )
    width = rows if square else columns
    start = np.broadcast_to(np.eye(rows, width, dtype=np.float32), (*x.shape[:-1], width))
    return _reflected(x, tau, _core.as_tensor(np.array(start)), False)


def _reflected(x: Tensor, tau: Tensor, y: Tensor, forward: bool) -> Tensor:
    """The reflections applied to y from the left, the last one first unless `forward`."""
    rows, count = x.shape[-2], tau.shape[-1]
    columns = F.split(x, sizes=[1] * x.shape[-1], axis=-1)
    factors = F.split(tau, sizes=[1] * count, axis=-1)
    for i in range(count) if forward else reversed(range(count)):
        below = (np.arange(rows) > i)[:, None]
        v = F.where(below, columns[i], np.eye(rows, dtype=np.float32)[:, i : i + 1])
        factor = F.reshape(factors[i], shape=(*factors[i].shape, 1))
        y = F.sub(y, F.mul(F.matmul(v, F.matmul(base.flipped(v), y)), factor))
    return y


def reflected(x: Tensor, tau: Tensor, y: Tensor, left: bool, transpose: bool) -> Tensor:
    """Q y, Q^T y, y Q or y Q^T with the product Q of reflections."""
    if not left:
        return base.flipped(_reflected(x, tau, base.flipped(y), not transpose))
    return _reflected(x, tau, y, transpose)
