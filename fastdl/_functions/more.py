"""Types of results, arrays of other libraries, histograms of points, and sums of segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_choice, check_integer, shown
from .._base.creation import finished
from .._base.dtypes import as_dtype
from .._core import ArgumentError, Tensor
from .methods import single

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._base.device import Place
    from .._core import TensorLike

# From the lowest to the highest of a kind; uint8 and int8 have int32 above both.
_INTEGERS = ("uint8", "int8", "int32", "int64")
_RANK = {"b": 0, "u": 1, "i": 1, "f": 2}


def _type(dtype: DTypeLike) -> np.dtype[Any]:
    found = as_dtype(dtype)
    return _core.dtype(found)


def promote_types(type1: DTypeLike, type2: DTypeLike) -> np.dtype[Any]:
    """The type that holds the values of both: the higher kind, and of one kind the wider type.

    Source: `torch.promote_types`. Of uint8 and int8 it is int32, since there is no int16.

    Example:
        >>> promote_types("int64", "float16") == fastdl.float16
        True
    """
    a, b = _type(type1), _type(type2)
    if a == b:
        return a
    if _RANK[a.kind] != _RANK[b.kind]:
        return a if _RANK[a.kind] > _RANK[b.kind] else b
    if a.kind == "f":
        return _type("float32")  # of float16 and bfloat16, too
    names = {str(a), str(b)}
    if names == {"uint8", "int8"}:
        return _type("int32")
    return _type(max(names, key=_INTEGERS.index))


def result_type(tensor: TensorLike, other: TensorLike) -> np.dtype[Any]:
    """The type of the result of arithmetic on two tensors or numbers.

    A number, or a tensor without axes beside one with axes, counts only if its kind is higher.

    Source: `torch.result_type`.

    Example:
        >>> result_type(fastdl.ones(2), 3) == fastdl.float32
        True
    """
    found: list[tuple[int, Any]] = []  # how much each counts, and its type
    for value in (tensor, other):
        if isinstance(value, (bool, int, float)):
            kinds: dict[type, str] = {bool: "bool", int: "int64", float: "float32"}
            found.append((0, _type(kinds[type(value)])))
        else:
            x = _core.as_tensor(value)
            found.append((2 if x.ndim else 1, x.dtype))
    (first, a), (second, b) = found
    if first == second or _RANK[a.kind] == _RANK[b.kind] == 0:
        return promote_types(a, b)
    strong, weak = (a, b) if first > second else (b, a)
    return weak if _RANK[weak.kind] > _RANK[strong.kind] else strong


def can_cast(from_: DTypeLike, to: DTypeLike) -> bool:
    """Whether values of a type may be written into a tensor of another: not into a lower kind.

    Source: `torch.can_cast`.

    Example:
        >>> can_cast("int64", "float16"), can_cast("float16", "int64")
        (True, False)
    """
    return _RANK[_type(from_).kind] <= _RANK[_type(to).kind]


def asarray(
    obj: Any,
    *,
    dtype: DTypeLike | None = None,
    device: Place | None = None,
    copy: bool | None = None,
    requires_grad: bool | None = None,
) -> Tensor:
    """A tensor of an array, a buffer, a sequence or a number; a tensor itself.

    Args:
        obj: the values.
        dtype: the type; None for that of the values.
        device: where the tensor lies; None for where it lies already.
        copy: True to copy the values, False to share their memory, None to copy where needed.
        requires_grad: whether it is a leaf whose gradient is computed; None leaves it as it is.

    Raises:
        ValueError: the memory can't be shared, and `copy` is False.

    Source: `torch.asarray`.

    Example:
        >>> asarray([1, 2], dtype="float32").tolist()
        [1.0, 2.0]
    """
    x = _core.as_tensor(obj, dtype, keep_type=True)
    if isinstance(obj, np.ndarray):
        shares = np.shares_memory(np.asarray(x), obj)
    else:
        shares = isinstance(obj, Tensor) and x._shares_storage(obj)
    if copy is False and not shares:
        raise ArgumentError(
            f"asarray: copy: expected True or None, since {shown(obj)} must be copied"
        )
    if copy and shares:
        x = F.copy(x)
    if requires_grad is not None and requires_grad != x.requires_grad:
        x = x.detach()
    return finished(x, bool(requires_grad), device)


def frombuffer(
    buffer: Any,
    *,
    dtype: DTypeLike,
    count: int = -1,
    offset: int = 0,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor over the memory of an object with a buffer, such as a bytearray.

    Args:
        buffer: the object.
        dtype: the type of the values.
        count: how many; -1 for all.
        offset: how many bytes to leave out at the beginning.
        requires_grad: whether it is a leaf whose gradient is computed.

    Raises:
        ValueError: the buffer is empty, too short, or holds no whole number of values.

    Source: `torch.frombuffer`.

    Example:
        >>> frombuffer(bytearray([1, 2, 3]), dtype="uint8", offset=1).tolist()
        [2, 3]
    """
    kind = _type(dtype)
    size = memoryview(buffer).nbytes
    offset = check_integer("frombuffer", "offset", offset, 0)
    if not size or offset >= size:
        raise ArgumentError(
            f"frombuffer: offset: expected below {size}, the buffer's, got {offset}"
        )
    if count != -1:
        count = check_integer("frombuffer", "count", count, 1)
    left = size - offset
    if count * kind.itemsize > left or (count == -1 and left % kind.itemsize):
        raise ArgumentError(
            f"frombuffer: count: {count} values of {kind.itemsize} bytes are not in the {left} "
            "bytes of the buffer"
        )
    plain = np.dtype("uint16") if kind == "bfloat16" else kind
    array = np.frombuffer(buffer, plain, count, offset)
    if kind == "bfloat16":
        return finished(_core.bfloat16_of(array), requires_grad, None)
    return finished(_core.as_tensor(array, keep_type=True), requires_grad, None)


