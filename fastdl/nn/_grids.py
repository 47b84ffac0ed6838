"""What convolutions and pooling of the PyTorch face share: batches, sizes, padding.

Tensors are (N, C, places...) at the face. Their values lie channels-last from the first of these
functions to the last one, so nothing is copied between layers (csrc/ops/layout.h).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base.checks import check_integers, kind_of
from .._base.images import check_sizes
from .._core import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._core import Tensor, TensorLike


def batched(who: str, input: TensorLike, rank: int) -> tuple[Tensor, bool]:
    """The input with an axis of samples, and whether it had one.

    Raises:
        ValueError: it has neither `rank` + 2 nor `rank` + 1 axes.
    """
    x = _core.as_tensor(input)
    if x.ndim == rank + 2:
        return x, True
    if x.ndim == rank + 1:
        return F.reshape(x, shape=(1, *x.shape)), False
    places = ("L", "H, W", "D, H, W")[rank - 1]
    raise ShapeError(
        f"{who}: expected an input (N, C, {places}) or (C, {places}), got shape {x.shape}"
    )


def all_of_batch(
    who: str, input: TensorLike, rank: int, function: Callable[[Tensor], Sequence[Tensor]]
) -> tuple[Tensor, ...]:
    """The results of `function`, which takes and returns channels last, of channels first.

    Raises:
        TypeError, ValueError: an op refused the input; the message names `who` and its shape.
    """
    x, is_batch = batched(who, input, rank)
    try:
        found = [F.channels_first(y) for y in function(F.channels_last(x))]
    except (TypeError, ValueError) as error:
        raise refused(who, error, x.shape if is_batch else x.shape[1:]) from None
    return tuple(y if is_batch else F.reshape(y, shape=y.shape[1:]) for y in found)


def of_batch(
    who: str, input: TensorLike, rank: int, function: Callable[[Tensor], Tensor]
) -> Tensor:
    """`all_of_batch` for one result."""
    return all_of_batch(who, input, rank, lambda x: (function(x),))[0]


def refused(who: str, error: Exception, shape: Sequence[int]) -> Exception:
    """The error to raise instead: it names `who` and the shape of the input."""
    if str(error).startswith(f"{who}: "):
        return error
    return kind_of(error)(f"{who}: {error} (input shape {tuple(shape)})")


def check_fit(
    who: str, what: str, shape: Sequence[int], reach: Sequence[int], low: Sequence[int],
    high: Sequence[int],
) -> None:  # fmt: skip
    """That windows of `reach` places fit into a padded input, whose shape has channels last.

    Raises:
        ValueError: one does not.
    """
    for size, k, before, after in zip(shape[1:-1], reach, low, high, strict=True):
        if size + before + after < k:
            padding = tuple(low) if low == high else tuple(zip(low, high, strict=True))
            raise ShapeError(
                f"{who}: {what} of {k} places does not fit into an input of shape "
                f"{(shape[0], shape[-1], *shape[1:-1])} with padding {padding}"
            )


def sizes(
    who: str, argument: str, value: Any, rank: int, least: int = 0, default: Any = None
) -> tuple[int, ...]:
    """An integer for each axis. As in PyTorch a sequence of one counts for all.

    Raises:
        ValueError: other integers, or one below `least`.
    """
    if default is not None and (value is None or (isinstance(value, (tuple, list)) and not value)):
        return tuple(default)
    found = check_integers(who, argument, value, least)
    if isinstance(found, tuple) and len(found) == 1:
        found = found[0]
    return check_sizes(who, argument, found, rank, least)


def continued(x: Tensor, widths: Sequence[tuple[int, int]], mode: str) -> Tensor:
    """A channels-last tensor continued along its places by its own elements.

    Raises:
        ValueError: a reflection reaches beyond the other end, or a circle around more than once.
    """
    from .._base.images import repeated

    names = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    for axis, (low, high) in enumerate(widths, 1):
        most = x.shape[axis] - (mode == "reflect")
        if mode != "replicate" and max(low, high) > max(most, 0):
            raise ShapeError(
                f"pad: mode {mode!r}: expected a padding of at most {max(most, 0)} for an axis of "
                f"size {x.shape[axis]}, got {(low, high)}"
            )
    return repeated(x, ((0, 0), *widths, (0, 0)), names[mode])
