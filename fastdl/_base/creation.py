"""Functions that make tensors.

A shape is one sequence or several integers: `zeros((2, 3))`, `zeros(2, 3)`. `dtype` is what
`numpy.dtype` takes. Ops compute with float32, int64, int32, uint8 and bool; float16, bfloat16 and
int8 only store values. `requires_grad` makes the result a leaf whose gradient `backward()`
computes. `device` is the CPU, or a device that an extension has registered. `out` is a tensor of
the result's shape that the values are written into and that is returned. `layout`, `pin_memory` and
`memory_format` have no effect: values lie in the order of the axes in the memory of the CPU.

The file is long because each function spells all its arguments, for help() and editors.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._core import ArgumentError, DTypeError, Tensor
from .checks import blamed, check_integer, check_number, check_plain, prefixed
from .device import device_of, moved
from .dtypes import check_all_fit, check_float, check_range_fits, float32, int64
from .moving import one_or_many
from .random import drawing_from

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from numpy.typing import DTypeLike

    from .._core import IntOrInts, TensorLike
    from .device import device as Device
    from .random import Generator

    class HasDLPack(Protocol):
        """An array of a library that speaks DLPack."""

        @property
        def __dlpack__(self) -> Callable[..., object]: ...
        def __dlpack_device__(self) -> tuple[int, int]: ...


_KINDS = "buif"  # of types, each of which fits into those after it


def finished(
    t: Tensor, requires_grad: bool, device: str | Device | None, out: Tensor | None = None
) -> Tensor:
    """The tensor as the arguments of the function that makes it say."""
    if out is not None:
        if not isinstance(out, Tensor) or out.shape != t.shape:
            got = out.shape if isinstance(out, Tensor) else type(out).__name__
            raise ArgumentError(f"out: expected a tensor of shape {t.shape}, got {got}")
        if _KINDS.index(t.dtype.kind) > _KINDS.index(out.dtype.kind):
            raise DTypeError(f"out: values of {t.dtype} do not fit into a tensor of {out.dtype}")
        F.assign_(out, t)
        return out
    if device is not None:
        t = moved(t, device)
    if requires_grad:
        t.requires_grad = True
    return t


def tensor(
    data: TensorLike,
    dtype: DTypeLike | None = None,
    device: str | Device | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor with a copy of `data`.

    Args:
        data: number, nested list, array or tensor. Python floats and float64 become float32.
            int16 and uint16 become int32. Python integers and wider types become int64.
        dtype: the element type; by default that of the data. float32, int64, int32, uint8 and
            bool are types to compute with. float16, bfloat16 and int8 only store values: they can
            be cast, moved, compared and multiplied as matrices. For all else cast them to float32.
        device: where the tensor lies; the CPU by default.
        requires_grad: whether `backward()` computes its gradient.

    Raises:
        TypeError: the data isn't numeric, or its rows differ in length.

    Example:
        >>> tensor([[1, 2], [3, 4]]).dtype == "int64"
        True
    """
    try:
        t = _core.tensor(data, dtype, keep_type=True)
    except (TypeError, ValueError) as error:
        check_plain("tensor: data", data)
        raise prefixed("tensor: data, dtype", error) from None
    if isinstance(data, Tensor) and t.requires_grad:
        t = t.detach()
    return finished(t, requires_grad, device)


