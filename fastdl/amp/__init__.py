"""PyTorch's interface to mixed precision: products with bfloat16 operands."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar

from .. import _core
from .._base.checks import check_choice, check_flag, check_number
from .._base.device import device as _device
from .._base.device import name_of
from .._base.dtype_policy import warn_if_missing
from .._base.dtypes import as_dtype

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import DTypeLike

    from .._base.device import Place
    from .._core import Tensor
    from ..optim.optimizer import Optimizer

Function = TypeVar("Function", bound="Callable[..., Any]")


def is_autocast_available(device_type: str) -> bool:
    """Whether `autocast` accepts a type of device: "cpu", or one that an extension registered.

    Source: `torch.amp.is_autocast_available`.

    Example:
        >>> amp.is_autocast_available("cpu")
        True
    """
    try:
        name_of(_device(device_type))
    except RuntimeError:
        return False
    return True


class autocast:
    """A context, or a decorator, in which products take operands rounded to bfloat16.

    Matrix products and convolutions do, forward and backward, where the CPU has instructions for it
    and the sizes gain from it. Sums, results and all else are float32, so results are float32
    tensors, at least as accurate as PyTorch's. It holds for the thread that enters it.

    Args:
        device_type: "cpu".
        dtype: bfloat16, the default of None. With float16 and float32 all is computed in float32.
        enabled: False computes in float32, also within another autocast.
        cache_enabled: without effect.

    Raises:
        RuntimeError: another device.
        ValueError: another type.

    Source: `torch.amp.autocast`.

    Example:
        >>> with amp.autocast("cpu", dtype=fastdl.bfloat16):
        ...     y = nn.Linear(2, 2)(fastdl.ones(1, 2))
        >>> y.dtype
        dtype('float32')
    """

    def __init__(
        self,
        device_type: str,
        dtype: DTypeLike | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        who = type(self).__name__
        place = _device(device_type)
        name_of(place)
        self.device = place.type
        name = None if dtype is None else as_dtype(dtype).name
        check_choice(who, "dtype", name, (None, "bfloat16", "float16", "float32"))
        check_flag(who, "enabled", enabled)
        if cache_enabled is not None:
            check_flag(who, "cache_enabled", cache_enabled)
        self._on = bool(enabled) and name in (None, "bfloat16")
        self._before: list[bool] = []

    def __enter__(self) -> autocast:
        if self._on:
            warn_if_missing("autocast")
        self._before.append(_core.set_autocast(self._on))
        return self

    def __exit__(self, *exception: object) -> None:
        _core.set_autocast(self._before.pop())

    def __call__(self, function: Function) -> Function:
        @functools.wraps(function)
        def within(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return within  # type: ignore[return-value]


def is_autocast_enabled(device_type: str = "cpu") -> bool:
    """Whether products take bfloat16 operands now, on this thread.

    Source: `torch.is_autocast_enabled`.

    Example:
        >>> with amp.autocast("cpu"):
        ...     amp.is_autocast_enabled("cpu")
        True
    """
    return is_autocast_available(device_type) and _core.autocast()


class GradScaler:
    """Scales a loss against underflow of float16 in PyTorch. Here the factor is 1.

    Gradients are float32, which needs no factor. As in PyTorch, `step` leaves out a step of
    gradients that are not finite only where float16 is used: here it never does.

    Args:
        device, init_scale, growth_factor, backoff_factor, growth_interval: without effect.
        enabled: what `is_enabled` says.

    Source: `torch.amp.GradScaler`.

    Example:
        >>> scaler = amp.GradScaler("cpu")
        >>> scaler.scale(fastdl.ones(1)).item(), scaler.get_scale()
        (1.0, 1.0)
    """

    def __init__(
        self,
        device: Place = "cuda",
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        options = {
            "init_scale": init_scale,
            "growth_factor": growth_factor,
            "backoff_factor": backoff_factor,
            "growth_interval": growth_interval,
        }
        for name, value in options.items():
            check_number("GradScaler", name, value, above=0.0)
        self.device = str(device)
        self._enabled = bool(check_flag("GradScaler", "enabled", enabled))

    def scale(self, outputs: Any) -> Any:
        """The outputs themselves."""
        return outputs

    def unscale_(self, optimizer: Optimizer) -> None:
        """Does nothing: gradients have the factor 1."""

    def step(self, optimizer: Optimizer, *args: Any, **kwargs: Any) -> Any:
        """`optimizer.step(*args, **kwargs)`."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Does nothing: the factor stays 1."""

    def get_scale(self) -> float:
        """1.0."""
        return 1.0

    def is_enabled(self) -> bool:
        """Whether it was made with `enabled=True`."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """An empty dict: there is no state."""
        return {}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Does nothing: there is no state."""


def custom_fwd(
    fwd: Function | None = None, *, device_type: str, cast_inputs: DTypeLike | None = None
) -> Any:
    """Decorator of the `forward` of an `autograd.Function`, without effect.

    Source: `torch.amp.custom_fwd`.
    """
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    return fwd


def custom_bwd(bwd: Function | None = None, *, device_type: str) -> Any:
    """Decorator of the `backward` of an `autograd.Function`, without effect.

    Source: `torch.amp.custom_bwd`.
    """
    return functools.partial(custom_bwd, device_type=device_type) if bwd is None else bwd