def typename(obj: object) -> str:
    """The name of the class of an object, with its module; of a tensor its type.

    Source: `torch.typename`.

    Example:
        >>> typename([]), typename(fastdl.ones(1))
        ('list', 'torch.FloatTensor')
    """
    if isinstance(obj, Tensor):
        from .._base.defaults import name_of_type

        return name_of_type(obj.dtype)
    kind = type(obj)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


class HistogramDD(NamedTuple):
    """What `histogramdd` gives."""

    hist: Tensor
    bin_edges: tuple[Tensor, ...]


def histogramdd(
    input: TensorLike,
    bins: Any,
    range: Sequence[float] | None = None,
    weight: TensorLike | None = None,
    density: bool = False,
) -> HistogramDD:
    """How many points lie in each cell of a grid, and the edges of the grid. It has no gradient.

    Args:
        input: points, (..., coordinates).
        bins: the number of bins of all coordinates or of each, or for each its ascending edges.
        range: the lowest and the highest edge of each coordinate, one after the other; the smallest
            and the largest value if None.
        weight: what each point counts; 1 if None.
        density: whether counts are divided by their sum and the sizes of the cells.

    Raises:
        ValueError: other numbers of bins or bounds than coordinates, or wrong bins.

    Source: `torch.histogramdd`.

    Example:
        >>> histogramdd([[0.0, 0.0], [1.0, 1.0]], 2).hist.tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    x = _core.as_tensor(input)
    if x.ndim < 2:
        raise ArgumentError(f"histogramdd: input: expected (..., coordinates), got shape {x.shape}")
    count = x.shape[-1]
    points = np.asarray(x.detach()).reshape(-1, count).astype("float64")
    several = [bins] * count if isinstance(bins, (int, np.integer)) else list(bins)
    if len(several) != count:
        raise ArgumentError(f"histogramdd: bins: expected one for each of {count} coordinates")
    pairs = None
    if range is not None:
        bounds = [float(b) for b in range]
        if len(bounds) != 2 * count:
            raise ArgumentError(
                f"histogramdd: range: expected {2 * count} bounds, got {len(bounds)}"
            )
        pairs = [*zip(bounds[::2], bounds[1::2], strict=True)]
    edges: Any = [
        check_integer("histogramdd", "bins", one, 1)
        if isinstance(one, (int, np.integer))
        else np.asarray(_core.as_tensor(one).detach()).astype("float64")
        for one in several
    ]
    weights = None if weight is None else np.asarray(_core.as_tensor(weight).detach()).reshape(-1)
    try:
        with np.errstate(all="ignore"):  # a density of no points is NaN
            found, at = np.histogramdd(points, edges, pairs, density, weights)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"histogramdd: bins, range, weight: {error}") from None
    return HistogramDD(
        _core.tensor(found.astype("float32")), tuple(_core.tensor(e.astype("float32")) for e in at)
    )


def segment_reduce(
    data: TensorLike,
    reduce: str,
    *,
    lengths: TensorLike | None = None,
    indices: None = None,
    offsets: TensorLike | None = None,
    axis: int = 0,
    unsafe: bool = False,
    initial: float | None = None,
) -> Tensor:
    """The sum, mean, maximum, minimum or product of each stretch of an axis.

    Args:
        data: floats.
        reduce: "sum", "mean", "max", "min" or "prod".
        lengths: how long the stretches are; they cover the axis. Several rows of them for the axes
            before it; or
        offsets: where they begin, and where the last one ends.
        indices: only None is possible, as in PyTorch.
        axis: the axis.
        unsafe: whether lengths are not checked; here they are in any case.
        initial: a value that counts in each stretch; a stretch without others has it.

    Raises:
        ValueError: lengths that do not cover the axis, or another reduction.

    Source: `torch.segment_reduce`.

    Example:
        >>> segment_reduce([1.0, 2.0, 3.0], "sum", lengths=[1, 2]).tolist()
        [1.0, 5.0]
    """
    who = "segment_reduce"
    check_choice(who, "reduce", reduce, ("sum", "mean", "max", "min", "prod"))
    if indices is not None or (lengths is None) == (offsets is None):
        raise ArgumentError(f"{who}: expected exactly one of lengths and offsets, and no indices")
    x = _core.as_tensor(data)
    given = np.asarray(_core.as_tensor(lengths if offsets is None else offsets))  # type: ignore[arg-type]
    counts = np.diff(given, axis=-1) if lengths is None else given
    axis = check_integer(who, "axis", axis, 0, x.ndim - 1)
    lead = x.shape[:axis]
    if counts.shape[:-1] != lead:
        raise ArgumentError(f"{who}: lengths: expected shape {(*lead, 'n')}, got {counts.shape}")
    if (counts < 0).any() or (counts.sum(-1) != x.shape[axis]).any():
        raise ArgumentError(
            f"{who}: lengths: expected a sum of {x.shape[axis]}, got {counts.sum(-1).tolist()}"
        )
    rest, number = x.shape[axis + 1 :], counts.shape[-1]
    rows = F.reshape(x, shape=(-1, *rest)) if x.numel() else x
    start, parts = 0, []
    none = {"sum": 0.0, "mean": np.nan, "max": -np.inf, "min": np.inf, "prod": 1.0}[reduce]
    functions = {"sum": F.sum, "mean": F.sum, "max": F.max, "min": F.min, "prod": F.prod}
    for count in counts.reshape(-1).tolist():
        stretch = rows[start : start + count]
        start += count
        if count:
            part = functions[reduce](stretch, axes=0)
        else:
            part = _core.full(rest, "float32", none if reduce != "mean" else 0.0)
        if initial is not None:
            part = _with_initial(part, reduce, initial)
        if reduce == "mean":
            part = (
                F.div(part, float(count)) if count else F.add(part, none if initial is None else 0)
            )
        parts.append(part)
    return F.reshape(F.stack(parts, axis=0), shape=(*lead, number, *rest))


def _with_initial(part: Tensor, reduce: str, initial: float) -> Tensor:
    joined = {"sum": F.add, "mean": F.add, "max": F.maximum, "min": F.minimum, "prod": F.mul}
    return joined[reduce](part, initial)


def is_inference(input: TensorLike) -> bool:
    """False: tensors made under `inference_mode` are as others."""
    _core.as_tensor(input)
    return False


def to_dlpack(tensor: Tensor) -> Any:
    """The capsule that hands the tensor's memory to another library. `from_dlpack` takes tensors.

    Source: `torch.to_dlpack`.
    """
    return tensor.__dlpack__()


def cond(pred: Any, true_fn: Any, false_fn: Any, operands: Sequence[Any] = ()) -> Any:
    """`true_fn(*operands)` where the predicate holds, else `false_fn(*operands)`.

    A recorded step that decides so by a tensor runs eagerly.

    Source: `torch.cond`.

    Example:
        >>> cond(fastdl.tensor(True), lambda x: x + 1, lambda x: x - 1, (fastdl.ones(1),)).tolist()
        [2.0]
    """
    return (true_fn if bool(pred) else false_fn)(*operands)


def while_loop(cond_fn: Any, body_fn: Any, carried_inputs: Sequence[Any]) -> Any:
    """The values that `body_fn(*values)` gives last, called as long as `cond_fn(*values)` holds.

    A recorded step that decides so by a tensor runs eagerly.

    Source: `torch.while_loop`.

    Example:
        >>> while_loop(lambda n: n < 5, lambda n: (n + 2,), (fastdl.tensor(0),))[0].item()
        6
    """
    values = tuple(carried_inputs)
    while bool(cond_fn(*values)):
        found = body_fn(*values)
        values = found if isinstance(found, tuple) else (found,)
    return values


def fill(input: TensorLike, value: TensorLike) -> Tensor:
    """A new tensor of one value, in the shape and type of the input.

    Args:
        input: gives the shape and the type; it has no gradient.
        value: a number, or a tensor of one, which has a gradient.

    Raises:
        ValueError: the value is no single one, or an integer that an integer type cannot hold.

    Source: `torch.fill`.

    Example:
        >>> fill([1.0, 2.0], 3).tolist()
        [3.0, 3.0]
    """
    x = _core.as_tensor(input)
    one = F.cast(single("fill", value, x.dtype), dtype=x.dtype)
    return F.broadcast_to(one, shape=x.shape)


def svd_lowrank(
    A: TensorLike, q: int | None = 6, niter: int | None = 2, M: TensorLike | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The q largest singular values of matrices, and their vectors: `A - M = U diag(S) V^T`.

    Args:
        A: matrices (..., m, n).
        q: how many.
        niter: PyTorch's number of iterations; here the values are exact.
        M: what is subtracted before; None for nothing.

    Returns:
        U (..., m, q), S (..., q) in descending order, and V (..., n, q).

    Raises:
        ValueError: q is larger than a size of the matrix.

    Source: `torch.svd_lowrank`.

    Example:
        >>> svd_lowrank([[3.0, 0.0], [0.0, 2.0]], q=1)[1].tolist()
        [3.0]
    """
    return _lowrank("svd_lowrank", A if M is None else F.sub(A, M), 6 if q is None else q)


