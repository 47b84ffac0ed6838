"""Sums of products over axes, and distances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import diagonals, formulas, products
from .._base import functional as F
from .._base.checks import shown
from .._base.einsum import einsum as _einsum
from .._base.moving import broadcast, checked_axis
from .._core import ArgumentError, DTypeError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import IntOrInts, Tensor, TensorLike


def einsum(equation: str, *operands: TensorLike | Sequence[TensorLike]) -> Tensor:
    """The sum of products of the operands' elements that an equation names.

    Args:
        equation: terms with a letter for each axis, between commas, and "->" with the axes of the
            result: "bij,bjk->bik". A letter that the result lacks is summed over. "..." stands for
            axes that broadcast. A letter that a term has twice takes the diagonal. Without an arrow
            the result has the axes of "..." and the letters that occur once, sorted.
        operands: a tensor for each term, or one list of them.

    Raises:
        ValueError: it is no equation, or the operands do not fit it.

    Example:
        >>> einsum("ij,jk->ik", [[1.0, 2.0]], fastdl.tensor([[3.0], [4.0]])).tolist()
        [[11.0]]
    """
    if not isinstance(equation, str):
        raise TypeError(f"einsum: equation: expected a text, got {shown(equation)}")
    many = operands
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        # A list of one tensor is an operand, too, a list of numbers is a vector.
        if equation.count(",") or all(isinstance(x, _core.Tensor) for x in operands[0]):
            many = tuple(operands[0])
    return _einsum(equation, [_core.as_tensor(x) for x in many], open_result=False)


def tensordot(a: TensorLike, b: TensorLike, dims: int | Sequence[IntOrInts] = 2) -> Tensor:
    """The sum of products over axes of both tensors.

    Args:
        a: the first tensor.
        b: the second one.
        dims: how many axes: the last of a and the first of b. Or the axes of a, and those of b.

    Raises:
        ValueError: the sizes differ, and none is 1. An axis of size 1 is summed over the other's.

    Example:
        >>> tensordot([[1.0, 2.0]], [[3.0], [4.0]], 1).tolist()
        [[11.0]]
    """
    if isinstance(dims, _core.Tensor):
        dims = dims.tolist()
    return products.tensordot(a, b, dims, "tensordot", broadcast=True)


def inner(input: TensorLike, other: TensorLike) -> Tensor:
    """The sum of products over the last axes. A number multiplies.

    Example:
        >>> inner([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).tolist()
        [3.0, 7.0]
    """
    return products.inner(input, other, "inner")


def vdot(input: TensorLike, other: TensorLike) -> Tensor:
    """The inner product of two vectors. ValueError for other ranks.

    Example:
        >>> vdot([1.0, 2.0], [3.0, 4.0]).item()
        11.0
    """
    input, other = _core.as_tensor(input), _core.as_tensor(other)
    if input.ndim != 1 or other.ndim != 1:
        raise ShapeError(f"vdot: expected two vectors, got {input.shape} and {other.shape}")
    return F.matmul(input, other)


def kron(input: TensorLike, other: TensorLike) -> Tensor:
    """Kronecker's product: `other` times each element of the input, in the place of that element.

    Example:
        >>> kron([1.0, 10.0], [1.0, 2.0]).tolist()
        [1.0, 2.0, 10.0, 20.0]
    """
    return products.kron(input, other)


def cross(input: TensorLike, other: TensorLike, dim: int | None = None) -> Tensor:
    """The vector products of vectors of 3.

    Args:
        input: the first vectors.
        other: the second ones.
        dim: the axis that has the vectors. None takes the first one of size 3.

    Raises:
        ValueError: the axis has another size, or the shapes differ.

    Example:
        >>> cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]).tolist()
        [0.0, 0.0, 1.0]
    """
    input, other = _core.as_tensor(input), _core.as_tensor(other)
    if dim is None:
        if 3 not in input.shape:
            raise ShapeError(f"cross: expected an axis of size 3, got shape {input.shape}")
        dim = input.shape.index(3) - input.ndim
    if input.ndim != other.ndim:
        raise ShapeError(f"cross: shapes {input.shape} and {other.shape} differ in rank")
    axis = checked_axis(dim, input.ndim, "cross")
    if input.shape[axis] != 3 or other.shape[axis] != 3:
        raise ShapeError(
            f"cross: expected 3 elements along axis {dim}, got shapes {input.shape} and "
            f"{other.shape}"
        )
    return products.cross_along(input, other, (axis, axis, axis), "cross")


def trace(input: TensorLike) -> Tensor:
    """The sum of the diagonal of a matrix.

    Example:
        >>> trace([[1.0, 2.0], [3.0, 4.0]]).item()
        5.0
    """
    input = _core.as_tensor(input)
    if input.ndim != 2:
        raise ShapeError(f"trace: expected a matrix, got shape {input.shape}")
    return diagonals.trace(input, 0, 0, 1, "trace")


def ger(input: TensorLike, vec2: TensorLike) -> Tensor:
    """`outer`: all products of two vectors. ValueError for other ranks.

    Example:
        >>> ger([1.0, 2.0], [3.0]).tolist()
        [[3.0], [6.0]]
    """
    input, vec2 = _core.as_tensor(input), _core.as_tensor(vec2)
    if input.ndim != 1 or vec2.ndim != 1:
        raise ShapeError(f"ger: expected two vectors, got {input.shape} and {vec2.shape}")
    return formulas.outer(input, vec2)


def chain_matmul(*matrices: TensorLike) -> Tensor:
    """The product of several matrices in the order with the fewest multiplications.

    Example:
        >>> chain_matmul([[1.0, 2.0]], [[3.0], [4.0]], [[2.0]]).tolist()
        [[22.0]]
    """
    return products.chained([_core.as_tensor(x) for x in matrices], "chain_matmul")


# --- products that are added


def _plus(
    who: str, input: TensorLike, product: Tensor, beta: float, alpha: float, rank: int
) -> Tensor:
    """beta input + alpha product. With beta 0 the values of the input do not count."""
    input = _core.as_tensor(input)
    if input.dtype.kind in "iu" and (beta != int(beta) or alpha != int(alpha)):
        raise DTypeError(
            f"{who}: beta, alpha: expected integers for integers, got {beta} and {alpha}"
        )
    shape = broadcast(who, input.shape, product.shape) if input.ndim <= rank else None
    if shape != product.shape:
        raise ShapeError(
            f"{who}: input: expected a shape that broadcasts to {product.shape}, got {input.shape}"
        )
    if product.dtype.kind == input.dtype.kind == "b":  # any number but 0 is true
        alpha, beta = bool(alpha), bool(beta)
    scaled = product if alpha == 1 else F.mul(product, alpha)
    if beta == 0:
        return scaled
    return F.add(input if beta == 1 else F.mul(input, beta), scaled)


def _operands(
    who: str, one: TensorLike, other: TensorLike, ranks: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    one, other = _core.as_tensor(one), _core.as_tensor(other)
    if (one.ndim, other.ndim) != ranks:
        raise ShapeError(
            f"{who}: expected {ranks[0]} and {ranks[1]} axes, got {one.shape} and {other.shape}"
        )
    return one, other


def addmm(
    input: TensorLike, mat1: TensorLike, mat2: TensorLike, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """`beta * input + alpha * (mat1 @ mat2)` for matrices.

    Args:
        input: a tensor that broadcasts to the product's shape.
        mat1: (n, k).
        mat2: (k, m).
        beta: factor of the input. With 0 its values do not count, even if they are NaN.
        alpha: factor of the product.

    Raises:
        ValueError: the shapes don't fit.

    Example:
        >>> addmm([1.0], [[1.0, 2.0]], [[3.0], [4.0]]).tolist()
        [[12.0]]
    """
    one, other = _operands("addmm", mat1, mat2, (2, 2))
    return _plus("addmm", input, F.matmul(one, other), beta, alpha, 2)


def addmv(
    input: TensorLike, mat: TensorLike, vec: TensorLike, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """`beta * input + alpha * (mat @ vec)` for a matrix and a vector; arguments as of `addmm`.

    Example:
        >>> addmv([1.0], [[1.0, 2.0]], [3.0, 4.0]).tolist()
        [12.0]
    """
    one, other = _operands("addmv", mat, vec, (2, 1))
    return _plus("addmv", input, F.matmul(one, other), beta, alpha, 1)


def addr(
    input: TensorLike, vec1: TensorLike, vec2: TensorLike, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """`beta * input + alpha * outer(vec1, vec2)`; arguments as of `addmm`.

    Example:
        >>> addr([1.0], [1.0, 2.0], [3.0]).tolist()
        [[4.0], [7.0]]
    """
    one, other = _operands("addr", vec1, vec2, (1, 1))
    return _plus("addr", input, formulas.outer(one, other), beta, alpha, 2)


def addbmm(
    input: TensorLike, batch1: TensorLike, batch2: TensorLike, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """`beta * input + alpha * sum(batch1[i] @ batch2[i])`; arguments as of `addmm`.

    Example:
        >>> addbmm([1.0], [[[1.0]], [[2.0]]], [[[3.0]], [[4.0]]]).tolist()
        [[12.0]]
    """
    one, other = _operands("addbmm", batch1, batch2, (3, 3))
    products = F.matmul(one, other)
    total = F.cast(F.sum(products, axes=0), dtype=products.dtype)
    return _plus("addbmm", input, total, beta, alpha, 2)


def baddbmm(
    input: TensorLike, batch1: TensorLike, batch2: TensorLike, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """`beta * input + alpha * (batch1 @ batch2)` for stacks of matrices; arguments as of `addmm`.

    Example:
        >>> baddbmm([1.0], [[[1.0]], [[2.0]]], [[[3.0]], [[4.0]]]).tolist()
        [[[4.0]], [[9.0]]]
    """
    one, other = _operands("baddbmm", batch1, batch2, (3, 3))
    return _plus("baddbmm", input, F.matmul(one, other), beta, alpha, 3)


# --- distances


def cdist(
    x1: TensorLike,
    x2: TensorLike,
    p: float = 2.0,
    compute_mode: str = "use_mm_for_euclid_dist_if_necessary",
) -> Tensor:
    """The p-norms of the differences of all pairs of rows.

    Args:
        x1: (..., n, k).
        x2: (..., m, k).
        p: the order of the norm, 0 or more.
        compute_mode: PyTorch's choice of an algorithm, which changes nothing here.

    Returns:
        (..., n, m).

    Raises:
        ValueError: the rows differ in size, or p is negative.

    Example:
        >>> cdist([[0.0, 0.0]], [[3.0, 4.0]]).tolist()
        [[5.0]]
    """
    if not p >= 0:
        raise ArgumentError(f"cdist: p: expected a number of at least 0, got {p}")
    return products.distances(_core.as_tensor(x1), _core.as_tensor(x2), p, "cdist")


def pdist(input: TensorLike, p: float = 2) -> Tensor:
    """The p-norms of the differences of all pairs of two rows of a matrix.

    Example:
        >>> pdist([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]], 1).tolist()
        [7.0, 1.0, 6.0]
    """
    input = _core.as_tensor(input)
    if input.ndim != 2:
        raise ShapeError(f"pdist: expected a matrix, got shape {input.shape}")
    if not p >= 0:
        raise ArgumentError(f"pdist: p: expected a number of at least 0, got {p}")
    one, other = np.triu_indices(input.shape[0], 1)
    difference = F.sub(F.take(input, one), F.take(input, other))
    return formulas.vector_norm(difference, p, (1,), False)


def dist(input: TensorLike, other: TensorLike, p: float = 2) -> Tensor:
    """The p-norm of the difference of two tensors, which broadcast.

    Example:
        >>> dist([0.0, 0.0], [3.0, 4.0]).item()
        5.0
    """
    return formulas.vector_norm(F.sub(input, other), p, None, False)


def cosine_similarity(x1: TensorLike, x2: TensorLike, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The sum of products along an axis, divided by both norms.

    Args:
        x1: the first tensor.
        x2: the second one, which broadcasts.
        dim: the axis.
        eps: the least that each norm counts for.

    Example:
        >>> cosine_similarity([[1.0, 0.0]], [[0.0, 2.0]]).tolist()
        [0.0]
    """
    return products.cosine(x1, x2, dim, eps, "cosine_similarity")


