"""Adaptive pooling of `nn.functional`, with PyTorch's arguments and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import functional as F
from .._base.checks import check_flag, check_integer, shown
from .._core import ArgumentError
from ._grids import all_of_batch, of_batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor, TensorLike

    Size = int | Sequence[int]


def check_output_size(who: str, rank: int, output_size: Any) -> list[int | None]:
    """A size, or None, for each axis.

    Raises:
        ValueError: other numbers of them, or one below 1.
    """
    wanted = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * rank
    if len(wanted) != rank:
        raise ArgumentError(
            f"{who}: output_size: expected an integer or {rank} of them, got {shown(output_size)}"
        )
    return [None if n is None else check_integer(who, "output_size", n, 1) for n in wanted]


def adaptive_pool(
    who: str, rank: int, input: TensorLike, output_size: Any, mean: bool, indices: bool = False
) -> Any:
    """`adaptive_avg_pool1d` to `adaptive_max_pool3d`. A size of None keeps that of the input."""
    known = check_output_size(who, rank, output_size)

    def size(x: Tensor) -> list[int]:
        return [n or k for n, k in zip(known, x.shape[1:-1], strict=True)]

    if indices:
        return all_of_batch(
            who, input, rank, lambda x: F.adaptive_max_pool_with_indices(x, size=size(x))
        )
    op = F.adaptive_avg_pool if mean else F.adaptive_max_pool
    return of_batch(who, input, rank, lambda x: op(x, size=size(x)))


def adaptive_avg_pool1d(input: TensorLike, output_size: Size) -> Tensor:
    """The mean of windows that cover the input, `output_size` of them along each axis.

    The input is (N, C, L) or (C, L).

    Source: `torch.nn.functional.adaptive_avg_pool1d`.

    Example:
        >>> adaptive_avg_pool1d(fastdl.ones(1, 3, 5), 2).shape
        (1, 3, 2)
    """
    return adaptive_pool("adaptive_avg_pool1d", 1, input, output_size, mean=True)


def adaptive_avg_pool2d(
    input: TensorLike, output_size: int | Sequence[int | None] | None
) -> Tensor:
    """The mean of windows that cover the input, `output_size` of them along each axis.

    The input is (N, C, H, W) or (C, H, W). None keeps the size of an axis.

    Source: `torch.nn.functional.adaptive_avg_pool2d`.

    Example:
        >>> adaptive_avg_pool2d(fastdl.ones(1, 3, 5, 5), 2).shape
        (1, 3, 2, 2)
    """
    return adaptive_pool("adaptive_avg_pool2d", 2, input, output_size, mean=True)


def adaptive_avg_pool3d(
    input: TensorLike, output_size: int | Sequence[int | None] | None
) -> Tensor:
    """The mean of windows that cover the input, `output_size` of them along each axis.

    The input is (N, C, D, H, W) or (C, D, H, W). None keeps the size of an axis.

    Source: `torch.nn.functional.adaptive_avg_pool3d`.

    Example:
        >>> adaptive_avg_pool3d(fastdl.ones(1, 3, 5, 5, 5), 2).shape
        (1, 3, 2, 2, 2)
    """
    return adaptive_pool("adaptive_avg_pool3d", 3, input, output_size, mean=True)


def adaptive_max_pool1d(input: TensorLike, output_size: Size, return_indices: bool = False) -> Any:
    """The largest element of windows that cover the input, `output_size` of them along each axis.

    The input is (N, C, L) or (C, L).
    With `return_indices` the result is a pair, with the places of the elements.

    Source: `torch.nn.functional.adaptive_max_pool1d`.

    Example:
        >>> adaptive_max_pool1d(fastdl.ones(1, 3, 5), 2).shape
        (1, 3, 2)
    """
    wanted = check_flag("adaptive_max_pool1d", "return_indices", return_indices)
    return adaptive_pool("adaptive_max_pool1d", 1, input, output_size, mean=False, indices=wanted)


def adaptive_max_pool2d(
    input: TensorLike, output_size: int | Sequence[int | None] | None, return_indices: bool = False
) -> Any:
    """The largest element of windows that cover the input, `output_size` of them along each axis.

    The input is (N, C, H, W) or (C, H, W). None keeps the size of an axis.
    With `return_indices` the result is a pair, with the places of the elements.

    Source: `torch.nn.functional.adaptive_max_pool2d`.

    Example:
        >>> adaptive_max_pool2d(fastdl.ones(1, 3, 5, 5), 2).shape
        (1, 3, 2, 2)
    """
    wanted = check_flag("adaptive_max_pool2d", "return_indices", return_indices)
    return adaptive_pool("adaptive_max_pool2d", 2, input, output_size, mean=False, indices=wanted)


def adaptive_max_pool3d(
    input: TensorLike, output_size: int | Sequence[int | None] | None, return_indices: bool = False
) -> Any:
    """The largest element of windows that cover the input, `output_size` of them along each axis.

    The input is (N, C, D, H, W) or (C, D, H, W). None keeps the size of an axis.
    With `return_indices` the result is a pair, with the places of the elements.

    Source: `torch.nn.functional.adaptive_max_pool3d`.

    Example:
        >>> adaptive_max_pool3d(fastdl.ones(1, 3, 5, 5, 5), 2).shape
        (1, 3, 2, 2, 2)
    """
    wanted = check_flag("adaptive_max_pool3d", "return_indices", return_indices)
    return adaptive_pool("adaptive_max_pool3d", 3, input, output_size, mean=False, indices=wanted)
