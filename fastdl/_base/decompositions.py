"""Inverses, decompositions and functions of matrices.

The values come from NumPy, in doubles that are rounded to float32 at the end. The gradients are
formulas of tensor operations (Giles 2008, "Collected matrix derivative results"; Townsend 2016 for
the singular values; Walter and Lehmann 2010 for QR), so that they can be differentiated again.
Inputs are (..., rows, columns). The file is long because each value stands beside its gradient.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._core import ArgumentError, ShapeError
from . import functional as F
from .outside import matrices, outside

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core import Tensor, TensorLike

    Gradients = list[Tensor | None]


class LinAlgError(RuntimeError, ValueError):
    """A matrix has no such result: it is singular, or not positive definite.

    PyTorch's is a RuntimeError; Keras raises a ValueError.
    """


def flipped(x: Tensor) -> Tensor:
    """The matrices transposed."""
    return F.transpose(x, perm=[*range(x.ndim - 2), x.ndim - 1, x.ndim - 2])


def product(*factors: Tensor) -> Tensor:
    """The product of matrices."""
    result, *others = factors
    for factor in others:
        result = F.matmul(result, factor)
    return result


def _columns(x: Tensor) -> Tensor:
    """A factor for each column."""
    return F.reshape(x, shape=(*x.shape[:-1], 1, x.shape[-1]))


def _where(kept: np.ndarray, x: Tensor) -> Tensor:
    return F.where(kept, x, 0.0)


def _ones(rows: int, columns: int, k: int = 0) -> np.ndarray:
    """Where the lower triangle is."""
    return np.tri(rows, columns, k, dtype=bool)


def as_matrices(x: TensorLike, who: str, argument: str = "A", square: bool = False) -> Tensor:
    """Matrices of floats.

    Raises:
        ValueError: there are fewer than two axes, or with `square` the last two differ.
        TypeError: numbers that are no floats.
    """
    x = _core.as_tensor(x)
    if x.ndim < 2:
        raise ShapeError(f"{who}: {argument}: expected at least 2 axes, got shape {x.shape}")
    if square and x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"{who}: {argument}: expected square matrices, got shape {x.shape}")
    return x if x.dtype == "float32" else F.cast(x, dtype="float32")


def _run(who: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of NumPy returns. Its error says who failed."""
    try:
        return function(*arguments)
    except np.linalg.LinAlgError as error:
        reason = str(error)
        if "ositive" in reason:
            reason = "a matrix is not positive definite"
        elif "ingular" in reason:
            reason = "a matrix is singular"
        raise LinAlgError(f"{who}: {reason}") from None


def together(a: Tensor, b: Tensor, who: str) -> tuple[Tensor, Tensor]:
    """Two stacks of matrices with the same leading axes."""
    try:
        lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise ShapeError(
            f"{who}: shapes {a.shape} and {b.shape} don't broadcast before the last two axes"
        ) from None

    def wide(x: Tensor) -> Tensor:
        shape = (*lead, *x.shape[-2:])
        return x if x.shape == shape else F.broadcast_to(x, shape=shape)

    return wide(a), wide(b)


# --- inverses and systems


def inverse(x: Tensor, who: str = "inv") -> Tensor:
    """The inverse of square matrices. LinAlgError for a singular one."""

    def pullback(_: object, __: object, results: list[Tensor], g: Gradients) -> Gradients:
        (y,) = map(flipped, results)
        return [None if g[0] is None else F.neg(product(y, g[0], y))]

    return outside(who, [x], [_run(who, np.linalg.inv, matrices(x))], pullback)[0]


def solved(a: Tensor, b: Tensor, who: str = "solve") -> Tensor:
    """The x of a x = b for matrices b (n, k). LinAlgError for a singular a."""
    a, b = together(a, b, who)
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(f"{who}: expected {a.shape[-1]} rows of B, got shape {b.shape}")

    def pullback(_: object, inputs: list[Tensor], results: list[Tensor], g: Gradients) -> Gradients:
        if g[0] is None:
            return [None, None]
        of_b = solved(flipped(inputs[0]), g[0], who)
        return [F.neg(product(of_b, flipped(results[0]))), of_b]

    x = _run(who, np.linalg.solve, matrices(a), np.asarray(b.detach(), np.float64))
    return outside(who, [a, b], [x], pullback)[0]


