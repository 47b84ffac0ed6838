"""Methods of Tensor that few programs use, loaded when one of them is used first.

Those that change the shape in place, those that compute anything else without a function of their
name, and what PyTorch's programs ask of a tensor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core, _functions
from .._base import functional as F
from .._base import moving
from .._base.checks import KindError, shown
from .._base.device import device_of
from .._core import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._core import IntOrInts, TensorLike


# --- another shape, in place


def _reshaped(
    self: Tensor, who: str, function: Callable[..., Tensor], *args: Any, **kwargs: Any
) -> Tensor:
    """Makes the tensor `function(tensor, ...)`: the same values in another shape or order.

    Where gradients are recorded the tensor takes the place of the result. A tensor over the memory
    of an array gets memory of its own if the values take other places.

    Raises:
        RuntimeError: the tensor is a leaf that requires a gradient, it has a gradient, or its
            values take other places and something else shares its memory.
    """
    recorded = self.requires_grad and _core.grad_enabled()
    if recorded and self.is_leaf:
        raise RuntimeError(
            f"{who}: a leaf that requires a gradient cannot be changed in place; do it under "
            "no_grad()"
        )
    if self.is_leaf and self.grad is not None:
        raise RuntimeError(f"{who}: the tensor has a gradient of its shape; set grad to None first")
    mode = _core.set_grad_enabled(recorded)
    try:
        result = function(_core.alias(self) if recorded else self.detach(), *args, **kwargs)
    finally:
        _core.set_grad_enabled(mode)
    moves = not result._shares_storage(self)
    if moves:
        result._own()  # it takes the place of the tensor
    if moves and result.numel() and (self._is_part or _core.memory_has_others(self)):
        raise RuntimeError(
            f"{who}: the values take other places, and something else shares the tensor's memory: "
            f"use {who[:-1]}(), which makes a new tensor"
        )
    if recorded:
        _core.become(self, result, True)
    else:
        _core.take_shape(self, result)
    return self


def t_(self: Tensor) -> Tensor:
    """`t` in place."""
    return _reshaped(self, "t_", _functions.t)


def transpose_(self: Tensor, dim0: int, dim1: int) -> Tensor:
    """`transpose` in place."""
    return _reshaped(self, "transpose_", _functions.transpose, dim0, dim1)


def swapaxes_(self: Tensor, axis0: int, axis1: int) -> Tensor:
    """`swapaxes` in place."""
    return _reshaped(self, "swapaxes_", _functions.transpose, axis0, axis1)


def swapdims_(self: Tensor, dim0: int, dim1: int) -> Tensor:
    """`swapdims` in place."""
    return _reshaped(self, "swapdims_", _functions.transpose, dim0, dim1)


def squeeze_(self: Tensor, dim: IntOrInts | None = None) -> Tensor:
    """`squeeze` in place."""
    return _reshaped(self, "squeeze_", _functions.squeeze, dim)


def unsqueeze_(self: Tensor, dim: int) -> Tensor:
    """`unsqueeze` in place."""
    return _reshaped(self, "unsqueeze_", _functions.unsqueeze, dim)


def resize_(self: Tensor, *size: IntOrInts) -> Tensor:
    """Gives the tensor another shape: its first values stay, and values that are new are 0.

    Raises:
        RuntimeError: a gradient is recorded, or more values are wanted than the memory has and
            something else shares it.
    """
    if self.requires_grad:
        raise RuntimeError("resize_: a tensor that requires a gradient cannot be resized")
    shape = moving.one_by_one(size)
    target = _core.full(shape, self.dtype, 0)
    if target.numel() <= self.numel():
        part = F.reshape(self, shape=(-1,))[: target.numel()]
        _core.take_shape(self, self._view(shape, 0) if not self._channels_last else part)
        return self
    if self._is_part or _core.memory_has_others(self):
        raise RuntimeError(
            f"resize_: {target.numel()} values do not fit where this tensor has "
            f"{self.numel()}, and something else shares the memory"
        )
    if self.numel():
        flat = F.reshape(target, shape=(-1,))
        flat[: self.numel()] = F.reshape(self, shape=(-1,))
    _core.take_shape(self, target)
    return self


def resize_as_(self: Tensor, the_template: Tensor) -> Tensor:
    """`resize_` to the shape of another tensor."""
    return resize_(self, the_template.shape)


def set_(self: Tensor, source: TensorLike | None = None) -> Tensor:
    """Points the tensor at the memory of another of its type, and gives it that shape.

    Without a source it has no elements afterwards. `t.data = source` does the same.

    Raises:
        TypeError: `source` has another type.
        RuntimeError: a recorded operation reads the tensor, and the shape would change.
    """
    if source is not None and not isinstance(source, Tensor):
        raise KindError(f"set_: source: expected a tensor or None, got {shown(source)}")
    if self.requires_grad and self.is_leaf and _core.grad_enabled():
        raise RuntimeError(
            "set_: a leaf that requires a gradient can't be changed; do it in no_grad()"
        )
    self._exchange_data(_core.full((0,), self.dtype, 0) if source is None else source)
    return self


def detach_(self: Tensor) -> Tensor:
    """Takes the tensor off the tape: it is a leaf that requires no gradient from now on."""
    if self.is_leaf:
        self.requires_grad = False
    else:
        _core.become(self, self.detach())
    return self


# --- values


def where(self: Tensor, condition: TensorLike, other: TensorLike) -> Tensor:
    """The tensor's values where the condition holds, those of `other` elsewhere."""
    return _functions.where(condition, self, other)


