"""vmap: a function of one sample as a function of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base import tree
from .._base.checks import check_callable, check_choice
from .._core import AxisError, ShapeError, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that calls `func` for each index of an axis and stacks the results.

    It calls the function once for each index; there are no batched rules. What a function of
    batches can do in one call is faster.

    Args:
        func: takes and returns tensors, or nested structures of them.
        in_dims: the axis of each argument, or None for an argument without one: one for all, or a
            tuple with one, or a structure of them, for each argument.
        out_dims: the axis of the results: one for all, or a structure for the structure of results.
        randomness: "error" if random numbers are an error, "different" if each call draws its own,
            "same" if all calls draw the same.
        chunk_size: without effect.

    Returns:
        The function. It raises ValueError if the axes don't fit, and RuntimeError for random
        numbers with `randomness="error"`.

    Source: `torch.func.vmap`.

    Example:
        >>> x, w = fastdl.tensor([[1.0, 2.0], [3.0, 4.0]]), fastdl.tensor([1.0, 10.0])
        >>> func.vmap(lambda row, w: (row * w).sum(), in_dims=(0, None))(x, w).tolist()
        [21.0, 43.0]
    """
    check_callable("vmap", "func", func)
    check_choice("vmap", "randomness", randomness, ("error", "different", "same"))

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        dims = [*_spread(in_dims, args), *([0] * len(tree.flatten(kwargs)))]
        values = [*tree.flatten(args), *tree.flatten(kwargs)]
        size = _size(values, dims)
        results = []
        start = _core.get_rng_state()
        for i in range(size):
            if randomness == "same":
                _core.set_rng_state(*start)
            row = [
                v if d is None else F.take(v, i, axis=d) for v, d in zip(values, dims, strict=True)
            ]
            given, named = tree.pack((args, kwargs), row)
            results.append(func(*given, **named))
            if randomness == "error" and _core.get_rng_state() != start:
                raise RuntimeError(
                    "vmap: the function draws random numbers; say randomness='different' or 'same'"
                )
        leaves = [tree.flatten(result) for result in results]
        out = _spread_out(out_dims, results[0])
        stacked = []
        for k, dim in enumerate(out):
            parts = [row[k] for row in leaves]
            if not all(isinstance(part, Tensor) for part in parts):
                raise ValueError(
                    f"vmap: the function must return tensors, got {type(parts[0]).__name__}"
                )
            stacked.append(parts[0] if dim is None else F.stack(parts, axis=dim))
        return tree.pack(results[0], stacked)

    return wrapped


def _spread(dims: Any, args: Any) -> list[int | None]:
    """An axis, or None, for each leaf of the arguments."""
    if dims is None or isinstance(dims, int):
        return [
            dims if isinstance(value, Tensor) or dims is None else _no_tensor(value)
            for value in tree.flatten(args)
        ]
    fits = isinstance(args, dict) if isinstance(dims, dict) else isinstance(args, (list, tuple))
    if not isinstance(dims, (list, tuple, dict)) or not fits or len(dims) != len(args):
        raise ValueError(f"vmap: in_dims: expected the structure of the arguments, got {dims!r}")
    if isinstance(dims, dict):
        keys = sorted(args)
        return [one for key in keys for one in _spread(dims[key], args[key])]
    return [one for dim, arg in zip(dims, args, strict=True) for one in _spread(dim, arg)]


def _no_tensor(value: object) -> int:
    raise ValueError(
        f"vmap: in_dims: an argument that is no tensor has None, got one for a "
        f"{type(value).__name__}"
    )


def _spread_out(dims: Any, result: Any) -> list[int | None]:
    leaves = tree.flatten(result)
    if dims is None or isinstance(dims, int):
        return [dims] * len(leaves)
    found: list[int | None] = list(tree.flatten(dims))
    if len(found) != len(leaves):
        raise ValueError(
            f"vmap: out_dims: expected the structure of the {len(leaves)} results, got {dims!r}"
        )
    return found


def _size(values: list[Any], dims: list[int | None]) -> int:
    sizes = set()
    for value, dim in zip(values, dims, strict=True):
        if dim is None:
            continue
        if not -value.ndim <= dim < value.ndim:
            raise AxisError(f"vmap: in_dims: {dim} is no axis of a tensor of shape {value.shape}")
        sizes.add(value.shape[dim])
    if len(sizes) != 1:
        raise ShapeError(
            f"vmap: expected axes of one size, got {sorted(sizes) if sizes else 'no axis'}"
        )
    (size,) = sizes
    if not size:
        raise ShapeError("vmap: expected an axis with at least one index, got size 0")
    return size