def solved_triangular(
    a: Tensor, b: Tensor, lower: bool, unit: bool = False, who: str = "solve_triangular"
) -> Tensor:
    """The x of a x = b, of whose a one triangle is read, with `unit` as if its diagonal were 1.

    A 0 on the diagonal gives infinite values.
    """
    a, b = together(a, b, who)
    n = a.shape[-1]
    if n != b.shape[-2]:
        raise ShapeError(f"{who}: expected {n} rows of B, got shape {b.shape}")
    kept = _ones(n, n, -1 if unit else 0) if lower else _ones(n, n, -1 if unit else 0).T

    def pullback(_: object, inputs: list[Tensor], results: list[Tensor], g: Gradients) -> Gradients:
        if g[0] is None:
            return [None, None]
        of_b = solved_triangular(flipped(inputs[0]), g[0], not lower, unit, who)
        return [_where(kept, F.neg(product(of_b, flipped(results[0])))), of_b]

    values, x = matrices(a), np.array(b.detach(), np.float64)
    with np.errstate(all="ignore"):
        for i in range(n) if lower else reversed(range(n)):
            known = slice(0, i) if lower else slice(i + 1, n)
            x[..., i, :] -= (values[..., i : i + 1, known] @ x[..., known, :])[..., 0, :]
            if not unit:
                x[..., i, :] /= values[..., i, i, None]
    return outside(who, [a, b], [x], pullback)[0]


def pseudo_inverse(x: Tensor, cutoff: Callable[[np.ndarray], np.ndarray], who: str) -> Tensor:
    """The Moore-Penrose inverse.

    Args:
        x: matrices.
        cutoff: from the largest singular values (..., 1) to those up to which one counts as 0.
        who: the function.
    """

    def pullback(_: object, inputs: list[Tensor], results: list[Tensor], g: Gradients) -> Gradients:
        if g[0] is None:
            return [None]
        a, p = inputs[0], results[0]
        gt, pt = flipped(g[0]), flipped(p)
        of_a = F.neg(product(pt, g[0], pt))  # what follows is 0 for a square a of full rank
        side = product(gt, p, pt)
        of_a = F.add(of_a, F.sub(side, product(a, p, side)))
        side = product(pt, p, gt)
        return [F.add(of_a, F.sub(side, product(side, p, a)))]

    u, s, vt = _run(who, lambda a: np.linalg.svd(a, full_matrices=False), matrices(x))
    with np.errstate(divide="ignore"):
        kept = s > cutoff(s.max(-1, keepdims=True, initial=0.0))
        inverted = np.where(kept, 1 / np.where(kept, s, 1), 0)
    values = np.swapaxes(vt, -1, -2) * inverted[..., None, :] @ np.swapaxes(u, -1, -2)
    return outside(who, [x], [values], pullback)[0]


# --- determinants


def determinant(x: Tensor, who: str = "det") -> Tensor:
    """The determinants of square matrices."""

    def pullback(_: object, inputs: list[Tensor], results: list[Tensor], g: Gradients) -> Gradients:
        return [
            None if g[0] is None else F.mul(_as_matrix(g[0]), _cofactors(inputs[0], results[0]))
        ]

    return outside(who, [x], [np.linalg.det(matrices(x))], pullback)[0]


def _as_matrix(x: Tensor) -> Tensor:
    return F.reshape(x, shape=(*x.shape, 1, 1))


def _cofactors(x: Tensor, determinants: Tensor) -> Tensor:
    """The derivative of the determinant. It exists for singular matrices, too."""
    s = np.linalg.svd(matrices(x), compute_uv=False)
    if x.numel() == 0 or bool((s[..., -1:] > 1e-12 * s[..., :1]).all()):
        return F.mul(_as_matrix(determinants), flipped(inverse(x, "det")))
    u, s_, vt = singular_values(x, False, "det")
    n = x.shape[-1]
    rest = F.where(np.eye(n, dtype=bool), 1.0, F.broadcast_to(_columns(s_), shape=x.shape))
    others = F.prod(rest, axes=-1)  # of all singular values but one
    sign = np.linalg.det(np.asarray(u.detach(), float)) * np.linalg.det(
        np.asarray(vt.detach(), float)
    )
    signs = np.round(sign).astype(np.float32)[..., None, None]
    return F.mul(product(F.mul(u, _columns(others)), vt), signs)