def pca_lowrank(
    A: TensorLike, q: int | None = None, center: bool = True, niter: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    """The principal components of samples: `svd_lowrank` of what differs from their mean.

    Args:
        A: samples (..., m, n), one a row.
        q: how many components; at most 6 of those that there are if None.
        center: whether the mean of each column is subtracted.
        niter: PyTorch's number of iterations; here the values are exact.

    Returns:
        U (..., m, q), S (..., q), and V (..., n, q), whose columns are the components.

    Raises:
        ValueError: q is larger than a size of the matrix.

    Source: `torch.pca_lowrank`.

    Example:
        >>> pca_lowrank([[0.0, 1.0], [0.0, 3.0]], q=1)[2].abs().tolist()
        [[0.0], [1.0]]
    """
    x = _core.as_tensor(A)
    if q is None:
        q = min(6, *x.shape[-2:])
    if center:
        x = F.sub(x, F.mean(x, axes=-2, keepdims=True))
    return _lowrank("pca_lowrank", x, q)


def _lowrank(who: str, A: TensorLike, q: int) -> tuple[Tensor, Tensor, Tensor]:
    from .._base.decompositions import as_matrices, singular_values

    matrices = as_matrices(A, who)
    q = check_integer(who, "q", q, 0, min(matrices.shape[-2:]))
    u, s, vh = singular_values(matrices, False, who)
    v = F.transpose(vh, perm=(*range(vh.ndim - 2), vh.ndim - 1, vh.ndim - 2))
    return u[..., :q], s[..., :q], v[..., :q]
