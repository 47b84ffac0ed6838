"""PyTorch's older names of functions of `torch.linalg`.

Inputs are (..., rows, columns). They are computed with NumPy's LAPACK in doubles and rounded to
float32; a step that calls one of them is not replayed. Gradients can be differentiated again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import decompositions as base
from .._base import functional as F
from .._base import matrix_functions as more
from .._base.decompositions import as_matrices
from .._base.results import (
    GeqrfResult,
    LUResult,
    QRResult,
    SlogdetResult,
    SolutionResult,
    SVDResult,
)
from .._core import ShapeError

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def det(input: TensorLike) -> Tensor:
    """The determinants of square matrices.

    Example:
        >>> round(det([[1.0, 2.0], [3.0, 4.0]]).item(), 4)
        -2.0
    """
    return base.determinant(as_matrices(input, "det", "input", square=True))


def slogdet(input: TensorLike) -> SlogdetResult:
    """The signs of the determinants and the logarithms of their absolute values.

    Example:
        >>> slogdet([[0.0, 1.0], [1.0, 0.0]]).sign.item()
        -1.0
    """
    return SlogdetResult(*base.log_determinant(as_matrices(input, "slogdet", "input", square=True)))


def logdet(input: TensorLike) -> Tensor:
    """The logarithms of the determinants: NaN of a negative one, -infinity of 0.

    Example:
        >>> logdet([[1.0, 0.0], [0.0, 1.0]]).item()
        0.0
    """
    x = as_matrices(input, "logdet", "input", square=True)
    sign, size = base.log_determinant(x, "logdet")
    return F.where(F.lt(sign, 0.0), float("nan"), size)


def inverse(input: TensorLike) -> Tensor:
    """The inverses of square matrices; `fastdl.linalg.LinAlgError` for a singular one.

    Example:
        >>> inverse([[2.0, 0.0], [0.0, 4.0]]).tolist()
        [[0.5, 0.0], [0.0, 0.25]]
    """
    return base.inverse(as_matrices(input, "inverse", "input", square=True), "inverse")


def pinverse(input: TensorLike, rcond: float = 1e-15) -> Tensor:
    """The Moore-Penrose inverses. Singular values up to `rcond` times the largest count as 0.

    Example:
        >>> pinverse([[2.0], [0.0]]).tolist()
        [[0.5, 0.0]]
    """
    x = as_matrices(input, "pinverse", "input")
    return more.pinv(x, more.cutoff_of(x, None, rcond), False, "pinverse")


def matrix_power(input: TensorLike, n: int) -> Tensor:
    """The n-th power of square matrices; a negative one is that of the inverse.

    Example:
        >>> matrix_power([[1.0, 1.0], [0.0, 1.0]], 3).tolist()
        [[1.0, 3.0], [0.0, 1.0]]
    """
    x = as_matrices(input, "matrix_power", "input", square=True)
    return more.power(x, int(n), "matrix_power")


def matrix_exp(input: TensorLike) -> Tensor:
    """The sums of `x^k / k!` of square matrices.

    Example:
        >>> matrix_exp([[0.0, 1.0], [0.0, 0.0]]).tolist()
        [[1.0, 1.0], [0.0, 1.0]]
    """
    return base.exponential(as_matrices(input, "matrix_exp", "input", square=True))


def cholesky(input: TensorLike, upper: bool = False) -> Tensor:
    """The triangular L with x = L L^T of symmetric positive definite matrices.

    Args:
        input: matrices.
        upper: whether the result is the upper triangular L^T. Then only the upper triangle is
            read, otherwise only the lower one.

    Raises:
        RuntimeError: a matrix is not positive definite (`fastdl.linalg.LinAlgError`).

    Example:
        >>> cholesky([[4.0, 2.0], [2.0, 2.0]]).tolist()
        [[2.0, 0.0], [1.0, 1.0]]
    """
    x = as_matrices(input, "cholesky", "input", square=True)
    return base.flipped(base.cholesky(base.flipped(x))) if upper else base.cholesky(x)


def cholesky_inverse(input: TensorLike, upper: bool = False) -> Tensor:
    """The inverses of the matrices whose Cholesky factors are given, lower or `upper` ones.

    Example:
        >>> cholesky_inverse([[2.0, 0.0], [0.0, 1.0]]).tolist()
        [[0.25, 0.0], [0.0, 1.0]]
    """
    factor = as_matrices(input, "cholesky_inverse", "input", square=True)
    return base.inverse_of_factor(factor, upper, "cholesky_inverse")


def cholesky_solve(input: TensorLike, input2: TensorLike, upper: bool = False) -> Tensor:
    """The x of a x = b, given the Cholesky factors of a.

    Args:
        input: right sides b (..., n, k).
        input2: lower triangular factors, or with `upper` upper ones (..., n, n).
        upper: which.

    Example:
        >>> cholesky_solve([[4.0], [1.0]], [[2.0, 0.0], [0.0, 1.0]]).tolist()
        [[1.0], [1.0]]
    """
    b = as_matrices(input, "cholesky_solve", "input")
    factor = as_matrices(input2, "cholesky_solve", "input2", square=True)
    lower = base.flipped(factor) if upper else factor
    y = base.solved_triangular(lower, b, True, who="cholesky_solve")
    return base.solved_triangular(base.flipped(lower), y, False, who="cholesky_solve")


def qr(input: TensorLike, some: bool = True) -> QRResult:
    """x = Q R with orthogonal columns of Q and an upper triangular R.

    Args:
        input: matrices.
        some: whether Q has as many columns as x has rows or columns, whichever are fewer.
            Otherwise it is square, and tall matrices have no gradient.

    Example:
        >>> qr(fastdl.ones(3, 2)).R.shape
        (2, 2)
    """
    return QRResult(*base.qr(as_matrices(input, "qr", "input"), not some))


def svd(input: TensorLike, some: bool = True, compute_uv: bool = True) -> SVDResult:
    """x = U diag(S) V^T.

    Args:
        input: matrices.
        some: whether U and V have only the columns that belong to singular values.
        compute_uv: whether to compute U and V; otherwise they are zeros.

    Returns:
        U, S in descending order, and V.

    Example:
        >>> svd([[3.0, 0.0], [0.0, 2.0]]).S.tolist()
        [3.0, 2.0]
    """
    x = as_matrices(input, "svd", "input")
    u, s, vt = base.singular_values(x, not some)
    if not compute_uv:
        n, m = x.shape[-2:]
        zeros = [_core.full((*x.shape[:-2], k, k), "float32", 0) for k in (n, m)]
        return SVDResult(zeros[0], s, zeros[1])
    return SVDResult(u, s, base.flipped(vt))


def lu_solve(input: TensorLike, LU_data: TensorLike, LU_pivots: TensorLike) -> Tensor:
    """The x of a x = b, given what `linalg.lu_factor` returns for a.

    Args:
        input: right sides b (..., n, k).
        LU_data: both triangles.
        LU_pivots: the exchanges of rows.

    Example:
        >>> lu_solve([[2.0], [4.0]], *fastdl.linalg.lu_factor([[2.0, 0.0], [0.0, 4.0]])).tolist()
        [[1.0], [1.0]]
    """
    factors = as_matrices(LU_data, "lu_solve", "LU_data", square=True)
    b = as_matrices(input, "lu_solve", "input")
    return base.solved_by_factors(factors, _core.as_tensor(LU_pivots), b, False, "lu_solve")


def lu(
    input: TensorLike, pivot: bool = True, get_infos: bool = False
) -> tuple[Tensor, Tensor] | tuple[Tensor, Tensor, Tensor]:
    """`linalg.lu_factor_ex` (`torch.Tensor.lu`): both triangles in one matrix, and the exchanges
    of rows.

    Args:
        input: matrices.
        pivot: whether rows are exchanged.
        get_infos: whether to return for each matrix 0, or the number of the first pivot that is 0.
            Otherwise such a pivot is an error.

    Raises:
        RuntimeError: a pivot is 0 (`fastdl.linalg.LinAlgError`).

    Example:
        >>> lu([[1.0, 2.0], [2.0, 2.0]])[1].tolist()
        [2, 2]
    """
    x = as_matrices(input, "lu", "input")
    info = base.first_zero_pivot(x, pivot)
    if info.any() and not get_infos:
        raise base.LinAlgError(f"lu: pivot {info[info != 0].flat[0]} is 0")
    packed, pivots = base.packed_lu(x, pivot, "lu")
    found = packed, _core.as_tensor((pivots + 1).astype(np.int32))
    return (*found, _core.as_tensor(np.asarray(info, np.int32))) if get_infos else found


def lu_unpack(
    LU_data: TensorLike, LU_pivots: TensorLike, unpack_data: bool = True, unpack_pivots: bool = True
) -> LUResult:
    """P, L and U with x = P L U from what `linalg.lu_factor` returns for x.

    Args:
        LU_data: both triangles.
        LU_pivots: the exchanges of rows.
        unpack_data: whether L and U are wanted; otherwise they are empty.
        unpack_pivots: whether P is wanted; otherwise it is empty.

    Example:
        >>> lu_unpack(*fastdl.linalg.lu_factor([[0.0, 2.0], [1.0, 0.0]])).P.tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    x = as_matrices(LU_data, "lu_unpack", "LU_data")
    none = _core.full((0,), "float32", 0)
    low, up = base.unpacked_lu(x) if unpack_data else (none, none)
    if not unpack_pivots:
        return LUResult(none, low, up)
    pivots = np.asarray(_core.as_tensor(LU_pivots)).astype(np.int64) - 1
    return LUResult(base.permutation(base.order_of(pivots, x.shape[-2])), low, up)