def log_determinant(x: Tensor, who: str = "slogdet") -> tuple[Tensor, Tensor]:
    """The signs of the determinants and the logarithms of their sizes."""
    sign, size = np.linalg.slogdet(matrices(x))

    def pullback(_: object, inputs: list[Tensor], __: object, g: Gradients) -> Gradients:
        if g[1] is None:
            return [None]
        return [F.mul(_as_matrix(g[1]), flipped(inverse(inputs[0], who)))]

    signs, sizes = outside(who, [x], [sign, size], pullback)
    return signs.detach(), sizes


# --- decompositions


def cholesky(x: Tensor, who: str = "cholesky") -> Tensor:
    """The lower L with x = L L^T, of which only the lower triangle is read."""
    n = x.shape[-1]
    half = np.tri(n, k=-1) + np.eye(n) / 2

    def pullback(_: object, __: object, results: list[Tensor], g: Gradients) -> Gradients:
        if g[0] is None:
            return [None]
        (lower,) = results
        upper = flipped(lower)
        inner = F.mul(product(upper, g[0]), half.astype(np.float32))
        side = solved_triangular(upper, inner, False, who=who)
        full = solved_triangular(upper, flipped(side), False, who=who)
        return [F.mul(F.add(full, flipped(full)), 0.5)]

    return outside(who, [x], [_run(who, np.linalg.cholesky, matrices(x))], pullback)[0]


def qr(x: Tensor, complete: bool, who: str = "qr") -> tuple[Tensor, Tensor]:
    """x = Q R. With `complete` Q is square; a tall one then has no gradient."""
    rows, columns = x.shape[-2:]
    wide = columns - rows

    def pullback(_: object, inputs: list[Tensor], results: list[Tensor], g: Gradients) -> Gradients:
        (a,), (q, r), (gq, gr) = inputs, results, g
        if complete and rows > columns:
            raise RuntimeError(
                f"{who}: no gradient with a square Q of {rows} rows, {columns} columns"
            )
        if gq is None and gr is None:
            return [None]
        gq = F.mul(q, 0.0) if gq is None else gq
        gr = F.mul(r, 0.0) if gr is None else gr
        if wide > 0:  # x = Q [R1 R2]: the right part is Q R2 = x2, so R2 = Q^T x2
            r, (gr, right) = _cut(r, rows)[0], _cut(gr, rows)
            gq = F.add(gq, product(_cut(a, rows)[1], flipped(right)))
        inner = F.sub(product(r, flipped(gr)), product(flipped(gq), q))
        n = inner.shape[-1]
        lower = _where(_ones(n, n), inner)
        symmetric = F.add(lower, flipped(_where(_ones(n, n, -1), inner)))
        side = F.add(gq, product(q, symmetric))
        of_a = flipped(solved_triangular(r, flipped(side), False, who=who))
        return [of_a if wide <= 0 else F.concat([of_a, product(q, right)], axis=-1)]

    factors = np.linalg.qr(matrices(x), "complete" if complete else "reduced")
    q, r = outside(who, [x], factors, pullback)
    return q, r


def _cut(x: Tensor, columns: int) -> tuple[Tensor, Tensor]:
    left, right = F.split(x, sizes=[columns, x.shape[-1] - columns], axis=-1)
    return left, right


def symmetric_eigen(x: Tensor, lower: bool, who: str = "eigh") -> tuple[Tensor, Tensor]:
    """The eigenvalues in ascending order and the eigenvectors of symmetric matrices.

    One triangle is read. The gradient of eigenvectors is that of distinct eigenvalues.
    """

    def pullback(_: object, __: object, results: list[Tensor], g: Gradients) -> Gradients:
        w, v = results
        return [_eigen_gradient(w, v, flipped(v), g, True)]

    values = matrices(x)
    w, v = _run(who, np.linalg.eigh, values, "L" if lower else "U")
    w, v = outside(who, [x], [w, v], pullback)
    return w, v


def _eigen_gradient(
    w: Tensor, v: Tensor, inverse_v: Tensor, g: Gradients, symmetric: bool
) -> Tensor | None:
    """The gradient of x = v w v^-1."""
    gw, gv = g
    if gw is None and gv is None:
        return None
    n = v.shape[-1]
    diagonal = np.eye(n, dtype=bool)
    inner = None
    if gw is not None:
        inner = _where(diagonal, F.broadcast_to(_columns(gw), shape=v.shape))
    if gv is not None:
        moved = product(flipped(v), gv)
        if not symmetric:  # vectors of length 1 can't grow
            length = F.sum(_where(diagonal, moved), axes=-2, keepdims=True)
            moved = F.sub(moved, F.mul(product(flipped(v), v), length))
        gaps = F.sub(_columns(w), F.reshape(w, shape=(*w.shape, 1)))
        moved = F.div(_where(~diagonal, moved), F.where(diagonal, 1.0, gaps))
        inner = moved if inner is None else F.add(inner, moved)
    assert inner is not None
    full = product(flipped(inverse_v), inner, flipped(v))
    return F.mul(F.add(full, flipped(full)), 0.5) if symmetric else full


