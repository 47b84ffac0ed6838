"""Nested lists, tuples and dicts of values, as layers take and return them.

A leaf is anything that is no list, tuple or dict. Dicts are walked in the order of their sorted
keys, as Keras does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


def is_nested(x: Any) -> bool:
    """Whether `x` is a structure and not a leaf."""
    return isinstance(x, (list, tuple)) or _is_dict(x)


def _is_dict(x: Any) -> bool:
    return isinstance(x, dict) and not hasattr(x, "shape")  # as SciPy's sparse dok_matrix has


def leaves(x: Any) -> Iterator[Any]:
    """The leaves of `x`, first to last."""
    if isinstance(x, (list, tuple)):
        for item in x:
            yield from leaves(item)
    elif _is_dict(x):
        for key in _keys(x):
            yield from leaves(x[key])
    else:
        yield x


def flatten(x: Any) -> list[Any]:
    """The list of the leaves of `x`."""
    return list(leaves(x))


def map_structure(function: Callable[[Any], Any], x: Any) -> Any:
    """The same structure with `function(leaf)` for each leaf."""
    if isinstance(x, (list, tuple)):
        items = [map_structure(function, item) for item in x]
        return _like(x, items)
    if _is_dict(x):
        done = {key: map_structure(function, x[key]) for key in _keys(x)}
        return {key: done[key] for key in x}
    return function(x)


def pack(structure: Any, values: list[Any]) -> Any:
    """The structure with its leaves replaced by `values` in order."""
    supply = iter(values)
    return map_structure(lambda _: next(supply), structure)


def _like(x: Any, items: list[Any]) -> Any:
    if isinstance(x, list):
        return items
    return x._make(items) if hasattr(x, "_make") else tuple(items)


def _keys(x: dict[Any, Any]) -> list[Any]:
    try:
        return sorted(x)
    except TypeError:  # keys of several types have no order
        return list(x)


def is_shape(x: Any) -> bool:
    """Whether `x` is one shape (a list or tuple of ints and None), not a structure of shapes."""
    return isinstance(x, (list, tuple)) and all(
        d is None or isinstance(d, (int, np.integer)) for d in x
    )


def map_shapes(function: Callable[[tuple[int | None, ...]], Any], x: Any) -> Any:
    """`map_structure` over the shapes in `x`."""
    if is_shape(x):
        return function(tuple(x))
    if isinstance(x, dict):
        return {key: map_shapes(function, item) for key, item in x.items()}
    if isinstance(x, (list, tuple)):
        return _like(x, [map_shapes(function, item) for item in x])
    raise ValueError(f"expected a shape or a structure of shapes, got {x!r}")
