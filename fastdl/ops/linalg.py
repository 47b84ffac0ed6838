"""Products of matrices and vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import formulas
from .._base import functional as F
from .._base.einsum import einsum as _einsum

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def matmul(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 @ x2` with NumPy's rules.

    Args:
        x1: (..., n, k), or (k) for a row vector. The result then lacks the axis n.
        x2: (..., k, m), or (k) for a column vector. The result then lacks the axis m.

    Returns:
        (..., n, m); leading axes broadcast.

    Raises:
        ValueError: the inner sizes differ.

    Example:
        >>> matmul([[1.0, 2.0]], [[3.0], [4.0]]).tolist()
        [[11.0]]
    """
    return F.matmul(x1, x2)


def dot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`numpy.dot`: sums over the last axis of x1 and the last axis but one of x2.

    It is the inner product of vectors and the matrix product of matrices. A number multiplies.

    Example:
        >>> dot([1.0, 2.0], [3.0, 4.0]).item()
        11.0
        >>> dot([1.0, 2.0], 2.0).tolist()
        [2.0, 4.0]
    """
    return formulas.dot(x1, x2)


def outer(x1: TensorLike, x2: TensorLike) -> Tensor:
    """All products of the elements of two tensors, (n) and (m) to (n, m).

    Example:
        >>> outer([1.0, 2.0], [3.0, 4.0]).tolist()
        [[3.0, 4.0], [6.0, 8.0]]
    """
    return formulas.outer(x1, x2)


def einsum(subscripts: str, *operands: TensorLike, **kwargs: object) -> Tensor:
    """The sum of products of the operands' elements that an equation names, as `numpy.einsum`.

    Args:
        subscripts: terms with a letter for each axis, between commas, and "->" with the axes of the
            result: "bij,bjk->bik". A letter that the result lacks is summed over. "..." stands for
            axes that broadcast. A letter that a term has twice takes the diagonal. Without an arrow
            the result has the axes of "..." and the letters that occur once, sorted.
        operands: a tensor for each term. They are multiplied one after the other.
        kwargs: `optimize`, Keras's hint for the order of the products, has no effect.

    Raises:
        TypeError: `subscripts` is no text, or there is another keyword.
        ValueError: it is no equation, or the operands do not fit it.

    Example:
        >>> einsum("ij,jk->ik", [[1.0, 2.0]], [[3.0], [4.0]]).tolist()
        [[11.0]]
        >>> einsum("ii", [[1.0, 2.0], [3.0, 4.0]]).item()
        5.0
    """
    for name in kwargs:
        if name != "optimize":
            raise TypeError(f"einsum: unknown argument {name!r}")
    return _einsum(subscripts, [_core.as_tensor(x) for x in operands])
