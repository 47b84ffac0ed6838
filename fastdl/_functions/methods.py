"""The methods of Tensor that are written in Python. Importing the package attaches them.

Most are functions of `fastdl._functions` with the tensor as the first argument. Methods that end in
`_` write in place. Where gradients are recorded they are operations of the graph, and the tensor
takes the place of the result; for a leaf that requires a gradient they raise RuntimeError.

The file is long because the lists of all methods stand beside those that have no function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np

from .. import _core, _functions
from .._base import functional as F
from .._base import moving, tree
from .._base.device import device_of, moved, split_target
from .._base.dtypes import check_fits
from .._core import DTypeError, ShapeError, Tensor
from .filling import (
    bernoulli,
    bernoulli_,
    cauchy_,
    exponential_,
    fill_diagonal_,
    geometric_,
    log_normal_,
    normal_,
    random_,
    uniform_,
)
from .tape_methods import register_hook, register_post_accumulate_grad_hook, retain_grad

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import SupportsIndex

    from numpy.typing import DTypeLike
    from typing_extensions import Unpack

    from .._base.device import Place, Target, TargetOptions, device
    from .._core import IntOrInts, TensorLike

# csrc/bind/generate.py reads this list and the dicts at the end. It writes the types to _core.pyi.
# Functions that are methods with the same name:
FUNCTIONS = (
    # arithmetic and comparison
    "add sub subtract mul multiply div divide true_divide floor_divide remainder pow maximum "
    "minimum clamp clip masked_fill eq ne lt le gt ge less less_equal greater greater_equal "
    "not_equal logical_and logical_or logical_xor logical_not isclose allclose equal "
    # elementary functions and activations
    "neg negative abs absolute sign sqrt rsqrt exp log log2 log10 log1p expm1 square reciprocal "
    "sin cos floor ceil round trunc erf isnan isfinite isinf relu sigmoid tanh softmax log_softmax "
    # reductions
    "sum mean prod any all max min amax amin argmax argmin var std cumsum logsumexp norm "
    # shapes
    "reshape flatten unflatten squeeze unsqueeze transpose permute t movedim expand "
    "broadcast_to repeat tile split chunk unbind flip roll ravel moveaxis "
    # picking
    "gather take take_along_dim index_select narrow nonzero masked_select argsort sort topk tril "
    "triu unique bincount "
    # products
    "matmul mm bmm mv dot outer"
)
# Those that are loaded on first use:
LATER = (
    "acos arccos acosh arccosh asin arcsin asinh arcsinh atan arctan atanh arctanh cosh sinh tan "
    "deg2rad rad2deg sinc exp2 erfc erfinv frac fix sgn i0 isneginf isposinf isreal signbit conj "
    "positive lgamma digamma mvlgamma nan_to_num logit frexp clamp_max clamp_min is_nonzero "
    "is_floating_point is_complex atan2 arctan2 copysign hypot nextafter fmod fmax fmin logaddexp "
    "logaddexp2 ldexp xlogy heaviside igamma igammac float_power lerp addcmul addcdiv dist "
    "bitwise_not gcd lcm bitwise_and bitwise_or bitwise_xor bitwise_left_shift "
    "bitwise_right_shift median nanmedian quantile nanquantile mode kthvalue msort aminmax cummax "
    "cummin count_nonzero nansum nanmean cumprod logcumsumexp cov corrcoef diff histc histogram "
    "argwhere as_strided as_strided_scatter nonzero_static multinomial angle conj_physical "
    "resolve_conj resolve_neg is_conj renorm "
    # shapes and parts
    "swapaxes swapdims diag diagflat diag_embed diagonal diagonal_scatter fliplr flipud rot90 "
    "adjoint tensor_split hsplit vsplit dsplit split_with_sizes unsafe_split unsafe_chunk unfold "
    "narrow_copy select select_scatter slice_scatter repeat_interleave unique_consecutive "
    # writing by index
    "scatter scatter_add scatter_reduce index_add index_copy index_fill index_put index_reduce put "
    "masked_scatter "
    # products and matrices
    "vdot inner ger kron cross trace addmm addmv addr addbmm baddbmm cholesky cholesky_inverse "
    "cholesky_solve det slogdet logdet inverse pinverse matrix_exp matrix_power qr svd "
    "triangular_solve lu lu_solve orgqr geqrf ormqr"
)
# Methods of more_methods.py, and the properties that its functions give, loaded on first use, too:
MORE = (
    "t_ transpose_ swapaxes_ swapdims_ squeeze_ unsqueeze_ resize_ resize_as_ set_ detach_ where "
    "hardshrink prelu apply_ map_ map2_ unsafe_split_with_sizes to_dense "
    "module_load new get_device dim_order storage_offset const_data_ptr is_signed is_set_to "
    "is_inference is_neg is_pinned is_shared is_distributed"
)
MORE_PROPERTIES = (
    "is_ipu is_maia is_meta is_mkldnn is_mtia is_nested is_quantized is_sparse "
    "is_sparse_csr is_vulkan is_xla"
)
# Functions whose results are written in place by the method with the name and `_`, likewise:
IN_PLACE = (
    "subtract multiply divide true_divide floor_divide remainder fmod pow float_power clamp clip "
    "clamp_max clamp_min eq ne not_equal lt less le less_equal gt greater ge greater_equal "
    "logical_and logical_or logical_xor logical_not bitwise_not bitwise_and bitwise_or "
    "bitwise_xor bitwise_left_shift bitwise_right_shift gcd lcm neg negative abs absolute sign "
    "sgn sqrt rsqrt exp exp2 expm1 log log2 log10 log1p square reciprocal sin cos tan asin arcsin "
    "acos arccos atan arctan sinh cosh tanh asinh arcsinh acosh arccosh atanh arctanh floor ceil "
    "round trunc fix frac erf erfc erfinv relu sigmoid deg2rad rad2deg sinc i0 lgamma digamma "
    "mvlgamma nan_to_num logit atan2 arctan2 copysign hypot nextafter ldexp xlogy heaviside "
    "igamma igammac lerp addcmul addcdiv cumsum cumprod tril triu conj_physical renorm "
    "scatter scatter_add scatter_reduce index_add index_copy index_fill index_put index_reduce put "
    "masked_scatter addmm addmv addr addbmm baddbmm"
)


# --- properties and questions


@overload
def size(self: Tensor, dim: None = None) -> tuple[int, ...]: ...
@overload
def size(self: Tensor, dim: int) -> int: ...
def size(self: Tensor, dim: int | None = None) -> int | tuple[int, ...]:
    """The shape as a tuple, or the size of one axis."""
    return self.shape if dim is None else self.shape[moving.checked_axis(dim, self.ndim, "size")]


def dim(self: Tensor) -> int:
    """The number of axes."""
    return self.ndim


def element_size(self: Tensor) -> int:
    """Bytes per element."""
    return self.itemsize


def is_contiguous(self: Tensor, memory_format: object = None) -> bool:
    """Whether the elements lie in the order of the axes. Those of images may lie channels-last.

    A part of another tensor does if its view in PyTorch does. With
    `memory_format=fastdl.channels_last` it says whether they lie channels-last.
    """
    if str(memory_format).startswith("torch.channels_last"):
        return self._channels_last
    if self._channels_last:
        return False
    steps, count = stride(self), 1
    for axis in reversed(range(self.ndim)):
        if self.shape[axis] != 1 and steps[axis] != count:
            return not self.numel()
        count *= self.shape[axis]
    return True


def contiguous(self: Tensor, memory_format: object = None) -> Tensor:
    """The tensor itself, or a copy in the order of its axes if its elements lie otherwise.

    They do if they lie channels-last, or in a part of a tensor whose view in PyTorch has gaps or
    another order, as of a transpose.
    """
    return _core.in_own_order(self)


def view(self: Tensor, *shape: IntOrInts) -> Tensor:
    """The same values in another shape. The result shares memory."""
    return F.reshape(self, shape=moving.one_or_many(shape))


def view_as(self: Tensor, other: Tensor) -> Tensor:
    """`view` in the shape of another tensor."""
    return F.reshape(self, shape=other.shape)


def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """`reshape` to the shape of another tensor."""
    return _core.reshaped(self, other.shape)


def nelement(self: Tensor) -> int:
    """The number of elements."""
    return self.numel()


def is_same_size(self: Tensor, other: Tensor) -> bool:
    """Whether another tensor has the same shape."""
    return self.shape == other.shape


def sum_to_size(self: Tensor, *size: IntOrInts) -> Tensor:
    """The sums over axes that have size 1 in a shape, or that it lacks: broadcasting undone.

    Raises:
        ValueError: a tensor of that shape does not broadcast to this one's.
    """
    wanted = moving.one_by_one(size)
    lead = self.ndim - len(wanted)
    if lead < 0 or any(m not in (n, 1) for n, m in zip(self.shape[lead:], wanted, strict=True)):
        raise ShapeError(f"sum_to_size: {wanted} does not broadcast to {self.shape}")
    axes = [i for i, n in enumerate(self.shape) if i < lead or wanted[i - lead] != n]
    return F.reshape(F.sum(self, axes=axes) if axes else self, shape=wanted)


@overload
def stride(self: Tensor, dim: None = None) -> tuple[int, ...]: ...
@overload
def stride(self: Tensor, dim: int) -> int: ...
def stride(self: Tensor, dim: int | None = None) -> int | tuple[int, ...]:
    """How many elements lie between neighbours along each axis, or along one.

    Of a part of another tensor it is what it is in PyTorch, where the part is a view.
    """
    steps = list(_core.view_strides(self) or ())
    if not steps:
        steps = [0] * self.ndim
        order = list(range(self.ndim))
        if self._channels_last:
            order = [0, *order[2:], 1]
        count = 1
        for axis in reversed(order):
            steps[axis] = count
            count *= max(self.shape[axis], 1)
    if dim is None:
        return tuple(steps)
    return steps[moving.checked_axis(dim, self.ndim, "stride")]


def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """`expand` to the shape of another tensor."""
    return _functions.broadcast_to(self, other.shape)


def get_data(self: Tensor) -> Tensor:
    """The same memory without a gradient. Assigning points the tensor at other memory."""
    return self.detach()


def set_data(self: Tensor, other: Tensor) -> None:
    self._exchange_data(_core.as_tensor(other, self.dtype))


def place(self: Tensor) -> device:
    """The device that the tensor lies on."""
    return device_of(self)


def is_cuda(self: Tensor) -> bool:
    """Whether the tensor lies on a CUDA device."""
    return device_of(self).type == "cuda"


def is_cpu(self: Tensor) -> bool:
    """Whether the tensor lies in the memory of the CPU."""
    return device_of(self).type == "cpu"


def is_mps(self: Tensor) -> bool:
    """Whether the tensor lies on a device of Apple's Metal."""
    return device_of(self).type == "mps"


