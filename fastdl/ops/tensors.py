"""Creation and conversion of tensors, and questions about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import blamed, check_integer
from .._base.dtypes import check_all_fit, check_fits
from .._base.formulas import common_half
from .._core import Tensor
from .._graph.symbolic import KerasTensor

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._core import IntOrInts, TensorLike


def _default_type(value: TensorLike) -> str | None:
    """The default type of Python numbers and lists: int32 for integers that fit, else None."""
    if isinstance(value, (Tensor, np.ndarray, np.generic)) or hasattr(value, "__array__"):
        return None
    array = np.asarray(value)
    fits = array.dtype.kind == "i" and (
        not array.size or (array.min() >= -(2**31) and array.max() < 2**31)
    )
    return "int32" if fits else None


def convert_to_tensor(
    x: TensorLike,
    dtype: DTypeLike | None = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
) -> Tensor:
    """The values as a tensor, converted to `dtype` if it is given.

    Python integers become int32. `sparse` and `ragged` must be false.

    Example:
        >>> convert_to_tensor([1, 2]).dtype == "int32"
        True
    """
    if sparse or ragged:
        raise ValueError("convert_to_tensor: sparse, ragged: expected False or None, got True")
    if dtype is None:
        dtype = _default_type(x)
    return _core.as_tensor(x, dtype, keep_type=True)


def convert_to_numpy(x: TensorLike) -> np.ndarray:
    """A copy of the values as a NumPy array.

    Raises:
        ValueError: a symbolic tensor, which has no values.

    Example:
        >>> convert_to_numpy(fastdl.ones(2))
        array([1., 1.], dtype=float32)
    """
    return np.array(_core.as_tensor(x).detach().numpy())


def _symbolic_values(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    from .._graph.symbolic import symbolic_leaves

    np.asarray(symbolic_leaves(args, kwargs)[0])  # raises the error of a tensor without values


convert_to_numpy.__dict__["_spec"] = _symbolic_values


def cast(x: TensorLike, dtype: DTypeLike) -> Tensor:
    """x converted to `dtype` (see `fastdl.tensor`). If x has this type, the result is x itself.

    Raises:
        TypeError: no such type.

    Example:
        >>> cast([1.7, -1.7], "int32").tolist()
        [1, -1]
    """
    x = _core.as_tensor(x)
    return x if x.dtype == _core.dtype(dtype) else F.cast(x, dtype=dtype)


def is_tensor(x: TensorLike) -> bool:
    """Whether x is a tensor.

    Example:
        >>> is_tensor(fastdl.zeros(2)), is_tensor([0.0, 0.0])
        (True, False)
    """
    from .._graph.symbolic import KerasTensor

    return isinstance(x, (Tensor, KerasTensor))


def shape(x: TensorLike) -> tuple[int | None, ...]:
    """The sizes of a tensor's axes. In a model's graph a size may be None.

    Example:
        >>> shape([[1.0, 2.0]])
        (1, 2)
    """
    sizes = getattr(x, "shape", None)
    return tuple(_core.as_tensor(x).shape if sizes is None else sizes)


def ndim(x: TensorLike) -> int:
    """The number of axes.

    Example:
        >>> ndim([[1.0, 2.0]])
        2
    """
    return len(shape(x))


def size(x: TensorLike) -> int:
    """The number of elements; in a graph a tensor of it.

    Example:
        >>> size([[1.0, 2.0]])
        2
    """
    if isinstance(x, KerasTensor):
        from . import ones_like, sum

        return sum(ones_like(x, dtype="int32"))  # type: ignore[return-value]  # a KerasTensor
    return _core.as_tensor(x).numel()


def stop_gradient(variable: TensorLike) -> Tensor:
    """The same values, through which no gradient flows.

    Example:
        >>> x = fastdl.ones(2, requires_grad=True)
        >>> stop_gradient(x * 2).requires_grad
        False
    """
    return _core.as_tensor(variable).detach()


def zeros(shape: IntOrInts, dtype: DTypeLike | None = None) -> Tensor:
    """Zeros, float32 by default.

    Example:
        >>> zeros((2, 2), "int32").tolist()
        [[0, 0], [0, 0]]
    """
    try:
        return _core.full(shape, dtype or "float32", 0)
    except (TypeError, ValueError) as error:
        raise blamed("zeros", error, sizes={"shape": shape}) from None


def ones(shape: IntOrInts, dtype: DTypeLike | None = None) -> Tensor:
    """Ones, float32 by default.

    Example:
        >>> ones(2).tolist()
        [1.0, 1.0]
    """
    try:
        return _core.full(shape, dtype or "float32", 1)
    except (TypeError, ValueError) as error:
        raise blamed("ones", error, sizes={"shape": shape}) from None


def full(shape: IntOrInts, fill_value: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """One value everywhere, or an array broadcast to the shape; float32 by default.

    Raises:
        ValueError: an integer type cannot hold the integer `fill_value`.

    Example:
        >>> full((2, 2), [1.0, 2.0]).tolist()
        [[1.0, 2.0], [1.0, 2.0]]
    """
    try:
        kind = _core.dtype(dtype or "float32")
        value = F.broadcast_to(F.cast(_core.as_tensor(fill_value), dtype=kind), shape=shape)
    except (TypeError, ValueError) as error:
        raise blamed("full", error, sizes={"shape": shape}, others=("fill_value",)) from None
    check_fits("full: fill_value", fill_value, kind)
    return value


def zeros_like(x: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """Zeros in the shape and type of x.

    Example:
        >>> zeros_like([1.0, 2.0]).tolist()
        [0.0, 0.0]
    """
    return full_like(x, 0, dtype)


def ones_like(x: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """Ones in the shape and type of x.

    Example:
        >>> ones_like([5.0]).tolist()
        [1.0]
    """
    return full_like(x, 1, dtype)


def full_like(x: TensorLike, fill_value: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """One value, or an array broadcast, in the shape and type of x.

    Raises:
        ValueError: an integer type cannot hold the integer `fill_value`.

    Example:
        >>> full_like([1.0, 2.0], 3).tolist()
        [3.0, 3.0]
    """
    x = convert_to_tensor(x)
    check_fits("full_like: fill_value", fill_value, _core.dtype(dtype or x.dtype))
    value = F.cast(_core.as_tensor(fill_value), dtype=dtype or x.dtype)
    return F.broadcast_to(value, shape=x.shape)


def arange(
    start: TensorLike,
    stop: TensorLike | None = None,
    step: TensorLike | None = None,
    dtype: DTypeLike | None = None,
) -> Tensor:
    """`start, start + step, ...` up to but not including `stop`; `arange(n)` starts at 0.

    The type is int32 if all arguments are integers, else float32. The result is empty if `step`
    leads away from `stop`.

    Raises:
        ValueError: step is 0, or an integer type cannot hold the values.

    Example:
        >>> arange(1, 7, 2).tolist()
        [1, 3, 5]
    """
    start, stop = (0, start) if stop is None else (start, stop)
    given = {"start": start, "stop": stop, "step": 1 if step is None else step}
    try:
        bounds = [np.asarray(v).item() for v in given.values()]
        if bounds[2] == 0:
            raise ValueError("expected a step other than 0, got 0")
        if dtype is None:
            dtype = "int32" if all(isinstance(v, int) for v in bounds) else "float32"
        values = np.arange(*bounds)
        result = _core.as_tensor(values, dtype)
    except (TypeError, ValueError, OverflowError, MemoryError) as error:
        raise blamed("arange", error, numbers=given) from None
    check_all_fit("arange", values, result.dtype)
    return result


@overload
def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: Literal[False] = False,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Tensor: ...
@overload
def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    *,
    retstep: Literal[True],
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> tuple[Tensor, Tensor]: ...
def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Tensor | tuple[Tensor, Tensor]:
    """`num` values at equal distances from `start` to `stop`.

    Args:
        start: the first value, a number or a tensor.
        stop: the last value. Without `endpoint` the values end one distance before it.
        num: the number of values.
        endpoint: whether `stop` is one of the values.
        retstep: whether to return the distance, too.
        dtype: the element type; float32 by default.
        axis: the axis of the result along which the values lie, if start or stop is a tensor.

    Example:
        >>> linspace(0, 1, 3).tolist()
        [0.0, 0.5, 1.0]
    """
    from .._base import moving

    num = check_integer("linspace", "num", num, 0)
    parts = num - 1 if endpoint else num
    if isinstance(start, Tensor) or isinstance(stop, Tensor):
        first, last = F.cast(start, dtype="float32"), F.cast(stop, dtype="float32")
        step = F.div(F.sub(last, first), float(parts) if parts > 0 else float("nan"))
        share = np.arange(num, dtype=np.float64) / max(parts, 1)
        share = share.reshape((num,) + (1,) * step.ndim).astype(np.float32)
        # Weighted from both ends, so that both are exact.
        values = F.add(F.mul(first, F.sub(1.0, share)), F.mul(last, share))
        values = moving.moved(values, 0, axis, "linspace") if axis else values
    else:
        bounds = np.asarray(start), np.asarray(stop)
        try:
            array, distance = np.linspace(*bounds, num, endpoint, retstep=True, axis=axis)
            values, step = _core.as_tensor(array), _core.as_tensor(np.asarray(distance))
        except (TypeError, ValueError, MemoryError) as error:
            given = {"start": start, "stop": stop}
            raise blamed("linspace", error, sizes={"num": num}, numbers=given) from None
    dtype = dtype or common_half(start, stop)
    if dtype is not None:
        values = F.cast(values, dtype=dtype)
    return (values, step) if retstep else values


def eye(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike | None = None) -> Tensor:
    """A matrix of N rows and M columns (N by default) with ones on the k-th diagonal.

    Example:
        >>> eye(2, k=1).tolist()
        [[0.0, 1.0], [0.0, 0.0]]
    """
    try:
        return _core.as_tensor(np.eye(N, M, k, dtype="float32"), dtype or "float32")
    except (TypeError, ValueError) as error:
        sizes = {"N": N} if M is None else {"N": N, "M": M}
        raise blamed("eye", error, sizes=sizes, integers={"k": k}) from None
