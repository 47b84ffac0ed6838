"""`torch.linalg`: inverses, decompositions, systems of equations, norms.

Inputs are (..., rows, columns). Decompositions are computed with NumPy's LAPACK in doubles and
rounded to float32; a step that calls one of them is not replayed. Gradients can be differentiated
again. Results are new tensors, or written into `out`. There are no complex tensors, so a matrix
with complex eigenvalues is an error.

The file is long because each function says its shapes and errors and has an example; what they
compute is in `_base`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import _core
from ._base import decompositions as base
from ._base import formulas, products
from ._base import functional as F
from ._base import matrix_functions as more
from ._base.checks import check_choice
from ._base.decompositions import LinAlgError as LinAlgError
from ._base.decompositions import as_matrices as _matrices
from ._base.moving import checked_axes, is_integer
from ._base.results import LUResult, QRResult
from ._core import ArgumentError, DTypeError, ShapeError, Tensor
from ._functions import matmul as matmul
from ._functions.decompositions import det as det
from ._functions.decompositions import matrix_exp as matrix_exp
from ._functions.decompositions import matrix_power as matrix_power
from ._functions.decompositions import slogdet as slogdet
from ._functions.in_place import into
from ._graph.lift import liftable as _liftable

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec, TypeVar

    from numpy.typing import DTypeLike

    from ._core import Axes, TensorLike

    P = ParamSpec("P")
    Result = TypeVar("Result")

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh",
    "eigvals", "eigvalsh", "householder_product", "inv", "inv_ex", "lstsq", "lu", "lu_factor",
    "lu_factor_ex", "lu_solve", "matmul", "matrix_exp", "matrix_norm", "matrix_power",
    "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet", "solve", "solve_ex",
    "solve_triangular", "svd", "svdvals", "tensorinv", "tensorsolve", "vander", "vecdot",
    "vector_norm",
]  # fmt: skip


def liftable(function: Callable[P, Result]) -> Callable[P, Result]:
    """`liftable` for functions that take `out`, too."""
    return _liftable(function, into)  # type: ignore[arg-type]


class EighResult(NamedTuple):
    """Eigenvalues and eigenvectors."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class SVDResult(NamedTuple):
    """U, the singular values and V^T."""

    U: Tensor
    S: Tensor
    Vh: Tensor


class CholeskyResult(NamedTuple):
    """Factors, and for each matrix 0, or where the factor ends."""

    L: Tensor
    info: Tensor


class InverseResult(NamedTuple):
    """Inverses, and for each matrix 0, or which pivot is 0."""

    inverse: Tensor
    info: Tensor


class SolveResult(NamedTuple):
    """Solutions, and for each matrix 0, or which pivot is 0."""

    result: Tensor
    info: Tensor


class LUFactorResult(NamedTuple):
    """Both triangles, and the exchanges of rows, counted from 1."""

    LU: Tensor
    pivots: Tensor


class LUFactorExResult(NamedTuple):
    """Both triangles, the exchanges of rows, and for each matrix 0, or which pivot is 0."""

    LU: Tensor
    pivots: Tensor
    info: Tensor