def is_xpu(self: Tensor) -> bool:
    """Whether the tensor lies on a GPU of Intel's."""
    return device_of(self).type == "xpu"


def retains_grad(self: Tensor) -> bool:
    """Whether `backward` keeps the gradient of this result of an operation."""
    return _core.retains_grad(self)


def transposed(self: Tensor) -> Tensor:
    """The axes in reversed order."""
    return _core.transposed(self)


def matrix_transposed(self: Tensor) -> Tensor:
    """The last two axes exchanged."""
    return _functions.transpose(self, -2, -1)


def adjoint_of(self: Tensor) -> Tensor:
    """The transpose of a matrix."""
    if self.ndim not in (0, 2):
        raise ShapeError(f"H: expected a matrix, got shape {self.shape}")
    return matrix_transposed(self) if self.ndim else self


def iterate(self: Tensor) -> Iterator[Tensor]:
    """Over the first axis."""
    if not self.ndim:
        raise TypeError("iteration over a 0-dimensional tensor")
    return iter(_functions.unbind(self))


# --- conversions


def to(self: Tensor, *args: Target, **kwargs: Unpack[TargetOptions]) -> Tensor:
    """The tensor with another type or on another device: `to(dtype)`, `to(device, dtype)`.

    `to(other)` takes the type and the device of another tensor. If there is nothing to convert,
    the result is the tensor itself, or with `copy=True` a copy.

    Raises:
        RuntimeError: the device is unknown.
    """
    dtype, where = split_target("Tensor.to", args, kwargs)
    t = self if dtype is None or dtype == self.dtype else F.cast(self, dtype=dtype)
    t = t if where is None else moved(t, where)
    return F.copy(t) if kwargs.get("copy") and t is self else t


