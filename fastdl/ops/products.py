"""Products of matrices and vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import formulas, products
from .._base import functional as F
from .._base.einsum import einsum as _einsum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import IntOrInts, Tensor, TensorLike


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


def tensordot(x1: TensorLike, x2: TensorLike, axes: int | Sequence[IntOrInts] = 2) -> Tensor:
    """The sum of products over axes of both tensors, as `numpy.tensordot`.

    Args:
        x1: the first tensor.
        x2: the second one.
        axes: how many: the last of x1 and the first of x2. Or the axes of x1, and those of x2.

    Raises:
        ValueError: the sizes differ.

    Example:
        >>> tensordot([[1.0, 2.0]], [[3.0], [4.0]], 1).tolist()
        [[11.0]]
    """
    return products.tensordot(x1, x2, axes, "tensordot")


def inner(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The sum of products over the last axes. A number multiplies.

    Example:
        >>> inner([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).tolist()
        [3.0, 7.0]
    """
    return products.inner(x1, x2, "inner")


def vdot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The inner product of the elements of two tensors of one size.

    Example:
        >>> vdot([[1.0], [2.0]], [3.0, 4.0]).item()
        11.0
    """
    return F.matmul(F.reshape(x1, shape=(-1,)), F.reshape(x2, shape=(-1,)))


def kron(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Kronecker's product: x2 times each element of x1, in the place of that element.

    Example:
        >>> kron([1.0, 10.0], [1.0, 2.0]).tolist()
        [1.0, 2.0, 10.0, 20.0]
    """
    return products.kron(x1, x2)


def cross(
    x1: TensorLike,
    x2: TensorLike,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Tensor:
    """The vector products of vectors of 3, or of 2, whose third element is 0.

    Args:
        x1: the first vectors.
        x2: the second ones; other axes broadcast.
        axisa: the axis of x1 that has the vectors.
        axisb: that of x2.
        axisc: that of the result. Of two vectors of 2 there is only the third element, and no axis.
        axis: one axis for all three.

    Raises:
        ValueError: vectors of another size.

    Example:
        >>> cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]).tolist()
        [0.0, 0.0, 1.0]
    """
    axes = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    return products.cross_along(x1, x2, axes, "cross")


def vander(x: TensorLike, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of the elements of a vector, the highest first.

    Args:
        x: a vector.
        N: how many powers; as many as elements by default.
        increasing: whether the powers ascend.

    Raises:
        ValueError: x is no vector, or N is negative.

    Example:
        >>> vander([2.0, 3.0], 3).tolist()
        [[4.0, 2.0, 1.0], [9.0, 3.0, 1.0]]
    """
    x = _core.as_tensor(x)
    if x.ndim != 1:
        raise ValueError(f"vander: x: expected a vector, got shape {x.shape}")
    return products.vander(x, N, increasing, "vander")


def cdist(x: TensorLike, y: TensorLike) -> Tensor:
    """The distances of all pairs of rows.

    Args:
        x: (..., n, k).
        y: (..., m, k); leading axes broadcast.

    Returns:
        (..., n, m), float32.

    Raises:
        ValueError: fewer than two axes, rows of different sizes, or axes that do not broadcast.

    Source: `keras.ops.cdist` of Keras 3.

    Example:
        >>> cdist([[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]]).tolist()
        [[5.0, 1.0]]
    """
    x, y = (F.cast(_core.as_tensor(t), dtype="float32") for t in (x, y))
    return products.distances(x, y, 2.0, "cdist")
