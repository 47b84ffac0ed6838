"""Buffers, and parameters and buffers of modules that wait for their first input."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from .. import _core
from .._core import Tensor
from .device import check_target
from .parameter import Parameter

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._core import TensorLike
    from .device import Place


class Buffer(Tensor):
    """A tensor that a module registers as a buffer when it is assigned to an attribute.

    Args:
        data: tensor, array or nested list; a tensor's memory is shared. None for no elements.
        persistent: whether `state_dict()` has it.

    Source: `torch.nn.Buffer`.

    Example:
        >>> net = nn.Module()
        >>> net.scale = nn.Buffer(fastdl.ones(2))
        >>> [name for name, _ in net.named_buffers()]
        ['scale']
    """

    def __init__(self, data: TensorLike | None = None, *, persistent: bool = True) -> None:
        super().__init__(_core.empty((0,), "float32") if data is None else data)
        self.persistent = bool(persistent)


class Uninitialized(Tensor):
    """Base of tensors without a shape yet."""

    def _none(self) -> NoReturn:
        raise RuntimeError(
            f"{type(self).__name__}: there is no shape yet; call the lazy module with an input"
        )

    shape = property(_none)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(Uninitialized, Parameter):
    """The parameter of a lazy module before its first input.

    Args:
        requires_grad: whether the parameter will be trained.
        device: "cpu" or None.
        dtype: float32 or None.

    Source: `torch.nn.UninitializedParameter`.

    Example:
        >>> nn.UninitializedParameter()
        <UninitializedParameter>
    """

    def __init__(
        self,
        requires_grad: bool = True,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        check_target("UninitializedParameter", (), {"device": device, "dtype": dtype})
        super().__init__(_core.empty((0,), "float32"), requires_grad)

    def __deepcopy__(self, memo: dict[int, object]) -> UninitializedParameter:
        return UninitializedParameter(self.requires_grad)

    def __reduce_ex__(self, protocol: object) -> tuple[object, ...]:  # type: ignore[override]
        return UninitializedParameter, (self.requires_grad,)


class UninitializedBuffer(Uninitialized):
    """The buffer of a lazy module before its first input.

    Args:
        requires_grad: False.
        device: "cpu" or None.
        dtype: float32 or None.
        persistent: whether `state_dict()` has it.

    Source: `torch.nn.UninitializedBuffer`.

    Example:
        >>> nn.UninitializedBuffer()
        <UninitializedBuffer>
    """

    def __init__(
        self,
        requires_grad: bool = False,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
        persistent: bool = True,
    ) -> None:
        check_target("UninitializedBuffer", (), {"device": device, "dtype": dtype})
        super().__init__(_core.empty((0,), "float32"))
        self.requires_grad = requires_grad
        self.persistent = persistent

    def __deepcopy__(self, memo: dict[int, object]) -> UninitializedBuffer:
        return UninitializedBuffer()

    def __reduce_ex__(self, protocol: object) -> tuple[object, ...]:
        return UninitializedBuffer, ()
