"""The functions of `keras.ops.linalg`: inverses, decompositions, systems of equations.

Inputs are (..., rows, columns). They are computed with NumPy's LAPACK in doubles and rounded to
float32; a step that calls one of them is not replayed. Gradients can be differentiated again. A
singular matrix where none may be raises `fastdl.linalg.LinAlgError`, a RuntimeError and a
ValueError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import decompositions as base
from .._base import functional as F
from .._base import matrix_functions as more
from .._base.checks import check_choice, check_flag
from ._storage import lifted
from .derivatives import jvp as jvp
from .reduction import norm as _norm

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def _square(x: TensorLike, who: str) -> Tensor:
    return base.as_matrices(x, who, "x", square=True)


@lifted
def cholesky(x: TensorLike, upper: bool = False) -> Tensor:
    """The triangular L with x = L L^T of symmetric positive definite matrices.

    Args:
        x: matrices, of which only the lower triangle is read.
        upper: whether the result is the upper triangular L^T.

    Raises:
        RuntimeError: a matrix is not positive definite.

    Example:
        >>> cholesky([[4.0, 2.0], [2.0, 2.0]]).tolist()
        [[2.0, 0.0], [1.0, 1.0]]
    """
    lower = base.cholesky(_square(x, "cholesky"))
    return base.flipped(lower) if check_flag("cholesky", "upper", upper) else lower


@lifted
def cholesky_inverse(x: TensorLike, upper: bool = False) -> Tensor:
    """The inverse of the matrices whose Cholesky factors are given.

    Args:
        x: triangular factors.
        upper: whether they are upper triangular.

    Raises:
        RuntimeError: a factor has a 0 on its diagonal.

    Example:
        >>> cholesky_inverse([[2.0, 0.0], [0.0, 1.0]]).tolist()
        [[0.25, 0.0], [0.0, 1.0]]
    """
    return base.inverse_of_factor(_square(x, "cholesky_inverse"), bool(upper), "cholesky_inverse")


@lifted
def det(x: TensorLike) -> Tensor:
    """The determinants of square matrices.

    Example:
        >>> round(det([[1.0, 2.0], [3.0, 4.0]]).item(), 4)
        -2.0
    """
    return base.determinant(_square(x, "det"))


@lifted
def slogdet(x: TensorLike) -> tuple[Tensor, Tensor]:
    """The signs of the determinants and the logarithms of their absolute values.

    Example:
        >>> [t.item() for t in slogdet([[0.0, 1.0], [1.0, 0.0]])]
        [-1.0, 0.0]
    """
    return base.log_determinant(_square(x, "slogdet"))


@lifted
def logdet(x: TensorLike) -> Tensor:
    """The logarithms of the determinants of symmetric positive definite matrices.

    Raises:
        RuntimeError: a matrix is not positive definite.

    Example:
        >>> logdet([[1.0, 0.0], [0.0, 1.0]]).item()
        0.0
    """
    lower = base.cholesky(_square(x, "logdet"), "logdet")
    from .shaping import diagonal

    return F.mul(F.sum(F.log(diagonal(lower, 0, -2, -1)), axes=-1), 2.0)


@lifted
def eig(x: TensorLike) -> tuple[Tensor, Tensor]:
    """The eigenvalues and eigenvectors (columns of length 1) of square matrices.

    Raises:
        ValueError: an eigenvalue is complex, since there are no complex tensors.

    Example:
        >>> sorted(eig([[2.0, 0.0], [0.0, 1.0]])[0].tolist())
        [1.0, 2.0]
    """
    return base.eigen(_square(x, "eig"))


@lifted
def eigh(x: TensorLike) -> tuple[Tensor, Tensor]:
    """The eigenvalues in ascending order and the eigenvectors of symmetric matrices.

    Only the lower triangle is read.

    Example:
        >>> eigh([[2.0, 0.0], [0.0, 1.0]])[0].tolist()
        [1.0, 2.0]
    """
    return base.symmetric_eigen(_square(x, "eigh"), True)


@lifted
def inv(x: TensorLike) -> Tensor:
    """The inverses of square matrices.

    Raises:
        RuntimeError: a matrix is singular.

    Example:
        >>> inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
        [[0.5, 0.0], [0.0, 0.25]]
    """
    return base.inverse(_square(x, "inv"))


@lifted
def pinv(x: TensorLike, rcond: float | None = None) -> Tensor:
    """The Moore-Penrose inverses of matrices.

    Args:
        x: matrices.
        rcond: singular values up to this part of the largest count as 0. By default the larger
            number of rows and columns, times 10 times float32's epsilon.

    Example:
        >>> pinv([[2.0], [0.0]]).tolist()
        [[0.5, 0.0]]
    """
    x = base.as_matrices(x, "pinv", "x")
    if rcond is None:
        rcond = 10 * max(x.shape[-2:]) * more.EPSILON
    return more.pinv(x, more.cutoff_of(x, None, rcond), False, "pinv")


@lifted
def lu_factor(x: TensorLike) -> tuple[Tensor, Tensor]:
    """The factors of x with rows exchanged: L, without its ones, and U in one matrix.

    Returns:
        The matrix, and the row (int32) with which each row was exchanged, in order.

    Example:
        >>> [t.tolist() for t in lu_factor([[1.0, 2.0], [2.0, 2.0]])]
        [[[2.0, 2.0], [0.5, 1.0]], [1, 1]]
    """
    x = base.as_matrices(x, "lu_factor", "x")
    packed, pivots = base.packed_lu(x, True, "lu_factor")
    return packed, _core.as_tensor(pivots.astype(np.int32))


@lifted
def matrix_rank(x: TensorLike, tol: float | None = None) -> Tensor:
    """The number of singular values above a tolerance, int32.

    Args:
        x: matrices.
        tol: the tolerance. By default the largest singular value, times the larger number of rows
            and columns, times float32's epsilon.

    Example:
        >>> matrix_rank([[1.0, 2.0], [2.0, 4.0]]).item()
        1
    """
    x = base.as_matrices(x, "matrix_rank", "x")
    cutoff = more.cutoff_of(x, tol, None if tol is None else 0.0)
    return _core.as_tensor(np.asarray(more.rank(x, cutoff, False), np.int32))


@lifted
def qr(x: TensorLike, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """x = Q R with orthogonal columns of Q and an upper triangular R.

    Args:
        x: matrices.
        mode: "reduced", or "complete" for a square Q, which has no gradient of tall matrices.

    Raises:
        ValueError: another mode.

    Example:
        >>> [t.shape for t in qr(fastdl.ones(3, 2))]
        [(3, 2), (2, 2)]
    """
    check_choice("qr", "mode", mode, ("reduced", "complete"))
    return base.qr(base.as_matrices(x, "qr", "x"), mode == "complete")


@lifted
def solve(a: TensorLike, b: TensorLike) -> Tensor:
    """The x of a x = b, for square matrices a (..., n, n) and b (..., n) or (..., n, k).

    Raises:
        ValueError: the shapes don't fit.
        RuntimeError: a matrix is singular.

    Example:
        >>> solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0]).tolist()
        [1.0, 0.5]
    """
    a, b, vector = _system(a, b, "solve")
    x = base.solved(a, b)
    return F.reshape(x, shape=x.shape[:-1]) if vector else x


@lifted
def solve_triangular(a: TensorLike, b: TensorLike, lower: bool = False) -> Tensor:
    """The x of a x = b, for triangular matrices a (..., n, n) and b (..., n) or (..., n, k).

    Args:
        a: matrices of which one triangle is read.
        b: right sides.
        lower: whether it is the lower triangle.

    Raises:
        ValueError: the shapes don't fit.

    Example:
        >>> solve_triangular([[2.0, 0.0], [1.0, 1.0]], [2.0, 3.0], lower=True).tolist()
        [1.0, 2.0]
    """
    a, b, vector = _system(a, b, "solve_triangular")
    x = base.solved_triangular(a, b, check_flag("solve_triangular", "lower", lower))
    return F.reshape(x, shape=x.shape[:-1]) if vector else x


def _system(a: TensorLike, b: TensorLike, who: str) -> tuple[Tensor, Tensor, bool]:
    a, b = base.as_matrices(a, who, "a", square=True), F.cast(b, dtype="float32")
    vector = b.ndim == a.ndim - 1
    if vector:
        b = F.reshape(b, shape=(*b.shape, 1))
    if b.ndim < 2:
        raise ValueError(f"{who}: b: expected at least 1 axis, got shape {b.shape}")
    return a, b, vector


@lifted
def lstsq(a: TensorLike, b: TensorLike, rcond: float | None = None) -> Tensor:
    """The x of least size for which a x is nearest to b.

    Args:
        a: a matrix (m, n).
        b: (m) or (m, k).
        rcond: singular values up to this part of the largest count as 0. By default the larger
            number of rows and columns, times float32's epsilon.

    Raises:
        ValueError: the shapes don't fit.

    Example:
        >>> lstsq([[2.0], [0.0]], [4.0, 1.0]).tolist()
        [2.0]
    """
    a, b = base.as_matrices(a, "lstsq", "a"), F.cast(b, dtype="float32")
    vector = b.ndim == 1
    x = more.least_squares(a, F.reshape(b, shape=(-1, 1)) if vector else b, rcond, "lstsq")
    return F.reshape(x, shape=x.shape[:-1]) if vector else x


@lifted
def svd(
    x: TensorLike, full_matrices: bool = True, compute_uv: bool = True
) -> tuple[Tensor, Tensor, Tensor] | Tensor:
    """x = U diag(S) V^T.

    Args:
        x: matrices.
        full_matrices: whether U and V are square. The vectors that belong to no singular value
            have no gradient.
        compute_uv: whether to return U and V^T; otherwise S alone.

    Returns:
        U, S in descending order, and V^T.

    Example:
        >>> svd([[3.0, 0.0], [0.0, 2.0]], compute_uv=False).tolist()
        [3.0, 2.0]
    """
    x = base.as_matrices(x, "svd", "x")
    full = check_flag("svd", "full_matrices", full_matrices)
    if not check_flag("svd", "compute_uv", compute_uv):
        return base.singular_values(x, False)[1]
    return base.singular_values(x, full)


norm = lifted(_norm)

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "det",
    "eig",
    "eigh",
    "inv",
    "logdet",
    "lstsq",
    "lu_factor",
    "matrix_rank",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
]
