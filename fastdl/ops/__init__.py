"""The functions of `keras.ops`, with its names, arguments and meaning.

They take tensors, arrays, lists and numbers. A call on KerasTensors becomes a node of a model's
graph. PyTorch's functions are at the top level of `fastdl` and methods of `Tensor`.
"""

import typing as _typing

# ruff: noqa: I001 - one import per module, not per name
from .activation import (
    celu as celu,
    elu as elu,
    gelu as gelu,
    glu as glu,
    hard_shrink as hard_shrink,
    hard_sigmoid as hard_sigmoid,
    hard_silu as hard_silu,
    hard_swish as hard_swish,
    hard_tanh as hard_tanh,
    leaky_relu as leaky_relu,
    log_sigmoid as log_sigmoid,
    log_softmax as log_softmax,
    relu as relu,
    relu6 as relu6,
    selu as selu,
    sigmoid as sigmoid,
    silu as silu,
    soft_shrink as soft_shrink,
    softmax as softmax,
    softplus as softplus,
    softsign as softsign,
    sparse_plus as sparse_plus,
    sparse_sigmoid as sparse_sigmoid,
    sparsemax as sparsemax,
    squareplus as squareplus,
    swish as swish,
    tanh as tanh,
    tanh_shrink as tanh_shrink,
    threshold as threshold,
)
from .arithmetic import (
    add as add,
    allclose as allclose,
    divide as divide,
    equal as equal,
    floor_divide as floor_divide,
    greater as greater,
    greater_equal as greater_equal,
    isclose as isclose,
    less as less,
    less_equal as less_equal,
    logical_and as logical_and,
    logical_or as logical_or,
    logical_xor as logical_xor,
    maximum as maximum,
    minimum as minimum,
    mod as mod,
    multiply as multiply,
    not_equal as not_equal,
    power as power,
    subtract as subtract,
    true_divide as true_divide,
    where as where,
)
from .attention import dot_product_attention as dot_product_attention
from .bits import (
    bitwise_and as bitwise_and,
    bitwise_invert as bitwise_invert,
    bitwise_left_shift as bitwise_left_shift,
    bitwise_not as bitwise_not,
    bitwise_or as bitwise_or,
    bitwise_right_shift as bitwise_right_shift,
    bitwise_xor as bitwise_xor,
    gcd as gcd,
    lcm as lcm,
    left_shift as left_shift,
    right_shift as right_shift,
)
from .control import (
    associative_scan as associative_scan,
    cond as cond,
    fori_loop as fori_loop,
    map as map,
    scan as scan,
    switch as switch,
    vectorize as vectorize,
    vectorized_map as vectorized_map,
    while_loop as while_loop,
)
from .convolution import (
    conv as conv,
    conv_transpose as conv_transpose,
    depthwise_conv as depthwise_conv,
    separable_conv as separable_conv,
)
from .derivatives import (
    custom_gradient as custom_gradient,
    jvp as jvp,
)
from .elementary import (
    cbrt as cbrt,
    conj as conj,
    conjugate as conjugate,
    copy as copy,
    erfc as erfc,
    erfinv as erfinv,
    exp2 as exp2,
    fabs as fabs,
    i0 as i0,
    imag as imag,
    isin as isin,
    isneginf as isneginf,
    isposinf as isposinf,
    isreal as isreal,
    nan_to_num as nan_to_num,
    real as real,
    saturate_cast as saturate_cast,
    signbit as signbit,
)
from .fourier import (
    extract_sequences as extract_sequences,
    fft as fft,
    fft2 as fft2,
    ifft2 as ifft2,
    irfft as irfft,
    istft as istft,
    rfft as rfft,
    stft as stft,
    view_as_real as view_as_real,
)
from .indexing import (
    argsort as argsort,
    bincount as bincount,
    nonzero as nonzero,
    one_hot as one_hot,
    sort as sort,
    take as take,
    take_along_axis as take_along_axis,
    top_k as top_k,
    tril as tril,
    triu as triu,
    unique as unique,
)
from . import image as image
from . import linalg as linalg
from . import nn as nn
from . import numpy as numpy
from .linalg import (
    cholesky as cholesky,
    cholesky_inverse as cholesky_inverse,
    det as det,
    eig as eig,
    eigh as eigh,
    inv as inv,
    logdet as logdet,
    lstsq as lstsq,
    lu_factor as lu_factor,
    matrix_rank as matrix_rank,
    pinv as pinv,
    qr as qr,
    slogdet as slogdet,
    solve as solve,
    solve_triangular as solve_triangular,
    svd as svd,
)
from .products import (
    cdist as cdist,
    cross as cross,
    dot as dot,
    einsum as einsum,
    inner as inner,
    kron as kron,
    matmul as matmul,
    outer as outer,
    tensordot as tensordot,
    vander as vander,
    vdot as vdot,
)
from .losses import (
    binary_crossentropy as binary_crossentropy,
    categorical_crossentropy as categorical_crossentropy,
    ctc_decode as ctc_decode,
    ctc_loss as ctc_loss,
    psnr as psnr,
    sparse_categorical_crossentropy as sparse_categorical_crossentropy,
)
from .movement import (
    broadcast_to as broadcast_to,
    concatenate as concatenate,
    expand_dims as expand_dims,
    flip as flip,
    moveaxis as moveaxis,
    pad as pad,
    ravel as ravel,
    repeat as repeat,
    reshape as reshape,
    roll as roll,
    split as split,
    squeeze as squeeze,
    stack as stack,
    swapaxes as swapaxes,
    tile as tile,
    transpose as transpose,
)
from .normalization import (
    batch_normalization as batch_normalization,
    layer_normalization as layer_normalization,
    moments as moments,
    normalize as normalize,
    rms_normalization as rms_normalization,
)
from .pairs import (
    arctan2 as arctan2,
    divide_no_nan as divide_no_nan,
    fmax as fmax,
    fmin as fmin,
    fmod as fmod,
    heaviside as heaviside,
    hypot as hypot,
    ldexp as ldexp,
    logaddexp as logaddexp,
    logaddexp2 as logaddexp2,
    nextafter as nextafter,
)
from .pooling import (
    adaptive_average_pool as adaptive_average_pool,
    adaptive_max_pool as adaptive_max_pool,
    average_pool as average_pool,
    max_pool as max_pool,
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
from .samples import (
    argpartition as argpartition,
    average as average,
    corrcoef as corrcoef,
    correlate as correlate,
    count_nonzero as count_nonzero,
    cumprod as cumprod,
    diff as diff,
    digitize as digitize,
    histogram as histogram,
    in_top_k as in_top_k,
    median as median,
    percentile as percentile,
    ptp as ptp,
    quantile as quantile,
    trapezoid as trapezoid,
)
from .scattering import (
    multi_hot as multi_hot,
    scatter as scatter,
    scatter_update as scatter_update,
    searchsorted as searchsorted,
    segment_max as segment_max,
    segment_min as segment_min,
    segment_prod as segment_prod,
    segment_sum as segment_sum,
    select as select,
    slice as slice,
    slice_update as slice_update,
)
from .shaping import (
    append as append,
    array as array,
    array_split as array_split,
    depth_to_space as depth_to_space,
    diag as diag,
    diagflat as diagflat,
    diagonal as diagonal,
    dsplit as dsplit,
    dstack as dstack,
    dtype as dtype,
    empty as empty,
    empty_like as empty_like,
    fliplr as fliplr,
    flipud as flipud,
    fold as fold,
    geomspace as geomspace,
    get_item as get_item,
    hsplit as hsplit,
    hstack as hstack,
    identity as identity,
    logspace as logspace,
    meshgrid as meshgrid,
    rearrange as rearrange,
    rot90 as rot90,
    space_to_depth as space_to_depth,
    trace as trace,
    tri as tri,
    unfold as unfold,
    unravel_index as unravel_index,
    unstack as unstack,
    view as view,
    vsplit as vsplit,
    vstack as vstack,
)
from .tensors import (
    arange as arange,
    cast as cast,
    convert_to_numpy as convert_to_numpy,
    convert_to_tensor as convert_to_tensor,
    eye as eye,
    full as full,
    full_like as full_like,
    is_tensor as is_tensor,
    linspace as linspace,
    ndim as ndim,
    ones as ones,
    ones_like as ones_like,
    shape as shape,
    size as size,
    stop_gradient as stop_gradient,
    zeros as zeros,
    zeros_like as zeros_like,
)
from .trigonometry import (
    angle as angle,
    arccos as arccos,
    arccosh as arccosh,
    arcsin as arcsin,
    arcsinh as arcsinh,
    arctan as arctan,
    arctanh as arctanh,
    cosh as cosh,
    deg2rad as deg2rad,
    rad2deg as rad2deg,
    sinc as sinc,
    sinh as sinh,
    tan as tan,
)
from .unary import (
    abs as abs,
    absolute as absolute,
    ceil as ceil,
    clip as clip,
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
from .windows import (
    bartlett as bartlett,
    blackman as blackman,
    hamming as hamming,
    hanning as hanning,
    kaiser as kaiser,
)
from .without_nan import (
    nanargmax as nanargmax,
    nanargmin as nanargmin,
    nancumprod as nancumprod,
    nancumsum as nancumsum,
    nanmax as nanmax,
    nanmean as nanmean,
    nanmedian as nanmedian,
    nanmin as nanmin,
    nanpercentile as nanpercentile,
    nanprod as nanprod,
    nanquantile as nanquantile,
    nanstd as nanstd,
    nansum as nansum,
    nanvar as nanvar,
)


def _lift_all() -> None:
    from ._storage import lifted as with_symbols

    names = globals()
    lifted: dict[object, _typing.Callable[..., object]] = {}  # a function may have several names
    for name, function in list(names.items()):
        home = getattr(function, "__module__", None) or ""
        ours = home.startswith(f"{__name__}.") and not isinstance(function, type)
        if ours and not hasattr(function, "_takes_symbols"):  # those of linalg do
            if function not in lifted:
                lifted[function] = with_symbols(function)
                lifted[function].__module__ = __name__  # where pickle finds it
            names[name] = lifted[function]
    from .._graph.symbolic import KerasTensor

    for name in ("reshape", "squeeze"):  # methods, as in Keras
        setattr(KerasTensor, name, names[name])


_lift_all()


if not _typing.TYPE_CHECKING:
    from .._base.missing import attributes_missing_from as _attributes_missing_from

    __getattr__ = _attributes_missing_from(__name__)
