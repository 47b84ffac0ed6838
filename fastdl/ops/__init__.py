"""The functional API: one function per operation, over tensors, arrays, lists and numbers.

Names and argument order are those PyTorch has at its top level, else those of `keras.ops`; all of
them are at the top level of `fastdl` too, and most are methods of `Tensor`. On KerasTensors they
become nodes of a model's graph.
"""

from typing import Any as _Any

# ruff: noqa: I001 - one import per module, not per name
from .activation import (
    elu as elu,
    gelu as gelu,
    hard_sigmoid as hard_sigmoid,
    leaky_relu as leaky_relu,
    log_softmax as log_softmax,
    logsigmoid as logsigmoid,
    relu as relu,
    selu as selu,
    sigmoid as sigmoid,
    silu as silu,
    softmax as softmax,
    softplus as softplus,
    softsign as softsign,
    swish as swish,
    tanh as tanh,
)
from .arithmetic import (
    add as add,
    allclose as allclose,
    clamp as clamp,
    clip as clip,
    div as div,
    divide as divide,
    eq as eq,
    equal as equal,
    floor_divide as floor_divide,
    ge as ge,
    greater as greater,
    greater_equal as greater_equal,
    gt as gt,
    isclose as isclose,
    le as le,
    less as less,
    less_equal as less_equal,
    logical_and as logical_and,
    logical_or as logical_or,
    logical_xor as logical_xor,
    lt as lt,
    masked_fill as masked_fill,
    maximum as maximum,
    minimum as minimum,
    mod as mod,
    mul as mul,
    multiply as multiply,
    ne as ne,
    not_equal as not_equal,
    pow as pow,
    power as power,
    remainder as remainder,
    sub as sub,
    subtract as subtract,
    true_divide as true_divide,
    where as where,
)
from .indexing import (
    argsort as argsort,
    bincount as bincount,
    gather as gather,
    index_select as index_select,
    masked_select as masked_select,
    narrow as narrow,
    nonzero as nonzero,
    one_hot as one_hot,
    sort as sort,
    take as take,
    take_along_axis as take_along_axis,
    take_along_dim as take_along_dim,
    topk as topk,
    tril as tril,
    triu as triu,
    unique as unique,
)
from .keras_names import (
    convert_to_numpy as convert_to_numpy,
    convert_to_tensor as convert_to_tensor,
    log_sigmoid as log_sigmoid,
    moveaxis as moveaxis,
    ndim as ndim,
    ravel as ravel,
    shape as shape,
    size as size,
    stop_gradient as stop_gradient,
    top_k as top_k,
)
from .linalg import (
    bmm as bmm,
    dot as dot,
    matmul as matmul,
    mm as mm,
    mv as mv,
    outer as outer,
)
from .movement import (
    broadcast_to as broadcast_to,
    cat as cat,
    chunk as chunk,
    concat as concat,
    concatenate as concatenate,
    expand as expand,
    expand_dims as expand_dims,
    flatten as flatten,
    flip as flip,
    movedim as movedim,
    permute as permute,
    repeat as repeat,
    reshape as reshape,
    roll as roll,
    split as split,
    squeeze as squeeze,
    stack as stack,
    swapaxes as swapaxes,
    t as t,
    tile as tile,
    transpose as transpose,
    unbind as unbind,
    unflatten as unflatten,
    unsqueeze as unsqueeze,
)
from .reduction import (
    ValuesIndices as ValuesIndices,
    all as all,
    amax as amax,
    amin as amin,
    any as any,
    argmax as argmax,
    argmin as argmin,
    cumsum as cumsum,
    logsumexp as logsumexp,
    max as max,
    mean as mean,
    min as min,
    norm as norm,
    prod as prod,
    std as std,
    sum as sum,
    var as var,
)
from .unary import (
    abs as abs,
    absolute as absolute,
    cast as cast,
    ceil as ceil,
    clone as clone,
    cos as cos,
    erf as erf,
    exp as exp,
    expm1 as expm1,
    floor as floor,
    isfinite as isfinite,
    isinf as isinf,
    isnan as isnan,
    log as log,
    log10 as log10,
    log1p as log1p,
    log2 as log2,
    logical_not as logical_not,
    neg as neg,
    negative as negative,
    reciprocal as reciprocal,
    round as round,
    rsqrt as rsqrt,
    sign as sign,
    sin as sin,
    sqrt as sqrt,
    square as square,
    trunc as trunc,
)


def _lift_all() -> None:
    from .._lift import liftable

    names = globals()
    for name, function in list(names.items()):
        home = getattr(function, "__module__", None) or ""
        if home.startswith(f"{__name__}.") and not isinstance(function, type):
            names[name] = liftable(function)


_lift_all()

# Creation functions of `keras.ops`; they live at the top level.
_CREATION = frozenset(
    "arange eye full full_like is_tensor linspace ones ones_like zeros zeros_like".split()
)


def __getattr__(name: str) -> _Any:
    if name not in _CREATION:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("fastdl._creation"), name)
