"""The functions of `keras.backend`: settings, names of types, and questions about tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._base.checks import check_choice, check_number, shown
from ._base.dtypes import as_dtype
from ._base.promotion import is_float_dtype, is_int_dtype, result_type, standardize_dtype
from ._base.registry import next_uid
from ._base.scopes import get_stateless_scope as get_stateless_scope
from ._base.scopes import in_stateless_scope as in_stateless_scope
from ._base.scopes import in_symbolic_scope as in_symbolic_scope
from ._base.settings import settings
from ._graph.symbolic import is_keras_tensor
from .utils import clear_session

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


def backend() -> str:
    """The name of this backend.

    Example:
        >>> backend()
        'fastdl'
    """
    return "fastdl"


def floatx() -> str:
    """The type of weights and computation: "float32".

    Example:
        >>> floatx()
        'float32'
    """
    return "float32"


def set_floatx(value: DTypeLike) -> None:
    """Accepts "float32"; ValueError for other types.

    Example:
        >>> set_floatx("float32")
    """
    if as_dtype(value) != np.float32:
        raise ValueError(f"set_floatx: networks compute in 'float32', got {value!r}")


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite: 1e-7 unless set.

    Example:
        >>> epsilon()
        1e-07
    """
    return settings.epsilon


def set_epsilon(value: float) -> None:
    """Sets what losses, metrics and layers take as `epsilon()`. Optimizers have their own.

    Raises:
        ValueError: it is not above 0.

    Source: `keras.config.set_epsilon` of Keras 3.

    Example:
        >>> set_epsilon(1e-5)
        >>> epsilon()
        1e-05
        >>> set_epsilon(1e-7)
    """
    settings.epsilon = check_number("set_epsilon", "value", value, above=0.0)


def image_data_format() -> str:
    """The order of an image's axes where a layer is not told: "channels_last" unless set.

    Example:
        >>> image_data_format()
        'channels_last'
    """
    return settings.data_format


def set_image_data_format(data_format: str) -> None:
    """Sets the order of an image's axes for layers and functions that are not told one.

    Args:
        data_format: "channels_last" or "channels_first". Layers that exist keep theirs.

    Raises:
        ValueError: neither of the two.

    Source: `keras.config.set_image_data_format` of Keras 3.

    Example:
        >>> set_image_data_format("channels_first")
        >>> layers.GlobalMaxPooling2D()(np.zeros((2, 3, 4, 4))).shape
        (2, 3)
        >>> set_image_data_format("channels_last")
    """
    settings.data_format = check_choice(
        "set_image_data_format", "data_format", data_format, ("channels_last", "channels_first")
    )


def get_uid(prefix: str = "") -> int:
    """1 for the first call with a prefix, then 2, and so on; `clear_session` starts anew.

    Example:
        >>> get_uid("model"), get_uid("model")
        (1, 2)
    """
    if not isinstance(prefix, str):
        raise TypeError(f"get_uid: prefix: expected a text, got {shown(prefix)}")
    return next_uid(prefix)


__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]

if not TYPE_CHECKING:
    from ._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