def to_cpu(self: Tensor, memory_format: object = None) -> Tensor:
    """The tensor on the CPU. A tensor that lies there is returned itself."""
    return moved(self, "cpu")


def to_cuda(self: Tensor, device: Place | int | None = None, non_blocking: bool = False) -> Tensor:
    """The tensor on a GPU; itself, if it lies there.

    Args:
        device: the GPU or its number, the first one if left out.
        non_blocking: has no effect.

    Raises:
        RuntimeError: there is none.
    """
    if device is None or isinstance(device, int):
        device = f"cuda:{device or 0}"
    return moved(self, device)


def type_of(self: Tensor, dtype: DTypeLike | None = None, non_blocking: bool = False) -> Any:
    """The tensor in another type, or without one the name of its type in PyTorch.

    Args:
        dtype: an element type, or a name such as "torch.FloatTensor".
        non_blocking: without an effect.
    """
    if dtype is None:
        from .._base.defaults import name_of_type

        return name_of_type(self.dtype)
    if (isinstance(dtype, str) and dtype.endswith("Tensor")) or callable(dtype):
        from .._base.defaults import type_by_name

        dtype = type_by_name(dtype)
    return _functions.cast(self, dtype)


def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor in the type of another."""
    return _functions.cast(self, other.dtype)


def to_float(self: Tensor, *, memory_format: object = None) -> Tensor:
    """As float32."""
    return _functions.cast(self, "float32")


def to_half(self: Tensor, *, memory_format: object = None) -> Tensor:
    """As float16."""
    return _functions.cast(self, "float16")


def to_bfloat16(self: Tensor, *, memory_format: object = None) -> Tensor:
    """As bfloat16."""
    return _functions.cast(self, "bfloat16")


def to_char(self: Tensor, *, memory_format: object = None) -> Tensor:
    """As int8."""
    return _functions.cast(self, "int8")


def to_long(self: Tensor, *, memory_format: object = None) -> Tensor:
    """As int64."""
    return _functions.cast(self, "int64")


def to_int(self: Tensor, *, memory_format: object = None) -> Tensor:
    """As int32."""
    return _functions.cast(self, "int32")


def to_bool(self: Tensor, *, memory_format: object = None) -> Tensor:
    """As bool."""
    return _functions.cast(self, "bool")


def to_byte(self: Tensor, *, memory_format: object = None) -> Tensor:
    """As uint8."""
    return _functions.cast(self, "uint8")


def _made(self: Tensor, made: Tensor, device: Place | None, requires_grad: bool) -> Tensor:
    made = moved(made, device_of(self) if device is None else device)
    if requires_grad:
        made.requires_grad = True
    return made


def new_tensor(
    self: Tensor,
    data: TensorLike,
    dtype: DTypeLike | None = None,
    *,
    device: Place | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A copy of the data, in this tensor's type and on its device unless others are given."""
    return _made(self, _core.tensor(data, dtype or self.dtype), device, requires_grad)


