"""`torch.nn.parallel`: a network that PyTorch spreads over several GPUs runs on the one device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base.checks import check_integer, shown
from .._base.module import Module

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class DataParallel(Module):
    """Calls a module, as PyTorch's does on a machine without GPUs.

    Names in the state begin with `module.`, as PyTorch's do.

    Args:
        module: the network.
        device_ids, output_device: have no effect.
        dim: the axis of the samples, along which PyTorch divides batches; kept.

    Raises:
        TypeError: `module` is no module.
        ValueError: `dim` is no integer.

    Source: `torch.nn.DataParallel`.

    Example:
        >>> net = nn.DataParallel(nn.Linear(2, 3))
        >>> net(fastdl.ones(1, 2)).shape, list(net.state_dict())
        ((1, 3), ['module.weight', 'module.bias'])
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
    ) -> None:
        super().__init__()
        if not isinstance(module, Module):
            raise TypeError(f"DataParallel: module: expected a module, got {shown(module)}")
        self.module = module
        self.device_ids: list[int] = []
        self.dim = check_integer("DataParallel", "dim", dim)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Sequence[Any] | None = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: Mapping[str, Any] | None = None,
) -> Any:
    """Calls a module on `inputs`, a tuple of arguments or a single one.

    Source: `torch.nn.parallel.data_parallel`.

    Example:
        >>> nn.parallel.data_parallel(nn.Linear(2, 3), fastdl.ones(1, 2)).shape
        (1, 3)
    """
    given = inputs if isinstance(inputs, tuple) else (inputs,)
    return DataParallel(module)(*given, **(module_kwargs or {}))
