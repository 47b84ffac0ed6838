"""What layers of images, series and volumes share: sizes for each axis, padding, data formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .._base import functional as F
from .._base.checks import check_choice, check_integer, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor


class Axes(NamedTuple):
    """How a window moves along one axis."""

    stride: int
    dilation: int
    low: int
    high: int


def per_axis(who: str, argument: str, value: Any, rank: int, least: int = 1) -> tuple[int, ...]:
    """A number for each of `rank` axes: one for all, or a sequence.

    Raises:
        ValueError: another number of them, or one that is no integer of at least `least`.
    """
    if isinstance(value, (list, tuple)):
        if len(value) != rank:
            raise ValueError(
                f"{who}: {argument}: expected an integer, or {rank} of them, got {shown(value)}"
            )
        return tuple(check_integer(who, argument, one, least) for one in value)
    return (check_integer(who, argument, value, least),) * rank


def check_data_format(who: str, value: str | None) -> str:
    """The format; None is that of `config.image_data_format()`."""
    known = ("channels_last", "channels_first")
    return known[0] if value is None else check_choice(who, "data_format", value, known)


def axes_of(
    sizes: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: str,
) -> list[Axes]:
    """The window along each axis, with the padding that "valid", "same" or "causal" means."""
    found = []
    for size, places, stride, dilation in zip(sizes, window, strides, dilations, strict=True):
        reach = (places - 1) * dilation + 1
        low = high = 0
        if padding == "causal":
            low = reach - 1
        elif padding == "same":
            total = max((-(-size // stride) - 1) * stride + reach - size, 0)
            low = total // 2
            high = total - low
        found.append(Axes(stride, dilation, low, high))
    return found


def channels_first(layer: Any) -> bool:
    """Whether a layer's inputs have their channels before the spatial axes."""
    return bool(layer.data_format == "channels_first")


def to_last(layer: Any, x: Tensor) -> Tensor:
    """The layer's input with its channels at the end."""
    if not channels_first(layer):
        return x
    return F.transpose(x, perm=[0, *range(2, x.ndim), 1])


def to_first(layer: Any, y: Tensor) -> Tensor:
    """The layer's output from one with its channels at the end."""
    if not channels_first(layer):
        return y
    return F.transpose(y, perm=[0, y.ndim - 1, *range(1, y.ndim - 1)])