def eigen(x: Tensor, who: str = "eig") -> tuple[Tensor, Tensor]:
    """The eigenvalues and eigenvectors of square matrices.

    Raises:
        ValueError: an eigenvalue is complex.
    """

    def pullback(_: object, __: object, results: list[Tensor], g: Gradients) -> Gradients:
        w, v = results
        return [_eigen_gradient(w, v, inverse(v, who), g, False)]

    w, v = _run(who, np.linalg.eig, matrices(x))
    if np.iscomplexobj(w) and np.abs(w.imag).max(initial=0) > 0:
        raise ArgumentError(f"{who}: an eigenvalue is complex; there are no complex tensors")
    w, v = outside(who, [x], [w.real, v.real], pullback)
    return w, v


def singular_values(x: Tensor, full: bool, who: str = "svd") -> tuple[Tensor, Tensor, Tensor]:
    """x = U diag(S) V^T: U, S in descending order and V^T. With `full`, U and V are square.

    The gradient of U and V is that of distinct singular values other than 0.
    """
    rows, columns = x.shape[-2:]
    k = min(rows, columns)

    def pullback(_: object, __: object, results: list[Tensor], g: Gradients) -> Gradients:
        u, s, vt = results
        gu, gs, gvt = g
        if full and rows != columns:
            u, gu = _first(u, gu, k, -1, who)
            vt, gvt = _first(vt, gvt, k, -2, who)
        return [_svd_gradient(u, s, vt, gu, gs, gvt)]

    u, s, vt = _run(who, lambda a: np.linalg.svd(a, full_matrices=full), matrices(x))
    u, s, vt = outside(who, [x], [u, s, vt], pullback)
    return u, s, vt


def _first(
    x: Tensor, g: Tensor | None, k: int, axis: int, who: str
) -> tuple[Tensor, Tensor | None]:
    """The k vectors that belong to singular values. The others have no derivative."""
    sizes = [k, x.shape[axis] - k]
    first = F.split(x, sizes=sizes, axis=axis)[0]
    if g is None:
        return first, None
    g, rest = F.split(g, sizes=sizes, axis=axis)
    if np.asarray(rest.detach()).any():
        raise RuntimeError(
            f"{who}: no gradient of the vectors that belong to no singular value; use "
            "full_matrices=False"
        )
    return first, g


def _svd_gradient(
    u: Tensor, s: Tensor, vt: Tensor, gu: Tensor | None, gs: Tensor | None, gvt: Tensor | None
) -> Tensor | None:
    if gu is None and gs is None and gvt is None:
        return None
    rows, k, columns = u.shape[-2], s.shape[-1], vt.shape[-1]
    diagonal = np.eye(k, dtype=bool)
    scale, by_row = _columns(s), F.reshape(s, shape=(*s.shape, 1))
    gaps = F.where(diagonal, 1.0, F.mul(F.sub(scale, by_row), F.add(scale, by_row)))
    inner = outer = None  # a sum of U inner V^T and of the parts beside

    def plus(total: Tensor | None, part: Tensor) -> Tensor:
        return part if total is None else F.add(total, part)

    if gs is not None:
        shape = (*s.shape, k)
        inner = _where(diagonal, F.broadcast_to(_columns(gs), shape=shape))
    if gu is not None:
        turned = product(flipped(u), gu)
        turned = F.div(F.sub(turned, flipped(turned)), gaps)
        inner = plus(inner, F.mul(turned, scale))
        if rows > k:
            beside = F.div(F.sub(gu, product(u, flipped(u), gu)), scale)
            outer = plus(outer, product(beside, vt))
    if gvt is not None:
        turned = product(vt, flipped(gvt))
        turned = F.div(F.sub(turned, flipped(turned)), gaps)
        inner = plus(inner, F.mul(turned, by_row))
        if columns > k:
            beside = F.div(F.sub(gvt, product(gvt, flipped(vt), vt)), by_row)
            outer = plus(outer, product(u, beside))
    if inner is not None:
        outer = plus(outer, product(u, inner, vt))
    return outer


