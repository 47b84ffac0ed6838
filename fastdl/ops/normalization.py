"""Normalization, and the moments that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import formulas
from .._base import functional as F
from .._base.checks import check_flag, check_integer, check_integers, check_number, check_values
from .._base.notices import warn_once
from .._base.settings import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Axes, Tensor, TensorLike


def moments(
    x: TensorLike, axes: Axes, keepdims: bool = False, synchronized: bool = False
) -> tuple[Tensor, Tensor]:
    """Mean and variance, divided by the number of elements, in one pass over memory.

    Args:
        x: input. Moments of a float16 or bfloat16 tensor have its type; a variance that float16
            cannot hold is its largest number.
        axes: axis or axes.
        keepdims: whether to keep them with size 1.
        synchronized: there is one device; True raises.

    Raises:
        ValueError: `synchronized` is set.

    Example:
        >>> [t.item() for t in moments([1.0, 3.0], 0)]
        [2.0, 1.0]
    """
    if synchronized:
        raise ValueError("moments: synchronized: there is one device; expected False, got True")
    mean, variance = F.moments(x, axes=axes, keepdims=keepdims)
    if isinstance(x, _core.Tensor) and x.dtype.name in ("float16", "bfloat16"):
        if x.dtype.name == "float16":  # a square is soon beyond its largest number
            variance = F.clip(variance, lo=0.0, hi=65504.0)
        mean, variance = (F.cast(result, dtype=x.dtype) for result in (mean, variance))
    return mean, variance


def batch_normalization(
    x: TensorLike,
    mean: TensorLike,
    variance: TensorLike,
    axis: int,
    offset: TensorLike | None = None,
    scale: TensorLike | None = None,
    epsilon: float = 1e-3,
) -> Tensor:
    """`(x - mean) / sqrt(variance + epsilon) * scale + offset`, for each index of an axis.

    Args:
        x: input.
        mean, variance: one value for each index of the axis.
        axis: the axis.
        offset, scale: one value for each index, or None.
        epsilon: is added to the variance.

    Raises:
        ValueError: there are more or fewer values, or epsilon is negative.

    Example:
        >>> batch_normalization([[3.0, 1.0]], [1.0, 1.0], [4.0, 4.0], -1, epsilon=0.0).tolist()
        [[1.0, 0.0]]
    """
    who, x = "batch_normalization", _core.as_tensor(x)
    axis, epsilon = check_integer(who, "axis", axis), check_number(who, "epsilon", epsilon)
    if -x.ndim <= axis < x.ndim:  # else the op's own error
        values = {"mean": mean, "variance": variance, "offset": offset, "scale": scale}
        for name, value in values.items():
            check_values(who, name, value, (x.shape[axis],))
    return F.frozen_batch_norm(
        x, mean, variance, scale=scale, offset=offset, axis=axis, epsilon=epsilon
    )


def layer_normalization(
    x: TensorLike,
    gamma: TensorLike | None = None,
    beta: TensorLike | None = None,
    axis: int | Sequence[int] = -1,
    epsilon: float | None = None,
    **kwargs: bool,
) -> Tensor:
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta`, with moments over one or more axes.

    Args:
        x: input.
        gamma, beta: values for the indices of the axes, or an array with as many axes as x that
            broadcasts to it, or None.
        axis: the axis or axes.
        epsilon: is added to the variance; 1e-7 unless given.
        rms_scaling: divides x by its deviation, without mean and beta; for old programs.

    Raises:
        TypeError: another argument.
        ValueError: gamma or beta has another number of values, or epsilon is negative.

    Example:
        >>> layer_normalization([1.0, 3.0]).numpy().round(3)
        array([-1.,  1.], dtype=float32)
    """
    who = "layer_normalization"
    rms_scaling = check_flag(who, "rms_scaling", kwargs.pop("rms_scaling", False))
    if kwargs:
        raise TypeError(f"{who}: unknown argument {next(iter(kwargs))!r}")
    x, eps = _core.as_tensor(x), _checked(who, epsilon)
    axes = _ordered(who, axis, x.ndim)
    if rms_scaling:
        warn_once(
            "layer_normalization: rms_scaling is deprecated, and divides by the deviation; "
            "`rms_normalization` divides by the root of the mean square",
        )
        return formulas.scaled_by_deviation(x, gamma, axes, eps)
    try:
        return F.layer_norm(x, axes=axes, scale=gamma, offset=beta, epsilon=eps)
    except _core.ShapeError:
        if not _spread(x, axes, gamma) and not _spread(x, axes, beta):
            raise
    y = F.layer_norm(x, axes=axes, epsilon=eps)
    if gamma is not None:
        y = F.mul(y, _beside(who, "gamma", gamma, x, axes))
    return y if beta is None else F.add(y, _beside(who, "beta", beta, x, axes))


