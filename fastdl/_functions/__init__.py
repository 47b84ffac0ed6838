"""PyTorch's functions: the top level of `fastdl`, and most methods of `Tensor`.

Names, arguments and meaning are PyTorch's. They take tensors, arrays, lists and numbers.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

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

# These files are loaded when one of their functions is used: the import of fastdl is to be short.
if TYPE_CHECKING:
    from .decompositions import (
        cholesky as cholesky,
        cholesky_inverse as cholesky_inverse,
        cholesky_solve as cholesky_solve,
        det as det,
        geqrf as geqrf,
        inverse as inverse,
        logdet as logdet,
        lu as lu,
        lu_solve as lu_solve,
        lu_unpack as lu_unpack,
        matrix_exp as matrix_exp,
        matrix_power as matrix_power,
        orgqr as orgqr,
        ormqr as ormqr,
        pinverse as pinverse,
        qr as qr,
        slogdet as slogdet,
        svd as svd,
        triangular_solve as triangular_solve,
    )
    from .products import (
        addbmm as addbmm,
        addmm as addmm,
        addmv as addmv,
        addr as addr,
        baddbmm as baddbmm,
        cdist as cdist,
        chain_matmul as chain_matmul,
        cosine_similarity as cosine_similarity,
        cross as cross,
        dist as dist,
        einsum as einsum,
        ger as ger,
        inner as inner,
        kron as kron,
        pdist as pdist,
        renorm as renorm,
        tensordot as tensordot,
        trace as trace,
        vander as vander,
        vdot as vdot,
    )
    from .scattering import (
        bucketize as bucketize,
        diagonal_scatter as diagonal_scatter,
        index_add as index_add,
        index_copy as index_copy,
        index_fill as index_fill,
        index_put as index_put,
        index_reduce as index_reduce,
        masked_scatter as masked_scatter,
        put as put,
        repeat_interleave as repeat_interleave,
        scatter as scatter,
        scatter_add as scatter_add,
        scatter_reduce as scatter_reduce,
        searchsorted as searchsorted,
        select as select,
        select_scatter as select_scatter,
        slice_scatter as slice_scatter,
        unique_consecutive as unique_consecutive,
        unravel_index as unravel_index,
    )
    from .shaping import (
        adjoint as adjoint,
        atleast_1d as atleast_1d,
        atleast_2d as atleast_2d,
        atleast_3d as atleast_3d,
        block_diag as block_diag,
        broadcast_shapes as broadcast_shapes,
        broadcast_tensors as broadcast_tensors,
        cartesian_prod as cartesian_prod,
        column_stack as column_stack,
        combinations as combinations,
        diag as diag,
        diag_embed as diag_embed,
        diagflat as diagflat,
        diagonal as diagonal,
        dsplit as dsplit,
        dstack as dstack,
        fliplr as fliplr,
        flipud as flipud,
        hsplit as hsplit,
        hstack as hstack,
        meshgrid as meshgrid,
        narrow_copy as narrow_copy,
        numel as numel,
        rot90 as rot90,
        row_stack as row_stack,
        split_with_sizes as split_with_sizes,
        swapaxes as swapaxes,
        swapdims as swapdims,
        tensor_split as tensor_split,
        tril_indices as tril_indices,
        triu_indices as triu_indices,
        unfold as unfold,
        unsafe_chunk as unsafe_chunk,
        unsafe_split as unsafe_split,
        vsplit as vsplit,
        vstack as vstack,
    )

_LATER = {
    "decompositions": "cholesky cholesky_inverse cholesky_solve det geqrf inverse logdet "
    "lu lu_solve lu_unpack matrix_exp matrix_power orgqr ormqr pinverse qr "
    "slogdet svd triangular_solve",
    "products": "addbmm addmm addmv addr baddbmm cdist chain_matmul cosine_similarity "
    "cross dist einsum ger inner kron pdist renorm tensordot trace vander "
    "vdot",
    "scattering": "bucketize diagonal_scatter index_add index_copy index_fill index_put "
    "index_reduce masked_scatter put repeat_interleave scatter scatter_add "
    "scatter_reduce searchsorted select select_scatter slice_scatter "
    "unique_consecutive unravel_index",
    "shaping": "adjoint atleast_1d atleast_2d atleast_3d block_diag broadcast_shapes "
    "broadcast_tensors cartesian_prod column_stack combinations diag "
    "diag_embed diagflat diagonal dsplit dstack fliplr flipud hsplit hstack "
    "meshgrid narrow_copy numel rot90 row_stack split_with_sizes swapaxes "
    "swapdims tensor_split tril_indices triu_indices unfold unsafe_chunk "
    "unsafe_split vsplit vstack",
}
LATER = {name: file for file, names in _LATER.items() for name in names.split()}

if not TYPE_CHECKING:

    def __getattr__(name):
        if name not in LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(_import_module(f"{__name__}.{LATER[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *LATER})