def triangular_solve(
    input: TensorLike,
    A: TensorLike,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
) -> SolutionResult:
    """The x of A x = b for triangular matrices A.

    Args:
        input: right sides b (..., n, k).
        A: (..., n, n).
        upper: whether A is upper triangular.
        transpose: whether A^T x = b is solved.
        unitriangular: whether the diagonal counts as ones.

    Example:
        >>> triangular_solve([[2.0], [4.0]], [[2.0, 0.0], [0.0, 4.0]]).solution.tolist()
        [[1.0], [1.0]]
    """
    a = as_matrices(A, "triangular_solve", "A", square=True)
    b = as_matrices(input, "triangular_solve", "input")
    turned = base.flipped(a) if transpose else a
    lower = upper if transpose else not upper
    x = base.solved_triangular(turned, b, lower, unitriangular, "triangular_solve")
    return SolutionResult(x, F.copy(a))


def orgqr(input: TensorLike, input2: TensorLike) -> Tensor:
    """`linalg.householder_product`: the first columns of a product of reflections.

    Example:
        >>> orgqr([[1.0], [0.0]], [0.0]).tolist()
        [[1.0], [0.0]]
    """
    x = as_matrices(input, "orgqr", "input")
    return more.from_householder(x, F.cast(input2, dtype="float32"), "orgqr")


