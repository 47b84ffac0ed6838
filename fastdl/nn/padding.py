"""Padding as modules. Tensors are (N, C, places...) or (C, places...), as in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .. import _core
from .._base.checks import check_integers, check_number, shown
from .._core import ArgumentError, ShapeError
from . import functional
from ._calls import OfTensor
from ._grids import refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor, TensorLike

    Widths = int | Sequence[int]


class _Pad(OfTensor):
    _rank: ClassVar[int]
    _mode: ClassVar[str] = "constant"
    value: float = 0.0

    def __init__(self, padding: Widths) -> None:
        super().__init__()
        who = type(self).__name__
        widths = check_integers(who, "padding", padding)
        self.padding = (widths,) * (2 * self._rank) if isinstance(widths, int) else widths
        if len(self.padding) != 2 * self._rank:
            raise ArgumentError(
                f"{who}: padding: expected an integer or {2 * self._rank} of them, got "
                f"{shown(padding)}"
            )

    def forward(self, input: TensorLike) -> Tensor:
        x = _core.as_tensor(input)
        if x.ndim not in (self._rank + 1, self._rank + 2):
            raise ShapeError(
                f"{type(self).__name__}: expected an input of {self._rank + 1} or "
                f"{self._rank + 2} axes, got shape {x.shape}"
            )
        value = self.value if self._mode == "constant" else None
        try:
            return functional.pad(x, self.padding, self._mode, value)
        except (TypeError, ValueError) as error:
            raise refused(type(self).__name__, error, x.shape) from None

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    def __init__(self, padding: Widths, value: float) -> None:
        super().__init__(padding)
        self.value = check_number(type(self).__name__, "value", value, -float("inf"))

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_Pad):
    pass


class _ReflectionPad(_Pad):
    _mode = "reflect"


class _ReplicationPad(_Pad):
    _mode = "replicate"


class _CircularPad(_Pad):
    _mode = "circular"


class ConstantPad1d(_ConstantPad):
    """Continues the last axis by a value.

    Args:
        padding: widths: before and after the axis; one integer counts for all.
            Negative ones cut off.
        value: what is added.

    Raises:
        ValueError: other numbers of widths. From a call, if the input has other axes.

    Source: `torch.nn.ConstantPad1d`.

    Example:
        >>> nn.ConstantPad1d(1, 0.5)(fastdl.ones(1, 2, 3)).shape
        (1, 2, 5)
    """

    _rank = 1


class ConstantPad2d(_ConstantPad):
    """Continues the last two axes by a value.

    Args:
        padding: widths: left, right, top, bottom; one integer counts for all.
            Negative ones cut off.
        value: what is added.

    Raises:
        ValueError: other numbers of widths. From a call, if the input has other axes.

    Source: `torch.nn.ConstantPad2d`.

    Example:
        >>> nn.ConstantPad2d(1, 0.5)(fastdl.ones(1, 2, 3, 3)).shape
        (1, 2, 5, 5)
    """

    _rank = 2


class ConstantPad3d(_ConstantPad):
    """Continues the last three axes by a value.

    Args:
        padding: widths: left, right, top, bottom, front, back; one integer counts for all.
            Negative ones cut off.
        value: what is added.

    Raises:
        ValueError: other numbers of widths. From a call, if the input has other axes.

    Source: `torch.nn.ConstantPad3d`.

    Example:
        >>> nn.ConstantPad3d(1, 0.5)(fastdl.ones(1, 2, 3, 3, 3)).shape
        (1, 2, 5, 5, 5)
    """

    _rank = 3


class ZeroPad1d(_ZeroPad):
    """Continues the last axis by zeros.

    Args:
        padding: widths: before and after the axis; one integer counts for all.
            Negative ones cut off.

    Raises:
        ValueError: other numbers of widths. From a call, if the input has other axes.

    Source: `torch.nn.ZeroPad1d`.

    Example:
        >>> nn.ZeroPad1d(1)(fastdl.ones(1, 2, 3)).shape
        (1, 2, 5)
    """

    _rank = 1


class ZeroPad2d(_ZeroPad):
    """Continues the last two axes by zeros.

    Args:
        padding: widths: left, right, top, bottom; one integer counts for all.
            Negative ones cut off.

    Raises:
        ValueError: other numbers of widths. From a call, if the input has other axes.

    Source: `torch.nn.ZeroPad2d`.

    Example:
        >>> nn.ZeroPad2d(1)(fastdl.ones(1, 2, 3, 3)).shape
        (1, 2, 5, 5)
    """

    _rank = 2


class ZeroPad3d(_ZeroPad):
    """Continues the last three axes by zeros.

    Args:
        padding: widths: left, right, top, bottom, front, back; one integer counts for all.
            Negative ones cut off.

    Raises:
        ValueError: other numbers of widths. From a call, if the input has other axes.

    Source: `torch.nn.ZeroPad3d`.

    Example:
        >>> nn.ZeroPad3d(1)(fastdl.ones(1, 2, 3, 3, 3)).shape
        (1, 2, 5, 5, 5)
    """

    _rank = 3


class ReflectionPad1d(_ReflectionPad):
    """Continues the last axis by its mirror image, without the outer elements.

    Args:
        padding: widths: before and after the axis; one integer counts for all.
            Negative ones cut off.

    Raises:
        ValueError: other numbers of widths. From a call, if the input has other axes or a
            width is not below its axis.

    Source: `torch.nn.ReflectionPad1d`.

    Example:
        >>> nn.ReflectionPad1d(1)(fastdl.ones(1, 2, 3)).shape
        (1, 2, 5)
    """

    _rank = 1


class ReflectionPad2d(_ReflectionPad):
    """Continues the last two axes by its mirror image, without the outer elements.

    Args:
        padding: widths: left, right, top, bottom; one integer counts for all.
            Negative ones cut off.

    Raises:
        ValueError: other numbers of widths. From a call, if the input has other axes or a
            width is not below its axis.

    Source: `torch.nn.ReflectionPad2d`.

    Example:
        >>> nn.ReflectionPad2d(1)(fastdl.ones(1, 2, 3, 3)).shape
        (1, 2, 5, 5)
    """

    _rank = 2


class ReflectionPad3d(_ReflectionPad):
    """Continues the last three axes by its mirror image, without the outer elements.

    Args:
        padding: widths: left, right, top, bottom, front, back; one integer counts for all.
            Negative ones cut off.

    Raises:
        ValueError: other numbers of widths. From a call, if the input has other axes or a
            width is not below its axis.

    Source: `torch.nn.ReflectionPad3d`.

    Example:
        >>> nn.ReflectionPad3d(1)(fastdl.ones(1, 2, 3, 3, 3)).shape
        (1, 2, 5, 5, 5)
    """

    _rank = 3


class ReplicationPad1d(_ReplicationPad):
    """Continues the last axis by its outer elements.

    Args:
        padding: widths: before and after the axis; one integer counts for all.
            Negative ones cut off.

    Raises:
        ValueError: other numbers of widths. From a call, if the input has other axes.

    Source: `torch.nn.ReplicationPad1d`.

    Example:
        >>> nn.ReplicationPad1d(1)(fastdl.ones(1, 2, 3)).shape
        (1, 2, 5)
    """

    _rank = 1


class ReplicationPad2d(_ReplicationPad):
    """Continues the last two axes by its outer elements.

    Args:
        padding: widths: left, right, top, bottom; one integer counts for all.
            Negative ones cut off.

    Raises:
        ValueError: other numbers of widths. From a call, if the input has other axes.

    Source: `torch.nn.ReplicationPad2d`.

    Example:
        >>> nn.ReplicationPad2d(1)(fastdl.ones(1, 2, 3, 3)).shape
        (1, 2, 5, 5)
    """

    _rank = 2


class ReplicationPad3d(_ReplicationPad):
    """Continues the last three axes by its outer elements.

    Args:
        padding: widths: left, right, top, bottom, front, back; one integer counts for all.
            Negative ones cut off.

    Raises:
        ValueError: other numbers of widths. From a call, if the input has other axes.

    Source: `torch.nn.ReplicationPad3d`.

    Example:
        >>> nn.ReplicationPad3d(1)(fastdl.ones(1, 2, 3, 3, 3)).shape
        (1, 2, 5, 5, 5)
    """

    _rank = 3


class CircularPad1d(_CircularPad):
    """Continues the last axis by its other end.

    Args:
        padding: widths: before and after the axis; one integer counts for all.
            Negative ones cut off.

    Raises:
        ValueError: other numbers of widths. From a call, if the input has other axes or a
            width is larger than its axis.

    Source: `torch.nn.CircularPad1d`.

    Example:
        >>> nn.CircularPad1d(1)(fastdl.ones(1, 2, 3)).shape
        (1, 2, 5)
    """

    _rank = 1


class CircularPad2d(_CircularPad):
    """Continues the last two axes by its other end.

    Args:
        padding: widths: left, right, top, bottom; one integer counts for all.
            Negative ones cut off.

    Raises:
        ValueError: other numbers of widths. From a call, if the input has other axes or a
            width is larger than its axis.

    Source: `torch.nn.CircularPad2d`.

    Example:
        >>> nn.CircularPad2d(1)(fastdl.ones(1, 2, 3, 3)).shape
        (1, 2, 5, 5)
    """

    _rank = 2


class CircularPad3d(_CircularPad):
    """Continues the last three axes by its other end.

    Args:
        padding: widths: left, right, top, bottom, front, back; one integer counts for all.
            Negative ones cut off.

    Raises:
        ValueError: other numbers of widths. From a call, if the input has other axes or a
            width is larger than its axis.

    Source: `torch.nn.CircularPad3d`.

    Example:
        >>> nn.CircularPad3d(1)(fastdl.ones(1, 2, 3, 3, 3)).shape
        (1, 2, 5, 5, 5)
    """

    _rank = 3