def lu(x: Tensor, pivot: bool, who: str = "lu") -> tuple[np.ndarray, Tensor, Tensor]:
    """x[order] = L U with ones on the diagonal of L: the order of the rows, L and U."""
    values = matrices(x)
    order = eliminated(values, pivot)
    rows, columns = x.shape[-2:]
    k = min(rows, columns)
    shape = (*x.shape[:-1], columns)
    places = np.broadcast_to(order[..., None], shape)
    swapped = F.gather(x, places, axis=x.ndim - 2)
    head, right = F.split(swapped, sizes=[k, columns - k], axis=-1)
    square, below = F.split(head, sizes=[k, rows - k], axis=-2)

    def pullback(_: object, __: object, results: list[Tensor], g: Gradients) -> Gradients:
        low, up = results
        inner = None
        if g[0] is not None:
            inner = _where(_ones(k, k, -1), product(flipped(low), g[0]))
        if g[1] is not None:
            part = _where(_ones(k, k).T, product(g[1], flipped(up)))
            inner = part if inner is None else F.add(inner, part)
        if inner is None:
            return [None]
        side = solved_triangular(flipped(low), inner, False, True, who)
        return [flipped(solved_triangular(up, flipped(side), False, False, who))]

    top = values[..., :k, :k]
    lower, upper = np.tril(top, -1) + np.eye(k), np.triu(top)
    low, up = outside(who, [square], [lower, upper], pullback)
    if columns > k:
        up = F.concat([up, solved_triangular(low, right, True, True, who)], axis=-1)
    if rows > k:
        rest = flipped(solved_triangular(flipped(up), flipped(below), True, False, who))
        low = F.concat([low, rest], axis=-2)
    return order, low, up


def first_zero_pivot(x: Tensor, pivot: bool) -> np.ndarray:
    """For each matrix the number of the first pivot that is 0, from 1; 0 if there is none."""
    values = matrices(x)
    eliminated(values, pivot)
    zero = np.diagonal(values, axis1=-2, axis2=-1) == 0
    if not zero.shape[-1]:
        return np.zeros(zero.shape[:-1], np.int64)
    return np.asarray(np.where(zero.any(-1), zero.argmax(-1) + 1, 0))


def eliminated(a: np.ndarray, pivot: bool) -> np.ndarray:
    """Eliminates in place, below the diagonal with the factors. Returns the order of the rows."""
    rows, columns = a.shape[-2:]
    flat = a.reshape(math.prod(a.shape[:-2]), rows, columns)
    order = np.tile(np.arange(rows), (len(flat), 1))
    for one, at in zip(flat, order, strict=True):
        for i in range(min(rows, columns)):
            best = i + int(np.abs(one[i:, i]).argmax()) if pivot else i
            if best != i:
                one[[i, best]], at[[i, best]] = one[[best, i]], at[[best, i]]
            if one[i, i] != 0:
                one[i + 1 :, i] /= one[i, i]
                one[i + 1 :, i + 1 :] -= np.outer(one[i + 1 :, i], one[i, i + 1 :])
    return order.reshape(a.shape[:-1])


# --- functions of matrices


def exponential(x: Tensor, who: str = "matrix_exp") -> Tensor:
    """The sum of x^k / k!, by scaling and squaring (Higham 2005)."""
    n = x.shape[-1]

    def pullback(_: object, inputs: list[Tensor], __: object, g: Gradients) -> Gradients:
        if g[0] is None:
            return [None]
        turned = flipped(inputs[0])  # exp of [[A, G], [0, A]] has the derivative at its top right
        upper = F.concat([turned, g[0]], axis=-1)
        lower = F.concat([F.mul(turned, 0.0), turned], axis=-1)
        both = exponential(F.concat([upper, lower], axis=-2), who)
        corner = F.split(F.split(both, sizes=[n, n], axis=-2)[0], sizes=[n, n], axis=-1)[1]
        return [corner]

    values = np.asarray(x.detach(), np.float64)
    size = np.abs(values).sum(-2).max(-1, initial=0) if n else np.zeros(x.shape[:-2])
    squarings = np.ceil(np.log2(np.maximum(size * 2, 1)))
    squarings = np.where(np.isfinite(squarings), squarings, 0).astype(int)
    scaled = values / np.exp2(squarings)[..., None, None]
    term = result = np.broadcast_to(np.eye(n), values.shape)
    for i in range(1, 19):  # 0.5^19 / 19! is 1e-23
        term = term @ scaled / i
        result = result + term
    for i in range(int(squarings.max(initial=0))):
        result = np.where((squarings > i)[..., None, None], result @ result, result)
    return outside(who, [x], [result], pullback)[0]