def geqrf(input: TensorLike) -> GeqrfResult:
    """The QR decomposition as reflections; without a gradient.

    Returns:
        R above the vectors of the reflections, and their factors tau.

    Example:
        >>> geqrf([[2.0, 0.0], [0.0, 1.0]]).tau.shape
        (2,)
    """
    x = as_matrices(input, "geqrf", "input")
    h, tau = np.linalg.qr(base.matrices(x), "raw")
    a, factors = base.outside("geqrf", [x], [np.swapaxes(h, -1, -2), tau], None)
    return GeqrfResult(a, factors)


def ormqr(
    input: TensorLike,
    input2: TensorLike,
    input3: TensorLike,
    left: bool = True,
    transpose: bool = False,
) -> Tensor:
    """A matrix times the product Q of reflections.

    Args:
        input: vectors of the reflections, as `geqrf` returns them.
        input2: their factors tau.
        input3: the matrix.
        left: whether Q stands on the left.
        transpose: whether Q^T is meant.

    Example:
        >>> ormqr([[1.0], [0.0]], [0.0], [[3.0], [4.0]]).tolist()
        [[3.0], [4.0]]
    """
    x, y = as_matrices(input, "ormqr", "input"), as_matrices(input3, "ormqr", "input3")
    if y.shape[-2 if left else -1] != x.shape[-2]:
        raise ShapeError(f"ormqr: shapes {x.shape} and {y.shape} don't fit")
    tau, count = F.cast(input2, dtype="float32"), min(x.shape[-2:])
    if tau.shape[-1:] != (count,):
        raise ShapeError(f"ormqr: input2: expected {count} factors, got shape {tau.shape}")
    return more.reflected(x, tau, y, left, transpose)
