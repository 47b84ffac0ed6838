"""Products of matrices and vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import formulas
from .._base import functional as F
from .._core import ShapeError

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def matmul(input: TensorLike, other: TensorLike) -> Tensor:
    """`input @ other` with NumPy's rules.

    Args:
        input: (..., n, k), or (k) for a row vector. The result then lacks the axis n.
        other: (..., k, m), or (k) for a column vector. The result then lacks the axis m.

    Returns:
        (..., n, m); leading axes broadcast.

    Raises:
        ValueError: the inner sizes differ.

    Example:
        >>> matmul([[1.0, 2.0]], [[3.0], [4.0]]).tolist()
        [[11.0]]
    """
    return F.matmul(input, other)


def mm(input: TensorLike, mat2: TensorLike) -> Tensor:
    """The product of two matrices. ValueError for other ranks.

    Example:
        >>> mm([[1.0, 2.0]], [[3.0], [4.0]]).tolist()
        [[11.0]]
    """
    return _product("mm", input, mat2, 2, 2)


def bmm(input: TensorLike, mat2: TensorLike) -> Tensor:
    """The products of two stacks of matrices, (b, n, k) and (b, k, m).

    Example:
        >>> bmm([[[1.0, 2.0]]], [[[3.0], [4.0]]]).shape
        (1, 1, 1)
    """
    return _product("bmm", input, mat2, 3, 3)


def mv(input: TensorLike, vec: TensorLike) -> Tensor:
    """The product of a matrix and a vector.

    Example:
        >>> mv([[1.0, 2.0]], [3.0, 4.0]).tolist()
        [11.0]
    """
    return _product("mv", input, vec, 2, 1)


def dot(input: TensorLike, tensor: TensorLike) -> Tensor:
    """The inner product of two vectors. ValueError for other ranks; use `matmul` for them.

    Example:
        >>> dot([1.0, 2.0], [3.0, 4.0]).item()
        11.0
    """
    return _product("dot", input, tensor, 1, 1)


def outer(input: TensorLike, vec2: TensorLike) -> Tensor:
    """All products of two vectors, (n) and (m) to (n, m).

    Example:
        >>> outer([1.0, 2.0], [3.0, 4.0]).tolist()
        [[3.0, 4.0], [6.0, 8.0]]
    """
    input, vec2 = _core.as_tensor(input), _core.as_tensor(vec2)
    if input.ndim != 1 or vec2.ndim != 1:
        raise ShapeError(f"outer: expected two vectors, got shapes {input.shape} and {vec2.shape}")
    return formulas.outer(input, vec2)


def _product(who: str, input: TensorLike, other: TensorLike, x_rank: int, y_rank: int) -> Tensor:
    input, other = _core.as_tensor(input), _core.as_tensor(other)
    if input.ndim != x_rank or other.ndim != y_rank:
        raise ShapeError(
            f"{who}: expected {x_rank} and {y_rank} axes, got {input.shape} and {other.shape}"
        )
    return F.matmul(input, other)