def rms_normalization(
    x: TensorLike,
    scale: TensorLike | None = None,
    axis: int | Sequence[int] = -1,
    epsilon: float | None = None,
) -> Tensor:
    """`x / sqrt(mean(x^2) + epsilon) * scale`, with the mean over one or more axes.

    Args:
        x: input. One number counts as an array of one.
        scale: values for the indices of the axes, or an array with as many axes as x that
            broadcasts to it, or None.
        axis: the axis or axes.
        epsilon: is added to the mean square; 1e-7 unless given.

    Raises:
        ValueError: scale has another number of values, or epsilon is negative.

    Example:
        >>> rms_normalization([3.0, 4.0]).numpy().round(3)
        array([0.849, 1.131], dtype=float32)
    """
    who, x = "rms_normalization", _of_one_axis(x)
    axes = _ordered(who, axis, x.ndim)
    eps = _checked(who, epsilon)
    try:
        return F.rms_norm(x, axes=axes, scale=scale, epsilon=eps)
    except _core.ShapeError:
        if scale is None or not _spread(x, axes, scale):
            raise
    return F.mul(F.rms_norm(x, axes=axes, epsilon=eps), _beside(who, "scale", scale, x, axes))


def normalize(
    x: TensorLike, axis: Axes = -1, order: int = 2, epsilon: float | None = None
) -> Tensor:
    """x divided by its norm over one or more axes, or by `epsilon` if that is larger.

    Args:
        x: input. One number counts as an array of one.
        axis: the axis or axes.
        order: the exponent of the norm, at least 1.
        epsilon: the least divisor; 1e-7 unless given.

    Raises:
        ValueError: the order isn't an integer of at least 1, or epsilon is negative.

    Example:
        >>> normalize([[3.0, 4.0]]).numpy().round(3)
        array([[0.6, 0.8]], dtype=float32)
    """
    who, x = "normalize", _of_one_axis(x)
    check_integer(who, "order", order, 1)
    least = _checked(who, epsilon)
    if order == 2:  # the smallest normal float32 keeps the gradient of zeros finite
        squares = F.sum(F.square(x), axes=axis, keepdims=True)
        return F.mul(x, F.rsqrt(F.maximum(squares, max(least * least, 2.0**-126))))
    from .reduction import norm

    return F.div(x, F.maximum(norm(x, ord=order, axis=axis, keepdims=True), least))


def _spread(x: Tensor, axes: list[int], values: TensorLike | None) -> bool:
    """Whether values are no list for the indices of the axes, but lie beside x."""
    return values is not None and _core.as_tensor(values).ndim == x.ndim > len(axes)


def _beside(who: str, name: str, values: TensorLike, x: Tensor, axes: list[int]) -> Tensor:
    """The values as an array that broadcasts to x.

    Raises:
        ValueError: they do not.
    """
    values = _core.as_tensor(values)
    shape = tuple(values.shape)
    if len(shape) != x.ndim:
        shape = tuple(n if i in axes else 1 for i, n in enumerate(x.shape))
    if any(n not in (1, size) for n, size in zip(shape, x.shape, strict=True)):
        raise ValueError(
            f"{who}: {name}: expected a shape that broadcasts to {tuple(x.shape)}, got {shape}"
        )
    return F.reshape(values, shape=shape)


def _checked(who: str, epsilon: float | None) -> float:
    return settings.epsilon if epsilon is None else check_number(who, "epsilon", epsilon)


def _of_one_axis(x: TensorLike) -> Tensor:
    x = _core.as_tensor(x)
    return x if x.ndim else F.reshape(x, shape=(1,))


def _ordered(who: str, axis: int | Sequence[int], rank: int) -> list[int]:
    """The axes in order, as those of the scale are. Axes out of range are left to the op."""
    axes = check_integers(who, "axis", axis)
    axes = (axes,) if isinstance(axes, int) else axes
    return sorted(one + rank if one < 0 else one for one in axes)
