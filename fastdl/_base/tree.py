"""Structures: nested lists, tuples and dicts of values, as layers take and return them.

All other values are leaves. Dicts are walked in the order of their sorted keys, as in Keras.
A leaf can be anything, so results are `Any`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from typing import TypeGuard


def is_nested(x: object) -> bool:
    """Whether `x` is a structure and not a leaf."""
    return isinstance(x, (list, tuple)) or _is_dict(x)


def _is_dict(x: object) -> TypeGuard[dict[Any, Any]]:
    return isinstance(x, dict) and not hasattr(x, "shape")  # SciPy's dok_matrix is a dict


def leaves(x: object) -> Iterator[Any]:
    """The leaves of `x`, first to last."""
    if isinstance(x, (list, tuple)):
        for item in x:
            yield from leaves(item)
    elif _is_dict(x):
        for key in _keys(x):
            yield from leaves(x[key])
    else:
        yield x


def flatten(x: object) -> list[Any]:
    """The list of the leaves of `x`."""
    return list(leaves(x))


def map_structure(function: Callable[[Any], object], x: object) -> Any:
    """The same structure with `function(leaf)` for each leaf."""
    if isinstance(x, (list, tuple)):
        items = [map_structure(function, item) for item in x]
        return _like(x, items)
    if _is_dict(x):
        done = {key: map_structure(function, x[key]) for key in _keys(x)}
        return {key: done[key] for key in x}
    return function(x)


def pack(structure: object, values: Iterable[object]) -> Any:
    """The structure with `values` as its leaves, in order."""
    supply = iter(values)
    return map_structure(lambda _: next(supply), structure)


def _like(x: list[Any] | tuple[Any, ...], items: list[Any]) -> list[Any] | tuple[Any, ...]:
    if isinstance(x, list):
        return items
    return x._make(items) if hasattr(x, "_make") else tuple(items)


def _keys(x: dict[Any, Any]) -> list[Any]:
    try:
        return sorted(x)
    except TypeError:  # keys of several types have no order
        return list(x)


def is_shape(x: object) -> TypeGuard[list[int | None] | tuple[int | None, ...]]:
    """Whether `x` is one shape (a list or tuple of ints and None), not a structure of shapes."""
    return isinstance(x, (list, tuple)) and all(
        d is None or isinstance(d, (int, np.integer)) for d in x
    )


def map_shapes(function: Callable[[tuple[int | None, ...]], object], x: object) -> Any:
    """`map_structure` over the shapes in `x`."""
    if is_shape(x):
        return function(tuple(x))
    if isinstance(x, dict):
        return {key: map_shapes(function, item) for key, item in x.items()}
    if isinstance(x, (list, tuple)):
        return _like(x, [map_shapes(function, item) for item in x])
    from .checks import shown  # only an error needs it

    raise ValueError(f"expected a shape or a structure of shapes, got {shown(x)}")
