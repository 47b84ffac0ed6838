"""Functions of `keras.ops` on tensors of storage types: computed in a wider type, then rounded.

The core computes in float32 and int32. Besides arithmetic it refuses float16, bfloat16 and int8 in
most ops, and PyTorch's functions leave it at that. Keras's functions have results of these types.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from .._base import tree
from .._base.promotion import result_type
from .._core import Tensor
from .._graph.lift import liftable
from .tensors import cast

P = ParamSpec("P")
Result = TypeVar("Result")

_WIDER = {"float16": "float32", "bfloat16": "float32", "int8": "int32"}
# Functions whose integers are sums, counts or positions, which int8 could not hold.
_KEEP_INT32 = frozenset(
    "argmax argmin argpartition argsort bincount count_nonzero digitize histogram nanargmax "
    "nanargmin nanprod nansum nonzero prod searchsorted sum trace unravel_index".split()
)
# Functions whose further results are positions.
_FIRST_RESULT = frozenset(("top_k", "unique"))
# Functions whose result has the type of the first argument.
_LIKE_FIRST = frozenset(("batch_normalization", "layer_normalization", "rms_normalization"))
# Functions that take storage types, and would give float32 or int32, or round more than once.
_ACCEPTING = frozenset(
    "corrcoef correlate cross deg2rad diff divide_no_nan dot dot_product_attention fabs heaviside "
    "hsv_to_rgb inner ldexp median nanmedian nanpercentile nanquantile norm percentile quantile "
    "rad2deg rgb_to_hsv sparsemax std tensordot trapezoid unique vander var vdot".split()
)
# Functions that call those of others, and those of which a wider type has other results.
_REFUSING = frozenset(
    "associative_scan cond custom_gradient fori_loop jvp map nextafter scan switch vectorize "
    "vectorized_map view while_loop".split()
)


def rounded(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """The function's result for arguments of computing types, in the type of Keras's result.

    float32 becomes the halved type of the arguments, unless one of them was float32. int32 becomes
    int8 if all integers were int8. A type that the caller names is that of the result. Without a
    tensor of a storage type the result is NotImplemented.
    """
    halves: set[str] = set()
    integers: set[str] = set()
    wide = any_stored = False

    def widened(leaf: object) -> object:
        nonlocal wide, any_stored
        if not isinstance(leaf, (Tensor, np.ndarray)):
            return leaf
        name = leaf.dtype.name
        if name in ("float16", "bfloat16"):
            halves.add(name)
        elif leaf.dtype.kind == "f":
            wide = True
        elif name != "bool":
            integers.add(name)
        if name not in _WIDER or isinstance(leaf, np.ndarray):
            return leaf
        any_stored = True
        return cast(leaf, _WIDER[name])

    computing = tree.map_structure(widened, args), tree.map_structure(widened, kwargs)
    if not any_stored:
        return NotImplemented
    result = function(*computing[0], **computing[1])
    if kwargs.get("dtype") is not None:
        return result
    first = args[0] if args else kwargs.get("x")
    if function.__name__ in _LIKE_FIRST and isinstance(first, Tensor):
        halves, wide = {first.dtype.name} & {"float16", "bfloat16"}, False
    half = result_type(*halves) if halves and not wide else None
    short = integers == {"int8"} and function.__name__ not in _KEEP_INT32

    def narrowed(leaf: object) -> object:
        if not isinstance(leaf, Tensor):
            return leaf
        name = leaf.dtype.name
        if name == "float32" and half:
            return cast(leaf, half)
        return cast(leaf, "int8") if name == "int32" and short else leaf

    if function.__name__ in _FIRST_RESULT and isinstance(result, tuple):
        return (narrowed(result[0]), *result[1:])
    return tree.map_structure(narrowed, result)


def lifted(function: Callable[P, Result]) -> Callable[P, Result]:
    """Decorator: lets a function take KerasTensors and tensors of storage types as well."""
    if function.__name__ in _REFUSING:
        return liftable(function)
    if function.__name__ not in _ACCEPTING:
        return liftable(function, otherwise=rounded)

    @functools.wraps(function)
    def narrow(*args: P.args, **kwargs: P.kwargs) -> Result:
        given = (*args, *kwargs.values()) if kwargs else args
        if any(type(x) is Tensor and x.dtype.name in _WIDER for x in given):
            return rounded(function, args, kwargs)
        return function(*args, **kwargs)

    return liftable(narrow, otherwise=rounded)