def new_full(
    self: Tensor,
    size: IntOrInts,
    fill_value: float,
    dtype: DTypeLike | None = None,
    *,
    device: Place | None = None,
    requires_grad: bool = False,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of one value, in this tensor's type and on its device unless others are given."""
    return _made(self, _core.full(size, dtype or self.dtype, fill_value), device, requires_grad)


def new_zeros(
    self: Tensor,
    *size: IntOrInts,
    dtype: DTypeLike | None = None,
    device: Place | None = None,
    requires_grad: bool = False,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """Zeros, in this tensor's type and on its device unless others are given."""
    return _made(
        self, _core.full(moving.one_or_many(size), dtype or self.dtype, 0), device, requires_grad
    )


def new_empty(
    self: Tensor,
    *size: IntOrInts,
    dtype: DTypeLike | None = None,
    device: Place | None = None,
    requires_grad: bool = False,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor without initial values, in this tensor's type unless `dtype` is given."""
    made = _core.empty(moving.one_or_many(size), dtype or self.dtype)
    return _made(self, made, device, requires_grad)


def new_ones(
    self: Tensor,
    *size: IntOrInts,
    dtype: DTypeLike | None = None,
    device: Place | None = None,
    requires_grad: bool = False,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """Ones, in this tensor's type and on its device unless others are given."""
    return _made(
        self, _core.full(moving.one_or_many(size), dtype or self.dtype, 1), device, requires_grad
    )


# --- in place


def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Sets `requires_grad` and returns the tensor."""
    self.requires_grad = requires_grad
    return self


def copy_(self: Tensor, src: TensorLike, non_blocking: bool = False) -> Tensor:
    """Writes the values of `src`, broadcast and converted to this tensor's type.

    Where gradients are recorded they flow to `src`, and no longer to what the tensor was made of.
    """
    recorded = self.requires_grad or (isinstance(src, Tensor) and src.requires_grad)
    if recorded and _core.grad_enabled():
        self[...] = src
        return self
    check_fits("copy_", src, self.dtype)
    try:
        F.assign_(self, src)
    except (TypeError, ValueError) as error:
        from .._base.checks import prefixed  # which the import of the package does without

        raise prefixed("copy_", error) from None
    return self


def write(
    self: Tensor, function: Callable[..., Tensor], who: str, *args: Any, **kwargs: Any
) -> Tensor:
    """Makes the tensor `function(tensor, ...)`, in place.

    On the tape the tensor takes the place of the result, whose call gets another object for the
    tensor as it was. If no other object has the tensor's memory, it takes the result's. Otherwise
    the values are copied, so that the others have them, too. A part of another tensor takes a
    place in that one.

    Raises:
        TypeError: the result is of a higher kind: bool < integers < floats.
        ValueError: the result has another shape.
        RuntimeError: the tensor is a leaf that requires a gradient.
    """
    if not _core.grad_enabled():
        return copy_(self, _fitting(self, function(self, *args, **kwargs), who))
    if self.requires_grad and self.is_leaf:
        raise RuntimeError(
            f"{who}: a leaf that requires a gradient cannot be changed in place; do it under "
            "no_grad()"
        )
    part = self._is_part
    if part:
        _core.check_part(self, who)
    alone = not part and _core.owns_memory(self)
    before = _core.alias(self) if alone else F.copy(self)
    result = _fitting(self, function(before, *args, **kwargs), who)
    if not result.requires_grad:
        return copy_(self, result)
    if result.shape != self.shape:
        raise ShapeError(
            f"{who}: a result of shape {result.shape} does not fit into a tensor of shape "
            f"{self.shape}"
        )
    if result.dtype != self.dtype:
        result = F.cast(result, dtype=self.dtype)
    if not alone:
        mode = _core.set_grad_enabled(False)
        try:
            F.assign_(self, result)
        finally:
            _core.set_grad_enabled(mode)
    _core.become(self, result, alone)
    if not alone:
        from .._base.views import place_in_original

        place_in_original(self)
    return self


def _fitting(self: Tensor, result: Tensor, who: str) -> Tensor:
    if RANK[result.dtype.kind] > RANK[self.dtype.kind]:
        raise DTypeError(
            f"{who}: a result of type {result.dtype} does not fit into a tensor of type "
            f"{self.dtype}; use {who[:-1]}(), which makes a new tensor"
        )
    return result


RANK = {"b": 0, "u": 1, "i": 1, "f": 2}  # of NumPy's kinds of types


# Loops of users call these most, so they are written out. in_place.py makes the others.
def add_(self: Tensor, other: TensorLike, *, alpha: float = 1) -> Tensor:
    """Adds `alpha * other` in place."""
    return write(self, _functions.add, "add_", other, alpha=alpha)


def sub_(self: Tensor, other: TensorLike, *, alpha: float = 1) -> Tensor:
    """Subtracts `alpha * other` in place."""
    return write(self, _functions.sub, "sub_", other, alpha=alpha)


def mul_(self: Tensor, other: TensorLike) -> Tensor:
    """Multiplies in place."""
    return write(self, F.mul, "mul_", other)


def div_(self: Tensor, other: TensorLike, *, rounding_mode: str | None = None) -> Tensor:
    """Divides in place."""
    return write(self, _functions.div, "div_", other, rounding_mode=rounding_mode)


def polygamma(self: Tensor, n: int) -> Tensor:
    """The n-th derivative of `digamma`."""
    return _functions.polygamma(n, self)


def polygamma_(self: Tensor, n: int) -> Tensor:
    """`polygamma` in place."""
    return write(self, polygamma, "polygamma_", n)


def fill_(self: Tensor, value: TensorLike) -> Tensor:
    """Writes one value everywhere.

    ValueError for several values, and for an integer that an integer type cannot hold.
    """
    return copy_(self, single("fill_", value, self.dtype))


def single(who: str, value: TensorLike, dtype: np.dtype[Any]) -> TensorLike:
    """The value, if it is a single one that fits into a type of integers."""
    if isinstance(value, (int, float)):
        check_fits(who, value, dtype)
        return value
    one = _core.as_tensor(value)
    if one.numel() != 1:
        raise ShapeError(f"{who}: value: expected a single number, got shape {one.shape}")
    return F.reshape(one, shape=())


def zero_(self: Tensor) -> Tensor:
    """Writes zeros."""
    return copy_(self, 0)


def masked_fill_(self: Tensor, mask: TensorLike, value: TensorLike) -> Tensor:
    """Writes `value` where the mask is true."""
    return write(self, _functions.masked_fill, "masked_fill_", mask, value)


def real(self: Tensor) -> Tensor:
    """The tensor itself: there are no complex numbers."""
    return self


def rounded(self: Tensor, ndigits: int | None = None) -> Tensor:
    """`round(x)` and `round(x, ndigits)`; halves go to the even digit."""
    return _functions.round(self, decimals=ndigits or 0)


# --- NumPy's functions


def array_function(
    self: Tensor,
    function: Callable[..., object],
    types: object,
    args: tuple[object, ...],
    kwargs: dict[str, object],
) -> object:
    """Calls a function of NumPy with arrays instead of tensors. It returns arrays."""

    def plain(value: object) -> object:
        return np.asarray(value) if isinstance(value, Tensor) else value

    args, kwargs = tree.map_structure(plain, args), tree.map_structure(plain, kwargs)
    return function(*args, **kwargs)


# --- attributes that are not there


def not_found(self: Tensor, name: str) -> Any:
    from .._base.missing import lookup_failed

    return lookup_failed(self, name, ("torch.Tensor",))


# --- copying and pickling


def deepcopy(self: Tensor, memo: dict[int, object]) -> Tensor:
    """A leaf with its own memory. RuntimeError for the result of a recorded computation."""
    if not self.is_leaf:
        raise RuntimeError("deepcopy: only leaves can be copied; detach() the tensor first")
    copy = _core.tensor(self.detach())
    copy.requires_grad = self.requires_grad
    return copy


def reduce(self: Tensor, protocol: SupportsIndex = 2) -> tuple[object, ...]:
    """Pickles a tensor as its array. NumPy has no bfloat16, so it is pickled as integers."""
    if self.dtype == "bfloat16":
        return _unpickled, (_core.bits_of(self), self.requires_grad, "bfloat16")
    return _unpickled, (np.asarray(self.detach()), self.requires_grad)


def _unpickled(values: np.ndarray, requires_grad: bool, dtype: str | None = None) -> Tensor:
    t = _core.as_tensor(values, keep_type=True) if dtype is None else _core.bfloat16_of(values)
    t.requires_grad = requires_grad
    return t


METHODS: dict[str, Callable[..., object]] = {
    "size": size,
    "dim": dim,
    "ndimension": dim,
    "element_size": element_size,
    "is_contiguous": is_contiguous,
    "contiguous": contiguous,
    "view": view,
    "view_as": view_as,
    "expand_as": expand_as,
    "reshape_as": reshape_as,
    "is_same_size": is_same_size,
    "sum_to_size": sum_to_size,
    "stride": stride,
    "nelement": nelement,
    "to": to,
    "cpu": to_cpu,
    "cuda": to_cuda,
    "type": type_of,
    "type_as": type_as,
    "float": to_float,
    "half": to_half,
    "bfloat16": to_bfloat16,
    "char": to_char,
    "long": to_long,
    "int": to_int,
    "bool": to_bool,
    "byte": to_byte,
    "new_tensor": new_tensor,
    "new_full": new_full,
    "new_zeros": new_zeros,
    "new_ones": new_ones,
    "new_empty": new_empty,
    "requires_grad_": requires_grad_,
    "register_hook": register_hook,
    "register_post_accumulate_grad_hook": register_post_accumulate_grad_hook,
    "retain_grad": retain_grad,
    "add_": add_,
    "sub_": sub_,
    "mul_": mul_,
    "div_": div_,
    "polygamma": polygamma,
    "polygamma_": polygamma_,
    "copy_": copy_,
    "fill_": fill_,
    "zero_": zero_,
    "masked_fill_": masked_fill_,
    "uniform_": uniform_,
    "normal_": normal_,
    "bernoulli": bernoulli,
    "bernoulli_": bernoulli_,
    "random_": random_,
    "fill_diagonal_": fill_diagonal_,
    "exponential_": exponential_,
    "geometric_": geometric_,
    "log_normal_": log_normal_,
    "cauchy_": cauchy_,
    "__round__": rounded,
    "__array_function__": array_function,
    "_not_found": not_found,
    "__iter__": iterate,
    "__deepcopy__": deepcopy,
    "__reduce__": reduce,
    "__reduce_ex__": reduce,
}
# The getter of each property, and its setter if it has one.
PROPERTIES: dict[str, tuple[Any, ...]] = {
    "data": (get_data, set_data),
    "device": (place,),
    "is_cpu": (is_cpu,),
    "is_cuda": (is_cuda,),
    "is_mps": (is_mps,),
    "is_xpu": (is_xpu,),
    "retains_grad": (retains_grad,),
    "T": (transposed,),
    "mT": (matrix_transposed,),
    "real": (real,),
    "mH": (matrix_transposed,),
    "H": (adjoint_of,),
}


class _Later:
    """Stands for the methods that are loaded when one of them is used first."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, tensor: Tensor | None, owner: type) -> Any:
        from .in_place import in_place

        for name in LATER.split():
            setattr(Tensor, name, getattr(_functions, name))
        for name in IN_PLACE.split():
            setattr(Tensor, f"{name}_", in_place(f"{name}_"))
        from . import more_methods

        for name in MORE.split():
            setattr(Tensor, name, getattr(more_methods, name))
        for name in MORE_PROPERTIES.split():
            setattr(Tensor, name, property(getattr(more_methods, name)))
        return getattr(owner if tensor is None else tensor, self.name)


def _attach() -> None:
    for name in FUNCTIONS.split():
        setattr(Tensor, name, getattr(_functions, name))
    for name in f"{LATER} {MORE} {MORE_PROPERTIES}".split():
        setattr(Tensor, name, _Later(name))
    for name in IN_PLACE.split():
        setattr(Tensor, f"{name}_", _Later(f"{name}_"))
    for name, method in METHODS.items():
        setattr(Tensor, name, method)
    for name, accessors in PROPERTIES.items():
        setattr(Tensor, name, property(*accessors))


_attach()
