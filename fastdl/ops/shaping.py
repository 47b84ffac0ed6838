"""Operations that join, cut and turn tensors, and diagonals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import diagonals, moving, patches, shaping
from .._base import functional as F
from .._base.checks import blamed, check_choice, check_integer, check_number, shown
from .._base.formulas import common_half
from .._base.images import check_sizes
from .._base.outside import only_shapes_matter
from .._base.rearranging import rearranged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike

    from .._core import Index, IntOrInts, Tensor, TensorLike


def append(x1: TensorLike, x2: TensorLike, axis: int | None = None) -> Tensor:
    """x2 behind x1 along an axis. Without an axis both are flattened.

    Example:
        >>> append([[1.0, 2.0]], [3.0]).tolist()
        [1.0, 2.0, 3.0]
    """
    if axis is None:
        x1, x2 = F.reshape(x1, shape=(-1,)), F.reshape(x2, shape=(-1,))
    return F.concat([x1, x2], axis=0 if axis is None else axis)


def array_split(x: TensorLike, indices_or_sections: IntOrInts, axis: int = 0) -> list[Tensor]:
    """Cuts one axis into parts, of which the first may be larger by one.

    Args:
        x: input.
        indices_or_sections: the number of parts, or the list of places to cut at.
        axis: the axis.

    Raises:
        ValueError: the number of parts is not positive.

    Example:
        >>> [part.tolist() for part in array_split([1.0, 2.0, 3.0], 2)]
        [[1.0, 2.0], [3.0]]
    """
    return shaping.in_uneven_parts(x, indices_or_sections, axis, "array_split")


def hsplit(x: TensorLike, indices_or_sections: IntOrInts) -> list[Tensor]:
    """Cuts the second axis, that of columns, as `split`. Of a vector it cuts the only one.

    Raises:
        ValueError: x has no axis, or it is no multiple of the number of parts.

    Example:
        >>> [part.tolist() for part in hsplit([[1.0, 2.0]], 2)]
        [[[1.0]], [[2.0]]]
    """
    return _split_as("hsplit", x, indices_or_sections)


def vsplit(x: TensorLike, indices_or_sections: IntOrInts) -> list[Tensor]:
    """Cuts the first axis, that of rows, as `split`.

    Raises:
        ValueError: x has fewer than two axes, or the axis is no multiple of the number of parts.

    Example:
        >>> [part.tolist() for part in vsplit([[1.0], [2.0]], 2)]
        [[[1.0]], [[2.0]]]
    """
    return _split_as("vsplit", x, indices_or_sections)


def dsplit(x: TensorLike, indices_or_sections: IntOrInts) -> list[Tensor]:
    """Cuts the third axis, as `split`.

    Raises:
        ValueError: x has fewer than three axes, or the axis is no multiple of the number of parts.

    Example:
        >>> [part.tolist() for part in dsplit([[[1.0, 2.0]]], 2)]
        [[[[1.0]]], [[[2.0]]]]
    """
    return _split_as("dsplit", x, indices_or_sections)


def _split_as(who: str, x: TensorLike, parts: IntOrInts) -> list[Tensor]:
    x = _core.as_tensor(x)
    return moving.in_parts(x, parts, shaping.axis_of_split(x, who[0], who), who)


def hstack(xs: Sequence[TensorLike]) -> Tensor:
    """Joins tensors along the second axis, vectors along their only one.

    Example:
        >>> hstack([[1.0], [2.0, 3.0]]).tolist()
        [1.0, 2.0, 3.0]
    """
    return shaping.joined_columns(xs, "hstack")


def vstack(xs: Sequence[TensorLike]) -> Tensor:
    """Joins tensors along the first axis, vectors as rows.

    Example:
        >>> vstack([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """
    return shaping.joined_rows(xs, "vstack")


def dstack(xs: Sequence[TensorLike]) -> Tensor:
    """Joins tensors along the third axis, (n) as (1, n, 1) and (n, m) as (n, m, 1).

    Example:
        >>> dstack([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [[[1.0, 3.0], [2.0, 4.0]]]
    """
    return shaping.joined_deep(xs, "dstack")


def unstack(x: TensorLike, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """The slices along one axis. They do not have this axis.

    Args:
        x: input.
        num: the size of the axis, if it is to be checked.
        axis: the axis.

    Raises:
        ValueError: the axis has another size than `num`.

    Example:
        >>> [row.tolist() for row in unstack([[1.0, 2.0], [3.0, 4.0]])]
        [[1.0, 2.0], [3.0, 4.0]]
    """
    x = _core.as_tensor(x)
    axis = moving.checked_axis(axis, x.ndim, "unstack")
    count = x.shape[axis]
    if num is not None and num != count:
        raise ValueError(f"unstack: num: expected {count} for shape {x.shape}, got {num}")
    shape = x.shape[:axis] + x.shape[axis + 1 :]
    return [F.reshape(part, shape=shape) for part in F.split(x, sizes=[1] * count, axis=axis)]


def fliplr(x: TensorLike) -> Tensor:
    """Reverses the second axis. ValueError for fewer than two axes.

    Example:
        >>> fliplr([[1.0, 2.0]]).tolist()
        [[2.0, 1.0]]
    """
    x = _core.as_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"fliplr: expected at least 2 axes, got shape {x.shape}")
    return moving.flipped(x, 1, "fliplr")


def flipud(x: TensorLike) -> Tensor:
    """Reverses the first axis. ValueError for a tensor without axes.

    Example:
        >>> flipud([1.0, 2.0]).tolist()
        [2.0, 1.0]
    """
    x = _core.as_tensor(x)
    if not x.ndim:
        raise ValueError("flipud: expected at least 1 axis, got shape ()")
    return moving.flipped(x, 0, "flipud")


def rot90(array: TensorLike, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Tensor:
    """Turns a tensor by k quarters, from the first of two axes towards the second.

    Example:
        >>> rot90([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [[2.0, 4.0], [1.0, 3.0]]
    """
    return shaping.turned(array, k, axes, "rot90")


def diag(x: TensorLike, k: int = 0) -> Tensor:
    """The k-th diagonal of a matrix, or the matrix that has a vector as its k-th diagonal.

    Example:
        >>> diag([1.0, 2.0]).tolist()
        [[1.0, 0.0], [0.0, 2.0]]
        >>> diag([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [1.0, 4.0]
    """
    return diagonals.diag(x, check_integer("diag", "k", k), "diag")


def diagflat(x: TensorLike, k: int = 0) -> Tensor:
    """The matrix that has the elements of x as its k-th diagonal.

    Example:
        >>> diagflat([[1.0], [2.0]]).tolist()
        [[1.0, 0.0], [0.0, 2.0]]
    """
    k = check_integer("diagflat", "k", k)
    return diagonals.embedded(F.reshape(x, shape=(-1,)), k, 0, 1, "diagflat")


def diagonal(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """A diagonal of the matrices in two axes, as the last axis of the result.

    Example:
        >>> diagonal([[1.0, 2.0], [3.0, 4.0]], 1).tolist()
        [2.0]
    """
    return _core.diagonal_of(x, check_integer("diagonal", "offset", offset), axis1, axis2,
                              "diagonal")  # fmt: skip


def trace(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of a diagonal of the matrices in two axes.

    Example:
        >>> trace([[1.0, 2.0], [3.0, 4.0]]).item()
        5.0
    """
    total = diagonals.trace(x, check_integer("trace", "offset", offset), axis1, axis2, "trace")
    small = total.dtype == "int64" and _core.as_tensor(x).dtype != "int64"
    return F.cast(total, dtype="int32") if small else total


def tri(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike | None = None) -> Tensor:
    """A matrix of N rows and M columns (N by default), with ones on and below the k-th diagonal.

    Example:
        >>> tri(2).tolist()
        [[1.0, 0.0], [1.0, 1.0]]
    """
    try:
        return _core.as_tensor(np.tri(N, M, k, dtype="float32"), dtype or "float32")
    except (TypeError, ValueError) as error:
        sizes = {"N": N} if M is None else {"N": N, "M": M}
        raise blamed("tri", error, sizes=sizes, integers={"k": k}) from None


def identity(n: int, dtype: DTypeLike | None = None) -> Tensor:
    """A square matrix with ones on the diagonal.

    Example:
        >>> identity(2).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    n = check_integer("identity", "n", n, 0)
    return _core.as_tensor(np.eye(n, dtype="float32"), dtype or "float32")


def meshgrid(*x: TensorLike, indexing: str = "xy") -> list[Tensor]:
    """For each vector a tensor of all their sizes that varies along its axis alone.

    Args:
        x: vectors.
        indexing: "ij" for axes in the order of the vectors, "xy" for the first two exchanged.

    Raises:
        ValueError: another `indexing`, or a tensor of more than one axis.

    Example:
        >>> [grid.tolist() for grid in meshgrid([1.0, 2.0], [3.0])]
        [[[1.0, 2.0]], [[3.0, 3.0]]]
    """
    return shaping.grids([F.reshape(one, shape=(-1,)) for one in x], indexing, "meshgrid")


def get_item(x: TensorLike, key: Index) -> Tensor:
    """`x[key]`.

    Example:
        >>> get_item([1.0, 2.0, 3.0], slice(1, None)).tolist()
        [2.0, 3.0]
    """
    return _core.as_tensor(x)[key]


def array(x: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """The values as a tensor with memory of its own, converted to `dtype` if it is given.

    Example:
        >>> array([1, 2]).dtype == "int32"
        True
    """
    from .tensors import convert_to_tensor

    return F.copy(convert_to_tensor(x, dtype))


def empty(shape: IntOrInts, dtype: DTypeLike | None = None) -> Tensor:
    """A tensor whose values are not initialized, float32 by default.

    Example:
        >>> empty((2, 3)).shape
        (2, 3)
    """
    try:
        return _core.empty(shape, dtype or "float32")
    except (TypeError, ValueError) as error:
        raise blamed("empty", error, sizes={"shape": shape}) from None


def empty_like(x: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """A tensor in the shape and type of x whose values are not initialized.

    Example:
        >>> empty_like([1.0, 2.0]).shape
        (2,)
    """
    from .tensors import convert_to_tensor

    x = convert_to_tensor(x)
    return _core.empty(x.shape, dtype or x.dtype)


def dtype(x: TensorLike) -> str:
    """The name of the type of the elements.

    Example:
        >>> dtype(fastdl.ones(2))
        'float32'
    """
    from .tensors import convert_to_tensor

    given = getattr(x, "dtype", None)
    return str(convert_to_tensor(x).dtype if given is None else given)


def view(x: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """The same bytes as elements of another type. Without a type x itself.

    The last axis becomes longer or shorter if the type has another size. No gradient flows.

    Raises:
        ValueError: the last axis does not hold whole elements, or the types differ in size and x
            has no axes.

    Example:
        >>> view(np.float32([1.0]), "int32").tolist()
        [1065353216]
    """
    x = _core.as_tensor(x)
    if dtype is None or x.dtype == _core.dtype(dtype):
        return x
    kind = _core.dtype(dtype)
    # NumPy has no bfloat16: it is the upper half of a float32
    if x.dtype.name == "bfloat16":
        whole = F.cast(x.detach(), dtype="float32").numpy().view(np.uint32)
        held = (whole >> 16).astype(np.uint16)
    else:
        held = np.asarray(x.detach())
    to_bfloat16 = kind.name == "bfloat16"
    try:
        held = np.array(held.view(np.uint16 if to_bfloat16 else kind))
    except ValueError as error:
        raise ValueError(f"view: dtype: {error}") from None
    if to_bfloat16:
        return F.cast((held.astype(np.uint32) << 16).view(np.float32), dtype=kind)
    return _core.as_tensor(held, keep_type=True)


def logspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Tensor:
    """`num` powers of a base, whose exponents have equal distances from `start` to `stop`.

    Args:
        start: the first exponent, a number or a tensor.
        stop: the last exponent. Without `endpoint` they end one distance before it.
        num: the number of values.
        endpoint: whether `base ** stop` is one of the values.
        base: the base.
        dtype: the element type; float32 by default.
        axis: the axis of the result along which the values lie, if start or stop is a tensor.

    Example:
        >>> logspace(0, 2, 3).tolist()
        [1.0, 10.0, 100.0]
    """
    from .tensors import linspace

    exponents = linspace(start, stop, num, endpoint, dtype="float32", axis=axis)
    values = F.pow(check_number("logspace", "base", base), exponents)
    dtype = dtype or common_half(start, stop)
    return values if dtype is None else F.cast(values, dtype=dtype)


def geomspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Tensor:
    """`num` values with equal ratios from `start` to `stop`, which are of one sign.

    Args:
        start: the first value, a number or a tensor.
        stop: the last value. Without `endpoint` the values end one ratio before it.
        num: the number of values.
        endpoint: whether `stop` is one of the values.
        dtype: the element type; float32 by default.
        axis: the axis of the result along which the values lie, if start or stop is a tensor.

    Raises:
        ValueError: `start` or `stop` is 0.

    Example:
        >>> [round(v) for v in geomspace(1, 100, 3).tolist()]
        [1, 10, 100]
    """
    first = np.asarray(_core.as_tensor(start).detach(), np.float64)
    last = np.asarray(_core.as_tensor(stop).detach(), np.float64)
    num = check_integer("geomspace", "num", num, 0)
    if only_shapes_matter():  # those of zeros are an error
        first, last = np.ones_like(first), np.ones_like(last)
    try:
        values = np.geomspace(first, last, num, bool(endpoint), axis=axis)
    except ValueError as error:
        given = f"{shown(start)} and {shown(stop)}"
        raise ValueError(f"geomspace: start, stop: {error}, got {given}") from None
    return _core.as_tensor(values, dtype or "float32")


def unravel_index(indices: TensorLike, shape: IntOrInts) -> tuple[Tensor, ...]:
    """The coordinates of places in a tensor of this shape, one tensor for each axis.

    Example:
        >>> [where.tolist() for where in unravel_index([1, 5], (2, 3))]
        [[0, 1], [1, 2]]
    """
    from .tensors import convert_to_tensor

    given = convert_to_tensor(indices)
    return tuple(
        F.cast(one, dtype=given.dtype) for one in shaping.coordinates(given, shape, "unravel_index")
    )


def space_to_depth(x: TensorLike, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Blocks of places as channels: (n, h, w, c) to (n, h / b, w / b, b * b * c).

    Args:
        x: images.
        block_size: the side b of a block.
        data_format: "channels_last", or "channels_first" for (n, c, h, w).

    Raises:
        ValueError: the sizes are no multiples of the block's.

    Example:
        >>> space_to_depth(fastdl.ones(1, 4, 4, 3), 2).shape
        (1, 2, 2, 12)
    """
    last = _channels_last("space_to_depth", data_format)
    check_integer("space_to_depth", "block_size", block_size, 2)
    return shaping.with_larger_channels(x, block_size, last, "space_to_depth")


def depth_to_space(x: TensorLike, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Channels as blocks of places: (n, h, w, b * b * c) to (n, h * b, w * b, c).

    Args:
        x: images.
        block_size: the side b of a block.
        data_format: "channels_last", or "channels_first" for (n, c, h, w).

    Raises:
        ValueError: the channels are no multiple of b * b.

    Example:
        >>> depth_to_space(fastdl.ones(1, 2, 2, 12), 2).shape
        (1, 4, 4, 3)
    """
    last = _channels_last("depth_to_space", data_format)
    check_integer("depth_to_space", "block_size", block_size, 2)
    return shaping.with_larger_places(x, block_size, last, "depth_to_space")


def _channels_last(who: str, data_format: str) -> bool:
    choices = ("channels_last", "channels_first")
    return bool(check_choice(who, "data_format", data_format, choices) == "channels_last")


def rearrange(tensor: TensorLike, pattern: str, **axes_lengths: int) -> Tensor:
    """The axes in another order, joined and cut as a pattern says (`einops.rearrange`).

    Args:
        tensor: input.
        pattern: names for the axes, "->", and the names in the order of the result. Brackets join
            axes to one: "b (h w) c -> b h w c" cuts the second axis. "..." stands for other axes,
            and 1 for an axis of size 1.
        axes_lengths: the sizes of axes in brackets. One in each bracket may be left out.

    Raises:
        ValueError: the pattern cannot be read, or does not fit the shape.

    Example:
        >>> rearrange(fastdl.ones(2, 6, 3), "b (h w) c -> b c h w", h=2).shape
        (2, 3, 2, 3)
    """
    return rearranged(tensor, pattern, axes_lengths, "rearrange")


def unfold(
    x: TensorLike,
    kernel_size: IntOrInts,
    dilation: IntOrInts = 1,
    padding: IntOrInts = 0,
    stride: IntOrInts = 1,
) -> Tensor:
    """The windows of images as columns: (n, c, h, w) to (n, c * kh * kw, windows).

    Args:
        x: images, channels first.
        kernel_size: the size of a window.
        dilation: the distance of places within a window.
        padding: zeros around the images.
        stride: the distance from one window to the next.

    Raises:
        ValueError: x does not have 4 axes, or no window fits.

    Example:
        >>> unfold(fastdl.ones(1, 3, 4, 4), 2).shape
        (1, 12, 9)
    """
    x = _core.as_tensor(x)
    if x.ndim != 4:
        raise ValueError(f"unfold: expected 4 axes, got shape {x.shape}")
    window = _window("unfold", kernel_size, dilation, padding, stride)
    return patches.unfolded(x, window, "unfold")


def fold(
    x: TensorLike,
    output_size: IntOrInts,
    kernel_size: IntOrInts,
    dilation: IntOrInts = 1,
    padding: IntOrInts = 0,
    stride: IntOrInts = 1,
) -> Tensor:
    """Columns added up to images, as the gradient of `unfold`.

    Args:
        x: (n, c * kh * kw, windows).
        output_size: the size of the images.
        kernel_size: the size of a window.
        dilation: the distance of places within a window.
        padding: zeros around the images, which are cut off.
        stride: the distance from one window to the next.

    Returns:
        (n, c, h, w).

    Raises:
        ValueError: x does not have 3 axes, or its columns do not fit the sizes.

    Example:
        >>> fold(fastdl.ones(1, 12, 9), (4, 4), 2).shape
        (1, 3, 4, 4)
    """
    x = _core.as_tensor(x)
    if x.ndim != 3:
        raise ValueError(f"fold: expected 3 axes, got shape {x.shape}")
    size = check_sizes("fold", "output_size", output_size, 2)
    window = _window("fold", kernel_size, dilation, padding, stride)
    return patches.folded(x, size, window, "fold")


def _window(
    who: str, kernel_size: IntOrInts, dilation: IntOrInts, padding: IntOrInts, stride: IntOrInts
) -> tuple[tuple[int, ...], ...]:
    return (
        check_sizes(who, "kernel_size", kernel_size, 2),
        check_sizes(who, "dilation", dilation, 2),
        check_sizes(who, "padding", padding, 2, 0),
        check_sizes(who, "stride", stride, 2),
    )