# --- from factors


def packed_lu(x: Tensor, pivot: bool, who: str) -> tuple[Tensor, np.ndarray]:
    """L without its ones and U in one matrix, and the row with which each was exchanged, from 0."""
    order, low, up = lu(x, pivot, who)
    rows, columns = x.shape[-2:]
    k = low.shape[-1]
    strict = _where(_ones(rows, k, -1), low)
    zeros = [0] * (x.ndim - 1)
    left = F.pad(strict, before=[*zeros, 0], after=[*zeros, columns - k])
    below = F.pad(up, before=[*zeros, 0], after=[*zeros[:-1], rows - k, 0])
    return F.add(left, below), _pivots(order, k)


def _pivots(order: np.ndarray, count: int) -> np.ndarray:
    """The row with which each row was exchanged, in turn, so that rows have an order."""
    rows = order.shape[-1]
    flat = order.reshape(math.prod(order.shape[:-1]), rows)
    found = np.zeros((len(flat), count), np.int64)
    for wanted, pivots in zip(flat, found, strict=True):
        now = np.arange(rows)
        for i in range(count):
            at = int(np.flatnonzero(now == wanted[i])[0])
            pivots[i] = at
            now[[i, at]] = now[[at, i]]
    return found.reshape(*order.shape[:-1], count)


def order_of(pivots: np.ndarray, rows: int) -> np.ndarray:
    """The order of the rows after the exchanges."""
    flat = pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1])
    order = np.tile(np.arange(rows), (len(flat), 1))
    for at, exchanges in zip(order, flat, strict=True):
        for i, j in enumerate(exchanges):
            at[[i, j]] = at[[j, i]]
    return order.reshape(*pivots.shape[:-1], rows)


def inverse_of_factor(factor: Tensor, upper: bool, who: str) -> Tensor:
    """The inverse of L L^T, or with `upper` of U^T U."""
    n = factor.shape[-1]
    if (np.diagonal(matrices(factor), axis1=-2, axis2=-1) == 0).any():
        raise LinAlgError(f"{who}: a factor has a 0 on its diagonal")
    one = _core.as_tensor(np.eye(n, dtype=np.float32))
    side = solved_triangular(factor, one, not upper, who=who)
    return product(side, flipped(side)) if upper else product(flipped(side), side)


def unpacked_lu(x: Tensor) -> tuple[Tensor, Tensor]:
    """L and U from one matrix."""
    rows, columns = x.shape[-2:]
    k = min(rows, columns)
    left = F.split(x, sizes=[k, columns - k], axis=-1)[0]
    top = F.split(x, sizes=[k, rows - k], axis=-2)[0]
    low = F.add(_where(_ones(rows, k, -1), left), np.eye(rows, k, dtype=np.float32))
    return low, _where(~_ones(k, columns, -1), top)


def permutation(order: np.ndarray) -> Tensor:
    """The P with P y = x for y = x[order]."""
    one = np.eye(order.shape[-1], dtype=np.float32)
    return _core.as_tensor(np.ascontiguousarray(np.swapaxes(one[order], -1, -2)))


def solved_by_factors(
    factors: Tensor, pivots: Tensor, b: Tensor, transpose: bool, who: str
) -> Tensor:
    """The x of a x = b, or with `transpose` of a^T x = b, from both triangles of a in one matrix.

    `pivots` are the exchanges of rows, counted from 1.
    """
    n = factors.shape[-1]
    if pivots.shape != factors.shape[:-1]:
        raise ShapeError(f"{who}: pivots: expected shape {factors.shape[:-1]}, got {pivots.shape}")
    if not n:
        return F.matmul(factors, b)
    low, up = unpacked_lu(factors)
    order = order_of(np.asarray(pivots).astype(np.int64) - 1, n)
    turn = permutation(order)
    if transpose:
        y = solved_triangular(flipped(up), b, True, who=who)
        return F.matmul(turn, solved_triangular(flipped(low), y, False, True, who))
    y = solved_triangular(low, F.matmul(flipped(turn), b), True, True, who)
    return solved_triangular(up, y, False, who=who)