def renorm(input: TensorLike, p: float, dim: int, maxnorm: float) -> Tensor:
    """The slices along an axis, of which those with a larger p-norm are scaled to a norm.

    Args:
        input: a tensor of at least two axes.
        p: the order of the norm.
        dim: the axis.
        maxnorm: the largest norm.

    Raises:
        ValueError: p is not positive, or there are fewer than two axes.

    Example:
        >>> renorm([[3.0, 4.0], [0.0, 1.0]], 2, 0, 1.0)[1].tolist()
        [0.0, 1.0]
    """
    input = _core.as_tensor(input)
    if input.ndim < 2 or not p > 0 or not maxnorm >= 0:
        raise ShapeError(
            "renorm: expected at least 2 axes, a positive p and a maxnorm of at least 0, got "
            f"shape {input.shape}, {p} and {maxnorm}"
        )
    axis = checked_axis(dim, input.ndim, "renorm")
    others = tuple(i for i in range(input.ndim) if i != axis)
    size = formulas.vector_norm(input, p, others, True)
    scale = F.where(F.gt(size, maxnorm), F.div(maxnorm, F.add(size, 1e-7)), 1.0)
    return F.mul(input, scale)


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
        raise ShapeError(f"vander: x: expected a vector, got shape {x.shape}")
    return products.vander(x, N, increasing, "vander")