def hardshrink(self: Tensor, lambd: float = 0.5) -> Tensor:
    """The values whose amount is above `lambd`, 0 for others."""
    return _functions.where(F.gt(F.abs(self), lambd), self, 0.0)


def prelu(self: Tensor, weight: TensorLike) -> Tensor:
    """The values, times the weight of the channel where they are negative."""
    w = _core.as_tensor(weight)
    if w.numel() != 1 and (self.ndim < 2 or w.numel() != self.shape[1]):
        count = self.shape[1] if self.ndim > 1 else 1
        raise RuntimeError(f"prelu: weight: expected {count} or 1 values, got {w.numel()}")
    if w.numel() != 1:
        w = F.reshape(w, shape=(-1,) + (1,) * (self.ndim - 2))
    else:
        w = F.reshape(w, shape=())
    return F.add(F.maximum(self, 0.0), F.mul(w, F.minimum(self, 0.0)))


def apply_(self: Tensor, callable: Callable[[float], float]) -> Tensor:
    """Writes `callable(value)` for each value, a Python number, in place."""
    return map_(self, self, lambda value, _: callable(value))


def map_(self: Tensor, other: Tensor, callable: Callable[[float, float], float]) -> Tensor:
    """Writes `callable(value, other's value)` for each value, in place."""
    return _mapped(self, "map_", callable, self, other)


def map2_(
    self: Tensor, x: Tensor, y: Tensor, callable: Callable[[float, float, float], float]
) -> Tensor:
    """Writes `callable(value, x's value, y's value)` for each value, in place."""
    return _mapped(self, "map2_", callable, self, x, y)


def _mapped(self: Tensor, who: str, callable: Callable[..., float], *args: Tensor) -> Tensor:
    if any(t.requires_grad for t in args):
        raise RuntimeError(f"{who}: a gradient can't be recorded through a Python function")
    from .._base.watch import refuse

    refuse(f"{who} calls Python for each value")
    lists = [F.reshape(F.broadcast_to(t, shape=self.shape), shape=(-1,)).tolist() for t in args]
    values = [callable(*one) for one in zip(*lists, strict=True)]
    return self.copy_(_core.tensor(np.array(values).reshape(self.shape), self.dtype))


def unsafe_split_with_sizes(
    self: Tensor, split_sizes: Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """`split` into parts of these sizes."""
    return _functions.split(self, tuple(split_sizes), dim)


def to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
    """The tensor itself, or cast: all tensors are dense."""
    return self if dtype is None else _functions.cast(self, dtype)


def module_load(self: Tensor, other: TensorLike, assign: bool = False) -> Tensor:
    """What a state gives for this tensor: the other one, or this one with its values."""
    if assign:
        return _core.as_tensor(other).detach()
    mode = _core.set_grad_enabled(False)
    try:
        return self.copy_(other)
    finally:
        _core.set_grad_enabled(mode)


def new(self: Tensor, *args: Any) -> Tensor:
    """A tensor of this type: of the values of a sequence, or of a shape without values."""
    if all(isinstance(n, (int, np.integer)) for n in args):
        return _core.empty(tuple(map(int, args)) if args else (0,), self.dtype)
    (values,) = args
    return _core.tensor(values, self.dtype)


# --- questions


def get_device(self: Tensor) -> int:
    """The index of the device; -1 on the CPU."""
    where = device_of(self)
    return -1 if where.type == "cpu" else where.index or 0


def dim_order(self: Tensor, *, ambiguity_check: bool = False) -> tuple[int, ...]:
    """The axes by their distance in memory, the farthest first."""
    axes = range(self.ndim)
    return (0, *axes[2:], 1) if self._channels_last else tuple(axes)


def storage_offset(self: Tensor) -> int:
    """Where the tensor begins in its memory, in elements."""
    return self._offset


def const_data_ptr(self: Tensor) -> int:
    """`data_ptr`."""
    return self.data_ptr()


def is_signed(self: Tensor) -> bool:
    """Whether the type has negative numbers."""
    return self.dtype.kind in "if"


def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether another tensor has the same memory and shape."""
    same = self.shape == tensor.shape and self._offset == tensor._offset
    return same and self._shares_storage(tensor)


def is_inference(self: Tensor) -> bool:
    """False: tensors made under `inference_mode` are as others."""
    return False


def is_neg(self: Tensor) -> bool:
    """False: a negated tensor has its values."""
    return False


def is_pinned(self: Tensor, device: object = None) -> bool:
    """False: there is no GPU to copy to."""
    return False


def is_shared(self: Tensor) -> bool:
    """False: the memory is that of this process."""
    return False


def is_distributed(self: Tensor) -> bool:
    """False."""
    return False


def is_false(self: Tensor) -> bool:
    """False: tensors are dense and hold their values as they are, and there is no such device."""
    return False


is_ipu = is_maia = is_meta = is_mkldnn = is_mtia = is_nested = is_quantized = is_false
is_sparse = is_sparse_csr = is_vulkan = is_xla = is_false
