"""Results that are computed with NumPy instead of ops of the core, and their gradients."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._core import Tensor
from .watch import refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeAlias

    # From which inputs need a gradient, the inputs, the results and the results' gradients (None
    # is zero) to the gradients of the inputs (None is zero).
    Pullback: TypeAlias = Callable[
        [list[bool], list[Tensor], list[Tensor], list[Tensor | None]], Sequence[Tensor | None]
    ]


def outside(
    who: str, inputs: Sequence[Tensor], results: Sequence[np.ndarray], pullback: Pullback | None
) -> list[Tensor]:
    """Results of NumPy as float32 tensors, on the tape behind the inputs they were computed from.

    The pullback computes with tensors. It gets inputs and results that are on the tape if a second
    derivative is wanted, so a gradient can be differentiated again. A step that is being recorded
    runs eagerly, since a replay could not repeat the computation.

    Args:
        who: the function, for the notice of a step that is recorded.
        inputs: the tensors that the results depend on.
        results: arrays.
        pullback: the gradients; None if there is none.
    """
    refuse(f"{who} computes with NumPy")
    tensors = [_core.tensor(np.asarray(result, dtype=np.float32)) for result in results]
    if pullback is None:
        return tensors
    every = (1 << 16) - 1  # the pullback may read all of them

    def backward(
        ins: list[Tensor | None],
        outs: list[Tensor | None],
        gradients: list[Tensor | None],
        needs: list[bool],
    ) -> Sequence[Tensor | None]:
        return pullback(needs, ins, outs, gradients)  # type: ignore[arg-type]

    return _core.attach(inputs, tensors, backward, every, every, 0)


class _Mode(threading.local):
    shapes_only = False


_mode = _Mode()


@contextmanager
def shapes_only() -> Iterator[None]:
    """In this context functions are run for the shapes of their results.

    Arrays of values without a meaning must not be an error there, such as a matrix of zeros that
    has no inverse.
    """
    before, _mode.shapes_only = _mode.shapes_only, True
    try:
        yield
    finally:
        _mode.shapes_only = before


def only_shapes_matter() -> bool:
    """Whether the code runs within `shapes_only()`."""
    return _mode.shapes_only


def matrices(x: Tensor) -> np.ndarray:
    """The values as doubles; where only shapes matter, matrices with ones on the diagonal."""
    # In order, also those of images: callers compute in place in reshaped arrays.
    values = np.asarray(x.detach()).astype(np.float64, order="C")
    return values + np.eye(*values.shape[-2:]) if _mode.shapes_only else values