def scalar_tensor(
    s: float,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: str | Device | None = None,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """A number as a tensor without axes, float32 unless another type is given.

    Args:
        s: the number.
        dtype, requires_grad, device, layout, pin_memory: as for `zeros`.

    Raises:
        TypeError: `s` is no number.

    Example:
        >>> scalar_tensor(2)
        tensor(2.)
    """
    try:
        t = _core.full((), dtype or "float32", s)
    except (TypeError, ValueError) as error:
        raise blamed("scalar_tensor", error, numbers={"s": s}) from None
    return finished(t, requires_grad, device)


def as_tensor(
    data: TensorLike, dtype: DTypeLike | None = None, device: str | Device | None = None
) -> Tensor:
    """`data` as a tensor, which shares its memory if possible. A tensor is returned unchanged.

    Example:
        >>> a = np.zeros(2, "float32")
        >>> as_tensor(a)[0] = 1
        >>> a.tolist()
        [1.0, 0.0]
    """
    try:
        t = _core.as_tensor(data, dtype, keep_type=True)
    except (TypeError, ValueError) as error:
        check_plain("as_tensor: data", data)
        raise prefixed("as_tensor: data, dtype", error) from None
    return finished(t, False, device)


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """`as_tensor` for arrays only; TypeError for anything else."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"from_numpy: expected a numpy.ndarray, got {type(ndarray).__name__}")
    return _core.as_tensor(ndarray, keep_type=True)


def from_dlpack(ext_tensor: HasDLPack) -> Tensor:
    """A tensor over the memory of any CPU array that speaks DLPack.

    Example:
        >>> from_dlpack(np.ones(2, "float32")).tolist()
        [1.0, 1.0]
    """
    source = _Exported(ext_tensor)
    array = np.from_dlpack(source)
    return _core.bfloat16_of(array) if source.bfloat16 else _core.as_tensor(array, keep_type=True)


class _Exported:
    """Hands `data` to NumPy. NumPy has no bfloat16, so bfloat16 is declared as 16-bit integers."""

    def __init__(self, data: HasDLPack) -> None:
        self._data = data
        self.bfloat16 = False

    def __dlpack__(self, **options: object) -> Any:  # a capsule
        capsule = self._data.__dlpack__(**options)
        self.bfloat16 = _core.dlpack_as_integers(capsule)
        return capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._data.__dlpack_device__()


def full(
    size: IntOrInts,
    fill_value: float,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: str | Device | None = None,
    out: Tensor | None = None,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of one value. By default the value decides the type: int64, float32 or bool.

    Example:
        >>> full((2,), 7).tolist()
        [7, 7]
    """
    if dtype is None:
        kinds: dict[type, DTypeLike] = {bool: "bool", int: "int64"}
        dtype = kinds.get(type(fill_value)) or float32
    try:
        t = _core.full(size, dtype, fill_value)
    except (TypeError, ValueError) as error:
        numbers = {"fill_value": fill_value}
        raise blamed("full", error, sizes={"size": size}, numbers=numbers) from None
    return finished(t, requires_grad, device, out)


def zeros(
    *sizes: IntOrInts,
    size: IntOrInts | None = None,
    dtype: DTypeLike | None = float32,
    requires_grad: bool = False,
    device: str | Device | None = None,
    out: Tensor | None = None,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of zeros.

    Example:
        >>> zeros(2, 2).tolist()
        [[0.0, 0.0], [0.0, 0.0]]
    """
    shape = one_or_many(sizes) if size is None else size
    try:
        t = _core.full(shape, dtype or float32, 0)
    except (TypeError, ValueError) as error:
        raise blamed("zeros", error, sizes={"size": shape}) from None
    return finished(t, requires_grad, device, out)


def ones(
    *sizes: IntOrInts,
    size: IntOrInts | None = None,
    dtype: DTypeLike | None = float32,
    requires_grad: bool = False,
    device: str | Device | None = None,
    out: Tensor | None = None,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of ones.

    Example:
        >>> ones(2, dtype="int32").tolist()
        [1, 1]
    """
    shape = one_or_many(sizes) if size is None else size
    try:
        t = _core.full(shape, dtype or float32, 1)
    except (TypeError, ValueError) as error:
        raise blamed("ones", error, sizes={"size": shape}) from None
    return finished(t, requires_grad, device, out)


def empty(
    *sizes: IntOrInts,
    size: IntOrInts | None = None,
    dtype: DTypeLike | None = float32,
    requires_grad: bool = False,
    device: str | Device | None = None,
    out: Tensor | None = None,
    layout: object = None,
    pin_memory: bool = False,
    memory_format: object = None,
) -> Tensor:
    """A tensor whose values are not initialized.

    Example:
        >>> empty(2, 3).shape
        (2, 3)
    """
    shape = one_or_many(sizes) if size is None else size
    try:
        t = _core.empty(shape, dtype or float32)
    except (TypeError, ValueError) as error:
        raise blamed("empty", error, sizes={"size": shape}) from None
    return finished(t, requires_grad, device, out)


def arange(
    start: float | None = None,
    end: float | None = None,
    step: float = 1,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: str | Device | None = None,
    out: Tensor | None = None,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """`start, start + step, ...` up to but not including `end`; `arange(n)` starts at 0.

    The type is int64 if all arguments are integers, else float32.

    Raises:
        TypeError: no end is given.
        ValueError: step is 0 or leads away from `end`, or an integer type cannot hold the values.

    Example:
        >>> arange(1, 7, 2).tolist()
        [1, 3, 5]
        >>> arange(end=3).tolist()
        [0, 1, 2]
    """
    if end is None:
        if start is None:
            raise TypeError("arange: end: expected a number, got None")
        start, end = 0, start
    start = 0 if start is None else start
    bounds = {"start": start, "end": end, "step": step}
    kind = None if dtype is None else _core.dtype(dtype)
    if kind == int64:  # as PyTorch, first the arguments; of other integers after they are counted
        start, end, step = (_whole(value) for value in (start, end, step))
    try:
        if step == 0 or (end - start) / step < 0:
            raise ArgumentError(f"expected a step from {start} towards {end}, got {step}")
        count = math.ceil((end - start) / step)
        if kind is not None and kind.kind in "iu":
            start, step = _whole(start), _whole(step)
        values = start + np.arange(count) * step
    except (TypeError, ValueError, OverflowError) as error:
        raise blamed("arange", error, numbers=bounds) from None
    if dtype is None:
        integral = all(isinstance(v, (int, np.integer)) for v in (start, end, step))
        dtype = int64 if integral else float32
    check_all_fit("arange", values, _core.dtype(dtype))
    return finished(_core.as_tensor(values, dtype), requires_grad, device, out)


def _whole(value: float) -> float:
    """The value without its fraction; what is no finite number as it is."""
    finite = isinstance(value, (int, float, np.number)) and math.isfinite(value)
    return math.trunc(value) if finite else value


def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: DTypeLike | None = float32,
    requires_grad: bool = False,
    device: str | Device | None = None,
    out: Tensor | None = None,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """`steps` values at equal distances from `start` to `end`, both included.

    Example:
        >>> linspace(0, 1, 3).tolist()
        [0.0, 0.5, 1.0]
    """
    first, last = (
        check_number("linspace", argument, value, -math.inf)
        for argument, value in (("start", start), ("end", end))
    )
    if dtype is not None and _core.dtype(dtype).kind in "iu":
        first, last = _whole(first), _whole(last)
    try:
        values = np.linspace(first, last, check_integer("linspace", "steps", steps, 0))
    except (ValueError, MemoryError) as error:
        raise blamed("linspace", error, sizes={"steps": steps}) from None
    return finished(_core.as_tensor(values, dtype or float32), requires_grad, device, out)


def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    *,
    dtype: DTypeLike | None = float32,
    requires_grad: bool = False,
    device: str | Device | None = None,
    out: Tensor | None = None,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """`steps` powers of a base, whose exponents have equal distances from `start` to `end`.

    Example:
        >>> logspace(0, 2, 3).tolist()
        [1.0, 10.0, 100.0]
    """
    first, last, base = (
        check_number("logspace", argument, value, -math.inf)
        for argument, value in (("start", start), ("end", end), ("base", base))
    )
    steps = check_integer("logspace", "steps", steps, 0)
    if dtype is not None and _core.dtype(dtype).kind in "iu":  # as PyTorch, first the arguments
        first, last = math.trunc(first), math.trunc(last)
    values = np.power(base, np.linspace(first, last, steps))
    return finished(_core.as_tensor(values, dtype or float32), requires_grad, device, out)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: DTypeLike | None = float32,
    requires_grad: bool = False,
    device: str | Device | None = None,
    out: Tensor | None = None,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """A matrix with ones on the diagonal.

    Example:
        >>> eye(2).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    try:
        values = np.eye(n, m, dtype=float32)
    except (TypeError, ValueError) as error:
        raise blamed("eye", error, sizes={"n": n} if m is None else {"n": n, "m": m}) from None
    return finished(_core.as_tensor(values, dtype or float32), requires_grad, device, out)


def rand(
    *sizes: IntOrInts,
    size: IntOrInts | None = None,
    generator: Generator | None = None,
    dtype: DTypeLike | None = float32,
    requires_grad: bool = False,
    device: str | Device | None = None,
    out: Tensor | None = None,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """Uniform values in [0, 1).

    Example:
        >>> 0 <= rand(1).item() < 1
        True
    """
    shape = one_or_many(sizes) if size is None else size
    if dtype is not None and dtype is not float32:
        check_float("rand", dtype)
    with drawing_from(generator, "rand"):
        try:
            t = F.uniform(shape=shape)
        except (TypeError, ValueError) as error:
            raise blamed("rand", error, sizes={"size": shape}) from None
    return finished(
        t if dtype is None or dtype is float32 else F.cast(t, dtype=dtype),
        requires_grad,
        device,
        out,
    )


def randn(
    *sizes: IntOrInts,
    size: IntOrInts | None = None,
    generator: Generator | None = None,
    dtype: DTypeLike | None = float32,
    requires_grad: bool = False,
    device: str | Device | None = None,
    out: Tensor | None = None,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """Values of the normal distribution with mean 0 and variance 1.

    Example:
        >>> randn(2, 3).shape
        (2, 3)
    """
    shape = one_or_many(sizes) if size is None else size
    if dtype is not None and dtype is not float32:
        check_float("randn", dtype)
    with drawing_from(generator, "randn"):
        try:
            t = F.normal(shape=shape)
        except (TypeError, ValueError) as error:
            raise blamed("randn", error, sizes={"size": shape}) from None
    return finished(
        t if dtype is None or dtype is float32 else F.cast(t, dtype=dtype),
        requires_grad,
        device,
        out,
    )


def normal(
    mean: TensorLike,
    std: TensorLike = 1.0,
    size: IntOrInts | None = None,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: str | Device | None = None,
    out: Tensor | None = None,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """Values of normal distributions.

    Args:
        mean: the mean of all values, or a tensor with one mean for each value.
        std: the standard deviation of all values, or a tensor.
        size: the shape; only if mean and std are numbers.
        generator: the source of the random numbers; None for the library's own.
        dtype: the type to round to; None for float32.
        requires_grad, device: as for `zeros`.

    Example:
        >>> normal(0.0, 1.0, (2,)).shape
        (2,)
    """
    with drawing_from(generator, "normal"):
        try:
            if size is not None:
                t = F.normal(shape=size, mean=mean, std=std)  # type: ignore[arg-type]
            else:
                shape = np.broadcast_shapes(_core.as_tensor(mean).shape, _core.as_tensor(std).shape)
                t = F.add(F.mul(F.normal(shape=shape), std), mean)
        except (TypeError, ValueError) as error:
            if size is None:
                raise prefixed("normal: mean, std", error) from None
            numbers = {"mean": mean, "std": std}
            raise blamed("normal", error, sizes={"size": size}, numbers=numbers) from None
    t = t if dtype is None else F.cast(t, dtype=dtype)
    return finished(t, requires_grad, device, out)


def randint(
    low: int = 0,
    high: IntOrInts | None = None,
    size: IntOrInts | None = None,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike | None = int64,
    requires_grad: bool = False,
    device: str | Device | None = None,
    out: Tensor | None = None,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """Integers from `low` (0 if left out) up to but not including `high`.

    Raises:
        ValueError: the range is empty, or the type cannot hold it.

    Example:
        >>> randint(5, 6, (2,)).tolist()
        [5, 5]
        >>> randint(1, (2,)).tolist()
        [0, 0]
        >>> randint(1, size=(2,)).tolist()
        [0, 0]
        >>> randint(high=1, size=(2,)).tolist()
        [0, 0]
    """
    if size is None:
        low, high, size = 0, low, high
    elif high is None:  # randint(5, size=(2,)): as in PyTorch, a single number is the end
        low, high = 0, low
    with drawing_from(generator, "randint"):
        try:
            t = F.randint(shape=size, low=low, high=high)  # type: ignore[arg-type]
        except (TypeError, ValueError) as error:
            integers = {"low": low, "high": high}
            raise blamed("randint", error, sizes={"size": size}, integers=integers) from None
    if dtype is not None and dtype is not int64:
        check_range_fits("randint", low, high, _core.dtype(dtype))
        t = F.cast(t, dtype=dtype)
    return finished(t, requires_grad, device, out)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike | None = int64,
    requires_grad: bool = False,
    device: str | Device | None = None,
    out: Tensor | None = None,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """The integers below n in random order.

    Example:
        >>> sorted(randperm(3).tolist())
        [0, 1, 2]
    """
    with drawing_from(generator, "randperm"):
        try:
            t = F.permutation(n=n)
        except (TypeError, ValueError) as error:
            raise blamed("randperm", error, sizes={"n": n}) from None
    t = t if dtype is None or dtype is int64 else F.cast(t, dtype=dtype)
    return finished(t, requires_grad, device, out)


def bernoulli(
    input: TensorLike,
    p: float | None = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """1 with the probabilities that the input has, else 0; float32, in the shape of the input.

    With p, that is the probability of all, and only the shape of the input counts.

    Example:
        >>> bernoulli([0.0, 1.0]).tolist()
        [0.0, 1.0]
    """
    with drawing_from(generator, "bernoulli"):
        if p is not None:
            input = F.broadcast_to(_core.full((), "float32", p), shape=_core.as_tensor(input).shape)
        return finished(F.bernoulli(input), False, None, out)


def zeros_like(
    input: TensorLike,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: str | Device | None = None,
    layout: object = None,
    pin_memory: bool = False,
    memory_format: object = None,
) -> Tensor:
    """Zeros in the shape and type of the input.

    Example:
        >>> zeros_like([1, 2]).tolist()
        [0, 0]
    """
    return full_like(input, 0, dtype=dtype, requires_grad=requires_grad, device=device)


def ones_like(
    input: TensorLike,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: str | Device | None = None,
    layout: object = None,
    pin_memory: bool = False,
    memory_format: object = None,
) -> Tensor:
    """Ones in the shape and type of the input.

    Example:
        >>> ones_like([5.0]).tolist()
        [1.0]
    """
    return full_like(input, 1, dtype=dtype, requires_grad=requires_grad, device=device)


def full_like(
    input: TensorLike,
    fill_value: float,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: str | Device | None = None,
    layout: object = None,
    pin_memory: bool = False,
    memory_format: object = None,
) -> Tensor:
    """One value in the shape and type of the input, and on its device unless one is given.

    Example:
        >>> full_like([1.0], 3).tolist()
        [3.0]
    """
    x = _core.as_tensor(input)
    try:
        t = _core.full(x.shape, dtype or x.dtype, fill_value)
    except (TypeError, ValueError) as error:
        raise blamed("full_like", error, numbers={"fill_value": fill_value}) from None
    return finished(t, requires_grad, device_of(x) if device is None else device)


def empty_like(
    input: TensorLike,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: str | Device | None = None,
    layout: object = None,
    pin_memory: bool = False,
    memory_format: object = None,
) -> Tensor:
    """A tensor in the shape and type of the input whose values are not initialized.

    Example:
        >>> empty_like([1.0]).shape
        (1,)
    """
    x = _core.as_tensor(input)
    t = _core.empty(x.shape, dtype or x.dtype)
    return finished(t, requires_grad, device_of(x) if device is None else device)


def rand_like(
    input: TensorLike,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: str | Device | None = None,
    layout: object = None,
    pin_memory: bool = False,
    memory_format: object = None,
) -> Tensor:
    """`rand` in the shape of the input; float32 unless a type is given."""
    shape = _core.as_tensor(input).shape
    return rand(
        *shape, generator=generator, dtype=dtype, requires_grad=requires_grad, device=device
    )


def randn_like(
    input: TensorLike,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: str | Device | None = None,
    layout: object = None,
    pin_memory: bool = False,
    memory_format: object = None,
) -> Tensor:
    """`randn` in the shape of the input; float32 unless a type is given."""
    shape = _core.as_tensor(input).shape
    return randn(
        *shape, generator=generator, dtype=dtype, requires_grad=requires_grad, device=device
    )


def randint_like(
    input: TensorLike,
    low: int = 0,
    high: int | None = None,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: str | Device | None = None,
    layout: object = None,
    pin_memory: bool = False,
    memory_format: object = None,
) -> Tensor:
    """`randint` in the shape and type of the input: `randint_like(x, high)`, with `low` before it.

    Raises:
        ValueError: the range is empty, or the type cannot hold it.

    Source: `torch.randint_like`.

    Example:
        >>> randint_like([0.5, 0.5], 5, 6).tolist()
        [5.0, 5.0]
    """
    x = _core.as_tensor(input)
    if high is None:
        low, high = 0, low
    with drawing_from(generator, "randint_like"):
        try:
            t = F.randint(shape=x.shape, low=low, high=high)
        except (TypeError, ValueError) as error:
            raise blamed("randint_like", error, integers={"low": low, "high": high}) from None
    kind = _core.dtype(dtype or x.dtype)
    check_range_fits("randint_like", low, high, kind)
    t = F.cast(t, dtype=kind)
    return finished(t, requires_grad, device_of(x) if device is None else device)


def is_tensor(obj: object) -> bool:
    """Whether an object is a tensor.

    Example:
        >>> is_tensor(fastdl.zeros(2)), is_tensor([0.0, 0.0])
        (True, False)
    """
    return isinstance(obj, _core.Tensor)
