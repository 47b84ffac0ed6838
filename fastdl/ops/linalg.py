"""Products of matrices and vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core

if TYPE_CHECKING:
    from .._core import Tensor


def matmul(x: Any, y: Any) -> Tensor:
    """`x @ y` with NumPy's rules.

    Args:
        x: (..., n, k), or (k) for a row vector whose axis then disappears.
        y: (..., k, m), or (k) for a column vector whose axis then disappears.

    Returns:
        (..., n, m); leading axes broadcast.

    Raises:
        ValueError: the inner sizes differ.

    Example:
        >>> matmul([[1.0, 2.0]], [[3.0], [4.0]]).tolist()
        [[11.0]]
    """
    return _core.matmul(x, y, False, False)


def mm(x: Any, y: Any) -> Tensor:
    """The product of two matrices; ValueError for anything else.

    Example:
        >>> mm([[1.0, 2.0]], [[3.0], [4.0]]).tolist()
        [[11.0]]
    """
    return _product("mm", x, y, 2, 2)


def bmm(x: Any, y: Any) -> Tensor:
    """The products of two stacks of matrices, (b, n, k) and (b, k, m).

    Example:
        >>> bmm([[[1.0, 2.0]]], [[[3.0], [4.0]]]).shape
        (1, 1, 1)
    """
    return _product("bmm", x, y, 3, 3)


def mv(x: Any, y: Any) -> Tensor:
    """The product of a matrix and a vector.

    Example:
        >>> mv([[1.0, 2.0]], [3.0, 4.0]).tolist()
        [11.0]
    """
    return _product("mv", x, y, 2, 1)


def dot(x: Any, y: Any) -> Tensor:
    """The inner product of two vectors; of more axes, as `numpy.dot` for matrices.

    Example:
        >>> dot([1.0, 2.0], [3.0, 4.0]).item()
        11.0
    """
    return _core.matmul(x, y, False, False)


def outer(x: Any, y: Any) -> Tensor:
    """All products of two vectors, (n) and (m) to (n, m).

    Example:
        >>> outer([1.0, 2.0], [3.0, 4.0]).tolist()
        [[3.0, 4.0], [6.0, 8.0]]
    """
    return _core.mul(_core.reshape(x, (-1, 1)), _core.reshape(y, (1, -1)))


def _product(who: str, x: Any, y: Any, x_rank: int, y_rank: int) -> Tensor:
    x, y = _core.as_tensor(x), _core.as_tensor(y)
    if x.ndim != x_rank or y.ndim != y_rank:
        raise ValueError(
            f"{who}: expected {x_rank} and {y_rank} axes, got shapes {x.shape} and {y.shape}"
        )
    return _core.matmul(x, y, False, False)
