"""The search for the operation whose gradient is NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base.watch import user_line

if TYPE_CHECKING:
    from collections.abc import Callable


class set_detect_anomaly:
    """Sets whether `backward` looks for NaN; in a `with` block, until its end.

    Operations then remember the line of code that called them, and the first gradient that holds
    NaN although the gradients before it do not is a RuntimeError with the operation and that line.
    It makes everything slower, so it is for looking for a fault.

    Args:
        mode: True or False; takes effect at once.
        check_nan: False only remembers lines, as in PyTorch.

    Source: `torch.autograd.set_detect_anomaly`.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = _core.set_anomaly_detection(user_line if mode and check_nan else None)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        _core.set_anomaly_detection(self._before)


class detect_anomaly:
    """`set_detect_anomaly(True)` for a `with` block.

    Example:
        >>> x = fastdl.tensor(0.0, requires_grad=True)
        >>> with detect_anomaly():
        ...     y = fastdl.sqrt(x) * 0
        ...     try:
        ...         y.backward()
        ...     except RuntimeError as error:
        ...         print(str(error)[:64])
        backward: the gradient of sqrt for input 0 (shape ()) holds NaN;
    """

    def __init__(self, check_nan: bool = True) -> None:
        self._where = user_line if check_nan else None
        self._before: list[Callable[[], str] | None] = []

    def __enter__(self) -> None:
        self._before.append(_core.set_anomaly_detection(self._where))

    def __exit__(self, *exception: object) -> None:
        _core.set_anomaly_detection(self._before.pop())
