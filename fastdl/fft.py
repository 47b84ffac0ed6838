"""What `torch.fft` has for real numbers: frequencies, and their order.

There are no complex tensors. `fastdl.ops` has `fft`, `rfft`, `irfft`, `stft` and others as Keras
does: with real and imaginary parts as two tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from . import _core
from ._base import moving
from ._base.checks import check_integer, check_number
from ._base.creation import finished
from ._graph.lift import liftable

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from ._base.device import Place
    from ._core import IntOrInts, Tensor, TensorLike

__all__ = ["fftfreq", "fftshift", "ifftshift", "rfftfreq"]


def fftfreq(
    n: int,
    d: float = 1.0,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: Place | None = None,
    out: Tensor | None = None,
    layout: object = None,
) -> Tensor:
    """The frequencies of the n results of a Fourier transform: 0, 1, ..., -2, -1 over `n d`.

    Args:
        n: how many.
        d: the distance of the samples.
        dtype, requires_grad, device, out, layout: as for `fastdl.zeros`.

    Raises:
        ValueError: n is below 1.

    Source: `torch.fft.fftfreq`.

    Example:
        >>> fastdl.fft.fftfreq(4).tolist()
        [0.0, 0.25, -0.5, -0.25]
    """
    values = np.fft.fftfreq(*_checked("fft.fftfreq", n, d))
    return finished(_core.as_tensor(values, dtype or "float32"), requires_grad, device, out)


def rfftfreq(
    n: int,
    d: float = 1.0,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: Place | None = None,
    out: Tensor | None = None,
    layout: object = None,
) -> Tensor:
    """The frequencies of the `n // 2 + 1` results of a transform of real numbers.

    Args:
        n, d, dtype, requires_grad, device, out, layout: as for `fftfreq`.

    Source: `torch.fft.rfftfreq`.

    Example:
        >>> fastdl.fft.rfftfreq(4).tolist()
        [0.0, 0.25, 0.5]
    """
    values = np.fft.rfftfreq(*_checked("fft.rfftfreq", n, d))
    return finished(_core.as_tensor(values, dtype or "float32"), requires_grad, device, out)


def _checked(who: str, n: int, d: float) -> tuple[int, float]:
    step = check_number(who, "d", d, -np.inf)
    if step == 0:
        raise ValueError(f"{who}: d: expected a distance that isn't 0, got 0")
    return check_integer(who, "n", n, 1), step


@liftable
def fftshift(input: TensorLike, dim: IntOrInts | None = None) -> Tensor:
    """Moves the frequency 0, which comes first, to the middle of axes.

    Args:
        input: a tensor.
        dim: the axes; None for all.

    Source: `torch.fft.fftshift`.

    Example:
        >>> fastdl.fft.fftshift(fastdl.fft.fftfreq(4)).tolist()
        [-0.5, -0.25, 0.0, 0.25]
    """
    return _moved("fft.fftshift", input, dim, lambda n: n // 2)


@liftable
def ifftshift(input: TensorLike, dim: IntOrInts | None = None) -> Tensor:
    """The inverse of `fftshift`.

    Args:
        input, dim: as for `fftshift`.

    Source: `torch.fft.ifftshift`.

    Example:
        >>> fastdl.fft.ifftshift([-1.0, 0.0, 1.0]).tolist()
        [0.0, 1.0, -1.0]
    """
    return _moved("fft.ifftshift", input, dim, lambda n: -(n // 2))


def _moved(who: str, input: TensorLike, dim: IntOrInts | None, far: Callable[[int], int]) -> Tensor:
    x = _core.as_tensor(input)
    axes = list(range(x.ndim)) if dim is None else moving.checked_axes(dim, x.ndim, who)
    shifts = [far(x.shape[axis]) for axis in axes]
    return moving.rolled(x, shifts, axes, who) if axes else x


if not TYPE_CHECKING:
    from ._base.missing import attributes_missing_from as _attributes_missing_from

    __getattr__ = _attributes_missing_from(__name__)
