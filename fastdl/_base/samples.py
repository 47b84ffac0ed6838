"""Statistics and sums of samples: averages, covariances, histograms, differences, integrals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F
from .._core import ArgumentError, ShapeError
from .moving import checked_axis, is_integer
from .scans import part

if TYPE_CHECKING:
    from .._core import Axes, Tensor, TensorLike


def average(x: TensorLike, axis: Axes, weights: TensorLike | None) -> Tensor:
    """The mean, each value with a weight; weights of one axis are those of the entries of `axis`.

    Raises:
        ValueError: the weights have another shape.
    """
    x = _core.as_tensor(x)
    if weights is None:
        return F.mean(x, axes=axis)
    weights = _core.as_tensor(weights)
    if weights.shape != x.shape:
        axis = axis if axis is None or is_integer(axis) or len(axis) != 1 else axis[0]
        if not is_integer(axis) or weights.shape != (
            x.shape[checked_axis(axis, x.ndim, "average")],
        ):
            raise ShapeError(
                f"average: weights: expected shape {x.shape} or that of axis {axis}, got "
                f"{weights.shape}"
            )
        shape = [1] * x.ndim
        shape[axis] = weights.shape[0]
        weights = F.reshape(weights, shape=shape)
    total = F.sum(F.broadcast_to(F.cast(weights, dtype="float32"), shape=x.shape), axes=axis)
    return F.div(F.sum(F.mul(x, weights), axes=axis), total)


def covariance(
    x: TensorLike,
    correction: float,
    fweights: TensorLike | None,
    aweights: TensorLike | None,
    who: str,
) -> Tensor:
    """The covariances of the rows of x, whose columns are samples; a number for one row.

    Raises:
        ValueError: x has more than two axes, or weights are not one of at least 0 for each sample.
    """
    x = _core.as_tensor(x)
    if x.ndim > 2:
        raise ShapeError(f"{who}: expected at most 2 axes, got shape {x.shape}")
    rows = F.cast(F.reshape(x, shape=(1, -1)) if x.ndim < 2 else x, dtype="float32")
    weights: Tensor | None = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            continue
        given = _core.as_tensor(given)
        if given.shape != (rows.shape[1],):
            raise ShapeError(f"{who}: {name}: expected shape {(rows.shape[1],)}, got {given.shape}")
        if name == "fweights" and given.dtype.kind == "f":
            raise ArgumentError(f"{who}: fweights: expected integers, got {given.dtype}")
        given = F.cast(given, dtype="float32")
        if given.numel() and F.min(given).item() < 0:
            raise ArgumentError(f"{who}: {name}: expected weights of at least 0")
        weights = given if weights is None else F.mul(weights, given)
    if weights is None:
        apart = F.sub(rows, F.mean(rows, axes=1, keepdims=True))
        scale: Tensor | float = max(rows.shape[1] - correction, 0)
        product = F.matmul(apart, apart, transpose_b=True)
    else:
        total = F.sum(weights)
        apart = F.sub(rows, F.div(F.sum(F.mul(rows, weights), axes=1, keepdims=True), total))
        lost: TensorLike = correction
        if aweights is not None:
            lost = F.mul(F.div(F.sum(F.mul(weights, aweights)), total), correction)
        scale = F.maximum(F.sub(total, lost), 0.0)
        product = F.matmul(F.mul(apart, weights), apart, transpose_b=True)
    result = F.div(product, float(scale) if not isinstance(scale, _core.Tensor) else scale)
    return result if result.numel() > 1 else F.reshape(result, shape=())


def correlation(x: TensorLike, who: str) -> Tensor:
    """The correlations of the rows of x, whose columns are samples, limited to [-1, 1]."""
    c = covariance(x, 1, None, None, who)
    if not c.ndim:
        return F.div(c, c)
    n = c.shape[0]
    deviation = F.sqrt(F.gather(c, np.arange(n).reshape(n, 1), axis=1))
    scaled = F.div(F.div(c, deviation), F.transpose(deviation, perm=[1, 0]))
    return F.clip(scaled, lo=-1.0, hi=1.0)


def correlated(x: TensorLike, y: TensorLike, mode: str) -> Tensor:
    """Sums of products of x with y moved along it, as `numpy.correlate`.

    Raises:
        ValueError: an unknown mode, or tensors that do not have one axis with values.
    """
    x, y = F.cast(x, dtype="float32"), F.cast(y, dtype="float32")
    if x.ndim != 1 or y.ndim != 1 or not x.shape[0] or not y.shape[0]:
        raise ShapeError(f"correlate: expected two vectors, got shapes {x.shape} and {y.shape}")
    if mode not in ("valid", "same", "full"):
        raise ArgumentError(f"correlate: mode: expected 'valid', 'same' or 'full', got {mode!r}")
    turned = y.shape[0] > x.shape[0]
    x, y = (y, x) if turned else (x, y)
    k = y.shape[0]
    low, high = {"valid": (0, 0), "same": (k // 2, k - 1 - k // 2), "full": (k - 1, k - 1)}[mode]
    rows = F.reshape(x, shape=(1, -1, 1))
    sums = F.reshape(
        F.conv(rows, F.reshape(y, shape=(k, 1, 1)), low=[low], high=[high]), shape=(-1,)
    )
    return F.take(sums, np.arange(sums.shape[0])[::-1].copy()) if turned else sums


def differences(x: TensorLike, n: int, axis: int, who: str) -> Tensor:
    """Differences of neighbours along an axis, n times; of truth values, whether they differ."""
    x = _core.as_tensor(x)
    if n < 0:
        raise ArgumentError(f"{who}: n: expected 0 or more, got {n}")
    axis = checked_axis(axis, x.ndim, who)
    for _ in range(n):
        length = x.shape[axis]
        if not length:
            break
        after, before = part(x, axis, 1, length), part(x, axis, 0, length - 1)
        x = F.ne(after, before) if x.dtype == "bool" else F.sub(after, before)
    return x


def areas(y: TensorLike, x: TensorLike | None, dx: TensorLike, axis: int, who: str) -> Tensor:
    """The areas under each piece of a line through samples: at places x, or `dx` apart."""
    y = _core.as_tensor(y)
    axis = checked_axis(axis, y.ndim, who)
    if x is not None:
        x = _core.as_tensor(x)
        if x.ndim == 1:
            shape = [1] * y.ndim
            shape[axis] = x.shape[0]
            x = F.reshape(x, shape=shape)
        place = checked_axis(axis - y.ndim, x.ndim, who)
        dx = differences(x, 1, place, who)
    length = y.shape[axis]
    if not length:
        return F.cast(y, dtype="float32")
    pairs = F.add(part(y, axis, 1, length), part(y, axis, 0, length - 1))
    return F.mul(F.mul(pairs, dx), 0.5)


def bins_of(x: TensorLike, edges: TensorLike, right: bool = False) -> Tensor:
    """How many edges lie at or below each value (below it with `right`), int32."""
    x = _core.as_tensor(x)
    edges = _core.as_tensor(edges)
    if edges.ndim != 1:
        raise ShapeError(f"digitize: bins: expected one axis, got shape {edges.shape}")
    above = (F.gt if right else F.ge)(F.reshape(x, shape=(*x.shape, 1)), edges)
    return F.cast(F.sum(above, axes=x.ndim), dtype="int32")


def histogram(
    x: TensorLike,
    bins: int | TensorLike,
    limits: tuple[float, float] | None,
    weights: TensorLike | None,
    density: bool,
    who: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Counts or sums of weights of the bins, and their edges, in double.

    Raises:
        ValueError: bins that are not a positive number or ascending edges, or other limits.
    """
    values = _core.as_tensor(x).detach().numpy().astype(np.float64).ravel()
    of = None if weights is None else _core.as_tensor(weights).detach().numpy().ravel()
    if is_integer(bins):
        edges: int | np.ndarray = int(bins)
    else:
        edges = np.asarray(_core.as_tensor(bins).detach(), np.float64)
    try:
        counts, found = np.histogram(values, edges, limits, density or None, of)
    except ValueError as error:
        raise ArgumentError(f"{who}: {error}") from None
    return counts, found


