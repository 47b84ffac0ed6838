"""Variable: PyTorch's old name of a tensor that the tape watches."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._base.checks import shown


class _IsTensor(type):
    """`isinstance(t, Variable)` holds for each tensor, as in PyTorch."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _core.Tensor)


class Variable(metaclass=_IsTensor):
    """Gives a tensor with the memory of another one, without its history.

    Programs from before PyTorch 0.4 wrap tensors so. Tensors do without it.

    Args:
        data: the tensor.
        requires_grad: whether gradients are computed for the result.
        volatile: has no effect, as in PyTorch.

    Raises:
        TypeError: `data` is no tensor.
        RuntimeError: integers cannot require a gradient.

    Source: `torch.autograd.Variable`. `fastdl.Variable` is Keras's.

    Example:
        >>> x = fastdl.autograd.Variable(fastdl.ones(2), requires_grad=True)
        >>> (x * 3).sum().backward()
        >>> x.grad.tolist()
        [3.0, 3.0]
    """

    # Called, it gives a tensor, so that this is never made.
    def __new__(
        cls, data: _core.Tensor, requires_grad: bool = False, volatile: bool = False
    ) -> Any:
        if not isinstance(data, _core.Tensor):
            raise TypeError(f"Variable: data: expected a tensor, got {shown(data)}")
        result = data.detach()
        result.requires_grad = requires_grad
        return result