class LstsqResult(NamedTuple):
    """Solutions, sums of squares that are left, ranks and singular values."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def _square(A: TensorLike, who: str) -> Tensor:
    return _matrices(A, f"linalg.{who}", square=True)


def _int32(values: Any) -> Tensor:
    return _core.as_tensor(np.asarray(values, np.int32))


# --- determinants, inverses and systems


@liftable
def inv(A: TensorLike) -> Tensor:
    """The inverses of square matrices.

    Raises:
        LinAlgError: a matrix is singular.

    Example:
        >>> inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
        [[0.5, 0.0], [0.0, 0.25]]
    """
    return base.inverse(_square(A, "inv"), "linalg.inv")


def inv_ex(A: TensorLike, *, check_errors: bool = False) -> InverseResult:
    """The inverses, and for each matrix the number of the first pivot that is 0, or 0.

    Args:
        A: square matrices. A singular one has an inverse of NaN.
        check_errors: whether a singular matrix is a LinAlgError.

    Example:
        >>> inv_ex([[2.0]]).info.item()
        0
    """
    x = _square(A, "inv_ex")
    if check_errors:
        return InverseResult(base.inverse(x, "linalg.inv_ex"), _int32(np.zeros(x.shape[:-2])))
    info, regular = _regular(x)
    y = base.inverse(regular, "linalg.inv_ex")
    return InverseResult(_nan_where(info, y), _int32(info))


def _regular(x: Tensor) -> tuple[np.ndarray, Tensor]:
    """For each matrix 0 or the number of the first pivot that is 0. And x with ones on the diagonal
    in the place of singular matrices."""
    info = base.first_zero_pivot(x, True)
    one = np.eye(x.shape[-1], dtype=np.float32)
    return info, F.where((info == 0)[..., None, None], x, one) if info.any() else x


def _nan_where(info: np.ndarray, y: Tensor) -> Tensor:
    return F.where((info == 0)[..., None, None], y, math.nan) if info.any() else y


def _right_side(a: Tensor, B: TensorLike, left: bool, who: str) -> tuple[Tensor, bool]:
    """B as matrices, with one column where it has vectors."""
    b = F.cast(B, dtype="float32")
    vector = b.ndim == 1 or (b.ndim + 1 == a.ndim and b.shape == a.shape[:-1])
    if vector and not left:
        raise ShapeError(f"{who}: B: expected matrices with left=False, got shape {b.shape}")
    if not b.ndim:
        raise ShapeError(f"{who}: B: expected at least 1 axis, got shape ()")
    return (F.reshape(b, shape=(*b.shape, 1)) if vector else b), vector


@liftable
def solve(A: TensorLike, B: TensorLike, *, left: bool = True) -> Tensor:
    """The x of A x = B.

    Args:
        A: square matrices (..., n, n).
        B: right sides (..., n, k), or vectors (n) or (..., n) with the leading axes of A.
        left: whether A stands on the left; otherwise x A = B.

    Raises:
        ValueError: the shapes don't fit.
        LinAlgError: a matrix is singular.

    Example:
        >>> solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0]).tolist()
        [1.0, 0.5]
    """
    return _solved(_square(A, "solve"), B, left, "linalg.solve")


def _solved(a: Tensor, B: TensorLike, left: bool, who: str) -> Tensor:
    b, vector = _right_side(a, B, left, who)
    if not left:
        return base.flipped(base.solved(base.flipped(a), base.flipped(b), who))
    x = base.solved(a, b, who)
    return F.reshape(x, shape=x.shape[:-1]) if vector else x


def solve_ex(
    A: TensorLike, B: TensorLike, *, left: bool = True, check_errors: bool = False
) -> SolveResult:
    """`solve`, and for each matrix the number of the first pivot that is 0, or 0.

    Args:
        A: square matrices. Of a singular one the result is NaN.
        B: right sides.
        left: whether A stands on the left; otherwise x A = B.
        check_errors: whether a singular matrix is a LinAlgError.

    Example:
        >>> solve_ex([[2.0]], [4.0]).result.tolist()
        [2.0]
    """
    x = _square(A, "solve_ex")
    if check_errors:
        y = _solved(x, B, left, "linalg.solve_ex")
        return SolveResult(y, _int32(np.zeros(x.shape[:-2])))
    info, regular = _regular(x)
    y = _solved(regular, B, left, "linalg.solve_ex")
    if info.any():
        vector = _right_side(x, B, left, "linalg.solve_ex")[1]
        wrong = np.reshape(info != 0, info.shape + (1,) * (1 if vector else 2))
        y = F.where(wrong, math.nan, y)
    return SolveResult(y, _int32(info))


@liftable
def solve_triangular(
    A: TensorLike, B: TensorLike, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """The x of A x = B for triangular matrices A.

    Args:
        A: square matrices (..., n, n), of which one triangle is read.
        B: right sides (..., n, k).
        upper: whether it is the upper triangle.
        left: whether A stands on the left; otherwise x A = B.
        unitriangular: whether the diagonal counts as ones.

    Returns:
        x, with infinite values if there is a 0 on the diagonal.

    Raises:
        ValueError: the shapes don't fit.

    Example:
        >>> solve_triangular([[2.0, 0.0], [1.0, 1.0]], [[2.0], [3.0]], upper=False).tolist()
        [[1.0], [2.0]]
    """
    who = "linalg.solve_triangular"
    a, b = _square(A, "solve_triangular"), _matrices(B, who, "B")
    if left:
        return base.solved_triangular(a, b, not upper, unitriangular, who)
    x = base.solved_triangular(base.flipped(a), base.flipped(b), upper, unitriangular, who)
    return base.flipped(x)


@liftable
def pinv(A: TensorLike, *, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Tensor:
    """The Moore-Penrose inverses of matrices.

    Args:
        A: matrices.
        atol: singular values up to this count as 0; 0 by default.
        rtol: those up to this part of the largest count as 0. By default, without `atol`, the
            larger number of rows and columns, times float32's epsilon.
        hermitian: whether A is symmetric; then only its lower triangle is read.

    Example:
        >>> pinv([[2.0], [0.0]]).tolist()
        [[0.5, 0.0]]
    """
    x = _matrices(A, "linalg.pinv")
    return more.pinv(x, more.cutoff_of(x, atol, rtol), hermitian, "linalg.pinv")


@liftable
def lstsq(
    A: TensorLike, B: TensorLike, rcond: float | None = None, *, driver: str | None = None
) -> LstsqResult:
    """The x of least size for which A x is nearest to B.

    Args:
        A: matrices (..., m, n).
        B: right sides (..., m, k), or vectors with the leading axes of A.
        rcond: singular values up to this part of the largest count as 0. By default the larger
            number of rows and columns, times float32's epsilon.
        driver: "gels", "gelsy", "gelsd" or "gelss", LAPACK's names of algorithms. There is one
            algorithm; with the last two the singular values are returned.

    Returns:
        The solutions, the sums of squares that are left (empty unless there are more rows than
        columns and the rank is full), the ranks (int64; empty with "gels", which takes the rank as
        full) and the singular values.

    Raises:
        ValueError: the shapes don't fit.

    Example:
        >>> lstsq([[2.0], [0.0]], [[4.0], [1.0]]).solution.tolist()
        [[2.0]]
    """
    who = "linalg.lstsq"
    check_choice(who, "driver", driver, (None, "gels", "gelsy", "gelsd", "gelss"))
    a = _matrices(A, who)
    b = F.cast(B, dtype="float32")
    vector = b.ndim + 1 == a.ndim
    if vector:
        b = F.reshape(b, shape=(*b.shape, 1))
    x = more.least_squares(a, b, rcond, who)
    cutoff = more.cutoff_of(a, None, rcond)
    ranks = more.rank(a, cutoff, False)
    none = _core.full((0,), "float32", 0)
    rows, columns = a.shape[-2:]
    left = none
    if rows > columns and (ranks == columns).all() and driver != "gelsy":
        left = F.sum(F.square(F.sub(F.matmul(a, x), b)), axes=-2)
    s = base.singular_values(a, False, who)[1] if driver in ("gelsd", "gelss") else none
    x = F.reshape(x, shape=x.shape[:-1]) if vector else x
    found = np.zeros(0) if driver == "gels" else ranks
    return LstsqResult(x, left, _core.as_tensor(np.asarray(found, np.int64)), s)


@liftable
def tensorinv(A: TensorLike, ind: int = 2) -> Tensor:
    """The inverse of `tensordot` with A over its last axes.

    Args:
        A: a tensor whose first `ind` axes have as many elements together as the others.
        ind: how many.

    Raises:
        ValueError: the numbers of elements differ.
        LinAlgError: there is no inverse.

    Example:
        >>> tensorinv(fastdl.eye(6).reshape(2, 3, 6)).shape
        (6, 2, 3)
    """
    a = _core.as_tensor(A)
    rows, columns = a.shape[:ind], a.shape[ind:]
    if not 0 < ind < max(a.ndim, 1) or math.prod(rows) != math.prod(columns):
        raise ShapeError(
            f"linalg.tensorinv: expected as many elements in the first {ind} axes as in the "
            f"others, got shape {a.shape}"
        )
    flat = F.reshape(F.cast(a, dtype="float32"), shape=(math.prod(rows), math.prod(columns)))
    return F.reshape(base.inverse(flat, "linalg.tensorinv"), shape=(*columns, *rows))


@liftable
def tensorsolve(A: TensorLike, B: TensorLike, dims: Sequence[int] | None = None) -> Tensor:
    """The x for which the `tensordot` of A and x over all axes of x is B.

    Args:
        A: a tensor whose first axes are those of B; the others have as many elements together.
        B: the right side.
        dims: axes of A that are moved to its end first.

    Raises:
        ValueError: the shapes don't fit.
        LinAlgError: there is no solution.

    Example:
        >>> tensorsolve(fastdl.eye(6).reshape(2, 3, 6), fastdl.ones(2, 3)).shape
        (6,)
    """
    a, b = F.cast(A, dtype="float32"), F.cast(B, dtype="float32")
    if dims is not None:
        last = checked_axes(tuple(dims), a.ndim, "linalg.tensorsolve")
        a = F.transpose(a, perm=[i for i in range(a.ndim) if i not in last] + last)
    rest = a.shape[b.ndim :]
    if math.prod(rest) != b.numel() or math.prod(a.shape[: b.ndim]) != b.numel():
        raise ShapeError(f"linalg.tensorsolve: shapes {a.shape} and {b.shape} don't fit")
    flat = F.reshape(a, shape=(b.numel(), math.prod(rest)))
    x = base.solved(flat, F.reshape(b, shape=(-1, 1)), "linalg.tensorsolve")
    return F.reshape(x, shape=rest)


# --- decompositions


@liftable
def cholesky(A: TensorLike, *, upper: bool = False) -> Tensor:
    """The triangular L with A = L L^T of symmetric positive definite matrices.

    Args:
        A: matrices, of which only the lower triangle is read, or with `upper` the upper one.
        upper: whether the result is the upper triangular L^T.

    Raises:
        LinAlgError: a matrix is not positive definite.

    Example:
        >>> cholesky([[4.0, 2.0], [2.0, 2.0]]).tolist()
        [[2.0, 0.0], [1.0, 1.0]]
    """
    return _factor(_square(A, "cholesky"), upper, "linalg.cholesky")


def _factor(x: Tensor, upper: bool, who: str) -> Tensor:
    return base.flipped(base.cholesky(base.flipped(x), who)) if upper else base.cholesky(x, who)


def cholesky_ex(
    A: TensorLike, *, upper: bool = False, check_errors: bool = False
) -> CholeskyResult:
    """`cholesky`, and for each matrix 0, or the size of the part that is not positive definite.

    Args:
        A: matrices. Of one that is not positive definite the factor is NaN.
        upper: whether the result is the upper triangular factor.
        check_errors: whether such a matrix is a LinAlgError.

    Example:
        >>> cholesky_ex([[-1.0]]).info.item()
        1
    """
    x = _square(A, "cholesky_ex")
    values = base.matrices(base.flipped(x) if upper else x)
    n = x.shape[-1]
    info = np.zeros(x.shape[:-2], np.int32)
    if not check_errors:
        for place in np.ndindex(*info.shape):
            info[place] = next((k for k in range(1, n + 1) if not _positive(values[place], k)), 0)
    good = F.where((info == 0)[..., None, None], x, np.eye(n, dtype=np.float32))
    factor = _factor(good if info.any() else x, upper, "linalg.cholesky_ex")
    return CholeskyResult(_nan_where(info, factor), _int32(info))


def _positive(values: np.ndarray, size: int) -> bool:
    try:
        np.linalg.cholesky(values[:size, :size])
    except np.linalg.LinAlgError:
        return False
    return True


@liftable
def qr(A: TensorLike, mode: str = "reduced") -> QRResult:
    """A = Q R with orthogonal columns of Q and an upper triangular R.

    Args:
        A: matrices.
        mode: "reduced", "complete" for a square Q, which has no gradient of tall matrices, or "r"
            for R alone, with an empty Q.

    Raises:
        ValueError: another mode.

    Example:
        >>> qr(fastdl.ones(3, 2)).R.shape
        (2, 2)
    """
    check_choice("linalg.qr", "mode", mode, ("reduced", "complete", "r"))
    q, r = base.qr(_matrices(A, "linalg.qr"), mode == "complete", "linalg.qr")
    return QRResult(_core.full((0,), "float32", 0) if mode == "r" else q, r)


@liftable
def eigh(A: TensorLike, UPLO: str = "L") -> EighResult:
    """The eigenvalues in ascending order and the eigenvectors of symmetric matrices.

    Args:
        A: matrices.
        UPLO: which triangle is read, "L" or "U".

    Raises:
        ValueError: another triangle.

    Example:
        >>> eigh([[2.0, 0.0], [0.0, 1.0]]).eigenvalues.tolist()
        [1.0, 2.0]
    """
    return EighResult(*base.symmetric_eigen(_square(A, "eigh"), _lower(UPLO), "linalg.eigh"))


@liftable
def eigvalsh(A: TensorLike, UPLO: str = "L") -> Tensor:
    """The eigenvalues of `eigh`.

    Example:
        >>> eigvalsh([[2.0, 0.0], [0.0, 1.0]]).tolist()
        [1.0, 2.0]
    """
    return base.symmetric_eigen(_square(A, "eigvalsh"), _lower(UPLO), "linalg.eigvalsh")[0]


def _lower(triangle: str) -> bool:
    check_choice("linalg.eigh", "UPLO", triangle, ("L", "U", "l", "u"))
    return triangle in "Ll"


@liftable
def eig(A: TensorLike) -> EighResult:
    """The eigenvalues and eigenvectors (columns of length 1) of square matrices, as real numbers.

    Raises:
        ValueError: an eigenvalue is complex.

    Example:
        >>> sorted(eig([[2.0, 0.0], [0.0, 1.0]]).eigenvalues.tolist())
        [1.0, 2.0]
    """
    return EighResult(*base.eigen(_square(A, "eig"), "linalg.eig"))


@liftable
def eigvals(A: TensorLike) -> Tensor:
    """The eigenvalues of `eig`.

    Example:
        >>> sorted(eigvals([[2.0, 0.0], [0.0, 1.0]]).tolist())
        [1.0, 2.0]
    """
    return base.eigen(_square(A, "eigvals"), "linalg.eigvals")[0]


@liftable
def svd(A: TensorLike, full_matrices: bool = True, *, driver: str | None = None) -> SVDResult:
    """A = U diag(S) Vh.

    Args:
        A: matrices.
        full_matrices: whether U and Vh are square. The vectors that belong to no singular value
            have no gradient.
        driver: only None is possible; the others are of CUDA.

    Returns:
        U, S in descending order, and Vh.

    Example:
        >>> svd([[3.0, 0.0], [0.0, 2.0]]).S.tolist()
        [3.0, 2.0]
    """
    check_choice("linalg.svd", "driver", driver, (None,))
    return SVDResult(*base.singular_values(_matrices(A, "linalg.svd"), full_matrices, "linalg.svd"))


@liftable
def svdvals(A: TensorLike, *, driver: str | None = None) -> Tensor:
    """The singular values in descending order.

    Example:
        >>> svdvals([[3.0, 0.0], [0.0, 2.0]]).tolist()
        [3.0, 2.0]
    """
    check_choice("linalg.svdvals", "driver", driver, (None,))
    return base.singular_values(_matrices(A, "linalg.svdvals"), False, "linalg.svdvals")[1]


@liftable
def lu(A: TensorLike, *, pivot: bool = True) -> LUResult:
    """A = P L U with a permutation P of rows, and ones on the diagonal of the lower triangle L.

    Args:
        A: matrices.
        pivot: whether rows are exchanged; P is empty without.

    Example:
        >>> lu([[0.0, 2.0], [1.0, 0.0]]).U.tolist()
        [[1.0, 0.0], [0.0, 2.0]]
    """
    order, low, up = base.lu(_matrices(A, "linalg.lu"), pivot, "linalg.lu")
    turn = base.permutation(order) if pivot else _core.full((0,), "float32", 0)
    return LUResult(turn, low, up)


@liftable
def lu_factor(A: TensorLike, *, pivot: bool = True) -> LUFactorResult:
    """L, without its ones, and U in one matrix, and the exchanges of rows, counted from 1 (int32).

    Args:
        A: matrices.
        pivot: whether rows are exchanged.

    Raises:
        LinAlgError: a pivot is 0.

    Example:
        >>> lu_factor([[1.0, 2.0], [2.0, 2.0]]).pivots.tolist()
        [2, 2]
    """
    found = lu_factor_ex(A, pivot=pivot, check_errors=True)
    return LUFactorResult(found.LU, found.pivots)


def lu_factor_ex(
    A: TensorLike, *, pivot: bool = True, check_errors: bool = False
) -> LUFactorExResult:
    """`lu_factor`, and for each matrix the number of the first pivot that is 0, or 0.

    Args:
        A: matrices.
        pivot: whether rows are exchanged.
        check_errors: whether a pivot of 0 is a LinAlgError.

    Example:
        >>> lu_factor_ex([[0.0]]).info.item()
        1
    """
    x = _matrices(A, "linalg.lu_factor")
    info = base.first_zero_pivot(x, pivot)
    if check_errors and info.any():
        raise LinAlgError(f"linalg.lu_factor: pivot {info[info != 0].flat[0]} is 0")
    packed, pivots = base.packed_lu(x, pivot, "linalg.lu_factor")
    return LUFactorExResult(packed, _int32(pivots + 1), _int32(info))


@liftable
def lu_solve(
    LU: TensorLike, pivots: TensorLike, B: TensorLike, *, left: bool = True, adjoint: bool = False
) -> Tensor:
    """The x of A x = B, given what `lu_factor` returns for A.

    Args:
        LU: both triangles.
        pivots: the exchanges of rows.
        B: right sides (..., n, k).
        left: whether A stands on the left; otherwise x A = B.
        adjoint: whether A^T is meant.

    Example:
        >>> lu_solve(*lu_factor([[2.0, 0.0], [0.0, 4.0]]), [[2.0], [4.0]]).tolist()
        [[1.0], [1.0]]
    """
    who = "linalg.lu_solve"
    factors, b = _matrices(LU, who, "LU", square=True), _matrices(B, who, "B")
    turns = _core.as_tensor(pivots)
    if left:
        return base.solved_by_factors(factors, turns, b, adjoint, who)
    return base.flipped(base.solved_by_factors(factors, turns, base.flipped(b), not adjoint, who))


@liftable
def householder_product(A: TensorLike, tau: TensorLike) -> Tensor:
    """The first columns of the product of the reflections `1 - tau[i] v v^T`.

    Args:
        A: (..., m, n) with the vectors v below its diagonal, on which each has a 1.
        tau: (..., k), up to n factors.

    Raises:
        ValueError: the shapes don't fit.

    Example:
        >>> householder_product([[1.0], [0.0]], [0.0]).tolist()
        [[1.0], [0.0]]
    """
    who = "linalg.householder_product"
    return more.from_householder(_matrices(A, who), F.cast(tau, dtype="float32"), who)


# --- rank, condition and norms


@liftable
def matrix_rank(
    A: TensorLike,
    tol: Any = None,
    *,
    atol: Any = None,
    rtol: Any = None,
    hermitian: bool = False,
) -> Tensor:
    """The number of singular values that count, int64.

    Args:
        A: matrices.
        tol: PyTorch's older name of `atol`, with `rtol` 0.
        atol: singular values up to this count as 0; 0 by default.
        rtol: those up to this part of the largest count as 0. By default, without `atol`, the
            larger number of rows and columns, times float32's epsilon.
        hermitian: whether A is symmetric; then only its lower triangle is read.

    Example:
        >>> matrix_rank([[1.0, 2.0], [2.0, 4.0]]).item()
        1
    """
    x = _matrices(A, "linalg.matrix_rank")
    cutoff = more.cutoff_of(x, tol, 0.0) if tol is not None else more.cutoff_of(x, atol, rtol)
    return _core.as_tensor(np.asarray(more.rank(x, cutoff, hermitian), np.int64))


@liftable
def cond(A: TensorLike, p: float | str | None = None) -> Tensor:
    """The condition: the norm of a matrix times that of its inverse.

    Args:
        A: matrices; square ones unless p is None, 2 or -2.
        p: the norm; None is 2.

    Returns:
        The condition, infinite for a singular matrix.

    Raises:
        ValueError: an unknown norm, or matrices that are not square.

    Example:
        >>> cond([[4.0, 0.0], [0.0, 2.0]]).item()
        2.0
    """
    return more.condition(_matrices(A, "linalg.cond"), p, "linalg.cond")


def _typed(x: TensorLike, dtype: DTypeLike | None, who: str) -> Tensor:
    if dtype is not None and _core.dtype(dtype) != "float32":
        raise DTypeError(f"{who}: dtype: norms are float32, got {dtype}")
    x = _core.as_tensor(x)
    if x.dtype.kind != "f":
        raise DTypeError(f"{who}: expected floats, got dtype {x.dtype}")
    return x


@liftable
def vector_norm(
    x: TensorLike,
    ord: float = 2,
    dim: Axes = None,
    keepdim: bool = False,
    *,
    dtype: DTypeLike | None = None,
) -> Tensor:
    """The p-norm of the values along axes taken together, `(sum |x|^p)^(1/p)`.

    Args:
        x: floats.
        ord: p: a number, infinity (the largest absolute value), minus infinity (the smallest) or 0
            (the number of values other than 0).
        dim: the axes; all by default.
        keepdim: whether to keep the reduced axes.
        dtype: only float32 is possible.

    Raises:
        TypeError: the values are no floats.

    Example:
        >>> vector_norm([3.0, 4.0]).item()
        5.0
    """
    x = _typed(x, dtype, "linalg.vector_norm")
    if dim is not None and not is_integer(dim) and not len(dim):
        dim = None
    if not x.ndim and dim is not None:
        dim = None if checked_axes(dim, 1, "linalg.vector_norm") else dim
    return formulas.vector_norm(x, ord, dim, keepdim)


@liftable
def matrix_norm(
    A: TensorLike,
    ord: float | str = "fro",
    dim: Sequence[int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: DTypeLike | None = None,
) -> Tensor:
    """The norm of matrices over two axes.

    Args:
        A: floats.
        ord: "fro" (the 2-norm of all values), "nuc" (the sum of the singular values), 1 and -1 (the
            largest and smallest sum of a column), infinity and -infinity (of a row), 2 and -2 (the
            largest and smallest singular value).
        dim: the axes.
        keepdim: whether to keep them with size 1.
        dtype: only float32 is possible.

    Raises:
        ValueError: another norm, or not two axes.
        TypeError: the values are no floats.

    Example:
        >>> matrix_norm([[1.0, -2.0], [3.0, 4.0]], 1).item()
        6.0
    """
    x = _typed(A, dtype, "linalg.matrix_norm")
    if len(dim) != 2:
        raise ShapeError(f"linalg.matrix_norm: dim: expected two axes, got {tuple(dim)}")
    if x.ndim < 2:
        raise ShapeError(f"linalg.matrix_norm: A: expected at least 2 axes, got shape {x.shape}")
    return formulas.matrix_norm(x, ord, tuple(dim), keepdim, "linalg.matrix_norm")


@liftable
def norm(
    A: TensorLike,
    ord: float | str | None = None,
    dim: Axes = None,
    keepdim: bool = False,
    *,
    dtype: DTypeLike | None = None,
) -> Tensor:
    """`vector_norm` or `matrix_norm`.

    Args:
        A: floats.
        ord: the norm. None is the 2-norm of all values along `dim`.
        dim: one axis for vectors, two for matrices. By default all, if `ord` is None, else those of
            a vector or a matrix.
        keepdim: whether to keep the reduced axes.
        dtype: only float32 is possible.

    Raises:
        ValueError: the norm does not exist for vectors or matrices.

    Example:
        >>> norm([3.0, 4.0]).item()
        5.0
    """
    x = _typed(A, dtype, "linalg.norm")
    if ord is None:
        return formulas.vector_norm(x, 2, dim, keepdim)
    if dim is None:
        if x.ndim not in (1, 2):
            raise ShapeError(f"linalg.norm: expected a vector or a matrix, got shape {x.shape}")
        dim = tuple(range(x.ndim))
    if is_integer(dim) or len(dim) == 1:
        if isinstance(ord, str):
            raise ArgumentError(f"linalg.norm: ord: expected a number for vectors, got {ord!r}")
        return formulas.vector_norm(x, ord, dim, keepdim)
    return matrix_norm(x, ord, dim, keepdim)


# --- products and diagonals


@liftable
def cross(input: TensorLike, other: TensorLike, *, dim: int = -1) -> Tensor:
    """The vector products of vectors of 3; other axes broadcast.

    Args:
        input: the first vectors.
        other: the second ones.
        dim: the axis that has them.

    Raises:
        ValueError: the axis has another size, or the ranks differ.

    Example:
        >>> cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]).tolist()
        [0.0, 0.0, 1.0]
    """
    from ._functions.products import cross as function

    return function(input, other, dim)


@liftable
def diagonal(A: TensorLike, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """A diagonal of the matrices in two axes, as the last axis of the result.

    Example:
        >>> diagonal([[1.0, 2.0], [3.0, 4.0]], offset=1).tolist()
        [2.0]
    """
    return _core.diagonal_of(A, offset, dim1, dim2, "linalg.diagonal")


@liftable
def multi_dot(tensors: Sequence[TensorLike]) -> Tensor:
    """The product of several matrices in the order with the fewest multiplications.

    Args:
        tensors: at least two matrices; the first and the last may be vectors.

    Raises:
        ValueError: the shapes don't fit, or there are fewer than two.

    Example:
        >>> multi_dot([[[1.0, 2.0]], [[3.0], [4.0]], [[2.0]]]).tolist()
        [[22.0]]
    """
    many = [_core.as_tensor(x) for x in tensors]
    if len(many) < 2:
        raise ArgumentError(f"linalg.multi_dot: expected at least two matrices, got {len(many)}")
    return products.chained(many, "linalg.multi_dot")


@liftable
def vander(x: TensorLike, N: int | None = None) -> Tensor:
    """The powers 0 to N - 1 of the elements of the last axis, along a new last axis.

    Args:
        x: vectors; a number is a vector of one element.
        N: how many powers; as many as elements by default.

    Example:
        >>> vander([2.0, 3.0], N=3).tolist()
        [[1.0, 2.0, 4.0], [1.0, 3.0, 9.0]]
    """
    x = _core.as_tensor(x)
    if not x.ndim:
        x = F.reshape(x, shape=(1,))
    if x.dtype.kind != "f":  # powers are large
        x = F.cast(x, dtype="int64")
    return products.vander(x, N, True, "linalg.vander")


@liftable
def vecdot(x: TensorLike, y: TensorLike, *, dim: int = -1) -> Tensor:
    """The sums of products along an axis; other axes broadcast.

    Example:
        >>> vecdot([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).tolist()
        [3.0, 7.0]
    """
    return F.sum(F.mul(x, y), axes=dim)


if not TYPE_CHECKING:
    from ._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
