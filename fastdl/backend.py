"""The few settings that Keras programs ask `keras.backend` for; here they are fixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .utils import clear_session

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


def backend() -> str:
    """The name of this backend."""
    return "fastdl"


def floatx() -> str:
    """The type of weights and computation: "float32"."""
    return "float32"


def set_floatx(value: DTypeLike) -> None:
    """Accepts "float32"; ValueError for other types."""
    if np.dtype(value) != np.float32:
        raise ValueError(f"set_floatx: networks compute in 'float32', got {value!r}")


def epsilon() -> float:
    """The small number that keeps Keras's divisions and logarithms finite: 1e-7."""
    return 1e-7


def image_data_format() -> str:
    """The order of an image's axes: "channels_last"."""
    return "channels_last"


__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "image_data_format",
    "set_floatx",
]