def slopes(y: Tensor, axis: int, places: Tensor, edge_order: int) -> Tensor:
    """The slopes along an axis; `places` are those of the samples, or their distance.

    Raises:
        ValueError: too few samples, places that are not one for each, or another order.
    """
    n = y.shape[axis]
    if edge_order not in (1, 2):
        raise ArgumentError(f"gradient: edge_order: expected 1 or 2, got {edge_order}")
    if n < edge_order + 1:
        raise ShapeError(
            f"gradient: expected at least {edge_order + 1} values along axis {axis}, got shape "
            f"{y.shape}"
        )
    if places.ndim and places.shape != (n,):
        raise ShapeError(f"gradient: spacing: expected shape {(n,)}, got {places.shape}")
    y = F.cast(y, dtype="float32")
    shape = [1] * y.ndim
    shape[axis] = n - 1
    if places.ndim:
        gaps = differences(F.cast(places, dtype="float32"), 1, 0, "gradient")
        gaps = F.reshape(gaps, shape=shape)
    else:
        gaps = F.broadcast_to(F.cast(places, dtype="float32"), shape=shape)
    rises = F.div(differences(y, 1, axis, "gradient"), gaps)  # between neighbours

    def at(x: Tensor, start: int, stop: int) -> Tensor:
        return part(x, axis, start, stop)

    first, last = at(rises, 0, 1), at(rises, n - 2, n - 1)
    if n == 2:
        return F.concat([first, last], axis=axis)
    before, after = at(gaps, 0, n - 2), at(gaps, 1, n - 1)
    both = F.add(before, after)
    weighted = F.add(F.mul(at(rises, 0, n - 2), after), F.mul(at(rises, 1, n - 1), before))
    inside = F.div(weighted, both)
    if edge_order == 2:  # the slope of the parabola through three samples
        curve = F.div(F.sub(at(rises, 1, n - 1), at(rises, 0, n - 2)), both)
        first = F.sub(first, F.mul(at(curve, 0, 1), at(gaps, 0, 1)))
        last = F.add(last, F.mul(at(curve, n - 3, n - 2), at(gaps, n - 2, n - 1)))
    return F.concat([first, inside, last], axis=axis)
