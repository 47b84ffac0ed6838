"""PyTorch's functions: the top level of `fastdl`, and most methods of `Tensor`.

Names, arguments and meaning are PyTorch's. They take tensors, arrays, lists and numbers.
"""

import typing as _typing

from .._base.results import ValuesIndices as ValuesIndices

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
    mul as mul,
    multiply as multiply,
    ne as ne,
    not_equal as not_equal,
    pow as pow,
    remainder as remainder,
    rsub as rsub,
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
    take_along_dim as take_along_dim,
    topk as topk,
    tril as tril,
    triu as triu,
    unique as unique,
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
    flatten as flatten,
    flip as flip,
    moveaxis as moveaxis,
    movedim as movedim,
    permute as permute,
    ravel as ravel,
    repeat as repeat,
    reshape as reshape,
    roll as roll,
    split as split,
    squeeze as squeeze,
    stack as stack,
    t as t,
    tile as tile,
    transpose as transpose,
    unbind as unbind,
    unflatten as unflatten,
    unsqueeze as unsqueeze,
)
from .reduction import (
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
    fix as fix,
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
    sgn as sgn,
    sign as sign,
    sin as sin,
    sqrt as sqrt,
    square as square,
    trunc as trunc,
)

# Those of PyTorch's functions that have no argument `out`; in_place.py writes for the others.
WITHOUT_OUT = (
    "allclose argwhere as_strided as_strided_scatter asarray bartlett_window bincount binomial "
    "blackman_window broadcast_to can_cast cast chunk clamp_max clamp_min clone cond conj "
    "constant_pad_nd corrcoef count_nonzero cov cumulative_trapezoid detach dist elu "
    "empty_permuted empty_strided equal expand flatten flip frombuffer gelu get_device gradient "
    "hamming_window hann_window hard_sigmoid histogramdd is_complex is_conj is_distributed "
    "is_floating_point is_inference is_neg is_nonzero is_same_size is_signed isclose isfinite "
    "isinf isnan isreal kaiser_window leaky_relu logsigmoid masked_fill moveaxis movedim narrow "
    "one_hot pca_lowrank permute poisson positive promote_types ravel real relu repeat reshape "
    "resolve_conj resolve_neg result_type roll rsub segment_reduce selu silu softplus softsign "
    "split squeeze std_mean svd_lowrank swapaxes swish t tile to_dlpack transpose trapezoid "
    "trapz typename unbind unflatten unique unsafe_split_with_sizes unsqueeze var_mean "
    "while_loop"
).split()

if _typing.TYPE_CHECKING:
    from .later import *  # noqa: F403
else:

    def __getattr__(name: str) -> object:
        from importlib import import_module

        try:
            globals()[name] = value = vars(import_module(f"{__name__}.later"))[name]
        except KeyError:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
        return value

    def __dir__() -> list[str]:
        from importlib import import_module

        return [*globals(), *vars(import_module(f"{__name__}.later"))]
